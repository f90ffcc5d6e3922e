//! eslint in the form for people (recordings: 10.15).

use codeloops_event::{Failure, FailureCategory};

use super::found::{Found, Known, failure};
use super::place::{Place, number};
use super::{Claim, Reader};

#[derive(Default)]
pub(super) struct Eslint {
    /// The file whose problems follow.
    file: Option<String>,
    /// They count only where there are too many.
    warnings: Vec<Failure>,
}

/// Warnings that are kept until it is known whether they count.
const MAX_WARNINGS: usize = 1_000;

impl Reader for Eslint {
    fn line(&mut self, line: &str, found: &mut Found<'_>) -> Claim {
        if line.starts_with("ESLint found too many warnings ") {
            self.warnings.drain(..).for_each(|warning| found.add(warning));
            return Claim::Line;
        }
        let row = self
            .file
            .as_deref()
            .filter(|file| !file.is_empty())
            .and_then(|file| problem(file, line));
        match row {
            Some((true, told)) => found.add(told),
            Some((false, told)) if self.warnings.len() < MAX_WARNINGS => self.warnings.push(told),
            Some(_) => {}
            None => {
                let is_file = memchr::memchr3(b'/', b'\\', b'.', line.as_bytes()).is_some()
                    && !line.starts_with(char::is_whitespace)
                    && line.len() < 1024
                    && !line.ends_with([':', '.']);
                let file = self.file.get_or_insert_default();
                file.clear();
                file.push_str(if is_file { line } else { "" });
                return Claim::None;
            }
        }
        Claim::Line
    }
}

/// `  1:7   error    message   rule`: whether it is an error, and what it says.
fn problem(file: &str, line: &str) -> Option<(bool, Failure)> {
    let (row, rest) = number(line.strip_prefix("  ")?.trim_start())?;
    let (column, rest) = number(rest.strip_prefix(':')?)?;
    let rest = rest.strip_prefix("  ")?.trim_start();
    let (kind, text) = rest.split_once("  ")?;
    let is_error = match kind {
        "error" => true,
        "warning" => false,
        _ => return None,
    };
    let text = text.trim();
    // A file that cannot be read breaks no rule.
    let (message, rule) = match text.rsplit_once("  ") {
        Some((message, rule)) if !rule.contains(' ') => (message.trim_end(), Some(rule)),
        _ => (text, None),
    };
    let place = Place { file, line: Some(row), column: Some(column) };
    let told = failure(FailureCategory::Lint, message).at(&place);
    Some((is_error, rule.map_or_else(|| told.clone(), |rule| told.clone().called(rule))))
}
