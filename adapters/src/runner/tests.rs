//! Decoders and outcomes on recordings of the real programs (`tests/transcripts`; Cursor's is made
//! from its documentation).

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::ExitStatus;

use chrono::DateTime;
use codeloops_event::{AgentOutcome, Item, Role};

use super::outcome::{Facts, outcome};
use crate::agents::builtin;
use crate::decode::{Decoded, Decoder, Ending, Reading};
use crate::process::Cause;
use crate::spec::AgentSpec;

struct Recording {
    name: String,
    spec: AgentSpec,
    stdout: Vec<u8>,
    stderr: String,
    status: i32,
}

impl Recording {
    fn all() -> Vec<Self> {
        let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/transcripts");
        let mut all = Vec::new();
        for spec in builtin() {
            let entries = fs::read_dir(root.join(&spec.id)).unwrap();
            let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
            paths.retain(|path| path.extension().is_some_and(|ending| ending == "stdout"));
            paths.sort();
            all.extend(paths.into_iter().map(|path| Self::read(spec.clone(), path)));
        }
        all
    }

    fn read(spec: AgentSpec, path: PathBuf) -> Self {
        let read = |ending| fs::read_to_string(path.with_extension(ending)).unwrap();
        Self {
            name: format!("{}/{}", spec.id, path.file_stem().unwrap().display()),
            stdout: fs::read(&path).unwrap(),
            stderr: read("stderr"),
            status: read("exit").trim().parse().unwrap(),
            spec,
        }
    }

    /// What the first bytes of it come to, fed in chunks of this size.
    fn decode(&self, bytes: usize, chunk: usize) -> (AgentOutcome, Decoded) {
        let mut decoder = Decoder::new(self.spec.output);
        for chunk in self.stdout[..bytes].chunks(chunk) {
            decoder.push_shown(chunk);
            decoder.push(chunk);
        }
        let decoded = decoder.finish(&self.stderr);
        let facts = Facts {
            printed: bytes > 0,
            disputed: decoded.disputed,
            ..facts(Role::Actor, self.status)
        };
        (outcome(&facts, &self.spec, decoded.reading.clone(), &self.stderr), decoded)
    }

    fn whole(&self) -> (AgentOutcome, Decoded) {
        self.decode(self.stdout.len(), usize::MAX)
    }
}

/// Of a program that printed something and ended at noon of 21 November 2026, by a signal where the
/// status is negative.
pub(super) fn facts(role: Role, status: i32) -> Facts {
    let raw = if status < 0 { -status } else { status << 8 };
    Facts {
        role,
        cause: Cause::Own,
        goes_on: false,
        status: Ok(ExitStatus::from_raw(raw)),
        now: DateTime::parse_from_rfc3339("2026-11-21T12:00:00Z").unwrap(),
        printed: true,
        disputed: false,
    }
}

#[test]
fn outcome_text_session_and_usage_of_each_recording() {
    let mut told = Vec::new();
    for recording in Recording::all() {
        let (outcome, decoded) = recording.whole();
        let session = if decoded.session.is_some() { "session" } else { "no session" };
        told.push(format!("{}: {outcome:?}, {session}", recording.name));
        told.push(format!("  {:?}", decoded.text));
        told.extend(decoded.told.map(|told| format!("  {told:?}")));
    }
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn every_item_of_each_recording() {
    let mut told = Vec::new();
    for recording in Recording::all() {
        let items = Decoder::new(recording.spec.output).push(&recording.stdout);
        told.push(format!("{}:", recording.name));
        told.extend(items.iter().map(|item| format!("  {}", serde_json::to_string(item).unwrap())));
    }
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn chunks_do_not_matter() {
    for recording in Recording::all() {
        for chunk in [1, 7, 4096] {
            let decoded = recording.decode(recording.stdout.len(), chunk);
            assert_eq!(decoded, recording.whole(), "{}", recording.name);
        }
    }
}

/// At every byte, so also within a character, a word and a number.
#[test]
fn a_stream_that_is_cut_anywhere_is_no_success() {
    for recording in Recording::all() {
        let last_line = recording.stdout.trim_ascii_end().len();
        for cut in 0..last_line {
            let (outcome, _) = recording.decode(cut, usize::MAX);
            assert!(!outcome.is_whole(), "{} cut at {cut}: {outcome:?}", recording.name);
        }
    }
}

#[test]
fn bytes_that_are_no_text_do_not_cost_the_answer() {
    for recording in Recording::all().into_iter().filter(|r| r.status == 0) {
        let (outcome, decoded) = recording.whole();
        let at = decoded.text.chars().next().map(|c| (c, decoded.text.len()));
        let Some((first, _)) = at.filter(|_| outcome == AgentOutcome::Completed) else { continue };
        // The first letter of the answer becomes a byte that is no UTF-8, wherever it stands.
        let json = serde_json::to_string(&decoded.text).unwrap();
        let answer = &json.as_bytes()[1..json.len() - 1];
        let mut broken = recording.stdout.clone();
        let finder = memchr::memmem::Finder::new(answer);
        let places: Vec<usize> = finder.find_iter(&recording.stdout).collect();
        places.iter().for_each(|place| broken[*place] = 0xff);
        if places.is_empty() || !first.is_ascii() {
            continue;
        }
        let broken = Recording { stdout: broken, ..recording };
        let (outcome, decoded) = broken.whole();
        assert_eq!(outcome, AgentOutcome::Completed, "{}", broken.name);
        assert!(decoded.text.starts_with('\u{fffd}'), "{}", broken.name);
    }
}

#[test]
fn messages_of_the_program_itself_are_the_text_where_there_is_no_other() {
    let spec = builtin().remove(0);
    let mut decoder = Decoder::new(spec.output);
    let items = decoder.push(b"Login required\n{\"type\":\"unheard-of\"}\n{broken\n");
    assert_eq!(items, [Item::Printed { text: "Login required\n{broken\n".to_owned() }]);
    assert_eq!(decoder.finish("").text, "Login required\n{broken\n");
}

/// Whoever runs a program of the actor's, as a critic does with its tests, hands it the pipe.
#[test]
fn what_a_stream_says_after_its_end_disputes_it_and_no_recording_does() {
    let mut added = 0;
    for recording in Recording::all() {
        let (_, decoded) = recording.whole();
        assert!(!decoded.disputed, "{}", recording.name);
        if !matches!(decoded.reading, Reading::Events(Ending::Done { .. })) {
            continue;
        }
        let mut decoder = Decoder::new(recording.spec.output);
        decoder.push(&recording.stdout);
        decoder.push(b"\n");
        decoder.push(&recording.stdout);
        let decoded = decoder.finish("");
        assert!(decoded.disputed, "{}", recording.name);
        let facts = |role| Facts { disputed: true, ..facts(role, 0) };
        let outcome = |role| outcome(&facts(role), &recording.spec, decoded.reading.clone(), "");
        assert!(matches!(outcome(Role::Critic), AgentOutcome::Failed { .. }), "{}", recording.name);
        assert!(outcome(Role::Actor).is_whole(), "{}", recording.name);
        added += 1;
    }
    assert!(added >= 5, "{added} recordings end well");
}
