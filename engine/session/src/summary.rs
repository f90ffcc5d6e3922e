//! One session in a list.

use codeloops_event::{Outcome, Parent, RunId, StopReason, Timestamp};
use serde::Serialize;

use crate::entry::SessionEntry;
use crate::names::SessionId;
use crate::progress::SessionStatus;

/// One session in a list. Its JSON is what the API and `sessions list --json` give.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SessionSummary {
    /// Its id.
    pub id: SessionId,
    /// When it started.
    pub timestamp: Timestamp,
    /// The first 256 characters of the prompt.
    pub prompt_preview: String,
    /// Absolute path, lossily decoded.
    pub working_dir: String,
    /// The last part of the working directory.
    pub project: String,
    /// How it ended; null without an end.
    pub outcome: Option<Outcome>,
    /// Finished rounds.
    pub iterations: u32,
    /// How long it took; null without an end.
    pub duration_secs: Option<f64>,
    /// The critic's confidence, 0 to 1; null where there is none.
    pub confidence: Option<f64>,
    /// Title of the actor's agent.
    pub actor_agent: String,
    /// Title of the critic's agent.
    pub critic_agent: String,
    /// Whether it is over, and if it has no end, why.
    pub status: SessionStatus,
    /// The run's identity; null in files of other programs.
    pub run_id: Option<RunId>,
    /// Where a fork began; null for any other run.
    pub parent: Option<Parent>,
    /// Why it ended; null without an end and in files of other programs.
    pub stop_reason: Option<StopReason>,
    /// The actor's model; null for its agent's own default.
    pub actor_model: Option<String>,
    /// The critic's model; null for its agent's own default.
    pub critic_model: Option<String>,
    /// Tokens that both sent and received; null where nothing is known.
    pub tokens: Option<u64>,
    /// What both cost in US dollars; null where nothing is known.
    pub cost_usd: Option<f64>,
}

impl From<SessionEntry<'_>> for SessionSummary {
    fn from(entry: SessionEntry<'_>) -> Self {
        let used = entry.used();
        Self {
            id: SessionId::known(entry.id),
            timestamp: entry.timestamp,
            prompt_preview: entry.prompt_preview.to_owned(),
            project: entry.project().to_owned(),
            working_dir: entry.working_dir.to_owned(),
            outcome: entry.outcome,
            iterations: entry.iterations,
            duration_secs: entry.duration_secs,
            confidence: entry.confidence,
            actor_agent: entry.actor_agent.to_owned(),
            critic_agent: entry.critic_agent.to_owned(),
            status: entry.status,
            run_id: entry.run_id.and_then(|id| id.parse().ok()),
            parent: entry.parent.and_then(|(run, iteration)| {
                Some(Parent { run_id: run.parse().ok()?, iteration, trace_id: None })
            }),
            stop_reason: entry.stop_reason,
            actor_model: entry.actor_model.map(str::to_owned),
            critic_model: entry.critic_model.map(str::to_owned),
            tokens: used.tokens(),
            cost_usd: used.cost_usd,
        }
    }
}
