//! What each way in which an agent call can end leads to, for each role.

#![expect(clippy::unwrap_used, reason = "a test's helpers may panic")]

use codeloops_event::{
    AgentOutcome, BudgetKind, CallKind, CutOffKind, Event, LimitKind, Limits, Outcome, Refusal,
    Role, StopReason, Timestamp, TreeCheck, Usage,
};
use codeloops_machine::testing::{Simulation, diff, settings};
use codeloops_machine::{AgentReport, Input};

/// What a call leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Leads {
    /// The actor's changes are captured, for the critic to judge.
    Tree,
    /// The critic's verdict counts, here a CONTINUE.
    NextRound,
    /// The critic is asked once more, at once.
    AnotherTry,
    /// The same call is made after so many seconds.
    Wait(i64),
    /// The run ends.
    End(StopReason),
}

use Leads::{AnotherTry, End, NextRound, Tree, Wait};

struct Run(Simulation);

impl Run {
    /// Up to the call of this role.
    fn to(role: Role) -> Self {
        Self::bounded(role, |_| {})
    }

    fn bounded(role: Role, bound: impl Fn(&mut Limits)) -> Self {
        let mut settings = settings();
        bound(&mut settings.limits);
        let mut run = Self(Simulation::start(settings));
        if role == Role::Critic {
            run.ends(AgentOutcome::Completed, "I did it");
            run.is_captured();
        }
        run
    }

    fn awaited(&self) -> CallKind {
        self.0.machine().awaited().expect("the run goes on").kind
    }

    fn give(&mut self, input: Input) {
        self.0.give(input, 1000).unwrap();
        self.0.check().unwrap();
    }

    /// The call that is under way ends like this; a critic's leaves the tree alone.
    fn ends(&mut self, outcome: AgentOutcome, text: &str) -> Leads {
        self.reports(AgentReport { text: text.to_owned(), ..AgentReport::bare(outcome) })
    }

    /// The call that is under way ends like this, and tells this of what it used.
    fn tells(&mut self, outcome: AgentOutcome, usage: Option<Usage>) -> Leads {
        self.reports(AgentReport { usage, ..AgentReport::bare(outcome) })
    }

    fn reports(&mut self, report: AgentReport) -> Leads {
        let call = self.0.machine().awaited().unwrap();
        self.give(Input::AgentFinished { call, report: Box::new(report) });
        if let Some(call) = self.0.machine().awaited().filter(|c| c.kind == CallKind::TreeCheck) {
            self.give(Input::TreeChecked { call, check: TreeCheck::Unchanged });
        }
        self.leads()
    }

    fn is_captured(&mut self) {
        let call = self.0.machine().awaited().unwrap();
        self.give(Input::DiffCaptured { call, diff: Box::new(diff(call.iteration)) });
    }

    fn is_waited_for(&mut self) {
        let call = self.0.machine().awaited().unwrap();
        self.give(Input::WaitOver { call });
    }

    fn leads(&self) -> Leads {
        let told = self.0.events();
        if let Some(Event::SessionEnd(end)) = told.last() {
            let reason = end.stop_reason.unwrap();
            assert_eq!(reason.outcome(), end.outcome);
            return End(reason);
        }
        match self.awaited() {
            CallKind::Actor => NextRound,
            CallKind::Critic => AnotherTry,
            CallKind::Diff => Tree,
            CallKind::ActorWait | CallKind::CriticWait => match told.last() {
                Some(Event::Waiting(wait)) => Wait((wait.until - wait.timestamp).num_seconds()),
                told => panic!("a wait that nobody is told of: {told:?}"),
            },
            kind => panic!("{kind:?}"),
        }
    }

    /// The error that the run ended with.
    fn error(&self) -> String {
        match self.0.events().last() {
            Some(Event::SessionEnd(end)) => end.error.clone().unwrap(),
            other => panic!("the run goes on: {other:?}"),
        }
    }

    fn now(&self) -> Timestamp {
        self.0.events().iter().rev().find_map(Event::timestamp).unwrap()
    }

    /// A usage limit that resets so many seconds after this call has ended.
    fn is_limited(&mut self, resets_in: i64) -> Leads {
        // The call takes a second, and so does the look at the tree after a critic's.
        let takes = if self.awaited() == CallKind::Critic { 2 } else { 1 };
        let resets_at = self.now() + chrono::TimeDelta::seconds(takes + resets_in);
        self.ends(usage_limit(Some(resets_at)), "")
    }
}

fn message() -> String {
    "in the agent's words".to_owned()
}

fn usage_limit(resets_at: Option<Timestamp>) -> AgentOutcome {
    AgentOutcome::UsageLimit { resets_at, message: message() }
}

fn refused(refusal: Refusal) -> AgentOutcome {
    AgentOutcome::Refused { refusal, message: message() }
}

