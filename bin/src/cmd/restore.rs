//! `codeloops restore`: puts the working tree of a session to a state that the session knows.

mod page;

use std::path::{Path, PathBuf};

use codeloops_adapters::git::{
    Goal, Notice, OpenError, RestoreError, Restoring, Saved, saved_states,
};
use codeloops_event::layout::{saved_ref, snapshot_ref};
use codeloops_event::{RunId, TreeId};
use codeloops_session::{Changes, Session};
use codeloops_sinks::words::{Said, count};
use codeloops_sinks::{commands::shell_quoted, printable};

use super::sessions::{store, wanted};
use crate::app::RestoreArgs;
use crate::error::CliError;
use crate::exit_code;
use crate::opening::workspace_error;
use crate::output::Printer;
use crate::values::At;
use crate::world::World;

/// Carries out `restore`; gives the exit code.
pub(crate) fn restore(
    args: &RestoreArgs,
    world: &World,
    printer: &mut Printer,
) -> Result<u8, CliError> {
    let session = wanted(args.id.as_deref(), &store(world)?)?;
    let states = States::of(&session)?;
    let at = states.check(args.at)?;
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

/// The states that a session knows.
struct States<'a> {
    session: &'a Session,
    run_id: RunId,
    dir: PathBuf,
    saved: Vec<u32>,
}

impl<'a> States<'a> {
    fn of(session: &'a Session) -> Result<Self, CliError> {
        let run_id = session.start.run_id.clone().ok_or_else(|| {
            CliError::failed(format!("session {} has no snapshots", session.id))
                .hint("another program recorded it")
        })?;
        let dir = PathBuf::from(&session.start.working_dir);
        if !dir.is_dir() {
            let shown = dir.display();
            let what = format!("the directory `{shown}` that the session worked in is gone");
            return Err(CliError::failed(what)
                .hint("its snapshots are in that repository: put it back where it was"));
        }
        let saved = saved_states(&dir, &run_id).map_err(|error| open_error(&error, &dir))?;
        Ok(Self { session, run_id, dir, saved })
    }

    /// The state that is meant, if it is one of these.
    fn check(&self, at: Option<At>) -> Result<At, CliError> {
        let Some(at) = at else {
            return Err(self.hint(CliError::usage("it is not said which state to restore")));
        };
        let is_known = match at {
            At::Iteration(number) => number == 0 || self.tree(number).is_some(),
            At::Saved(number) => self.saved.contains(&number),
        };
        if is_known {
            return Ok(at);
        }
        let what = format!("session {} has no state {at}", self.session.id);
        Err(self.hint(CliError::usage(what)))
    }

    fn hint(&self, error: CliError) -> CliError {
        let last = self.captured().map(|(iteration, _)| iteration).max();
        let error = error.hint(match last {
            Some(last) => format!(
                "`--at 0` is how the run began, `--at {last}` what iteration {last} left, which is the last"
            ),
            None => "`--at 0` is how the run began; it has no other state".to_owned(),
        });
        match (self.saved.first(), self.saved.last()) {
            (Some(first), Some(last)) if first != last => error.hint(format!(
                "`--at saved-{first}` to `--at saved-{last}` are what earlier restores replaced"
            )),
            (Some(one), _) => {
                error.hint(format!("`--at saved-{one}` is what the earlier restore replaced"))
            }
            _ => error,
        }
    }

    /// The iterations whose changes were captured.
    fn captured(&self) -> impl Iterator<Item = (u32, &TreeId)> {
        self.session.rounds.iter().filter_map(|round| match &round.changes {
            Some(Changes::Captured(captured)) => Some((round.iteration, &captured.tree)),
            _ => None,
        })
    }

    fn tree(&self, iteration: u32) -> Option<&TreeId> {
        self.captured().find(|(number, _)| *number == iteration).map(|(_, tree)| tree)
    }

    fn goal(&self, at: At, world: &World) -> Result<Goal, CliError> {
        let start = &self.session.start;
        let (name, tree) = match at {
            At::Iteration(0) => (snapshot_ref(&self.run_id, 0), start.base_tree.as_ref()),
            At::Iteration(number) => (snapshot_ref(&self.run_id, number), self.tree(number)),
            At::Saved(number) => (saved_ref(&self.run_id, number), None),
        };
        // As a run leaves out what codeloops writes.
        let runs = start.evidence_dir.as_ref().and_then(|dir| Path::new(dir).parent());
        let excluded = runs.map(Path::to_owned).into_iter().chain([world.env.data_dir()?]);
        Ok(Goal {
            dir: self.dir.clone(),
            run_id: self.run_id.clone(),
            name,
            tree: tree.cloned(),
            excluded: excluded.collect(),
        })
    }
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

fn open_error(error: &OpenError, dir: &Path) -> CliError {
    match error {
        OpenError::NotARepository => {
            CliError::failed(format!("`{}` is not in a git repository any more", dir.display()))
                .hint("the snapshots of the session were in the one that it worked in")
        }
        error => workspace_error(error),
    }
}

fn restore_error(error: &RestoreError, dir: &Path) -> CliError {
    let failed = CliError::failed(error.to_string());
    match error {
        RestoreError::Open(error) => open_error(error, dir),
        RestoreError::RunAtWork { .. } => {
            failed.hint("wait until it is over, or stop it with Ctrl+C where it runs")
        }
        RestoreError::AgentAtWork { pids, .. } => {
            failed.hint(format!("to end it: kill {}", pids.join(" ")))
        }
        RestoreError::InProgress { root, .. } => failed.hint(format!(
            "finish or abort it first: `git -C {} status` tells how",
            shell_quoted(root)
        )),
        RestoreError::StateGone(_) => {
            failed.hint("`codeloops sessions show` has the diff of each iteration")
        }
        RestoreError::Unreadable => failed.hint("let them be read, or have git ignore them"),
        RestoreError::InTheWay(_) => failed.hint("move them away, then run the command again"),
        RestoreError::Git(_) => failed,
    }
}
