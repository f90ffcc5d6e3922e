//! tsc and what wraps it (recordings: TypeScript 7.0; the forms are those of 5 too).

use codeloops_event::FailureCategory;

use super::found::{Found, Known, failure};
use super::place::{Place, around, number};
use super::{Claim, Reader};

pub(super) struct Tsc;

impl Reader for Tsc {
    fn line(&mut self, line: &str, found: &mut Found<'_>) -> Claim {
        let Some((place, rest)) = parts(line) else { return Claim::None };
        let Some((code, message)) = rest.split_once(": ") else { return Claim::None };
        let is_code =
            code.strip_prefix("TS").is_some_and(|n| n.bytes().all(|b| b.is_ascii_digit()));
        if !is_code {
            return Claim::None;
        }
        let told = failure(FailureCategory::Type, message).called(code);
        found.add(place.map_or_else(|| told.clone(), |place| told.clone().at(&place)));
        Claim::Line
    }
}

/// The place, and what follows the word `error`.
fn parts(line: &str) -> Option<(Option<Place<'_>>, &str)> {
    if let Some(rest) = line.strip_prefix("error ") {
        return Some((None, rest));
    }
    let (place, rest) = around(line, "error TS")?;
    let rest = &line[line.len() - rest.len() - 2..];
    if let Some(place) = place.strip_suffix(": ") {
        return Some((Some(in_brackets(place)?), rest));
    }
    Some((Some(Place::whole(place.strip_suffix(" - ")?)?), rest))
}

/// `file(1,2)`
fn in_brackets(text: &str) -> Option<Place<'_>> {
    let (file, numbers) = text.strip_suffix(')')?.rsplit_once('(')?;
    let (line, rest) = number(numbers)?;
    let (column, rest) = number(rest.strip_prefix(',')?)?;
    let is_whole = rest.is_empty() && !file.is_empty();
    is_whole.then_some(Place { file, line: Some(line), column: Some(column) })
}
