//! vitest (recordings: 4.1).

use super::found::Found;
use super::report::Report;
use super::{Claim, Reader};

/// Reads the reports at the end, from their title on.
#[derive(Default)]
pub(super) struct Vitest {
    reports: bool,
    /// The tests that failed for the same reason.
    current: Vec<Report>,
}

/// Tests that can share a report.
const MAX_SHARED: usize = 200;

impl Reader for Vitest {
    fn line(&mut self, line: &str, found: &mut Found<'_>) -> Claim {
        if line.starts_with("⎯") {
            let is_title = line.contains(" Failed Tests ") || line.contains(" Failed Suites ");
            self.reports |= is_title;
            if self.reports {
                self.tell(found);
                return Claim::Section;
            }
            return Claim::None;
        }
        if !self.reports {
            return Claim::None;
        }
        if line.starts_with(" Test Files  ") {
            self.tell(found);
            self.reports = false;
            return Claim::Line;
        }
        if let Some(name) = line.strip_prefix(" FAIL  ") {
            self.begin(name, found);
        } else if !line.starts_with("    ") {
            self.current.iter_mut().for_each(|report| report.line(line.trim_start()));
        }
        Claim::Section
    }

    fn end(&mut self, found: &mut Found<'_>) {
        self.tell(found);
    }
}

impl Vitest {
    fn begin(&mut self, name: &str, found: &mut Found<'_>) {
        if self.current.iter().any(Report::has_message) || self.current.len() >= MAX_SHARED {
            self.tell(found);
        }
        // A file that could not be read is named twice: `a.test.ts [ a.test.ts ]`.
        let name = name.split(" [ ").next().unwrap_or(name);
        let name = match name.strip_prefix('|').and_then(|name| name.split_once("| ")) {
            Some((_project, name)) => name,
            None => name,
        };
        self.current.push(Report::new(name.to_owned()));
    }

    fn tell(&mut self, found: &mut Found<'_>) {
        for report in self.current.drain(..) {
            let file = report.name().split(" > ").next().unwrap_or_default().to_owned();
            found.add(report.told(Some(&file)));
        }
    }
}
