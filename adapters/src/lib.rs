//! What knows the outside world: agent programs, their processes, the user's checks ([`gates`]), and
//! git ([`git`]).
//!
//! An agent is a row of data ([`spec::AgentSpec`]), found by [`agents::AgentTable`], located on this
//! machine by [`resolve::resolve`], and run by the one generic runner [`runner::CliAgents`]. What
//! its program prints is understood by a decoder per output format; how its processes are started,
//! watched and ended is the same for all.

pub mod agents;
pub mod argv;
pub mod ask;
pub mod companion;
pub mod diagnose;
pub mod gates;
pub mod git;
pub mod login;
pub mod redact;
pub mod resolve;
pub mod runner;
pub mod spec;
pub mod tamper;
pub mod telemetry;
pub mod version;

mod decode;
mod evidence;
mod lineage;
mod process;
mod reset;
mod text;

#[cfg(feature = "testing")]
pub mod testing;

pub use process::{Grace, end_children, end_processes_of_run, runs_left_behind};
