//! Whatever an agent prints is decoded, in whatever pieces it arrives.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| codeloops_adapters::testing::fuzz_decoder(bytes));
