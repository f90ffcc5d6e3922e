//! The loop: wait, one input, stamp, step, record, publish, perform.

use std::collections::VecDeque;
use std::sync::Arc;

use codeloops_event::{Class, Event, SessionEnd, StopReason};
use codeloops_machine::{Effect, Input, Machine, Stamped, Start, Step};
use tokio::sync::mpsc;

use crate::calls::{Calls, NoAnswer, Told, call_of};
use crate::ports::{AgentNote, Agents, Clock, Gates, Ids, Publish, Record, RecordError, Workspace};

/// The world, as the driver needs it.
#[derive(Clone)]
pub struct Ports {
    /// Runs agents.
    pub agents: Arc<dyn Agents>,
    /// Looks at the working tree.
    pub workspace: Arc<dyn Workspace>,
    /// Runs the user's checks.
    pub gates: Arc<dyn Gates>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Gives random words.
    pub ids: Arc<dyn Ids>,
}

/// Where events go.
pub struct Outlets {
    /// The record, waited for; `None` where the run is not recorded.
    pub record: Option<Box<dyn Record>>,
    /// Everything else.
    pub publish: Box<dyn Publish>,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq)]
pub struct RunResult {
    /// The end, as it was published.
    pub end: SessionEnd,
    /// Why the record stopped before the end, if it did.
    pub record_error: Option<RecordError>,
}

/// What a run begins with.
#[derive(Debug)]
pub enum Begin {
    /// Nothing yet.
    New(Box<Start>),
    /// What another process recorded of it, and the step by which it goes on.
    Resumed(Box<Step>),
}

/// Runs a session to its end. Each message on `stops` is a stop request of the user (the signal's
/// name).
pub async fn run(
    begin: Begin,
    ports: Ports,
    outlets: Outlets,
    stops: mpsc::Receiver<String>,
) -> RunResult {
    let mut driver = Driver {
        clock: Arc::clone(&ports.clock),
        ids: Arc::clone(&ports.ids),
        calls: Calls::new(ports),
        outlets,
        record_error: None,
        end: None,
        queue: VecDeque::new(),
    };
    let step = match begin {
        Begin::New(start) => Machine::start(driver.stamp(*start)),
        Begin::Resumed(step) => *step,
    };
    let mut machine = driver.carry_out(step);
    let mut stops = Some(stops);
    loop {
        if let Some(end) = driver.end.take() {
            return RunResult { end, record_error: driver.record_error };
        }
        let input = driver.next_input(&mut stops).await;
        let name = input.name();
        let stamped = driver.stamp(input);
        machine = match machine.step(stamped) {
            Ok(step) => driver.carry_out(step),
            Err(rejected) => {
                tracing::error!(input = name, reason = %rejected.reason, "input rejected");
                driver.fail(StopReason::InternalError, rejected.reason.to_string());
                rejected.machine
            }
        };
    }
}

struct Driver {
    calls: Calls,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    outlets: Outlets,
    record_error: Option<RecordError>,
    end: Option<SessionEnd>,
    /// Inputs that the driver itself made; they come before anything else.
    queue: VecDeque<Input>,
}

impl Driver {
    fn stamp<T>(&self, input: T) -> Stamped<T> {
        Stamped { stamp: self.clock.now(), nonce: self.ids.nonce(), input }
    }

    /// Waits for whatever comes first.
    async fn next_input(&mut self, stops: &mut Option<mpsc::Receiver<String>>) -> Input {
        loop {
            if let Some(input) = self.queue.pop_front() {
                return input;
            }
            let stop = async {
                match stops {
                    Some(stops) => stops.recv().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                signal = stop => match signal {
                    Some(signal) => return Input::StopRequested { signal },
                    // Nobody is left who could ask.
                    None => *stops = None,
                },
                told = self.calls.next() => match told {
                    Told::Note(call, AgentNote::Started(process)) => {
                        return Input::AgentStarted { call, process };
                    }
                    Told::Note(_, AgentNote::Output(output)) => {
                        self.outlets.publish.publish(Arc::new(Event::AgentOutput(output)));
                    }
                    Told::Note(_, AgentNote::EvidenceFailed(error)) => {
                        return Input::EngineFailed { reason: StopReason::RecordFailed, error };
                    }
                    Told::Answer(input) => return input,
                    Told::Broken { error, answer } => {
                        self.fail(StopReason::InternalError, error);
                        self.queue.push_back(answer);
                    }
                },
            }
        }
    }

    /// Records and publishes what a step gave, then performs what it asks for. What could not be
    /// recorded is not acted on: the calls of that step are answered without being made.
    fn carry_out(&mut self, step: Step) -> Machine {
        for found in &step.moves {
            tracing::debug!(%found, "move");
        }
        let recorded = self.tell(step.events);
        if let Err(error) = recorded {
            self.fail(StopReason::RecordFailed, error.0);
            self.queue.extend(step.effects.iter().filter(|e| starts_a_call(e)).map(not_made));
            return step.machine;
        }
        for effect in step.effects {
            let answer = self.calls.perform(effect);
            self.queue.extend(answer);
        }
        step.machine
    }

    fn tell(&mut self, events: Vec<Event>) -> Result<(), RecordError> {
        let mut result = Ok(());
        for mut event in events {
            if let Err(error) = self.record(&event) {
                result = Err(error);
            }
            if let Event::SessionResumed(_) = &event {
                // An end before it was another process's.
                self.end = None;
            }
            if let Event::SessionEnd(end) = &mut event {
                if let Some(error) = &self.record_error {
                    **end = unrecorded(end, error);
                }
                self.end = Some((**end).clone());
            }
            self.outlets.publish.publish(Arc::new(event));
        }
        result
    }

    /// After its first failure the record is left alone: a later line would hide the gap.
    fn record(&mut self, event: &Event) -> Result<(), RecordError> {
        let Some(record) = &mut self.outlets.record else { return Ok(()) };
        if self.record_error.is_some() || event.class() == Class::Chatter {
            return Ok(());
        }
        record.append(event).inspect_err(|error| self.record_error = Some(error.clone()))
    }

    fn fail(&mut self, reason: StopReason, error: String) {
        self.queue.push_back(Input::EngineFailed { reason, error });
    }
}

/// The end of a run whose record has a gap: whatever it came to, it is not a success.
fn unrecorded(end: &SessionEnd, error: &RecordError) -> SessionEnd {
    SessionEnd {
        outcome: StopReason::RecordFailed.outcome(),
        stop_reason: Some(StopReason::RecordFailed),
        summary: None,
        confidence: None,
        error: Some(error.0.clone()),
        ..end.clone()
    }
}

const fn starts_a_call(effect: &Effect) -> bool {
    !matches!(effect, Effect::StopCall { .. })
}

fn not_made(effect: &Effect) -> Input {
    NoAnswer::NotMade.stand_in(call_of(effect))
}
