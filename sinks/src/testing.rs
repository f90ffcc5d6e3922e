//! Sinks that do what a bad day does, for tests of the hub and of whoever feeds it.
//!
//! None of them sleeps: where a test has to wait or to let go, it does so with a [`Gate`].

use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use codeloops_event::Event;

use crate::exec::{ExecSink, HowEnded, Program, ProgramEnd};
use crate::log::LogSink;
use crate::sink::{Gap, Sink, SinkError};

const PATIENCE: Duration = Duration::from_secs(60);

/// Lets a sink pass a number of times, and tells when it came to stand before it.
#[derive(Clone, Default)]
pub struct Gate {
    shared: Arc<(Mutex<GateState>, Condvar)>,
}

#[derive(Default)]
struct GateState {
    arrived: u64,
    passes: u64,
    open: bool,
}

impl Gate {
    /// Lets `n` more pass.
    pub fn allow(&self, n: u64) {
        self.lock().passes += n;
        self.shared.1.notify_all();
    }

    /// Lets everyone pass from now on.
    pub fn open(&self) {
        self.lock().open = true;
        self.shared.1.notify_all();
    }

    /// Waits until the `n`th has come to the gate, counted from 1; panics after a minute, so that a
    /// test fails instead of hanging.
    pub fn wait_for_arrival(&self, n: u64) {
        let missing = |state: &mut GateState| state.arrived < n;
        let waited = self.shared.1.wait_timeout_while(self.lock(), PATIENCE, missing);
        let timeout = waited.unwrap_or_else(PoisonError::into_inner).1;
        assert!(!timeout.timed_out(), "nobody came to the gate a {n}th time");
    }

    fn pass(&self) {
        self.lock().arrived += 1;
        self.shared.1.notify_all();
        let closed = |state: &mut GateState| state.passes == 0 && !state.open;
        let waited = self.shared.1.wait_while(self.lock(), closed);
        let mut state = waited.unwrap_or_else(PoisonError::into_inner);
        state.passes = state.passes.saturating_sub(1);
    }

    fn lock(&self) -> MutexGuard<'_, GateState> {
        self.shared.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a sink saw, in order.
#[derive(Debug, Clone, PartialEq)]
pub enum Seen {
    /// An event.
    Event(Box<Event>),
    /// That chatter was left out.
    Gap(Gap),
    /// The end.
    Finished,
}

/// Keeps what it saw; clones share it.
#[derive(Clone, Default)]
pub struct MemorySink {
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl MemorySink {
    /// Everything so far.
    #[must_use]
    pub fn seen(&self) -> Vec<Seen> {
        self.lock().clone()
    }

    /// The events so far.
    #[must_use]
    pub fn events(&self) -> Vec<Event> {
        let event = |seen: &Seen| match seen {
            Seen::Event(event) => Some(Event::clone(event)),
            Seen::Gap(_) | Seen::Finished => None,
        };
        self.lock().iter().filter_map(event).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Seen>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sink for MemorySink {
    fn name(&self) -> &'static str {
        "memory"
    }

    fn accept(&mut self, event: &Event) -> Result<(), SinkError> {
        self.lock().push(Seen::Event(Box::new(event.clone())));
        Ok(())
    }

    fn gap(&mut self, gap: Gap) -> Result<(), SinkError> {
        self.lock().push(Seen::Gap(gap));
        Ok(())
    }

    fn finish(&mut self) -> Result<(), SinkError> {
        self.lock().push(Seen::Finished);
        Ok(())
    }
}

/// Stands before its gate with each event: blocks for ever while nobody opens it, and is as slow as
/// the test lets it be.
#[derive(Clone, Default)]
pub struct GatedSink {
    /// The gate.
    pub gate: Gate,
    /// What passed it.
    pub memory: MemorySink,
}

impl Sink for GatedSink {
    fn name(&self) -> &'static str {
        "gated"
    }

    fn accept(&mut self, event: &Event) -> Result<(), SinkError> {
        self.gate.pass();
        self.memory.accept(event)
    }

    fn gap(&mut self, gap: Gap) -> Result<(), SinkError> {
        self.memory.gap(gap)
    }

    fn finish(&mut self) -> Result<(), SinkError> {
        self.memory.finish()
    }
}

/// Fails a number of times with each event, then takes it.
#[derive(Clone)]
pub struct FailingSink {
    /// What it took.
    pub memory: MemorySink,
    failures: u32,
    failed: u32,
}

impl FailingSink {
    /// Never takes anything.
    #[must_use]
    pub fn always() -> Self {
        Self::times(u32::MAX)
    }

    /// Takes each event after `failures` failures.
    #[must_use]
    pub fn times(failures: u32) -> Self {
        Self { memory: MemorySink::default(), failures, failed: 0 }
    }
}

impl Sink for FailingSink {
    fn name(&self) -> &'static str {
        "failing"
    }

    fn accept(&mut self, event: &Event) -> Result<(), SinkError> {
        if self.failed < self.failures {
            self.failed += 1;
            return Err(SinkError::Temporary("out of order".to_owned()));
        }
        self.failed = 0;
        self.memory.accept(event)
    }

