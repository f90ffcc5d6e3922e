//! One sink's queue: what waits, what was left out, and whether the sink is still served.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use codeloops_event::{Class, Event};

use super::HubOptions;
use super::report::{SinkReport, SinkState};
use crate::sink::Gap;

/// The queue between the publisher and one sink's thread.
pub(super) struct Lane {
    name: String,
    wants_chatter: bool,
    pub(super) options: HubOptions,
    state: Mutex<State>,
    /// Something came to do for the thread.
    work: Condvar,
    /// The sink is over.
    over: Condvar,
}

/// What the thread is to do next.
pub(super) enum Next {
    /// Tell the sink of a gap, then offer it an event.
    Deliver { gap: Gap, event: Arc<Event> },
    /// Tell it of the last gap, if any, then let it finish.
    Finish { gap: Gap },
    /// Time has passed.
    Tick,
    /// Nothing more.
    Stop,
}

struct State {
    queue: VecDeque<Waiting>,
    chatter_items: usize,
    chatter_bytes: usize,
    backlog_bytes: usize,
    /// What was left out since the last event that was queued.
    gap: Gap,
    /// Bytes of the event that is being offered to the sink.
    offered: Option<usize>,
    written: u64,
    dropped: Gap,
    service: Service,
    /// What the sink says of itself.
    note: Option<String>,
}

/// An event in the queue, with what was left out just before it.
struct Waiting {
    gap: Gap,
    event: Arc<Event>,
    bytes: usize,
}

enum Service {
    Open,
    Closing,
    Over { state: SinkState, error: Option<String> },
}

