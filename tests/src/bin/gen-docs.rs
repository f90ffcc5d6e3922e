//! Writes the pages of the book that are made from the code; `cargo xtask docs` runs it.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command-line program")]

use std::path::{Path, PathBuf};
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let done = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => write(),
        ["--check"] => check(),
        _ => Err("usage: gen-docs [--check]".to_owned()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn write() -> Result<(), String> {
    for (name, text) in codeloops::docs::pages() {
        let path = path(name);
        std::fs::write(&path, text)
            .map_err(|error| format!("cannot write `{}`: {error}", path.display()))?;
        println!("wrote docs/src/{name}");
    }
    Ok(())
}

/// Fails with every page that differs from what would be written.
fn check() -> Result<(), String> {
    let differs = |name: &str, text: &str| {
        std::fs::read_to_string(path(name)).map_or(true, |written| written != text)
    };
    let stale: Vec<&str> = codeloops::docs::pages()
        .iter()
        .filter(|(name, text)| differs(name, text))
        .map(|(name, _)| *name)
        .collect();
    if stale.is_empty() {
        return Ok(());
    }
    Err(format!("out of date in docs/src: {}: run `cargo xtask docs`", stale.join(", ")))
}

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/src").join(name)
}
