//! The project's own chores, run as `cargo xtask <chore>`.
//!
//! It depends on nothing but the standard library, so that the way from a fresh machine to the
//! first test result is short.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command-line program")]

mod agents;
mod bench;
mod counts;
mod docs;
mod gates;
mod installed;
mod npm;
mod otlp;
mod picture;
mod screen;
mod step;
mod test;
mod venv;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

const HELP: &str = "\
usage: cargo xtask <chore>

chores:
  test                  run every check there is; one line each, counts at the end
  agents                the tests with real agent programs alone, which `test` runs too
  otlp                  the tests with a receiver of OTLP alone, which `test` runs too
  gates                 the tests with the tools of real projects alone, which `test` runs too
  docs [--check]        write the generated pages of docs/src, or fail where they differ
  bench [NAME]...       run the benches, or the named ones
  picture FILE          draw captured terminal output as docs/src/images/demo.svg
  help                  print this
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["test"] => test::run(),
        ["agents"] => test::run_agents(),
        ["otlp"] => test::run_otlp(),
        ["gates"] => test::run_gates(),
        ["docs"] => docs::run(docs::Mode::Write),
        ["docs", "--check"] => docs::run(docs::Mode::Check),
        ["bench", names @ ..] => bench::run(names),
        ["picture", file] => picture::run(Path::new(file)),
        ["help" | "--help" | "-h"] => {
            print!("{HELP}");
            Ok(ExitCode::SUCCESS)
        }
        _ => {
            eprint!("{HELP}");
            Ok(ExitCode::from(2))
        }
    };
    done.unwrap_or_else(|error| {
        eprintln!("error: {error}");
        ExitCode::from(2)
    })
}

/// The root of the repository, two levels above this package.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().skip(2).take(1).collect()
}
