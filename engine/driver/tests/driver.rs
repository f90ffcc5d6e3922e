//! The driver with fake ports, a counted clock and tokio's paused time.

#![expect(clippy::unwrap_used, reason = "a test's helpers may panic")]

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use codeloops_driver::ports::{
    AgentNote, Agents, Clock, Gates, Ids, Notes, Publish, Record, RecordError, StopSignal,
    Workspace,
};
use codeloops_driver::{Begin, Outlets, Ports, RunResult, run};
use codeloops_event::{
    AgentOutcome, AgentOutput, CallId, CapturedDiff, Event, GateStatus, Item, Iteration, Nonce,
    Outcome, OutputStream, ProcessInfo, Role, Settings, Stamp, StopReason, Timestamp, TreeCheck,
};
use codeloops_machine::testing::{diff, settings, settings_from, start};
use codeloops_machine::{
    AgentCall, AgentReport, GateCall, GateReport, StopLevel, invariants, replay,
};
use tokio::sync::{Barrier, mpsc};

/// What a fake agent does when it is called.
enum Act {
    /// Tells that it runs, prints, ends.
    Report(AgentOutcome, &'static str),
    /// Works until it is told to stop at this level.
    UntilStopped(StopLevel),
    /// Never heeds anything.
    Deaf,
    /// Is defective.
    Panic,
}

const DONE: &str = "DECISION: DONE\nSUMMARY: all of it\nCONFIDENCE: 0.9";
const CONTINUE: &str = "DECISION: CONTINUE\nFEEDBACK: not yet";

struct FakeAgents(Mutex<VecDeque<Act>>);

#[async_trait]
impl Agents for FakeAgents {
    async fn run(&self, call: AgentCall, notes: Notes, mut stop: StopSignal) -> AgentReport {
        let act = self.0.lock().unwrap().pop_front().expect("an agent call was expected");
        if matches!(act, Act::Panic) {
            panic!("a defect of the adapter");
        }
        let process = ProcessInfo { pid: 7, start_ticks: None, program: None };
        notes.send(AgentNote::Started(process)).await.unwrap();
        let output = AgentOutput {
            role: call.role,
            stream: OutputStream::Stdout,
            skipped_bytes: 0,
            items: vec![Item::Printed { text: "working\n".to_owned() }],
        };
        notes.send(AgentNote::Output(output)).await.unwrap();
        match act {
            Act::Report(outcome, text) => report(outcome, text),
            Act::UntilStopped(level) => {
                stop.wait_for(|now| *now >= Some(level)).await.unwrap();
                report(AgentOutcome::Interrupted, "")
            }
            Act::Deaf | Act::Panic => std::future::pending().await,
        }
    }
}

fn report(outcome: AgentOutcome, text: &str) -> AgentReport {
    AgentReport { exit_code: Some(0), text: text.to_owned(), ..AgentReport::bare(outcome) }
}

struct FakeWorkspace;

#[async_trait]
impl Workspace for FakeWorkspace {
    async fn capture(&self, iteration: Iteration) -> Result<CapturedDiff, String> {
        Ok(diff(iteration))
    }

