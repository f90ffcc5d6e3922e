//! `go test` (recordings: Go 1.19).

use std::collections::HashMap;

use codeloops_event::{Failure, FailureCategory};

use super::found::{Found, Known, LastResort, failure};
use super::place::Place;
use super::{Claim, Reader};

/// Reads the tests of one package after the other: its name comes last.
#[derive(Default)]
pub(super) struct GoTest {
    /// The tests of this package that failed.
    failed: Vec<Failed>,
    /// The test that is running, where that is told.
    running: String,
    /// What the tests said that may still fail.
    said: HashMap<String, Said>,
    /// A test ran out of time.
    timed_out: Option<Failure>,
    panicking: bool,
}

struct Failed {
    name: String,
    said: Said,
}

/// The last thing that a test said.
#[derive(Debug, Default, Clone)]
pub(super) struct Said {
    message: String,
    place: Option<(String, u32)>,
}

/// Tests that are kept until their package is named, and tests whose words are kept.
const MAX_KEPT: usize = 2_000;

impl Reader for GoTest {
    fn line(&mut self, line: &str, found: &mut Found<'_>) -> Claim {
        if let Some(name) = test(line, "--- FAIL: ") {
            self.fail(name);
            return Claim::Line;
        }
        if let Some(package) = line.strip_prefix("FAIL\t") {
            self.package(package, found);
            return Claim::Line;
        }
        if line.starts_with("ok  \t") {
            self.clear();
            return Claim::Line;
        }
        let running = ["=== RUN   ", "=== CONT  ", "=== NAME  "];
        if let Some(name) = running.iter().find_map(|word| line.strip_prefix(word)) {
            name.trim_end().clone_into(&mut self.running);
            return Claim::Line;
        }
        if let Some(name) = test(line, "--- PASS: ").or_else(|| test(line, "--- SKIP: ")) {
            self.said.remove(name);
            return Claim::Line;
        }
        self.other(line);
        Claim::None
    }

    fn end(&mut self, found: &mut Found<'_>) {
        // Without the name of its package, it is only printed.
        self.timed_out.take().into_iter().for_each(|told| found.add(told));
    }
}

impl GoTest {
    fn fail(&mut self, name: &str) {
        // A test above it, which is told right before, failed for no other reason.
        let is_above = |failed: &Failed| {
            let below = name.strip_prefix(failed.name.as_str());
            failed.said.is_silent() && below.is_some_and(|below| below.starts_with('/'))
        };
        while self.failed.last().is_some_and(is_above) {
            self.failed.pop();
        }
        if self.failed.len() < MAX_KEPT {
            let said = self.said.remove(name).unwrap_or_default();
            self.failed.push(Failed { name: name.to_owned(), said });
        }
        self.running.clear();
        self.panicking = false;
    }

    fn other(&mut self, line: &str) {
        if let Some(message) = line.strip_prefix("panic: ") {
            self.panicking = true;
            if message.starts_with("test timed out after ") {
                self.timed_out = Some(failure(FailureCategory::Timeout, "test timed out"));
            } else if let Some(said) = self.speaker() {
                said.panics(message);
            }
        } else if self.panicking {
            if let Some(said) = self.speaker() {
                said.frame(line);
            }
        } else if line.starts_with("    ")
            && let Some(said) = self.speaker()
        {
            said.line(line);
        }
    }

    /// Whose words the next line holds.
    fn speaker(&mut self) -> Option<&mut Said> {
        if self.running.is_empty() {
            return self.failed.last_mut().map(|failed| &mut failed.said);
        }
        if self.said.len() >= MAX_KEPT && !self.said.contains_key(&self.running) {
            return None;
        }
        Some(self.said.entry(self.running.clone()).or_default())
    }

    /// `example.org/a\t0.004s`, `example.org/a [build failed]`
    fn package(&mut self, text: &str, found: &mut Found<'_>) {
        let package = text.split(['\t', ' ']).next().unwrap_or_default();
        if text.contains(" [build failed]") || text.contains(" [setup failed]") {
            let told = failure(FailureCategory::Build, text);
            found.add_last_resort(LastResort::Summary, told);
        }
        for failed in std::mem::take(&mut self.failed) {
            found.add(failed.said.told(&format!("{package}.{}", failed.name)));
        }
        self.timed_out.take().into_iter().for_each(|told| found.add(told.called(package)));
        self.clear();
    }

    fn clear(&mut self) {
        self.failed.clear();
        self.said.clear();
        self.running.clear();
        self.panicking = false;
    }
}

impl Said {
    /// Takes in `    a_test.go:12: message`, or a line of the table that some libraries print below.
    pub(super) fn line(&mut self, line: &str) {
        let text = line.trim_start();
        let place = Place::leading(text).filter(|(place, _)| place.extension() == "go");
        if let Some((place, rest)) = place
            && let (Some(line), Some(message)) = (place.line, rest.strip_prefix(':'))
        {
            message.trim().clone_into(&mut self.message);
            self.place = Some((place.file.to_owned(), line));
        } else if self.message.is_empty()
            && let Some(message) = text.strip_prefix("Error:")
        {
            message.trim().clone_into(&mut self.message);
        }
    }

    /// It broke off.
    pub(super) fn panics(&mut self, message: &str) {
        let message = message.strip_suffix(" [recovered]").unwrap_or(message);
        self.message = format!("panic: {}", crate::text::beginning(message, 4096));
        self.place = None;
    }

    /// Takes in a line of the trace: `\t/path/a_test.go:7 +0x2e`.
    pub(super) fn frame(&mut self, line: &str) {
        let Some(frame) = line.strip_prefix('\t').filter(|_| self.place.is_none()) else { return };
        let place = Place::leading(frame).map(|(place, _)| place);
        if let Some(place) = place.filter(|place| place.file.ends_with("_test.go"))
            && let Some(line) = place.line
        {
            self.place = Some((place.file.to_owned(), line));
        }
    }

    pub(super) fn is_panic(&self) -> bool {
        self.message.starts_with("panic: ")
    }

    pub(super) const fn is_silent(&self) -> bool {
        self.message.is_empty()
    }

    pub(super) fn told(self, name: &str) -> Failure {
        let message = if self.message.is_empty() { "failed" } else { &self.message };
        let told = failure(FailureCategory::Test, message).called(name);
        match &self.place {
            Some((file, line)) => told.at(&Place { line: Some(*line), ..Place::file(file) }),
            None => told,
        }
    }
}

/// `    --- FAIL: TestA/b (0.00s)`, indented by how deep it is.
fn test<'a>(line: &'a str, word: &str) -> Option<&'a str> {
    let (name, duration) = line.trim_start_matches("    ").strip_prefix(word)?.rsplit_once(" (")?;
    let duration = duration.strip_suffix("s)")?;
    let is_number = duration.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    (is_number && !name.contains(' ')).then_some(name)
}
