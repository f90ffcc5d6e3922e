//! The files of a run's folder that are made of its events.

use std::fs::File;
use std::io::BufReader;

use codeloops_event::Event;
use codeloops_session::{RoundFiles, RunFile, RunFolder, RunNotes, SessionReader};

use crate::support::fixtures;

fn events(name: &str) -> Vec<Event> {
    let path = fixtures("v1.0").join(format!("{name}.jsonl"));
    let file = File::open(&path).unwrap();
    SessionReader::new(&path, BufReader::new(file)).map(Result::unwrap).collect()
}

fn told(name: &str) -> (RunFile, Vec<RoundFiles>) {
    let mut notes: Option<RunNotes> = None;
    let mut rounds = Vec::new();
    for event in events(name) {
        if let Event::SessionStart(start) = &event {
            notes = Some(RunNotes::begin(start, None));
        }
        rounds.extend(notes.as_mut().unwrap().note(&event));
    }
    (notes.unwrap().run_file().clone(), rounds)
}

#[test]
fn run_json_names_what_was_called_and_what_it_came_to() {
    let (run, _) = told("approved");
    insta::assert_json_snapshot!(run);
}

#[test]
fn gate_json_weighs_what_is_known_of_a_round() {
    let (_, rounds) = told("approved");
    insta::assert_json_snapshot!(rounds[1].gate);
}

#[test]
fn a_run_that_was_resumed_has_the_calls_of_all_its_processes() {
    let (run, _) = told("resumed");
    let calls: Vec<_> =
        run.calls.iter().map(|call| (call.iteration, call.role, call.attempt)).collect();
    insta::assert_debug_snapshot!(calls);
}

#[test]
fn the_files_of_a_round_are_for_the_user_alone_and_are_replaced() {
    use std::os::unix::fs::PermissionsExt;

    let dir = tempfile::tempdir().unwrap();
    let (run, rounds) = told("approved");
    let folder = RunFolder::create(dir.path(), &run.run_id.unwrap()).unwrap();
    for _ in 0..2 {
        folder.write_round(&rounds[0]).unwrap();
    }
    let path = folder.path().join("iterations/1/gate.json");
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let read: codeloops_session::GateFile =
        serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    assert_eq!(read, rounds[0].gate);
    let red = folder.path().join("iterations/1/diagnose.json");
    assert!(!red.exists(), "nothing is to be mended");
}
