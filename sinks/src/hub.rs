//! The hub: hands every event to every sink, and keeps each sink's troubles to itself.
//!
//! ```text
//!              publish: a push under a lock that is never held while a sink runs
//!   driver ──────┬──> lane ──> thread ──> sink
//!                ├──> lane ──> thread ──> sink
//!                └──> lane ──> thread ──> sink
//! ```
//!
//! Architecture invariant: nothing that a sink does reaches the publisher. A lane's lock guards a
//! queue and a few counters; the sink is called without it. So `publish` takes the same few steps
//! per sink whether that sink is idle, stuck, failing or gone.

mod lane;
mod report;
mod worker;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use codeloops_event::Event;

use crate::sink::Sink;
use lane::Lane;
pub use report::{SinkReport, SinkState};

/// How much may wait for a sink, and how often a failing one is tried.
#[derive(Debug, Clone)]
pub struct HubOptions {
    /// Output chunks that may wait for one sink; a further one is left out.
    pub chatter_items: usize,
    /// Bytes of output that may wait for one sink.
    pub chatter_bytes: usize,
    /// Bytes of facts and decisions that may wait for one sink, or a single event that has more. None
    /// is left out; a sink that lets more than this pile up is given up.
    pub backlog_bytes: usize,
    /// How often one event is offered to a sink before the sink is given up.
    pub attempts: u32,
    /// Pause after the first failure; doubled after each further one.
    pub first_pause: Duration,
    /// The longest pause.
    pub longest_pause: Duration,
}

impl Default for HubOptions {
    /// A round has about ten facts and decisions, of 20 KB together, and of 5 MiB where each text is as
    /// long as a line keeps it. So a backlog of 64 MiB means that a sink has been stuck for more than a
    /// dozen of the largest rounds: for hours.
    fn default() -> Self {
        Self {
            chatter_items: 8192,
            chatter_bytes: 16 * 1024 * 1024,
            backlog_bytes: 64 * 1024 * 1024,
            attempts: 6,
            first_pause: Duration::from_millis(50),
            longest_pause: Duration::from_secs(2),
        }
    }
}

/// How long a hub that is dropped without [`Hub::close`] (a panic) waits for its sinks, so that the
/// console can clear its status line.
const DROP_DEADLINE: Duration = Duration::from_millis(500);

/// Hands events to sinks.
pub struct Hub {
    lanes: Vec<Arc<Lane>>,
}

impl Hub {
    /// Starts a thread for each sink. Where none can be had, the sink's report says so.
    #[must_use]
    pub fn new(sinks: Vec<Box<dyn Sink>>, options: &HubOptions) -> Self {
        Self { lanes: sinks.into_iter().map(|sink| start(sink, options)).collect() }
    }

    /// Hands an event to every sink. Infallible, and never waits for a sink.
    pub fn publish(&self, event: &Arc<Event>) {
        if self.lanes.is_empty() {
            return;
        }
        let bytes = lane::weight(event);
        for lane in &self.lanes {
            lane.push(event, bytes);
        }
    }

    /// Bytes of facts and decisions that the slowest sink has still to consume; `None` where no sink is
    /// served any more. Whoever can wait, as a live run cannot, need never pile up more.
    #[must_use]
    pub fn backlog(&self) -> Option<usize> {
        self.lanes.iter().filter_map(|lane| lane.backlog()).max()
    }

    /// Serves no sink any more, whatever it is at; whoever waits in [`Self::close`] waits no longer.
    pub fn abandon(&self, why: &str) {
        self.lanes.iter().for_each(|lane| lane.abandon(why));
    }

    /// The name of each sink that is still served, and the bytes of facts and decisions that it has still
    /// to consume.
    pub fn backlogs(&self) -> impl Iterator<Item = (&str, usize)> {
        self.lanes.iter().filter_map(|lane| Some((lane.name(), lane.backlog()?)))
    }

    /// Gives up the sinks of this name: nothing more is offered to them.
    pub fn give_up(&self, name: &str, why: &str) {
        let lanes = self.lanes.iter().filter(|lane| lane.name() == name);
        lanes.for_each(|lane| lane.detach(why.to_owned()));
    }

    /// Lets the sinks consume what waits for them, and says what became of each, in the order in
    /// which they were given. A sink that is not through after `deadline` is abandoned: its thread
    /// is left alone and writes nothing more once the call that it is stuck in returns.
    ///
    /// Events published later are dropped and counted.
    #[must_use = "the reports say which sinks failed"]
    pub fn close(&self, deadline: Duration) -> Vec<SinkReport> {
        self.lanes.iter().for_each(|lane| lane.close());
        let until = Instant::now() + deadline;
        self.lanes.iter().map(|lane| lane.wait_until_over(until)).collect()
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        drop(self.close(DROP_DEADLINE));
    }
}

fn start(sink: Box<dyn Sink>, options: &HubOptions) -> Arc<Lane> {
    let lane = Arc::new(Lane::new(sink.name().to_owned(), sink.wants_chatter(), options.clone()));
    let thread = thread::Builder::new().name(format!("sink-{}", sink.name()));
    let worker = worker::Worker::new(sink, Arc::clone(&lane));
    if let Err(error) = thread.spawn(move || worker.run()) {
        lane.detach(format!("cannot start a thread: {error}"));
    }
    lane
}
