//! What a run left: its session file, read by the reader that users have, and always checked.

use std::path::{Path, PathBuf};

use codeloops_event::Event;
use codeloops_machine::{invariants, replay};
use codeloops_session::SessionReader;

/// The session files of a data directory, in the order of their names.
#[must_use]
pub fn session_files(data_dir: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(data_dir.join("sessions")) else { return Vec::new() };
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "jsonl"));
    files.sort();
    files
}

/// The events of a session file, once all that must hold for them is seen to hold.
///
/// # Panics
/// Where the file cannot be read, an invariant is broken, or the recorded facts lead the machine
/// to other decisions than those recorded.
#[must_use]
#[track_caller]
pub fn checked_events(path: &Path) -> Vec<Event> {
    let reader = SessionReader::open(path).unwrap();
    let events: Vec<Event> = reader.map(Result::unwrap).collect();
    let shown = path.display();
    if let Err(violation) = invariants::check(&events) {
        panic!("`{shown}`: {violation}");
    }
    if let Err(divergence) = replay::verify(&events) {
        panic!("`{shown}` does not replay: {divergence:#?}");
    }
    events
}
