//! codeloops exactly as its users have it, with real time and ids.

use std::process::ExitCode;

use codeloops::{World, main_with};

fn main() -> ExitCode {
    main_with(std::env::args_os(), World::real())
}
