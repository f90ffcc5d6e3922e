//! `codeloops sessions prune`: removes sessions with their evidence and their snapshots.

use std::path::Path;

use chrono::TimeDelta;
use codeloops_adapters::git::{Forgotten, forget_run};
use codeloops_event::Timestamp;
use codeloops_session::{Prunable, PruneError, PruneRules, SessionStore};
use codeloops_sinks::one_line;

use super::{store_error, tell};
use crate::app::PruneArgs;
use crate::error::CliError;
use crate::output::Printer;
use crate::units::rounded_size;

/// What was done.
#[derive(Default)]
struct Done {
    sessions: usize,
    bytes: u64,
    refs: usize,
    failed: usize,
}

/// Removes what the rules choose, or tells what would be removed.
pub(super) fn prune(
    args: &PruneArgs,
    store: &SessionStore,
    now: Timestamp,
    printer: &mut Printer,
) -> Result<(), CliError> {
    let rules = rules(args, now)?;
    let plan = store.plan_prune(&rules).map_err(|error| store_error(&error))?;
    tell(&plan.warnings, printer);
    if plan.sessions.is_empty() {
        printer.note("no session to remove\n");
        return Ok(());
    }
    if !args.yes {
        let lines: String =
            plan.sessions.iter().map(|session| line("would remove", session)).collect();
        let bytes = plan.sessions.iter().map(Prunable::bytes).sum();
        printer.data(&format!("{lines}{}\n", total("would go", plan.sessions.len(), bytes)))?;
        printer.note(
            "nothing was removed; `--yes` removes them, with the snapshots in their repositories\n",
        );
        return Ok(());
    }
    let mut done = Done::default();
    for session in &plan.sessions {
        remove(session, &mut done, printer)?;
    }
    told(&done, printer)
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
            done.sessions += 1;
            done.bytes += session.bytes();
            done.refs += refs;
            printer.data(&line("removed", session))
        }
        Err(reason) => {
            done.failed += 1;
            printer.warning(format!("{reason}; `{}` stays", session.id));
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
    for dir in std::iter::once(&session.working_dir).chain(&session.origins) {
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
    printer.data(&format!("{}{refs}\n", total("removed", done.sessions, done.bytes)))?;
    match done.failed {
        0 => Ok(()),
        1 => Err(CliError::failed("1 session was not removed")),
        failed => Err(CliError::failed(format!("{failed} sessions were not removed"))),
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

fn total(verb: &str, sessions: usize, bytes: u64) -> String {
    let plural = if sessions == 1 { "" } else { "s" };
    format!("{sessions} session{plural} {verb}, {}", rounded_size(bytes))
}