const fn timed_out(limit: LimitKind) -> AgentOutcome {
    AgentOutcome::TimedOut { limit, after_ms: 1000 }
}

/// Every outcome, and what it leads to for the actor and for a critic that said CONTINUE.
fn table() -> Vec<(AgentOutcome, Leads, Leads)> {
    let both = |outcome, leads| (outcome, leads, leads);
    let failed = || AgentOutcome::Failed { exit_code: 1, message: Some(message()) };
    vec![
        (AgentOutcome::Completed, Tree, NextRound),
        (AgentOutcome::Denied { count: 2 }, Tree, NextRound),
        both(refused(Refusal::Auth), End(StopReason::ProviderRefused)),
        both(refused(Refusal::Billing), End(StopReason::ProviderRefused)),
        both(refused(Refusal::BadRequest), End(StopReason::ProviderRefused)),
        both(usage_limit(None), Wait(300)),
        both(AgentOutcome::Transient { message: message() }, Wait(5)),
        both(AgentOutcome::CutOff { how: CutOffKind::NoFinalEvent }, Wait(5)),
        both(AgentOutcome::CutOff { how: CutOffKind::Length }, Wait(5)),
        (failed(), Tree, NextRound),
        (AgentOutcome::Signaled { signal: 9 }, Tree, NextRound),
        (AgentOutcome::NoOutput, Tree, AnotherTry),
        (timed_out(LimitKind::Total), Tree, AnotherTry),
        (timed_out(LimitKind::Idle), Tree, AnotherTry),
        both(timed_out(LimitKind::RunBudget), End(StopReason::MaxDuration)),
        both(AgentOutcome::OverBudget { budget: BudgetKind::Tokens }, End(StopReason::MaxTokens)),
        both(AgentOutcome::OverBudget { budget: BudgetKind::Cost }, End(StopReason::MaxCost)),
        both(AgentOutcome::ConversationLost { message: message() }, Wait(0)),
        (AgentOutcome::Interrupted, Tree, AnotherTry),
        (
            AgentOutcome::NotStarted { message: message() },
            End(StopReason::ActorFailed),
            End(StopReason::CriticFailed),
        ),
    ]
}

#[test]
fn every_outcome_leads_where_the_table_says() {
    for (outcome, actor, critic) in table() {
        let leads = Run::to(Role::Actor).ends(outcome.clone(), "I did it");
        assert_eq!(leads, actor, "the actor: {outcome:?}");
        let answer = "DECISION: CONTINUE\nFEEDBACK: not yet";
        let leads = Run::to(Role::Critic).ends(outcome.clone(), answer);
        assert_eq!(leads, critic, "the critic: {outcome:?}");
    }
}

/// Only a whole turn can approve, whatever else it came to.
#[test]
fn a_done_counts_from_a_critic_that_came_to_its_end_and_from_no_other() {
    for (outcome, _, _) in table() {
        let mut run = Run::to(Role::Critic);
        let leads = run.ends(outcome.clone(), "DECISION: DONE\nSUMMARY: all of it");
        let approved = leads == End(StopReason::Approved);
        assert_eq!(approved, outcome.is_whole(), "{outcome:?}");
    }
}

#[test]
fn what_became_of_the_actor_is_told_to_the_critic() {
    for (outcome, leads, _) in table() {
        if leads != Tree || outcome == AgentOutcome::Completed {
            continue;
        }
        let mut run = Run::to(Role::Actor);
        run.ends(outcome.clone(), "I did it");
        run.is_captured();
        let prompt = run.0.called().unwrap().prompt.render();
        let words = match outcome {
            AgentOutcome::Denied { .. } => "2 of its tool calls were denied",
            AgentOutcome::Failed { .. } => "failed with exit code 1",
            AgentOutcome::Signaled { .. } => "signal 9",
            AgentOutcome::NoOutput => "nothing",
            AgentOutcome::TimedOut { .. } => "was ended after 1 s",
            _ => "was interrupted",
        };
        assert!(prompt.contains(words), "{outcome:?}: no `{words}` in\n{prompt}");
    }
}

#[test]
fn what_is_worth_another_try_gets_five_and_then_counts_as_a_crash() {
    for (role, crash) in [(Role::Actor, Tree), (Role::Critic, AnotherTry)] {
        for outcome in [
            AgentOutcome::Transient { message: message() },
            AgentOutcome::CutOff { how: CutOffKind::NoFinalEvent },
        ] {
            let mut run = Run::to(role);
            for secs in [5, 10, 20, 40, 80] {
                assert_eq!(run.ends(outcome.clone(), ""), Wait(secs), "{role}: {outcome:?}");
                run.is_waited_for();
            }
            assert_eq!(run.ends(outcome.clone(), ""), crash, "{role}: {outcome:?}");
        }
    }
}

