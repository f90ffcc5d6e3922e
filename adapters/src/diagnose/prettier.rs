//! `prettier --check` (recordings: 3.10).

use codeloops_event::FailureCategory;

use super::found::{Found, Known, failure};
use super::place::{Place, extension, number};
use super::{Claim, Reader};

#[derive(Default)]
pub(super) struct Prettier {
    checking: bool,
}

impl Reader for Prettier {
    fn line(&mut self, line: &str, found: &mut Found<'_>) -> Claim {
        if line == "Checking formatting..." {
            self.checking = true;
            return Claim::Line;
        }
        if !self.checking {
            return Claim::None;
        }
        if let Some(file) = line.strip_prefix("[warn] ").filter(|file| is_file(file)) {
            let told = failure(FailureCategory::Format, "not formatted as Prettier does");
            found.add(told.at(&Place::file(file)));
            return Claim::Line;
        }
        if let Some((file, message)) = line.strip_prefix("[error] ").and_then(unreadable) {
            found.add(failure(FailureCategory::Format, message.0).at(&Place {
                file,
                line: Some(message.1),
                column: Some(message.2),
            }));
            return Claim::Line;
        }
        Claim::None
    }
}

/// Whether it is a file, and no sentence.
fn is_file(text: &str) -> bool {
    let is_ending = |end: &str| !end.is_empty() && end.bytes().all(|b| b.is_ascii_alphanumeric());
    is_ending(extension(text)) && !text.contains(": ")
}

/// `a.js: SyntaxError: message (1:7)`
fn unreadable(text: &str) -> Option<(&str, (&str, u32, u32))> {
    let (file, message) = text.split_once(": SyntaxError: ")?;
    let (message, place) = message.strip_suffix(')')?.rsplit_once(" (")?;
    let (line, rest) = number(place)?;
    let (column, _) = number(rest.strip_prefix(':')?)?;
    Some((file, (message, line, column)))
}
