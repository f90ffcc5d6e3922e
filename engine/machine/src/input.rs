//! What can reach the machine from outside.

use codeloops_event::{
    AgentOutcome, Artifact, CallId, CapturedDiff, Evidence, Failure, FoundTree, GateStatus, Limits,
    Nonce, Parent, ProcessInfo, RunId, Settings, Stamp, StopReason, TreeCheck, TreeId, Usage,
};

/// One input with the moment at which the driver took it, and a fresh random word. The machine uses
/// the nonce if this input makes it begin an evaluation: so it is never drawn before the actor has
/// ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Stamped<T> {
    /// When.
    pub stamp: Stamp,
    /// A fresh nonce.
    pub nonce: Nonce,
    /// What.
    pub input: T,
}

/// What the run begins with; it becomes the `session_start` line.
#[derive(Debug, Clone, PartialEq)]
pub struct Start {
    /// The task as it is recorded: credentials in it may be masked.
    pub prompt: String,
    /// The task, unchanged, for the agents. No decision rests on it.
    pub task: String,
    /// Credentials that were masked in what is recorded of all this.
    pub redacted: u64,
    /// Absolute path, lossily decoded.
    pub working_dir: String,
    /// The run's identity.
    pub run_id: RunId,
    /// HEAD, null in a repository without a commit.
    pub commit_sha: Option<String>,
    /// The branch, null when HEAD is detached.
    pub branch: Option<String>,
    /// The root of the working tree: absolute path, lossily decoded.
    pub repository: Option<String>,
    /// Snapshot of the working tree.
    pub base_tree: TreeId,
    /// Where a fork began; null for any other run.
    pub parent: Option<Parent>,
    /// The release that runs.
    pub codeloops_version: String,
    /// The inherited trace, if any.
    pub trace_id: Option<String>,
    /// The inherited parent span, if any.
    pub parent_span_id: Option<String>,
    /// Whether that trace is exported.
    pub trace_sampled: Option<bool>,
    /// The run's evidence folder, for telling the critic where the whole of a cut text is. No
    /// decision rests on it.
    pub evidence_dir: Option<String>,
    /// How an agent calls the checks itself; `None` for `codeloops verify`. No decision rests on it.
    pub verify: Option<String>,
    /// The resolved settings.
    pub settings: Settings,
}

/// What an agent call came to. Texts are decoded and capped before they get here.
#[derive(Debug, Clone, PartialEq)]
pub struct AgentReport {
    /// How it ended.
    pub outcome: AgentOutcome,
    /// Exit code, 128 + n for a signal; null where no process ran.
    pub exit_code: Option<i32>,
    /// The agent's final text where its stream tells it apart, else its whole stdout (capped).
    pub text: String,
    /// Its stderr (capped).
    pub stderr: String,
    /// All of its stdout; null where no process ran.
    pub stdout_file: Option<Evidence>,
    /// All of its stderr; null where no process ran.
    pub stderr_file: Option<Evidence>,
    /// The agent's own name for the conversation, where it told.
    pub agent_session: Option<String>,
    /// What the call used, where it told.
    pub usage: Option<Usage>,
    /// What the conversation has used in all, where the agent tells such sums.
    pub conversation_usage: Option<Usage>,
    /// Processes it left behind, which were ended.
    pub leftovers: u32,
    /// The declared `output`, where not one event of it was printed, and a turn that came to its end
    /// was read as text instead.
    pub text_instead_of: Option<String>,
}

impl AgentReport {
    /// The report of a call of which nothing is known but how it ended.
    #[must_use]
    pub const fn bare(outcome: AgentOutcome) -> Self {
        Self {
            outcome,
            exit_code: None,
            text: String::new(),
            stderr: String::new(),
            stdout_file: None,
            stderr_file: None,
            agent_session: None,
            usage: None,
            conversation_usage: None,
            leftovers: 0,
            text_instead_of: None,
        }
    }
}

/// What a gate call came to. Texts are decoded, masked and capped before they get here.
#[derive(Debug, Clone, PartialEq)]
pub struct GateReport {
    /// How it ended.
    pub status: GateStatus,
    /// Exit code of the last attempt, 128 + n for a signal; null where it never ran or was stopped.
    pub exit_code: Option<i32>,
    /// How long it took, with all its attempts.
    pub duration_secs: f64,
    /// The end of what the last attempt printed, or why it could not be started.
    pub tail: String,
    /// All that the last attempt printed; null where it never ran, or the result was kept.
    pub output: Option<Evidence>,
    /// How often it ran.
    pub attempts: u32,
    /// What fails, at most [`codeloops_event::MAX_FAILURES`].
    pub failures: Vec<Failure>,
    /// How many more there are.
    pub more_failures: u64,
    /// The run that ran it on this tree, where the result was kept from then.
    pub kept_from: Option<RunId>,
    /// Whether it was ended because the run ends, by the user or for want of time: it says nothing.
    pub interrupted: bool,
    /// Processes it left behind, which were ended.
    pub leftovers: u32,
    /// Files it left, at most [`codeloops_event::MAX_ARTIFACTS`].
    pub artifacts: Vec<Artifact>,
    /// How many more there are.
    pub more_artifacts: u64,
}

