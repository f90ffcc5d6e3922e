//! How a run ended, in a word and with its reason.

use serde::{Deserialize, Serialize};

/// The outcome of a session, as the session format names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The critic approved.
    Success,
    /// Something could not be done.
    Failed,
    /// The user stopped it.
    Interrupted,
    /// The iteration limit was reached without approval.
    MaxIterationsReached,
    /// A limit on time, tokens or cost was reached.
    BudgetExhausted,
    /// The run went in a circle.
    Stuck,
}

impl Outcome {
    /// The word as it stands in files and flags.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failed => "failed",
            Self::Interrupted => "interrupted",
            Self::MaxIterationsReached => "max_iterations_reached",
            Self::BudgetExhausted => "budget_exhausted",
            Self::Stuck => "stuck",
        }
    }

    /// The exit code of a run that ended so: 0 approved, 1 stopped by a limit, 2 failed,
    /// 130 interrupted.
    #[must_use]
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::MaxIterationsReached | Self::BudgetExhausted | Self::Stuck => 1,
            Self::Failed => 2,
            Self::Interrupted => 130,
        }
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a run stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum StopReason {
    /// The critic said DONE and nothing overruled it.
    Approved,
    /// `max_iterations`.
    MaxIterations,
    /// `limits.max_duration`.
    MaxDuration,
    /// `limits.max_tokens`.
    MaxTokens,
    /// `limits.max_cost_usd`.
    MaxCost,
    /// `limits.stuck_after`.
    Stuck,
    /// The actor could not be started, or failed `limits.max_actor_failures` times in a row.
    ActorFailed,
    /// The critic could not be started, or failed `limits.max_critic_failures` times in a row.
    CriticFailed,
    /// The provider refused: authentication, billing, a bad request.
    ProviderRefused,
    /// A usage limit that did not reset within `limits.usage_limit_wait`.
    UsageLimit,
    /// The changes could not be captured or compared.
    DiffFailed,
    /// The session file could not be written.
    RecordFailed,
    /// The user asked for it.
    Interrupted,
    /// A defect of codeloops itself.
    InternalError,
}

impl StopReason {
    /// The outcome that goes with this reason.
    #[must_use]
    pub const fn outcome(self) -> Outcome {
        match self {
            Self::Approved => Outcome::Success,
            Self::MaxIterations => Outcome::MaxIterationsReached,
            Self::MaxDuration | Self::MaxTokens | Self::MaxCost => Outcome::BudgetExhausted,
            Self::Stuck => Outcome::Stuck,
            Self::Interrupted => Outcome::Interrupted,
            Self::ActorFailed
            | Self::CriticFailed
            | Self::ProviderRefused
            | Self::UsageLimit
            | Self::DiffFailed
            | Self::RecordFailed
            | Self::InternalError => Outcome::Failed,
        }
    }

    /// The word as it stands in files.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Approved => "approved",
            Self::MaxIterations => "max_iterations",
            Self::MaxDuration => "max_duration",
            Self::MaxTokens => "max_tokens",
            Self::MaxCost => "max_cost",
            Self::Stuck => "stuck",
            Self::ActorFailed => "actor_failed",
            Self::CriticFailed => "critic_failed",
            Self::ProviderRefused => "provider_refused",
            Self::UsageLimit => "usage_limit",
            Self::DiffFailed => "diff_failed",
            Self::RecordFailed => "record_failed",
            Self::Interrupted => "interrupted",
            Self::InternalError => "internal_error",
        }
    }
}

impl std::fmt::Display for StopReason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}
