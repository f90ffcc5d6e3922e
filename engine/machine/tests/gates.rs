//! What gates make of a run: its baseline, what blocks an approval, who hears of it, and when it goes in
//! circles.

#![expect(clippy::unwrap_used, reason = "a test's helpers may panic")]

use codeloops_event::{
    AgentOutcome, CallId, CallKind, DiffSide, Event, FoundTree, GateResult, GateStatus,
    IterationEnd, OnGateFailure, Outcome, ResumedAt, SessionEnd, Settings, TamperKind,
    TamperPolicy, Tampering, TreeCheck, TreeId,
};
use codeloops_machine::testing::{
    Simulation, answers, changed_meanwhile, changed_tree, diff, gate, resumed, settings_from,
    test_failure,
};
use codeloops_machine::{GateReport, Input, PhaseName};

/// With the gates `lint` and `test`.
const GATES: u8 = 4;
const PARALLEL: u8 = 16;
const BASELINE: u8 = 64;

struct Run(Simulation);

impl Run {
    fn new(shape: u8, change: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = settings_from(shape);
        change(&mut settings);
        Self(Simulation::start(settings))
    }

    /// With one gate, and its baseline.
    fn with_one_gate(change: impl FnOnce(&mut Settings)) -> Self {
        Self::new(GATES | BASELINE, |settings| {
            settings.gates.remove(0);
            change(settings);
        })
    }

    fn awaited(&self) -> CallId {
        self.0.machine().awaited().unwrap()
    }

    fn give(&mut self, input: Input) -> &mut Self {
        self.0.give(input, 10).unwrap();
        self.0.check().unwrap();
        self
    }

    fn gate(&mut self, report: GateReport) -> &mut Self {
        let call = self.awaited();
        assert_eq!(call.kind, CallKind::Gate);
        self.give(Input::GateFinished { call, report: Box::new(report) })
    }

    fn checked(&mut self, check: TreeCheck) -> &mut Self {
        let call = self.awaited();
        self.give(Input::TreeChecked { call, check })
    }

    /// A gate that leaves the tree alone.
    fn gate_ends(&mut self, report: GateReport) -> &mut Self {
        self.gate(report).checked(TreeCheck::Unchanged)
    }

    fn passes(&mut self) -> &mut Self {
        self.gate_ends(gate(GateStatus::Passed))
    }

    fn fails(&mut self, tests: &[&str]) -> &mut Self {
        self.gate_ends(failing(tests))
    }

    fn actor_works(&mut self) -> &mut Self {
        assert_eq!(self.awaited().kind, CallKind::Actor);
        self.agent_ends("I did it")
    }

    fn captured(&mut self, tree: u32) -> &mut Self {
        let call = self.awaited();
        let diff = codeloops_event::CapturedDiff {
            tree: TreeId(format!("{tree:040}")),
            ..diff(call.iteration)
        };
        self.give(Input::DiffCaptured { call, diff: Box::new(diff) })
    }

    /// An actor's turn that leads to this tree.
    fn turn(&mut self, tree: u32) -> &mut Self {
        self.actor_works().captured(tree)
    }

    fn agent_ends(&mut self, text: &str) -> &mut Self {
        let said = |input: &Input| match input {
            Input::AgentFinished { report, .. } => {
                report.outcome == AgentOutcome::Completed && report.text.starts_with(text)
            }
            _ => false,
        };
        let answer = answers(self.awaited()).into_iter().find(said).unwrap();
        self.give(answer)
    }

    fn critic_says(&mut self, word: &str) -> &mut Self {
        assert_eq!(self.awaited().kind, CallKind::Critic);
        self.agent_ends(&format!("DECISION: {word}")).checked(TreeCheck::Unchanged)
    }

    fn last_round(&self) -> &IterationEnd {
        let round = self.0.events().iter().rev().find_map(|event| match event {
            Event::Iteration(round) => Some(round),
            _ => None,
        });
        round.unwrap()
    }

    fn end(&self) -> Option<&SessionEnd> {
        match self.0.events().last().unwrap() {
            Event::SessionEnd(end) => Some(end),
            _ => None,
        }
    }

    fn prompt(&self) -> String {
        self.0.called().unwrap().prompt.render()
    }

    fn results(&self) -> Vec<&GateResult> {
        let results = self.0.events().iter().filter_map(|event| match event {
            Event::GateCompleted(e) => Some(&e.gate),
            _ => None,
        });
        results.collect()
    }
}

fn failing(tests: &[&str]) -> GateReport {
    GateReport {
        failures: tests.iter().map(|name| test_failure(name)).collect(),
        ..gate(GateStatus::Failed)
    }
}

