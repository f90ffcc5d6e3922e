//! The async shell around the machine.
//!
//! One task owns the machine ([`run`]). It waits for whatever comes first, turns it into exactly one
//! input, stamps it, steps, publishes the events in order and starts the effects as tasks of its
//! own. Nothing else publishes. What the driver needs of the world it states as traits ([`ports`]);
//! it knows no agent program, no git and no file.

mod calls;
mod clock;
mod driver;
mod signals;

pub mod ports;

pub use clock::{ResumedClock, SystemClock};
pub use driver::{Begin, Outlets, Ports, RunResult, run};
pub use signals::{Suspends, outlive_file_size_limit, stop_requests};
