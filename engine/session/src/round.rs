//! One round as its lines tell it, call by call, finished or not.

use codeloops_event::{
    ActorCompleted, AgentOutcome, AgentStarted, ApprovalVetoed, Attempt, CriticCompleted,
    DiffCaptured, DiffFailed, Evidence, GateTreeChecked, Iteration, ProcessInfo, ResumedAt, Ruling,
    StateRepeated, Timestamp, TreeCheck, Usage, UsageByRole, Waiting,
};
use serde::Serialize;

use crate::gates::Gates;

/// What happened in a round. What it came to stands in its `iteration` line, if it has one.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Round {
    /// Its number.
    pub iteration: Iteration,
    /// Where it stands, or stood when the session ended or broke off; null for a finished round.
    pub phase: Option<RoundPhase>,
    /// The calls of the actor, in order.
    pub actor: Vec<Call<Turn>>,
    /// What had changed since the run began; null where nobody came to look.
    pub changes: Option<Changes>,
    /// The gates that are through, in the order of the settings.
    pub gates: Gates,
    /// What the looks at the tree after gates found.
    pub gate_checks: Vec<GateTreeChecked>,
    /// The calls of the critic, in order.
    pub critic: Vec<Call<Answer>>,
    /// What kept the critic's DONE from taking effect; null where nothing did.
    pub veto: Option<ApprovalVetoed>,
    /// The earlier rounds that ended in the same state; null where none did.
    pub repeats: Option<StateRepeated>,
}

/// A phase of a round that is not finished.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RoundPhase {
    /// The actor works, or is about to.
    ActorExecuting,
    /// The changes are being captured.
    CapturingDiff,
    /// The user's checks run.
    RunningGates,
    /// The critic judges, or is about to, or the tree is compared after it.
    CriticEvaluating,
}

impl From<ResumedAt> for RoundPhase {
    fn from(at: ResumedAt) -> Self {
        match at {
            ResumedAt::ActorExecuting => Self::ActorExecuting,
            ResumedAt::CapturingDiff => Self::CapturingDiff,
            ResumedAt::RunningGates => Self::RunningGates,
            ResumedAt::CriticEvaluating => Self::CriticEvaluating,
        }
    }
}

/// One call of an agent; `T` is what only a call of its role leaves.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Call<T> {
    /// Which try.
    pub attempt: Attempt,
    /// How far it got.
    pub state: CallState<T>,
}

/// How far a call got, by the lines that there are.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum CallState<T> {
    /// It is to be made later.
    Waiting {
        /// When.
        until: Timestamp,
        /// Why, in the agent's words.
        reason: String,
    },
    /// Its process was started; no line tells of its end.
    Started {
        /// When.
        at: Timestamp,
        /// The process.
        process: ProcessInfo,
    },
    /// It is over.
    Over(Box<CallEnd<T>>),
}

/// How a call ended, and what it left.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CallEnd<T> {
    /// How it ended.
    pub outcome: AgentOutcome,
    /// Exit code, 128 + n for a signal; null where no process ran.
    pub exit_code: Option<i32>,
    /// How long it took.
    pub duration_secs: f64,
    /// All of its stdout; null where no process ran.
    pub stdout: Option<Evidence>,
    /// All of its stderr; null where no process ran.
    pub stderr: Option<Evidence>,
    /// What it used, where it told.
    pub usage: Option<Usage>,
    /// Processes it had left behind, which were ended.
    pub leftovers: u32,
    /// The declared `output`, where what it printed was read as text instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text_instead_of: Option<String>,
    /// What only its role leaves.
    pub left: T,
}

/// What only a call of the actor leaves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Turn {
    /// The agent's own name for the conversation, where it told.
    pub agent_session: Option<String>,
}

/// What only a call of the critic leaves.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Answer {
    /// Its final text (capped).
    pub text: String,
    /// Whether it changed the tree; null where nobody came to look.
    pub tree: Option<TreeCheck>,
    /// The ref that keeps the tree as it was before the call, where the run ended without making
    /// sure that it still is; null elsewhere.
    pub unverified: Option<String>,
    /// What became of the answer; null where there was none to rely on, or the run ended before.
    pub ruling: Option<Ruling>,
}

