//! The states of the working tree that a session knows, and why one cannot be had.

use std::path::{Path, PathBuf};

use codeloops_adapters::git::{Goal, OpenError, RestoreError, saved_states};
use codeloops_event::layout::{saved_ref, snapshot_ref};
use codeloops_event::{RunId, TreeId};
use codeloops_session::{Changes, Session};
use codeloops_sinks::commands::shell_quoted;

use crate::error::CliError;
use crate::opening::workspace_error;
use crate::values::At;
use crate::world::World;

/// The states that a session knows.
pub(super) struct States<'a> {
    pub(super) session: &'a Session,
    pub(super) run_id: RunId,
    /// The folder that it worked in.
    pub(super) dir: PathBuf,
    saved: Vec<u32>,
}

impl<'a> States<'a> {
    pub(super) fn of(session: &'a Session) -> Result<Self, CliError> {
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
    pub(super) fn check(&self, at: Option<At>) -> Result<At, CliError> {
        let Some(at) = at else {
            return Err(CliError::usage("no state given").hint(self.iterations()));
        };
        let is_known = match at {
            At::Iteration(number) => number == 0 || self.tree(number).is_some(),
            At::Saved(number) => self.saved.contains(&number),
        };
        if is_known {
            return Ok(at);
        }
        let what = format!("session {} has no state {at}", self.session.id);
        Err(CliError::usage(what).hint(self.iterations()))
    }

    /// Which there are of the run.
    fn iterations(&self) -> String {
        let began = "`--at 0` is how the run began";
        match self.captured().map(|(iteration, _)| iteration).max() {
            Some(last) => format!("{began}, `--at {last}` what iteration {last} left, the last"),
            None => format!("{began}; there is no other"),
        }
    }

    /// Which there are of earlier restores.
    pub(super) fn earlier(&self) -> Option<String> {
        let (first, last) = (self.saved.first()?, self.saved.last()?);
        Some(if first == last {
            format!("`--at saved-{first}` is what the earlier restore replaced")
        } else {
            format!(
                "`--at saved-{first}` to `--at saved-{last}` are what earlier restores replaced"
            )
        })
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

    pub(super) fn goal(&self, at: At, world: &World) -> Result<Goal, CliError> {
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

fn open_error(error: &OpenError, dir: &Path) -> CliError {
    match error {
        OpenError::NotARepository => {
            CliError::failed(format!("`{}` is not in a git repository any more", dir.display()))
                .hint("the snapshots of the session were in the one that it worked in")
        }
        error => workspace_error(error),
    }
}

/// Why a working tree could not be put to a state, as the user sees it.
pub(super) fn restore_error(error: &RestoreError, dir: &Path) -> CliError {
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
