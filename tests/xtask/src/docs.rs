//! `cargo xtask docs`: the pages of `docs/src` that are made from the code.
//!
//! The generator is a program of the tests package, since it needs the whole product and this one
//! is to stay small. It writes `docs/src/<name>` for each page, and compares with `--check`.

use std::path::PathBuf;
use std::process::{Command, ExitCode};

/// What to do with the generated pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Write them.
    Write,
    /// Fail where a file differs.
    Check,
}

/// Builds the generator and runs it.
pub(crate) fn run(mode: Mode) -> Result<ExitCode, String> {
    let mut command = Command::new("cargo");
    command.args(["run", "--quiet", "--package", "codeloops-tests", "--bin", "gen-docs", "--"]);
    if mode == Mode::Check {
        command.arg("--check");
    }
    let status = command
        .current_dir(crate::root())
        .status()
        .map_err(|error| format!("cannot run `cargo`: {error}"))?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Where the generator's source is.
pub(crate) fn generator_source() -> PathBuf {
    crate::root().join("tests/src/bin/gen-docs.rs")
}

/// The generator that the tests step has built beside this program, comparing. `cargo run` would
/// build it again: one package alone has other features than the whole workspace.
pub(crate) fn built_generator() -> Command {
    let beside = std::env::current_exe().unwrap_or_default().with_file_name("gen-docs");
    let mut command = Command::new(beside);
    command.arg("--check").current_dir(crate::root());
    command
}