/// What came of looking for changes after the actor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Changes {
    /// They were captured.
    Captured(DiffCaptured),
    /// They could not be.
    Failed(DiffFailed),
}

impl Round {
    pub(crate) const fn begun(iteration: Iteration) -> Self {
        Self {
            iteration,
            phase: Some(RoundPhase::ActorExecuting),
            actor: Vec::new(),
            changes: None,
            gates: Gates::none(),
            gate_checks: Vec::new(),
            critic: Vec::new(),
            veto: None,
            repeats: None,
        }
    }

    /// Whether it has its `iteration` line.
    #[must_use]
    pub const fn is_finished(&self) -> bool {
        self.phase.is_none()
    }

    /// What its calls used, as far as they told.
    #[must_use]
    pub fn usage(&self) -> UsageByRole {
        UsageByRole { actor: used(&self.actor), critic: used(&self.critic), total: None }
    }

    /// The answer of a call that is over.
    pub(crate) fn answer_mut(&mut self, attempt: Attempt) -> Option<&mut Answer> {
        match &mut last(&mut self.critic, attempt)?.state {
            CallState::Over(end) => Some(&mut end.left),
            CallState::Waiting { .. } | CallState::Started { .. } => None,
        }
    }
}

impl<T> Call<T> {
    /// How it ended, if it did.
    #[must_use]
    pub fn end(&self) -> Option<&CallEnd<T>> {
        match &self.state {
            CallState::Over(end) => Some(&**end),
            CallState::Waiting { .. } | CallState::Started { .. } => None,
        }
    }

    /// Takes in how far a call got: the last one, or a new one.
    pub(crate) fn note(calls: &mut Vec<Self>, attempt: Attempt, state: CallState<T>) {
        match last(calls, attempt) {
            Some(call) => call.state = state,
            None => calls.push(Self { attempt, state }),
        }
    }

    /// Takes in that a wait is over: nothing is known of the call any more until it starts.
    pub(crate) fn end_wait(calls: &mut Vec<Self>, attempt: Attempt) {
        let waits = |call: &mut Self| matches!(call.state, CallState::Waiting { .. });
        if last(calls, attempt).is_some_and(waits) {
            calls.pop();
        }
    }
}

impl<T> From<AgentStarted> for CallState<T> {
    fn from(line: AgentStarted) -> Self {
        Self::Started { at: line.timestamp, process: line.process }
    }
}

impl<T> From<Waiting> for CallState<T> {
    fn from(line: Waiting) -> Self {
        Self::Waiting { until: line.until, reason: line.reason }
    }
}

impl From<ActorCompleted> for CallState<Turn> {
    fn from(line: ActorCompleted) -> Self {
        Self::Over(Box::new(CallEnd {
            outcome: line.outcome,
            exit_code: line.exit_code,
            duration_secs: line.duration_secs,
            stdout: line.stdout,
            stderr: line.stderr,
            usage: line.usage,
            leftovers: line.leftovers,
            text_instead_of: line.text_instead_of,
            left: Turn { agent_session: line.agent_session },
        }))
    }
}

impl From<CriticCompleted> for CallState<Answer> {
    fn from(line: CriticCompleted) -> Self {
        Self::Over(Box::new(CallEnd {
            outcome: line.outcome,
            exit_code: line.exit_code,
            duration_secs: line.duration_secs,
            stdout: line.stdout,
            stderr: line.stderr,
            usage: line.usage,
            leftovers: line.leftovers,
            text_instead_of: line.text_instead_of,
            left: Answer { text: line.text, tree: None, unverified: None, ruling: None },
        }))
    }
}

/// The last call, if that is the one meant. A call is over before the next one begins, so no line is
/// about an earlier one.
fn last<T>(calls: &mut [Call<T>], attempt: Attempt) -> Option<&mut Call<T>> {
    calls.last_mut().filter(|call| call.attempt == attempt)
}

fn used<T>(calls: &[Call<T>]) -> Option<Usage> {
    let told = calls.iter().filter_map(|call| call.end()?.usage.clone());
    told.reduce(|sum, usage| sum.plus(&usage))
}
