//! `codeloops sessions prune`: removes sessions with their evidence and their snapshots, and runs of gates
//! alone.

use std::path::Path;

use chrono::TimeDelta;
use codeloops_adapters::git::{Forgotten, forget_run};
use codeloops_event::{RunId, Timestamp};
use codeloops_session::{Prunable, PrunableRun, PruneError, PrunePlan, PruneRules, SessionStore};
use codeloops_sinks::one_line;

use super::{store_error, tell};
use crate::app::PruneArgs;
use crate::cmd::runs::{runs_error, store as run_store};
use crate::error::CliError;
use crate::output::Printer;
use crate::units::rounded_size;
use crate::world::World;

/// A run of gates that has no end after this time has been killed.
const LONGEST_CHECK: TimeDelta = TimeDelta::days(1);

/// What was done.
#[derive(Default)]
struct Done {
    gone: Count,
    refs: usize,
    failed: Count,
}

/// How many of each kind, and how many bytes they take.
#[derive(Default)]
struct Count {
    sessions: usize,
    runs: usize,
    bytes: u64,
}

/// Removes what the rules choose, or tells what would be removed.
pub(super) fn prune(
    args: &PruneArgs,
    store: &SessionStore,
    world: &World,
    printer: &mut Printer,
) -> Result<(), CliError> {
    let now = world.clock.now().at;
    let rules = rules(args, now)?;
    let runs = runs(now, world, printer);
    let plan = store.plan_prune(&rules, runs).map_err(|error| store_error(&error))?;
    tell(&plan.warnings, printer);
    if plan.sessions.is_empty() && plan.runs.is_empty() {
        printer.note("nothing to remove\n");
        return Ok(());
    }
    if !args.yes {
        return tell_plan(&plan, printer);
    }
    let mut done = Done::default();
    for session in &plan.sessions {
        remove(session, &mut done, printer)?;
    }
    for run in &plan.runs {
        remove_run(run, &mut done, printer)?;
    }
    told(&done, printer)
}

fn tell_plan(plan: &PrunePlan, printer: &mut Printer) -> Result<(), CliError> {
    let sessions = plan.sessions.iter().map(|session| line("would remove", session));
    let runs = plan.runs.iter().map(|run| run_line("would remove", run));
    let lines: String = sessions.chain(runs).collect();
    let bytes = plan.sessions.iter().map(Prunable::bytes);
    let all = Count {
        sessions: plan.sessions.len(),
        runs: plan.runs.len(),
        bytes: bytes.chain(plan.runs.iter().map(|run| run.bytes)).sum(),
    };
    printer.data(&format!("{lines}{}\n", all.told("would go")))?;
    printer.note(
        "nothing was removed; `--yes` removes them, with the snapshots in their repositories\n",
    );
    Ok(())
}

/// The runs of gates alone that can go. Where they cannot be found, sessions can be removed all the same.
fn runs(now: Timestamp, world: &World, printer: &mut Printer) -> Vec<PrunableRun> {
    let alive_since = now.checked_sub_signed(LONGEST_CHECK).unwrap_or(Timestamp::MIN_UTC);
    let found = run_store(None, world)
        .and_then(|store| store.prunable(alive_since).map_err(|error| runs_error(&error)));
    found.unwrap_or_else(|error| {
        printer.warning(format!("{}; runs of gates alone stay", error.message));
        Vec::new()
    })
}

fn rules(args: &PruneArgs, now: Timestamp) -> Result<PruneRules, CliError> {
    if args.older_than.is_none() && args.keep.is_none() && args.max_size.is_none() {
        return Err(CliError::usage("nothing says which sessions to remove")
            .hint("give `--older-than 30d`, `--keep 100` or `--max-size 1GB`"));
    }
    let before = args.older_than.map(|age| {
        let age = TimeDelta::from_std(age).unwrap_or(TimeDelta::MAX);
        now.checked_sub_signed(age).unwrap_or(Timestamp::MIN_UTC)
    });
    Ok(PruneRules { before, keep: args.keep, max_size: args.max_size })
}

