//! `cargo fmt --check` (recordings: rustfmt 1.9).

use codeloops_event::FailureCategory;

use super::found::{Found, Known, failure};
use super::place::{Place, number};
use super::{Claim, Reader};

pub(super) struct Rustfmt;

impl Reader for Rustfmt {
    fn line(&mut self, line: &str, found: &mut Found<'_>) -> Claim {
        let Some(place) = line.strip_prefix("Diff in ").and_then(place) else { return Claim::None };
        if place.extension() != "rs" {
            return Claim::None;
        }
        found.add(failure(FailureCategory::Format, "not formatted as rustfmt does").at(&place));
        Claim::Line
    }
}

/// `file:7:`, and of older versions `file at line 7:`.
fn place(text: &str) -> Option<Place<'_>> {
    let text = text.strip_suffix(':')?;
    let Some((file, line)) = text.rsplit_once(" at line ") else { return Place::whole(text) };
    let (line, _) = number(line)?;
    Some(Place { line: Some(line), ..Place::file(file) })
}
