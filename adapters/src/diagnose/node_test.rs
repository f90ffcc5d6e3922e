//! `node --test` in the form for people (recordings: Node.js 20.20).

use super::found::Found;
use super::place::Place;
use super::report::Report;
use super::{Claim, Reader};

/// Reads the list of tests that failed at the end.
#[derive(Default)]
pub(super) struct NodeTest {
    list: bool,
    /// Where the next test stands.
    place: Option<String>,
    current: Option<(Report, String)>,
}

impl Reader for NodeTest {
    fn line(&mut self, line: &str, found: &mut Found<'_>) -> Claim {
        if line == "✖ failing tests:" {
            self.list = true;
            return Claim::Section;
        }
        if !self.list {
            return Claim::None;
        }
        if let Some(place) = line.strip_prefix("test at ") {
            self.tell(found);
            self.place = Some(place.to_owned());
        } else if let Some(place) = self.place.take() {
            self.begin(line, place);
        } else if !line.is_empty() && !line.starts_with(' ') {
            self.tell(found);
            self.list = false;
            return Claim::None;
        } else if let Some((report, _)) = &mut self.current {
            report.line(line.trim_start());
        }
        Claim::Section
    }

    fn end(&mut self, found: &mut Found<'_>) {
        self.tell(found);
    }
}

impl NodeTest {
    /// `✖ name (5.787054ms)`
    fn begin(&mut self, line: &str, place: String) {
        let Some(title) = line.strip_prefix("✖ ") else { return };
        let title = title.strip_suffix("ms)").and_then(|title| title.rsplit_once(" ("));
        let title = title.map_or_else(|| line.trim_start_matches("✖ "), |(title, _)| title);
        let Some(file) = Place::whole(&place).map(|place| place.file) else { return };
        self.current = Some((Report::new(format!("{file} > {title}")), place));
    }

    fn tell(&mut self, found: &mut Found<'_>) {
        let Some((report, place)) = self.current.take() else { return };
        let Some(start) = Place::whole(&place) else { return };
        let mut told = report.told(Some(start.file));
        if told.line.is_none() {
            (told.line, told.column) = (start.line, start.column);
        }
        found.add(told);
    }
}
