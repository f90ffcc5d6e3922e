//! What the tests that treat the program roughly have in common: the program with real time and
//! ids, and what they watch it by.
//!
//! Run ids are random here, not numbered: by its run's id the program knows which processes are its
//! own, and a test that runs beside this one must not have the same.

use std::fs;
use std::path::Path;

use codeloops_event::SessionEnd;
use codeloops_tests::{Programs, Workspace};

pub(crate) use codeloops_tests::watch::{
    assert_nothing_is_left, eventually, line_where, lives, processes_in, processes_of, whole_lines,
};

use crate::PROGRAMS;

/// A project under git, and the program as it is released.
pub(crate) fn place() -> Workspace {
    Workspace::new(Programs { codeloops: env!("CARGO_BIN_EXE_codeloops-as-released"), ..PROGRAMS })
}

/// A place whose agent, for both roles, is this shell script. It is not the fake agent where a test
/// needs a program that handles signals.
pub(crate) fn place_with_shell_agent(output: &str, script: &str) -> Workspace {
    let place = place();
    fs::write(place.at("agent.sh"), script).unwrap();
    place.global_config(&format!(
        "[defaults]\nagent = \"shell\"\n\n[defaults.agents.shell]\ntitle = \"Shell\"\n\
         command = [\"sh\", {:?}]\noutput = \"{output}\"\n",
        place.at("agent.sh")
    ));
    place
}

/// The end of the one session.
#[track_caller]
pub(crate) fn end(place: &Workspace) -> SessionEnd {
    place.session().end.expect("the session has an end")
}

/// The process id that an agent noted in a file; the agent moved the file into place whole.
#[track_caller]
pub(crate) fn noted_pid(file: &Path) -> u32 {
    let text = fs::read_to_string(file).unwrap_or_else(|e| panic!("`{}`: {e}", file.display()));
    text.trim().parse().unwrap()
}
