//! The evidence folder of a run.

use std::os::unix::fs::PermissionsExt;

use codeloops_event::{Event, Evidence, RunId};
use codeloops_session::{EvidenceError, RunFile, RunFolder, Session, SessionWriter};

use crate::support::{session_end, start};

fn run_id() -> RunId {
    "01KJP0000000000000000000A1".parse().unwrap()
}

#[test]
fn run_json_tells_where_a_run_began_and_how_it_ended() {
    let dir = tempfile::tempdir().unwrap();
    let folder = RunFolder::create(&dir.path().join("data/runs"), &run_id()).unwrap();
    let mut start = start("x");
    start.run_id = Some(run_id());
    start.commit_sha = Some("4f".repeat(20));
    start.branch = Some("main".to_owned());
    start.actor_model = Some("sonnet".to_owned());
    let run = RunFile::started(&start, Some(&"2026-03-02T09-00-00Z_2d7116".parse().unwrap()));
    folder.write_run_file(&run).unwrap();
    assert_eq!(folder.read_run_file().unwrap(), run);

    let mut ended = run;
    let end = session_end("max_iterations_reached", 5, 61.5);
    ended.note(&Event::SessionEnd(Box::new(end)));
    folder.write_run_file(&ended).unwrap();
    assert_eq!(folder.read_run_file().unwrap(), ended);
    insta::assert_snapshot!(std::fs::read_to_string(folder.path().join("run.json")).unwrap());

    let names: Vec<_> =
        std::fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(names, ["run.json"], "a draft was left behind");
}

#[test]
fn two_runs_never_share_a_folder_and_nobody_else_looks_in() {
    let dir = tempfile::tempdir().unwrap();
    let folder = RunFolder::create(dir.path(), &run_id()).unwrap();
    let mode = std::fs::metadata(folder.path()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    let second = RunFolder::create(dir.path(), &run_id());
    assert!(matches!(second, Err(EvidenceError::Write { .. })));
}

#[test]
fn a_session_tells_where_its_evidence_is_and_when_it_is_gone() {
    let dir = tempfile::tempdir().unwrap();
    let (elsewhere, beside) = (dir.path().join("elsewhere"), dir.path().join("runs"));
    let mut start = start("x");
    start.run_id = Some(run_id());
    start.evidence_dir = Some(elsewhere.to_str().unwrap().to_owned());
    let writer = SessionWriter::create(&dir.path().join("sessions"), &start).unwrap();
    let kept = || {
        let evidence = Session::read(writer.id().clone(), writer.path()).unwrap().evidence.unwrap();
        (evidence.path, evidence.exists)
    };
    let shown = |path: &std::path::Path| path.to_str().unwrap().to_owned();
    assert_eq!(kept(), (shown(&elsewhere), false));
    let default = RunFolder::create(&beside, &run_id()).unwrap();
    assert_eq!(kept(), (shown(default.path()), true));
    std::fs::create_dir(&elsewhere).unwrap();
    assert_eq!(kept(), (shown(&elsewhere), true));
}

#[test]
fn a_draft_of_a_killed_run_is_not_in_the_way() {
    let dir = tempfile::tempdir().unwrap();
    let folder = RunFolder::create(dir.path(), &run_id()).unwrap();
    std::fs::write(folder.path().join(".run.json.draft"), "{").unwrap();
    let run = RunFile::started(&start("x"), None);
    folder.write_run_file(&run).unwrap();
    assert_eq!(folder.read_run_file().unwrap(), run);
}

#[test]
fn evidence_stays_in_its_folder() {
    let folder = RunFolder::at("/runs".as_ref(), &run_id());
    let file = |path: &str| {
        let sha256 = "0".repeat(64);
        folder.file(&Evidence {
            path: path.to_owned(),
            bytes: 0,
            sha256,
            dropped_bytes: 0,
            redacted: 0,
        })
    };
    let inside = file("iterations/1/actor.stdout").unwrap();
    assert_eq!(inside, folder.path().join("iterations/1/actor.stdout"));
    for path in ["", "/etc/passwd", "../other/run.json", "iterations/../../x", "."] {
        assert!(matches!(file(path), Err(EvidenceError::Outside { .. })), "{path}");
    }
}

#[test]
fn a_damaged_run_json_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let folder = RunFolder::create(dir.path(), &run_id()).unwrap();
    assert!(matches!(folder.read_run_file(), Err(EvidenceError::Read { .. })));
    std::fs::write(folder.path().join("run.json"), "{").unwrap();
    assert!(matches!(folder.read_run_file(), Err(EvidenceError::Damaged { .. })));
}
