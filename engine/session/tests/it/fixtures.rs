//! Files that an earlier release or another program wrote, frozen: they are read for ever.

use std::collections::BTreeSet;
use std::path::Path;

use codeloops_event::{Decision, Event, Outcome};
use codeloops_session::testing::read_back;
use codeloops_session::{
    ReadError, Session, SessionFilter, SessionReader, SessionStatus, SessionStore,
};
use serde_json::Value;

use crate::support::fixtures;

/// Types of lines in format 1.0.
const TYPES: usize = 21 + OF_NO_FROZEN_FILE;

/// Those that no frozen file holds: gates as they begin and what they changed, a veto, a repeated state.
const OF_NO_FROZEN_FILE: usize = 4;

#[track_caller]
fn check(name: &str) {
    let path = fixtures("v1.0").join(format!("{name}.jsonl"));
    let read = read_back(&std::fs::read(path).unwrap());
    insta::assert_debug_snapshot!(format!("v1.0-{name}"), read);
}

#[test]
fn an_approved_session_of_1_0() {
    check("approved");
}

#[test]
fn a_crashed_session_of_1_0() {
    check("crashed");
}

#[test]
fn an_interrupted_session_of_1_0() {
    check("interrupted");
}

#[test]
fn a_session_of_1_0_that_was_stopped_at_once_while_the_critic_worked() {
    check("stopped_at_once");
}

#[test]
fn a_failed_session_of_1_0() {
    check("failed");
}

#[test]
fn a_started_session_of_1_0() {
    check("started");
}

#[test]
fn a_session_of_1_0_whose_agents_printed_something_else() {
    check("read_as_text");
}

#[test]
fn a_session_of_1_0_that_two_more_processes_went_on_with() {
    check("resumed");
}

/// What `sessions show --json` gives of a session that had everything happen to it.
#[test]
fn the_rounds_of_a_session_are_told_call_by_call() {
    let store = SessionStore::at(fixtures("v1.0"));
    let approved = store.load_session("approved").unwrap();
    insta::assert_json_snapshot!("rounds-approved", approved.rounds[0]);
    let crashed = store.load_session("crashed").unwrap();
    insta::assert_json_snapshot!("rounds-crashed", crashed.rounds);
}

/// Together the frozen files hold every type, so a change of any line is noticed.
#[test]
fn frozen_sessions_hold_every_type() {
    let mut names = BTreeSet::new();
    for entry in std::fs::read_dir(fixtures("v1.0")).unwrap() {
        let read = read_back(&std::fs::read(entry.unwrap().path()).unwrap());
        names.extend(read.events.iter().map(Event::name));
    }
    assert_eq!(names.len(), TYPES - OF_NO_FROZEN_FILE, "{names:?}");
}

#[test]
fn sessions_of_other_programs_are_listed() {
    let store = SessionStore::at(fixtures("seed"));
    let list = store.list_sessions(&SessionFilter::default()).unwrap();
    assert!(list.warnings.is_empty(), "{:?}", list.warnings);
    insta::assert_json_snapshot!("seed-list", list.sessions);
}

#[test]
fn a_session_of_another_program_has_the_api_shape() {
    let store = SessionStore::at(fixtures("seed"));
    insta::assert_json_snapshot!("seed-complete", store.load_session("complete").unwrap());
}

#[test]
fn odd_words_of_the_peer_are_understood() {
    let store = SessionStore::at(fixtures("seed"));
    let session = store.load_session("peer_values").unwrap();
    assert_eq!(session.iterations[0].critic_decision, Decision::Done);
    assert_eq!(session.end.unwrap().outcome, Outcome::Interrupted);

    let filter = SessionFilter { outcome: Some(Outcome::Interrupted), ..Default::default() };
    let found: Vec<_> = store.list_sessions(&filter).unwrap().into_iter().collect();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].id.as_str(), "peer_values");
}

#[test]
fn odd_objects_of_the_peer_are_understood() {
    let session = SessionStore::at(fixtures("seed")).load_session("peer_objects").unwrap();
    let decisions: Vec<_> = session.iterations.iter().map(|round| round.critic_decision).collect();
    assert_eq!(decisions, [Decision::Continue, Decision::Done]);
    assert_eq!(session.end.unwrap().outcome, Outcome::Success);
}

