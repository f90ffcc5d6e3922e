//! The closed list of events.

use serde::{Deserialize, Serialize};

use crate::item::AgentOutput;
use crate::lines::{
    ActorCompleted, AgentStarted, AnswerIgnored, ApprovalVetoed, CriticCompleted, DiffCaptured,
    DiffFailed, EngineFailed, GateCompleted, GateStarted, GateTreeChecked, IterationEnd,
    IterationStarted, ReadAsText, SessionEnd, SessionResumed, SessionStart, StateRepeated,
    StopRequested, TreeChecked, TreeUnverified, VerdictReached, WaitOver, Waiting,
};
use crate::stamp::Timestamp;

/// What kind of thing an event is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// The world told us.
    Fact,
    /// The machine concluded.
    Decision,
    /// Shown live, never recorded, dropped first when a consumer is slow.
    Chatter,
}

/// One thing worth telling. Its serde form, tagged by `type`, is a line of the session file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Event {
    /// Fact: the run begins.
    SessionStart(Box<SessionStart>),
    /// Decision: a round begins.
    IterationStarted(IterationStarted),
    /// Fact: the actor's process runs.
    ActorStarted(AgentStarted),
    /// Fact: an actor call is over.
    ActorCompleted(Box<ActorCompleted>),
    /// Decision: what an agent prints is read as text, for it is not what was declared.
    ReadAsText(ReadAsText),
    /// Fact: the changes are captured.
    DiffCaptured(Box<DiffCaptured>),
    /// Fact: they could not be captured.
    DiffFailed(DiffFailed),
    /// Decision: a gate is run.
    GateStarted(GateStarted),
    /// Fact: a gate is through.
    GateCompleted(Box<GateCompleted>),
    /// Fact: the tree was compared with what it was before gates.
    GateTreeChecked(Box<GateTreeChecked>),
    /// Fact: the critic's process runs.
    CriticStarted(AgentStarted),
    /// Fact: a critic call is over.
    CriticCompleted(Box<CriticCompleted>),
    /// Fact: the tree was compared with what it was before the critic.
    TreeChecked(Box<TreeChecked>),
    /// Decision: the run ends, and nobody made sure that the tree is what it was before the critic.
    TreeUnverified(TreeUnverified),
    /// Decision: what the critic's answer amounts to.
    VerdictReached(Box<VerdictReached>),
    /// Decision: the critic's DONE does not take effect.
    ApprovalVetoed(Box<ApprovalVetoed>),
    /// Decision: a round ended in the state of an earlier one.
    StateRepeated(StateRepeated),
    /// Decision: wait before an agent is called again.
    Waiting(Waiting),
    /// Fact: a wait is over.
    WaitOver(WaitOver),
    /// Fact: the user asked to stop.
    StopRequested(StopRequested),
    /// Fact: the run goes on in another process.
    SessionResumed(Box<SessionResumed>),
    /// Decision: an answer to a call that was over is ignored.
    AnswerIgnored(AnswerIgnored),
    /// Fact: the session could not be recorded, or codeloops itself failed.
    EngineFailed(EngineFailed),
    /// Decision: the summary of a round.
    Iteration(Box<IterationEnd>),
    /// Decision: the end of the run.
    SessionEnd(Box<SessionEnd>),
    /// Chatter: something an agent did or said.
    AgentOutput(AgentOutput),
}

impl Event {
    /// The event's kind.
    #[must_use]
    pub const fn class(&self) -> Class {
        match self {
            Self::SessionStart(_)
            | Self::ActorStarted(_)
            | Self::ActorCompleted(_)
            | Self::DiffCaptured(_)
            | Self::DiffFailed(_)
            | Self::GateCompleted(_)
            | Self::GateTreeChecked(_)
            | Self::CriticStarted(_)
            | Self::CriticCompleted(_)
            | Self::TreeChecked(_)
            | Self::WaitOver(_)
            | Self::StopRequested(_)
            | Self::SessionResumed(_)
            | Self::EngineFailed(_) => Class::Fact,
            Self::IterationStarted(_)
            | Self::ReadAsText(_)
            | Self::TreeUnverified(_)
            | Self::GateStarted(_)
            | Self::VerdictReached(_)
            | Self::ApprovalVetoed(_)
            | Self::StateRepeated(_)
            | Self::Waiting(_)
            | Self::AnswerIgnored(_)
            | Self::Iteration(_)
            | Self::SessionEnd(_) => Class::Decision,
            Self::AgentOutput(_) => Class::Chatter,
        }
    }

    /// When it happened; chatter has no time of its own.
    #[must_use]
    pub fn timestamp(&self) -> Option<Timestamp> {
        Some(match self {
            Self::SessionStart(e) => e.timestamp,
            Self::IterationStarted(e) => e.timestamp,
            Self::ActorStarted(e) | Self::CriticStarted(e) => e.timestamp,
            Self::ActorCompleted(e) => e.timestamp,
            Self::ReadAsText(e) => e.timestamp,
            Self::DiffCaptured(e) => e.timestamp,
            Self::DiffFailed(e) => e.timestamp,
            Self::GateStarted(e) => e.timestamp,
            Self::GateCompleted(e) => e.timestamp,
            Self::GateTreeChecked(e) => e.timestamp,
            Self::ApprovalVetoed(e) => e.timestamp,
            Self::StateRepeated(e) => e.timestamp,
            Self::CriticCompleted(e) => e.timestamp,
            Self::TreeChecked(e) => e.timestamp,
            Self::TreeUnverified(e) => e.timestamp,
            Self::VerdictReached(e) => e.timestamp,
            Self::Waiting(e) => e.timestamp,
            Self::WaitOver(e) => e.timestamp,
            Self::StopRequested(e) => e.timestamp,
            Self::SessionResumed(e) => e.timestamp,
            Self::AnswerIgnored(e) => e.timestamp,
            Self::EngineFailed(e) => e.timestamp,
            Self::Iteration(e) => e.timestamp,
            Self::SessionEnd(e) => e.timestamp,
            Self::AgentOutput(_) => return None,
        })
    }

    /// The word in `type`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::SessionStart(_) => "session_start",
            Self::IterationStarted(_) => "iteration_started",
            Self::ActorStarted(_) => "actor_started",
            Self::ActorCompleted(_) => "actor_completed",
            Self::ReadAsText(_) => "read_as_text",
            Self::DiffCaptured(_) => "diff_captured",
            Self::DiffFailed(_) => "diff_failed",
            Self::GateStarted(_) => "gate_started",
            Self::GateCompleted(_) => "gate_completed",
            Self::GateTreeChecked(_) => "gate_tree_checked",
            Self::ApprovalVetoed(_) => "approval_vetoed",
            Self::StateRepeated(_) => "state_repeated",
            Self::CriticStarted(_) => "critic_started",
            Self::CriticCompleted(_) => "critic_completed",
            Self::TreeChecked(_) => "tree_checked",
            Self::TreeUnverified(_) => "tree_unverified",
            Self::VerdictReached(_) => "verdict_reached",
            Self::Waiting(_) => "waiting",
            Self::WaitOver(_) => "wait_over",
            Self::StopRequested(_) => "stop_requested",
            Self::SessionResumed(_) => "session_resumed",
            Self::AnswerIgnored(_) => "answer_ignored",
            Self::EngineFailed(_) => "engine_failed",
            Self::Iteration(_) => "iteration",
            Self::SessionEnd(_) => "session_end",
            Self::AgentOutput(_) => "agent_output",
        }
    }
}
