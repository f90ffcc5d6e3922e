//! Identities: the run, its iterations, its roles and the calls that an input answers.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The identity of a run: a ULID, 26 characters of Crockford's base 32.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(extend("pattern" = "^[0-9A-HJKMNP-TV-Z]{26}$")))]
#[serde(try_from = "String", into = "String")]
pub struct RunId(String);

/// A text that is no ULID.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunIdError(String);

impl fmt::Display for RunIdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is not a run id (26 characters of Crockford's base 32)", self.0)
    }
}

impl std::error::Error for RunIdError {}

impl RunId {
    /// The id as text; safe as a file name and as a part of a git ref.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for RunId {
    type Err = RunIdError;

    fn from_str(text: &str) -> Result<Self, RunIdError> {
        let crockford =
            |b: u8| b.is_ascii_digit() || (b.is_ascii_uppercase() && !b"ILOU".contains(&b));
        if text.len() == 26 && text.bytes().all(crockford) {
            Ok(Self(text.to_owned()))
        } else {
            Err(RunIdError(text.to_owned()))
        }
    }
}

impl TryFrom<String> for RunId {
    type Error = RunIdError;

    fn try_from(text: String) -> Result<Self, RunIdError> {
        text.parse()
    }
}

impl From<RunId> for String {
    fn from(id: RunId) -> Self {
        id.0
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The number of a round, counted from 1; what happens before the first is of 0.
pub type Iteration = u32;

/// Which try of a call this is within its iteration, counted from 1 and on over a resume.
pub type Attempt = u32;

/// A random word of one evaluation, drawn only after the actor has ended, so that nothing the actor
/// wrote can contain it. Lower-case hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct Nonce(pub String);

impl fmt::Display for Nonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The part an agent plays in a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Does the work.
    Actor,
    /// Judges it.
    Critic,
}

impl Role {
    /// The role as it stands in flags, files and environment variables.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Actor => "actor",
            Self::Critic => "critic",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What kind of thing the machine asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum CallKind {
    /// An actor turn.
    Actor,
    /// The snapshot and diff after an actor turn.
    Diff,
    /// One gate; the attempt is the gate's position, counted from 1. Of iteration 0 before the run.
    Gate,
    /// The comparison of the working tree after gates; the attempt counts those of the iteration.
    GateTreeCheck,
    /// A critic turn.
    Critic,
    /// The comparison of the working tree after a critic turn.
    TreeCheck,
    /// A wait before the actor is called again.
    ActorWait,
    /// A wait before the critic is called again.
    CriticWait,
}

impl CallKind {
    /// The kind as one word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Actor => "actor",
            Self::Diff => "diff",
            Self::Gate => "gate",
            Self::GateTreeCheck => "gate_tree_check",
            Self::Critic => "critic",
            Self::TreeCheck => "tree_check",
            Self::ActorWait => "actor_wait",
            Self::CriticWait => "critic_wait",
        }
    }
}

/// The identity of one call: an input that answers it carries the same id, so an answer to a call
/// that is over can be told from one that is awaited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CallId {
    /// The iteration the call belongs to.
    pub iteration: Iteration,
    /// What was asked for.
    pub kind: CallKind,
    /// Which try it is.
    pub attempt: Attempt,
}

impl fmt::Display for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.iteration, self.kind.as_str(), self.attempt)
    }
}
