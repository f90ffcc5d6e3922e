//! What outlives a phase: how the run began, the finished rounds, the failures in a row.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use codeloops_event::{
    AgentOutcome, Attempt, BudgetKind, CallId, CallKind, Conversation, FORMAT_VERSION, GateResult,
    GateSettings, Iteration, LimitKind, Limits, Role, SessionStart, Stamp, StopReason, Usage,
    UsageByRole,
};

use crate::effect::Budget;
use crate::input::{AgentReport, Start};
use crate::phase::end::Ending;
use crate::phase::gate_runs::Position;
use crate::prompt::Round;
use crate::states::States;

/// State shared by all phases.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Context {
    pub(crate) start: Arc<Start>,
    pub(crate) rounds: Arc<Vec<Round>>,
    /// Rounds in a row whose actor failed.
    pub(crate) actor_failures: u32,
    /// Failed critic calls and unreadable rounds in a row.
    pub(crate) critic_failures: u32,
    pub(crate) usage: UsageByRole,
    /// Places at which a credential was masked so far.
    pub(crate) redacted: u64,
    /// How the actor's last turn ended, for its next prompt.
    pub(crate) last_turn: Option<LastTurn>,
    /// The actor's conversation that its next call goes on with.
    pub(crate) conversation: Option<Kept>,
    /// Whose agent was told to print something else than was declared.
    pub(crate) told_read_as_text: BTreeSet<Role>,
    /// How the run ends because a call did not tell what there is a bound of.
    untold: Option<Ending>,
    issued: BTreeSet<CallId>,
    /// What gates came to before the first round, by their positions.
    pub(crate) baseline: Arc<BTreeMap<Position, GateResult>>,
    /// The states that the rounds so far ended in.
    pub(crate) states: States,
}

/// How a turn of the actor's ended.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum LastTurn {
    /// So.
    Ended(AgentOutcome),
    /// With codeloops itself: nobody saw how.
    BrokenOff,
}

/// A conversation of the actor's.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Kept {
    pub(crate) conversation: Conversation,
    /// Whether a turn came to its end in it. One that was held up may not even have begun.
    pub(crate) knows_task: bool,
}

impl Context {
    pub(crate) fn new(start: Start) -> Self {
        Self {
            redacted: start.redacted,
            start: Arc::new(start),
            rounds: Arc::default(),
            actor_failures: 0,
            critic_failures: 0,
            usage: UsageByRole::default(),
            last_turn: None,
            conversation: None,
            told_read_as_text: BTreeSet::new(),
            untold: None,
            issued: BTreeSet::new(),
            baseline: Arc::default(),
            states: States::default(),
        }
    }

    /// Another process goes on with the run: with other limits, and with a new patience.
    pub(crate) fn resume(&mut self, limits: &Limits) {
        Arc::make_mut(&mut self.start).settings.limits = limits.clone();
        self.actor_failures = 0;
        self.critic_failures = 0;
        self.untold = None;
    }

    /// The task as it was before it was masked.
    pub(crate) fn take_task(&mut self, task: Option<&str>) {
        if let Some(task) = task {
            task.clone_into(&mut Arc::make_mut(&mut self.start).task);
        }
    }

    /// How an agent calls the checks from now on.
    pub(crate) fn take_verify(&mut self, verify: Option<&str>) {
        if let Some(verify) = verify {
            Arc::make_mut(&mut self.start).verify = Some(verify.to_owned());
        }
    }

    /// The actor was at work when the run broke off. What its conversation holds of that is not known.
    pub(crate) fn turn_broke_off(&mut self) {
        self.last_turn = Some(LastTurn::BrokenOff);
        self.conversation = None;
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.start.settings.limits
    }

    /// The name of the agent of a role.
    pub(crate) fn title(&self, role: Role) -> &str {
        let settings = &self.start.settings;
        match role {
            Role::Actor => &settings.actor.title,
            Role::Critic => &settings.critic.title,
        }
    }

    /// The agent of a role, as errors name it.
    pub(crate) fn agent(&self, role: Role) -> String {
        format!("{}, the {role}", self.title(role))
    }

