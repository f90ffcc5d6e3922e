//! How a call of an agent ended, and what it left.

use serde::{Deserialize, Serialize};

use crate::stamp::Timestamp;

/// A file of the evidence folder, with what is needed to notice a change of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Evidence {
    /// Path relative to the run's evidence folder, with `/` between its parts.
    pub path: String,
    /// Size in bytes.
    pub bytes: u64,
    /// SHA-256 of the content, in lower-case hexadecimal.
    pub sha256: String,
    /// Bytes that came after `limits.max_output` was reached and were not kept.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub dropped_bytes: u64,
    /// Credentials that were masked in it.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub redacted: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
pub(crate) const fn is_zero(n: &u64) -> bool {
    *n == 0
}

/// What is known of a started process; enough to tell it from a later one with the same pid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ProcessInfo {
    /// Process id.
    pub pid: u32,
    /// When the process started, in clock ticks since boot (`/proc/<pid>/stat`, field 22); null
    /// where the system does not tell.
    pub start_ticks: Option<u64>,
    /// File name of its program, lossily decoded; absent in files of releases that did not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub program: Option<String>,
}

/// A signal's number, as the operating system counts it.
pub type Signal = i32;

/// Which clock ran out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum LimitKind {
    /// `limits.actor_timeout` or `limits.critic_timeout`.
    Total,
    /// `limits.idle_timeout`: no output for that long.
    Idle,
    /// What was left of `limits.max_duration`.
    RunBudget,
}

/// What a run may use up beside time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum BudgetKind {
    /// `limits.max_tokens`.
    Tokens,
    /// `limits.max_cost_usd`.
    Cost,
}

/// Why a provider refused; nothing that a second try would mend.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// Not logged in, or a key that is not accepted.
    Auth,
    /// No credit, or a quota that does not come back by waiting.
    Billing,
    /// The request itself was not accepted.
    BadRequest,
}

/// How an answer came to an end before its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum CutOffKind {
    /// The stream ended without its final event.
    NoFinalEvent,
    /// The model reached its output limit.
    Length,
}

/// How many tool calls the agent's own permission rules denied.
pub type DenialCount = u32;

/// How a call of an agent ended. The machine decides on each of these; none of them is an empty
/// string.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum AgentOutcome {
    /// It did its turn: its final event, where there is one, says success, else exit code 0.
    Completed,
    /// It did its turn, but its permission rules denied something.
    Denied {
        /// Denied tool calls.
        count: DenialCount,
    },
    /// The provider refused for good.
    Refused {
        /// Why.
        refusal: Refusal,
        /// The provider's words, in one line.
        message: String,
    },
    /// A usage window is used up.
    UsageLimit {
        /// When it resets, where the agent told.
        resets_at: Option<Timestamp>,
        /// The agent's words, in one line.
        message: String,
    },
    /// Overloaded, 5xx, network: worth another try.
    Transient {
        /// The agent's words, in one line.
        message: String,
    },
    /// The answer broke off.
    CutOff {
        /// How.
        how: CutOffKind,
    },
    /// It ended with a failure of its own.
    Failed {
        /// Exit code of the process.
        exit_code: i32,
        /// The agent's words where its final event gave some, in one line.
        message: Option<String>,
    },
    /// A signal that we did not send ended it.
    Signaled {
        /// The signal.
        signal: Signal,
    },
    /// It exited with 0 and printed nothing where an answer was due.
    NoOutput,
    /// A limit of ours ended it.
    TimedOut {
        /// Which.
        limit: LimitKind,
        /// The limit, in milliseconds.
        after_ms: u64,
    },
    /// It had used up what was left of a budget of the run, and was ended.
    OverBudget {
        /// Which.
        budget: BudgetKind,
    },
    /// The conversation that was to be gone on with is not there any more.
    ConversationLost {
        /// The agent's words, in one line.
        message: String,
    },
    /// A stop request of the user ended it.
    Interrupted,
    /// There is no such program, or it could not be started.
    NotStarted {
        /// What failed, with what.
        message: String,
    },
}

impl AgentOutcome {
    /// The word as it stands in files.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Denied { .. } => "denied",
            Self::Refused { .. } => "refused",
            Self::UsageLimit { .. } => "usage_limit",
            Self::Transient { .. } => "transient",
            Self::CutOff { .. } => "cut_off",
            Self::Failed { .. } => "failed",
            Self::Signaled { .. } => "signaled",
            Self::NoOutput => "no_output",
            Self::TimedOut { .. } => "timed_out",
            Self::OverBudget { .. } => "over_budget",
            Self::ConversationLost { .. } => "conversation_lost",
            Self::Interrupted => "interrupted",
            Self::NotStarted { .. } => "not_started",
        }
    }

    /// The outcome with its message, if it has one, changed.
    #[must_use]
    pub fn map(mut self, change: impl Fn(String) -> String) -> Self {
        match &mut self {
            Self::Refused { message, .. }
            | Self::UsageLimit { message, .. }
            | Self::Transient { message }
            | Self::Failed { message: Some(message), .. }
            | Self::ConversationLost { message }
            | Self::NotStarted { message } => *message = change(std::mem::take(message)),
            _ => {}
        }
        self
    }

    /// Whether the agent did its turn to the end.
    #[must_use]
    pub const fn is_whole(&self) -> bool {
        matches!(self, Self::Completed | Self::Denied { .. })
    }
}

