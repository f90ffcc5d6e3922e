//! `codeloops sessions list`: one line a session.

use std::collections::HashSet;

use codeloops_event::Outcome;
use codeloops_session::{SessionFilter, SessionStore, SessionSummary};
use codeloops_sinks::{one_line, words};
use console::{measure_text_width, truncate_str};

use super::{store_error, tell};
use crate::app::ListArgs;
use crate::error::CliError;
use crate::output::Printer;
use crate::text::shorten;

/// Columns that the prompt may take.
const PROMPT_WIDTH: usize = 50;
/// Columns between two cells.
const GAP: usize = 2;
/// Columns that a cell is never cut to less than: it is left out then.
const NARROWEST: usize = 4;
/// Columns that an id takes up to the time of day, which mostly tells it from the others.
const ID_TIME: usize = "2025-01-27T15-30-45Z".len();
/// The columns of a row that give way on a narrow terminal, in this order, each to this width. An
/// outcome is what a list is read for, and an id what is copied out of it.
const GIVE_WAY: [(usize, usize); 9] = [
    (PROMPT, 20),
    (PROJECT, 8),
    (OUTCOME, 11),
    (ID, ID_TIME),
    (PROMPT, 0),
    (PROJECT, 0),
    (DURATION, 0),
    (ITERS, 0),
    (OUTCOME, 8),
];
const ID: usize = 0;
const PROJECT: usize = 1;
const OUTCOME: usize = 2;
const ITERS: usize = 3;
const DURATION: usize = 4;
const PROMPT: usize = 5;

type Row = [String; 6];

/// Lists the sessions that match.
pub(super) fn list(
    args: &ListArgs,
    store: &SessionStore,
    printer: &mut Printer,
) -> Result<(), CliError> {
    let filter = filter(args);
    let found = store.list_sessions(&filter).map_err(|error| store_error(&error))?;
    tell(&found.warnings, printer);
    if args.json {
        return printer.json(&found.sessions);
    }
    if found.sessions.is_empty() {
        printer.note(nothing(&filter));
        return Ok(());
    }
    printer.data(&table(&found.sessions, printer.stdout_columns()))
}

fn filter(args: &ListArgs) -> SessionFilter {
    SessionFilter {
        outcome: args.outcome,
        after: args.after,
        before: args.before,
        search: args.search.clone(),
        project: args.project.clone(),
        status: args.status,
    }
}

fn nothing(filter: &SessionFilter) -> &'static str {
    if *filter == SessionFilter::default() {
        "no sessions yet; `codeloops` records one when it runs\n"
    } else {
        "no session matches\n"
    }
}

/// The sessions as lines under a head line. All columns but the last are as wide as their widest
/// cell, as far as the terminal is wide enough.
fn table(sessions: &[SessionSummary], columns: Option<usize>) -> String {
    let head = ["ID", "Project", "Outcome", "Iters", "Duration", "Prompt"].map(str::to_owned);
    let rows: Vec<Row> = std::iter::once(head).chain(sessions.iter().map(cells)).collect();
    let width = |column: usize| {
        rows.iter().map(|row| measure_text_width(&row[column])).max().unwrap_or_default()
    };
    let mut widths: [usize; 6] = std::array::from_fn(width);
    if let Some(columns) = columns {
        fit(&mut widths, telling(&rows), columns);
    }
    rows.iter().map(|row| line(row, &widths)).collect()
}

/// Takes from the columns that give way what a line has too much. Ids keep what tells them apart.
fn fit(widths: &mut [usize; 6], telling: usize, columns: usize) {
    for (column, least) in GIVE_WAY {
        let shown = widths.iter().filter(|width| **width > 0).count();
        let taken = widths.iter().sum::<usize>() + GAP * (shown - 1);
        let too_much = taken.saturating_sub(columns);
        let least = if column == ID { least.max(telling) } else { least };
        let width = &mut widths[column];
        let left = width.saturating_sub(too_much).max(least.min(*width));
        *width = if left < NARROWEST { 0 } else { left };
    }
}

/// How much of the ids tells each from the others.
fn telling(rows: &[Row]) -> usize {
    let longest = rows.iter().map(|row| row[ID].chars().count()).max().unwrap_or_default();
    let differ = |length: &usize| {
        let mut begun = HashSet::new();
        rows.iter().all(|row| begun.insert(row[ID].chars().take(*length).collect::<String>()))
    };
    (1..longest).find(differ).unwrap_or(longest)
}

fn cells(session: &SessionSummary) -> Row {
    [
        one_line(session.id.as_str()),
        one_line(&session.project),
        session.outcome.map_or(session.status.as_str(), Outcome::as_str).to_owned(),
        session.iterations.to_string(),
        session.duration_secs.map_or_else(|| "-".to_owned(), words::duration),
        shorten(&one_line(&session.prompt_preview), PROMPT_WIDTH),
    ]
}

fn line(row: &Row, widths: &[usize; 6]) -> String {
    let cells: Vec<String> = row
        .iter()
        .zip(widths)
        .enumerate()
        .filter(|(_, (_, width))| **width > 0)
        .map(|(column, (cell, width))| {
            // The beginning of an id stands for it, as it is.
            let cell = match column {
                ID => truncate_str(cell, *width, "").into_owned(),
                _ => shorten(cell, *width),
            };
            let gap = width.saturating_sub(measure_text_width(&cell));
            format!("{cell}{}", " ".repeat(gap))
        })
        .collect();
    format!("{}\n", cells.join(&" ".repeat(GAP)).trim_end())
}