impl GateReport {
    /// The report of a gate of which nothing is known but that it did not run.
    #[must_use]
    pub const fn not_started(why: String) -> Self {
        Self {
            status: GateStatus::NotStarted,
            exit_code: None,
            duration_secs: 0.0,
            tail: why,
            output: None,
            attempts: 1,
            failures: Vec::new(),
            more_failures: 0,
            kept_from: None,
            interrupted: false,
            leftovers: 0,
            artifacts: Vec::new(),
            more_artifacts: 0,
        }
    }
}

/// What a run goes on with in another process; it becomes the `session_resumed` line.
#[derive(Debug, Clone, PartialEq)]
pub struct Resume {
    /// The task, unchanged, for the agents; `None` where it is the one that was recorded. No decision
    /// rests on it.
    pub task: Option<String>,
    /// How an agent calls the checks itself; `None` for as before. No decision rests on it.
    pub verify: Option<String>,
    /// The release that resumes it.
    pub codeloops_version: String,
    /// The limits from now on.
    pub limits: Limits,
    /// What has become of the working tree.
    pub tree: FoundTree,
    /// Processes that the run had left behind, which were ended.
    pub leftovers: u32,
}

/// One thing that happened outside and reached the machine.
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    /// An agent's process runs.
    AgentStarted {
        /// The call it belongs to.
        call: CallId,
        /// The process.
        process: ProcessInfo,
    },
    /// An agent call is over.
    AgentFinished {
        /// The call.
        call: CallId,
        /// What it came to.
        report: Box<AgentReport>,
    },
    /// The changes are captured.
    DiffCaptured {
        /// The call.
        call: CallId,
        /// Snapshot and diff.
        diff: Box<CapturedDiff>,
    },
    /// They could not be captured.
    DiffFailed {
        /// The call.
        call: CallId,
        /// What failed, with what.
        error: String,
    },
    /// A gate is through.
    GateFinished {
        /// The call.
        call: CallId,
        /// What it came to.
        report: Box<GateReport>,
    },
    /// The tree was compared with what it was before the critic, or before gates.
    TreeChecked {
        /// The call.
        call: CallId,
        /// What was found and done.
        check: TreeCheck,
    },
    /// A wait is over.
    WaitOver {
        /// The call.
        call: CallId,
    },
    /// The user asked to stop.
    StopRequested {
        /// The signal's name.
        signal: String,
    },
    /// The process that had the run is gone, and another one goes on with it: legal in every phase, and
    /// after any end but an approval.
    Resumed(Box<Resume>),
    /// The record could not be written, or the driver found a defect: the run cannot go on.
    EngineFailed {
        /// `RecordFailed` or `InternalError`.
        reason: StopReason,
        /// What failed, with what.
        error: String,
    },
}

impl Input {
    /// The call that the input answers or tells of.
    #[must_use]
    pub const fn call(&self) -> Option<CallId> {
        match self {
            Self::AgentStarted { call, .. }
            | Self::AgentFinished { call, .. }
            | Self::DiffCaptured { call, .. }
            | Self::DiffFailed { call, .. }
            | Self::GateFinished { call, .. }
            | Self::TreeChecked { call, .. }
            | Self::WaitOver { call } => Some(*call),
            Self::StopRequested { .. } | Self::Resumed(_) | Self::EngineFailed { .. } => None,
        }
    }

    /// Credentials that were masked in the evidence that the input brings.
    #[must_use]
    pub fn redacted(&self) -> u64 {
        let files: [Option<&Evidence>; 2] = match self {
            Self::AgentFinished { report, .. } => {
                [report.stdout_file.as_ref(), report.stderr_file.as_ref()]
            }
            Self::DiffCaptured { diff, .. } => [Some(&diff.patch), None],
            Self::GateFinished { report, .. } => [report.output.as_ref(), None],
            Self::AgentStarted { .. }
            | Self::DiffFailed { .. }
            | Self::TreeChecked { .. }
            | Self::WaitOver { .. }
            | Self::StopRequested { .. }
            | Self::Resumed(_)
            | Self::EngineFailed { .. } => [None, None],
        };
        files.into_iter().flatten().fold(0, |sum, file| file.redacted.saturating_add(sum))
    }

    /// The input's kind, in one word.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::AgentStarted { .. } => "agent_started",
            Self::AgentFinished { .. } => "agent_finished",
            Self::DiffCaptured { .. } => "diff_captured",
            Self::DiffFailed { .. } => "diff_failed",
            Self::GateFinished { .. } => "gate_finished",
            Self::TreeChecked { .. } => "tree_checked",
            Self::WaitOver { .. } => "wait_over",
            Self::StopRequested { .. } => "stop_requested",
            Self::Resumed(_) => "resumed",
            Self::EngineFailed { .. } => "engine_failed",
        }
    }
}
