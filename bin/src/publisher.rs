//! Hands the events of a run on to its sinks, and notes where what it changed can be seen.

use std::sync::{Arc, Mutex, PoisonError};

use codeloops_driver::ports::Publish;
use codeloops_event::Event;
use codeloops_session::{ChangesIn, LastLook};
use codeloops_sinks::Hub;

/// Tells, once the run is over, where what it changed can be seen.
#[derive(Debug, Clone)]
pub(crate) struct ChangedLater(Arc<Mutex<LastLook>>);

impl ChangedLater {
    pub(crate) fn get(&self) -> ChangesIn {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).changes()
    }

    fn observe(&self, event: &Event) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).observe(event);
    }
}

/// The hub, as the driver knows it.
pub(crate) struct Publisher {
    hub: Arc<Hub>,
    changed: ChangedLater,
}

impl Publisher {
    pub(crate) fn new(hub: Arc<Hub>) -> (Self, ChangedLater) {
        let changed = ChangedLater(Arc::new(Mutex::new(LastLook::begin())));
        (Self { hub, changed: changed.clone() }, changed)
    }
}

impl Publish for Publisher {
    fn publish(&mut self, event: Arc<Event>) {
        self.changed.observe(&event);
        self.hub.publish(&event);
    }
}
