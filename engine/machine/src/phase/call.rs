//! The states of a call, and what an agent call that is over leads to.

use codeloops_event::{
    AgentOutcome, Attempt, CallId, CallKind, Event, LimitKind, ReadAsText, Role, Stamp, StopReason,
    StopRequested, Timestamp, WaitOver, Waiting,
};

use crate::context::{Context, seconds, spent_ending};
use crate::effect::{AgentCall, Effect, StopLevel};
use crate::input::AgentReport;
use crate::out::Out;
use crate::phase::end::Ending;
use crate::prompts::Prompt;

/// Tries that an overloaded provider or a broken connection gets before it counts as a crash.
pub(crate) const MAX_TRANSIENT_RETRIES: u32 = 5;

/// First wait before such a try, in seconds; each further one is twice as long.
const TRANSIENT_BACKOFF_SECS: i64 = 5;

/// Wait for a usage window whose reset time nobody told, in seconds; doubled up to the cap.
const USAGE_POLL_SECS: i64 = 300;
const USAGE_POLL_CAP_SECS: i64 = 1800;

/// The shortest wait for a reset time that was told, in seconds; doubled with each further one, up to
/// the same cap. The provider's clock and ours differ, and some tell the time to the minute.
const RESET_POLL_SECS: i64 = 5;

/// A call of git, which cannot wait.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum TaskState {
    Running { call: CallId },
    Stopping { call: CallId, ending: Ending, level: StopLevel },
}

impl TaskState {
    pub(crate) const fn call(&self) -> CallId {
        match self {
            Self::Running { call } | Self::Stopping { call, .. } => *call,
        }
    }

    /// Why the run ends once the call is over, if a stop was asked.
    pub(crate) fn ending(&self) -> Option<&Ending> {
        match self {
            Self::Running { .. } => None,
            Self::Stopping { ending, .. } => Some(ending),
        }
    }

    /// A stop was asked. The call goes on to its answer, which then ends the run.
    pub(crate) fn stop(self, ask: StopAsk, out: &mut Out) -> Self {
        let (call, level, first) = match self {
            Self::Running { call } => (call, StopLevel::Graceful, None),
            Self::Stopping { call, ending, level } => (call, ask.level_after(level), Some(ending)),
        };
        let ending = first.unwrap_or_else(|| ask.ending());
        out.effect(Effect::StopCall { call, level });
        Self::Stopping { call, ending, level }
    }
}

/// A call of an agent.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum AgentState {
    /// It runs (its process may not have been told of yet).
    Running { call: CallId, since: Stamp, process_known: bool },
    /// It will be made again.
    Waiting { call: CallId },
    /// It is being ended.
    Stopping { call: CallId, since: Stamp, process_known: bool, ending: Ending, level: StopLevel },
}

/// A stop was asked of a waiting call: there is nothing to wait for.
pub(crate) struct NothingRuns {
    pub(crate) ending: Ending,
    pub(crate) state: AgentState,
}

impl AgentState {
    /// Starts a call.
    pub(crate) fn run(
        ctx: &mut Context,
        call: CallId,
        role: Role,
        prompt: Prompt,
        out: &mut Out,
    ) -> Self {
        let conversation = match role {
            Role::Actor => ctx.conversation.as_ref().map(|kept| kept.conversation.clone()),
            // It judges with fresh eyes.
            Role::Critic => None,
        };
        out.effect(Effect::RunAgent(Box::new(AgentCall {
            call,
            role,
            prompt,
            conversation,
            deadline: ctx.deadline(role, out.stamp),
            idle: ctx.idle(role),
            budget: ctx.budget(),
        })));
        Self::Running { call, since: out.stamp, process_known: false }
    }

    pub(crate) const fn call(&self) -> CallId {
        match self {
            Self::Running { call, .. } | Self::Waiting { call } | Self::Stopping { call, .. } => {
                *call
            }
        }
    }

    pub(crate) const fn process_known(&self) -> bool {
        match self {
            Self::Running { process_known, .. } | Self::Stopping { process_known, .. } => {
                *process_known
            }
            Self::Waiting { .. } => false,
        }
    }

    pub(crate) fn started(mut self) -> Self {
        if let Self::Running { process_known, .. } | Self::Stopping { process_known, .. } =
            &mut self
        {
            *process_known = true;
        }
        self
    }

    /// When the call began; now for one that waits.
    pub(crate) const fn since(&self, now: Stamp) -> Stamp {
        match self {
            Self::Running { since, .. } | Self::Stopping { since, .. } => *since,
            Self::Waiting { .. } => now,
        }
    }

