//! `cargo test`: the harness that comes with Rust (recordings: Rust 1.95).

use std::collections::VecDeque;

use codeloops_event::{Failure, FailureCategory};

use super::found::{Found, Known, failure};
use super::panic::Panics;
use super::place::Place;
use super::{Claim, Reader};

#[derive(Default)]
pub(super) struct Libtest {
    /// The name of what is tested: a library, a file below `tests`.
    target: String,
    /// What told a test to fail, and nothing is known yet of why.
    failed: VecDeque<String>,
    /// Whether the reports of the single tests have begun.
    reports: bool,
    current: Option<Report>,
    /// Whether the list of the tests that failed may have begun, and the names in it.
    list: bool,
    listed: Vec<String>,
    /// The arguments that repeat the tests that failed.
    rerun: String,
}

/// What a test printed.
struct Report {
    name: String,
    panics: Panics,
    /// What is said where nothing panicked.
    note: Option<String>,
}

/// Tests that are known by name only.
const MAX_FAILED: usize = 20_000;

/// Among so many is a test looked for whose report comes.
const MAX_TOGETHER: usize = 64;

impl Reader for Libtest {
    fn line(&mut self, line: &str, found: &mut Found<'_>) -> Claim {
        if self.reports {
            return self.report_line(line, found);
        }
        if let Some(name) = failed_test(line) {
            if self.failed.len() < MAX_FAILED {
                self.failed.push_back(name.to_owned());
            }
            return Claim::Line;
        }
        if line == "failures:" {
            self.list = true;
            self.reports = !self.failed.is_empty();
            return if self.reports { Claim::Section } else { Claim::Line };
        }
        if self.list && self.list_line(line) {
            return Claim::Line;
        }
        self.other_line(line, found);
        Claim::None
    }

    fn end(&mut self, found: &mut Found<'_>) {
        self.tell_all(found);
    }
}

impl Libtest {
    fn other_line(&mut self, line: &str, found: &mut Found<'_>) {
        if let Some(target) = target(line) {
            self.tell_all(found);
            self.target = target.to_owned();
        } else if let Some(rest) = line.strip_prefix("error: test failed, to rerun pass `") {
            self.rerun = rest.trim_end_matches('`').to_owned();
        } else if let Some(signal) = signal(line) {
            self.tell_all(found);
            let crash = failure(FailureCategory::Runtime, signal);
            found.add(if self.rerun.is_empty() { crash } else { crash.called(&self.rerun) });
        } else if line.starts_with("test result: ") {
            self.tell_result(line, found);
        }
    }

    /// A line of the list: a name, or an empty line.
    fn list_line(&mut self, line: &str) -> bool {
        let name = line.strip_prefix("    ").filter(|name| !name.starts_with(' '));
        let room = self.listed.len() < MAX_FAILED;
        self.listed.extend(name.filter(|_| room).map(str::to_owned));
        self.list = name.is_some() || line.is_empty() || line.starts_with("test result: ");
        name.is_some()
    }

    /// The tests of a target are over. Where they print as they go (`--nocapture`), only the list
    /// names those that failed.
    fn tell_result(&mut self, line: &str, found: &mut Found<'_>) {
        self.tell_all(found);
        let is_list = std::mem::take(&mut self.list) && line.starts_with("test result: FAILED");
        for name in std::mem::take(&mut self.listed) {
            if is_list {
                self.tell_name(&name, found);
            }
        }
    }

    /// A test of which no more than the name is known.
    fn tell_name(&self, name: &str, found: &mut Found<'_>) {
        let told = test(&self.target, name, "failed");
        if !found.knows_test(told.code.as_deref().unwrap_or_default()) {
            found.add(told);
        }
    }

    fn report_line(&mut self, line: &str, found: &mut Found<'_>) -> Claim {
        if let Some(name) = report_header(line) {
            self.tell_current(found);
            let panics = Panics::of(&name);
            self.current = Some(Report { name, panics, note: None });
        } else if line == "failures:" {
            self.tell_current(found);
            self.list = true;
            self.listed.clear();
        } else if line.starts_with("test result: ") {
            self.tell_result(line, found);
            return Claim::Line;
        } else if let Some(report) = &mut self.current {
            report.line(line);
        } else {
            self.list_line(line);
        }
        Claim::Section
    }

