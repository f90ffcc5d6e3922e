//! The command line of codeloops, and the place where all parts are put together.
//!
//! [`main_with`] is the whole program with its surroundings given to it, so that a test can give
//! others: a fixed clock, counted ids, its own environment and streams. [`app`] holds the command
//! line as types, [`config`] the configuration files, [`settings`] what a run goes by once both are
//! put together, and each of the modules in [`cmd`] carries out one command.

pub mod app;
pub mod cmd;
pub mod config;
pub mod docs;
pub mod error;
pub mod exit_code;
pub mod output;
pub mod prompt;
pub mod secrets;
pub mod settings;
pub mod text;
pub mod units;
pub mod values;
pub mod world;

mod ask;
mod checks;
mod demo_agent;
mod diagnostics;
mod engine;
#[cfg(feature = "otel")]
mod exported;
mod inherited_trace;
mod last_round;
mod lost_console;
#[cfg(not(feature = "otel"))]
mod not_exported;
mod offer;
mod opening;
mod picker;
mod preflight;
mod programs;
mod publisher;
mod record;
mod recorded_trace;
mod repository;
mod resume;
mod runs_dir;
mod sink_words;
mod sinks;
mod start_notes;
mod surface;
mod suspend;
mod verification;
mod verify_command;
mod versions;
mod waiting;

use std::ffi::OsString;
use std::process::ExitCode;

pub use world::World;

#[cfg(not(feature = "otel"))]
use not_exported as exported;

/// Runs codeloops with these arguments, the program's name first, and gives its exit code.
#[must_use]
pub fn main_with(args: impl IntoIterator<Item = OsString>, world: World) -> ExitCode {
    let args: Vec<OsString> = args.into_iter().collect();
    diagnostics::begin(&world.env);
    ExitCode::from(cmd::dispatch(&args, &world))
}

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
