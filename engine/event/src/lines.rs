//! The payload of each line type of the session file.
//!
//! Field names, types and null rules of `session_start`, `iteration` and `session_end` follow the
//! published session format; `docs/session-format.md` lists every field. `timestamp` is when it
//! happened, `elapsed_ms` the run's monotonic clock at that moment (absent, so 0, in files of other
//! programs).

use serde::{Deserialize, Serialize};

use crate::agent::{AgentOutcome, Evidence, ProcessInfo, Usage, UsageByRole, is_zero};
use crate::change::{TreeCheck, TreeId};
use crate::gate::GateResult;
use crate::id::{Attempt, CallId, Iteration, Nonce, Role, RunId};
use crate::outcome::{Outcome, StopReason};
use crate::settings::{Limits, Settings};
use crate::stamp::Timestamp;
use crate::tamper::Tampering;
use crate::verdict::{Decision, Ruling};
use crate::version::FormatVersion;

/// The run and iteration that a fork began from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Parent {
    /// The run.
    pub run_id: RunId,
    /// The iteration whose tree it began with.
    pub iteration: Iteration,
    /// The trace that it was started in, if any: 32 hexadecimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<String>,
}

/// The first line. The fields from `elapsed_ms` on are absent in files of other programs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SessionStart {
    /// When the run began.
    pub timestamp: Timestamp,
    /// The task; credentials in it are masked.
    pub prompt: String,
    /// Absolute path, lossily decoded.
    pub working_dir: String,
    /// Title of the actor's agent.
    pub actor_agent: String,
    /// Title of the critic's agent.
    pub critic_agent: String,
    /// The actor's model, null for the agent's default.
    pub actor_model: Option<String>,
    /// The critic's model, null for the agent's default.
    pub critic_model: Option<String>,
    /// The iteration limit, null for none.
    pub max_iterations: Option<u32>,
    /// The run's monotonic clock.
    #[serde(default)]
    pub elapsed_ms: u64,
    /// Version of the file's format.
    #[serde(default)]
    pub format_version: Option<FormatVersion>,
    /// The release that wrote the file.
    #[serde(default)]
    pub codeloops_version: Option<String>,
    /// The run's identity.
    #[serde(default)]
    pub run_id: Option<RunId>,
    /// HEAD when the run began; null in a repository without a commit.
    #[serde(default)]
    pub commit_sha: Option<String>,
    /// The branch when the run began; null when HEAD was detached.
    #[serde(default)]
    pub branch: Option<String>,
    /// The root of the working tree: absolute path, lossily decoded.
    #[serde(default)]
    pub repository: Option<String>,
    /// Snapshot of the working tree when the run began.
    #[serde(default)]
    pub base_tree: Option<TreeId>,
    /// Where a fork began.
    #[serde(default)]
    pub parent: Option<Parent>,
    /// The inherited trace, if any: 32 hexadecimal digits.
    #[serde(default)]
    pub trace_id: Option<String>,
    /// The inherited parent span, if any: 16 hexadecimal digits.
    #[serde(default)]
    pub parent_span_id: Option<String>,
    /// Whether that trace was exported, as its flags told; absent where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace_sampled: Option<bool>,
    /// The run's evidence folder: absolute path, lossily decoded.
    #[serde(default)]
    pub evidence_dir: Option<String>,
    /// The resolved settings.
    #[serde(default)]
    pub settings: Option<Settings>,
    /// Credentials that were masked in this line.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub redacted: u64,
}

/// A round begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct IterationStarted {
    /// When.
    pub timestamp: Timestamp,
    /// The run's monotonic clock.
    pub elapsed_ms: u64,
    /// Which round.
    pub iteration: Iteration,
}

/// An agent's process runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AgentStarted {
    /// When.
    pub timestamp: Timestamp,
    /// The run's monotonic clock.
    pub elapsed_ms: u64,
    /// In which round.
    pub iteration: Iteration,
    /// Which try.
    pub attempt: Attempt,
    /// The agent's title.
    pub agent: String,
    /// Its process.
    pub process: ProcessInfo,
    /// The evaluation's nonce; only in `critic_started`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nonce: Option<Nonce>,
}

