//! Replay: the recorded facts, driven through the same [`Machine::step`] as the live run.

mod facts;
mod what_if;

use std::collections::VecDeque;

use codeloops_event::{Class, Event, Iteration, Nonce};

use crate::input::{Input, Resume, Stamped};
use crate::machine::{CannotResume, Machine, RejectReason, Step};
use facts::{GateNames, input_of, stamp_of, start_of, unused};

pub use facts::Bulk;
pub use what_if::{Answer, Unknown, WhatIf, what_if};

/// Why a recording cannot be replayed, or where it differs.
#[derive(Debug, Clone, PartialEq)]
pub enum Divergence {
    /// There is no session start, or one without the fields that a replay needs (a file of another
    /// program, or of another version).
    NotReplayable {
        /// The field that is missing.
        missing: &'static str,
    },
    /// The machine decided something else.
    Different {
        /// The event's position, as it was fed.
        position: u64,
        /// What was recorded.
        recorded: Box<Event>,
        /// What the machine gave; `None` where it gave nothing.
        replayed: Option<Box<Event>>,
    },
    /// The machine refused a recorded fact.
    Refused {
        /// The event's position, as it was fed.
        position: u64,
        /// Why.
        reason: RejectReason,
    },
}

/// Drives the recorded facts through the machine and compares every event that it gives with the
/// recording, which may be a prefix (a killed run). Positions are counted from 0. The texts of an
/// `iteration` line are facts too: whether they are what the agents printed, their evidence tells.
///
/// # Errors
///
/// The first difference.
pub fn verify(events: &[Event]) -> Result<(), Divergence> {
    let mut replay = Replay::default();
    for (position, event) in (0..).zip(events) {
        replay.feed(position, event.clone())?;
    }
    replay.finish(None).map(drop)
}

/// A recording on its way through the machine, event by event.
///
/// The summary of a round holds texts that its earlier lines leave out, so the events of a round are
/// kept until it comes: that is all that is kept.
#[derive(Debug, Clone, Default)]
pub struct Replay {
    machine: Option<Machine>,
    /// What the last step gave and the recording has not shown yet.
    expected: VecDeque<Event>,
    /// The events of the round whose summary is still to come.
    round: Vec<(u64, Event)>,
    gates: GateNames,
}

/// A recording that went through the machine without a difference.
#[derive(Debug, Clone, PartialEq)]
pub struct Replayed {
    /// Where the run stands.
    pub machine: Machine,
    /// What the last recorded fact led to and the recording, which stops before it, does not show.
    pub unrecorded: Vec<Event>,
}

impl Replayed {
    /// Goes on with the run. What the recording does not show comes first in the step's events.
    ///
    /// # Errors
    ///
    /// Where there is nothing to go on with.
    pub fn resume(self, resume: Stamped<Resume>) -> Result<Step, CannotResume> {
        let Stamped { stamp, nonce, input } = resume;
        let input = Input::Resumed(Box::new(input));
        let mut step =
            self.machine.step(Stamped { stamp, nonce, input }).map_err(
                |rejected| match rejected.reason {
                    RejectReason::CannotResume(reason) => reason,
                    reason => unreachable!("a resume is refused for a reason of its own: {reason}"),
                },
            )?;
        step.events.splice(0..0, self.unrecorded);
        Ok(step)
    }
}

impl Replay {
    /// Takes the next recorded event. `position` is where it stands, in whatever the caller counts; a
    /// difference names it, and may be found only when the round is whole.
    ///
    /// # Errors
    ///
    /// The first difference.
    pub fn feed(&mut self, position: u64, event: Event) -> Result<(), Divergence> {
        if event.class() == Class::Chatter {
            return Ok(());
        }
        let bulk = match &event {
            Event::Iteration(summary) => Some((summary.iteration_number, Bulk::of(summary))),
            _ => None,
        };
        self.round.push((position, event));
        match bulk {
            Some((iteration, bulk)) => self.drive(Some(iteration), &bulk),
            None => Ok(()),
        }
    }

    /// The recording is over. `bulk` is that of a round that has no summary yet, where what becomes
    /// of it matters.
    ///
    /// # Errors
    ///
    /// The first difference.
    pub fn finish(mut self, bulk: Option<&Bulk>) -> Result<Replayed, Divergence> {
        self.drive(None, bulk.unwrap_or(&Bulk::default()))?;
        let missing = Divergence::NotReplayable { missing: "session_start" };
        let machine = self.machine.ok_or(missing)?;
        Ok(Replayed { machine, unrecorded: self.expected.into() })
    }

    /// Takes in what is kept. `bulk` is of this round, of any where there is none.
    fn drive(&mut self, iteration: Option<Iteration>, bulk: &Bulk) -> Result<(), Divergence> {
        let round = std::mem::take(&mut self.round);
        for (at, (position, event)) in round.iter().enumerate() {
            let nonce = || nonce_in(&round[at..]);
            let is_its = iteration.is_none_or(|number| iteration_of(event) == Some(number));
            let none = Bulk::default();
            self.take(*position, event, if is_its { bulk } else { &none }, nonce)?;
        }
        Ok(())
    }

    fn take(
        &mut self,
        position: u64,
        event: &Event,
        bulk: &Bulk,
        nonce: impl FnOnce() -> Nonce,
    ) -> Result<(), Divergence> {
        if self.expected.is_empty() {
            self.step(position, event, bulk, nonce)?;
        }
        let replayed = self.expected.pop_front();
        if replayed.as_ref() == Some(event) {
            return Ok(());
        }
        // An answer that came too late is a matter of the clock: none is missed.
        if replayed.is_none() && matches!(event, Event::AnswerIgnored(_)) {
            return Ok(());
        }
        let (recorded, replayed) = (Box::new(event.clone()), replayed.map(Box::new));
        Err(Divergence::Different { position, recorded, replayed })
    }

    /// Gives the machine the input that an event was, if it was one.
    fn step(
        &mut self,
        position: u64,
        event: &Event,
        bulk: &Bulk,
        nonce: impl FnOnce() -> Nonce,
    ) -> Result<(), Divergence> {
        let Some(machine) = self.machine.take() else {
            let Event::SessionStart(start) = event else {
                return Err(Divergence::NotReplayable { missing: "session_start" });
            };
            self.gates = GateNames::of(start);
            let step = Machine::start(start_of(start)?);
            self.machine = Some(step.machine);
            self.expected = step.events.into();
            return Ok(());
        };
        let Some(input) = input_of(event, bulk, &self.gates) else {
            self.machine = Some(machine);
            return Ok(());
        };
        let stamped = Stamped { stamp: stamp_of(event), nonce: nonce(), input };
        let refused = |reason| Divergence::Refused { position, reason };
        let step = machine.step(stamped).map_err(|rejected| refused(rejected.reason))?;
        self.machine = Some(step.machine);
        self.expected = step.events.into();
        Ok(())
    }
}

/// The nonce of the first evaluation that begins in these events.
fn nonce_in(events: &[(u64, Event)]) -> Nonce {
    let nonce = |(_, event): &(u64, Event)| match event {
        Event::CriticStarted(e) => e.nonce.clone(),
        _ => None,
    };
    events.iter().find_map(nonce).unwrap_or_else(unused)
}

/// The round that an input with bulk belongs to.
fn iteration_of(event: &Event) -> Option<Iteration> {
    match event {
        Event::ActorCompleted(e) => Some(e.iteration),
        Event::DiffCaptured(e) => Some(e.iteration),
        _ => None,
    }
}
