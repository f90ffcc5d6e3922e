//! A live session file.

use std::collections::BTreeSet;
use std::fs::File;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Command;

use codeloops_event::{AgentOutput, Event, Item, OutputStream, Role};
use codeloops_session::{SessionFilter, SessionStore, SessionWriter, StoreError, WriteError};

use crate::support::{end, start};

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn two_sessions_of_the_same_second_have_a_file_each() {
    let dir = tempfile::tempdir().unwrap();
    let mut writers: Vec<_> =
        (0..3).map(|_| SessionWriter::create(dir.path(), &start("same")).unwrap()).collect();
    let stem = writers[0].id().to_string();
    assert_eq!(writers[1].id().as_str(), format!("{stem}-2"));
    assert_eq!(writers[2].id().as_str(), format!("{stem}-3"));
    writers[1].append(&end("success", 0, 1.0)).unwrap();
    let lines = |path| std::fs::read_to_string(path).unwrap().lines().count();
    assert_eq!(writers.iter().map(|w| lines(w.path())).collect::<Vec<_>>(), [1, 2, 1]);
}

#[test]
fn writers_that_race_for_a_name_get_one_each() {
    for _ in 0..50 {
        let dir = tempfile::tempdir().unwrap();
        let create = || SessionWriter::create(dir.path(), &start("same")).unwrap().id().clone();
        let ids: BTreeSet<_> = std::thread::scope(|scope| {
            let race: Vec<_> = (0..8).map(|_| scope.spawn(create)).collect();
            race.into_iter().map(|writer| writer.join().unwrap()).collect()
        });
        assert_eq!(ids.len(), 8, "{ids:?}");
    }
}

#[test]
fn only_the_user_can_read_a_session() {
    let dir = tempfile::tempdir().unwrap();
    let sessions = dir.path().join("share/codeloops/sessions");
    let writer = SessionWriter::create(&sessions, &start("secret")).unwrap();
    assert_eq!(mode(writer.path()), 0o600);
    assert_eq!(mode(&sessions), 0o700);
    assert_eq!(mode(sessions.parent().unwrap()), 0o700);
}

#[test]
fn chatter_is_left_out_and_a_second_start_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = SessionWriter::create(dir.path(), &start("x")).unwrap();
    let before = std::fs::read(writer.path()).unwrap();
    let chatter = AgentOutput {
        role: Role::Actor,
        stream: OutputStream::Stdout,
        skipped_bytes: 0,
        items: vec![Item::Reasoning { text: "hm".to_owned() }],
    };
    writer.append(&Event::AgentOutput(chatter)).unwrap();
    let second = writer.append(&Event::SessionStart(Box::new(start("x"))));
    assert!(matches!(second, Err(WriteError::SecondStart { .. })));
    assert_eq!(std::fs::read(writer.path()).unwrap(), before);
}

#[test]
fn errors_name_the_path_and_the_cause() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    std::fs::write(&file, "").unwrap();
    let error = SessionWriter::create(&file.join("sessions"), &start("x")).err().unwrap();
    assert!(matches!(error, WriteError::CreateDir { .. }));
    let text = error.to_string();
    assert!(text.starts_with("could not create sessions directory `"), "{text}");
    assert!(text.contains("Not a directory"), "{text}");
}

/// A limit on the size of files kills a process in the middle of a write. It must be one of its own.
#[test]
fn a_process_killed_in_its_first_line_leaves_no_session() {
    const FOLDER: &str = "KILLED_IN_FIRST_LINE";
    if let Some(dir) = std::env::var_os(FOLDER) {
        drop(SessionWriter::create(Path::new(&dir), &start(&"long ".repeat(100_000))));
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let mut killed = Command::new("sh");
    killed.args(["-c", "ulimit -c 0; ulimit -f 16; exec \"$@\"", "sh"]);
    killed.arg(std::env::current_exe().unwrap()).args(["--exact", "--nocapture"]);
    killed.arg("writer::a_process_killed_in_its_first_line_leaves_no_session");
    let killed = killed.env(FOLDER, dir.path()).output().unwrap();
    assert!(killed.status.signal().is_some(), "{killed:?}");

    let store = SessionStore::at(dir.path());
    let list = store.list_sessions(&SessionFilter::default()).unwrap();
    assert!(list.sessions.is_empty() && list.warnings.is_empty(), "{list:?}");
    assert!(matches!(store.resolve("latest"), Err(StoreError::NoSessions { .. })));
    assert!(matches!(store.resolve("2026"), Err(StoreError::NotFound { .. })));

    // What it left goes with the next session; what a live one has not named yet stays.
    std::fs::write(dir.path().join("notes.draft"), "of the user").unwrap();
    let live = dir.path().join(".2026-03-02T09-00-00Z_00aa11.draft");
    let live = (File::create(&live).unwrap(), live);
    live.0.try_lock().unwrap();
    let next = SessionWriter::create(dir.path(), &start("next")).unwrap();
    let mut left: Vec<_> =
        std::fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    left.sort();
    assert_eq!(left, [live.1, next.path().to_owned(), dir.path().join("notes.draft")]);
}
