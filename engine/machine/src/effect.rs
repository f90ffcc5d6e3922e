//! What the machine wants done.

use std::time::Duration;

use codeloops_event::{
    BudgetKind, CallId, Conversation, GateSettings, LimitKind, Role, Timestamp, TreeId, Usage,
};

use crate::prompts::Prompt;

/// How a running call is to be ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum StopLevel {
    /// With the agent's stop signal, then grace, then force.
    Graceful,
    /// By force, at once.
    Now,
}

/// One call of an agent: as the machine asks for it with what its prompt is made of, for the runner
/// with the prompt itself.
#[derive(Debug, Clone, PartialEq)]
pub struct AgentCall<P = String> {
    /// Its identity.
    pub call: CallId,
    /// Who is called.
    pub role: Role,
    /// The prompt.
    pub prompt: P,
    /// The conversation that it goes on with; `None` for a new one.
    pub conversation: Option<Conversation>,
    /// How long the call may take at most, and which limit that is.
    pub deadline: Option<(Duration, LimitKind)>,
    /// How long it may go without output.
    pub idle: Option<Duration>,
    /// What it may use.
    pub budget: Budget,
}

/// What is left of the run's budgets; `None` where there is none.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Budget {
    /// Tokens, sent and received.
    pub tokens: Option<u64>,
    /// US dollars.
    pub cost_usd: Option<f64>,
}

impl Budget {
    /// The budget that this is too much for.
    #[must_use]
    pub fn exceeded_by(&self, usage: &Usage) -> Option<BudgetKind> {
        let cost = usage.cost_usd.unwrap_or(0.0);
        if self.tokens.is_some_and(|left| usage.tokens() >= left) {
            Some(BudgetKind::Tokens)
        } else if self.cost_usd.is_some_and(|left| cost >= left) {
            Some(BudgetKind::Cost)
        } else {
            None
        }
    }
}

/// One call of a gate.
#[derive(Debug, Clone, PartialEq)]
pub struct GateCall {
    /// Its identity; of iteration 0 before the first round.
    pub call: CallId,
    /// The gate.
    pub gate: GateSettings,
    /// The snapshot of the working tree that it runs on; none where nobody took one.
    pub tree: Option<TreeId>,
    /// How long each attempt may take at most, and which limit that is.
    pub deadline: Option<(Duration, LimitKind)>,
}

impl AgentCall<Prompt> {
    /// The call, its prompt put together.
    #[must_use]
    pub fn rendered(self) -> AgentCall {
        let Self { call, role, prompt, conversation, deadline, idle, budget } = self;
        AgentCall { call, role, prompt: prompt.render(), conversation, deadline, idle, budget }
    }
}

/// One thing the machine wants done. Every effect with a call id is answered by exactly one input
/// that carries it; `StopCall` has no answer of its own, it hastens the one of the call.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Run an agent: [`crate::Input::AgentStarted`] may come, [`crate::Input::AgentFinished`] does.
    RunAgent(Box<AgentCall<Prompt>>),
    /// Take a snapshot of the working tree and its diff from the base.
    CaptureDiff {
        /// The call.
        call: CallId,
    },
    /// Run one gate.
    RunGate(Box<GateCall>),
    /// Compare tree, index, HEAD and the rest with what this call of the critic, or these gates, found.
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
