//! For tests and fuzz targets: any session, and what must hold for any file.

mod strategies;

use std::io::Cursor;
use std::path::Path;

use codeloops_event::Event;

use crate::reader::{ReadError, SessionReader, Warning};

pub use strategies::{any_event, any_iteration, any_session, any_session_end, any_session_start};

/// What a reader makes of some bytes.
#[derive(Debug)]
pub struct ReadBack {
    /// The events before the end or the error.
    pub events: Vec<Event>,
    /// The warning, if there was one.
    pub warning: Option<Warning>,
    /// Why reading stopped before the end.
    pub error: Option<ReadError>,
}

/// Reads bytes as a session file.
#[must_use]
pub fn read_back(bytes: &[u8]) -> ReadBack {
    let mut reader = SessionReader::new(Path::new("fuzzed.jsonl"), Cursor::new(bytes));
    let (mut events, mut error) = (Vec::new(), None);
    for event in reader.by_ref() {
        match event {
            Ok(event) => events.push(event),
            Err(e) => error = Some(e),
        }
    }
    ReadBack { events, warning: reader.into_warning(), error }
}

/// The body of a fuzz target: whatever the bytes are, reading them does not panic, the first event
/// is the start, and a part of them reads as a part of the events.
///
/// # Panics
///
/// Where that does not hold.
pub fn fuzz_reader(bytes: &[u8]) {
    let whole = read_back(bytes);
    assert_begins_with_start(&whole);
    let cut_at = bytes.len() - bytes.len().min(cut_len(bytes));
    assert_prefix(&whole, &read_back(&bytes[..cut_at]));
}

/// Asserts that a file cut short reads as the beginning of the whole.
///
/// # Panics
///
/// Where it does not.
pub fn assert_prefix(whole: &ReadBack, cut: &ReadBack) {
    assert_begins_with_start(cut);
    // A damaged line may become a good one by losing its end, but only the last one.
    let may_differ = usize::from(whole.error.is_some());
    let sure = cut.events.len().saturating_sub(may_differ);
    assert!(whole.events.starts_with(&cut.events[..sure]), "{:?}\n{:?}", whole.events, cut.events);
    assert!(cut.error.is_none() || cut.warning.is_none(), "torn and damaged: {cut:?}");
}

fn assert_begins_with_start(read: &ReadBack) {
    match read.events.first() {
        Some(first) => assert!(matches!(first, Event::SessionStart(_)), "{first:?}"),
        None => assert!(read.error.is_some(), "no start and no error"),
    }
}

/// How many bytes to cut off, as the bytes themselves say.
fn cut_len(bytes: &[u8]) -> usize {
    bytes.iter().rev().take(2).fold(0, |len, b| len * 256 + usize::from(*b))
}
