//! The limits of a run.

use std::num::{NonZeroU32, NonZeroU64};
use std::time::Duration;

use codeloops_event::{DEFAULT_STUCK_AFTER, Limits};

use super::origin::{Layers, Origin, Sourced};
use crate::app::LimitArgs;
use crate::values::{Dollars, Patience, StuckAfter, TimeLimit};

/// Silence after which an agent that prints as it goes is taken for stuck. Agents were seen to keep
/// silent for almost 4 minutes while they retried a request, and tools may run for longer.
const IDLE_TIMEOUT: Duration = Duration::from_mins(20);
/// Longer than most test suites take, and no night is lost to one that hangs.
const GATE_TIMEOUT: Duration = Duration::from_mins(10);
const STUCK_AFTER: StuckAfter = StuckAfter::new(DEFAULT_STUCK_AFTER).expect("it is 2 or more");
const MAX_FAILURES: NonZeroU32 = NonZeroU32::new(3).expect("3 is not 0");
/// A provider's window is five hours at most; with room to spare.
const USAGE_LIMIT_WAIT: Patience = Patience::AtMost(Duration::from_hours(6));
const MAX_OUTPUT: u64 = 1_000_000_000;

/// The resolved limits.
#[derive(Debug, Clone)]
pub struct LimitSettings {
    /// Rounds.
    pub max_iterations: Option<Sourced<NonZeroU32>>,
    /// Time of the whole run.
    pub max_duration: Sourced<TimeLimit>,
    /// Tokens of both agents.
    pub max_tokens: Option<Sourced<NonZeroU64>>,
    /// US dollars of both agents.
    pub max_cost_usd: Option<Sourced<Dollars>>,
    /// Time of one actor call.
    pub actor_timeout: Sourced<TimeLimit>,
    /// Time of one critic call.
    pub critic_timeout: Sourced<TimeLimit>,
    /// Time of one gate that has no limit of its own.
    pub gate_timeout: Sourced<TimeLimit>,
    /// Time without output of an agent. Its default is not for agents that print only at their end;
    /// a value that the user gave is for all.
    pub idle_timeout: Sourced<TimeLimit>,
    /// Failed actor rounds in a row.
    pub max_actor_failures: Sourced<NonZeroU32>,
    /// Failed critic rounds in a row.
    pub max_critic_failures: Sourced<NonZeroU32>,
    /// The how manyth time the same state ends the run.
    pub stuck_after: Sourced<StuckAfter>,
    /// Bytes that are kept of one output stream.
    pub max_output: Sourced<u64>,
    /// How long to wait for a usage window.
    pub usage_limit_wait: Sourced<Patience>,
}

impl LimitSettings {
    pub(super) fn resolve(args: &LimitArgs, layers: Layers<'_>) -> Self {
        /// Flag, field of both the flags and the files, default.
        macro_rules! limit {
            ($flag:literal, $field:ident, $default:expr) => {
                layers.or($flag, args.$field, |file| &file.limits.$field, $default)
            };
        }
        let none = TimeLimit::Unlimited;
        let (gate, idle) = (TimeLimit::After(GATE_TIMEOUT), TimeLimit::After(IDLE_TIMEOUT));
        Self {
            max_iterations: layers
                .find("--max-iterations", args.max_iterations, |file| &file.max_iterations),
            max_duration: limit!("--max-duration", max_duration, none),
            max_tokens: layers
                .find("--max-tokens", args.max_tokens, |file| &file.limits.max_tokens),
            max_cost_usd: layers
                .find("--max-cost-usd", args.max_cost_usd, |file| &file.limits.max_cost_usd),
            actor_timeout: limit!("--actor-timeout", actor_timeout, none),
            critic_timeout: limit!("--critic-timeout", critic_timeout, none),
            gate_timeout: limit!("--gate-timeout", gate_timeout, gate),
            idle_timeout: limit!("--idle-timeout", idle_timeout, idle),
            max_actor_failures: limit!("--max-actor-failures", max_actor_failures, MAX_FAILURES),
            max_critic_failures: limit!("--max-critic-failures", max_critic_failures, MAX_FAILURES),
            stuck_after: limit!("--stuck-after", stuck_after, STUCK_AFTER),
            max_output: limit!("--max-output", max_output, MAX_OUTPUT),
            usage_limit_wait: limit!("--usage-limit-wait", usage_limit_wait, USAGE_LIMIT_WAIT),
        }
    }

    /// The time without output that an agent is given.
    #[must_use]
    pub fn idle_timeout_for(&self, streams: bool) -> TimeLimit {
        if self.idle_timeout.origin == Origin::Default && !streams {
            TimeLimit::Unlimited
        } else {
            self.idle_timeout.value
        }
    }

    pub(super) fn engine(&self, actor_streams: bool, critic_streams: bool) -> Limits {
        Limits {
            max_iterations: self.max_iterations.as_ref().map(|max| max.value.get()),
            max_duration_secs: self.max_duration.value.secs(),
            max_tokens: self.max_tokens.as_ref().map(|max| max.value.get()),
            max_cost_usd: self.max_cost_usd.as_ref().map(|max| max.value.get()),
            actor_timeout_secs: self.actor_timeout.value.secs(),
            critic_timeout_secs: self.critic_timeout.value.secs(),
            gate_timeout_secs: self.gate_timeout.value.secs(),
            actor_idle_timeout_secs: self.idle_timeout_for(actor_streams).secs(),
            critic_idle_timeout_secs: self.idle_timeout_for(critic_streams).secs(),
            max_actor_failures: self.max_actor_failures.value.get(),
            max_critic_failures: self.max_critic_failures.value.get(),
            stuck_after: self.stuck_after.value.get(),
            usage_limit_wait_secs: self.usage_limit_wait.value.secs(),
            max_output_bytes: self.max_output.value,
        }
    }
}
