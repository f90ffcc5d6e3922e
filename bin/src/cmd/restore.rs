//! `codeloops restore`: puts the working tree of a session to a state that the session knows.

mod page;

use codeloops_adapters::git::{Goal, Notice, Restoring, Saved};
use codeloops_session::Session;
use codeloops_sinks::printable;
use codeloops_sinks::words::{Said, count};

use super::sessions::{store, wanted};
use super::states::{States, restore_error};
use crate::app::RestoreArgs;
use crate::error::CliError;
use crate::exit_code;
use crate::output::Printer;
use crate::values::At;
use crate::world::World;

/// Carries out `restore`; gives the exit code.
pub(crate) fn restore(
    args: &RestoreArgs,
    world: &World,
    printer: &mut Printer,
) -> Result<u8, CliError> {
    let session = wanted(args.id.as_deref(), &store(world)?, world, printer)?;
    let states = States::of(&session)?;
    let at = states
        .check(args.at)
        .map_err(|error| states.earlier().into_iter().fold(error, CliError::hint))?;
    let interactive = world.terminal.stdin && world.terminal.stderr;
    if !(args.yes || args.dry_run || interactive) {
        return Err(CliError::usage(
            "restore asks before it changes files, and there is no terminal",
        )
        .hint("`--dry-run` shows what would change, `--yes` does it"));
    }
    let goal = states.goal(at, world)?;
    let restoring = prepare(&goal, true, world, printer)?;
    let nothing = restoring.files().is_empty();
    page::plan(&restoring, &session, at, printer)?;
    if nothing || args.dry_run {
        return Ok(exit_code::SUCCESS);
    }
    let restoring = if args.yes {
        restoring
    } else {
        match asked(restoring, &goal, world, printer)? {
            Some(restoring) => restoring,
            None => return Ok(exit_code::SUCCESS),
        }
    };
    carry_out(restoring, &session, at, printer)
}

/// `tells` is whether what is to be known of the working tree is told.
fn prepare(
    goal: &Goal,
    tells: bool,
    world: &World,
    printer: &mut Printer,
) -> Result<Restoring, CliError> {
    let mut warn = |Notice { text, to_copy }: Notice| {
        if tells {
            printer.warning(Said { text, to_copy });
        }
    };
    Restoring::prepare(goal, &(world.run_ids)(), &mut warn)
        .map_err(|error| restore_error(&error, &goal.dir))
}

/// Asks; gives nothing where the answer is no. Whoever is asked may take a while, so it is looked at
/// anew, and meanwhile a run may begin.
fn asked(
    restoring: Restoring,
    goal: &Goal,
    world: &World,
    printer: &mut Printer,
) -> Result<Option<Restoring>, CliError> {
    let (shown, question) = (restoring.present().clone(), question(&restoring));
    drop(restoring);
    if !world.ask.confirm(&question)? {
        printer.note("Nothing was changed.\n");
        return Ok(None);
    }
    let restoring = prepare(goal, false, world, printer)?;
    if *restoring.present() != shown {
        return Err(CliError::failed("the working tree changed meanwhile, so nothing was done")
            .hint("run the command again to see what would change now"));
    }
    Ok(Some(restoring))
}

fn question(restoring: &Restoring) -> String {
    let files = restoring.files().len() as u64;
    format!("Change {}? What is there now is saved first.", count(files, "file", "files"))
}

fn carry_out(
    restoring: Restoring,
    session: &Session,
    at: At,
    printer: &mut Printer,
) -> Result<u8, CliError> {
    let files = restoring.files().len() as u64;
    let mut told = |saved: &Saved| {
        let back = format!("codeloops restore {} --at {}", session.id, At::Saved(saved.number));
        printer.offer_anyhow(&format!(
            "Saved what is there now ({}); to get it back:\n  {}\n",
            saved.name,
            printable(&back)
        ));
    };
    let root = restoring.root().to_owned();
    let restored = restoring.carry_out(&mut told).map_err(|error| restore_error(&error, &root))?;
    page::shows(&restored.shows, printer);
    if restored.left.is_empty() {
        let files = count(files, "file", "files");
        printer.data(&format!("Restored {}: {files} changed\n", page::state(at)))?;
        return Ok(exit_code::SUCCESS);
    }
    let names = page::named(&restored.left);
    Err(CliError::failed(format!(
        "{} could not be restored: {names}",
        count(restored.left.len() as u64, "file", "files")
    ))
    .hint("something else writes there, or it may not be written; run the command again"))
}
