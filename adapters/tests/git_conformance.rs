//! What every way of working with a repository must do alike.

#[path = "git/check.rs"]
mod check;
#[path = "git/content.rs"]
mod content;
#[path = "git/history.rs"]
mod history;
#[path = "git/kinds.rs"]
mod kinds;
#[path = "git/open.rs"]
mod open;
#[path = "git/repo.rs"]
mod repo;
#[path = "git/traps.rs"]
mod traps;

/// Runs a test once for each way.
#[track_caller]
fn each_way(test: impl Fn(codeloops_adapters::git::Way)) {
    for way in repo::WAYS {
        eprintln!("way: {way:?}");
        test(way);
    }
}
