//! `run.json`: the lineage of a run, with whom it ran, what was called, and how it ended.

use codeloops_event::{
    ActorCompleted, AgentOutcome, AgentStarted, Attempt, CriticCompleted, Event, Evidence,
    GateResult, GateSettings, Iteration, Outcome, Parent, Role, RunId, SessionEnd, SessionStart,
    StopReason, Timestamp, TreeId,
};
use serde::{Deserialize, Serialize};

use crate::names::SessionId;

/// The version of the files in a run's folder. What is there stays; new fields may come.
pub const RUN_FOLDER_VERSION: u32 = 1;

/// What `run.json` holds: where a run began, with whom, what was called, and how it ended. It is
/// written when the run starts and again when it ends; a run that was killed has no end there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunFile {
    /// [`RUN_FOLDER_VERSION`].
    #[serde(default)]
    pub schema_version: u32,
    /// What kind of run it is.
    #[serde(default)]
    pub kind: RunKind,
    /// The run's identity; null where a recording of another program gave none.
    pub run_id: Option<RunId>,
    /// The session that records the run; null where none does.
    pub session_id: Option<String>,
    /// The run and iteration that it is a fork of, or in which an agent called it; null elsewhere.
    #[serde(default)]
    pub parent: Option<Parent>,
    /// The hash of the receipt that was checked; null where none was.
    #[serde(default)]
    pub receipt: Option<String>,
    /// HEAD when the run began; null in a repository without a commit.
    pub commit_sha: Option<String>,
    /// The branch when the run began; null when HEAD was detached.
    pub branch: Option<String>,
    /// The root of the working tree: absolute path, lossily decoded.
    #[serde(default)]
    pub repository: Option<String>,
    /// Absolute path, lossily decoded.
    pub working_dir: String,
    /// Snapshot of the working tree when the run began.
    #[serde(default)]
    pub base_tree: Option<TreeId>,
    /// Snapshot at the end of the last finished round; null before that.
    #[serde(default)]
    pub tree: Option<TreeId>,
    /// Who played which part; null where no agent takes part.
    pub agents: Option<RunAgents>,
    /// The user's checks, in order.
    #[serde(default)]
    pub gates: Vec<GateSettings>,
    /// The release that ran it.
    pub codeloops_version: Option<String>,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended; null until then.
    pub ended_at: Option<Timestamp>,
    /// How it ended; null until then.
    pub outcome: Option<Outcome>,
    /// Why it ended; null until then.
    pub stop_reason: Option<StopReason>,
    /// Exit code of codeloops; null until then.
    pub exit_code: Option<u8>,
    /// Finished rounds; null until the end.
    pub iterations: Option<u32>,
    /// How far the result of the last finished round can be relied on (see `gate.json`); null before
    /// that, and where nothing is known.
    #[serde(default)]
    pub confidence: Option<f64>,
    /// What gates came to before the first round.
    #[serde(default)]
    pub baseline: Vec<GateResult>,
    /// What they came to in the last finished round.
    #[serde(default)]
    pub gate_results: Vec<GateResult>,
    /// Everything that was called and is over, in order.
    #[serde(default)]
    pub calls: Vec<RunCall>,
}

/// How a run begins.
#[derive(Debug, Clone, PartialEq)]
pub struct Began {
    /// The run's identity.
    pub run_id: Option<RunId>,
    /// What it belongs to, if anything.
    pub parent: Option<Parent>,
    /// HEAD; none in a repository without a commit.
    pub commit_sha: Option<String>,
    /// The branch; none when HEAD is detached.
    pub branch: Option<String>,
    /// The root of the working tree: absolute path, lossily decoded.
    pub repository: Option<String>,
    /// Absolute path, lossily decoded.
    pub working_dir: String,
    /// Snapshot of the working tree.
    pub base_tree: Option<TreeId>,
    /// The release that runs it.
    pub codeloops_version: Option<String>,
    /// When.
    pub started_at: Timestamp,
}

