//! The Test Anything Protocol: `node --test` where no person looks, mocha and others on demand
//! (recordings: Node.js 20.20, mocha 12.0).

use codeloops_event::{Failure, FailureCategory};

use super::found::{Found, Known, failure};
use super::place::Place;
use super::{Claim, Reader};

#[derive(Default)]
pub(super) struct Tap {
    /// The suites that are open, from the outermost on.
    suites: Vec<String>,
    current: Option<Report>,
}

struct Report {
    told: Failure,
    /// Details are told as `key: value`.
    yaml: bool,
    /// The message follows.
    expects_message: bool,
}

/// Suites within each other.
const MAX_DEPTH: usize = 32;

impl Reader for Tap {
    fn line(&mut self, line: &str, found: &mut Found<'_>) -> Claim {
        let text = line.trim_start();
        let depth = (line.len() - text.len()) / 4;
        if let Some(suite) = text.strip_prefix("# Subtest: ") {
            self.tell(found);
            self.suites.truncate(depth.min(MAX_DEPTH));
            self.suites.push(crate::text::beginning(suite, 200).to_owned());
            return Claim::Line;
        }
        if test(text, "ok ").is_some() {
            self.tell(found);
            return Claim::None;
        }
        if let Some(name) = test(text, "not ok ") {
            self.tell(found);
            self.begin(name, depth);
            return Claim::Line;
        }
        let Some(report) = &mut self.current else { return Claim::None };
        if text.is_empty() || report.line(text) {
            return Claim::None;
        }
        self.current = None;
        Claim::None
    }

    fn end(&mut self, found: &mut Found<'_>) {
        self.tell(found);
    }
}

impl Tap {
    fn begin(&mut self, name: &str, depth: usize) {
        if name.contains(" # TODO") || name.contains(" # SKIP") {
            return;
        }
        let above = self.suites.iter().take(depth.min(MAX_DEPTH)).map(String::as_str);
        let name = above.chain([name]).collect::<Vec<_>>().join(" > ");
        let told = failure(FailureCategory::Test, "").called(&name);
        self.current = Some(Report { told, yaml: false, expects_message: false });
    }

    fn tell(&mut self, found: &mut Found<'_>) {
        let Some(Report { mut told, .. }) = self.current.take() else { return };
        if told.message.is_empty() {
            "failed".clone_into(&mut told.message);
        }
        found.add(told);
    }
}

impl Report {
    /// Takes a line in; false where it is the report of a suite, the tests of which are told.
    fn line(&mut self, line: &str) -> bool {
        let quoted = |text: &str| text.trim_matches(['\'', '"']).to_owned();
        if line == "---" {
            self.yaml = true;
        } else if line.starts_with("failureType: 'subtestsFailed'") {
            return false;
        } else if let Some(place) = line.strip_prefix("location: ") {
            let place = quoted(place);
            if let Some(place) = Place::whole(&place) {
                self.place(&place);
            }
        } else if let Some(message) = line.strip_prefix("error: ") {
            self.expects_message = message.starts_with(['|', '>']);
            if !self.expects_message && self.told.message.is_empty() {
                self.told.message = quoted(crate::text::beginning(message, 4096));
            }
        } else if self.told.message.is_empty() && (self.expects_message || !self.yaml) {
            crate::text::beginning(line, 4096).clone_into(&mut self.told.message);
        } else if self.told.file.is_none()
            && !self.yaml
            && line.starts_with("at ")
            && let Some(place) = Place::within(line)
        {
            self.place(&place);
        }
        true
    }

    fn place(&mut self, place: &Place<'_>) {
        self.told.file = Some(place.file.to_owned());
        (self.told.line, self.told.column) = (place.line, place.column);
    }
}

/// `not ok 1 - name`
fn test<'a>(line: &'a str, word: &str) -> Option<&'a str> {
    let (_, rest) = super::place::number(line.strip_prefix(word)?)?;
    let name = rest.strip_prefix(' ')?;
    Some(name.strip_prefix("- ").unwrap_or(name))
}