/// An actor call is over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ActorCompleted {
    /// When.
    pub timestamp: Timestamp,
    /// The run's monotonic clock.
    pub elapsed_ms: u64,
    /// In which round.
    pub iteration: Iteration,
    /// Which try.
    pub attempt: Attempt,
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
    /// The agent's own name for the conversation, where it told.
    pub agent_session: Option<String>,
    /// What that conversation has used in all; only where the agent tells such sums.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation_usage: Option<Usage>,
    /// What the call used, where it told.
    pub usage: Option<Usage>,
    /// Processes it had left behind, which were ended.
    pub leftovers: u32,
    /// The declared `output`, where not one event of it was printed, and a turn that came to its end
    /// was read as text instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text_instead_of: Option<String>,
}

/// What an agent prints is read as text, for not one event of its declared `output` was in it. Told
/// once for each role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ReadAsText {
    /// When.
    pub timestamp: Timestamp,
    /// The run's monotonic clock.
    pub elapsed_ms: u64,
    /// In which round.
    pub iteration: Iteration,
    /// After which try.
    pub attempt: Attempt,
    /// Whose agent it is.
    pub role: Role,
    /// The agent's title.
    pub agent: String,
    /// The declared `output`.
    pub declared: String,
}

/// The changes are captured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DiffCaptured {
    /// When.
    pub timestamp: Timestamp,
    /// The run's monotonic clock.
    pub elapsed_ms: u64,
    /// In which round.
    pub iteration: Iteration,
    /// The snapshot.
    pub tree: TreeId,
    /// Changed files since the run began.
    pub files_changed: u64,
    /// Lines added since the run began.
    pub insertions: u64,
    /// Lines removed since the run began.
    pub deletions: u64,
    /// The whole diff.
    pub patch: Evidence,
    /// What may hide work from the diff.
    pub notes: Vec<String>,
    /// Signs that checks were weakened; at most the first 100.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tampering: Vec<Tampering>,
    /// How many more there are.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub more_tampering: u64,
}

/// The changes could not be captured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DiffFailed {
    /// When.
    pub timestamp: Timestamp,
    /// The run's monotonic clock.
    pub elapsed_ms: u64,
    /// In which round.
    pub iteration: Iteration,
    /// What failed, with what.
    pub error: String,
}

/// A gate begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct GateStarted {
    /// When.
    pub timestamp: Timestamp,
    /// The run's monotonic clock.
    pub elapsed_ms: u64,
    /// In which round; 0 before the first.
    pub iteration: Iteration,
    /// Its name.
    pub gate: String,
}

/// A gate is through.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct GateCompleted {
    /// When.
    pub timestamp: Timestamp,
    /// The run's monotonic clock.
    pub elapsed_ms: u64,
    /// In which round; 0 before the first.
    pub iteration: Iteration,
    /// Its result.
    pub gate: GateResult,
}

/// The tree was compared with what it was before gates ran.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct GateTreeChecked {
    /// When.
    pub timestamp: Timestamp,
    /// The run's monotonic clock.
    pub elapsed_ms: u64,
    /// In which round; 0 before the first.
    pub iteration: Iteration,
    /// Which look after gates of this round it is, counted from 1.
    pub attempt: Attempt,
    /// The gates that ran since the look before: several where they run at once.
    pub gates: Vec<String>,
    /// What was found and done.
    pub check: TreeCheck,
}

/// The critic said DONE, and that does not take effect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ApprovalVetoed {
    /// When.
    pub timestamp: Timestamp,
    /// The run's monotonic clock.
    pub elapsed_ms: u64,
    /// In which round.
    pub iteration: Iteration,
    /// The gates that block it.
    pub gates: Vec<String>,
    /// Signs of weakened checks that block it.
    pub tampering: u64,
}

/// A round ended in the state of an earlier one: the same tree, the same results of the gates, the same
/// failures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct StateRepeated {
    /// When.
    pub timestamp: Timestamp,
    /// The run's monotonic clock.
    pub elapsed_ms: u64,
    /// Which round.
    pub iteration: Iteration,
    /// The earlier rounds that ended in this state.
    pub earlier: Vec<Iteration>,
}

