//! What the machine wants done.

use std::time::Duration;

use codeloops_event::{CallId, GateSettings, LimitKind, Role, Timestamp};

use crate::prompts::Prompt;

/// How a running call is to be ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum StopLevel {
    /// With the agent's stop signal, then grace, then force.
    Graceful,
    /// By force, at once.
    Now,
}

/// One call of an agent, as the machine asks for it.
#[derive(Debug, Clone, PartialEq)]
pub struct AgentRequest {
    /// Its identity.
    pub call: CallId,
    /// Who is called.
    pub role: Role,
    /// What the prompt is made of.
    pub prompt: Prompt,
    /// How long the call may take at most, and which limit that is.
    pub deadline: Option<(Duration, LimitKind)>,
    /// How long it may go without output.
    pub idle: Option<Duration>,
}

impl AgentRequest {
    /// The call, its prompt put together.
    #[must_use]
    pub fn into_call(self) -> AgentCall {
        AgentCall {
            call: self.call,
            role: self.role,
            prompt: self.prompt.render(),
            deadline: self.deadline,
            idle: self.idle,
        }
    }
}

/// One call of an agent, with everything that its runner has to know.
#[derive(Debug, Clone, PartialEq)]
pub struct AgentCall {
    /// Its identity.
    pub call: CallId,
    /// Who is called.
    pub role: Role,
    /// The prompt, whole.
    pub prompt: String,
    /// How long the call may take at most, and which limit that is.
    pub deadline: Option<(Duration, LimitKind)>,
    /// How long it may go without output.
    pub idle: Option<Duration>,
}

/// One thing the machine wants done. Every effect with a call id is answered by exactly one input
/// that carries it; `StopCall` has no answer of its own, it hastens the one of the call.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Run an agent: [`crate::Input::AgentStarted`] may come, [`crate::Input::AgentFinished`] does.
    RunAgent(Box<AgentRequest>),
    /// Take a snapshot of the working tree and its diff from the base.
    CaptureDiff {
        /// The call.
        call: CallId,
    },
    /// Run one gate.
    RunGate {
        /// The call.
        call: CallId,
        /// The gate.
        gate: GateSettings,
    },
    /// Compare tree, index, HEAD and the rest with what this call of the critic found.
    CheckTree {
        /// The call.
        call: CallId,
        /// Whether a change is put back.
        restore: bool,
    },
    /// Wait until a wall-clock time.
    Wait {
        /// The call.
        call: CallId,
        /// Until when.
        until: Timestamp,
    },
    /// End a running call.
    StopCall {
        /// The call.
        call: CallId,
        /// How.
        level: StopLevel,
    },
}
