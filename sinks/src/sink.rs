//! What a consumer of events is.

use std::io;
use std::time::Instant;

use codeloops_event::Event;

/// A consumer of a run's events: synchronous code on a thread of its own.
///
/// A sink may block, fail or panic: the [`Hub`](crate::Hub) keeps that from everyone else. It gets
/// the events in order. After an error, and after a panic, it is offered **the same event again**
/// and none before that, until it accepts it or is given up. So a sink that wrote half of a line
/// can go on where it stopped.
pub trait Sink: Send {
    /// The sink's name, as reports show it.
    fn name(&self) -> &str;

    /// Whether output chunks are of use; asked once. Without them the sink gets facts and
    /// decisions only, and never a gap.
    fn wants_chatter(&self) -> bool {
        true
    }

    /// Consumes one event.
    fn accept(&mut self, event: &Event) -> Result<(), SinkError>;

    /// Is told that chatter was left out just here, because the sink did not keep up.
    fn gap(&mut self, _gap: Gap) -> Result<(), SinkError> {
        Ok(())
    }

    /// When [`Self::tick`] is to be called next; asked after every call. None while nothing on
    /// show changes with time alone.
    fn next_tick(&self) -> Option<Instant> {
        None
    }

    /// Time has passed.
    fn tick(&mut self) -> Result<(), SinkError> {
        Ok(())
    }

    /// The run is over and every event was accepted: writes out what is left. Not called on a sink
    /// that was given up.
    fn finish(&mut self) -> Result<(), SinkError>;

    /// One line that a reader of the run's result should know of what the sink has done: where it can
    /// be looked at, say. Asked once, as the last thing: after [`Self::finish`], whether that worked or
    /// not, or when the sink was given up. Not where it was still busy at the end.
    fn remark(&self) -> Option<String> {
        None
    }
}

/// Chatter that was left out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Gap {
    /// Output chunks.
    pub events: u64,
    /// Bytes of their text.
    pub bytes: u64,
}

impl Gap {
    /// Whether nothing was left out.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.events == 0
    }
}

/// Why an event was not consumed: what failed, with what.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SinkError {
    /// It may work later: the event is offered again.
    #[error("{0}")]
    Temporary(String),
    /// It will not work later: the sink is given up at once.
    #[error("{0}")]
    Permanent(String),
    /// It wants no more, which is no failure: it is served no longer.
    #[error("{0}")]
    Enough(String),
}

impl SinkError {
    /// The error of a failed write to `target`. A reader that went away does not come back; a full
    /// disk may be cleared.
    #[must_use]
    pub fn write(target: &str, error: &io::Error) -> Self {
        let text = format!("cannot write to {target}: {error}");
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::Permanent(text),
            _ => Self::Temporary(text),
        }
    }
}