/// A critic call is over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CriticCompleted {
    /// When.
    pub timestamp: Timestamp,
    /// The run's monotonic clock.
    pub elapsed_ms: u64,
    /// In which round.
    pub iteration: Iteration,
    /// Which try.
    pub attempt: Attempt,
    /// How it ended.
    pub outcome: AgentOutcome,
    /// Exit code, 128 + n for a signal; null where no process ran.
    pub exit_code: Option<i32>,
    /// How long it took.
    pub duration_secs: f64,
    /// The critic's final text (capped).
    pub text: String,
    /// All of its stdout; null where no process ran.
    pub stdout: Option<Evidence>,
    /// All of its stderr; null where no process ran.
    pub stderr: Option<Evidence>,
    /// What the call used, where it told.
    pub usage: Option<Usage>,
    /// Processes it had left behind, which were ended.
    pub leftovers: u32,
    /// The declared `output`, where not one event of it was printed, and a turn that came to its end
    /// was read as text instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text_instead_of: Option<String>,
}

/// The tree was compared with what it was before the critic.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TreeChecked {
    /// When.
    pub timestamp: Timestamp,
    /// The run's monotonic clock.
    pub elapsed_ms: u64,
    /// In which round.
    pub iteration: Iteration,
    /// After which try of the critic.
    pub attempt: Attempt,
    /// What was found and done.
    pub check: TreeCheck,
}

/// The run ends, and nobody made sure that the tree is what it was before the critic.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TreeUnverified {
    /// When.
    pub timestamp: Timestamp,
    /// The run's monotonic clock.
    pub elapsed_ms: u64,
    /// In which round.
    pub iteration: Iteration,
    /// After which try of the critic.
    pub attempt: Attempt,
    /// The ref that keeps the tree as it was.
    pub before: String,
}

/// What became of the critic's answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct VerdictReached {
    /// When.
    pub timestamp: Timestamp,
    /// The run's monotonic clock.
    pub elapsed_ms: u64,
    /// In which round.
    pub iteration: Iteration,
    /// From which try of the critic.
    pub attempt: Attempt,
    /// What became of it.
    pub ruling: Ruling,
}

/// The machine waits before it calls an agent again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Waiting {
    /// When it began.
    pub timestamp: Timestamp,
    /// The run's monotonic clock.
    pub elapsed_ms: u64,
    /// In which round.
    pub iteration: Iteration,
    /// Whose next call it is.
    pub role: Role,
    /// Which try comes then.
    pub attempt: Attempt,
    /// Wall-clock time at which the wait is over.
    pub until: Timestamp,
    /// Why, in the agent's words.
    pub reason: String,
}

/// A wait is over, and the agent is called again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct WaitOver {
    /// When.
    pub timestamp: Timestamp,
    /// The run's monotonic clock.
    pub elapsed_ms: u64,
    /// In which round.
    pub iteration: Iteration,
    /// Whose next call it is.
    pub role: Role,
    /// Which try comes now.
    pub attempt: Attempt,
}

/// The user asked to stop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct StopRequested {
    /// When.
    pub timestamp: Timestamp,
    /// The run's monotonic clock.
    pub elapsed_ms: u64,
    /// The signal (`SIGINT`, `SIGTERM`, `SIGHUP`).
    pub signal: String,
    /// Whether it asked to stop at once, without grace: the second request, or a later one.
    pub now: bool,
}

/// Where a run goes on that was resumed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ResumedAt {
    /// The actor is called, or waited for.
    ActorExecuting,
    /// The changes are captured.
    CapturingDiff,
    /// The next gate runs.
    RunningGates,
    /// The critic is called, or waited for, or the tree is compared after it.
    CriticEvaluating,
}

/// The working tree, as a resume found it beside the run's last snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum FoundTree {
    /// As it was then.
    AsLeft,
    /// Otherwise; it is kept.
    Changed {
        /// The tree.
        tree: TreeId,
        /// The ref that keeps it.
        kept_as: String,
    },
}