    async fn check(&self, _: CallId, _: bool, _: StopSignal) -> TreeCheck {
        TreeCheck::Unchanged
    }
}

/// What every gate does.
enum Gate {
    None,
    /// Passes once so many of them run.
    Meet(Barrier),
    UntilStopped(StopLevel),
    Panic,
}

#[async_trait]
impl Gates for Gate {
    async fn run(&self, gate: GateCall, mut stop: StopSignal) -> GateReport {
        match self {
            Self::None => panic!("no gate was expected, but {} came", gate.call),
            Self::Meet(all) => {
                all.wait().await;
                codeloops_machine::testing::gate(GateStatus::Passed)
            }
            Self::UntilStopped(level) => {
                stop.wait_for(|asked| *asked == Some(*level)).await.unwrap();
                GateReport { interrupted: true, ..GateReport::not_started(String::new()) }
            }
            Self::Panic => panic!("a defect"),
        }
    }
}

/// Each reading is a second later.
struct CountedClock(Mutex<u64>);

impl Clock for CountedClock {
    fn now(&self) -> Stamp {
        let mut elapsed_ms = self.0.lock().unwrap();
        *elapsed_ms += 1000;
        let at = Timestamp::from_timestamp_millis(
            1_737_991_845_000 + i64::try_from(*elapsed_ms).unwrap(),
        );
        Stamp { at: at.unwrap(), elapsed_ms: *elapsed_ms }
    }
}

struct CountedIds(Mutex<u64>);

impl Ids for CountedIds {
    fn nonce(&self) -> Nonce {
        let mut count = self.0.lock().unwrap();
        *count += 1;
        Nonce(format!("{:016x}", *count))
    }
}

#[derive(Clone, Default)]
struct Seen(Arc<Mutex<Vec<Event>>>);

impl Seen {
    fn names(&self) -> Vec<&'static str> {
        self.0.lock().unwrap().iter().map(Event::name).collect()
    }
}

impl Publish for Seen {
    fn publish(&mut self, event: Arc<Event>) {
        self.0.lock().unwrap().push((*event).clone());
    }
}

/// A record whose disk is full after so many lines.
struct Disk {
    lines: Seen,
    room: usize,
}

impl Record for Disk {
    fn append(&mut self, event: &Event) -> Result<(), RecordError> {
        if self.room == 0 {
            return Err(RecordError("no space left on device".to_owned()));
        }
        self.room -= 1;
        self.lines.0.lock().unwrap().push(event.clone());
        Ok(())
    }
}

struct World {
    acts: Vec<Act>,
    gate: Gate,
    settings: Settings,
    room: usize,
    stops: mpsc::Sender<String>,
    stopped: mpsc::Receiver<String>,
    published: Seen,
    recorded: Seen,
}

impl World {
    fn new(acts: Vec<Act>) -> Self {
        let (stops, stopped) = mpsc::channel(8);
        let (published, recorded) = (Seen::default(), Seen::default());
        let (gate, settings) = (Gate::None, settings());
        Self { acts, gate, settings, room: usize::MAX, stops, stopped, published, recorded }
    }

    /// With two gates, which run at once.
    fn with_gates(gate: Gate, acts: Vec<Act>) -> Self {
        Self { gate, settings: settings_from(4 | 16), ..Self::new(acts) }
    }

    async fn run(self) -> (RunResult, Seen, Seen) {
        let ports = Ports {
            agents: Arc::new(FakeAgents(Mutex::new(self.acts.into()))),
            workspace: Arc::new(FakeWorkspace),
            gates: Arc::new(self.gate),
            clock: Arc::new(CountedClock(Mutex::new(0))),
            ids: Arc::new(CountedIds(Mutex::new(0))),
        };
        let record = Disk { lines: self.recorded.clone(), room: self.room };
        let outlets =
            Outlets { record: Some(Box::new(record)), publish: Box::new(self.published.clone()) };
        let result =
            run(Begin::New(Box::new(start(self.settings))), ports, outlets, self.stopped).await;
        (result, self.published, self.recorded)
    }
}

const fn done(text: &'static str) -> Act {
    Act::Report(AgentOutcome::Completed, text)
}

fn reason(result: &RunResult) -> (Outcome, Option<StopReason>) {
    (result.end.outcome, result.end.stop_reason)
}

#[tokio::test(start_paused = true)]
async fn a_run_is_recorded_in_order_and_its_record_replays() {
    let world = World::new(vec![done("half"), done(CONTINUE), done("all"), done(DONE)]);
    let (result, published, recorded) = world.run().await;
    assert_eq!(reason(&result), (Outcome::Success, Some(StopReason::Approved)));
    let round = [
        "iteration_started",
        "actor_started",
        "actor_completed",
        "diff_captured",
        "critic_started",
        "critic_completed",
        "tree_checked",
        "verdict_reached",
        "iteration",
    ];
    let lines = [&["session_start"][..], &round, &round, &["session_end"]].concat();
    assert_eq!(recorded.names(), lines);
    let shown: Vec<_> = published.names().into_iter().filter(|n| *n != "agent_output").collect();
    assert_eq!(shown, lines, "what is recorded is what is published");
    assert_eq!(published.names().len(), lines.len() + 4, "each call printed something");
    let events = recorded.0.lock().unwrap();
    assert_eq!(invariants::check(&events), Ok(()));
    assert_eq!(replay::verify(&events), Ok(()));
}

