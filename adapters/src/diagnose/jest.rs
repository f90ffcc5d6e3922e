//! jest (recordings: 30.5).

use super::found::Found;
use super::report::Report;
use super::{Claim, Reader};

/// Reads the part of one test file that failed, from its `FAIL` line on.
#[derive(Default)]
pub(super) struct Jest {
    /// The test file.
    file: Option<String>,
    current: Option<Report>,
}

impl Reader for Jest {
    fn line(&mut self, line: &str, found: &mut Found<'_>) -> Claim {
        // With colours there is a frame of spaces.
        let failed = line.strip_prefix("FAIL ").or_else(|| line.strip_prefix(" FAIL  "));
        if let Some(file) = failed.and_then(test_file) {
            self.tell(found);
            self.file = Some(file.to_owned());
            return Claim::Section;
        }
        let Some(file) = &self.file else { return Claim::None };
        if !line.is_empty() && !line.starts_with(' ') {
            self.tell(found);
            self.file = None;
            return Claim::None;
        }
        if let Some(title) = line.strip_prefix("  ● ") {
            let name = match title {
                "Test suite failed to run" => file.clone(),
                title => format!("{file} › {title}"),
            };
            self.tell(found);
            // What the tests printed.
            self.current = (title != "Console").then(|| Report::new(name));
        } else if let Some(report) = &mut self.current {
            report.line(line.trim_start());
        }
        Claim::Section
    }

    fn end(&mut self, found: &mut Found<'_>) {
        self.tell(found);
    }
}

impl Jest {
    fn tell(&mut self, found: &mut Found<'_>) {
        let Some(report) = self.current.take() else { return };
        // All are told once more at the end, where there are many.
        if !found.knows_test(report.name()) {
            found.add(report.told(self.file.as_deref()));
        }
    }
}

/// `src/a.test.ts` or `name src/a.test.ts (5.1 s)`.
fn test_file(text: &str) -> Option<&str> {
    let text =
        text.strip_suffix(" s)").and_then(|text| text.rsplit_once(" (")).map_or(text, |t| t.0);
    let file = text.trim_end().rsplit(' ').next()?;
    let endings = ["js", "jsx", "mjs", "cjs", "ts", "tsx", "mts", "cts", "vue", "svelte"];
    endings.contains(&super::place::extension(file)).then_some(file)
}
