//! A session that is gone on with.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

use codeloops_event::Event;
use codeloops_session::testing::read_back;
use codeloops_session::{ReopenError, ReopenedSession, SessionId, SessionWriter};

use crate::support::{end, start};

/// A session of two lines, and what its process wrote of a third.
fn broken_off(dir: &Path, torn: &str) -> SessionId {
    let mut writer = SessionWriter::create(dir, &start("x")).unwrap();
    writer.append(&end("failed", 0, 1.0)).unwrap();
    let id = writer.id().clone();
    let mut file = OpenOptions::new().append(true).open(writer.path()).unwrap();
    file.write_all(torn.as_bytes()).unwrap();
    id
}

fn names(dir: &Path, id: &SessionId) -> Vec<&'static str> {
    let read = read_back(&std::fs::read(id.file_in(dir)).unwrap());
    assert!(read.error.is_none() && read.warning.is_none(), "{read:?}");
    read.events.iter().map(Event::name).collect()
}

#[test]
fn it_goes_on_after_its_last_whole_line() {
    let unknown = r#"{"type":"comet_seen"}"#;
    for torn in ["", "{\"type\":\"session_end\",\"outc", "\0\0\0", unknown] {
        let dir = tempfile::tempdir().unwrap();
        let id = broken_off(dir.path(), torn);
        let before = std::fs::read(id.file_in(dir.path())).unwrap();

        let reopened = ReopenedSession::open(id.clone(), dir.path()).unwrap();
        let events: Vec<_> =
            reopened.events().unwrap().map(|event| event.unwrap().name()).collect();
        assert_eq!(events, ["session_start", "session_end"]);
        assert_eq!(std::fs::read(id.file_in(dir.path())).unwrap(), before, "only read so far");

        let mut writer = reopened.into_writer().unwrap();
        writer.append(&end("success", 0, 2.0)).unwrap();
        assert_eq!(names(dir.path(), &id), ["session_start", "session_end", "session_end"]);
    }
}

#[test]
fn a_whole_last_line_without_its_line_feed_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    let id = broken_off(dir.path(), &serde_json::to_string(&end("failed", 0, 3.0)).unwrap());
    let reopened = ReopenedSession::open(id.clone(), dir.path()).unwrap();
    reopened.into_writer().unwrap().append(&end("success", 0, 4.0)).unwrap();
    assert_eq!(names(dir.path(), &id).len(), 4);
}

#[test]
fn only_one_can_go_on_with_it() {
    let dir = tempfile::tempdir().unwrap();
    let id = broken_off(dir.path(), "");
    let first = ReopenedSession::open(id.clone(), dir.path()).unwrap();
    let second = ReopenedSession::open(id.clone(), dir.path());
    assert!(matches!(second, Err(ReopenError::Running { .. })));
    let writer = first.into_writer().unwrap();
    let third = ReopenedSession::open(id.clone(), dir.path());
    assert!(matches!(third, Err(ReopenError::Running { .. })), "the writer holds it");
    drop(writer);
    assert!(ReopenedSession::open(id, dir.path()).is_ok());
}