    /// A stop was asked.
    pub(crate) fn stop(self, ask: StopAsk, out: &mut Out) -> Result<Self, NothingRuns> {
        let (call, since, process_known, level, first) = match self {
            Self::Waiting { .. } => return Err(NothingRuns { ending: ask.ending(), state: self }),
            Self::Running { call, since, process_known } => {
                (call, since, process_known, StopLevel::Graceful, None)
            }
            Self::Stopping { call, since, process_known, ending, level } => {
                (call, since, process_known, ask.level_after(level), Some(ending))
            }
        };
        let ending = first.unwrap_or_else(|| ask.ending());
        out.effect(Effect::StopCall { call, level });
        Ok(Self::Stopping { call, since, process_known, ending, level })
    }
}

/// Who asked to stop.
pub(crate) enum StopAsk {
    User { signal: String },
    Engine { reason: StopReason, error: String },
}

impl StopAsk {
    pub(crate) fn ending(self) -> Ending {
        match self {
            Self::User { .. } => Ending::of(StopReason::Interrupted),
            Self::Engine { reason, error } => Ending::with(reason, error),
        }
    }

    /// A second request of the user ends the call at once; a failing record does not hasten it.
    pub(crate) const fn level_after(&self, level: StopLevel) -> StopLevel {
        match self {
            Self::User { .. } => StopLevel::Now,
            Self::Engine { .. } => level,
        }
    }

    /// Tells of the request.
    pub(crate) fn tell(&self, already_stopping: bool, out: &mut Out) {
        let (timestamp, elapsed_ms) = (out.stamp.at, out.stamp.elapsed_ms);
        out.event(match self {
            Self::User { signal } => Event::StopRequested(StopRequested {
                timestamp,
                elapsed_ms,
                signal: signal.clone(),
                now: already_stopping,
            }),
            Self::Engine { reason, error } => Event::EngineFailed(codeloops_event::EngineFailed {
                timestamp,
                elapsed_ms,
                reason: *reason,
                error: error.clone(),
            }),
        });
    }
}

/// How often, and since when, a call has been made again within its round.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Retries {
    transient: u32,
    afresh: bool,
    limited_since: Option<Timestamp>,
    usage_polls: u32,
    resets: u32,
}

/// What an agent call that is over leads to.
pub(crate) enum Disposition {
    /// It did its turn.
    Usable,
    /// It failed; what that means depends on the role.
    FailedTurn,
    /// It is made again at this time.
    Wait { until: Timestamp, reason: String },
    /// The run ends.
    End(EndCause, Ending),
}

/// Why an agent call ends the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EndCause {
    NotStarted,
    Refused,
    WaitTooLong,
    BudgetSpent,
}

/// The table "how a call ended × what to do" of the design, as far as it is the same for both
/// roles.
pub(crate) fn dispose(
    ctx: &Context,
    retries: &mut Retries,
    role: Role,
    outcome: &AgentOutcome,
    now: Stamp,
) -> Disposition {
    match outcome {
        AgentOutcome::Completed | AgentOutcome::Denied { .. } => Disposition::Usable,
        AgentOutcome::Refused { message, .. } => {
            let error = said(format!("{}, was refused", ctx.agent(role)), message);
            Disposition::End(EndCause::Refused, Ending::with(StopReason::ProviderRefused, error))
        }
        AgentOutcome::UsageLimit { resets_at, message } => {
            usage_limit(ctx, retries, role, (*resets_at, message), now)
        }
        AgentOutcome::Transient { message } => transient(ctx, retries, message.clone(), now),
        AgentOutcome::CutOff { .. } => {
            transient(ctx, retries, "the answer broke off".to_owned(), now)
        }
        AgentOutcome::TimedOut { limit: LimitKind::RunBudget, .. } => {
            Disposition::End(EndCause::BudgetSpent, Ending::of(StopReason::MaxDuration))
        }
        AgentOutcome::OverBudget { budget } => {
            Disposition::End(EndCause::BudgetSpent, spent_ending(*budget))
        }
        AgentOutcome::ConversationLost { message } => again_afresh(retries, message, now),
        AgentOutcome::NotStarted { message } => {
            let reason = match role {
                Role::Actor => StopReason::ActorFailed,
                Role::Critic => StopReason::CriticFailed,
            };
            let error = said(format!("could not start {}", ctx.agent(role)), message);
            Disposition::End(EndCause::NotStarted, Ending::with(reason, error))
        }
        AgentOutcome::Failed { .. }
        | AgentOutcome::Signaled { .. }
        | AgentOutcome::NoOutput
        | AgentOutcome::TimedOut { limit: LimitKind::Total | LimitKind::Idle, .. }
        | AgentOutcome::Interrupted => Disposition::FailedTurn,
    }
}

/// The call is made again at once, in a new conversation. Once: the agent has no other to lose.
fn again_afresh(retries: &mut Retries, message: &str, now: Stamp) -> Disposition {
    if std::mem::replace(&mut retries.afresh, true) {
        return Disposition::FailedTurn;
    }
    Disposition::Wait { until: now.at, reason: format!("a new conversation begins: {message}") }
}

