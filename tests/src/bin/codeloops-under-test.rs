//! codeloops as its users start it, but with counted time and nonces, so that what it writes can be
//! compared word for word.

use std::process::ExitCode;

use codeloops::{World, main_with};
use codeloops_tests::counted::{Counted, run_ids};

fn main() -> ExitCode {
    let (clock, ids) = Counted::clock_and_ids();
    main_with(std::env::args_os(), World { clock, ids, run_ids: run_ids(), ..World::real() })
}