/// The run goes on in another process.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SessionResumed {
    /// When.
    pub timestamp: Timestamp,
    /// The run's monotonic clock, which stood still since the line before.
    pub elapsed_ms: u64,
    /// In which round.
    pub iteration: Iteration,
    /// Where in it.
    pub phase: ResumedAt,
    /// The release that resumed it.
    pub codeloops_version: String,
    /// The limits from now on.
    pub limits: Limits,
    /// What had become of the working tree.
    pub tree: FoundTree,
    /// Processes that the run had left behind, which were ended.
    pub leftovers: u32,
}

/// An answer came to a call that was over; it changed nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AnswerIgnored {
    /// When.
    pub timestamp: Timestamp,
    /// The run's monotonic clock.
    pub elapsed_ms: u64,
    /// The call.
    pub call: CallId,
}

/// The session could not be recorded, or codeloops itself failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct EngineFailed {
    /// When.
    pub timestamp: Timestamp,
    /// The run's monotonic clock.
    pub elapsed_ms: u64,
    /// `record_failed` or `internal_error`.
    pub reason: StopReason,
    /// What failed, with what.
    pub error: String,
}

/// The summary of a finished round.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct IterationEnd {
    /// The round, counted from 1.
    pub iteration_number: Iteration,
    /// The actor's final text where its stream tells it apart, else its stdout (capped).
    pub actor_output: String,
    /// The actor's stderr (capped).
    pub actor_stderr: String,
    /// The actor's exit code, 128 + n for a signal.
    pub actor_exit_code: i32,
    /// How long the actor took.
    pub actor_duration_secs: f64,
    /// Everything that changed since the run began (capped).
    pub git_diff: String,
    /// Files changed since the run began.
    pub git_files_changed: u64,
    /// The decision that took effect.
    pub critic_decision: Decision,
    /// What the actor is told next; null for DONE.
    pub feedback: Option<String>,
    /// When the round was over.
    pub timestamp: Timestamp,
    /// The run's monotonic clock.
    #[serde(default)]
    pub elapsed_ms: u64,
    /// The critic's final text of the try that counted (capped).
    #[serde(default)]
    pub critic_output: Option<String>,
    /// What the critic said; null where its answers could not be read, or it was not asked.
    #[serde(default)]
    pub critic_verdict: Option<Decision>,
    /// Exit code of that try.
    #[serde(default)]
    pub critic_exit_code: Option<i32>,
    /// How long all tries of this round took.
    #[serde(default)]
    pub critic_duration_secs: Option<f64>,
    /// Lines added since the run began.
    #[serde(default)]
    pub insertions: Option<u64>,
    /// Lines removed since the run began.
    #[serde(default)]
    pub deletions: Option<u64>,
    /// The snapshot.
    #[serde(default)]
    pub tree: Option<TreeId>,
    /// What the round used.
    #[serde(default)]
    pub usage: Option<UsageByRole>,
    /// Results of the gates, in order.
    #[serde(default)]
    pub gates: Vec<GateResult>,
    /// Signs that checks were weakened, in the diff since the run began.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tampering: Vec<Tampering>,
    /// How many more there are.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub more_tampering: u64,
}

/// The end of the run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SessionEnd {
    /// How it ended.
    pub outcome: Outcome,
    /// Finished rounds.
    pub iterations: u32,
    /// The critic's summary, for success.
    pub summary: Option<String>,
    /// The critic's confidence, for success.
    pub confidence: Option<f64>,
    /// Duration of the run, summed over its processes.
    pub duration_secs: f64,
    /// When it ended.
    pub timestamp: Timestamp,
    /// The run's monotonic clock.
    #[serde(default)]
    pub elapsed_ms: u64,
    /// Why it ended.
    #[serde(default)]
    pub stop_reason: Option<StopReason>,
    /// What failed, in one line; null where nothing did.
    #[serde(default)]
    pub error: Option<String>,
    /// What the run used.
    #[serde(default)]
    pub usage: Option<UsageByRole>,
    /// Places of the whole run at which a credential was masked: of the first line, and of all
    /// evidence.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub redacted: u64,
}

/// A stream of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum OutputStream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

impl OutputStream {
    /// The stream's name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stdout => "stdout",
            Self::Stderr => "stderr",
        }
    }
}
