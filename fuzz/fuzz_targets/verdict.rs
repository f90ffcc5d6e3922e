//! Whatever a critic answers is read the same way twice, and never where it is quoted.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| codeloops_machine::verdict::fuzz_one(bytes));
