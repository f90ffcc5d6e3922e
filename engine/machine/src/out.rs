//! What a step gives out, gathered while it runs.

use codeloops_event::{Event, Nonce, Stamp};

use crate::effect::Effect;
use crate::machine::{Machine, Step};
use crate::transitions::{Move, PhaseName, Trigger};

/// The moment of a step, and what it has given out so far.
pub(crate) struct Out {
    pub(crate) stamp: Stamp,
    pub(crate) nonce: Nonce,
    events: Vec<Event>,
    effects: Vec<Effect>,
    moves: Vec<Move>,
}

impl Out {
    pub(crate) const fn new(stamp: Stamp, nonce: Nonce) -> Self {
        Self { stamp, nonce, events: Vec::new(), effects: Vec::new(), moves: Vec::new() }
    }

    pub(crate) fn event(&mut self, event: Event) {
        self.events.push(event);
    }

    pub(crate) fn effect(&mut self, effect: Effect) {
        self.effects.push(effect);
    }

    pub(crate) fn moved(&mut self, from: PhaseName, on: Trigger, to: PhaseName) {
        self.moves.push(Move { from, on, to });
    }

    pub(crate) fn into_step(self, machine: Machine) -> Step {
        Step { machine, events: self.events, effects: self.effects, moves: self.moves }
    }
}
