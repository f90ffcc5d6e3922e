//! A page for people: headings, rows of a name and what there is to say, texts below a heading. All
//! that it is given is untrusted.

use codeloops_sinks::words::Said;
use codeloops_sinks::{one_line, printable, sanitise};
use console::measure_text_width;

use crate::text::wrap;

/// Columns before the name of a row.
const ROW_INDENT: usize = 2;
/// Columns before what a row says.
const VALUE_INDENT: usize = 13;
/// Columns before a text that belongs to a round or the end.
const TEXT_INDENT: usize = 4;

/// Columns before something to be copied that has a line to itself.
const WHOLE_INDENT: usize = 4;

/// A page as it grows.
pub(super) struct Page {
    text: String,
    /// Where its lines end; none where nothing ends them.
    columns: Option<usize>,
}

impl Page {
    pub(super) const fn new(columns: Option<usize>) -> Self {
        Self { text: String::new(), columns }
    }

    pub(super) fn into_text(self) -> String {
        self.text
    }

    /// A line that begins a part of the page.
    pub(super) fn heading(&mut self, heading: &str) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        self.line(&one_line(heading));
    }

    /// A name, and beside it what there is to say, each on a line of its own. What is to be copied is
    /// never broken: where there is no room for it, it has a line to itself.
    pub(super) fn row(&mut self, name: &str, says: impl IntoIterator<Item = impl Into<Said>>) {
        let room = VALUE_INDENT - ROW_INDENT;
        let mut name = name;
        for said in says {
            let Said { text, to_copy } = said.into();
            let text = wrap(&one_line(&text), VALUE_INDENT, self.columns);
            let line = format!("  {name:<room$}{}", text.trim_start());
            self.with_whole(line.trim_end(), to_copy.as_deref());
            name = "";
        }
    }

    fn with_whole(&mut self, text: &str, to_copy: Option<&str>) {
        let Some(to_copy) = to_copy.map(printable) else { return self.line(text) };
        let (before, last) =
            text.rsplit_once('\n').map_or(("", text), |(before, last)| (before, last));
        let column = measure_text_width(last).max(VALUE_INDENT - 1);
        let end = column + 1 + measure_text_width(&to_copy);
        if self.columns.is_some_and(|columns| end > columns) {
            self.line(text);
            return self.line(&format!("{:WHOLE_INDENT$}{to_copy}", ""));
        }
        if !before.is_empty() {
            self.line(before);
        }
        let room = column - measure_text_width(last);
        self.line(&format!("{last}{:room$} {to_copy}", ""));
    }

    /// A text below a heading of its own; nothing where it is empty.
    pub(super) fn text(&mut self, heading: &str, text: &str) {
        if !text.trim().is_empty() {
            self.line(&format!("  {heading}"));
            self.indented(text, TEXT_INDENT);
        }
    }

    /// A text, each line behind blanks, so that it cannot pass for ours.
    pub(super) fn indented(&mut self, text: &str, indent: usize) {
        let text = wrap(sanitise(text).trim_end(), indent, self.columns);
        self.line(&text);
    }

    fn line(&mut self, line: &str) {
        self.text.push_str(line.trim_end());
        self.text.push('\n');
    }
}
