//! A run with gates: its baseline, and a round in which everything goes wrong that can.

use codeloops_event::{
    ApprovalVetoed, Decision, DiffSide, Event, Failure, FailureCategory, GateCompleted, GateResult,
    GateStarted, GateStatus, GateTreeChecked, Iteration, IterationEnd, StateRepeated, TamperKind,
    Tampering, TreeCheck,
};

use super::{at, bare_iteration, evidence, first_session, iteration_started};

pub(crate) fn gate_started(iteration: Iteration, gate: &str) -> Event {
    let gate = gate.to_owned();
    Event::GateStarted(GateStarted { timestamp: at(46_000), elapsed_ms: 46_000, iteration, gate })
}

pub(crate) fn gate_completed(iteration: Iteration, gate: GateResult) -> Event {
    Event::GateCompleted(Box::new(GateCompleted {
        timestamp: at(47_000),
        elapsed_ms: 47_000,
        iteration,
        gate,
    }))
}

pub(crate) fn gate(name: &str, status: GateStatus) -> GateResult {
    GateResult {
        status,
        exit_code: Some(if status.is_green() { 0 } else { 101 }),
        duration_secs: 4.2,
        output: Some(evidence(&format!("iterations/2/gates/{name}/output.log"))),
        ..GateResult::not_started(name.to_owned(), true)
    }
}

/// One that failed, and that nothing excuses.
pub(crate) fn blocking(name: &str, failures: Vec<Failure>, tail: &str) -> GateResult {
    let tail = tail.to_owned();
    GateResult { failures, tail, blocks: true, ..gate(name, GateStatus::Failed) }
}

pub(crate) fn failures(number: u32) -> Vec<Failure> {
    let failure = |at| Failure {
        category: FailureCategory::Test,
        file: Some("src/\u{1b}[31mlib.rs".to_owned()).filter(|_| at != 2),
        line: (at != 3).then_some(at),
        column: None,
        code: None,
        message: format!("assertion {at} failed\nleft: 1"),
    };
    (1..=number).map(failure).collect()
}

fn tampering(kind: TamperKind, line: Option<u32>) -> Tampering {
    let (file, text) = ("tests/api.rs".to_owned(), "assert_eq!(sum, 3);\u{1b}[2J".to_owned());
    Tampering { kind, file, line, side: DiffSide::Removed, text }
}

pub(crate) fn gate_tree_checked(gates: &[&str], check: TreeCheck) -> Event {
    Event::GateTreeChecked(Box::new(GateTreeChecked {
        timestamp: at(47_100),
        elapsed_ms: 47_100,
        iteration: 2,
        attempt: 1,
        gates: gates.iter().map(ToString::to_string).collect(),
        check,
    }))
}

/// What gates made of the tree.
pub(crate) fn changed_by_gates(restored: bool) -> TreeCheck {
    TreeCheck::Changed {
        kept_as: "refs/codeloops/01ARZ3NDEKTSV4RRFFQ69G5FAV/gates-2-1".to_owned(),
        tree: None,
        files: vec!["Cargo.lock".to_owned()],
        head_moved: false,
        index_changed: false,
        restored,
    }
}

pub(crate) fn vetoed(gates: &[&str], tampering: u64) -> Event {
    Event::ApprovalVetoed(Box::new(ApprovalVetoed {
        timestamp: at(48_400),
        elapsed_ms: 48_400,
        iteration: 2,
        gates: gates.iter().map(ToString::to_string).collect(),
        tampering,
    }))
}

pub(crate) fn state_repeated(earlier: &[Iteration]) -> Event {
    Event::StateRepeated(StateRepeated {
        timestamp: at(48_400),
        elapsed_ms: 48_400,
        iteration: 4,
        earlier: earlier.to_vec(),
    })
}

/// The end of a round that the gates decided: whether the critic had said DONE, or was not asked.
pub(crate) fn decided_by_gates(iteration: Iteration, was_asked: bool) -> Event {
    let told = "The gate `test` does not pass:\nassertion failed";
    let Event::Iteration(round) = bare_iteration(iteration, Decision::Continue, Some(told)) else {
        unreachable!()
    };
    Event::Iteration(Box::new(IterationEnd {
        critic_output: was_asked.then(|| "DECISION: DONE".to_owned()),
        critic_verdict: was_asked.then_some(Decision::Done),
        gates: vec![blocking("test", Vec::new(), "assertion failed")],
        ..*round
    }))
}

/// A diff with more signs of weakened checks than are told.
fn weakened() -> Event {
    let Some(Event::DiffCaptured(mut diff)) = first_session().into_iter().nth(4) else {
        unreachable!("it is the fifth event")
    };
    let kinds = [
        (TamperKind::AssertionRemoved, Some(12)),
        (TamperKind::TestDeleted, Some(20)),
        (TamperKind::TestSkipped, Some(30)),
        (TamperKind::LintLoosened, Some(3)),
        (TamperKind::ConfigChanged, None),
        (TamperKind::CiChanged, Some(1)),
    ];
    diff.tampering = kinds.map(|(kind, line)| tampering(kind, line)).to_vec();
    diff.more_tampering = 2;
    Event::DiffCaptured(diff)
}

/// A baseline, and rounds whose gates do whatever gates can do.
pub(crate) fn gates() -> Vec<Event> {
    let run = "01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap();
    let red = gate("lint", GateStatus::Failed);
    let long: String = (1..=12).map(|line| format!("line {line} \u{1b}[31m\n")).collect();
    vec![
        gate_started(0, "test"),
        gate_completed(0, gate("test", GateStatus::Passed)),
        gate_completed(0, GateResult { tail: "no lint\n".to_owned(), ..red.clone() }),
        iteration_started(2),
        weakened(),
        gate_started(2, "test"),
        gate_completed(2, gate("test", GateStatus::Passed)),
        gate_completed(2, gate("test", GateStatus::Flaky)),
        gate_completed(2, blocking("test", failures(7), "not shown")),
        gate_completed(2, blocking("test", Vec::new(), &long)),
        gate_completed(2, GateResult { baseline: Some(GateStatus::Failed), ..red.clone() }),
        gate_completed(
            2,
            GateResult {
                baseline: Some(GateStatus::Failed),
                worse: true,
                ..blocking("lint", failures(1), "")
            },
        ),
        gate_completed(2, GateResult { required: false, exit_code: None, ..red.clone() }),
        gate_completed(2, GateResult { kept_from: Some(run), ..gate("kept", GateStatus::Passed) }),
        gate_completed(2, GateResult { interrupted: true, tail: long, ..red }),
        gate_completed(2, gate("slow", GateStatus::TimedOut)),
        gate_completed(2, gate("none", GateStatus::NotStarted)),
        gate_tree_checked(&["test"], TreeCheck::Unchanged),
        gate_tree_checked(&["test"], changed_by_gates(true)),
        gate_tree_checked(&["test", "lint"], changed_by_gates(false)),
        gate_tree_checked(&["test"], TreeCheck::Failed { error: "disk full".to_owned() }),
        vetoed(&["test"], 0),
        vetoed(&["test", "lint"], 1),
        vetoed(&[], 3),
        decided_by_gates(2, true),
        iteration_started(4),
        state_repeated(&[2]),
        state_repeated(&[1, 2, 3]),
        decided_by_gates(4, false),
    ]
}
