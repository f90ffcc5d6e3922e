//! `cargo xtask bench`: the figures of `docs/src/performance.md`.
//!
//! Every file in `tests/benches` is a bench that prints its own figures.

use std::process::{Command, ExitCode};

/// Runs the named benches, or all of them, one after the other.
pub(crate) fn run(names: &[&str]) -> Result<ExitCode, String> {
    let known = known()?;
    if let Some(unknown) = names.iter().find(|name| !known.iter().any(|bench| bench == *name)) {
        return Err(format!("no bench `{unknown}` in `tests/benches`: there is {known:?}"));
    }
    let chosen: Vec<&str> =
        if names.is_empty() { known.iter().map(String::as_str).collect() } else { names.to_vec() };
    if chosen.is_empty() {
        return Err("no benches in `tests/benches`".to_owned());
    }
    let mut command = Command::new("cargo");
    command.args(["bench", "--package", "codeloops-tests"]);
    chosen.iter().for_each(|name| {
        command.args(["--bench", name]);
    });
    let status = command
        .current_dir(crate::root())
        .status()
        .map_err(|error| format!("cannot run `cargo`: {error}"))?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The names of all benches, sorted; none where there is no such folder.
fn known() -> Result<Vec<String>, String> {
    let folder = crate::root().join("tests/benches");
    if !folder.exists() {
        return Ok(Vec::new());
    }
    let entries = std::fs::read_dir(&folder)
        .map_err(|error| format!("cannot read `{}`: {error}", folder.display()))?;
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter_map(|file| file.strip_suffix(".rs").map(str::to_owned))
        .collect();
    names.sort();
    Ok(names)
}
