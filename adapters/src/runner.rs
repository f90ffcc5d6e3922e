//! The one runner of all agents.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use codeloops_driver::ports::{Agents, Notes, StopSignal};
use codeloops_event::{AgentOutcome, CriticAccess, Permissions, Role, RunId};
use codeloops_machine::{AgentCall, AgentReport};

use crate::process::{Grace, NoResult, stand_by};
use crate::redact::Redactor;
use crate::resolve::ResolvedAgent;
use crate::telemetry::Telemetry;

mod call;
mod capture;
mod chatter;
mod outcome;
mod recorded;

pub use recorded::{SaidTexts, said_texts};

/// One role's agent, as it is called.
#[derive(Debug, Clone)]
pub struct RoleAgent {
    /// The agent.
    pub agent: ResolvedAgent,
    /// The model asked for, `None` for the agent's own default.
    pub model: Option<String>,
    /// What it may do without asking.
    pub permissions: Permissions,
}

/// Everything about a run that its agent calls have in common.
#[derive(Debug, Clone)]
pub struct AgentsConfig {
    /// Who does the work.
    pub actor: RoleAgent,
    /// Who judges it.
    pub critic: RoleAgent,
    /// What the critic may do.
    pub critic_access: CriticAccess,
    /// Where agents run.
    pub working_dir: PathBuf,
    /// The run's evidence folder.
    pub evidence_root: PathBuf,
    /// The run; it marks every process of it.
    pub run_id: RunId,
    /// HEAD, where there is a commit.
    pub commit_sha: Option<String>,
    /// The branch, where HEAD is on one.
    pub branch: Option<String>,
    /// Bytes that one stream's evidence may grow to.
    pub max_output: u64,
    /// How long the steps of an end may take.
    pub grace: Grace,
    /// Masks credentials in what is recorded and shown; `None` where the user wants them there.
    pub redactor: Option<Arc<Redactor>>,
    /// What agents are told of the run's trace; `None` where it is exported as none, so that they
    /// have their environment as it is.
    pub telemetry: Option<Telemetry>,
}

impl AgentsConfig {
    fn role(&self, role: Role) -> &RoleAgent {
        match role {
            Role::Actor => &self.actor,
            Role::Critic => &self.critic,
        }
    }
}

/// Runs agent programs: starts them as their rows say, keeps what they print, reads it, and leaves
/// no process behind.
///
/// How a call ended is decided in this order: a stop of the user, a limit, a signal, the final event
/// of a structured stream together with exit code 0, the exit code. An agent that prints text and
/// ends with 0 has completed its turn; where it printed nothing, only the actor has (it may edit in
/// silence), a critic has given no answer. A structured stream without a final event never counts
/// as a success; one without a single event that is known is read as text, and that is reported.
///
/// A call runs on a blocking thread of its own. Dropping the future of a call ends its processes at
/// once.
#[derive(Debug, Clone)]
pub struct CliAgents {
    config: Arc<AgentsConfig>,
}

impl CliAgents {
    /// A runner for one run.
    #[must_use]
    pub fn new(config: AgentsConfig) -> Self {
        Self { config: Arc::new(config) }
    }
}

#[async_trait]
impl Agents for CliAgents {
    async fn run(&self, call: AgentCall, notes: Notes, stop: StopSignal) -> AgentReport {
        let config = Arc::clone(&self.config);
        let work = move |control| call::run(&config, &call, &notes, control);
        stand_by(stop, work).await.unwrap_or_else(|error| self.without_result(&error))
    }
}

impl CliAgents {
    fn without_result(&self, error: &NoResult) -> AgentReport {
        if let NoResult::Panicked(error) = error {
            // A defect of ours must not leave the agent running.
            let ended = crate::process::end_processes_of_run(&self.config.run_id);
            tracing::error!(%error, ended, "the agent's supervisor failed");
            return not_started(format!("the agent's supervisor failed: {error}"));
        }
        not_started(error.to_string())
    }
}

/// The report of a call of which no process ran.
fn not_started(message: String) -> AgentReport {
    AgentReport::bare(AgentOutcome::NotStarted { message })
}

/// The file of a prompt, beside the streams of its call.
fn prompt_file(evidence_root: &Path, stdout: &str) -> PathBuf {
    evidence_root.join(stdout).with_extension("prompt")
}

#[cfg(test)]
mod plausible;
#[cfg(test)]
mod tests;