#[test]
fn a_done_over_a_gate_that_turned_red_is_no_approval() {
    let mut run = Run::with_one_gate(|_| {});
    run.passes().turn(1).fails(&["a"]).critic_says("DONE");
    let round = run.last_round();
    assert_eq!(round.critic_decision.as_str(), "CONTINUE");
    assert_eq!(round.critic_verdict.unwrap().as_str(), "DONE");
    let feedback = round.feedback.as_deref().unwrap();
    for told in [
        "`test`",
        "exit code 1",
        "it passed before the run began",
        "- a: assertion failed",
        "1 failed",
    ] {
        assert!(feedback.contains(told), "{told}: {feedback}");
    }
    let vetoed = run.0.events().iter().find_map(|event| match event {
        Event::ApprovalVetoed(e) => Some(e.gates.clone()),
        _ => None,
    });
    assert_eq!(vetoed.unwrap(), ["test"]);
    assert!(run.prompt().contains(feedback.lines().next().unwrap()), "{}", run.prompt());
}

#[test]
fn a_gate_that_was_red_before_blocks_only_if_it_got_worse() {
    let approved = |before: &[&str], now: &[&str]| {
        let mut run = Run::with_one_gate(|_| {});
        run.fails(before).turn(1).fails(now).critic_says("DONE");
        run.end().is_some_and(|end| end.outcome == Outcome::Success)
    };
    assert!(approved(&["a"], &["a"]));
    assert!(approved(&["a", "b"], &["b"]));
    assert!(approved(&[], &[]), "nothing could be read of it before, nor now");
    assert!(!approved(&["a"], &["b"]), "one mended, another broken");
    assert!(!approved(&["a"], &["a", "a"]), "twice as many of a kind");
    assert!(!approved(&[], &["a"]));
}

#[test]
fn where_not_all_failures_are_listed_their_number_tells() {
    let with_more = |more_failures| GateReport { more_failures, ..failing(&["a"]) };
    let approved = |before, now| {
        let mut run = Run::with_one_gate(|_| {});
        run.gate_ends(before).turn(1).gate_ends(now).critic_says("DONE");
        run.end().is_some()
    };
    assert!(approved(with_more(7), GateReport { more_failures: 7, ..failing(&["b"]) }));
    assert!(!approved(with_more(7), with_more(8)));
}

#[test]
fn a_gate_that_is_red_in_another_way_got_worse() {
    let approved = |before: GateReport, now: GateReport| {
        let mut run = Run::with_one_gate(|_| {});
        run.gate_ends(before).turn(1).gate_ends(now).critic_says("DONE");
        run.end().is_some()
    };
    let timed_out = || GateReport { exit_code: None, ..gate(GateStatus::TimedOut) };
    let exits = |code| GateReport { exit_code: Some(code), ..gate(GateStatus::Failed) };
    assert!(approved(timed_out(), timed_out()));
    assert!(!approved(timed_out(), exits(1)), "nobody saw it fail before");
    assert!(!approved(exits(1), timed_out()));
    assert!(approved(exits(1), exits(1)));
    assert!(!approved(exits(1), exits(2)), "nothing else tells the two apart");
}

/// A check that cannot run proves nothing, and an approval over it would be claimed and not proven.
#[test]
fn a_gate_that_did_not_run_is_not_excused() {
    let missing = GateReport { exit_code: Some(127), ..gate(GateStatus::Failed) };
    for report in [missing, GateReport::not_started("no such file".to_owned())] {
        let mut run = Run::with_one_gate(|_| {});
        run.gate_ends(report.clone()).turn(1).gate_ends(report).critic_says("DONE");
        assert!(run.end().is_none());
    }
}

#[test]
fn a_gate_of_which_nothing_can_be_read_any_more_got_worse() {
    let mut run = Run::with_one_gate(|_| {});
    run.fails(&["a"]).turn(1).fails(&[]).critic_says("DONE");
    assert!(run.end().is_none());
}

/// Such as one that formats what it complains about.
#[test]
fn a_gate_that_passes_only_after_it_changed_the_tree_is_no_proof() {
    let mut run = Run::with_one_gate(|_| {});
    run.passes().turn(1).gate(gate(GateStatus::Flaky)).checked(changed_tree('a', true));
    run.critic_says("DONE");
    let feedback = run.last_round().feedback.as_deref().unwrap();
    assert!(feedback.contains("only because of what it changed"), "{feedback}");
}

