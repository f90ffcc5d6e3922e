//! Where a run goes on that is resumed, phase by phase.

#![expect(clippy::unwrap_used, reason = "a test's helpers may panic")]

use codeloops_event::{
    AgentOutcome, CallId, CallKind, Event, FoundTree, GateStatus, Limits, ResumedAt, StopReason,
};
use codeloops_machine::testing::{
    Simulation, answers, changed_meanwhile, resumed, settings, settings_from,
};
use codeloops_machine::{CannotResume, Input, PhaseName, RejectReason, Stamped};

/// With two gates.
const GATES: u8 = 4;

/// A run that is answered from a list of moments.
struct Run(Simulation);

impl Run {
    fn new(shape: u8) -> Self {
        Self(Simulation::start(settings_from(shape)))
    }

    fn awaited(&self) -> CallId {
        self.0.machine().awaited().unwrap()
    }

    fn give(&mut self, input: Input) -> &mut Self {
        self.0.give(input, 10).unwrap();
        self.0.check().unwrap();
        self
    }

    /// The first answer to the awaited call that fits.
    fn answer(&mut self, fits: impl Fn(&Input) -> bool) -> &mut Self {
        let answer = answers(self.awaited()).into_iter().find(fits).unwrap();
        self.give(answer)
    }

    fn actor_works(&mut self) -> &mut Self {
        assert_eq!(self.awaited().kind, CallKind::Actor);
        self.answer(|input| matches!(input, Input::AgentStarted { .. }));
        self.answer(|input| ended_as(input, &AgentOutcome::Completed))
    }

    fn captured(&mut self) -> &mut Self {
        self.answer(|input| matches!(input, Input::DiffCaptured { .. }))
    }

    fn gate(&mut self) -> &mut Self {
        self.answer(|input| match input {
            Input::GateFinished { report, .. } => report.status == GateStatus::Passed,
            _ => false,
        })
    }

    /// A gate passes and leaves the tree alone.
    fn passed(&mut self) -> &mut Self {
        self.gate().checked()
    }

    fn critic_says(&mut self, word: &str) -> &mut Self {
        let says = format!("DECISION: {word}");
        self.answer(|input| match input {
            Input::AgentFinished { report, .. } => {
                report.outcome == AgentOutcome::Completed && report.text.starts_with(&says)
            }
            _ => false,
        })
    }

    fn checked(&mut self) -> &mut Self {
        self.answer(|input| matches!(input, Input::TreeChecked { .. }))
    }

    fn stop(&mut self) -> &mut Self {
        self.give(Input::StopRequested { signal: "SIGINT".to_owned() })
    }

    fn resumed(&mut self, tree: FoundTree) -> CallId {
        self.give(resumed(tree, None));
        self.awaited()
    }

    fn told(&self) -> (u32, ResumedAt) {
        let told = self.0.events().iter().rev().find_map(|event| match event {
            Event::SessionResumed(e) => Some((e.iteration, e.phase)),
            _ => None,
        });
        told.unwrap()
    }

    fn refused(&self, limits: Limits) -> RejectReason {
        let Input::Resumed(resume) = resumed(FoundTree::AsLeft, None) else { unreachable!() };
        let resume = codeloops_machine::Resume { limits, ..*resume };
        let last = self.0.events().last().unwrap();
        let stamp = codeloops_event::Stamp {
            at: last.timestamp().unwrap(),
            elapsed_ms: codeloops_machine::invariants::elapsed_ms(last).unwrap(),
        };
        let nonce = codeloops_event::Nonce("n".to_owned());
        let input = Input::Resumed(Box::new(resume));
        self.0.machine().clone().step(Stamped { stamp, nonce, input }).unwrap_err().reason
    }
}

fn ended_as(input: &Input, outcome: &AgentOutcome) -> bool {
    matches!(input, Input::AgentFinished { report, .. } if report.outcome == *outcome)
}

fn call(iteration: u32, kind: CallKind, attempt: u32) -> CallId {
    CallId { iteration, kind, attempt }
}

#[test]
fn in_the_actors_turn_the_next_try_is_made() {
    let mut run = Run::new(0);
    run.answer(|input| matches!(input, Input::AgentStarted { .. }));
    assert_eq!(run.resumed(changed_meanwhile()), call(1, CallKind::Actor, 2));
    assert_eq!(run.told(), (1, ResumedAt::ActorExecuting));
    let prompt = run.0.called().unwrap().prompt.render();
    assert!(prompt.contains("Your last turn broke off"), "{prompt}");
}

