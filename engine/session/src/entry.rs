//! One session in a catalogue, as a view of what is known of it.

use codeloops_event::{Iteration, Outcome, StopReason, Timestamp, Usage, UsageByRole};

use crate::progress::SessionStatus;

/// One session of a [`Catalogue`](crate::Catalogue): what a [`SessionSummary`](crate::SessionSummary)
/// holds, borrowed, and what statistics and a clean-up need beside it.
#[derive(Debug, Clone, PartialEq)]
pub struct SessionEntry<'a> {
    /// Its id.
    pub id: &'a str,
    /// When it started.
    pub timestamp: Timestamp,
    /// The time of its last line, to the second; of one that has ended, when it ended.
    pub last_line_at: Timestamp,
    /// The first 256 characters of the prompt.
    pub prompt_preview: &'a str,
    /// Absolute path, lossily decoded.
    pub working_dir: &'a str,
    /// How it ended; none without an end.
    pub outcome: Option<Outcome>,
    /// Why it ended; none without an end and in files of other programs.
    pub stop_reason: Option<StopReason>,
    /// Whether it is over, and if it has no end, why.
    pub status: SessionStatus,
    /// Finished rounds.
    pub iterations: u32,
    /// How long it took; none without an end.
    pub duration_secs: Option<f64>,
    /// The critic's confidence, 0 to 1; none where there is none.
    pub confidence: Option<f64>,
    /// Title of the actor's agent.
    pub actor_agent: &'a str,
    /// Title of the critic's agent.
    pub critic_agent: &'a str,
    /// The actor's model; none for its agent's own default.
    pub actor_model: Option<&'a str>,
    /// The critic's model; none for its agent's own default.
    pub critic_model: Option<&'a str>,
    /// What the actor used, as far as it told.
    pub actor_usage: Used,
    /// What the critic used, as far as it told.
    pub critic_usage: Used,
    /// The run's identity; none in files of other programs.
    pub run_id: Option<&'a str>,
    /// The run and iteration that a fork began from; none for any other run.
    pub parent: Option<(&'a str, Iteration)>,
    /// Bytes of its file.
    pub size: u64,
}

/// What calls of agents used, as far as they told.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Used {
    /// Tokens sent, cached ones included.
    pub input_tokens: Option<u64>,
    /// Tokens received, reasoning included.
    pub output_tokens: Option<u64>,
    /// US dollars.
    pub cost_usd: Option<f64>,
}

impl<'a> SessionEntry<'a> {
    /// The last part of the working directory; the whole of it where it has none (`/`).
    #[must_use]
    pub fn project(&self) -> &'a str {
        let name = self.working_dir.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
        if name.is_empty() { self.working_dir } else { name }
    }

    /// What both roles used together.
    #[must_use]
    pub fn used(&self) -> Used {
        self.actor_usage.plus(&self.critic_usage)
    }
}

impl Used {
    /// Tokens sent and received; none where neither was told.
    #[must_use]
    pub fn tokens(&self) -> Option<u64> {
        self.input_tokens.into_iter().chain(self.output_tokens).reduce(u64::saturating_add)
    }

    /// The sum; what one side does not know, the other one tells alone.
    #[must_use]
    pub fn plus(&self, other: &Self) -> Self {
        fn add<T>(a: Option<T>, b: Option<T>, sum: impl Fn(T, T) -> T) -> Option<T> {
            a.into_iter().chain(b).reduce(sum)
        }
        Self {
            input_tokens: add(self.input_tokens, other.input_tokens, u64::saturating_add),
            output_tokens: add(self.output_tokens, other.output_tokens, u64::saturating_add),
            cost_usd: add(self.cost_usd, other.cost_usd, |a, b| (a + b).min(f64::MAX)),
        }
    }

    /// Those of both roles.
    pub(crate) fn by_role(usage: Option<&UsageByRole>) -> [Self; 2] {
        let role = |used: Option<&Usage>| used.map(Self::of).unwrap_or_default();
        [role(usage.and_then(|u| u.actor.as_ref())), role(usage.and_then(|u| u.critic.as_ref()))]
    }

    fn of(usage: &Usage) -> Self {
        Self {
            input_tokens: usage.input_tokens,
            output_tokens: usage.output_tokens,
            cost_usd: usage.cost_usd,
        }
    }
}
