//! `black --check`, isort, and `ruff format --check` of older versions (recordings: black 26.10).

use codeloops_event::{Failure, FailureCategory};

use super::found::{Found, Known, failure};
use super::place::{Place, extension};
use super::{Claim, Reader};

pub(super) struct Black;

impl Reader for Black {
    fn line(&mut self, line: &str, found: &mut Found<'_>) -> Claim {
        let Some(told) = told(line) else { return Claim::None };
        found.add(told);
        Claim::Line
    }
}

fn told(line: &str) -> Option<Failure> {
    let reformat = line.strip_prefix("would reformat ").or(line.strip_prefix("Would reformat: "));
    if let Some(file) = reformat.filter(|file| is_python(file)) {
        let told = failure(FailureCategory::Format, "not formatted as the formatter does");
        return Some(told.at(&Place::file(file)));
    }
    let rest = line.strip_prefix("error: cannot parse: ");
    if let Some(place) = rest.and_then(Place::whole).filter(|place| is_python(place.file)) {
        return Some(failure(FailureCategory::Format, "cannot parse").at(&place));
    }
    if let Some(rest) = line.strip_prefix("error: cannot format ") {
        let (file, message) = rest.split_once(": ")?;
        let told = failure(FailureCategory::Format, message);
        return is_python(file).then(|| told.at(&Place::file(file)));
    }
    let file = line.strip_prefix("ERROR: ")?;
    let file = file.strip_suffix(" Imports are incorrectly sorted and/or formatted.")?;
    Some(failure(FailureCategory::Format, "imports are not sorted").at(&Place::file(file)))
}

fn is_python(file: &str) -> bool {
    matches!(extension(file), "py" | "pyi" | "ipynb")
}