/// An agent's own conversation, which a later call may go on with.
#[derive(Debug, Clone, PartialEq)]
pub struct Conversation {
    /// The agent's name for it.
    pub id: String,
    /// What it had used in all when it was last told, as far as the agent tells sums over a whole
    /// conversation; the difference is what a further call used.
    pub used: Option<Usage>,
}

/// Tokens and money of one or several calls; a field is null where the agent did not tell.
///
/// `input_tokens` includes cache reads and writes, `output_tokens` includes reasoning.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Usage {
    /// Tokens sent, cached ones included.
    pub input_tokens: Option<u64>,
    /// Tokens received, reasoning included.
    pub output_tokens: Option<u64>,
    /// Part of the input read from a cache.
    pub cache_read_tokens: Option<u64>,
    /// Part of the input written to a cache.
    pub cache_creation_tokens: Option<u64>,
    /// Part of the output that was reasoning.
    pub reasoning_tokens: Option<u64>,
    /// US dollars.
    pub cost_usd: Option<f64>,
}

/// Usage of both roles; null where nothing is known.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct UsageByRole {
    /// The actor's.
    pub actor: Option<Usage>,
    /// The critic's.
    pub critic: Option<Usage>,
    /// Both together; only in `session_end`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<Usage>,
}

impl UsageByRole {
    /// Both roles together; `None` where nothing is known of either.
    #[must_use]
    pub fn sum(&self) -> Option<Usage> {
        self.actor.iter().chain(&self.critic).cloned().reduce(|a, b| a.plus(&b))
    }

    /// The sum by role, without a total.
    #[must_use]
    pub fn plus(&self, other: &Self) -> Self {
        let add = |a: &Option<Usage>, b: &Option<Usage>| match (a, b) {
            (Some(a), Some(b)) => Some(a.plus(b)),
            (a, b) => a.clone().or_else(|| b.clone()),
        };
        Self {
            actor: add(&self.actor, &other.actor),
            critic: add(&self.critic, &other.critic),
            total: None,
        }
    }
}

impl Usage {
    /// Tokens sent and received, as far as they are known.
    #[must_use]
    pub fn tokens(&self) -> u64 {
        self.input_tokens.unwrap_or(0).saturating_add(self.output_tokens.unwrap_or(0))
    }

    /// The tokens of these sums that came after those of `before`, field by field. Where one has
    /// become smaller, a new count has begun.
    #[must_use]
    pub fn tokens_since(&self, before: &Self) -> Self {
        let fields = |usage: &Self| {
            [
                usage.input_tokens,
                usage.output_tokens,
                usage.cache_read_tokens,
                usage.cache_creation_tokens,
                usage.reasoning_tokens,
            ]
        };
        let (now, then) = (fields(self), fields(before));
        let shrank = |(now, then): (&Option<u64>, &Option<u64>)| now.is_some() && now < then;
        let smaller = now.iter().zip(&then).any(shrank);
        let since = |at: usize| {
            let before = if smaller { 0 } else { then[at].unwrap_or(0) };
            now[at].map(|count| count - before)
        };
        Self {
            input_tokens: since(0),
            output_tokens: since(1),
            cache_read_tokens: since(2),
            cache_creation_tokens: since(3),
            reasoning_tokens: since(4),
            cost_usd: None,
        }
    }

    /// The sum, field by field; what one side does not know, the other one tells alone.
    #[must_use]
    pub fn plus(&self, other: &Self) -> Self {
        fn add(a: Option<u64>, b: Option<u64>) -> Option<u64> {
            a.into_iter().chain(b).reduce(u64::saturating_add)
        }
        Self {
            input_tokens: add(self.input_tokens, other.input_tokens),
            output_tokens: add(self.output_tokens, other.output_tokens),
            cache_read_tokens: add(self.cache_read_tokens, other.cache_read_tokens),
            cache_creation_tokens: add(self.cache_creation_tokens, other.cache_creation_tokens),
            reasoning_tokens: add(self.reasoning_tokens, other.reasoning_tokens),
            cost_usd: (self.cost_usd.into_iter().chain(other.cost_usd))
                .reduce(|a, b| (a + b).min(f64::MAX)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// JSON has no infinity: it would be read again as not told.
    #[test]
    fn a_sum_of_costs_can_be_written() {
        let dear = Usage { cost_usd: Some(1e308), ..Usage::default() };
        assert!(dear.plus(&dear).cost_usd.is_some_and(f64::is_finite));
    }

    #[test]
    fn a_count_that_is_not_told_any_more_begins_no_other_anew() {
        let before =
            Usage { input_tokens: Some(100), reasoning_tokens: Some(5), ..Usage::default() };
        let now = Usage { input_tokens: Some(130), ..Usage::default() };
        let since = now.tokens_since(&before);
        assert_eq!((since.input_tokens, since.reasoning_tokens), (Some(30), None));
    }
}