    /// Names a new call and remembers it, so that a late answer to it can be told from a wrong one.
    pub(crate) fn issue(
        &mut self,
        iteration: Iteration,
        kind: CallKind,
        attempt: Attempt,
    ) -> CallId {
        let call = CallId { iteration, kind, attempt };
        self.issued.insert(call);
        call
    }

    pub(crate) fn was_issued(&self, call: CallId) -> bool {
        self.issued.contains(&call)
    }

    /// Takes in what a call used.
    pub(crate) fn add_usage(&mut self, role: Role, report: &AgentReport) {
        add_usage(&mut self.usage, role, report.usage.as_ref());
        if report.outcome.is_whole() {
            self.untold = self.untold_by(role, report).or(self.untold.take());
        }
    }

    /// How the run ends if a bound of it cannot be held for want of what this call told. No tokens
    /// cost nothing, where that was told.
    fn untold_by(&self, role: Role, report: &AgentReport) -> Option<Ending> {
        let usage = report.usage.clone().unwrap_or_default();
        let no_tokens = usage.input_tokens.or(usage.output_tokens).is_none();
        let no_cost = usage.cost_usd.is_none() && (no_tokens || usage.tokens() > 0);
        let (bound, what, limit) = if no_cost && self.limits().max_cost_usd.is_some() {
            (StopReason::MaxCost, "cost", "max_cost_usd")
        } else if no_tokens && self.limits().max_tokens.is_some() {
            (StopReason::MaxTokens, "tokens", "max_tokens")
        } else {
            return None;
        };
        let but = if no_tokens { "" } else { "; `limits.max_tokens` can" };
        let error = format!(
            "the {role}'s agent told no {what} of its last call, so `limits.{limit}` cannot be \
             held{but}"
        );
        Some(Ending::with(bound, error))
    }

    /// Takes in which conversation the actor's next call goes on with: that of a turn which came to
    /// an end, was held up or took too long. One that broke may be broken itself.
    pub(crate) fn keep_conversation(&mut self, report: &AgentReport) {
        let earlier = self.conversation.take();
        if is_broken(&report.outcome) || !self.start.settings.continue_session {
            return;
        }
        self.conversation = report.agent_session.clone().map(|id| {
            let earlier = earlier.filter(|earlier| earlier.conversation.id == id);
            let knows_task =
                report.outcome.is_whole() || earlier.as_ref().is_some_and(|e| e.knows_task);
            let before = earlier.and_then(|earlier| earlier.conversation.used);
            let used = report.conversation_usage.clone().or(before);
            Kept { conversation: Conversation { id, used }, knows_task }
        });
    }

    /// What a call may use of the run's budgets.
    pub(crate) fn budget(&self) -> Budget {
        let used = self.usage.sum().unwrap_or_default();
        let limits = self.limits();
        Budget {
            tokens: limits.max_tokens.map(|max| max.saturating_sub(used.tokens())),
            cost_usd: limits.max_cost_usd.map(|max| max - used.cost_usd.unwrap_or(0.0)),
        }
    }

    /// What is left of `max_duration`; `None` where there is no such limit.
    pub(crate) fn time_left(&self, now: Stamp) -> Option<Duration> {
        let limit = seconds(self.limits().max_duration_secs?);
        Some(limit.saturating_sub(Duration::from_millis(now.elapsed_ms)))
    }

    /// How the run ends for want of time, tokens or money, if it does.
    pub(crate) fn spent(&self, now: Stamp) -> Option<Ending> {
        if self.time_left(now).is_some_and(|left| left.is_zero()) {
            return Some(Ending::of(StopReason::MaxDuration));
        }
        let spent = || self.budget().exceeded_by(&Usage::default()).map(spent_ending);
        self.untold.clone().or_else(spent)
    }

    /// How long a call of this role may take, and which limit says so.
    pub(crate) fn deadline(&self, role: Role, now: Stamp) -> Option<(Duration, LimitKind)> {
        let own = match role {
            Role::Actor => self.limits().actor_timeout_secs,
            Role::Critic => self.limits().critic_timeout_secs,
        };
        let own = own.map(|secs| (seconds(secs), LimitKind::Total));
        let run = self.time_left(now).map(|left| (left, LimitKind::RunBudget));
        [own, run].into_iter().flatten().min_by_key(|(limit, _)| *limit)
    }

