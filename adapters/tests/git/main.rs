//! What every way of working with a repository must do alike.

#![expect(clippy::unwrap_used, reason = "what a test needs and does not get fails it")]
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "tells which way failed or was not tested"
)]

mod check;
mod content;
mod damage;
mod gates;
mod history;
mod kinds;
mod moved;
mod open;
mod put_back;
mod refs;
mod repo;
mod shared;
mod tamper;
mod traps;
mod unreadable;

/// Runs a test once for each way.
#[track_caller]
fn each_way(test: impl Fn(codeloops_adapters::git::Way)) {
    for way in repo::WAYS {
        eprintln!("way: {way:?}");
        test(way);
    }
}
