//! Consumers of a run's events, and the hub that keeps them apart.
//!
//! A [`Sink`] is plain synchronous code. The [`Hub`] gives each its own thread and queue, so that
//! one that blocks, fails or panics disturbs neither the run nor its neighbours. Here are also the
//! sinks that need nothing but the events: the [`ConsoleSink`], the structured [`LogSink`], and the
//! [`ExecSink`], which is given the program that it feeds.
//!
//! Whatever comes from agents or the repository goes through [`sanitise`] before it is shown.

mod console;
mod exec;
mod hub;
mod json;
mod log;
mod outbox;
mod sink;
mod text;

pub mod commands;
pub mod usage;
pub mod words;

#[cfg(test)]
mod samples;
#[cfg(any(test, feature = "testing"))]
pub mod testing;

pub use console::{CLEAR_STATUS, ConsoleOptions, ConsoleSink, Format, Line, Live, render};
pub use exec::{ExecSink, HowEnded, Program, ProgramEnd, StartProgram};
pub use hub::{Hub, HubOptions, SinkReport, SinkState};
pub use log::LogSink;
pub use sink::{Gap, Sink, SinkError};
pub use text::{one_line, printable, sanitise, wrap, wrap_styled};
