//! What a restore would change, as it is shown.

use codeloops_adapters::git::Restoring;
use codeloops_event::{FileChange, FileStatus};
use codeloops_session::Session;
use codeloops_sinks::printable;
use codeloops_sinks::words::diff_summary;

use crate::error::CliError;
use crate::output::Printer;
use crate::values::At;

/// Paths that are listed by name; the rest is counted.
const LISTED: usize = 20;

/// Paths that a line names.
const NAMED: usize = 5;

/// Shows what would change.
pub(super) fn plan(
    restoring: &Restoring,
    session: &Session,
    at: At,
    printer: &mut Printer,
) -> Result<(), CliError> {
    let files = restoring.files();
    let root = printable(&restoring.root().to_string_lossy());
    let head = format!("Session {}, {}\n", session.id, state(at));
    let text = if files.is_empty() {
        format!("{head}`{root}` is in that state already.\n")
    } else {
        format!("{head}`{root}`: {}", list(files))
    };
    printer.data(&text)?;
    stays(restoring, session, printer);
    Ok(())
}

/// How much changes, and the files.
fn list(files: &[FileChange]) -> String {
    let lines = |of: fn(&FileChange) -> u64| files.iter().map(of).sum::<u64>();
    let count = files.len() as u64;
    let summary = diff_summary(count, lines(|file| file.insertions), lines(|file| file.deletions));
    let listed: String = files.iter().take(LISTED).map(line).collect();
    let more = match files.len().saturating_sub(LISTED) {
        0 => String::new(),
        more => format!("  and {more} more\n"),
    };
    format!("{summary}\n{listed}{more}")
}

/// The state in words.
pub(super) fn state(at: At) -> String {
    match at {
        At::Iteration(0) => "the state that the run began with".to_owned(),
        At::Iteration(number) => format!("the state that iteration {number} left"),
        At::Saved(number) => format!("the state that restore {number} replaced"),
    }
}

fn line(file: &FileChange) -> String {
    let what = match file.status {
        FileStatus::Added => "create",
        FileStatus::Deleted => "delete",
        _ => "change",
    };
    let lines = match (file.binary, file.insertions, file.deletions) {
        (true, _, _) => "binary".to_owned(),
        (_, added, 0) => format!("+{added}"),
        (_, 0, removed) => format!("-{removed}"),
        (_, added, removed) => format!("+{added} -{removed}"),
    };
    format!("  {what}  {}  ({lines})\n", printable(&file.path))
}

/// What is not as in that state, and stays.
fn stays(restoring: &Restoring, session: &Session, printer: &mut Printer) {
    let ignored = restoring.ignored();
    if !ignored.is_empty() {
        printer.remark(&format!("ignored in that state, so they stay: {}", named(&ignored)));
    }
    let submodules = restoring.submodules();
    if !submodules.is_empty() {
        let named = named(&submodules);
        printer.remark(&format!("repositories of their own stay as they are: {named}"));
    }
    if session.start.commit_sha.as_deref() != restoring.head() {
        printer.remark("HEAD is not where it was when the run began, and stays; so does the index");
    }
}

/// Files that git sees from now on.
pub(super) fn shows(paths: &[String], printer: &mut Printer) {
    if !paths.is_empty() {
        printer.remark(&format!("not ignored any more, and left there: {}", named(paths)));
    }
}

pub(super) fn named(paths: &[String]) -> String {
    let some: Vec<_> = paths.iter().take(NAMED).map(|path| format!("`{path}`")).collect();
    match paths.len() - some.len() {
        0 => some.join(", "),
        more => format!("{} and {more} more", some.join(", ")),
    }
}