#[test]
fn an_approval_is_vetoed_in_a_state_that_came_back() {
    let mut run = Run::with_one_gate(|_| {});
    run.passes();
    for _ in 0..3 {
        run.turn(1).fails(&["a"]).critic_says("DONE");
    }
    assert_eq!(run.last_round().critic_decision.as_str(), "CONTINUE");
}

#[test]
fn a_gate_without_that_excuse_blocks_though_it_was_red() {
    let mut run = Run::with_one_gate(|settings| settings.gates[0].baseline = false);
    assert_eq!(run.awaited().kind, CallKind::Actor, "what it was before does not matter");
    run.turn(1).fails(&["a"]).critic_says("DONE");
    assert!(run.end().is_none());
}

#[test]
fn without_a_baseline_a_red_gate_blocks() {
    let mut run = Run::with_one_gate(|settings| settings.gate_policy.baseline = false);
    run.turn(1).fails(&["a"]).critic_says("DONE");
    assert!(run.end().is_none());
}

#[test]
fn a_gate_that_is_not_required_blocks_nothing_and_has_no_baseline() {
    let mut run = Run::with_one_gate(|settings| settings.gates[0].required = false);
    run.turn(1).fails(&["a"]).critic_says("DONE");
    assert_eq!(run.end().unwrap().outcome, Outcome::Success);
}

#[test]
fn a_flaky_gate_passes() {
    let mut run = Run::with_one_gate(|_| {});
    run.passes().turn(1).gate_ends(gate(GateStatus::Flaky)).critic_says("DONE");
    assert_eq!(run.end().unwrap().outcome, Outcome::Success);
    assert_eq!(run.last_round().gates[0].status, GateStatus::Flaky);
}

#[test]
fn the_actor_may_hear_at_once_and_the_critic_is_not_asked() {
    let mut run =
        Run::with_one_gate(|settings| settings.gate_policy.on_failure = OnGateFailure::Actor);
    run.passes().turn(1).fails(&["a"]);
    let round = run.last_round();
    assert_eq!(round.critic_decision.as_str(), "CONTINUE");
    assert_eq!((round.critic_verdict, &round.critic_output), (None, &None));
    assert_eq!(round.critic_duration_secs, None);
    assert!(round.feedback.as_deref().unwrap().starts_with("The gate `test` does not pass"));
    assert_eq!(run.awaited(), CallId { iteration: 2, kind: CallKind::Actor, attempt: 1 });
    run.turn(2).passes().critic_says("DONE");
    assert_eq!(run.end().unwrap().outcome, Outcome::Success);
}

#[test]
fn signs_of_weakened_checks_are_told_to_the_critic_and_may_block() {
    let approved = |policy| {
        let mut run = Run::new(0, |settings| settings.gate_policy.tamper = policy);
        run.actor_works();
        let call = run.awaited();
        let sign = Tampering {
            kind: TamperKind::TestSkipped,
            file: "src/lib.rs".to_owned(),
            line: Some(12),
            side: DiffSide::Added,
            text: "it.skip()".to_owned(),
        };
        let diff = codeloops_event::CapturedDiff { tampering: vec![sign], ..diff(1) };
        run.give(Input::DiffCaptured { call, diff: Box::new(diff) });
        let prompt = run.prompt();
        assert!(prompt.contains("- src/lib.rs:12: a test is skipped: it.skip()"), "{prompt}");
        run.critic_says("DONE");
        if run.end().is_none() {
            let feedback = run.last_round().feedback.clone().unwrap();
            assert!(feedback.contains("src/lib.rs:12"), "{feedback}");
        }
        run.end().is_some()
    };
    assert!(approved(TamperPolicy::Warn));
    assert!(!approved(TamperPolicy::Veto));
}

#[test]
fn a_round_that_ends_where_an_earlier_one_did_is_told_and_then_ends_the_run() {
    let mut run = Run::with_one_gate(|settings| settings.limits.stuck_after = 3);
    run.passes();
    run.turn(1).fails(&["a"]).critic_says("CONTINUE");
    run.turn(2).fails(&["a"]).critic_says("CONTINUE");
    assert!(!run.prompt().contains("circle"), "another tree");
    run.turn(1).fails(&["b"]).critic_says("CONTINUE");
    assert!(!run.prompt().contains("circle"), "another failure");
    run.turn(1).fails(&["a"]).critic_says("CONTINUE");
    assert!(run.prompt().contains("exactly what they had been after round 1"), "{}", run.prompt());
    run.turn(1).fails(&["a"]).critic_says("CONTINUE");
    let end = run.end().unwrap();
    assert_eq!((end.outcome, end.iterations), (Outcome::Stuck, 5));
    let earlier = run.0.events().iter().rev().find_map(|event| match event {
        Event::StateRepeated(e) => Some(e.earlier.clone()),
        _ => None,
    });
    assert_eq!(earlier.unwrap(), [1, 4]);
}