    fn finish(&mut self) -> Result<(), SinkError> {
        self.memory.finish()
    }
}

/// Panics at one event, each time that it is offered.
#[derive(Clone)]
pub struct PanickingSink {
    /// What it took before.
    pub memory: MemorySink,
    at: usize,
}

impl PanickingSink {
    /// Panics at the `at`th event, counted from 0.
    #[must_use]
    pub fn at(at: usize) -> Self {
        Self { memory: MemorySink::default(), at }
    }
}

impl Sink for PanickingSink {
    fn name(&self) -> &'static str {
        "panicking"
    }

    fn accept(&mut self, event: &Event) -> Result<(), SinkError> {
        assert!(self.memory.events().len() != self.at, "cannot stand event {}", self.at);
        self.memory.accept(event)
    }

    fn finish(&mut self) -> Result<(), SinkError> {
        self.memory.finish()
    }
}

/// A disk with room for so many bytes; clones share what was written.
#[derive(Clone)]
pub struct FullDisk {
    room: usize,
    written: Arc<Mutex<Vec<u8>>>,
}

impl FullDisk {
    /// A disk with room for `room` bytes.
    #[must_use]
    pub fn new(room: usize) -> Self {
        Self { room, written: Arc::default() }
    }

    /// What was written.
    #[must_use]
    pub fn written(&self) -> Vec<u8> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A log on this disk.
    #[must_use]
    pub fn log(&self) -> LogSink<Self> {
        LogSink::new("full-disk", "a full disk", self.clone())
    }
}

impl Write for FullDisk {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = bytes.len().min(self.room - written.len());
        if taken == 0 && !bytes.is_empty() {
            return Err(io::ErrorKind::StorageFull.into());
        }
        written.extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A program that reads so many bytes; clones share what it read.
#[derive(Clone)]
pub struct FakeProgram {
    room: usize,
    end: ProgramEnd,
    shared: Arc<Mutex<FakeState>>,
}

#[derive(Default)]
struct FakeState {
    read: Vec<u8>,
    over: bool,
}

impl FakeProgram {
    /// Reads all that it is given, and ends so.
    #[must_use]
    pub fn new(how: HowEnded) -> Self {
        let end = ProgramEnd { how, last_words: None };
        Self { room: usize::MAX, end, shared: Arc::default() }
    }

    /// The same with these last words.
    #[must_use]
    pub fn saying(mut self, words: Option<&str>) -> Self {
        self.end.last_words = words.map(str::to_owned);
        self
    }

    /// The same, which ends once it has read so many bytes.
    #[must_use]
    pub const fn reading(mut self, room: usize) -> Self {
        self.room = room;
        self
    }

    /// What it read.
    #[must_use]
    pub fn read(&self) -> Vec<u8> {
        self.lock().read.clone()
    }

    /// Whether its input was closed.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.lock().over
    }

    fn lock(&self) -> MutexGuard<'_, FakeState> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A sink that feeds it.
#[must_use]
pub fn exec(program: &FakeProgram) -> ExecSink {
    let program = program.clone();
    ExecSink::new("exec", Box::new(move || Ok(Box::new(program))))
}

impl Write for FakeProgram {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut state = self.lock();
        let taken = bytes.len().min(self.room - state.read.len());
        if taken == 0 && !bytes.is_empty() {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        state.read.extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Program for FakeProgram {
    fn end(&mut self) -> ProgramEnd {
        self.lock().over = true;
        self.end.clone()
    }
}

/// What is wrong with a writer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// Each write stands before a gate that nobody opens.
    Blocks,
    /// Each write fails.
    Fails,
    /// Each write panics.
    Panics,
    /// There is room for so many bytes.
    DiskFull(usize),
    /// Each write takes one byte.
    Slow,
}

/// A writer that has a bad day; clones share it.
#[derive(Clone)]
pub struct BadWriter {
    trouble: Trouble,
    gate: Gate,
    disk: FullDisk,
}

impl BadWriter {
    /// A writer with this trouble.
    #[must_use]
    pub fn new(trouble: Trouble) -> Self {
        let room = if let Trouble::DiskFull(room) = trouble { room } else { usize::MAX };
        Self { trouble, gate: Gate::default(), disk: FullDisk::new(room) }
    }

    /// Lets those go that stand before the gate.
    pub fn release(&self) {
        self.gate.open();
    }

    /// What was written.
    #[must_use]
    pub fn written(&self) -> Vec<u8> {
        self.disk.written()
    }
}

impl Write for BadWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.trouble {
            Trouble::Blocks => self.gate.pass(),
            Trouble::Fails => return Err(io::Error::other("out of order")),
            Trouble::Panics => panic!("cannot stand it"),
            Trouble::DiskFull(_) => {}
            Trouble::Slow => return self.disk.write(&bytes[..bytes.len().min(1)]),
        }
        self.disk.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// It ends well where it was fed to the end.
impl Program for BadWriter {
    fn end(&mut self) -> ProgramEnd {
        let how =
            if self.trouble == Trouble::Slow { HowEnded::Exited(0) } else { HowEnded::Exited(1) };
        ProgramEnd { how, last_words: None }
    }
}