    fn tell_current(&mut self, found: &mut Found<'_>) {
        let Some(report) = self.current.take() else { return };
        // They are told in the order in which they failed.
        let mut next = self.failed.iter().take(MAX_TOGETHER);
        if let Some(index) = next.position(|name| *name == report.name) {
            self.failed.remove(index);
        }
        found.add(report.told(&self.target));
    }

    /// Also those of which nothing but the name is known.
    fn tell_all(&mut self, found: &mut Found<'_>) {
        self.tell_current(found);
        self.reports = false;
        for name in std::mem::take(&mut self.failed) {
            self.tell_name(&name, found);
        }
    }
}

impl Report {
    fn line(&mut self, line: &str) {
        self.panics.line(line);
        let is_note = line.starts_with("note: ") && line.contains("panic")
            || line.starts_with("Error: ")
            || line.starts_with("error[")
            || line.starts_with("Couldn't compile the test");
        if is_note && self.note.is_none() && !line.contains("RUST_BACKTRACE") {
            self.note = Some(crate::text::beginning(line, 4096).to_owned());
        }
    }

    fn told(mut self, target: &str) -> Failure {
        let panic = self.panics.take().unwrap_or_default();
        let note = self.note.as_deref().unwrap_or_default();
        let message = if panic.message.is_empty() { note } else { &panic.message };
        let told = test(target, &self.name, message);
        if told.file.is_some() {
            return told;
        }
        match panic.place().or_else(|| Place::within(note)) {
            Some(place) => told.at(&place),
            None => told,
        }
    }
}

fn test(target: &str, name: &str, message: &str) -> Failure {
    let message = if message.is_empty() { "failed" } else { message };
    let told = failure(FailureCategory::Test, message);
    // An example in the documentation is named by its file, and is compiled elsewhere.
    if let Some((file, _)) = name.split_once(" - ") {
        // The line moves when others are edited.
        let name = name.split(" (line ").next().unwrap_or(name);
        return told.called(name).at(&Place::file(file));
    }
    match target {
        "" => told.called(name),
        target => told.called(&format!("{target}::{name}")),
    }
}

/// `test a::b ... FAILED`, and `a::b --- FAILED` where it is quiet.
fn failed_test(line: &str) -> Option<&str> {
    let name = match line.strip_prefix("test ") {
        Some(rest) => rest.strip_suffix(" ... FAILED")?,
        None => line.strip_suffix(" --- FAILED")?,
    };
    let name = name.strip_suffix(" - should panic").unwrap_or(name);
    (!name.is_empty() && (!name.contains(' ') || name.contains(" - "))).then_some(name)
}

/// `---- a::b stdout ----`
fn report_header(line: &str) -> Option<String> {
    let name = line.strip_prefix("---- ")?.strip_suffix(" stdout ----")?;
    Some(name.to_owned())
}

/// What is tested now: `Running unittests src/lib.rs (target/debug/deps/name-0123456789abcdef)`.
fn target(line: &str) -> Option<&str> {
    if let Some(name) = line.strip_prefix("   Doc-tests ") {
        return Some(name);
    }
    let (_, program) = line.strip_prefix("     Running ")?.strip_suffix(')')?.rsplit_once('(')?;
    let name = program.rsplit(['/', '\\']).next()?;
    Some(name.rsplit_once('-').map_or(name, |(name, _)| name))
}

/// How a test program was ended: `process didn't exit successfully: … (signal: 6, SIGABRT: …)`.
fn signal(line: &str) -> Option<&str> {
    let rest = line.strip_prefix("  process didn't exit successfully: `")?;
    let (_, signal) = rest.rsplit_once(" (signal: ")?;
    Some(&rest[rest.len() - signal.len() - "signal: ".len()..rest.len() - 1])
        .filter(|_| rest.ends_with(')'))
}
