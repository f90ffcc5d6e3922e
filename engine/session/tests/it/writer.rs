//! A live session file.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use codeloops_event::{AgentOutput, Event, OutputStream, Role};
use codeloops_session::{SessionWriter, WriteError};

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
    let dir = tempfile::tempdir().unwrap();
    let ids = std::thread::scope(|scope| {
        let race: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| SessionWriter::create(dir.path(), &start("same")).unwrap()))
            .collect();
        race.into_iter().map(|t| t.join().unwrap().id().clone()).collect::<Vec<_>>()
    });
    assert_eq!(std::collections::BTreeSet::from_iter(&ids).len(), 8, "{ids:?}");
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
        text: "thinking".to_owned(),
        skipped_bytes: 0,
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