#[test]
fn a_usage_limit_is_waited_for_until_its_reset_and_looked_after_where_there_is_none() {
    for role in [Role::Actor, Role::Critic] {
        assert_eq!(Run::to(role).is_limited(3600), Wait(3600), "{role}");
        let mut run = Run::to(role);
        for secs in [300, 600, 1200, 1800, 1800] {
            assert_eq!(run.ends(usage_limit(None), ""), Wait(secs), "{role}");
            run.is_waited_for();
        }
    }
}

/// The clocks of provider and user differ, and a reset is told to the minute: it is soon tried
/// again, and not over and over.
#[test]
fn a_reset_that_is_at_hand_or_has_passed_is_tried_soon_and_then_less_and_less_often() {
    for role in [Role::Actor, Role::Critic] {
        for resets_in in [-86_400, -1, 0, 1] {
            let mut run = Run::to(role);
            for secs in [5, 10, 20, 40, 80, 160, 320, 640, 1280, 1800, 1800] {
                assert_eq!(run.is_limited(resets_in), Wait(secs), "{role}: {resets_in}");
                run.is_waited_for();
            }
        }
        let mut run = Run::to(role);
        assert_eq!(run.is_limited(-1), Wait(5));
        run.is_waited_for();
        assert_eq!(run.is_limited(3600), Wait(3600), "a reset that is told anew is believed");
    }
}

#[test]
fn a_usage_limit_past_the_users_patience_or_the_runs_time_ends_the_run() {
    for role in [Role::Actor, Role::Critic] {
        let mut run = Run::bounded(role, |limits| limits.usage_limit_wait_secs = Some(600.0));
        assert_eq!(run.is_limited(601), End(StopReason::UsageLimit), "{role}");
        let mut run = Run::bounded(role, |limits| limits.usage_limit_wait_secs = Some(600.0));
        assert_eq!(run.ends(usage_limit(None), ""), Wait(300), "{role}");
        run.is_waited_for();
        assert_eq!(run.ends(usage_limit(None), ""), End(StopReason::UsageLimit), "{role}");
        let mut run = Run::bounded(role, |limits| limits.max_duration_secs = Some(60.0));
        assert_eq!(run.is_limited(90), End(StopReason::MaxDuration), "{role}");
    }
}

#[test]
fn the_error_of_a_run_that_a_call_ended_names_the_agent_and_its_role() {
    let not_started = AgentOutcome::NotStarted { message: message() };
    for (role, agent) in
        [(Role::Actor, "Fake Actor, the actor"), (Role::Critic, "Fake Critic, the critic")]
    {
        for (outcome, error) in [
            (refused(Refusal::Auth), format!("{agent}, was refused: {}", message())),
            (usage_limit(None), format!("{agent}, is held up by a usage limit: {}", message())),
            (not_started.clone(), format!("could not start {agent}: {}", message())),
        ] {
            let mut run = Run::bounded(role, |limits| limits.usage_limit_wait_secs = Some(0.0));
            assert!(matches!(run.ends(outcome, ""), End(_)));
            assert_eq!(run.error(), error);
        }
        let mut run = Run::bounded(role, |limits| {
            limits.max_actor_failures = 1;
            limits.max_critic_failures = 1;
        });
        let _tree_or_end = run.ends(AgentOutcome::NoOutput, "");
        if role == Role::Actor {
            run.is_captured();
            assert!(matches!(
                run.ends(AgentOutcome::Completed, "DECISION: CONTINUE\n\nFEEDBACK: more"),
                End(_)
            ));
        }
        assert_eq!(run.error(), format!("{agent}, failed 1 times in a row"));
    }
}

#[test]
fn failures_in_a_row_end_the_run() {
    for outcome in [
        AgentOutcome::Failed { exit_code: 1, message: None },
        AgentOutcome::Signaled { signal: 9 },
        AgentOutcome::NoOutput,
        timed_out(LimitKind::Idle),
    ] {
        let mut run = Run::to(Role::Actor);
        for _ in 0..2 {
            assert_eq!(run.ends(outcome.clone(), ""), Tree, "{outcome:?}");
            run.is_captured();
            let answer = "DECISION: CONTINUE\nFEEDBACK: not yet";
            assert_eq!(run.ends(AgentOutcome::Completed, answer), NextRound);
        }
        run.ends(outcome.clone(), "");
        run.is_captured();
        let answer = "DECISION: CONTINUE\nFEEDBACK: not yet";
        let leads = run.ends(AgentOutcome::Completed, answer);
        assert_eq!(leads, End(StopReason::ActorFailed), "{outcome:?}");

        let mut run = Run::to(Role::Critic);
        for _ in 0..2 {
            assert_eq!(run.ends(outcome.clone(), ""), AnotherTry, "{outcome:?}");
        }
        let leads = run.ends(outcome.clone(), "");
        assert_eq!(leads, End(StopReason::CriticFailed), "{outcome:?}");
    }
}