impl Began {
    /// How a recorded run began.
    #[must_use]
    pub fn of(start: &SessionStart) -> Self {
        Self {
            run_id: start.run_id.clone(),
            parent: start.parent.clone(),
            commit_sha: start.commit_sha.clone(),
            branch: start.branch.clone(),
            repository: start.repository.clone(),
            working_dir: start.working_dir.clone(),
            base_tree: start.base_tree.clone(),
            codeloops_version: start.codeloops_version.clone(),
            started_at: start.timestamp,
        }
    }
}

/// What kind of run a folder is of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunKind {
    /// Actor and critic.
    #[default]
    Run,
    /// The gates alone.
    Verify,
}

impl RunKind {
    /// The word as it stands in files and tables.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Run => "run",
            Self::Verify => "verify",
        }
    }
}

/// The agents of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunAgents {
    /// Does the work.
    pub actor: RunAgent,
    /// Judges it.
    pub critic: RunAgent,
}

/// One agent of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunAgent {
    /// Its id (`claude`); null where it is not known.
    pub id: Option<String>,
    /// Its title (`Claude Code`).
    pub title: String,
    /// The model asked for; null for the agent's own default.
    pub model: Option<String>,
}

/// A call that is over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunCall {
    /// In which iteration; 0 before the first.
    pub iteration: Iteration,
    /// What was called.
    pub role: CallRole,
    /// The gate's name; null for an agent.
    pub gate: Option<String>,
    /// Which try of an agent; how often a gate ran.
    pub attempt: Attempt,
    /// The command of a gate, credentials masked; of an agent its program alone, and nothing where
    /// that is not known.
    pub command: Vec<String>,
    /// Exit code, 128 + n for a signal; null where no process ran or it was stopped.
    pub exit_code: Option<i32>,
    /// How it ended, in the word of its line in the session.
    pub outcome: String,
    /// How long it took.
    pub duration_secs: f64,
    /// What it printed.
    pub evidence: Vec<Evidence>,
}

/// What can be called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallRole {
    /// The actor.
    Actor,
    /// The critic.
    Critic,
    /// A gate.
    Gate,
}

impl RunFile {
    /// A run that begins.
    #[must_use]
    pub fn started(start: &SessionStart, session: Option<&SessionId>) -> Self {
        let settings = start.settings.as_ref();
        let agent = |id: Option<String>, title: &str, model: &Option<String>| RunAgent {
            id,
            title: title.to_owned(),
            model: model.clone(),
        };
        let [actor, critic] =
            [settings.map(|s| s.actor.agent.clone()), settings.map(|s| s.critic.agent.clone())];
        Self {
            agents: Some(RunAgents {
                actor: agent(actor, &start.actor_agent, &start.actor_model),
                critic: agent(critic, &start.critic_agent, &start.critic_model),
            }),
            session_id: session.map(ToString::to_string),
            gates: settings.map_or_else(Vec::new, |s| s.gates.clone()),
            ..Self::bare(RunKind::Run, Began::of(start))
        }
    }

    /// A run of this kind of which only the lineage is known.
    #[must_use]
    pub fn bare(kind: RunKind, began: Began) -> Self {
        Self {
            schema_version: RUN_FOLDER_VERSION,
            kind,
            run_id: began.run_id,
            session_id: None,
            parent: began.parent,
            receipt: None,
            commit_sha: began.commit_sha,
            branch: began.branch,
            repository: began.repository,
            working_dir: began.working_dir,
            base_tree: began.base_tree,
            tree: None,
            agents: None,
            gates: Vec::new(),
            codeloops_version: began.codeloops_version,
            started_at: began.started_at,
            ended_at: None,
            outcome: None,
            stop_reason: None,
            exit_code: None,
            iterations: None,
            confidence: None,
            baseline: Vec::new(),
            gate_results: Vec::new(),
            calls: Vec::new(),
        }
    }

