//! Tells at once that the console takes no more: the end of the run may be hours away.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use codeloops_event::Event;
use codeloops_sinks::{Gap, Sink, SinkError};

use crate::output::Printer;
use crate::record::RecordedLater;

/// The name of the sink that this is about.
pub(crate) const CONSOLE: &str = "console";

/// The console of a run, which tells on standard error when it is given up.
pub(crate) struct WatchedConsole {
    console: Box<dyn Sink>,
    /// What the last call failed with. A console that is given up is dropped after such a call.
    failed: Option<SinkError>,
    recorded: RecordedLater,
    printer: Printer,
    told: Told,
}

/// Whether it was told.
#[derive(Debug, Clone, Default)]
pub(crate) struct Told(Arc<AtomicBool>);

impl Told {
    pub(crate) fn get(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

impl WatchedConsole {
    /// What `printer` tells must not go where the console stands.
    pub(crate) fn boxed(
        console: Box<dyn Sink>,
        recorded: RecordedLater,
        printer: Printer,
        told: Told,
    ) -> Box<dyn Sink> {
        Box::new(Self { console, failed: None, recorded, printer, told })
    }

    fn noted(&mut self, result: Result<(), SinkError>) -> Result<(), SinkError> {
        self.failed = result.as_ref().err().cloned();
        result
    }
}

impl Sink for WatchedConsole {
    fn name(&self) -> &str {
        self.console.name()
    }

    fn wants_chatter(&self) -> bool {
        self.console.wants_chatter()
    }

    fn accept(&mut self, event: &Event) -> Result<(), SinkError> {
        let result = self.console.accept(event);
        self.noted(result)
    }

    fn gap(&mut self, gap: Gap) -> Result<(), SinkError> {
        let result = self.console.gap(gap);
        self.noted(result)
    }

    fn next_tick(&self) -> Option<Instant> {
        self.console.next_tick()
    }

    fn tick(&mut self) -> Result<(), SinkError> {
        let result = self.console.tick();
        self.noted(result)
    }

    fn finish(&mut self) -> Result<(), SinkError> {
        let result = self.console.finish();
        self.noted(result)
    }

    fn remark(&self) -> Option<String> {
        self.console.remark()
    }
}

impl Drop for WatchedConsole {
    fn drop(&mut self) {
        let Some(error) = &self.failed else { return };
        let message =
            format!("standard output takes no more ({error}); the run goes on without it");
        self.printer.warning(&message);
        if let Some(recorded) = self.recorded.get() {
            self.printer.hint(&format!("`codeloops sessions show {}` shows it", recorded.id));
        }
        self.told.0.store(true, Ordering::Release);
    }
}