    /// The gate at a position.
    pub(crate) fn gate(&self, at: Position) -> Option<&GateSettings> {
        self.start.settings.gates.get(usize::try_from(at).ok()?.checked_sub(1)?)
    }

    /// How long a gate may take, and which limit says so.
    pub(crate) fn gate_deadline(
        &self,
        gate: &GateSettings,
        now: Stamp,
    ) -> Option<(Duration, LimitKind)> {
        let own = gate.timeout_secs.or(self.limits().gate_timeout_secs);
        let own = own.map(|secs| (seconds(secs), LimitKind::Total));
        let run = self.time_left(now).map(|left| (left, LimitKind::RunBudget));
        [own, run].into_iter().flatten().min_by_key(|(limit, _)| *limit)
    }

    pub(crate) fn idle(&self, role: Role) -> Option<Duration> {
        let secs = match role {
            Role::Actor => self.limits().actor_idle_timeout_secs,
            Role::Critic => self.limits().critic_idle_timeout_secs,
        };
        secs.map(seconds)
    }

    pub(crate) fn session_start(&self, stamp: Stamp) -> SessionStart {
        let Start { settings, .. } = &*self.start;
        SessionStart {
            timestamp: stamp.at,
            prompt: self.start.prompt.clone(),
            working_dir: self.start.working_dir.clone(),
            actor_agent: settings.actor.title.clone(),
            critic_agent: settings.critic.title.clone(),
            actor_model: settings.actor.model.clone(),
            critic_model: settings.critic.model.clone(),
            max_iterations: settings.limits.max_iterations,
            elapsed_ms: stamp.elapsed_ms,
            format_version: Some(FORMAT_VERSION),
            codeloops_version: Some(self.start.codeloops_version.clone()),
            run_id: Some(self.start.run_id.clone()),
            commit_sha: self.start.commit_sha.clone(),
            branch: self.start.branch.clone(),
            repository: self.start.repository.clone(),
            base_tree: Some(self.start.base_tree.clone()),
            parent: self.start.parent.clone(),
            trace_id: self.start.trace_id.clone(),
            parent_span_id: self.start.parent_span_id.clone(),
            trace_sampled: self.start.trace_sampled,
            evidence_dir: self.start.evidence_dir.clone(),
            settings: Some(settings.clone()),
            redacted: self.start.redacted,
        }
    }
}

/// How a run ends that has used up this.
pub(crate) fn spent_ending(budget: BudgetKind) -> Ending {
    Ending::of(match budget {
        BudgetKind::Tokens => StopReason::MaxTokens,
        BudgetKind::Cost => StopReason::MaxCost,
    })
}

/// Whether it is not known what the agent made of its conversation.
const fn is_broken(outcome: &AgentOutcome) -> bool {
    match outcome {
        AgentOutcome::Completed
        | AgentOutcome::Denied { .. }
        | AgentOutcome::UsageLimit { .. }
        | AgentOutcome::Transient { .. }
        | AgentOutcome::CutOff { .. }
        | AgentOutcome::TimedOut { .. } => false,
        AgentOutcome::Refused { .. }
        | AgentOutcome::Failed { .. }
        | AgentOutcome::Signaled { .. }
        | AgentOutcome::NoOutput
        | AgentOutcome::OverBudget { .. }
        | AgentOutcome::ConversationLost { .. }
        | AgentOutcome::Interrupted
        | AgentOutcome::NotStarted { .. } => true,
    }
}

/// Adds what one call used to a sum by role.
pub(crate) fn add_usage(sum: &mut UsageByRole, role: Role, usage: Option<&Usage>) {
    let Some(usage) = usage else { return };
    let slot = match role {
        Role::Actor => &mut sum.actor,
        Role::Critic => &mut sum.critic,
    };
    *slot = Some(slot.as_ref().map_or_else(|| usage.clone(), |sum| sum.plus(usage)));
}

/// A limit in seconds as a duration; a value that no duration can hold is as good as endless.
pub(crate) fn seconds(secs: f64) -> Duration {
    Duration::try_from_secs_f64(secs).unwrap_or(Duration::MAX)
}
