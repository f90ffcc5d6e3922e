//! Whatever happens, in whatever order, the machine upholds its invariants.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| codeloops_machine::testing::run_ops(bytes));
