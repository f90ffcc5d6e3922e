//! The end-to-end tests: one binary, one module for each part of the product.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod agents;
mod bad_input;
mod changes;
mod compare;
mod completions;
mod console;
mod corpora;
mod critic;
mod demo;
mod fork;
mod gates;
mod json;
mod limits;
mod observability;
mod output;
mod prompts;
mod recipes;
mod replay;
mod restore;
mod resume;
mod run;
mod runs;
mod schema;
mod scripts;
mod session_pages;
mod sessions;
mod store;
// Those that look at processes do so by `/proc`.
#[cfg(target_os = "linux")]
mod disk;
#[cfg(target_os = "linux")]
mod doctor;
#[cfg(target_os = "linux")]
mod kill;
#[cfg(target_os = "linux")]
mod processes;
mod readme;
#[cfg(target_os = "linux")]
mod receipt;
#[cfg(target_os = "linux")]
mod rough;
#[cfg(target_os = "linux")]
mod session_screens;
#[cfg(target_os = "linux")]
mod signals;
#[cfg(target_os = "linux")]
mod sinks;
#[cfg(target_os = "linux")]
mod terminal;
mod tidy;
#[cfg(target_os = "linux")]
mod verify;

use codeloops_tests::{Programs, Workspace};

/// The programs that the tests run.
const PROGRAMS: Programs = Programs {
    codeloops: env!("CARGO_BIN_EXE_codeloops-under-test"),
    fake_agent: env!("CARGO_BIN_EXE_fake-agent"),
};

/// A project under git, in a place of its own, with no agent.
fn workspace() -> Workspace {
    Workspace::new(PROGRAMS)
}

/// The same, with an agent that plays this script.
fn scripted(script: &str) -> Workspace {
    let place = workspace();
    place.script(script);
    place
}