#[test]
fn gates_may_run_at_once_and_end_in_any_order() {
    let mut run = Run::new(GATES | PARALLEL, |_| {});
    run.turn(1);
    let calls = run.0.machine().awaited_calls();
    assert_eq!(calls.len(), 2);
    run.give(Input::GateFinished { call: calls[1], report: Box::new(failing(&["a"])) });
    assert_eq!(run.0.machine().awaited_calls(), [calls[0]]);
    run.gate(gate(GateStatus::Passed));
    assert_eq!(run.awaited().kind, CallKind::GateTreeCheck, "the tree is compared once");
    run.checked(TreeCheck::Unchanged).critic_says("CONTINUE");
    let names: Vec<&str> = run.last_round().gates.iter().map(|gate| gate.name.as_str()).collect();
    assert_eq!(names, ["lint", "test"], "in the order of the settings");
}

#[test]
fn the_tree_is_compared_after_each_gate_that_ran() {
    let mut run = Run::new(GATES, |_| {});
    run.turn(1).gate(gate(GateStatus::Passed)).checked(changed_tree('a', true));
    assert_eq!(run.awaited(), CallId { iteration: 1, kind: CallKind::Gate, attempt: 2 });
    run.gate(gate(GateStatus::Passed));
    assert_eq!(run.awaited(), CallId { iteration: 1, kind: CallKind::GateTreeCheck, attempt: 2 });
    run.checked(TreeCheck::Failed { error: "index.lock exists".to_owned() });
    assert_eq!(run.end().unwrap().outcome, Outcome::Failed, "what would be judged is not known");
}

#[test]
fn a_result_that_was_kept_touched_nothing() {
    let mut run = Run::with_one_gate(|_| {});
    let kept_from = Some("01JJMZ0000000000000000TEST".parse().unwrap());
    run.gate(GateReport { kept_from, ..gate(GateStatus::Passed) });
    assert_eq!(run.awaited().kind, CallKind::Actor);
}

#[test]
fn a_gate_that_was_ended_with_the_run_runs_again() {
    let mut run = Run::with_one_gate(|_| {});
    run.passes().turn(1).give(Input::StopRequested { signal: "SIGINT".to_owned() });
    let report = GateReport { interrupted: true, exit_code: None, ..gate(GateStatus::Failed) };
    run.gate(report).checked(TreeCheck::Unchanged);
    assert_eq!(run.end().unwrap().outcome, Outcome::Interrupted);
    run.give(resumed(FoundTree::AsLeft, None));
    assert_eq!(run.awaited(), CallId { iteration: 1, kind: CallKind::Gate, attempt: 1 });
    run.passes().critic_says("DONE");
    assert_eq!(run.end().unwrap().outcome, Outcome::Success);
}

#[test]
fn a_baseline_that_broke_off_goes_on_and_one_of_another_tree_begins_again() {
    let broken_off = || {
        let mut run = Run::new(GATES | BASELINE, |_| {});
        run.passes();
        run
    };
    let mut run = broken_off();
    run.give(resumed(FoundTree::AsLeft, None));
    assert_eq!(run.awaited(), CallId { iteration: 0, kind: CallKind::Gate, attempt: 2 });
    let told = run.0.events().iter().find_map(|event| match event {
        Event::SessionResumed(e) => Some((e.iteration, e.phase)),
        _ => None,
    });
    assert_eq!(told.unwrap(), (0, ResumedAt::RunningGates));
    run.passes();
    assert_eq!(run.0.machine().phase(), PhaseName::ActorExecuting);

    let mut run = broken_off();
    run.give(resumed(changed_meanwhile(), None));
    assert_eq!(run.awaited(), CallId { iteration: 0, kind: CallKind::Gate, attempt: 1 });
}

#[test]
fn the_actor_is_told_what_will_be_checked_and_what_was_red_before() {
    let mut run = Run::with_one_gate(|_| {});
    run.fails(&["a"]);
    let prompt = run.prompt();
    assert!(prompt.starts_with("Fix the typo"), "{prompt}");
    assert!(prompt.contains("- test: `true`; red before this run began"), "{prompt}");
    assert!(prompt.contains("codeloops verify"), "{prompt}");
    assert_eq!(run.results()[0].baseline, None, "it is the baseline");
}