    /// Takes in what happens in the run.
    pub fn note(&mut self, event: &Event) {
        match event {
            Event::ActorStarted(e) => self.begun(CallRole::Actor, e),
            Event::CriticStarted(e) => self.begun(CallRole::Critic, e),
            Event::ActorCompleted(e) => self.over(RunCall::of_actor(e)),
            Event::CriticCompleted(e) => self.over(RunCall::of_critic(e)),
            Event::GateCompleted(e) => self.gate(e.iteration, &e.gate),
            Event::Iteration(e) => {
                self.tree.clone_from(&e.tree);
                self.gate_results.clone_from(&e.gates);
            }
            Event::SessionResumed(_) => self.go_on(),
            Event::SessionEnd(e) => self.end(e),
            _ => {}
        }
    }

    fn begun(&mut self, role: CallRole, started: &AgentStarted) {
        // Its program is known now, its end later.
        self.calls.push(RunCall {
            iteration: started.iteration,
            role,
            gate: None,
            attempt: started.attempt,
            command: started.process.program.clone().into_iter().collect(),
            exit_code: None,
            outcome: String::new(),
            duration_secs: 0.0,
            evidence: Vec::new(),
        });
    }

    fn over(&mut self, call: RunCall) {
        let begun = self.calls.iter().position(|begun| begun.is_begun(&call));
        let command = begun.map(|at| self.calls.remove(at).command);
        self.calls.push(RunCall { command: command.unwrap_or_default(), ..call });
    }

    /// Takes in what a gate came to.
    pub fn gate(&mut self, iteration: Iteration, gate: &GateResult) {
        let command = self.gates.iter().find(|known| known.name == gate.name);
        self.calls.push(RunCall {
            iteration,
            role: CallRole::Gate,
            gate: Some(gate.name.clone()),
            attempt: gate.attempts,
            command: command.map_or_else(Vec::new, |gate| gate.command.clone()),
            exit_code: gate.exit_code,
            outcome: gate.status.as_str().to_owned(),
            duration_secs: gate.duration_secs,
            evidence: gate.output.clone().into_iter().collect(),
        });
        if iteration == 0 && !gate.interrupted {
            self.baseline.retain(|known| known.name != gate.name);
            self.baseline.push(gate.clone());
        }
    }

    /// It goes on in another process. A call that has no end will have none.
    fn go_on(&mut self) {
        self.calls.retain(|call| !call.outcome.is_empty());
        self.ended_at = None;
        self.outcome = None;
        self.stop_reason = None;
        self.exit_code = None;
        self.iterations = None;
    }

    fn end(&mut self, end: &SessionEnd) {
        self.calls.retain(|call| !call.outcome.is_empty());
        self.ended_at = Some(end.timestamp);
        self.outcome = Some(end.outcome);
        self.stop_reason = end.stop_reason;
        self.exit_code = Some(end.outcome.exit_code());
        self.iterations = Some(end.iterations);
    }
}

impl RunCall {
    fn of_actor(e: &ActorCompleted) -> Self {
        let evidence = e.stdout.iter().chain(&e.stderr).cloned().collect();
        let of = (e.iteration, e.attempt, e.exit_code, e.duration_secs);
        Self::of_agent(Role::Actor, of, &e.outcome, evidence)
    }

    fn of_critic(e: &CriticCompleted) -> Self {
        let evidence = e.stdout.iter().chain(&e.stderr).cloned().collect();
        let of = (e.iteration, e.attempt, e.exit_code, e.duration_secs);
        Self::of_agent(Role::Critic, of, &e.outcome, evidence)
    }

    fn of_agent(
        role: Role,
        (iteration, attempt, exit_code, duration_secs): (Iteration, Attempt, Option<i32>, f64),
        outcome: &AgentOutcome,
        evidence: Vec<Evidence>,
    ) -> Self {
        let role = match role {
            Role::Actor => CallRole::Actor,
            Role::Critic => CallRole::Critic,
        };
        let outcome = outcome.as_str().to_owned();
        let (gate, command) = (None, Vec::new());
        Self {
            iteration,
            role,
            gate,
            attempt,
            command,
            exit_code,
            outcome,
            duration_secs,
            evidence,
        }
    }

    fn is_begun(&self, over: &Self) -> bool {
        let id = |call: &Self| (call.iteration, call.role, call.attempt);
        self.outcome.is_empty() && id(self) == id(over)
    }
}
