//! Programs that ended in a crash. A program may well print a traceback and go on, so one counts only
//! where it is the last thing said, and where no tool told of a failure (recordings: Python 3.11,
//! Rust 1.95, Go 1.19, Node.js 20.20, Java 17, gcc 12.2).

use codeloops_event::{Failure, FailureCategory};

use super::found::{Found, Known, LastResort, failure};
use super::panic::Panics;
use super::place::{Place, around};
use super::traceback::Traceback;
use super::{Claim, Reader};

#[derive(Default)]
pub(super) struct Crash {
    traceback: Traceback,
    panics: Panics,
    /// What the last lines tell of, and whose trace it is.
    last: Option<Told>,
}

struct Told {
    failure: Failure,
    trace: Trace,
    /// Whether the program ended with it: an error's name and message alone say little.
    certain: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Trace {
    Python,
    Rust,
    Go,
    Node,
    Java,
    /// No trace follows.
    None,
}

/// Signals as shells tell of them.
const SIGNALS: [&str; 4] = ["Segmentation fault", "Aborted", "Bus error", "Illegal instruction"];

/// How the last words begin of what called the program.
const CALLERS: [&str; 8] = [
    "npm ERR!",
    "npm error",
    "error Command failed",
    "error: Recipe `",
    "error: script \"",
    "info Visit ",
    "ERROR: \"",
    "exit status ",
];

impl Reader for Crash {
    fn line(&mut self, line: &str, found: &mut Found<'_>) -> Claim {
        if let Some(message) = signal(line) {
            let told = failure(FailureCategory::Runtime, message);
            found.add_last_resort(LastResort::Crash, told);
            return Claim::Line;
        }
        let python = self.traceback.line(line);
        if python {
            self.last = self.python();
        } else if self.panics.line(line) {
            self.last = self.rust();
        } else if let Some((trace, message)) = beginning_of(line) {
            self.last = Some(told(trace, failure(FailureCategory::Runtime, message)));
        } else {
            self.follow(line);
        }
        Claim::None
    }

    fn end(&mut self, found: &mut Found<'_>) {
        if let Some(told) = self.last.take().filter(|told| told.certain) {
            found.add_last_resort(LastResort::Crash, told.failure);
        }
    }
}

fn told(trace: Trace, failure: Failure) -> Told {
    Told { failure, trace, certain: !matches!(trace, Trace::Node | Trace::Go) }
}

impl Crash {
    fn python(&self) -> Option<Told> {
        let (message, place) = self.traceback.exception()?;
        let name = message.split(':').next().unwrap_or_default();
        let crash = failure(FailureCategory::Runtime, message).called(name);
        let crash = match place {
            Some(place) => crash.at(&place),
            None => crash,
        };
        Some(told(Trace::Python, crash))
    }

    fn rust(&self) -> Option<Told> {
        let panic = self.panics.last()?;
        let crash = failure(FailureCategory::Runtime, &panic.message);
        let crash = match panic.place() {
            Some(place) => crash.at(&place),
            None => crash,
        };
        Some(told(Trace::Rust, crash))
    }

    /// A line that begins nothing: it belongs to the trace, or the program went on.
    fn follow(&mut self, line: &str) {
        let Some(last) = &mut self.last else { return };
        if last.trace == Trace::Rust && last.failure.message.is_empty() {
            line.clone_into(&mut last.failure.message);
            return;
        }
        if is_of_trace(last.trace, line) {
            last.certain |= line.starts_with("Node.js v") || line.starts_with("goroutine ");
            if last.failure.file.is_none()
                && let Some(place) = Place::within(line)
            {
                last.failure.file = Some(place.file.to_owned());
                (last.failure.line, last.failure.column) = (place.line, place.column);
            }
            return;
        }
        if !CALLERS.iter().any(|beginning| line.starts_with(beginning)) {
            self.last = None;
        }
    }
}

/// What a shell says of a program that a signal ended, and what a sanitiser says of what it found.
fn signal(line: &str) -> Option<&str> {
    // `sh: line 1: 12345 Aborted   (core dumped) ./program`
    let by_shell = around(line, ": line ").and_then(|(_, rest)| around(rest, ": "));
    let told = by_shell.map_or(line, |(_, told)| told.trim_start());
    let told = told.trim_start_matches(|c: char| c.is_ascii_digit()).trim_start();
    let rest_of = |name: &str| told.strip_prefix(name);
    let is_signal = |name: &&str| {
        rest_of(name).is_some_and(|rest| {
            rest.is_empty() || rest.trim_start().starts_with("(core dumped)") || by_shell.is_some()
        })
    };
    if let Some(name) = SIGNALS.into_iter().find(is_signal) {
        return Some(name);
    }
    let report = line.strip_prefix("==")?.split_once("==ERROR: ")?.1;
    report.contains("Sanitizer: ").then_some(report)
}

fn beginning_of(line: &str) -> Option<(Trace, &str)> {
    if let Some(message) = line.strip_prefix("panic: ") {
        return Some((Trace::Go, message));
    }
    if let Some(rest) = line.strip_prefix("Exception in thread \"") {
        return rest.split_once("\" ").map(|(_, message)| (Trace::Java, message));
    }
    let is_python = around(line, ": No module named ").is_some_and(|(program, _)| {
        let program = program.rsplit('/').next().unwrap_or(program);
        program.starts_with("python") && !program.contains(' ')
    });
    if is_python {
        return Some((Trace::None, line.split_once(": ")?.1));
    }
    let (name, message) = around(line, ": ")?;
    let is_error = name.ends_with("Error") && name.bytes().all(|b| b.is_ascii_alphanumeric());
    (is_error && !message.is_empty()).then_some((Trace::Node, line))
}

fn is_of_trace(trace: Trace, line: &str) -> bool {
    let indented = line.is_empty() || line.starts_with([' ', '\t']);
    match trace {
        Trace::Python | Trace::None => line.is_empty(),
        Trace::Rust => {
            indented || line.starts_with("stack backtrace:") || line.starts_with("note: ")
        }
        Trace::Go => {
            indented
                || ["goroutine ", "[signal ", "exit status ", "created by "]
                    .iter()
                    .any(|beginning| line.starts_with(beginning))
                || line.ends_with(')')
        }
        Trace::Node => indented || line.starts_with("Node.js v") || line == "}",
        Trace::Java => indented || line.starts_with("Caused by: "),
    }
}
