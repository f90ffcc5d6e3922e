//! pyright as people read it (recordings: 1.1.414).

use codeloops_event::{Failure, FailureCategory};

use super::found::{Found, Known, failure};
use super::place::Place;
use super::{Claim, Reader};

#[derive(Default)]
pub(super) struct Pyright {
    /// An error whose explanation and rule may follow.
    pending: Option<Failure>,
}

impl Reader for Pyright {
    fn line(&mut self, line: &str, found: &mut Found<'_>) -> Claim {
        if let Some((place, message)) = error(line) {
            self.tell(found);
            let (message, rule) = with_rule(message);
            let told = failure(FailureCategory::Type, message).at(&place);
            match rule {
                Some(rule) => found.add(told.called(rule)),
                None => self.pending = Some(told),
            }
            return Claim::Line;
        }
        // An explanation is indented further, with spaces that do not break.
        let is_rest = line.starts_with("  ") && Place::leading(line.trim_start()).is_none();
        if let Some(told) = self.pending.take() {
            let rule = with_rule(line).1.filter(|_| is_rest);
            match rule {
                Some(rule) => found.add(told.called(rule)),
                None if is_rest => self.pending = Some(told),
                None => found.add(told),
            }
            return if is_rest { Claim::Line } else { Claim::None };
        }
        Claim::None
    }

    fn end(&mut self, found: &mut Found<'_>) {
        self.tell(found);
    }
}

impl Pyright {
    fn tell(&mut self, found: &mut Found<'_>) {
        self.pending.take().into_iter().for_each(|told| found.add(told));
    }
}

/// `  /path/a.py:1:2 - error: message`
fn error(line: &str) -> Option<(Place<'_>, &str)> {
    let (place, rest) = Place::leading(line.strip_prefix("  ")?)?;
    let message = rest.strip_prefix(" - error: ")?;
    matches!(place.extension(), "py" | "pyi").then_some((place, message))
}

/// `message (reportRule)`
fn with_rule(text: &str) -> (&str, Option<&str>) {
    let split = text.strip_suffix(')').and_then(|text| text.rsplit_once(" ("));
    match split {
        Some((message, rule)) if rule.starts_with("report") && !rule.contains(' ') => {
            (message, Some(rule))
        }
        _ => (text, None),
    }
}
