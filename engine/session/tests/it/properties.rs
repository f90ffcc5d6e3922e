//! What holds for any session and for any damage to its file.

use std::collections::BTreeSet;

use codeloops_event::Event;
use codeloops_session::testing::{any_event, any_session, assert_prefix, fuzz_reader, read_back};
use codeloops_session::{Session, SessionWriter};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

/// Fails to compile when an event is new: it then needs an arm in `parse.rs`, a strategy in
/// `testing`, and a place in the format's reference.
fn is_recorded(event: &Event) -> bool {
    match event {
        Event::SessionStart(_)
        | Event::IterationStarted(_)
        | Event::ActorStarted(_)
        | Event::ActorCompleted(_)
        | Event::DiffCaptured(_)
        | Event::DiffFailed(_)
        | Event::GateStarted(_)
        | Event::GateCompleted(_)
        | Event::GateTreeChecked(_)
        | Event::ApprovalVetoed(_)
        | Event::StateRepeated(_)
        | Event::CriticStarted(_)
        | Event::CriticCompleted(_)
        | Event::TreeChecked(_)
        | Event::ReadAsText(_)
        | Event::TreeUnverified(_)
        | Event::VerdictReached(_)
        | Event::Waiting(_)
        | Event::WaitOver(_)
        | Event::StopRequested(_)
        | Event::SessionResumed(_)
        | Event::AnswerIgnored(_)
        | Event::EngineFailed(_)
        | Event::Iteration(_)
        | Event::SessionEnd(_) => true,
        Event::AgentOutput(_) => false,
    }
}

/// Types of lines between the first and the last.
const MIDDLE_TYPES: usize = 23;

fn lines(events: &[Event]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for event in events {
        assert!(is_recorded(event));
        serde_json::to_writer(&mut bytes, event).unwrap();
        bytes.push(b'\n');
    }
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_is_read(events in any_session()) {
        let dir = tempfile::tempdir().unwrap();
        let Event::SessionStart(start) = &events[0] else { panic!("no start") };
        let mut writer = SessionWriter::create(dir.path(), start).unwrap();
        for event in &events[1..] {
            writer.append(event).unwrap();
        }
        let bytes = std::fs::read(writer.path()).unwrap();
        prop_assert_eq!(&bytes, &lines(&events));

        let read = read_back(&bytes);
        prop_assert_eq!(&read.events, &events);
        prop_assert!(read.error.is_none() && read.warning.is_none());

        let session = Session::read(writer.id().clone(), writer.path()).unwrap();
        prop_assert_eq!(&session.start, &**start);
        prop_assert_eq!(session.end.is_some(), matches!(events.last(), Some(Event::SessionEnd(_))));
        let told: Vec<_> = session.rounds().filter_map(|(round, summary)| Some((round, summary?))).collect();
        prop_assert_eq!(told.len(), session.iterations.len());
        for (round, summary) in told {
            prop_assert_eq!(round.iteration, summary.iteration_number);
        }
    }

    /// The reader dispatches on the type itself, for speed; it must agree with the contract.
    #[test]
    fn a_line_reads_as_serde_reads_it(events in any_session()) {
        let bytes = lines(&events);
        let by_serde: Vec<Event> = bytes
            .split(|b| *b == b'\n')
            .filter(|line| !line.is_empty())
            .map(|line| serde_json::from_slice(line).unwrap())
            .collect();
        prop_assert_eq!(read_back(&bytes).events, by_serde);
    }

    #[test]
    fn a_file_cut_anywhere_reads_as_its_beginning(events in any_session(), at in any::<prop::sample::Index>()) {
        let bytes = lines(&events);
        let at = at.index(bytes.len() + 1);
        let (whole, cut) = (read_back(&bytes), read_back(&bytes[..at]));
        assert_prefix(&whole, &cut);

        let first_line = bytes.iter().position(|b| *b == b'\n').unwrap();
        prop_assert_eq!(cut.error.is_some(), at < first_line, "{:?}", cut.error);
        let whole_lines = bytes[..at].iter().filter(|b| **b == b'\n').count();
        prop_assert!(cut.events.len() >= whole_lines);
        let is_torn = at >= first_line && cut.events.len() == whole_lines
            && at > 0 && bytes[at - 1] != b'\n';
        prop_assert_eq!(cut.warning.is_some(), is_torn);
    }

    #[test]
    fn damage_is_told_and_never_panics(
        events in any_session(), at in any::<prop::sample::Index>(), flip in 1..=255u8,
    ) {
        let mut bytes = lines(&events);
        let at = at.index(bytes.len());
        bytes[at] ^= flip;
        fuzz_reader(&bytes);
        // What stands before the damaged line is read as it was.
        let before = bytes[..at].iter().filter(|b| **b == b'\n').count();
        prop_assert_eq!(&read_back(&bytes).events[..before.min(1)], &events[..before.min(1)]);
        prop_assert!(read_back(&bytes).events.starts_with(&events[..before]));
    }

    #[test]
    fn any_bytes_at_all(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        fuzz_reader(&bytes);
    }
}

#[test]
fn the_strategies_know_every_type() {
    let mut runner = TestRunner::deterministic();
    let strategy = any_event();
    let names: BTreeSet<&str> =
        (0..2000).map(|_| strategy.new_tree(&mut runner).unwrap().current().name()).collect();
    assert_eq!(names.len(), MIDDLE_TYPES, "{names:?}");
}
