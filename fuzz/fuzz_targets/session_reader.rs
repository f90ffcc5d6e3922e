//! Whatever a session file holds is read or refused, and a part of it as a part.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| codeloops_session::testing::fuzz_reader(bytes));