impl Lane {
    pub(super) fn new(name: String, wants_chatter: bool, options: HubOptions) -> Self {
        let state = State {
            queue: VecDeque::new(),
            chatter_items: 0,
            chatter_bytes: 0,
            backlog_bytes: 0,
            gap: Gap::default(),
            offered: None,
            written: 0,
            dropped: Gap::default(),
            service: Service::Open,
            note: None,
        };
        let (work, over) = (Condvar::new(), Condvar::new());
        Self { name, wants_chatter, options, state: Mutex::new(state), work, over }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Queues an event, or leaves it out and counts it.
    pub(super) fn push(&self, event: &Arc<Event>, bytes: usize) {
        let chatter = event.class() == Class::Chatter;
        if chatter && !self.wants_chatter {
            return;
        }
        let mut state = self.lock();
        if !matches!(state.service, Service::Open) {
            state.count_dropped(bytes);
        } else if chatter {
            state.push_chatter(event, bytes, &self.options);
        } else if state.backlog_bytes > 0
            && state.backlog_bytes.saturating_add(bytes) > self.options.backlog_bytes
        {
            state.count_dropped(bytes);
            let limit = self.options.backlog_bytes;
            let error = format!("it did not keep up: more than {limit} bytes waited for it");
            state.end(SinkState::Detached, Some(error));
            self.over.notify_all();
        } else {
            state.backlog_bytes += bytes;
            state.enqueue(event, bytes);
        }
        drop(state);
        self.work.notify_one();
    }

    /// Bytes that the sink has still to consume, if it is served: what waits, and what it is at.
    pub(super) fn backlog(&self) -> Option<usize> {
        let state = self.lock();
        state.is_served().then(|| state.backlog_bytes + state.offered.unwrap_or(0))
    }

    /// Waits for something to do; `tick` is when the sink wants to be called anyway.
    pub(super) fn next(&self, tick: Option<Instant>) -> Next {
        let mut state = self.lock();
        loop {
            if tick.is_some_and(|at| at <= Instant::now()) && state.is_served() {
                return Next::Tick;
            }
            if let Some(next) = state.take() {
                return next;
            }
            state = match tick {
                None => self.work.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(at) => {
                    let left = at.saturating_duration_since(Instant::now());
                    let woken = self.work.wait_timeout(state, left);
                    woken.unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
    }

    /// Waits before a failed call is made again; not at all once the hub closes. Whether the sink
    /// is still served.
    pub(super) fn pause(&self, pause: Duration) -> bool {
        let open = |state: &mut State| matches!(state.service, Service::Open);
        let waited = self.work.wait_timeout_while(self.lock(), pause, open);
        waited.unwrap_or_else(PoisonError::into_inner).0.is_served()
    }

    /// The event that was offered is consumed.
    pub(super) fn delivered(&self) {
        let mut state = self.lock();
        state.offered = None;
        state.written += 1;
    }

    /// Gives the sink up: nothing more is offered to it.
    pub(super) fn detach(&self, error: String) {
        self.lock().end(SinkState::Detached, Some(error));
        self.over.notify_all();
        self.work.notify_one();
    }

    /// The sink wants no more.
    pub(super) fn left(&self, why: String) {
        self.lock().end(SinkState::Left, Some(why));
        self.over.notify_all();
    }

    /// The sink is through with everything.
    pub(super) fn finished(&self) {
        self.lock().end(SinkState::Finished, None);
        self.over.notify_all();
    }

    /// What the sink says of itself.
    pub(super) fn note(&self, note: Option<String>) {
        self.lock().note = note;
    }

    /// Asks for everything that waits to be consumed, and nothing after.
    pub(super) fn close(&self) {
        let mut state = self.lock();
        if matches!(state.service, Service::Open) {
            state.service = Service::Closing;
        }
        drop(state);
        self.work.notify_one();
    }

    /// Abandons the sink before its time.
    pub(super) fn abandon(&self, why: &str) {
        self.lock().end(SinkState::Abandoned, Some(why.to_owned()));
        self.over.notify_all();
        self.work.notify_one();
    }

    /// Waits for the sink to be through, and abandons it at `until`.
    pub(super) fn wait_until_over(&self, until: Instant) -> SinkReport {
        let left = until.saturating_duration_since(Instant::now());
        let waited = self.over.wait_timeout_while(self.lock(), left, |state| state.is_served());
        let mut state = waited.unwrap_or_else(PoisonError::into_inner).0;
        let error = "it was still busy when the time for closing was over";
        state.end(SinkState::Abandoned, Some(error.to_owned()));
        self.work.notify_one();
        state.report(&self.name)
    }

    /// No code that can panic runs under the lock, so a poisoned one is as good.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn push_chatter(&mut self, event: &Arc<Event>, bytes: usize, options: &HubOptions) {
        let full = self.chatter_items >= options.chatter_items
            || self.chatter_bytes.saturating_add(bytes) > options.chatter_bytes;
        if full {
            self.count_dropped(bytes);
            self.gap.events += 1;
            self.gap.bytes += bytes as u64;
        } else {
            self.chatter_items += 1;
            self.chatter_bytes += bytes;
            self.enqueue(event, bytes);
        }
    }

    fn enqueue(&mut self, event: &Arc<Event>, bytes: usize) {
        let gap = std::mem::take(&mut self.gap);
        self.queue.push_back(Waiting { gap, event: Arc::clone(event), bytes });
    }

    fn take(&mut self) -> Option<Next> {
        if !self.is_served() {
            return Some(Next::Stop);
        }
        if let Some(Waiting { gap, event, bytes }) = self.queue.pop_front() {
            if event.class() == Class::Chatter {
                self.chatter_items -= 1;
                self.chatter_bytes -= bytes;
            } else {
                self.backlog_bytes -= bytes;
            }
            self.offered = Some(bytes);
            return Some(Next::Deliver { gap, event });
        }
        let closing = matches!(self.service, Service::Closing);
        closing.then(|| Next::Finish { gap: std::mem::take(&mut self.gap) })
    }

    /// Ends the service, unless it ended before, and counts what the sink did not consume.
    fn end(&mut self, state: SinkState, error: Option<String>) {
        if !self.is_served() {
            return;
        }
        self.service = Service::Over { state, error };
        let waiting = std::mem::take(&mut self.queue);
        for bytes in self.offered.take().into_iter().chain(waiting.iter().map(|w| w.bytes)) {
            self.count_dropped(bytes);
        }
    }

    fn count_dropped(&mut self, bytes: usize) {
        self.dropped.events += 1;
        self.dropped.bytes += bytes as u64;
    }

    const fn is_served(&self) -> bool {
        !matches!(self.service, Service::Over { .. })
    }

    fn report(&self, name: &str) -> SinkReport {
        let (state, error) = match &self.service {
            Service::Over { state, error } => (*state, error.clone()),
            Service::Open | Service::Closing => (SinkState::Abandoned, None),
        };
        SinkReport {
            name: name.to_owned(),
            state,
            written: self.written,
            dropped_events: self.dropped.events,
            dropped_bytes: self.dropped.bytes,
            error,
            note: self.note.clone(),
        }
    }
}

/// Bytes that an event takes, roughly: those of its line, which holds each of its texts once.
pub(super) fn weight(event: &Event) -> usize {
    if let Event::AgentOutput(output) = event {
        return output.bytes();
    }
    let mut line = Counted(0);
    // Nothing that is only counted can fail to be written.
    drop(serde_json::to_writer(&mut line, event));
    line.0 + size_of::<Event>()
}

/// Bytes that were written, and not kept.
struct Counted(usize);

impl Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
