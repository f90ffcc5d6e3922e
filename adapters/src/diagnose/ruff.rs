//! ruff as people read it, checks and formatting (recordings: 0.17).

use codeloops_event::{Failure, FailureCategory};

use super::compilers::is_rule;
use super::found::{Found, Known, failure};
use super::rustc::arrow;
use super::{Claim, Reader};

#[derive(Default)]
pub(super) struct Ruff {
    /// What the line before said, if its place comes now.
    pending: Option<Failure>,
}

impl Reader for Ruff {
    fn line(&mut self, line: &str, found: &mut Found<'_>) -> Claim {
        if let Some(told) = self.pending.take()
            && let Some(place) = arrow(line)
        {
            found.add(told.at(&place));
            return Claim::Line;
        }
        self.pending = header(line);
        Claim::None
    }
}

/// `F401 [*] message`, `invalid-syntax: message`, `unformatted: message`.
fn header(line: &str) -> Option<Failure> {
    if let Some(message) = line.strip_prefix("invalid-syntax: ") {
        return Some(failure(FailureCategory::Lint, message).called("invalid-syntax"));
    }
    if let Some(message) = line.strip_prefix("unformatted: ") {
        return Some(failure(FailureCategory::Format, message));
    }
    let (code, message) = line.split_once(' ')?;
    let message = message.strip_prefix("[*] ").unwrap_or(message);
    is_rule(code).then(|| failure(FailureCategory::Lint, message).called(code))
}
