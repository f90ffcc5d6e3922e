//! The contract of codeloops: what happened in a run, as typed events.
//!
//! Every [`Event`] is one of three kinds ([`Class`]):
//!
//! * a **fact**: the world told us (an agent ended, a diff is there);
//! * a **decision**: the machine concluded (a verdict, the end of a round);
//! * **chatter**: output chunks and the like, shown live and never recorded.
//!
//! Facts and decisions are the lines of the session file, in the order in which they happened; the
//! serde shape of [`Event`] *is* the file format. This crate knows no clock, no file system and no
//! agent: it only names things.
//!
//! The version rule stands at [`FormatVersion`].

mod agent;
mod change;
mod changed;
mod event;
mod gate;
mod id;
mod item;
mod lines;
mod outcome;
mod sanitise;
mod settings;
mod stamp;
mod tamper;
mod verdict;
mod version;

pub mod layout;
#[cfg(feature = "schema")]
pub mod schema;
pub mod text;
pub mod trace;

pub use agent::{
    AgentOutcome, BudgetKind, Conversation, CutOffKind, DenialCount, Evidence, LimitKind,
    ProcessInfo, Refusal, Signal, Usage, UsageByRole,
};
pub use change::{CapturedDiff, FileChange, FileStatus, TreeCheck, TreeId};
pub use changed::Changed;
pub use event::{Class, Event};
pub use gate::{
    Artifact, Failure, FailureCategory, FailureIdentity, GateResult, GateStatus, MAX_ARTIFACTS,
    MAX_FAILURES,
};
pub use id::{Attempt, CallId, CallKind, Iteration, Nonce, Role, RunId, RunIdError};
pub use item::{AgentOutput, Item, Marker};
pub use lines::{
    ActorCompleted, AgentStarted, AnswerIgnored, ApprovalVetoed, CriticCompleted, DiffCaptured,
    DiffFailed, EngineFailed, FoundTree, GateCompleted, GateStarted, GateTreeChecked, IterationEnd,
    IterationStarted, OutputStream, Parent, ReadAsText, ResumedAt, SessionEnd, SessionResumed,
    SessionStart, StateRepeated, StopRequested, TreeChecked, TreeUnverified, VerdictReached,
    WaitOver, Waiting,
};
pub use outcome::{Outcome, StopReason};
pub use settings::{
    AgentSettings, CriticAccess, DEFAULT_STUCK_AFTER, GatePolicy, GateSettings, Limits,
    OnGateFailure, Permissions, Settings, TamperPolicy,
};
pub use stamp::{Stamp, Timestamp};
pub use tamper::{DiffSide, MAX_TAMPERING, TamperKind, Tampering};
pub use verdict::{Decision, Ruling, Verdict, VerdictProblem};
pub use version::{FORMAT_VERSION, FormatVersion, UnreadableVersion};
