//! The page of exit codes, from [`exit_code::TABLE`] and the outcomes.

use codeloops_event::Outcome;

use super::page::{Page, code};
use crate::exit_code;
use crate::values::Words;

pub(super) fn page() -> String {
    let mut page = Page::new("Exit codes");
    page.block("They are the same for every command.");
    let rows: Vec<[String; 3]> = exit_code::TABLE
        .iter()
        .map(|entry| {
            [code(&entry.code.to_string()), outcomes(entry.code), entry.meaning.to_owned()]
        })
        .collect();
    page.table(["code", "outcome of a run", "meaning"], &rows);
    page.block(
        "With `--json-output` the code also stands in the document, as `exit_code`. What went wrong \
         is told on standard error, in a line that begins with `Error:`.",
    );
    page.fence(
        "sh",
        "codeloops --max-iterations 3\n\
         case $? in\n  \
           0) echo \"approved\" ;;\n  \
           1) echo \"a limit was reached\" ;;\n  \
           130) echo \"interrupted\" ;;\n  \
           *) echo \"failed\" ;;\n\
         esac",
    );
    page.finish()
}

/// The outcomes that end with a code. `stuck` is of sessions that other programs wrote: no limit
/// of this release leads to it.
fn outcomes(exit_code: u8) -> String {
    Outcome::WORDS
        .iter()
        .filter(|(_, outcome)| outcome.exit_code() == exit_code && *outcome != Outcome::Stuck)
        .map(|(word, _)| code(word))
        .collect::<Vec<_>>()
        .join(", ")
}
