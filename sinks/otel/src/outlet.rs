//! What waits to be exported, and the thread that exports it, one for each signal: the sink itself
//! never waits for a receiver, except in a replay, which can.
//!
//! What may wait is bounded. A receiver that cannot be reached is tried again and again, with growing
//! pauses, while the run lasts; one that refuses a request is not asked to take that one again. Once
//! the run is over there is little patience left: a few tries in quick succession, and what then
//! still waits is given up and told. The same holds once somebody waits for room: a replay need not
//! wait for ever, since it can be begun again.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use codeloops_sinks::one_line;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::metrics::v1::Metric;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use tokio::sync::Notify;

use crate::client::{Client, ExportError, Later, SetUpError, Taken, public};
use crate::envelope::Envelope;
use crate::options::Target;

/// Bytes of one request, unless a single item has more: receivers take 4 MiB by gRPC.
const BATCH_BYTES: usize = 1024 * 1024;

/// Items in one request.
const BATCH: usize = 512;

/// Encoded bytes that may wait; in memory they take four to five times that (`cargo xtask bench export`).
/// A span has half a KiB, with content up to 8: room for thousands of rounds, or for hundreds.
const ROOM: usize = 8 * 1024 * 1024;

/// The pause before a request is sent again; doubled with each further failure.
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// The longest.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// The longest once the run is over and its end is waited for.
const LONGEST_LAST_PAUSE: Duration = Duration::from_secs(1);

/// How often a receiver that cannot be reached is tried once the run is over.
const LAST_TRIES: u32 = 4;

/// A kind of thing that is exported.
pub(crate) trait Signal: Message + Clone + 'static {
    /// What many of them are called.
    const PLURAL: &'static str;

    /// Sends them in one request.
    fn send(
        items: Vec<Self>,
        client: &Client,
        envelope: &Envelope,
    ) -> impl Future<Output = Result<Taken, ExportError>> + Send;
}

impl Signal for Span {
    const PLURAL: &'static str = "spans";

    async fn send(
        items: Vec<Self>,
        client: &Client,
        envelope: &Envelope,
    ) -> Result<Taken, ExportError> {
        let resource_spans = envelope.around_spans(items);
        client.send_spans(ExportTraceServiceRequest { resource_spans }).await
    }
}

impl Signal for Metric {
    const PLURAL: &'static str = "metrics";

    async fn send(
        items: Vec<Self>,
        client: &Client,
        envelope: &Envelope,
    ) -> Result<Taken, ExportError> {
        let resource_metrics = envelope.around_metrics(items);
        client.send_metrics(ExportMetricsServiceRequest { resource_metrics }).await
    }
}

/// The pause after so many failures in a row.
fn doubled(failures: u32) -> Duration {
    FIRST_PAUSE.saturating_mul(1 << failures.min(12).saturating_sub(1))
}

/// What happens to an item for which there is no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WhenFull {
    /// It is left out and counted: a run does not wait.
    LeaveOut,
    /// Whoever brings it waits: a replay can.
    Wait,
}

/// What became of what was handed in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Account {
    /// Items that the receiver took.
    pub(crate) exported: u64,
    /// Items that it did not take, or that nobody could give it.
    pub(crate) lost: u64,
    /// Why, for the last of them.
    pub(crate) why: Option<String>,
    /// What the receiver said of items that it took.
    pub(crate) said: Option<String>,
}

/// The way out of one signal.
pub(crate) struct Outlet<S: Signal> {
    shared: Arc<Shared<S>>,
    url: String,
    when_full: WhenFull,
}

struct Shared<S> {
    state: Mutex<State<S>>,
    /// For the exporter: there is something to do.
    work: Notify,
    /// For whoever waits for room or for the end.
    moved: Condvar,
}

struct State<S> {
    waiting: VecDeque<Waiting<S>>,
    bytes: usize,
    /// Items on their way.
    sent: u64,
    account: Account,
    /// Why they were not taken the last time.
    last: Option<String>,
    closing: bool,
    /// Somebody waits for room.
    stuck: bool,
    over: bool,
}

struct Waiting<S> {
    item: S,
    bytes: usize,
}

