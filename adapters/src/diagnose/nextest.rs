//! cargo-nextest (recordings: 0.9.143).

use std::collections::HashMap;

use codeloops_event::{Failure, FailureCategory};

use super::found::{Found, Known, failure};
use super::panic::Panics;
use super::place::{Place, around};
use super::{Claim, Reader};

#[derive(Default)]
pub(super) struct Nextest {
    current: Option<Report>,
    /// The tests that failed so far: one that is tried again may pass.
    failed: HashMap<String, Failure>,
    order: Vec<String>,
    summary: bool,
}

struct Report {
    name: String,
    status: String,
    panics: Panics,
    note: Option<String>,
}

/// Tests of which more than the name is known.
const MAX_FAILED: usize = 2_000;

impl Reader for Nextest {
    fn line(&mut self, line: &str, found: &mut Found<'_>) -> Claim {
        if let Some((status, name)) = status_line(line) {
            self.close();
            return self.status(status, name, found);
        }
        if line.starts_with("     Summary [") {
            self.close();
            self.summary = true;
            return Claim::Line;
        }
        let Some(report) = &mut self.current else { return Claim::None };
        if line.starts_with("────────────") || line.starts_with("error: test run failed")
        {
            self.close();
            return Claim::Line;
        }
        report.line(line);
        Claim::Section
    }

    fn end(&mut self, found: &mut Found<'_>) {
        self.close();
        if !self.summary {
            let order = std::mem::take(&mut self.order);
            order.iter().filter_map(|name| self.failed.remove(name)).for_each(|f| found.add(f));
        }
    }
}

impl Nextest {
    fn status(&mut self, status: &str, name: &str, found: &mut Found<'_>) -> Claim {
        let word = status.split(' ').next_back().unwrap_or_default();
        if !is_failure(word) {
            self.failed.remove(name);
            return Claim::Line;
        }
        if self.summary {
            let known = self.failed.remove(name);
            let told = known.unwrap_or_else(|| told(name, word, Panics::default(), None));
            if !found.knows_test(name) {
                found.add(told);
            }
            return Claim::Line;
        }
        let status = word.to_owned();
        let panics = Panics::of(name.rsplit(' ').next().unwrap_or_default());
        self.current = Some(Report { name: name.to_owned(), status, panics, note: None });
        Claim::Section
    }

    fn close(&mut self) {
        let Some(report) = self.current.take() else { return };
        if self.order.len() < MAX_FAILED {
            let told = told(&report.name, &report.status, report.panics, report.note);
            self.order.push(report.name.clone());
            self.failed.insert(report.name, told);
        }
    }
}

impl Report {
    fn line(&mut self, line: &str) {
        let text = line.trim_start();
        self.panics.line(text);
        let is_note = text.starts_with("Error: ")
            || text.starts_with("note: test did not panic")
            || text.starts_with("note: panic did not");
        if is_note && self.note.is_none() {
            self.note = Some(crate::text::beginning(text, 4096).to_owned());
        }
    }
}

fn told(name: &str, status: &str, mut panics: Panics, note: Option<String>) -> Failure {
    let panic = panics.take().unwrap_or_default();
    let message = match (status, panic.message.as_str(), &note) {
        ("TIMEOUT", ..) => "timed out",
        (_, "", Some(note)) => note,
        ("FAIL", "", None) => "failed",
        (signal, "", None) => signal,
        (_, message, _) => message,
    };
    let category = match status {
        "TIMEOUT" => FailureCategory::Timeout,
        _ => FailureCategory::Test,
    };
    let told = failure(category, message).called(name);
    match panic.place().or_else(|| Place::within(message)) {
        Some(place) => told.at(&place),
        None => told,
    }
}

/// `        FAIL [   0.009s] (1/8) crate::binary module::test`: the status, and the test's full name.
fn status_line(line: &str) -> Option<(&str, &str)> {
    let (status, rest) = around(line, " [")?;
    let status = status.trim_start();
    let is_status = !status.is_empty()
        && status
            .bytes()
            .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b" -/".contains(&b));
    if !is_status || !line.starts_with([' ', 'T']) {
        return None;
    }
    let (duration, rest) = rest.split_once("] ")?;
    if !duration.trim_start_matches(['>', ' ']).ends_with('s') {
        return None;
    }
    let rest = rest.trim_start();
    let name = match rest.strip_prefix('(').and_then(|rest| rest.split_once(") ")) {
        Some((_, name)) => name.trim_start(),
        None => rest,
    };
    name.contains(' ').then_some((status, name))
}

fn is_failure(word: &str) -> bool {
    matches!(word, "FAIL" | "TIMEOUT" | "ABORT" | "LEAK-FAIL" | "FAIL-LK" | "TMT")
        || word.starts_with("SIG")
        || word.starts_with("TRY") && word.ends_with("FAIL")
}
