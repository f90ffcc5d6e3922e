//! `cargo xtask bench`: the figures of `docs/src/performance.md`.
//!
//! Every file in one of [`FOLDERS`] is a bench that prints its own figures.

use std::process::{Command, ExitCode};

/// Where benches are.
const FOLDERS: [&str; 3] = ["adapters/benches", "sinks/otel/benches", "tests/benches"];

/// Runs the named benches, or all of them, one after the other.
pub(crate) fn run(names: &[&str]) -> Result<ExitCode, String> {
    let known = known()?;
    if let Some(unknown) = names.iter().find(|name| !known.iter().any(|bench| bench == *name)) {
        return Err(format!("no bench `{unknown}`: there is {known:?}"));
    }
    let chosen: Vec<&str> =
        if names.is_empty() { known.iter().map(String::as_str).collect() } else { names.to_vec() };
    let mut command = Command::new("cargo");
    command.arg("bench");
    chosen.iter().for_each(|name| {
        command.args(["--bench", name]);
    });
    let status = command
        .current_dir(crate::root())
        .status()
        .map_err(|error| format!("cannot run `cargo`: {error}"))?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The names of all benches, sorted.
fn known() -> Result<Vec<String>, String> {
    let mut names = Vec::new();
    for folder in FOLDERS.map(|folder| crate::root().join(folder)) {
        if !folder.exists() {
            continue;
        }
        let entries = std::fs::read_dir(&folder)
            .map_err(|error| format!("cannot read `{}`: {error}", folder.display()))?;
        let files = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        names.extend(files.filter_map(|file| file.strip_suffix(".rs").map(str::to_owned)));
    }
    names.sort();
    Ok(names)
}
