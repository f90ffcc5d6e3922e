//! Signs in a diff that checks were weakened instead of satisfied.

use serde::{Deserialize, Serialize};

/// What was weakened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum TamperKind {
    /// A test is gone.
    TestDeleted,
    /// A test is skipped.
    TestSkipped,
    /// An assertion is gone.
    AssertionRemoved,
    /// A linter or type checker is told to look away.
    LintLoosened,
    /// What continuous integration runs was changed.
    CiChanged,
    /// `codeloops.toml` was changed.
    ConfigChanged,
    /// A file that a gate runs was changed.
    GateChanged,
    /// A pattern of the user's own matches.
    Custom,
}

impl TamperKind {
    /// The word as it stands in files.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TestDeleted => "test_deleted",
            Self::TestSkipped => "test_skipped",
            Self::AssertionRemoved => "assertion_removed",
            Self::LintLoosened => "lint_loosened",
            Self::CiChanged => "ci_changed",
            Self::ConfigChanged => "config_changed",
            Self::GateChanged => "gate_changed",
            Self::Custom => "custom",
        }
    }
}

/// On which side of a diff a line stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum DiffSide {
    /// It was there before, and is gone.
    Removed,
    /// It is new.
    Added,
}

/// One such sign.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Tampering {
    /// What was weakened.
    pub kind: TamperKind,
    /// The file, from the repository's root, lossily decoded.
    pub file: String,
    /// The line, counted from 1, on its side of the diff; null where the whole file is meant.
    pub line: Option<u32>,
    /// Which side that is.
    pub side: DiffSide,
    /// The line itself, capped, or what happened to the file.
    pub text: String,
}

/// Signs that a captured diff lists at most.
pub const MAX_TAMPERING: usize = 100;
