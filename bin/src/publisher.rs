//! Hands the events of a run on to its sinks, and notes where the last snapshot with a change is.

use std::sync::{Arc, Mutex, PoisonError};

use codeloops_driver::ports::Publish;
use codeloops_event::{Event, Iteration};
use codeloops_sinks::Hub;

/// Tells, once the run is over, which iteration's snapshot holds what the run changed.
#[derive(Debug, Clone, Default)]
pub(crate) struct ChangedLater(Arc<Mutex<Option<Iteration>>>);

impl ChangedLater {
    /// None where nothing was captured, or nothing had changed at last.
    pub(crate) fn get(&self) -> Option<Iteration> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, changed: Option<Iteration>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = changed;
    }
}

/// The hub, as the driver knows it.
pub(crate) struct Publisher {
    hub: Arc<Hub>,
    changed: ChangedLater,
}

impl Publisher {
    pub(crate) fn new(hub: Arc<Hub>) -> (Self, ChangedLater) {
        let changed = ChangedLater::default();
        (Self { hub, changed: changed.clone() }, changed)
    }
}

impl Publish for Publisher {
    fn publish(&mut self, event: Arc<Event>) {
        if let Event::DiffCaptured(diff) = &*event {
            self.changed.set((diff.files_changed > 0).then_some(diff.iteration));
        }
        self.hub.publish(&event);
    }
}
