//! What a recording tells of other settings.

#![expect(clippy::unwrap_used, reason = "a test's helpers may panic")]

use codeloops_event::{
    AgentOutcome, CallId, CallKind, Event, FoundTree, GateStatus, LimitKind, Limits, OnGateFailure,
    SessionEnd, Settings, StopReason, TamperPolicy, TreeCheck, Usage,
};
use codeloops_machine::replay::{Answer, Unknown, what_if};
use codeloops_machine::testing::{
    Simulation, alphabet, answers, changed_tree, gate, resumed, settings, settings_from,
};
use codeloops_machine::{AgentReport, GateReport, Input};
use proptest::prelude::*;

/// A run in which anything happens.
fn drive(bytes: &[u8]) -> Simulation {
    let mut simulation = Simulation::start(settings_from(bytes[0]));
    for choice in &bytes[1..] {
        let inputs = alphabet(simulation.machine());
        let input = inputs[usize::from(*choice) % inputs.len()].clone();
        simulation.give(input, u64::from(*choice) * 10).unwrap();
    }
    simulation
}

/// A run that mostly goes on, so that it has several rounds. Nobody resumes it, with limits of his own.
fn onwards(bytes: &[u8]) -> Simulation {
    let mut settings = settings_from(bytes[0]);
    settings.limits.max_iterations = None;
    let mut simulation = Simulation::start(settings);
    for choice in &bytes[1..] {
        let mut inputs = alphabet(simulation.machine());
        inputs.retain(|input| !matches!(input, Input::Resumed(_)));
        let any = inputs[usize::from(*choice) % inputs.len()].clone();
        let input = if choice % 5 == 0 { any } else { next(&simulation) };
        simulation.give(input, 100).unwrap();
    }
    simulation
}

/// What brings a run on: success, and a critic that asks for more.
fn next(simulation: &Simulation) -> Input {
    let Some(call) = simulation.machine().awaited() else {
        return Input::StopRequested { signal: "SIGINT".to_owned() };
    };
    let text = if call.kind == CallKind::Critic { "DECISION: CONTINUE" } else { "" };
    let brings_on = |input: &Input| match input {
        Input::AgentFinished { report, .. } => {
            report.outcome == AgentOutcome::Completed && report.text.starts_with(text)
        }
        Input::AgentStarted { .. } => false,
        _ => true,
    };
    answers(call).into_iter().find(brings_on).unwrap()
}

