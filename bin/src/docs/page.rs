//! Writes Markdown.

/// A page that grows from top to bottom.
pub(super) struct Page(String);

impl Page {
    /// A page with its title, and the note that it is not written by hand.
    pub(super) fn new(title: &str) -> Self {
        Self(format!("# {title}\n\n<!-- Made by `cargo xtask docs`; do not edit. -->\n"))
    }

    /// A heading: two levels are used below the title.
    pub(super) fn heading(&mut self, level: usize, text: &str) {
        self.block(&format!("{} {text}", "#".repeat(level)));
    }

    /// A paragraph, a list, or anything else that is Markdown already.
    pub(super) fn block(&mut self, text: &str) {
        self.0.push('\n');
        self.0.push_str(text.trim_end());
        self.0.push('\n');
    }

    /// Lines of code in a fence.
    pub(super) fn fence(&mut self, language: &str, code: &str) {
        self.block(&format!("```{language}\n{}\n```", code.trim_end()));
    }

    /// A table; nothing where it has no rows.
    pub(super) fn table<const N: usize>(&mut self, head: [&str; N], rows: &[[String; N]]) {
        if !rows.is_empty() {
            self.block(&table(head, rows));
        }
    }

    /// The whole text.
    pub(super) fn finish(self) -> String {
        self.0
    }
}

/// A text as code; `none` where there is none.
pub(super) fn code(text: &str) -> String {
    if text.is_empty() { "none".to_owned() } else { format!("`{text}`") }
}

/// A table.
pub(super) fn table<const N: usize>(head: [&str; N], rows: &[[String; N]]) -> String {
    let mut text = row(&head.map(str::to_owned));
    text.push_str(&row(&head.map(|_| "---".to_owned())));
    rows.iter().for_each(|cells| text.push_str(&row(cells)));
    text
}

fn row(cells: &[String]) -> String {
    let cells: Vec<String> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
    format!("| {} |\n", cells.join(" | "))
}

#[cfg(test)]
mod tests {
    use super::Page;

    #[test]
    fn a_bar_in_a_cell_does_not_end_it() {
        let mut page = Page::new("T");
        page.table(["a", "b"], &[["x | y".to_owned(), String::new()]]);
        assert!(page.finish().ends_with("\n| a | b |\n| --- | --- |\n| x \\| y |  |\n"));
    }
}
