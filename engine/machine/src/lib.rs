//! The pure reducer: what a run does next.
//!
//! [`Machine::step`] takes one stamped [`Input`] and gives back the machine, the [`Event`]s to
//! publish and the [`Effect`]s to perform. It knows no runtime, no file system, no clock, no
//! randomness and no environment: the same inputs give the same outputs, live, in a test and in a
//! replay. `docs/architecture.md` draws the phases.
//!
//! [`Event`]: codeloops_event::Event

mod effect;
mod input;

pub use effect::{AgentCall, CriticTree, Effect, StopLevel};
pub use input::{AgentReport, Input, Stamped, Start};
