//! make and ninja: what they say where the tool that failed said nothing that is understood
//! (recordings: GNU Make 4.3).

use codeloops_event::FailureCategory;

use super::found::{Found, LastResort, failure};
use super::{Claim, Reader};

pub(super) struct Make;

impl Reader for Make {
    fn line(&mut self, line: &str, found: &mut Found<'_>) -> Claim {
        let Some(message) = message(line) else { return Claim::None };
        let told = failure(FailureCategory::Build, message);
        found.add_last_resort(LastResort::Caller, told);
        Claim::Line
    }
}

/// `make[1]: *** [Makefile:2: all] Error 1`: what follows the stars.
fn message(line: &str) -> Option<&str> {
    let rest = line.strip_prefix("gmake").or_else(|| line.strip_prefix("make"))?;
    let rest = match rest.strip_prefix('[') {
        Some(level) => level.split_once(']')?.1,
        None => rest,
    };
    rest.strip_prefix(": *** ")
}
