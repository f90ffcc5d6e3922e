//! `codeloops sessions list`: one line a session.

use codeloops_event::Outcome;
use codeloops_session::{Catalogue, SessionEntry, SessionFilter, SessionStore, SessionSummary};
use codeloops_sinks::{one_line, words};
use console::truncate_str;
use serde::{Serialize, Serializer};

use super::{store_error, tell};
use crate::app::{FilterArgs, ListArgs};
use crate::error::CliError;
use crate::output::Printer;
use crate::text::{is_plain, shorten, width_of};

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

/// Columns of the table.
const COLUMNS: usize = 6;

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
    printer.data(&Table::of(&found).lines(printer.stdout_columns()))
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

/// The sessions as cells under a head line. There may be very many, so all cells are one text.
#[derive(Default)]
struct Table {
    text: String,
    rows: Vec<[Cell; COLUMNS]>,
}

/// A cell of a table, which begins where the one before ends.
#[derive(Debug, Clone, Copy, Default)]
struct Cell {
    end: usize,
    width: usize,
}

impl Table {
    fn of(sessions: &Catalogue) -> Self {
        let mut table = Self::default();
        table.add(["ID", "Project", "Outcome", "Iters", "Duration", "Prompt"].map(str::to_owned));
        sessions.iter().for_each(|session| table.add(cells(&session)));
        table
    }

    fn add(&mut self, cells: [String; COLUMNS]) {
        self.rows.push(cells.map(|cell| {
            self.text.push_str(&cell);
            Cell { end: self.text.len(), width: width_of(&cell) }
        }));
    }

    /// The lines. All columns but the last are as wide as their widest cell, as far as the terminal
    /// is wide enough.
    fn lines(&self, columns: Option<usize>) -> String {
        let width = |column: usize| self.rows.iter().map(|row| row[column].width).max();
        let mut widths: [usize; COLUMNS] = std::array::from_fn(|at| width(at).unwrap_or_default());
        if let Some(columns) = columns {
            fit(&mut widths, self.telling(), columns);
        }
        let mut lines = String::with_capacity(self.text.len() + self.rows.len() * COLUMNS * GAP);
        self.each_row(|cells| line(&cells, &widths, &mut lines));
        lines
    }

    /// How much of the ids tells each from the others.
    fn telling(&self) -> usize {
        let mut ids = Vec::with_capacity(self.rows.len());
        self.each_row(|cells| ids.push(cells[ID].0));
        ids.sort_unstable();
        let alike = |ids: &[&str]| {
            ids[0].chars().zip(ids[1].chars()).take_while(|(one, other)| one == other).count()
        };
        ids.windows(2).map(alike).max().unwrap_or_default() + 1
    }

    /// Gives each row as texts with their widths.
    fn each_row<'a>(&'a self, mut take: impl FnMut([(&'a str, usize); COLUMNS])) {
        let mut begin = 0;
        for row in &self.rows {
            take(row.map(|Cell { end, width }| {
                let cell = &self.text[begin..end];
                begin = end;
                (cell, width)
            }));
        }
    }
}

/// Takes from the columns that give way what a line has too much. Ids keep what tells them apart.
fn fit(widths: &mut [usize; COLUMNS], telling: usize, columns: usize) {
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

fn cells(session: &SessionEntry<'_>) -> [String; COLUMNS] {
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

/// A name on one line.
fn named(text: &str) -> String {
    if is_plain(text) && !text.contains(' ') { text.to_owned() } else { one_line(text) }
}

fn line(cells: &[(&str, usize); COLUMNS], widths: &[usize; COLUMNS], lines: &mut String) {
    let begin = lines.len();
    let mut gap = 0;
    let shown = cells.iter().zip(widths).enumerate().filter(|(_, (_, width))| **width > 0);
    for (column, ((cell, own), width)) in shown {
        lines.extend(std::iter::repeat_n(' ', gap));
        let fits = own <= width;
        let cut = match column {
            _ if fits => (*cell).into(),
            // The beginning of an id stands for it, as it is.
            ID => truncate_str(cell, *width, ""),
            _ => shorten(cell, *width).into(),
        };
        lines.push_str(&cut);
        let taken = if fits { *own } else { width_of(&cut) };
        gap = width.saturating_sub(taken) + GAP;
    }
    lines.truncate(begin + lines[begin..].trim_end().len());
    lines.push('\n');
}
