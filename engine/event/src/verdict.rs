//! What the critic said, and what became of it.

use serde::{Deserialize, Serialize};

/// The three words of the critic, as they stand in `critic_decision`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "UPPERCASE")]
pub enum Decision {
    /// The task is complete.
    Done,
    /// More work is needed.
    Continue,
    /// Something went wrong.
    Error,
}

impl Decision {
    /// The word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Done => "DONE",
            Self::Continue => "CONTINUE",
            Self::Error => "ERROR",
        }
    }
}

impl std::fmt::Display for Decision {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A verdict that could be read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "decision", rename_all = "UPPERCASE")]
pub enum Verdict {
    /// Approved.
    Done {
        /// What was accomplished.
        summary: String,
        /// 0 to 1; null where none was given or it could not be read.
        confidence: Option<f64>,
    },
    /// More to do.
    Continue {
        /// What is missing or wrong.
        feedback: String,
    },
    /// Something went wrong.
    Error {
        /// What went wrong.
        analysis: String,
        /// How to go on.
        recovery: String,
    },
}

impl Verdict {
    /// The verdict's word.
    #[must_use]
    pub const fn decision(&self) -> Decision {
        match self {
            Self::Done { .. } => Decision::Done,
            Self::Continue { .. } => Decision::Continue,
            Self::Error { .. } => Decision::Error,
        }
    }

    /// What the actor is told: null for DONE; analysis and recovery, a blank line between, for ERROR.
    #[must_use]
    pub fn feedback(&self) -> Option<String> {
        match self {
            Self::Done { .. } => None,
            Self::Continue { feedback } => Some(feedback.clone()),
            Self::Error { analysis, recovery } => {
                let parts: Vec<&str> = [analysis, recovery]
                    .into_iter()
                    .map(|p| p.trim())
                    .filter(|p| !p.is_empty())
                    .collect();
                Some(parts.join("\n\n"))
            }
        }
    }
}

/// Why an answer of the critic gave no verdict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "problem", rename_all = "snake_case")]
pub enum VerdictProblem {
    /// No well-formed block stands in it.
    NoDecision,
    /// A block names something else than DONE, CONTINUE or ERROR.
    UnknownDecision {
        /// What it named, shortened.
        found: String,
    },
    /// CONTINUE without a word on what to do.
    NoFeedback,
    /// DONE without a word on what was done.
    NoSummary,
    /// ERROR without analysis and recovery.
    NoAnalysis,
    /// Something in the same answer speaks against the final DONE, or follows it.
    Contradiction,
    /// DONE in a code fence after other text: it may be a quote.
    DoneInFence,
    /// DONE from a call whose process failed.
    DoneFromFailedCall,
    /// DONE from a critic that changed the working tree: it may have judged what it did itself.
    TreeChanged,
    /// DONE in an answer too long to be kept whole: what is left out may speak against it.
    AnswerTooLong,
}

impl VerdictProblem {
    /// The word as it stands in files.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::NoDecision => "no_decision",
            Self::UnknownDecision { .. } => "unknown_decision",
            Self::NoFeedback => "no_feedback",
            Self::NoSummary => "no_summary",
            Self::NoAnalysis => "no_analysis",
            Self::Contradiction => "contradiction",
            Self::DoneInFence => "done_in_fence",
            Self::DoneFromFailedCall => "done_from_failed_call",
            Self::TreeChanged => "tree_changed",
            Self::AnswerTooLong => "answer_too_long",
        }
    }
}

/// What the answer does, of which the text speaks as "it". The decision that it named is as untrusted
/// as the answer.
impl std::fmt::Display for VerdictProblem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::NoDecision => "it holds no decision",
            Self::UnknownDecision { found } => {
                return write!(f, "its decision `{found}` is none of DONE, CONTINUE, ERROR");
            }
            Self::NoFeedback => "it says CONTINUE without feedback",
            Self::NoSummary => "it says DONE without a summary",
            Self::NoAnalysis => "it says ERROR without analysis and recovery",
            Self::Contradiction => "it contradicts its own DONE, or goes on after it",
            Self::DoneInFence => "its DONE stands in a code fence after other text",
            Self::DoneFromFailedCall => "it says DONE but the call failed",
            Self::TreeChanged => "it says DONE but changed what it judged",
            Self::AnswerTooLong => "it says DONE in too long an answer",
        })
    }
}

/// What became of one answer of the critic.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "ruling", rename_all = "snake_case")]
pub enum Ruling {
    /// It was read and counts.
    Accepted {
        /// The verdict.
        verdict: Verdict,
    },
    /// It could not be relied on; the critic is asked again.
    AskedAgain {
        /// Why.
        problem: VerdictProblem,
    },
    /// It could not be relied on, and the critic has been asked often enough: the round counts as
    /// ERROR.
    GivenUp {
        /// Why.
        problem: VerdictProblem,
    },
}