/// Removes one session; what cannot be removed is told, and the session stays.
fn remove(session: &Prunable, done: &mut Done, printer: &mut Printer) -> Result<(), CliError> {
    match removed(session) {
        Ok(refs) => {
            done.gone.sessions += 1;
            done.gone.bytes += session.bytes();
            done.refs += refs;
            printer.data(&line("removed", session))
        }
        Err(reason) => {
            done.failed.sessions += 1;
            printer.warning(format!("{reason}; `{}` stays", session.id));
            Ok(())
        }
    }
}

/// Removes one run of gates alone, as [`remove`] does a session.
fn remove_run(run: &PrunableRun, done: &mut Done, printer: &mut Printer) -> Result<(), CliError> {
    let removed = forgotten_in(&run.run_id, std::iter::once(&run.working_dir))
        .and_then(|refs| run.remove().map(|()| refs).map_err(|error| error.to_string()));
    match removed {
        Ok(refs) => {
            done.gone.runs += 1;
            done.gone.bytes += run.bytes;
            done.refs += refs;
            printer.data(&run_line("removed", run))
        }
        Err(reason) => {
            done.failed.runs += 1;
            printer.warning(format!("{reason}; run `{}` stays", run.run_id));
            Ok(())
        }
    }
}

/// First what hangs on the session, then the session: one that is broken off is listed as before. Gives
/// how many refs there were.
fn removed(session: &Prunable) -> Result<usize, String> {
    let told = |error: PruneError| error.to_string();
    let claim = session.claim().map_err(told)?;
    let refs = forgotten(session)?;
    claim.remove().map_err(told)?;
    Ok(refs)
}

/// Removes the refs of its run, in the first of the places where there are any; gives how many there
/// were. A fork's working tree can be gone, and its repository still be there.
fn forgotten(session: &Prunable) -> Result<usize, String> {
    let Some(run) = &session.run_id else { return Ok(0) };
    forgotten_in(run, std::iter::once(&session.working_dir).chain(&session.origins))
}

fn forgotten_in<'a>(run: &RunId, dirs: impl Iterator<Item = &'a String>) -> Result<usize, String> {
    for dir in dirs {
        match forget_run(Path::new(dir), run) {
            // With the repository its refs are gone.
            Ok(Forgotten::NoRepository | Forgotten::Refs(0)) => {}
            Ok(Forgotten::Refs(refs)) => return Ok(refs),
            Err(error) => {
                return Err(format!("the snapshots in `{dir}` cannot be removed: {error}"));
            }
        }
    }
    Ok(0)
}

fn told(done: &Done, printer: &mut Printer) -> Result<(), CliError> {
    let refs = match done.refs {
        0 => String::new(),
        1 => ", and 1 ref".to_owned(),
        refs => format!(", and {refs} refs"),
    };
    printer.data(&format!("{}{refs}\n", done.gone.told("removed")))?;
    match done.failed.words() {
        None => Ok(()),
        Some((words, 1)) => Err(CliError::failed(format!("{words} was not removed"))),
        Some((words, _)) => Err(CliError::failed(format!("{words} were not removed"))),
    }
}

fn line(verb: &str, session: &Prunable) -> String {
    let evidence = match session.evidence_bytes {
        0 => String::new(),
        bytes => format!(", {} of it evidence", rounded_size(bytes)),
    };
    let dir = one_line(&session.working_dir);
    format!("{verb} {}  {dir}  ({}{evidence})\n", session.id, rounded_size(session.bytes()))
}

fn run_line(verb: &str, run: &PrunableRun) -> String {
    let dir = one_line(&run.working_dir);
    format!("{verb} run {} of gates  {dir}  ({})\n", run.run_id, rounded_size(run.bytes))
}

impl Count {
    fn told(&self, verb: &str) -> String {
        let words = self.words().map_or_else(|| "0 sessions".to_owned(), |(words, _)| words);
        format!("{words} {verb}, {}", rounded_size(self.bytes))
    }

    /// What there is of each kind, and how many in all; none of nothing.
    fn words(&self) -> Option<(String, usize)> {
        let plural = |n: usize| if n == 1 { "" } else { "s" };
        let sessions = format!("{} session{}", self.sessions, plural(self.sessions));
        let runs = format!("{} run{} of gates", self.runs, plural(self.runs));
        let words = match (self.sessions, self.runs) {
            (0, 0) => return None,
            (_, 0) => sessions,
            (0, _) => runs,
            (_, _) => format!("{sessions} and {runs}"),
        };
        Some((words, self.sessions + self.runs))
    }
}
