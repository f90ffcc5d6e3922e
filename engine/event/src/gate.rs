//! The result of one gate.

use serde::{Deserialize, Serialize};

use crate::agent::Evidence;

/// How a gate ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum GateStatus {
    /// Exit code 0.
    Passed,
    /// Another exit code, or a signal.
    Failed,
    /// Failed first, passed when repeated.
    Flaky,
    /// Ran past its timeout.
    TimedOut,
    /// Could not be started.
    NotStarted,
}

impl GateStatus {
    /// The word as it stands in files.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Flaky => "flaky",
            Self::TimedOut => "timed_out",
            Self::NotStarted => "not_started",
        }
    }

    /// Whether the gate is green.
    #[must_use]
    pub const fn is_green(self) -> bool {
        matches!(self, Self::Passed | Self::Flaky)
    }
}

/// The result of one gate in one iteration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct GateResult {
    /// The gate's name.
    pub name: String,
    /// How it ended.
    pub status: GateStatus,
    /// Whether a red result blocks an approval.
    pub required: bool,
    /// Its status before the run began, where that is known.
    pub baseline: Option<GateStatus>,
    /// Exit code (128 + n for a signal), null where it never ran or was stopped.
    pub exit_code: Option<i32>,
    /// How long it took.
    pub duration_secs: f64,
    /// The end of what it printed.
    pub tail: String,
    /// All that it printed.
    pub output: Option<Evidence>,
}
