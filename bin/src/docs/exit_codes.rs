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
    page.heading(2, "Where it is told what went wrong");
    page.block(WHERE_IT_IS_TOLD);
    page.heading(2, "In a cron job");
    page.block(IN_A_CRON_JOB);
    page.fence(
        "sh",
        "cd ~/myapp && codeloops --max-duration 2h --sink jsonl 2> run.log || cat run.log\n\
         codeloops --max-duration 2h --json-output > result.json 2> run.log || \\\n  \
           jq -r '.outcome, .error, .session_id' result.json",
    );
    page.finish()
}

const WHERE_IT_IS_TOLD: &str = "\
- **Before a run begins**, and by every other command: on standard error, in a line that begins with
  `Error:`, with `hint:` lines below it. So it is where the usage is wrong, an agent is not
  installed, or there is no repository. Nothing is on standard output.
- **Once a run has begun**, its console tells that it failed as it tells all else: on standard output,
  in its last lines. There is no `Error:` then, and with `> /dev/null` nothing is told at all. The
  exit code says it, and so does `codeloops sessions show latest`.
- **With `--json-output`** standard output holds one [document](json.md#the-result-of-a-run), also
  where no run began: the code is its `exit_code`, what went wrong its `error`. The console is on
  standard error, without the closing lines that name the session and what to do next.
- **With `--sink jsonl`** there is no console. A run that was approved prints nothing but the notes
  and warnings of its start; any other ends with a `note:` on standard error that names its outcome
  and its session, below an `Error:` where something failed.
- **Where standard output is closed** during a run (`codeloops | head -1`), or takes no more, a
  `warning:` on standard error says so when it happens. The run goes on.";

const IN_A_CRON_JOB: &str = "\
Look at the exit code; cron itself mails what is printed. So either print only what went wrong, with
the notes of the start where a project's file has agents of its own, or keep the document and the
console:";

/// The outcomes that end with a code.
fn outcomes(exit_code: u8) -> String {
    Outcome::WORDS
        .iter()
        .filter(|(_, outcome)| outcome.exit_code() == exit_code)
        .map(|(word, _)| code(word))
        .collect::<Vec<_>>()
        .join(", ")
}
