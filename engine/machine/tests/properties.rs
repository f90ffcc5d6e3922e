//! Properties over input sequences: sampled long ones, and all short ones.

#![expect(clippy::unwrap_used, reason = "a test's helpers may panic")]

use std::collections::{BTreeSet, HashSet};

use codeloops_event::{
    AgentOutcome, AnswerIgnored, CallId, CallKind, Class, Decision, Event, Evidence, LimitKind,
    Outcome, Parent, Role, StopReason, Timestamp, TreeCheck, Usage,
};
use codeloops_machine::testing::{
    Simulation, alphabet, answers, changed_tree, diff, run_ops, settings, settings_from, start,
};
use codeloops_machine::{AgentReport, Budget, Input, Move, Start, TRANSITIONS};
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    /// Never panics; a rejected input leaves the machine equal; every move is in the table; the
    /// invariants hold; a replay of the facts gives the same decisions.
    #[test]
    fn any_sequence_of_inputs_is_sound(bytes in prop::collection::vec(any::<u8>(), 0..160)) {
        run_ops(&bytes);
    }

    /// However a run is cut off, its record is a sound prefix.
    #[test]
    fn every_prefix_of_a_record_is_sound(bytes in prop::collection::vec(any::<u8>(), 1..80)) {
        let simulation = drive(&bytes);
        for cut in 0..=simulation.events().len() {
            let prefix = &simulation.events()[..cut];
            prop_assert_eq!(codeloops_machine::invariants::check(prefix), Ok(()));
            if cut > 0 {
                prop_assert_eq!(codeloops_machine::replay::verify(prefix), Ok(()));
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    /// A record in which a decision was left out, doubled, changed or added does not verify.
    #[test]
    fn a_forged_record_does_not_verify(bytes in prop::collection::vec(any::<u8>(), 8..80), pick: usize) {
        let simulation = onwards(&bytes);
        let events = simulation.events();
        let decisions: Vec<usize> = (1..events.len())
            .filter(|n| events[*n].class() == Class::Decision)
            .filter(|n| !matches!(events[*n], Event::AnswerIgnored(_)))
            .collect();
        let at = decisions[pick % decisions.len()];
        let forged = |forge: &dyn Fn(&mut Vec<Event>)| {
            let mut forged = events.to_vec();
            forge(&mut forged);
            codeloops_machine::replay::verify(&forged).is_err()
        };
        prop_assert!(forged(&|events| events.insert(at, events[at].clone())), "doubled");
        if at + 1 < events.len() {
            prop_assert!(forged(&|events| { events.remove(at); }), "left out");
        }
        let cut = |events: &mut Vec<Event>| {
            events.truncate(at);
            events.push(ignored());
        };
        prop_assert!(forged(&cut), "left out before an answer that was ignored");
        prop_assert!(forged(&|events| events.push(success())), "added");
        if let Some(changed) = other_decision(&events[at]) {
            prop_assert!(forged(&|events| events[at] = changed.clone()), "changed");
        }
    }
}

/// An end that nobody came to.
fn success() -> Event {
    let mut run = Script::new();
    run.actor_works().critic_says("DECISION: DONE");
    run.0.events().last().unwrap().clone()
}

fn ignored() -> Event {
    let call = CallId { iteration: 1, kind: CallKind::Actor, attempt: 1 };
    Event::AnswerIgnored(AnswerIgnored { timestamp: Timestamp::default(), elapsed_ms: 0, call })
}

fn other_decision(event: &Event) -> Option<Event> {
    match event {
        Event::Iteration(e) => {
            let mut e = e.clone();
            e.critic_decision = match e.critic_decision {
                Decision::Done => Decision::Continue,
                Decision::Continue | Decision::Error => Decision::Done,
            };
            Some(Event::Iteration(e))
        }
        Event::SessionEnd(e) => {
            let mut e = e.clone();
            e.iterations += 1;
            Some(Event::SessionEnd(e))
        }
        _ => None,
    }
}

/// A run that mostly goes on.
fn onwards(bytes: &[u8]) -> Simulation {
    let mut simulation = Simulation::start(settings_from(bytes[0]));
    for choice in &bytes[1..] {
        let random = u64::from(*choice);
        let input =
            if random % 5 == 0 { any_input(&simulation, random) } else { onward(&simulation) };
        simulation.give(input, 100).unwrap();
    }
    simulation
}

fn drive(bytes: &[u8]) -> Simulation {
    let mut simulation = Simulation::start(settings_from(bytes[0]));
    for choice in &bytes[1..] {
        let inputs = alphabet(simulation.machine());
        let input = inputs[usize::from(*choice) % inputs.len()].clone();
        simulation.give(input, 100).unwrap();
    }
    simulation
}

/// All sequences of inputs up to a depth, with and without gates, limits and patience; a state that was seen already
/// (up to its clock) is not gone on from a second time.
#[test]
fn every_short_sequence_is_sound() {
    const SHAPES: [(u8, usize); 6] =
        [(0, 6), (1, 6), (4, 6), (13, 6), (4 | 64, 5), (4 | 16 | 32 | 64, 5)];
    let mut moves = BTreeSet::new();
    let mut states = 0;
    let mut inputs_given = 0u64;
    for (shape, depth) in SHAPES {
        let mut seen = HashSet::new();
        let mut frontier = vec![Simulation::start(settings_from(shape))];
        for _ in 0..depth {
            let mut next = Vec::new();
            for simulation in frontier {
                for input in alphabet(simulation.machine()) {
                    let mut after = simulation.clone();
                    after.give(input, 0).unwrap();
                    inputs_given += 1;
                    if seen.insert(format!("{:?}", after.machine())) {
                        after.check().unwrap();
                        moves.extend(after.moves().iter().copied());
                        next.push(after);
                    }
                }
            }
            frontier = next;
        }
        states += seen.len();
    }
    println!(
        "exhaustive: {states} states, {inputs_given} steps, {} of {} moves",
        moves.len(),
        TRANSITIONS.len()
    );
    assert!(states > 1000, "only {states} states: the alphabet has lost its reach");
}

/// Every row of the table is taken by some run: a row that is not is a lie.
#[test]
fn every_row_of_the_table_is_taken() {
    let mut taken = BTreeSet::new();
    for seed in 0..4000u64 {
        let mut random = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
        let mut simulation = Simulation::start(settings_from(u8::try_from(seed % 256).unwrap()));
        for _ in 0..60 {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            let input =
                if random % 4 == 0 { any_input(&simulation, random) } else { onward(&simulation) };
            simulation.give(input, random % 8_000).unwrap();
        }
        taken.extend(simulation.moves().iter().copied());
    }
    let missing: Vec<&Move> = TRANSITIONS.iter().filter(|row| !taken.contains(row)).collect();
    assert!(missing.is_empty(), "never taken: {missing:#?}");
}

fn any_input(simulation: &Simulation, random: u64) -> Input {
    let inputs = alphabet(simulation.machine());
    inputs[usize::try_from(random % 1_000_003).unwrap() % inputs.len()].clone()
}

/// An input that lets the run go on into the next round.
fn onward(simulation: &Simulation) -> Input {
    let Some(call) = simulation.machine().awaited() else { return any_input(simulation, 0) };
    let completed = |text: &'static str| {
        move |input: &Input| match input {
            Input::AgentFinished { report, .. } => {
                report.outcome == AgentOutcome::Completed && report.text.contains(text)
            }
            _ => false,
        }
    };
    let answers = answers(call);
    let pick = match call.kind {
        CallKind::Actor => answers.iter().position(completed("I did it")),
        CallKind::Critic => answers.iter().position(completed("CONTINUE")),
        _ => Some(0),
    };
    answers[pick.expect("there is such an answer")].clone()
}

/// A run whose inputs are picked by hand.
struct Script(Simulation);

impl Script {
    fn new() -> Self {
        Self(Simulation::start(settings()))
    }

    fn answer(&mut self, pick: impl Fn(&Input) -> bool) -> &mut Self {
        let call = self.0.machine().awaited().expect("the run goes on");
        let input = answers(call).into_iter().find(pick).expect("there is such an answer");
        self.0.give(input, 1000).unwrap();
        self
    }

    fn says(&mut self, text: &str, outcome: &str) -> &mut Self {
        self.answer(|input| match input {
            Input::AgentFinished { report, .. } => {
                report.text.contains(text) && format!("{:?}", report.outcome).starts_with(outcome)
            }
            _ => false,
        })
    }

    fn actor_works(&mut self) -> &mut Self {
        self.says("I did it", "Completed").answer(|i| matches!(i, Input::DiffCaptured { .. }))
    }

    fn reports(&mut self, report: AgentReport) -> &mut Self {
        let call = self.0.machine().awaited().expect("the run goes on");
        self.0.give(Input::AgentFinished { call, report: Box::new(report) }, 10).unwrap();
        self
    }

    fn tree_unchanged(&mut self) -> &mut Self {
        self.answer(|i| matches!(i, Input::TreeChecked { check: TreeCheck::Unchanged, .. }))
    }

    fn approves_and_leaves(&mut self, check: &TreeCheck) -> &mut Self {
        self.says("DECISION: DONE", "Completed").answer(
            |input| matches!(input, Input::TreeChecked { check: found, .. } if found == check),
        )
    }

    fn critic_says(&mut self, text: &str) -> &mut Self {
        self.says(text, "Completed").tree_unchanged()
    }

    fn end(&self) -> Option<(Outcome, Option<StopReason>)> {
        match self.0.events().last() {
            Some(Event::SessionEnd(end)) => Some((end.outcome, end.stop_reason)),
            _ => None,
        }
    }

    fn decisions(&self) -> Vec<Decision> {
        self.0
            .events()
            .iter()
            .filter_map(|event| match event {
                Event::Iteration(e) => Some(e.critic_decision),
                _ => None,
            })
            .collect()
    }
}

#[test]
fn continue_then_done_is_a_success_of_two_rounds() {
    let mut run = Script::new();
    run.actor_works().critic_says("DECISION: CONTINUE").actor_works().critic_says("DECISION: DONE");
    assert_eq!(run.end(), Some((Outcome::Success, Some(StopReason::Approved))));
    assert_eq!(run.decisions(), [Decision::Continue, Decision::Done]);
}

#[test]
fn nonsense_is_asked_again_twice_and_then_counts_as_an_error() {
    let mut run = Script::new();
    run.actor_works();
    for _ in 0..3 {
        assert_eq!(run.decisions(), []);
        run.critic_says("complete nonsense");
    }
    assert_eq!(run.decisions(), [Decision::Error]);
    assert_eq!(run.end(), None);
}

#[test]
fn unreadable_rounds_in_a_row_end_the_run() {
    let mut run = Script::new();
    for _ in 0..3 {
        run.actor_works();
        for _ in 0..3 {
            run.critic_says("complete nonsense");
        }
    }
    assert_eq!(run.end(), Some((Outcome::Failed, Some(StopReason::CriticFailed))));
}

#[test]
fn done_from_a_failed_critic_is_asked_again_but_its_continue_counts() {
    let mut run = Script::new();
    run.actor_works().says("DECISION: DONE", "Failed").tree_unchanged();
    assert_eq!(run.decisions(), []);
    run.says("DECISION: CONTINUE", "Failed").tree_unchanged();
    assert_eq!(run.decisions(), [Decision::Continue]);
}

#[test]
fn a_done_of_a_critic_that_changed_the_tree_never_counts() {
    let mut run = Script::new();
    run.actor_works();
    for _ in 0..3 {
        assert_eq!(run.decisions(), [], "what it approved may be its own work");
        run.approves_and_leaves(&changed_tree('a', true));
    }
    assert_eq!((run.decisions(), run.end()), (vec![Decision::Error], None));
}

#[test]
fn a_done_counts_over_a_change_that_stays_once_a_call_leaves_it_alone() {
    let mut run = Script::new();
    run.actor_works();
    run.approves_and_leaves(&changed_tree('a', false));
    assert_eq!(run.decisions(), []);
    run.approves_and_leaves(&TreeCheck::Unchanged);
    assert_eq!(run.end(), Some((Outcome::Success, Some(StopReason::Approved))));
}

#[test]
fn a_done_of_a_call_that_moved_the_tree_on_does_not_count() {
    for moved_on in [changed_tree('a', false), changed_tree('b', false), changed_tree('a', true)] {
        let mut run = Script::new();
        run.actor_works();
        run.approves_and_leaves(&changed_tree('a', false)).approves_and_leaves(&moved_on);
        assert_eq!((run.decisions(), run.end()), (vec![], None), "{moved_on:?}");
    }
    let mut run = Script::new();
    run.actor_works();
    for digit in ['a', 'b', 'a'] {
        run.approves_and_leaves(&changed_tree(digit, false));
    }
    assert_eq!((run.decisions(), run.end()), (vec![Decision::Error], None));
}

/// Such a record is not of a run of this program, whoever wrote it.
#[test]
fn a_record_that_approves_what_the_last_call_changed_is_unsound() {
    let mut run = Script::new();
    run.actor_works();
    run.approves_and_leaves(&changed_tree('a', false));
    run.approves_and_leaves(&TreeCheck::Unchanged);
    let mut events = run.0.events().to_vec();
    let last_look = events.iter().rposition(|e| matches!(e, Event::TreeChecked(_))).unwrap();
    let Event::TreeChecked(look) = &mut events[last_look] else { unreachable!() };
    look.check = changed_tree('b', false);
    let violation = codeloops_machine::invariants::check(&events).unwrap_err();
    assert!(violation.rule.contains("left as it was"), "{violation}");
}

#[test]
fn a_done_in_an_answer_that_was_cut_is_asked_about_again() {
    let mut run = Script::new();
    run.actor_works();
    let call = run.0.machine().awaited().unwrap();
    let long = format!("{}\nDECISION: DONE\nSUMMARY: ok", "x".repeat(1024 * 1024));
    let report = AgentReport { text: long, ..AgentReport::bare(AgentOutcome::Completed) };
    run.0.give(Input::AgentFinished { call, report: Box::new(report) }, 10).unwrap();
    run.tree_unchanged();
    assert_eq!((run.decisions().len(), run.end()), (0, None));
}

#[test]
fn the_critic_judges_what_a_failed_actor_left() {
    let mut run = Script::new();
    run.says("I did it", "Failed").answer(|i| matches!(i, Input::DiffCaptured { .. }));
    run.critic_says("DECISION: DONE");
    assert_eq!(run.end(), Some((Outcome::Success, Some(StopReason::Approved))));
}

#[test]
fn an_actor_that_fails_three_rounds_in_a_row_ends_the_run() {
    let mut run = Script::new();
    for _ in 0..3 {
        run.says("I did it", "Failed").answer(|i| matches!(i, Input::DiffCaptured { .. }));
        run.critic_says("DECISION: CONTINUE");
    }
    assert_eq!(run.end(), Some((Outcome::Failed, Some(StopReason::ActorFailed))));
    assert_eq!(run.decisions().len(), 3);
}

#[test]
fn a_stop_while_the_critic_works_still_looks_at_the_tree() {
    let mut run = Script::new();
    run.actor_works();
    run.0.give(Input::StopRequested { signal: "SIGINT".to_owned() }, 10).unwrap();
    run.says("DECISION: DONE", "Completed");
    assert_eq!(run.end(), None, "the tree is looked at first");
    run.tree_unchanged();
    assert_eq!(run.end(), Some((Outcome::Interrupted, Some(StopReason::Interrupted))));
    assert_eq!(run.decisions(), [], "no verdict counts after a stop");
}

#[test]
fn a_second_stop_while_the_critic_works_tells_that_nobody_looked_at_the_tree() {
    let mut run = Script::new();
    run.actor_works();
    for _ in 0..2 {
        run.0.give(Input::StopRequested { signal: "SIGINT".to_owned() }, 10).unwrap();
    }
    run.says("DECISION: DONE", "Completed");
    assert_eq!(run.end(), Some((Outcome::Interrupted, Some(StopReason::Interrupted))));
    let before = run.0.events().iter().find_map(|event| match event {
        Event::TreeUnverified(e) => Some(e.before.as_str()),
        _ => None,
    });
    assert!(before.is_some_and(|name| name.ends_with("/1")), "{before:?}");
}

#[test]
fn an_overloaded_provider_gets_five_more_tries() {
    let mut run = Script::new();
    for _ in 0..5 {
        run.says("I did it", "Transient").answer(|i| matches!(i, Input::WaitOver { .. }));
    }
    run.says("I did it", "Transient");
    run.answer(|i| matches!(i, Input::DiffCaptured { .. }));
}

/// The reset of this usage limit lies a week ahead.
fn is_far_limit(input: &Input) -> bool {
    matches!(input, Input::AgentFinished { report, .. }
        if format!("{:?}", report.outcome).contains("2025-02"))
}

#[test]
fn a_usage_limit_that_resets_too_late_ends_the_run() {
    let mut run = Script::new();
    run.answer(is_far_limit);
    assert_eq!(run.end(), Some((Outcome::Failed, Some(StopReason::UsageLimit))));
}

#[test]
fn without_a_bound_a_usage_limit_is_waited_for_however_late_it_resets() {
    let mut settings = settings();
    settings.limits.usage_limit_wait_secs = None;
    let mut run = Script(Simulation::start(settings));
    run.answer(is_far_limit).answer(|i| matches!(i, Input::WaitOver { .. }));
    run.actor_works();
    assert_eq!(run.end(), None);
}

/// A run whose actor tells its conversation and what it used.
fn actor_tells(run: &mut Script, outcome: AgentOutcome, usage: &Usage, session: &str) {
    let call = run.0.machine().awaited().unwrap();
    let report = AgentReport {
        agent_session: Some(session.to_owned()),
        conversation_usage: Some(usage.clone()),
        usage: Some(usage.clone()),
        ..AgentReport::bare(outcome)
    };
    run.0.give(Input::AgentFinished { call, report: Box::new(report) }, 10).unwrap();
}

/// A call's evidence in which so many credentials were masked.
fn masked(redacted: u64) -> Option<Evidence> {
    let (path, sha256) = (String::new(), String::new());
    Some(Evidence { path, bytes: 0, sha256, dropped_bytes: 0, redacted })
}

#[test]
fn what_was_masked_over_the_run_is_counted_at_its_end() {
    let start = Start { redacted: 1, ..start(settings()) };
    let mut run = Script(Simulation::of(start));
    let report = |stdout, stderr| AgentReport {
        text: "DECISION: DONE\nSUMMARY: fine".to_owned(),
        stdout_file: masked(stdout),
        stderr_file: masked(stderr),
        ..AgentReport::bare(AgentOutcome::Completed)
    };
    run.reports(report(10, 100));
    let call = run.0.machine().awaited().unwrap();
    let mut diff = diff(1);
    diff.patch.redacted = 1000;
    run.0.give(Input::DiffCaptured { call, diff: Box::new(diff) }, 10).unwrap();
    run.reports(report(10_000, 100_000));
    run.tree_unchanged();
    let Some(Event::SessionEnd(end)) = run.0.events().last() else { panic!("it goes on") };
    assert_eq!(end.redacted, 111_111);
    assert_eq!(codeloops_machine::invariants::check(run.0.events()), Ok(()));
    assert_eq!(codeloops_machine::replay::verify(run.0.events()), Ok(()));
}

#[test]
fn the_record_of_a_fork_names_where_it_began() {
    let parent = Parent {
        run_id: "01JJMZ0000000000000000PRNT".parse().unwrap(),
        iteration: 2,
        trace_id: None,
    };
    let run = Simulation::of(Start { parent: Some(parent.clone()), ..start(settings()) });
    let Some(Event::SessionStart(line)) = run.events().first() else { panic!("no start") };
    assert_eq!(line.parent, Some(parent));
    assert_eq!(codeloops_machine::replay::verify(run.events()), Ok(()));
}

fn used(tokens: u64, cost_usd: Option<f64>) -> Usage {
    Usage { input_tokens: Some(tokens), cost_usd, ..Usage::default() }
}

/// The conversation that the call which is under way goes on with.
fn goes_on_with(run: &Script, role: Role) -> Option<&str> {
    let call = run.0.called().unwrap();
    assert_eq!(call.role, role);
    call.conversation.as_ref().map(|conversation| conversation.id.as_str())
}

#[test]
fn the_actor_goes_on_with_its_conversation_until_a_turn_breaks_it() {
    let mut run = Script::new();
    assert_eq!(goes_on_with(&run, Role::Actor), None);
    for (outcome, then) in [
        (AgentOutcome::Completed, Some("s1")),
        (AgentOutcome::TimedOut { limit: LimitKind::Total, after_ms: 1 }, Some("s1")),
        (AgentOutcome::Signaled { signal: 9 }, None),
    ] {
        actor_tells(&mut run, outcome, &used(100, None), "s1");
        run.answer(|i| matches!(i, Input::DiffCaptured { .. }));
        assert_eq!(goes_on_with(&run, Role::Critic), None, "it judges with fresh eyes");
        run.critic_says("DECISION: CONTINUE");
        assert_eq!(goes_on_with(&run, Role::Actor), then);
    }
}

#[test]
fn a_conversation_that_is_lost_begins_anew_at_once_and_costs_no_round() {
    let mut run = Script::new();
    let lost = || AgentOutcome::ConversationLost { message: "not found".to_owned() };
    actor_tells(&mut run, lost(), &Usage::default(), "s1");
    run.answer(|i| matches!(i, Input::WaitOver { .. }));
    actor_tells(&mut run, lost(), &Usage::default(), "s1");
    run.answer(|i| matches!(i, Input::DiffCaptured { .. }));
    assert_eq!((run.decisions(), run.end()), (vec![], None), "a failed turn, no endless loop");
}

#[test]
fn budgets_end_the_run_between_calls_and_a_cost_that_is_not_told_does_too() {
    for (usage, reason) in [
        (used(999, Some(0.99)), None),
        (used(1000, Some(0.0)), Some(StopReason::MaxTokens)),
        (used(10, Some(1.0)), Some(StopReason::MaxCost)),
        (used(10, None), Some(StopReason::MaxCost)),
        (used(0, None), None),
    ] {
        let mut settings = settings();
        settings.limits.max_tokens = Some(1000);
        settings.limits.max_cost_usd = Some(1.0);
        let mut run = Script(Simulation::start(settings));
        actor_tells(&mut run, AgentOutcome::Completed, &usage, "s1");
        run.answer(|i| matches!(i, Input::DiffCaptured { .. }));
        let ended = run.end().map(|(outcome, reason)| (outcome, reason.unwrap()));
        assert_eq!(ended, reason.map(|reason| (Outcome::BudgetExhausted, reason)), "{usage:?}");
    }
}

#[test]
fn a_call_is_told_what_is_left_of_the_budgets() {
    let mut settings = settings();
    settings.limits.max_tokens = Some(1000);
    settings.limits.max_cost_usd = Some(2.0);
    let mut run = Script(Simulation::start(settings));
    actor_tells(&mut run, AgentOutcome::Completed, &used(400, Some(0.5)), "s1");
    run.answer(|i| matches!(i, Input::DiffCaptured { .. }));
    let left = Budget { tokens: Some(600), cost_usd: Some(1.5) };
    assert_eq!(run.0.called().unwrap().budget, left);
}
