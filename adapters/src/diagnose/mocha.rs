//! mocha (recordings: 12.0).

use super::found::Found;
use super::report::Report;
use super::{Claim, Reader};

/// Reads the reports at the end, which follow the count of what passed and of what failed.
#[derive(Default)]
pub(super) struct Mocha {
    /// The line before counted what passed or is pending.
    counted: bool,
    /// How many reports there are, once they have begun.
    failing: u32,
    seen: u32,
    /// The titles above the test, as far as they have come.
    titles: Option<String>,
    current: Option<Report>,
}

impl Reader for Mocha {
    fn line(&mut self, line: &str, found: &mut Found<'_>) -> Claim {
        if self.failing > 0 {
            return self.report_line(line, found);
        }
        if count(line, " passing (").is_some() || self.counted && count(line, " pending").is_some()
        {
            self.counted = true;
            return Claim::None;
        }
        if !std::mem::take(&mut self.counted) {
            return Claim::None;
        }
        self.failing = count(line, " failing").unwrap_or(0);
        self.seen = 0;
        if self.failing > 0 { Claim::Section } else { Claim::None }
    }

    fn end(&mut self, found: &mut Found<'_>) {
        self.tell(found);
    }
}

impl Mocha {
    fn report_line(&mut self, line: &str, found: &mut Found<'_>) -> Claim {
        let header = format!("  {}) ", self.seen + 1);
        if let Some(title) = line.strip_prefix(&header) {
            self.tell(found);
            self.seen += 1;
            self.titles = Some(String::new());
            self.title(title);
            return Claim::Section;
        }
        if self.titles.is_some() {
            self.title(line);
            return Claim::Section;
        }
        let is_other = !line.is_empty() && !line.starts_with(' ');
        let is_over = self.seen == self.failing
            && self.current.as_ref().is_none_or(Report::has_place)
            && is_other;
        if is_over {
            self.tell(found);
            self.failing = 0;
            return Claim::None;
        }
        if let Some(report) = &mut self.current {
            report.line(line.trim_start());
        }
        Claim::Section
    }

    /// A title of a suite, or of the test, which ends with a colon.
    fn title(&mut self, line: &str) {
        let Some(titles) = &mut self.titles else { return };
        let title = line.trim();
        let room = 1000_usize.saturating_sub(titles.len());
        if !titles.is_empty() {
            titles.push(' ');
        }
        titles.push_str(crate::text::beginning(title.trim_end_matches(':'), room));
        if title.ends_with(':') || title.is_empty() {
            self.current = self.titles.take().map(|name| Report::new(name.trim().to_owned()));
        }
    }

    fn tell(&mut self, found: &mut Found<'_>) {
        self.current.take().into_iter().for_each(|report| found.add(report.told(None)));
    }
}

/// `  4 failing`
fn count(line: &str, what: &str) -> Option<u32> {
    let (number, rest) = super::place::number(line.strip_prefix("  ")?)?;
    rest.starts_with(what).then_some(number)
}
