//! One sink's thread: takes from the lane, calls the sink, survives what comes of it.

use std::any::Any;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use codeloops_event::Event;

use super::lane::{Lane, Next};
use crate::sink::{Gap, Sink, SinkError};

/// The shortest time between two ticks, whatever the sink wishes for.
const SHORTEST_TICK: Duration = Duration::from_millis(10);

/// Serves one sink.
pub(super) struct Worker {
    sink: Box<dyn Sink>,
    lane: Arc<Lane>,
    last_tick: Instant,
    failed_ticks: u32,
}

impl Worker {
    pub(super) fn new(sink: Box<dyn Sink>, lane: Arc<Lane>) -> Self {
        Self { sink, lane, last_tick: Instant::now(), failed_ticks: 0 }
    }

    /// Serves the sink until it is through or given up. The lane learns of it when the sink has
    /// been dropped, so that whoever waits for it finds the terminal in order.
    pub(super) fn run(mut self) {
        let end = loop {
            if let ControlFlow::Break(end) = self.step() {
                break end;
            }
        };
        let Self { sink, lane, .. } = self;
        lane.note(catch_unwind(AssertUnwindSafe(|| sink.remark())).unwrap_or(None));
        let dropped = guard(move || {
            drop(sink);
            Ok(())
        });
        match end.and(dropped) {
            Ok(()) => lane.finished(),
            Err(error @ SinkError::Enough(_)) => lane.left(error.to_string()),
            Err(error) => lane.detach(error.to_string()),
        }
    }

    fn step(&mut self) -> ControlFlow<Result<(), SinkError>> {
        match self.lane.next(self.tick_time()) {
            Next::Deliver { gap, event } => self.deliver(gap, &event),
            Next::Finish { gap } => ControlFlow::Break(
                self.tell_gap(gap).and_then(|()| self.insist(|sink| sink.finish())),
            ),
            Next::Tick => self.tick(),
            Next::Stop => ControlFlow::Break(Ok(())),
        }
    }

    /// The name of a sink of the user's holds a command, so its kind alone is told.
    #[tracing::instrument(level = "debug", name = "sink.accept", skip_all, fields(
        sink = self.sink.name().split(':').next(),
        event = event.name(),
    ))]
    fn deliver(&mut self, gap: Gap, event: &Event) -> ControlFlow<Result<(), SinkError>> {
        let consumed = self.tell_gap(gap).and_then(|()| self.insist(|sink| sink.accept(event)));
        match consumed {
            Ok(()) => {
                self.lane.delivered();
                ControlFlow::Continue(())
            }
            Err(error) => ControlFlow::Break(Err(error)),
        }
    }

    fn tell_gap(&mut self, gap: Gap) -> Result<(), SinkError> {
        if gap.is_empty() { Ok(()) } else { self.insist(|sink| sink.gap(gap)) }
    }

    /// Makes one call, again with growing pauses if it fails, until it works or there is no hope.
    fn insist(
        &mut self,
        mut call: impl FnMut(&mut dyn Sink) -> Result<(), SinkError>,
    ) -> Result<(), SinkError> {
        let mut pause = self.lane.options.first_pause;
        let mut left = self.lane.options.attempts;
        loop {
            left = left.saturating_sub(1);
            match guard(|| call(&mut *self.sink)) {
                Ok(()) => return Ok(()),
                Err(error @ (SinkError::Permanent(_) | SinkError::Enough(_))) => return Err(error),
                Err(error) if left == 0 || !self.lane.pause(pause) => return Err(error),
                Err(SinkError::Temporary(_)) => {
                    pause = pause.saturating_mul(2).min(self.lane.options.longest_pause);
                }
            }
        }
    }

    /// A tick is not repeated: the next one comes by itself.
    fn tick(&mut self) -> ControlFlow<Result<(), SinkError>> {
        self.last_tick = Instant::now();
        match guard(|| self.sink.tick()) {
            Ok(()) => self.failed_ticks = 0,
            Err(error @ (SinkError::Permanent(_) | SinkError::Enough(_))) => {
                return ControlFlow::Break(Err(error));
            }
            Err(error) => {
                self.failed_ticks += 1;
                if self.failed_ticks >= self.lane.options.attempts {
                    return ControlFlow::Break(Err(error));
                }
            }
        }
        ControlFlow::Continue(())
    }

    fn tick_time(&self) -> Option<Instant> {
        let wish = catch_unwind(AssertUnwindSafe(|| self.sink.next_tick())).unwrap_or(None)?;
        Some(wish.max(self.last_tick + SHORTEST_TICK))
    }
}

/// Turns a panic into an error. What the panic left half done is the sink's own business: it is
/// called again or dropped, and shares nothing with others.
fn guard(call: impl FnOnce() -> Result<(), SinkError>) -> Result<(), SinkError> {
    catch_unwind(AssertUnwindSafe(call)).unwrap_or_else(|panic| {
        Err(SinkError::Temporary(format!("it panicked: {}", panic_text(panic.as_ref()))))
    })
}

fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}