impl<S: Signal> Outlet<S> {
    /// Starts the thread.
    pub(crate) fn open(
        target: &Target,
        envelope: Envelope,
        when_full: WhenFull,
    ) -> Result<Self, SetUpError> {
        let client = Client::new(target)?;
        let failed = |error: std::io::Error| SetUpError::Thread(error.to_string());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(failed)?;
        let (work, moved) = (Notify::new(), Condvar::new());
        let shared = Arc::new(Shared { state: Mutex::new(State::empty()), work, moved });
        let shared_with = Arc::clone(&shared);
        let exporter =
            Exporter { shared: shared_with, client, envelope, failures: 0, last_tries: 0 };
        let run = move || {
            // Told on the way out, a panic included.
            let _over = Over(Arc::clone(&exporter.shared));
            runtime.block_on(exporter.run());
            // The look-up of a host's name may still hold a thread; nobody waits for it.
            runtime.shutdown_background();
        };
        thread::Builder::new().name("otel-export".to_owned()).spawn(run).map_err(failed)?;
        Ok(Self { shared, url: public(&target.url), when_full })
    }

    /// Hands items in.
    pub(crate) fn push(&self, items: Vec<S>) {
        let mut state = self.shared.lock();
        for item in items {
            let bytes = item.encoded_len();
            if self.when_full == WhenFull::Wait && state.is_full(bytes) {
                state = self.until_room(state, bytes);
            }
            if state.over || state.is_full(bytes) {
                state.lose(1, "more of them waited than there is room for");
            } else {
                state.bytes += bytes;
                state.waiting.push_back(Waiting { item, bytes });
            }
            self.shared.work.notify_one();
        }
    }

    fn until_room<'a>(
        &self,
        mut state: MutexGuard<'a, State<S>>,
        bytes: usize,
    ) -> MutexGuard<'a, State<S>> {
        state.stuck = true;
        self.shared.work.notify_one();
        let full = |state: &mut State<S>| state.is_full(bytes) && !state.over;
        let waited = self.shared.moved.wait_while(state, full);
        let mut state = waited.unwrap_or_else(PoisonError::into_inner);
        state.stuck = false;
        state
    }

    /// Asks the exporter to finish.
    pub(crate) fn begin_to_close(&self) {
        self.shared.lock().closing = true;
        self.shared.work.notify_one();
    }

    /// Lets the exporter finish, at most for so long, and tells what became of everything.
    pub(crate) fn close(&self, within: Duration) -> Account {
        self.begin_to_close();
        let going_on = |state: &mut State<S>| !state.over;
        let waited = self.shared.moved.wait_timeout_while(self.shared.lock(), within, going_on);
        let mut state = waited.unwrap_or_else(PoisonError::into_inner).0;
        if !state.over {
            state.over = true;
            let secs = within.as_secs_f64();
            let last = state.last.take().map(|why| format!(" ({why})")).unwrap_or_default();
            let why = format!("they were not taken within the {secs:.1} s for closing{last}");
            state.give_up(&why);
            self.shared.work.notify_one();
        }
        state.account.clone()
    }

    /// What went wrong, in a line; `None` where nothing did.
    pub(crate) fn loss(&self, account: &Account) -> Option<String> {
        let Account { exported, lost, why, .. } = account;
        let (all, what, url) = (exported + lost, S::PLURAL, &self.url);
        let why = why.as_deref().unwrap_or("nobody knows why");
        (*lost > 0).then(|| format!("{lost} of {all} {what} did not reach {url}: {why}"))
    }
}

/// A run that ends in a panic closes nothing; the exporter ends then.
impl<S: Signal> Drop for Outlet<S> {
    fn drop(&mut self) {
        self.begin_to_close();
    }
}

/// Tells that the exporter is no more.
struct Over<S>(Arc<Shared<S>>);

impl<S> Drop for Over<S> {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        if !state.over {
            state.over = true;
            state.give_up("the exporter broke off");
        }
        self.0.moved.notify_all();
    }
}

impl<S> Shared<S> {
    /// No code that can panic runs under the lock, so a poisoned one is as good.
    fn lock(&self) -> MutexGuard<'_, State<S>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S> State<S> {
    const fn empty() -> Self {
        Self {
            waiting: VecDeque::new(),
            bytes: 0,
            sent: 0,
            account: Account { exported: 0, lost: 0, why: None, said: None },
            last: None,
            closing: false,
            stuck: false,
            over: false,
        }
    }

    /// One item always has room, whatever its size.
    fn is_full(&self, bytes: usize) -> bool {
        !self.waiting.is_empty() && self.bytes + bytes > ROOM
    }

    fn take_batch(&mut self) -> Vec<Waiting<S>> {
        let mut bytes = 0;
        let fits = |waiting: &&Waiting<S>| {
            bytes += waiting.bytes;
            bytes <= BATCH_BYTES
        };
        let count = self.waiting.iter().take(BATCH).take_while(fits).count();
        let count = count.max(1).min(self.waiting.len());
        let batch: Vec<Waiting<S>> = self.waiting.drain(..count).collect();
        self.bytes -= batch.iter().map(|waiting| waiting.bytes).sum::<usize>();
        self.sent = batch.len() as u64;
        batch
    }

