//! Hands the events of a run on to its sinks, and notes what is told once it is over.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use codeloops_driver::ports::Publish;
use codeloops_event::{AgentOutcome, Event, Role};
use codeloops_session::{ChangesIn, LastLook};
use codeloops_sinks::{Hub, words};

use crate::last_round::LastRound;

/// What is told of a run once it is over.
#[derive(Debug)]
struct Seen {
    look: LastLook,
    notes: Vec<String>,
    last_call: Option<EndedCall>,
    last_round: LastRound,
}

/// An agent call that is over.
#[derive(Debug, Clone)]
pub(crate) struct EndedCall {
    pub(crate) role: Role,
    pub(crate) outcome: AgentOutcome,
}

impl EndedCall {
    fn told_by(event: &Event) -> Option<Self> {
        let (role, outcome) = match event {
            Event::ActorCompleted(e) => (Role::Actor, &e.outcome),
            Event::CriticCompleted(e) => (Role::Critic, &e.outcome),
            _ => return None,
        };
        Some(Self { role, outcome: outcome.clone() })
    }
}

/// Tells it then.
#[derive(Debug, Clone)]
pub(crate) struct SeenLater(Arc<Mutex<Seen>>);

impl SeenLater {
    /// Where what the run changed can be seen.
    pub(crate) fn changes(&self) -> ChangesIn {
        self.lock().look.changes()
    }

    /// What a reader of its result should know.
    pub(crate) fn notes(&self) -> Vec<String> {
        self.lock().notes.clone()
    }

    /// The agent call that ended last.
    pub(crate) fn last_call(&self) -> Option<EndedCall> {
        self.lock().last_call.clone()
    }

    /// What the last round came to.
    pub(crate) fn last_round(&self) -> LastRound {
        self.lock().last_round.clone()
    }

    fn observe(&self, event: &Event) {
        let mut seen = self.lock();
        seen.look.observe(event);
        seen.last_round.observe(event);
        seen.last_call = EndedCall::told_by(event).or(seen.last_call.take());
        if let Event::ReadAsText(e) = event {
            let said = words::read_as_text(&e.agent, &e.declared);
            seen.notes.push(format!("the {}: {}", e.role, said.join(". ")));
        }
    }

    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The hub, as the driver knows it.
pub(crate) struct Publisher {
    hub: Arc<Hub>,
    seen: SeenLater,
}

impl Publisher {
    pub(crate) fn new(hub: Arc<Hub>) -> (Self, SeenLater) {
        let look = LastLook::begin();
        let last_round = LastRound::default();
        let seen = Seen { look, notes: Vec::new(), last_call: None, last_round };
        let seen = SeenLater(Arc::new(Mutex::new(seen)));
        (Self { hub, seen: seen.clone() }, seen)
    }
}

impl Publish for Publisher {
    fn publish(&mut self, event: Arc<Event>) {
        self.seen.observe(&event);
        self.hub.publish(&event);
    }
}