#[test]
fn a_session_without_an_end_has_no_outcome() {
    let session = SessionStore::at(fixtures("seed")).load_session("unfinished").unwrap();
    assert!(session.end.is_none());
    assert_eq!(session.status, SessionStatus::Crashed);
}

fn error_of(content: &str) -> ReadError {
    let reader = SessionReader::new(Path::new("/s/x.jsonl"), content.as_bytes());
    reader.filter_map(Result::err).next().unwrap()
}

#[test]
fn unreadable_files_say_why() {
    let start = std::fs::read_to_string(fixtures("seed").join("unfinished.jsonl")).unwrap();
    let start = start.lines().next().unwrap();
    let texts = [
        error_of(""),
        error_of("\n\n"),
        error_of("# notes\n"),
        error_of(&start[..40]),
        error_of(r#"{"type":"iteration_started"}"#),
        error_of(r#"{"type":"session_start","prompt":1}"#),
        error_of(&start.replace(r#""max_iterations":"#, r#""max_iterations":1e999,"was":"#)),
        error_of(&start.replace(r#""max_iterations":"#, r#""max_iterations":01,"was":"#)),
        error_of(&start.replace(r#""max_iterations":"#, r#""max_iterations":-1,"was":"#)),
        error_of(r#"{"prompt":1,"type":"session_start"}"#),
        error_of("{\"type\":\"session_start\",\"prompt\":\n"),
        error_of(r#"{"type":"session_start","format_version":"2.0","goal":"all is new"}"#),
        error_of(&start.replace(r#""prompt""#, r#""format_version":"2.1","prompt""#)),
        error_of(r#"{"type":"session_start","format_version":"\u001b[2J"}"#),
        error_of(&format!("{start}\nnonsense\n")),
        error_of(&format!("{start}\n{{\"type\":\"session_end\",\"outcome\":\"\\u001b[2Jwon\"}}\n")),
        Session::read("x".parse().unwrap(), Path::new("/nowhere/\u{1b}x.jsonl")).unwrap_err(),
    ]
    .map(|error| error.to_string())
    .join("\n");
    insta::assert_snapshot!(texts);
}

fn reference() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/src/session-format.md");
    std::fs::read_to_string(path).unwrap()
}

/// The examples of the reference are lines that a session file can hold, one of every type.
#[test]
fn the_examples_of_the_reference_are_read() {
    let reference = reference();
    let blocks = reference.split("```json\n").skip(1);
    let lines: String = blocks.map(|block| block.split("```").next().unwrap()).collect();
    let read = read_back(lines.as_bytes());
    assert!(read.error.is_none() && read.warning.is_none(), "{read:?}");
    let names: BTreeSet<_> = read.events.iter().map(Event::name).collect();
    assert_eq!(names.len(), TYPES, "{names:?}");
}

/// Every field that a frozen file holds stands in the reference.
#[test]
fn the_reference_lists_every_field() {
    let reference = reference();
    let mut words = BTreeSet::new();
    for entry in std::fs::read_dir(fixtures("v1.0")).unwrap() {
        for line in std::fs::read_to_string(entry.unwrap().path()).unwrap().lines() {
            if let Ok(value) = serde_json::from_str(line) {
                collect_words(&value, &mut words);
            }
        }
    }
    words.retain(|word| !reference.contains(&format!("`{word}`")));
    assert!(words.is_empty(), "not in the reference: {words:?}");
}

/// Field names, and the words in those fields that choose a form.
fn collect_words(value: &Value, words: &mut BTreeSet<String>) {
    const CHOOSERS: [&str; 6] = ["type", "kind", "state", "ruling", "problem", "decision"];
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                words.insert(name.clone());
                if let (true, Some(word)) = (CHOOSERS.contains(&&**name), value.as_str()) {
                    words.insert(word.to_owned());
                }
                collect_words(value, words);
            }
        }
        Value::Array(values) => values.iter().for_each(|value| collect_words(value, words)),
        _ => {}
    }
}