fn transient(ctx: &Context, retries: &mut Retries, reason: String, now: Stamp) -> Disposition {
    if retries.transient >= MAX_TRANSIENT_RETRIES {
        return Disposition::FailedTurn;
    }
    let secs = TRANSIENT_BACKOFF_SECS << retries.transient;
    retries.transient += 1;
    wait(ctx, later(now, secs), reason, now)
}

fn usage_limit(
    ctx: &Context,
    retries: &mut Retries,
    role: Role,
    (resets_at, message): (Option<Timestamp>, &str),
    now: Stamp,
) -> Disposition {
    let since = *retries.limited_since.get_or_insert(now.at);
    let until = match resets_at {
        Some(at) => at.max(later(now, poll(RESET_POLL_SECS, &mut retries.resets))),
        None => later(now, poll(USAGE_POLL_SECS, &mut retries.usage_polls)),
    };
    let patience = ctx.limits().usage_limit_wait_secs.map(seconds);
    let patience = patience.and_then(|wait| chrono::TimeDelta::from_std(wait).ok());
    if patience.is_some_and(|patience| until.signed_duration_since(since) > patience) {
        let error = said(format!("{}, is held up by a usage limit", ctx.agent(role)), message);
        let ending = Ending::with(StopReason::UsageLimit, error);
        return Disposition::End(EndCause::WaitTooLong, ending);
    }
    wait(ctx, until, message.to_owned(), now)
}

/// What happened, with the words of the agent where it had some.
fn said(what: String, words: &str) -> String {
    if words.is_empty() { what } else { format!("{what}: {words}") }
}

/// Each wait is twice as long as the one before.
fn poll(first_secs: i64, polls: &mut u32) -> i64 {
    let secs = (first_secs << (*polls).min(16)).min(USAGE_POLL_CAP_SECS);
    *polls += 1;
    secs
}

/// A wait that goes past the run's own budget is not begun, nor one that no call could follow.
fn wait(ctx: &Context, until: Timestamp, reason: String, now: Stamp) -> Disposition {
    let length = until.signed_duration_since(now.at).to_std().unwrap_or_default();
    if ctx.time_left(now).is_some_and(|left| left < length) {
        let error = format!("waiting until {until} would go past max_duration: {reason}");
        return Disposition::End(
            EndCause::BudgetSpent,
            Ending::with(StopReason::MaxDuration, error),
        );
    }
    match ctx.spent(now) {
        Some(ending) => Disposition::End(EndCause::BudgetSpent, ending),
        None => Disposition::Wait { until, reason },
    }
}

fn later(now: Stamp, secs: i64) -> Timestamp {
    now.at.checked_add_signed(chrono::TimeDelta::seconds(secs)).unwrap_or(Timestamp::MAX_UTC)
}

/// Begins a wait before `attempt`, and tells of it.
pub(crate) fn begin_wait(
    ctx: &mut Context,
    role: Role,
    attempt: Try,
    (until, reason): (Timestamp, String),
    out: &mut Out,
) -> AgentState {
    let Try { iteration, attempt } = attempt;
    let kind = match role {
        Role::Actor => CallKind::ActorWait,
        Role::Critic => CallKind::CriticWait,
    };
    let call = ctx.issue(iteration, kind, attempt);
    out.event(Event::Waiting(Waiting {
        timestamp: out.stamp.at,
        elapsed_ms: out.stamp.elapsed_ms,
        iteration,
        role,
        attempt,
        until,
        reason,
    }));
    out.effect(Effect::Wait { call, until });
    AgentState::Waiting { call }
}

/// Tells the user, once for each role, that what was printed is not what was declared.
pub(crate) fn tell_read_as_text(
    ctx: &mut Context,
    role: Role,
    this: Try,
    report: &AgentReport,
    out: &mut Out,
) {
    let Some(declared) = &report.text_instead_of else { return };
    if !ctx.told_read_as_text.insert(role) {
        return;
    }
    out.event(Event::ReadAsText(ReadAsText {
        timestamp: out.stamp.at,
        elapsed_ms: out.stamp.elapsed_ms,
        iteration: this.iteration,
        attempt: this.attempt,
        role,
        agent: ctx.title(role).to_owned(),
        declared: declared.clone(),
    }));
}

/// Tells that a wait is over.
pub(crate) fn tell_wait_over(role: Role, next: Try, out: &mut Out) {
    out.event(Event::WaitOver(WaitOver {
        timestamp: out.stamp.at,
        elapsed_ms: out.stamp.elapsed_ms,
        iteration: next.iteration,
        role,
        attempt: next.attempt,
    }));
}

/// A try of a round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Try {
    pub(crate) iteration: codeloops_event::Iteration,
    pub(crate) attempt: Attempt,
}
