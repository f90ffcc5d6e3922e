//! The result of one gate, and what was read out of what it printed.

use serde::{Deserialize, Serialize};

use crate::agent::{Evidence, is_zero};
use crate::id::RunId;

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

/// What kind of thing is to be mended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum FailureCategory {
    /// It does not compile, link or build.
    Build,
    /// A test fails.
    Test,
    /// A linter objects.
    Lint,
    /// A type checker objects.
    Type,
    /// A formatter would write it otherwise.
    Format,
    /// A program crashed, or could not be run.
    Runtime,
    /// It took too long.
    Timeout,
}

impl FailureCategory {
    /// The word as it stands in files.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Build => "build",
            Self::Test => "test",
            Self::Lint => "lint",
            Self::Type => "type",
            Self::Format => "format",
            Self::Runtime => "runtime",
            Self::Timeout => "timeout",
        }
    }
}

/// One failure that was read out of what a gate printed. Its texts come from there, capped and with
/// credentials masked.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Failure {
    /// Its kind.
    pub category: FailureCategory,
    /// The file, as the tool named it; null where it named none.
    pub file: Option<String>,
    /// The line, counted from 1; null where there is none.
    pub line: Option<u32>,
    /// The column, counted from 1; absent where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<u32>,
    /// What the tool calls it: an error code (`E0308`, `TS2322`), a rule (`no-unused-vars`), the name
    /// of a test; absent where it has no name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// What is wrong, in the tool's words.
    pub message: String,
}

impl Failure {
    /// What makes it the same failure in another run of the gate: places and numbers move when other
    /// lines are edited. A named test is the same wherever it fails and whatever it says.
    #[must_use]
    pub fn identity(&self) -> FailureIdentity {
        let named_test = self.category == FailureCategory::Test && self.code.is_some();
        FailureIdentity {
            category: self.category,
            file: if named_test { None } else { self.file.clone() },
            code: self.code.clone(),
            message: if named_test { String::new() } else { without_numbers(&self.message) },
        }
    }
}

/// See [`Failure::identity`].
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FailureIdentity {
    category: FailureCategory,
    file: Option<String>,
    code: Option<String>,
    message: String,
}

/// The text with each run of digits as one `#`.
fn without_numbers(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '0'..='9' if out.ends_with('#') => {}
            '0'..='9' => out.push('#'),
            c => out.push(c),
        }
    }
    out
}

/// The result of one gate in one iteration, or before the first.
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
    /// How long it took, with all its attempts.
    pub duration_secs: f64,
    /// The end of what it printed.
    pub tail: String,
    /// All that it printed.
    pub output: Option<Evidence>,
    /// How often it ran; absent for once.
    #[serde(default = "once", skip_serializing_if = "is_once")]
    pub attempts: u32,
    /// What fails, as far as it could be read out of what it printed; at most [`MAX_FAILURES`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failures: Vec<Failure>,
    /// How many more failures there are beside those that are listed.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub more_failures: u64,
    /// Whether a gate that was red before has a failure that it did not have then.
    #[serde(default, skip_serializing_if = "is_false")]
    pub worse: bool,
    /// Whether the result keeps the work from being approved.
    #[serde(default, skip_serializing_if = "is_false")]
    pub blocks: bool,
    /// The run that ran it on this tree, where the result was kept from then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept_from: Option<RunId>,
    /// Whether it was ended with the run, so that it says nothing.
    #[serde(default, skip_serializing_if = "is_false")]
    pub interrupted: bool,
    /// Processes it had left behind, which were ended.
    #[serde(default, skip_serializing_if = "is_zero_u32")]
    pub leftovers: u32,
    /// Files it left in `$CODELOOPS_ARTIFACTS`; at most [`MAX_ARTIFACTS`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub artifacts: Vec<Artifact>,
    /// How many more there are.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub more_artifacts: u64,
}

/// A file that a gate left: a screenshot, a video, a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Artifact {
    /// Path relative to the run's evidence folder, with `/` between its parts, lossily decoded.
    pub path: String,
    /// Size in bytes.
    pub bytes: u64,
    /// SHA-256 of the content, in lower-case hexadecimal.
    pub sha256: String,
    /// What it is, as its content tells (`image/png`); null where it does not.
    pub media_type: Option<String>,
    /// Width in pixels; only of images.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width: Option<u32>,
    /// Height in pixels; only of images.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub height: Option<u32>,
}

/// Files that a [`GateResult`] lists at most.
pub const MAX_ARTIFACTS: usize = 100;

impl GateResult {
    /// The result of a gate of which nothing is known but that it did not run.
    #[must_use]
    pub const fn not_started(name: String, required: bool) -> Self {
        Self {
            name,
            status: GateStatus::NotStarted,
            required,
            baseline: None,
            exit_code: None,
            duration_secs: 0.0,
            tail: String::new(),
            output: None,
            attempts: 1,
            failures: Vec::new(),
            more_failures: 0,
            worse: false,
            blocks: false,
            kept_from: None,
            interrupted: false,
            leftovers: 0,
            artifacts: Vec::new(),
            more_artifacts: 0,
        }
    }
}

/// Failures that a [`GateResult`] lists at most.
pub const MAX_FAILURES: usize = 100;

const fn once() -> u32 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
const fn is_once(attempts: &u32) -> bool {
    *attempts == 1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
const fn is_false(value: &bool) -> bool {
    !*value
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
const fn is_zero_u32(value: &u32) -> bool {
    *value == 0
}
