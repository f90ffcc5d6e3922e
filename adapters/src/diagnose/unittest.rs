//! Python's own unittest, which Django uses too (recordings: Python 3.11).

use codeloops_event::{Failure, FailureCategory};

use super::found::{Found, Known, failure};
use super::traceback::Traceback;
use super::{Claim, Reader};

#[derive(Default)]
pub(super) struct Unittest {
    /// The line before was the rule above the header of a report.
    ruled: bool,
    current: Option<Report>,
}

struct Report {
    name: String,
    traceback: Traceback,
}

const RULE: &str = "======================================================================";
const LINE: &str = "----------------------------------------------------------------------";

impl Reader for Unittest {
    fn line(&mut self, line: &str, found: &mut Found<'_>) -> Claim {
        if std::mem::take(&mut self.ruled)
            && let Some(name) = header(line)
        {
            self.tell(found);
            self.current = Some(Report { name, traceback: Traceback::default() });
            return Claim::Section;
        }
        if line == RULE {
            self.ruled = true;
            return if self.current.is_some() { Claim::Section } else { Claim::None };
        }
        if line.starts_with("Ran ") && line.contains(" test") && self.current.is_some() {
            self.tell(found);
            return Claim::Line;
        }
        let Some(report) = &mut self.current else { return Claim::None };
        if line != LINE {
            report.traceback.line(line);
        }
        Claim::Section
    }

    fn end(&mut self, found: &mut Found<'_>) {
        self.tell(found);
    }
}

impl Unittest {
    fn tell(&mut self, found: &mut Found<'_>) {
        self.current.take().into_iter().for_each(|report| found.add(report.told()));
    }
}

impl Report {
    fn told(self) -> Failure {
        let (message, place) = self.traceback.exception().unwrap_or(("failed", None));
        let told = failure(FailureCategory::Test, message).called(&self.name);
        match place.filter(|place| !place.is_foreign()) {
            Some(place) => told.at(&place),
            None => told,
        }
    }
}

/// `FAIL: test_a (mod.Class.test_a) (i=0)`, and before Python 3.11 `FAIL: test_a (mod.Class)`.
fn header(line: &str) -> Option<String> {
    let rest = line.strip_prefix("FAIL: ").or_else(|| line.strip_prefix("ERROR: "))?;
    let (method, rest) = rest.split_once(" (")?;
    let (class, parameters) = rest.split_once(')')?;
    let is_word = |text: &str| !text.is_empty() && !text.contains(char::is_whitespace);
    if !is_word(method) || !is_word(class) {
        return None;
    }
    let is_in_it = class.ends_with(&format!(".{method}"));
    let name = if is_in_it { class.to_owned() } else { format!("{class}.{method}") };
    Some(format!("{name}{}", crate::text::beginning(parameters, 200)))
}
