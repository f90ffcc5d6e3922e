//! pytest (recordings: 9.2).

use std::collections::{HashMap, VecDeque};

use codeloops_event::{Failure, FailureCategory};

use super::found::{Found, Known, failure};
use super::place::Place;
use super::{Claim, Reader};

#[derive(Default)]
pub(super) struct Pytest {
    part: Part,
    current: Option<Report>,
    /// What was told of the tests that failed, before the summary names them in full.
    reports: HashMap<String, VecDeque<Report>>,
    count: usize,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Part {
    #[default]
    None,
    /// The reports of the tests that failed.
    Reports,
    /// What other tests printed.
    Other,
    Summary,
}

#[derive(Debug, Default)]
struct Report {
    /// Which one it is of all.
    index: usize,
    /// As its header has it: `test_a`, `TestA.test_b[1]`, `ERROR at setup of test_c`.
    header: String,
    message: Option<String>,
    place: Option<String>,
    /// What the test printed follows.
    captured: bool,
}

/// Reports that are kept for the summary.
const MAX_REPORTS: usize = 2_000;

impl Reader for Pytest {
    fn line(&mut self, line: &str, found: &mut Found<'_>) -> Claim {
        if let Some(title) = title(line, '=') {
            return self.part(title, found);
        }
        match self.part {
            Part::None => return Claim::None,
            Part::Reports => self.report_line(line),
            Part::Other => {}
            Part::Summary => match entry(line) {
                Some((node, message)) => self.tell(node, message, found),
                None if is_other_entry(line) => {}
                None => {
                    self.close(found);
                    return Claim::None;
                }
            },
        }
        Claim::Section
    }

    fn end(&mut self, found: &mut Found<'_>) {
        self.close(found);
    }
}

impl Pytest {
    fn part(&mut self, title: &str, found: &mut Found<'_>) -> Claim {
        self.push_current();
        self.part = match title {
            "FAILURES" | "ERRORS" => Part::Reports,
            "short test summary info" => Part::Summary,
            "PASSES" | "warnings summary" | "warnings summary (final)" | "XFAILURES" => Part::Other,
            _ => {
                let is_ours = self.part != Part::None;
                self.close(found);
                return if is_ours { Claim::Line } else { Claim::None };
            }
        };
        Claim::Section
    }

    fn report_line(&mut self, line: &str) {
        if let Some(name) = title(line, '_').filter(|name| !name.starts_with('_')) {
            self.push_current();
            self.current = Some(Report { header: name.to_owned(), ..Report::default() });
            return;
        }
        let Some(report) = &mut self.current else { return };
        if title(line, '-').is_some_and(|title| title.starts_with("Captured ")) {
            report.captured = true;
        }
        if !report.captured {
            report.line(line);
        }
    }

    fn push_current(&mut self) {
        let Some(report) = self.current.take() else { return };
        if self.count < MAX_REPORTS {
            self.count += 1;
            let report = Report { index: self.count, ..report };
            self.reports.entry(report.name().to_owned()).or_default().push_back(report);
        }
    }

    fn tell(&mut self, node: &str, message: &str, found: &mut Found<'_>) {
        let (file, path) = node.split_once("::").unwrap_or((node, ""));
        let name = if path.is_empty() { file.to_owned() } else { path.replace("::", ".") };
        let reports = self.reports.get_mut(&name);
        let report = reports.and_then(VecDeque::pop_front).unwrap_or_default();
        found.add(report.told(node, file, message));
    }

    /// What the summary did not name: there need not be one.
    fn close(&mut self, found: &mut Found<'_>) {
        self.push_current();
        let had_summary = self.part == Part::Summary;
        self.part = Part::None;
        self.count = 0;
        let reports = std::mem::take(&mut self.reports);
        let mut reports: Vec<Report> = reports.into_values().flatten().collect();
        reports.sort_by_key(|report| report.index);
        for report in reports.into_iter().filter(|_| !had_summary) {
            let header = report.header.clone();
            let place = report.place.clone().unwrap_or_default();
            let file = Place::leading(&place).map_or("", |(place, _)| place.file).to_owned();
            found.add(report.told(&header, &file, "failed"));
        }
    }
}

impl Report {
    /// The name of the test without its file, or the file where it could not be read.
    fn name(&self) -> &str {
        let name = self.header.split(" (").next().unwrap_or_default();
        let name = name.rsplit(" of ").next().unwrap_or(name);
        name.strip_prefix("ERROR collecting ").unwrap_or(name)
    }

    fn line(&mut self, line: &str) {
        if let Some(message) = line.strip_prefix("E   ") {
            let message = message.trim();
            if self.message.is_none() && !message.is_empty() {
                self.message = Some(crate::text::beginning(message, 4096).to_owned());
            }
        } else if let Some((place, rest)) = Place::leading(line)
            && place.extension() == "py"
            && !place.is_foreign()
            && rest.starts_with(':')
        {
            self.place = Some(line[..line.len() - rest.len()].to_owned());
        }
    }

    fn told(self, node: &str, file: &str, message: &str) -> Failure {
        let message = self.message.as_deref().unwrap_or(message);
        let message = if message.is_empty() { "failed" } else { message };
        let told = failure(FailureCategory::Test, message).called(node);
        match self.place.as_deref().and_then(Place::whole) {
            Some(place) => told.at(&place),
            None => told.at(&Place::file(file)),
        }
    }
}

/// `==== title ====`
fn title(line: &str, rule: char) -> Option<&str> {
    let inner = line.trim_end_matches(rule);
    let title = inner.trim_start_matches(rule);
    let is_rule = line.len() - inner.len() >= 1 && inner.len() - title.len() >= 1;
    let title = title.strip_prefix(' ')?.strip_suffix(' ')?;
    (is_rule && line.len() >= 20 && !title.is_empty()).then_some(title)
}

/// `FAILED tests/a.py::test_b - message`: the test's full name, and the message.
fn entry(line: &str) -> Option<(&str, &str)> {
    let rest = line
        .strip_prefix("FAILED ")
        .or_else(|| line.strip_prefix("ERROR "))
        .or_else(|| line.strip_prefix("SUBFAIL ").or_else(|| line.strip_prefix("SUBFAILED ")))
        .or_else(|| line.strip_prefix("SUBFAILED(")?.split_once(") ").map(|(_, rest)| rest))?;
    // A parameter may hold what parts the name from the message.
    let name_end = match rest.find('[').zip(rest.find("] - ")) {
        Some((open, close)) if open < close => Some(close + 1),
        _ => rest.find(" - "),
    };
    let (node, message) = rest.split_at(name_end.unwrap_or(rest.len()));
    Some((node.trim_end(), message.strip_prefix(" - ").unwrap_or(message)))
}

fn is_other_entry(line: &str) -> bool {
    ["PASSED ", "SKIPPED ", "XFAIL ", "XPASS ", "SUBPASSED", "SUBSKIPPED", "RERUN "]
        .iter()
        .any(|word| line.starts_with(word))
}