/// Whatever the call came to while it was being ended.
#[test]
fn after_a_request_to_stop_every_outcome_leads_to_the_end() {
    for role in [Role::Actor, Role::Critic] {
        for (outcome, _, _) in table() {
            let mut run = Run::to(role);
            run.give(Input::StopRequested { signal: "SIGINT".to_owned() });
            let leads = run.ends(outcome.clone(), "DECISION: DONE\nSUMMARY: all of it");
            assert_eq!(leads, End(StopReason::Interrupted), "{role}: {outcome:?}");
        }
    }
}

#[test]
fn a_request_to_stop_ends_a_wait_at_once() {
    for role in [Role::Actor, Role::Critic] {
        for outcome in [AgentOutcome::Transient { message: message() }, usage_limit(None)] {
            let mut run = Run::to(role);
            assert!(matches!(run.ends(outcome.clone(), ""), Wait(_)));
            run.give(Input::StopRequested { signal: "SIGINT".to_owned() });
            assert_eq!(run.leads(), End(StopReason::Interrupted), "{role}: {outcome:?}");
            assert_eq!(StopReason::Interrupted.outcome(), Outcome::Interrupted);
        }
    }
}

/// A whole turn that was read as text though events were declared.
fn read_as_text(run: &mut Run, text: &str) -> Leads {
    run.reports(AgentReport {
        text: text.to_owned(),
        text_instead_of: Some("codex-json".to_owned()),
        ..AgentReport::bare(AgentOutcome::Completed)
    })
}

#[test]
fn what_is_read_as_text_though_events_were_declared_counts_and_is_told_once_for_each_role() {
    let mut run = Run::to(Role::Actor);
    for _ in 0..2 {
        assert_eq!(read_as_text(&mut run, "I did it"), Tree);
        run.is_captured();
        let answer = "DECISION: CONTINUE\nFEEDBACK: not yet";
        assert_eq!(read_as_text(&mut run, answer), NextRound);
    }
    let told = run.0.events().iter().filter_map(|event| match event {
        Event::ReadAsText(e) => Some((e.iteration, e.role, e.agent.as_str(), e.declared.as_str())),
        _ => None,
    });
    assert_eq!(
        told.collect::<Vec<_>>(),
        [
            (1, Role::Actor, "Fake Actor", "codex-json"),
            (1, Role::Critic, "Fake Critic", "codex-json"),
        ]
    );
}

#[test]
fn a_budget_that_such_an_agent_tells_nothing_of_ends_the_run() {
    let tokens = |limits: &mut Limits| limits.max_tokens = Some(1000);
    let cost = |limits: &mut Limits| limits.max_cost_usd = Some(1.0);
    for (bound, reason) in
        [(&tokens as &dyn Fn(&mut Limits), StopReason::MaxTokens), (&cost, StopReason::MaxCost)]
    {
        let mut run = Run::bounded(Role::Actor, bound);
        assert_eq!(read_as_text(&mut run, "I did it"), Tree);
        run.is_captured();
        assert_eq!(run.leads(), End(reason));
    }
}

/// A stream of events may still tell nothing of what it used: a release that names it otherwise.
#[test]
fn a_budget_that_a_call_tells_nothing_of_ends_the_run() {
    let tokens = |limits: &mut Limits| limits.max_tokens = Some(1000);
    let cost = |limits: &mut Limits| limits.max_cost_usd = Some(1.0);
    for (bound, reason) in
        [(&tokens as &dyn Fn(&mut Limits), StopReason::MaxTokens), (&cost, StopReason::MaxCost)]
    {
        for usage in [None, Some(Usage::default())] {
            let mut run = Run::bounded(Role::Actor, bound);
            run.tells(AgentOutcome::Completed, usage);
            run.is_captured();
            assert_eq!(run.leads(), End(reason));
        }
    }
}

/// It may be hours.
#[test]
fn nothing_is_waited_for_once_a_budget_is_used_up() {
    for role in [Role::Actor, Role::Critic] {
        for outcome in [AgentOutcome::Transient { message: message() }, usage_limit(None)] {
            let mut run = Run::bounded(Role::Actor, |limits| limits.max_tokens = Some(1000));
            if role == Role::Critic {
                run.tells(AgentOutcome::Completed, Some(input(1)));
                run.is_captured();
            }
            let leads = run.tells(outcome, Some(input(1000)));
            assert_eq!(leads, End(StopReason::MaxTokens), "{role}");
        }
    }
}

fn input(tokens: u64) -> Usage {
    Usage { input_tokens: Some(tokens), ..Usage::default() }
}