#[tokio::test(start_paused = true)]
async fn a_stop_request_ends_the_agent_and_the_run() {
    let world = World::new(vec![Act::UntilStopped(StopLevel::Graceful)]);
    world.stops.send("SIGINT".to_owned()).await.unwrap();
    let (result, published, _) = world.run().await;
    assert_eq!(reason(&result), (Outcome::Interrupted, Some(StopReason::Interrupted)));
    assert!(published.names().contains(&"stop_requested"));
}

#[tokio::test(start_paused = true)]
async fn a_second_request_asks_for_no_grace() {
    let world = World::new(vec![Act::UntilStopped(StopLevel::Now)]);
    world.stops.send("SIGINT".to_owned()).await.unwrap();
    world.stops.send("SIGINT".to_owned()).await.unwrap();
    let (result, _, _) = world.run().await;
    assert_eq!(reason(&result), (Outcome::Interrupted, Some(StopReason::Interrupted)));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_heeds_nothing_is_given_up_at_the_third_request() {
    let world = World::new(vec![Act::Deaf]);
    for _ in 0..3 {
        world.stops.send("SIGTERM".to_owned()).await.unwrap();
    }
    let (result, _, _) = world.run().await;
    assert_eq!(reason(&result), (Outcome::Interrupted, Some(StopReason::Interrupted)));
}

#[tokio::test(start_paused = true)]
async fn a_panic_of_an_adapter_ends_the_run_as_an_internal_error() {
    let (result, _, recorded) = World::new(vec![Act::Panic]).run().await;
    assert_eq!(reason(&result), (Outcome::Failed, Some(StopReason::InternalError)));
    assert!(result.end.error.unwrap().contains("broke off"));
    assert_eq!(recorded.names().last(), Some(&"session_end"));
}

#[tokio::test(start_paused = true)]
async fn gates_run_at_once_where_they_may() {
    let meet = Gate::Meet(Barrier::new(2));
    let (result, _, recorded) = World::with_gates(meet, vec![done("all"), done(DONE)]).run().await;
    assert_eq!(reason(&result), (Outcome::Success, Some(StopReason::Approved)));
    let gates = |name: &str| recorded.names().iter().filter(|n| **n == name).count();
    assert_eq!((gates("gate_started"), gates("gate_completed")), (2, 2));
    let events = recorded.0.lock().unwrap();
    assert_eq!(invariants::check(&events), Ok(()));
    assert_eq!(replay::verify(&events), Ok(()));
}

#[tokio::test(start_paused = true)]
async fn a_stop_request_ends_all_gates_that_run() {
    for (level, requests) in [(StopLevel::Graceful, 1), (StopLevel::Now, 2)] {
        let world = World::with_gates(Gate::UntilStopped(level), vec![done("all")]);
        let stops = world.stops.clone();
        let published = world.published.clone();
        let asked = async move {
            while !published.names().contains(&"gate_started") {
                tokio::task::yield_now().await;
            }
            for _ in 0..requests {
                stops.send("SIGINT".to_owned()).await.unwrap();
            }
        };
        let ((result, _, recorded), ()) = tokio::join!(world.run(), asked);
        assert_eq!(reason(&result), (Outcome::Interrupted, Some(StopReason::Interrupted)));
        let ended = recorded.names().iter().filter(|n| **n == "gate_completed").count();
        assert_eq!(ended, 2);
    }
}

#[tokio::test(start_paused = true)]
async fn a_gate_whose_task_panics_ends_the_run_as_an_internal_error() {
    let (result, _, recorded) = World::with_gates(Gate::Panic, vec![done("all")]).run().await;
    assert_eq!(reason(&result), (Outcome::Failed, Some(StopReason::InternalError)));
    assert_eq!(replay::verify(&recorded.0.lock().unwrap()), Ok(()));
}

#[tokio::test(start_paused = true)]
async fn an_overloaded_provider_is_asked_again_after_a_wait() {
    let overloaded = || Act::Report(AgentOutcome::Transient { message: "overloaded".into() }, "");
    let world = World::new(vec![overloaded(), overloaded(), done("all"), done(DONE)]);
    let (result, published, _) = world.run().await;
    assert_eq!(reason(&result), (Outcome::Success, Some(StopReason::Approved)));
    let waits = published.names().iter().filter(|n| **n == "wait_over").count();
    assert_eq!(waits, 2);
}

#[tokio::test(start_paused = true)]
async fn a_stop_request_ends_a_wait_at_once() {
    let limit = AgentOutcome::UsageLimit { resets_at: None, message: "used up".into() };
    let world = World::new(vec![Act::Report(limit, "")]);
    let stops = world.stops.clone();
    let published = world.published.clone();
    let running = tokio::spawn(world.run());
    while !published.names().contains(&"waiting") {
        tokio::task::yield_now().await;
    }
    stops.send("SIGINT".to_owned()).await.unwrap();
    let (result, published, _) = running.await.unwrap();
    assert_eq!(reason(&result), (Outcome::Interrupted, Some(StopReason::Interrupted)));
    assert!(!published.names().contains(&"wait_over"));
}

#[tokio::test(start_paused = true)]
async fn a_full_disk_at_any_line_stops_the_run_and_leaves_a_readable_prefix() {
    let acts = || vec![done("half"), done(CONTINUE), done("all"), done(DONE)];
    let (_, _, whole) = World::new(acts()).run().await;
    let whole = whole.0.lock().unwrap().clone();
    for room in 0..whole.len() {
        let (result, published, recorded) = World { room, ..World::new(acts()) }.run().await;
        let error = result.record_error.as_ref().expect("the record's failure is told");
        assert_eq!(error.0, "no space left on device");
        let recorded = recorded.0.lock().unwrap();
        assert_eq!(recorded.len(), room, "nothing is recorded after a gap");
        assert_eq!(*recorded, whole[..room]);
        let ends = published.names().iter().filter(|n| **n == "session_end").count();
        assert_eq!(ends, 1, "the end is told even where it cannot be recorded");
        assert_interrupted_is_what_ran(&published.0.lock().unwrap());
        assert_eq!(reason(&result), (Outcome::Failed, Some(StopReason::RecordFailed)));
    }
}

/// An agent that was never called cannot be interrupted.
#[track_caller]
fn assert_interrupted_is_what_ran(events: &[Event]) {
    let (mut actors, mut critics) = (0, 0);
    for event in events {
        let (running, outcome) = match event {
            Event::ActorStarted(_) => {
                actors += 1;
                continue;
            }
            Event::CriticStarted(_) => {
                critics += 1;
                continue;
            }
            Event::ActorCompleted(e) => (&mut actors, &e.outcome),
            Event::CriticCompleted(e) => (&mut critics, &e.outcome),
            _ => continue,
        };
        let not_started = matches!(outcome, AgentOutcome::NotStarted { .. });
        assert_eq!(*running == 0, not_started, "{event:?}");
        *running = 0;
    }
}

/// The role of a call's chatter is that of the call.
#[tokio::test(start_paused = true)]
async fn chatter_is_told_under_its_role() {
    let (_, published, _) = World::new(vec![done("all"), done(DONE)]).run().await;
    let roles: Vec<Role> = published
        .0
        .lock()
        .unwrap()
        .iter()
        .filter_map(|event| match event {
            Event::AgentOutput(output) => Some(output.role),
            _ => None,
        })
        .collect();
    assert_eq!(roles, [Role::Actor, Role::Critic]);
}
