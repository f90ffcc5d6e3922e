//! `codeloops runs list`: one line a run.

use codeloops_event::{Outcome, RunId};
use codeloops_session::{RunFile, RunFilter, RunStore};

use super::{Document, runs_error, tell};
use crate::app::RunsListArgs;
use crate::cmd::table::{Room, Shape, Table};
use crate::error::CliError;
use crate::output::Printer;
use crate::text::{named, short_commit, shorten};

/// Columns that a branch may take.
const BRANCH_WIDTH: usize = 30;
/// What stands where nothing is known.
const NOTHING: &str = "-";

const STARTED: usize = 0;
const KIND: usize = 1;
const RUN: usize = 2;
const COMMIT: usize = 3;
const BRANCH: usize = 4;
const OUTCOME: usize = 5;
const GATES: usize = 6;
const CONFIDENCE: usize = 7;

/// An outcome is what a list is read for, and an id what is copied out of it.
const SHAPE: Shape<8> = Shape {
    head: ["Started (UTC)", "Kind", "Run", "Commit", "Branch", "Outcome", "Gates", "Confidence"],
    id: RUN,
    give_way: &[
        (BRANCH, Room::AtLeast(16)),
        (RUN, Room::AtLeast(SHORTEST_RUN)),
        (OUTCOME, Room::AtLeast(11)),
        (BRANCH, Room::AtLeast(8)),
        (KIND, Room::Nothing),
        (CONFIDENCE, Room::Nothing),
        (STARTED, Room::Nothing),
        (COMMIT, Room::Nothing),
        (GATES, Room::Nothing),
        (BRANCH, Room::AtLeast(0)),
        (OUTCOME, Room::AtLeast(8)),
    ],
};

/// Characters of a run's id that hold its time, which mostly tells it from the others.
const SHORTEST_RUN: usize = 10;

/// Lists the runs that match.
pub(super) fn list(
    args: &RunsListArgs,
    store: &RunStore,
    printer: &mut Printer,
) -> Result<(), CliError> {
    let filter = RunFilter {
        run: args.run.clone(),
        commit: args.commit.clone(),
        branch: args.branch.clone(),
        kind: args.kind,
        outcome: args.outcome,
    };
    let mut found = store.find(&filter).map_err(|error| runs_error(&error))?;
    tell(&found.unreadable, printer);
    found.runs.truncate(args.limit.map_or(usize::MAX, |limit| limit.get() as usize));
    if args.json {
        return printer.json(&found.runs.iter().map(Document::of).collect::<Vec<_>>());
    }
    if found.runs.is_empty() {
        printer.note(nothing(&filter));
        return Ok(());
    }
    let mut table = Table::new(SHAPE);
    found.runs.iter().for_each(|found| table.add(cells(&found.run)));
    printer.data(&table.lines(printer.stdout_columns()))
}

/// What is said where there is none.
fn nothing(filter: &RunFilter) -> &'static str {
    if *filter == RunFilter::default() {
        "no runs yet; `codeloops` keeps one when it runs\n"
    } else {
        "no run matches\n"
    }
}

fn cells(run: &RunFile) -> [String; 8] {
    let or_nothing = |text: Option<String>| text.unwrap_or_else(|| NOTHING.to_owned());
    [
        run.started_at.format("%Y-%m-%d %H:%M:%S").to_string(),
        run.kind.as_str().to_owned(),
        or_nothing(run.run_id.as_ref().map(RunId::to_string)),
        or_nothing(run.commit_sha.as_deref().map(short_commit)),
        or_nothing(run.branch.as_deref().map(|branch| shorten(&named(branch), BRANCH_WIDTH))),
        or_nothing(run.outcome.map(|outcome| Outcome::as_str(outcome).to_owned())),
        or_nothing(gates(run)),
        or_nothing(run.confidence.map(|confidence| format!("{confidence:.2}"))),
    ]
}

/// How many gates of the last finished round pass, of how many that ran.
fn gates(run: &RunFile) -> Option<String> {
    let all = run.gate_results.len();
    let green = run.gate_results.iter().filter(|gate| gate.status.is_green()).count();
    (all > 0).then(|| format!("{green}/{all}"))
}
