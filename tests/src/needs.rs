//! What a test needs of the machine that it runs on. Where that is missing the test says so; on CI,
//! where nobody reads what a test that passed has printed, it fails.

use std::process::{Command, Stdio};

/// Whether a program is there.
///
/// # Panics
/// On CI, where it is not.
#[must_use]
#[track_caller]
pub fn has(program: &str) -> bool {
    let found = answers(program);
    if !found {
        not_tested(&format!("`{program}` is missing"));
    }
    found
}

/// Whether a program is there and tells its version.
#[must_use]
pub fn answers(program: &str) -> bool {
    // tmux knows no other.
    let asks = if program == "tmux" { "-V" } else { "--version" };
    let mut command = Command::new(program);
    let answer = command.arg(asks).stdout(Stdio::null()).stderr(Stdio::null()).status();
    answer.is_ok_and(|status| status.success())
}

/// Tells what could not be tested.
///
/// # Panics
/// On CI.
#[track_caller]
pub fn not_tested(why: &str) {
    let is_ci = std::env::var("CI").is_ok_and(|ci| ci == "true");
    assert!(!is_ci, "not tested, which CI does not allow: {why}");
    told(why);
}

/// Tells what could not be tested, where another test shows the same by other means.
#[expect(clippy::print_stderr, reason = "what was left out is told")]
pub fn told(why: &str) {
    eprintln!("NOT TESTED: {why}");
}
