//! `codeloops sessions list`: one line a session.

use codeloops_event::Outcome;
use codeloops_session::{SessionFilter, SessionStore, SessionSummary};
use codeloops_sinks::{one_line, words};
use console::measure_text_width;

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
/// The columns of a row that give way on a narrow terminal, in this order, each to this width. An
/// outcome is what a list is read for, so it is the last.
const GIVE_WAY: [(usize, usize); 4] = [(PROMPT, 8), (PROJECT, 8), (PROMPT, 0), (OUTCOME, 11)];
const PROJECT: usize = 1;
const OUTCOME: usize = 2;
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
        fit(&mut widths, columns);
    }
    rows.iter().map(|row| line(row, &widths)).collect()
}

/// Takes from the columns that give way what a line has too much.
fn fit(widths: &mut [usize; 6], columns: usize) {
    for (column, least) in GIVE_WAY {
        let shown = widths.iter().filter(|width| **width > 0).count();
        let taken = widths.iter().sum::<usize>() + GAP * (shown - 1);
        let too_much = taken.saturating_sub(columns);
        let width = &mut widths[column];
        let left = width.saturating_sub(too_much).max(least.min(*width));
        *width = if left < NARROWEST { 0 } else { left };
    }
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
        .filter(|(_, width)| **width > 0)
        .map(|(cell, width)| {
            let cell = shorten(cell, *width);
            let gap = width.saturating_sub(measure_text_width(&cell));
            format!("{cell}{}", " ".repeat(gap))
        })
        .collect();
    format!("{}\n", cells.join(&" ".repeat(GAP)).trim_end())
}