/// A turn that was interrupted has an end of its own, and a call that was never told of as started
/// left nothing: neither broke off.
#[test]
fn what_did_not_break_off_is_not_told_as_such() {
    let mut run = Run::new(0);
    assert_eq!(run.resumed(FoundTree::AsLeft), call(1, CallKind::Actor, 2));
    let prompt = run.0.called().unwrap().prompt.render();
    assert!(!prompt.contains("What happened"), "{prompt}");

    run.stop().answer(|input| ended_as(input, &AgentOutcome::Interrupted));
    assert_eq!(run.resumed(changed_meanwhile()), call(1, CallKind::Actor, 3));
    let prompt = run.0.called().unwrap().prompt.render();
    assert!(prompt.contains("Your last turn was interrupted by the user"), "{prompt}");
}

#[test]
fn after_the_actor_its_changes_are_captured() {
    let mut run = Run::new(0);
    run.actor_works();
    assert_eq!(run.resumed(changed_meanwhile()), call(1, CallKind::Diff, 1));
    assert_eq!(run.told(), (1, ResumedAt::CapturingDiff));
    // Nor does it matter whether the run had ended over it.
    run.answer(|input| matches!(input, Input::DiffFailed { .. }));
    assert_eq!(run.0.machine().phase(), PhaseName::End);
    assert_eq!(run.resumed(FoundTree::AsLeft), call(1, CallKind::Diff, 1));
}

#[test]
fn a_gate_that_has_no_result_runs_again_and_the_others_do_not() {
    let mut run = Run::new(GATES);
    run.actor_works().captured().passed();
    assert_eq!(run.resumed(FoundTree::AsLeft), call(1, CallKind::Gate, 2));
    assert_eq!(run.told(), (1, ResumedAt::RunningGates));
    run.stop().passed();
    assert_eq!(run.0.machine().phase(), PhaseName::End);
    assert_eq!(run.resumed(FoundTree::AsLeft), call(1, CallKind::Critic, 1));
    assert_eq!(run.told(), (1, ResumedAt::CriticEvaluating));
}

#[test]
fn work_that_changed_is_captured_and_checked_again() {
    let mut run = Run::new(GATES);
    run.actor_works().captured().passed();
    assert_eq!(run.resumed(changed_meanwhile()), call(1, CallKind::Diff, 1));
    assert_eq!(run.captured().awaited(), call(1, CallKind::Gate, 1));
    run.passed().passed();
    assert_eq!(run.awaited(), call(1, CallKind::Critic, 1));
    assert_eq!(run.resumed(changed_meanwhile()), call(1, CallKind::Diff, 1));
    run.captured().passed().passed();
    assert_eq!(run.awaited(), call(1, CallKind::Critic, 2), "the tries go on counting");
}

#[test]
fn a_critic_without_an_answer_is_called_again() {
    let mut run = Run::new(0);
    run.actor_works().captured();
    assert_eq!(run.resumed(FoundTree::AsLeft), call(1, CallKind::Critic, 2));
    run.answer(|input| match input {
        Input::AgentFinished { report, .. } => {
            matches!(report.outcome, AgentOutcome::UsageLimit { .. })
        }
        _ => false,
    });
    run.checked();
    assert_eq!(run.awaited().kind, CallKind::CriticWait);
    assert_eq!(run.resumed(FoundTree::AsLeft), call(1, CallKind::Critic, 3));
}

#[test]
fn an_answer_that_is_there_is_not_asked_for_again() {
    let mut run = Run::new(0);
    run.actor_works().captured().critic_says("DONE");
    assert_eq!(run.awaited().kind, CallKind::TreeCheck);
    assert_eq!(run.resumed(FoundTree::AsLeft), call(1, CallKind::TreeCheck, 1));
    run.checked();
    let Some(Event::SessionEnd(end)) = run.0.events().last() else { panic!("an end") };
    assert_eq!(end.stop_reason, Some(StopReason::Approved));
}

#[test]
fn at_a_limit_the_next_round_begins_where_there_is_more() {
    let mut run = Run::new(1);
    for _ in 0..2 {
        run.actor_works().captured().critic_says("CONTINUE").checked();
    }
    assert_eq!(run.0.machine().phase(), PhaseName::End);
    let two = Limits { max_iterations: Some(2), ..settings().limits };
    let spent = CannotResume::Spent(StopReason::MaxIterations);
    assert_eq!(run.refused(two), RejectReason::CannotResume(spent));
    let no_time = Limits { max_duration_secs: Some(0.01), ..settings().limits };
    let spent = CannotResume::Spent(StopReason::MaxDuration);
    assert_eq!(run.refused(no_time), RejectReason::CannotResume(spent));
    assert_eq!(run.resumed(FoundTree::AsLeft), call(3, CallKind::Actor, 1));
    assert_eq!(run.told(), (3, ResumedAt::ActorExecuting));
}

#[test]
fn an_approved_run_is_over() {
    let mut run = Run::new(0);
    run.actor_works().captured().critic_says("DONE").checked();
    let reason = run.refused(settings().limits);
    assert_eq!(reason, RejectReason::CannotResume(CannotResume::Approved));
}
