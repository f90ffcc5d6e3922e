//! mypy (recordings: 2.4).

use codeloops_event::{Failure, FailureCategory};

use super::found::{Found, Known, failure};
use super::place::{Place, number};
use super::{Claim, Reader};

#[derive(Default)]
pub(super) struct Mypy {
    /// An error whose code is still to come: `--pretty` breaks long lines.
    pending: Option<Failure>,
}

impl Reader for Mypy {
    fn line(&mut self, line: &str, found: &mut Found<'_>) -> Claim {
        if let Some((place, message)) = error(line) {
            self.tell(found);
            let told = failure(FailureCategory::Type, message).at(&place);
            self.pending = Some(told);
            self.close_if_whole(found);
            return Claim::Line;
        }
        let is_rest = self.pending.is_some()
            && !line.starts_with([' ', '\t'])
            && !line.starts_with("Found ")
            && !line.is_empty()
            && Place::leading(line).is_none();
        if !is_rest {
            self.tell(found);
            return Claim::None;
        }
        if let Some(told) = &mut self.pending {
            told.message.push(' ');
            told.message.push_str(crate::text::beginning(line, 500));
        }
        self.close_if_whole(found);
        Claim::Line
    }

    fn end(&mut self, found: &mut Found<'_>) {
        self.tell(found);
    }
}

impl Mypy {
    /// Tells the pending error if its code has come, or if it is too long to have one.
    fn close_if_whole(&mut self, found: &mut Found<'_>) {
        let is_whole = |told: &Failure| told.message.ends_with(']') || told.message.len() > 1000;
        if self.pending.as_ref().is_some_and(is_whole) {
            self.tell(found);
        }
    }

    fn tell(&mut self, found: &mut Found<'_>) {
        let Some(told) = self.pending.take() else { return };
        let message = told.message.clone();
        let whole = message.strip_suffix(']').and_then(|message| message.rsplit_once("  ["));
        found.add(match whole {
            Some((text, code)) => Failure { message: text.to_owned(), ..told }.called(code),
            None => told,
        });
    }
}

/// `file.py:1: error: message`, with column and end where they are asked for.
fn error(line: &str) -> Option<(Place<'_>, &str)> {
    let (place, mut rest) = Place::leading(line)?;
    if !matches!(place.extension(), "py" | "pyi") {
        return None;
    }
    while let Some((_, after)) = rest.strip_prefix(':').and_then(number) {
        rest = after;
    }
    Some((place, rest.strip_prefix(": error: ")?))
}