    fn put_back(&mut self, batch: Vec<Waiting<S>>, why: &str) {
        self.last = Some(why.to_owned());
        self.sent = 0;
        self.bytes += batch.iter().map(|waiting| waiting.bytes).sum::<usize>();
        batch.into_iter().rev().for_each(|waiting| self.waiting.push_front(waiting));
    }

    fn taken(&mut self, taken: Taken) {
        let sent = std::mem::take(&mut self.sent);
        let rejected = taken.rejected.min(sent);
        self.account.exported += sent - rejected;
        if rejected == 0 && !taken.why.is_empty() {
            self.account.said = Some(taken.why);
        } else if rejected > 0 {
            self.lose(rejected, &format!("the receiver rejected them: {}", taken.why));
        }
    }

    fn lose(&mut self, items: u64, why: &str) {
        self.account.lost += items;
        self.account.why = Some(one_line(why).to_string());
    }

    /// Nothing that waits or is on its way will be known to have arrived.
    fn give_up(&mut self, why: &str) {
        let lost = self.waiting.len() as u64 + std::mem::take(&mut self.sent);
        self.waiting.clear();
        self.bytes = 0;
        if lost > 0 {
            self.lose(lost, why);
        }
    }
}

/// The thread's work.
struct Exporter<S: Signal> {
    shared: Arc<Shared<S>>,
    client: Client,
    envelope: Envelope,
    /// In a row.
    failures: u32,
    /// Of these, since there is little patience.
    last_tries: u32,
}

enum Next<S> {
    Send(Vec<Waiting<S>>),
    Wait,
    Stop,
}

impl<S: Signal> Exporter<S> {
    async fn run(mut self) {
        loop {
            match self.next() {
                Next::Stop => return,
                Next::Wait => self.shared.work.notified().await,
                Next::Send(batch) => self.send(batch).await,
            }
        }
    }

    fn next(&self) -> Next<S> {
        let mut state = self.shared.lock();
        if state.over || (state.waiting.is_empty() && state.closing) {
            Next::Stop
        } else if state.waiting.is_empty() {
            Next::Wait
        } else {
            Next::Send(state.take_batch())
        }
    }

    async fn send(&mut self, batch: Vec<Waiting<S>>) {
        let items = batch.iter().map(|waiting| waiting.item.clone()).collect();
        match S::send(items, &self.client, &self.envelope).await {
            Ok(taken) => {
                (self.failures, self.last_tries) = (0, 0);
                self.shared.lock().taken(taken);
            }
            Err(ExportError::Refused { why }) => {
                let mut state = self.shared.lock();
                state.sent = 0;
                state.lose(batch.len() as u64, &why);
            }
            Err(ExportError::Later(later)) => {
                self.failures += 1;
                let why = &later.why;
                tracing::debug!(failures = self.failures, %why, "{} were not taken", S::PLURAL);
                self.shared.lock().put_back(batch, why);
                self.pause(&later).await;
            }
        }
        self.shared.moved.notify_all();
    }

    /// Waits before the next try. Once somebody waits for the end, a receiver that is not there is given
    /// up soon; one that asks to be asked later is, for as long as there is time.
    async fn pause(&mut self, later: &Later) {
        if self.is_patient() {
            let pause = later.after.unwrap_or_else(|| doubled(self.failures));
            self.while_patient(pause.min(LONGEST_PAUSE)).await;
            return;
        }
        self.last_tries += 1;
        if !later.is_there && self.last_tries >= LAST_TRIES {
            self.shared.lock().give_up(&later.why);
        } else {
            let pause = doubled(self.last_tries).min(LONGEST_LAST_PAUSE);
            self.while_needed(later.after.unwrap_or(pause)).await;
        }
    }

    /// Nobody waits any more once it was given up.
    async fn while_needed(&self, pause: Duration) {
        let needed = async {
            while !self.shared.lock().over {
                self.shared.work.notified().await;
            }
        };
        let _waited_enough = tokio::time::timeout(pause, needed).await;
    }

    async fn while_patient(&self, pause: Duration) {
        let patient = async {
            while self.is_patient() {
                self.shared.work.notified().await;
            }
        };
        let _waited_enough = tokio::time::timeout(pause, patient).await;
    }

    /// Whether nobody waits for this.
    fn is_patient(&self) -> bool {
        let state = self.shared.lock();
        !state.closing && !state.stuck && !state.over
    }
}
