//! Hands the events of a run on to its sinks, and notes what is told once it is over.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use codeloops_driver::ports::Publish;
use codeloops_event::Event;
use codeloops_session::{ChangesIn, LastLook};
use codeloops_sinks::{Hub, words};

/// What is told of a run once it is over.
#[derive(Debug)]
struct Seen {
    look: LastLook,
    notes: Vec<String>,
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

    fn observe(&self, event: &Event) {
        let mut seen = self.lock();
        seen.look.observe(event);
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
        let seen = Seen { look: LastLook::begin(), notes: Vec::new() };
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
