//! Assembles the prompts of both roles: pure, deterministic, and within a budget of bytes.
//!
//! [`actor_prompt`] and [`critic_prompt`] take borrowed views of what the machine knows. The task is
//! never cut; everything else is, by the rules of [`truncate`], and says so where it was.

mod actor;
mod critic;
pub(crate) mod gate_words;
mod history;
pub(crate) mod marker;
pub mod truncate;
pub(crate) mod words;

#[cfg(test)]
mod tests;

use codeloops_event::{Decision, Iteration, RunId};

pub use actor::{ActorPrompt, Before, actor_prompt};
pub(crate) use critic::FORMAT;
pub use critic::{ActorTurn, CriticPrompt, KEPT_FROM_TASK, critic_prompt};

/// A finished round, as both sides are told of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Round {
    /// Its number.
    pub iteration: Iteration,
    /// The decision that took effect.
    pub decision: Decision,
    /// What was asked for; null for DONE.
    pub feedback: Option<String>,
}

/// What a prompt tells of the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunLabel<'a> {
    /// Its identity.
    pub run_id: &'a RunId,
    /// HEAD when it began; `None` in a repository without a commit.
    pub commit_sha: Option<&'a str>,
    /// The branch when it began; `None` when HEAD was detached.
    pub branch: Option<&'a str>,
}

impl std::fmt::Display for RunLabel<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "codeloops run {}, ", self.run_id)?;
        match self.commit_sha {
            Some(commit) => write!(f, "commit {commit}, ")?,
            None => f.write_str("no commit yet, ")?,
        }
        match self.branch {
            Some(branch) => write!(f, "branch {branch}"),
            None => f.write_str("detached HEAD"),
        }
    }
}
