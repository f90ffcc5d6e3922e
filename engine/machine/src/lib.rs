//! The pure reducer: what a run does next.
//!
//! [`Machine::step`] takes one stamped [`Input`] and gives back the machine, the [`Event`]s to
//! publish and the [`Effect`]s to perform. It knows no runtime, no file system, no clock, no
//! randomness and no environment: the same inputs give the same outputs, live, in a test and in a
//! replay. [`TRANSITIONS`] lists every move it can make; `docs/src/architecture.md` draws them.
//!
//! [`Event`]: codeloops_event::Event

mod context;
mod effect;
mod gates;
mod input;
mod machine;
mod out;
mod phase;
mod prompts;
mod states;
mod transitions;

pub mod invariants;
pub mod prompt;
pub mod replay;
pub mod verdict;

pub use effect::{AgentCall, Budget, Effect, GateCall, StopLevel};
pub use gates::result as gate_result;
pub use input::{AgentReport, GateReport, Input, Resume, Stamped, Start};
pub use machine::{CannotResume, Machine, RejectReason, Rejected, Standing, Step};
pub use prompts::Prompt;
pub use transitions::{Move, PhaseName, TRANSITIONS, Trigger};

#[cfg(feature = "testing")]
pub mod testing;
