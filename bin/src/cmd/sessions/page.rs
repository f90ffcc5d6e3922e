//! A page for people: headings, rows of a name and what there is to say, texts below a heading. All
//! that it is given is untrusted.

use codeloops_sinks::sanitise;

use crate::text::{one_line, wrap};

/// Columns before the name of a row.
const ROW_INDENT: usize = 2;
/// Columns before what a row says.
const VALUE_INDENT: usize = 13;
/// Columns before a text that belongs to a round or the end.
const TEXT_INDENT: usize = 4;

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

    /// A name, and beside it what there is to say, each on a line of its own.
    pub(super) fn row(&mut self, name: &str, says: impl IntoIterator<Item = impl AsRef<str>>) {
        let mut name = name;
        for said in says {
            let said = wrap(&one_line(said.as_ref()), VALUE_INDENT, self.columns);
            let room = VALUE_INDENT - ROW_INDENT;
            self.line(&format!("  {name:<room$}{}", said.trim_start()));
            name = "";
        }
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