fn last_end(events: &[Event]) -> Option<&SessionEnd> {
    match events.last() {
        Some(Event::SessionEnd(end)) => Some(end),
        _ => None,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn with_its_own_settings_a_run_ends_as_it_did(bytes in prop::collection::vec(any::<u8>(), 1..120)) {
        let simulation = drive(&bytes);
        match (what_if(simulation.events(), |_| {}).unwrap(), last_end(simulation.events())) {
            (Answer::Ended { end, .. }, Some(recorded)) => prop_assert_eq!(&*end, recorded),
            (Answer::Unknown { why: Unknown::GoesOn(call), position }, None) => {
                prop_assert_eq!(Some(call), simulation.machine().awaited());
                prop_assert_eq!(position + 1, simulation.events().len() as u64);
            }
            (answer, end) => prop_assert!(false, "{answer:?}, recorded: {end:?}"),
        }
    }

    #[test]
    fn with_a_lower_limit_a_run_ends_after_so_many_rounds(
        bytes in prop::collection::vec(any::<u8>(), 8..120), pick: u32,
    ) {
        let simulation = onwards(&bytes);
        let rounds = simulation.events().iter().filter(|e| matches!(e, Event::Iteration(_)));
        let rounds = u32::try_from(rounds.count()).unwrap();
        prop_assume!(rounds > 0);
        let max = 1 + pick % rounds;
        let answer = what_if(simulation.events(), |settings| {
            settings.limits.max_iterations = Some(max);
        });
        let (end, position) = match answer.unwrap() {
            Answer::Ended { end, position } => (end, position),
            Answer::Unknown { why, position } => {
                return Err(TestCaseError::fail(format!("{position}: {why}")));
            }
        };
        prop_assert_eq!(end.iterations, max);
        // Whatever came after it cannot have been known.
        let known = &simulation.events()[..=usize::try_from(position).unwrap()];
        let again = what_if(known, |settings| settings.limits.max_iterations = Some(max));
        prop_assert_eq!(again.unwrap(), Answer::Ended { end, position });
    }

    /// Whatever is changed, there is an answer.
    #[test]
    fn there_is_always_an_answer(
        bytes in prop::collection::vec(any::<u8>(), 1..80), which in 0..7u8, value in 1..100u32,
    ) {
        let simulation = drive(&bytes);
        let answer = what_if(simulation.events(), |settings| change(settings, which, value)).unwrap();
        let position = match answer {
            Answer::Ended { position, .. } | Answer::Unknown { position, .. } => position,
        };
        prop_assert!(position < simulation.events().len() as u64);
    }
}

fn change(settings: &mut Settings, which: u8, value: u32) {
    let limits = &mut settings.limits;
    let secs = Some(f64::from(value));
    match which {
        0 => limits.max_duration_secs = secs,
        1 => limits.actor_timeout_secs = secs,
        2 => limits.critic_idle_timeout_secs = secs,
        3 => limits.max_actor_failures = value % 4 + 1,
        4 => limits.max_critic_failures = value % 4 + 1,
        5 => limits.usage_limit_wait_secs = secs,
        _ => settings.restore_tree = false,
    }
}

/// A run of two rounds: each agent works for ten seconds and uses ten tokens. The critic asks for
/// more, then approves.
fn two_rounds(limits: impl FnOnce(&mut Limits)) -> Vec<Event> {
    let mut settings = settings();
    limits(&mut settings.limits);
    let mut run = Simulation::start(settings);
    for verdict in ["DECISION: CONTINUE\nFEEDBACK: more", "DECISION: DONE\nSUMMARY: good"] {
        agent(&mut run, AgentOutcome::Completed, "I did it");
        captured(&mut run);
        agent(&mut run, AgentOutcome::Completed, verdict);
        looked_at(&mut run, TreeCheck::Unchanged);
    }
    assert!(last_end(run.events()).is_some());
    run.events().to_vec()
}

fn agent(run: &mut Simulation, outcome: AgentOutcome, text: &str) {
    let call = run.machine().awaited().unwrap();
    let usage = Usage { input_tokens: Some(10), ..Usage::default() };
    let report = AgentReport {
        text: text.to_owned(),
        exit_code: Some(0),
        usage: Some(usage),
        ..AgentReport::bare(outcome)
    };
    run.give(Input::AgentFinished { call, report: Box::new(report) }, 10_000).unwrap();
}

fn captured(run: &mut Simulation) {
    let call = run.machine().awaited().unwrap();
    run.give(answers(call).remove(0), 0).unwrap();
}

fn looked_at(run: &mut Simulation, check: TreeCheck) {
    let call = run.machine().awaited().unwrap();
    run.give(Input::TreeChecked { call, check }, 0).unwrap();
}

/// How a run ends with other settings: its reason and when.
#[track_caller]
fn end(events: &[Event], change: impl Fn(&mut Limits)) -> (StopReason, u64, u32) {
    match what_if(events, |settings| change(&mut settings.limits)).unwrap() {
        Answer::Ended { end, .. } => (end.stop_reason.unwrap(), end.elapsed_ms, end.iterations),
        Answer::Unknown { why, .. } => panic!("{why}"),
    }
}

#[track_caller]
fn unknown(events: &[Event], change: impl Fn(&mut Settings)) -> Unknown {
    match what_if(events, change).unwrap() {
        Answer::Unknown { why, .. } => why,
        Answer::Ended { end, .. } => panic!("{end:?}"),
    }
}

const fn call(iteration: u32, kind: CallKind) -> CallId {
    CallId { iteration, kind, attempt: 1 }
}

#[test]
fn time_that_is_over_ends_the_run_in_the_middle_of_a_call() {
    let run = two_rounds(|_| {});
    let after = |secs| end(&run, |limits| limits.max_duration_secs = Some(secs));
    assert_eq!(after(5.0), (StopReason::MaxDuration, 5000, 0));
    assert_eq!(after(35.0), (StopReason::MaxDuration, 35_000, 1), "the critic had not spoken");
    assert_eq!(after(41.0), (StopReason::Approved, 40_000, 2));
}

#[test]
fn tokens_that_are_spent_end_the_run_with_the_call_that_spends_them() {
    let run = two_rounds(|_| {});
    let after = |tokens| end(&run, |limits| limits.max_tokens = Some(tokens));
    assert_eq!(after(5), (StopReason::MaxTokens, 10_000, 0));
    assert_eq!(after(35), (StopReason::MaxTokens, 40_000, 1), "though the critic approves in it");
    assert_eq!(after(41), (StopReason::Approved, 40_000, 2));
}

#[test]
fn a_call_that_a_limit_would_have_ended_leaves_something_else() {
    let run = two_rounds(|_| {});
    let with = |limit: fn(&mut Limits)| unknown(&run, |settings| limit(&mut settings.limits));
    let actor = call(1, CallKind::Actor);
    assert_eq!(with(|l| l.actor_timeout_secs = Some(9.0)), Unknown::CutShort(actor));
    assert_eq!(
        with(|l| l.critic_timeout_secs = Some(9.0)),
        Unknown::CutShort(call(1, CallKind::Critic))
    );
    assert_eq!(with(|l| l.actor_idle_timeout_secs = Some(9.0)), Unknown::Silence(actor));
    let enough = end(&run, |limits| limits.actor_timeout_secs = Some(11.0));
    assert_eq!(enough.0, StopReason::Approved);
}

#[test]
fn what_a_limit_ended_would_have_gone_on_without_it() {
    let ended_by = |limit, limits: fn(&mut Limits)| {
        let mut settings = settings();
        limits(&mut settings.limits);
        let mut run = Simulation::start(settings);
        agent(&mut run, AgentOutcome::TimedOut { limit, after_ms: 10_000 }, "");
        run.events().to_vec()
    };
    let actor = call(1, CallKind::Actor);
    let run = ended_by(LimitKind::RunBudget, |l| l.max_duration_secs = Some(10.0));
    let longer = unknown(&run, |settings| settings.limits.max_duration_secs = Some(20.0));
    assert_eq!(longer, Unknown::NotCut(actor));
    let shorter = end(&run, |limits| limits.max_duration_secs = Some(4.0));
    assert_eq!(shorter, (StopReason::MaxDuration, 4000, 0));
    let run = ended_by(LimitKind::Total, |l| l.actor_timeout_secs = Some(10.0));
    let longer = unknown(&run, |settings| settings.limits.actor_timeout_secs = None);
    assert_eq!(longer, Unknown::NotCut(actor));
}

#[test]
fn a_run_that_would_have_gone_on_is_known_up_to_its_end() {
    let mut settings = settings();
    settings.limits.max_iterations = Some(1);
    let mut run = Simulation::start(settings);
    agent(&mut run, AgentOutcome::Completed, "I did it");
    captured(&mut run);
    agent(&mut run, AgentOutcome::Completed, "DECISION: CONTINUE\nFEEDBACK: more");
    looked_at(&mut run, TreeCheck::Unchanged);
    let more = unknown(run.events(), |settings| settings.limits.max_iterations = Some(2));
    assert_eq!(more, Unknown::GoesOn(call(2, CallKind::Actor)));
}

/// A resume goes on from the recorded end; with other settings the run did not come to that.
#[test]
fn what_was_resumed_is_known_as_far_as_it_would_have_been() {
    let mut settings = settings();
    settings.limits.max_iterations = Some(1);
    let mut run = Simulation::start(settings);
    for limit in [None, Some(2)] {
        if let Some(limit) = limit {
            run.give(resumed(FoundTree::AsLeft, Some(limit)), 0).unwrap();
        }
        agent(&mut run, AgentOutcome::Completed, "I did it");
        captured(&mut run);
        agent(&mut run, AgentOutcome::Completed, "DECISION: CONTINUE\nFEEDBACK: more");
        looked_at(&mut run, TreeCheck::Unchanged);
        assert!(run.machine().has_ended());
    }
    let with = |max| end(run.events(), move |limits| limits.max_iterations = Some(max));
    assert_eq!(with(1), (StopReason::MaxIterations, 20_000, 1), "it is not resumed");
    let more = unknown(run.events(), |settings| settings.limits.max_iterations = Some(2));
    assert_eq!(more, Unknown::GoesOn(call(2, CallKind::Actor)));
    let same = end(run.events(), |_| {});
    assert_eq!(same, (StopReason::MaxIterations, 40_000, 2));
}

#[test]
fn what_the_critic_changed_would_have_stayed() {
    let mut run = Simulation::start(settings());
    agent(&mut run, AgentOutcome::Completed, "I did it");
    captured(&mut run);
    agent(&mut run, AgentOutcome::Completed, "DECISION: CONTINUE\nFEEDBACK: more");
    looked_at(&mut run, changed_tree('a', true));
    let stays = unknown(run.events(), |settings| settings.restore_tree = false);
    assert_eq!(stays, Unknown::OtherTree(call(1, CallKind::TreeCheck)));
    let not_changed = two_rounds(|_| {});
    let answer = what_if(&not_changed, |settings| settings.restore_tree = false).unwrap();
    assert!(matches!(answer, Answer::Ended { .. }), "{answer:?}");
}

/// A run whose one gate takes ten seconds and fails, and whose critic then says DONE.
fn with_a_red_gate() -> Vec<Event> {
    let mut settings = settings_from(4);
    settings.gates.remove(0);
    let mut run = Simulation::start(settings);
    agent(&mut run, AgentOutcome::Completed, "I did it");
    captured(&mut run);
    let call = run.machine().awaited().unwrap();
    let report = GateReport { duration_secs: 10.0, ..gate(GateStatus::Failed) };
    run.give(Input::GateFinished { call, report: Box::new(report) }, 10_000).unwrap();
    looked_at(&mut run, TreeCheck::Unchanged);
    agent(&mut run, AgentOutcome::Completed, "DECISION: DONE\nSUMMARY: good");
    looked_at(&mut run, TreeCheck::Unchanged);
    run.give(Input::StopRequested { signal: "SIGINT".to_owned() }, 0).unwrap();
    agent(&mut run, AgentOutcome::Interrupted, "");
    run.events().to_vec()
}

#[test]
fn gates_are_asked_about_too() {
    let run = with_a_red_gate();
    let time = |secs| move |settings: &mut Settings| settings.limits.gate_timeout_secs = secs;
    assert_eq!(unknown(&run, time(Some(5.0))), Unknown::CutShort(call(1, CallKind::Gate)));
    let longer = what_if(&run, time(None)).unwrap();
    assert_eq!(longer, what_if(&run, |_| {}).unwrap(), "it was not ended by its limit");
    let at_once = |settings: &mut Settings| settings.gate_policy.on_failure = OnGateFailure::Actor;
    assert!(matches!(unknown(&run, at_once), Unknown::NeverMade(_)), "the critic was asked");
    let end = end(&run, |limits| limits.max_duration_secs = Some(15.0));
    assert_eq!(end, (StopReason::MaxDuration, 15_000, 0), "in the middle of the gate");
}

#[test]
fn what_nobody_looked_for_is_not_known() {
    let mut settings = settings();
    settings.gate_policy.tamper = TamperPolicy::Off;
    let mut run = Simulation::start(settings);
    agent(&mut run, AgentOutcome::Completed, "I did it");
    captured(&mut run);
    let veto = |settings: &mut Settings| settings.gate_policy.tamper = TamperPolicy::Veto;
    assert_eq!(unknown(run.events(), veto), Unknown::NotLooked(call(1, CallKind::Diff)));
}
