//! `codeloops sessions list`: one line a session.

use codeloops_event::Outcome;
use codeloops_session::{Catalogue, SessionEntry, SessionFilter, SessionStore, SessionSummary};
use codeloops_sinks::{one_line, words};
use serde::{Serialize, Serializer};

use super::{store_error, tell};
use crate::app::{FilterArgs, ListArgs};
use crate::cmd::table::{Room, Shape, Table};
use crate::error::CliError;
use crate::output::Printer;
use crate::text::{is_plain, named, shorten};

/// Columns that the prompt may take.
const PROMPT_WIDTH: usize = 50;
/// Columns that an id takes up to the time of day, which mostly tells it from the others.
const ID_TIME: usize = "2025-01-27T15-30-45Z".len();
const ID: usize = 0;
const PROJECT: usize = 1;
const OUTCOME: usize = 2;
const ITERS: usize = 3;
const DURATION: usize = 4;
const PROMPT: usize = 5;

/// An outcome is what a list is read for, and an id what is copied out of it.
const SHAPE: Shape<6> = Shape {
    head: ["ID", "Project", "Outcome", "Iters", "Duration", "Prompt"],
    id: ID,
    give_way: &[
        (PROMPT, Room::AtLeast(20)),
        (PROJECT, Room::AtLeast(8)),
        (OUTCOME, Room::AtLeast(11)),
        (ID, Room::AtLeast(ID_TIME)),
        (PROMPT, Room::AtLeast(0)),
        (PROJECT, Room::AtLeast(0)),
        (DURATION, Room::AtLeast(0)),
        (ITERS, Room::AtLeast(0)),
        (OUTCOME, Room::AtLeast(8)),
    ],
};

/// Lists the sessions that match.
pub(super) fn list(
    args: &ListArgs,
    store: &SessionStore,
    printer: &mut Printer,
) -> Result<(), CliError> {
    let filter = filter(&args.filter);
    let mut found = store.catalogue(&filter).map_err(|error| store_error(&error))?;
    tell(found.warnings(), printer);
    found.sort(args.sort.unwrap_or_default(), args.reverse);
    found.truncate(args.limit.map_or(usize::MAX, |limit| limit.get() as usize));
    if args.json {
        return printer.json(&Summaries(&found));
    }
    if found.is_empty() {
        printer.note(nothing(&filter));
        return Ok(());
    }
    let mut table = Table::new(SHAPE);
    found.iter().for_each(|session| table.add(cells(&session)));
    printer.data(&table.lines(printer.stdout_columns()))
}

/// The sessions as JSON, one after the other.
struct Summaries<'a>(&'a Catalogue);

impl Serialize for Summaries<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(SessionSummary::from))
    }
}

/// What the options ask for.
pub(super) fn filter(args: &FilterArgs) -> SessionFilter {
    SessionFilter {
        outcome: args.outcome,
        after: args.after,
        before: args.before,
        search: args.search.clone(),
        project: args.project.clone(),
        status: args.status,
    }
}

/// What is said where there is none.
pub(super) fn nothing(filter: &SessionFilter) -> &'static str {
    if *filter == SessionFilter::default() {
        "no sessions yet; `codeloops` records one when it runs\n"
    } else {
        "no session matches\n"
    }
}

fn cells(session: &SessionEntry<'_>) -> [String; 6] {
    [
        named(session.id),
        named(session.project()),
        session.outcome.map_or(session.status.as_str(), Outcome::as_str).to_owned(),
        session.iterations.to_string(),
        session.duration_secs.map_or_else(|| "-".to_owned(), words::duration),
        beginning(session.prompt_preview),
    ]
}

/// As much of a prompt as there is room for.
fn beginning(prompt: &str) -> String {
    let has_only_words = |text: &str| text.split(['\n', '\t']).all(is_plain);
    if !has_only_words(prompt) {
        return shorten(&one_line(prompt), PROMPT_WIDTH);
    }
    let mut line = String::with_capacity(2 * PROMPT_WIDTH);
    let mut words = prompt.split_ascii_whitespace();
    while line.len() <= PROMPT_WIDTH
        && let Some(word) = words.next()
    {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    shorten(&line, PROMPT_WIDTH)
}
