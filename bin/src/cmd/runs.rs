//! `codeloops runs`: the folders of runs, found by commit, branch and outcome.

mod calls;
mod list;
mod show;

use std::path::{Path, PathBuf};

use codeloops_session::{EvidenceError, FoundRun, RunFile, RunStore, RunsError};
use serde::Serialize;

use crate::app::RunsCommand;
use crate::config::Config;
use crate::error::CliError;
use crate::output::Printer;
use crate::text::path_from;
use crate::world::World;

/// Carries out a command of `runs`.
pub(crate) fn runs(
    command: &RunsCommand,
    world: &World,
    printer: &mut Printer,
) -> Result<(), CliError> {
    match command {
        RunsCommand::List(args) => {
            list::list(args, &store(args.runs_dir.as_deref(), world)?, printer)
        }
        RunsCommand::Show(args) => {
            show::show(args, &store(args.runs_dir.as_deref(), world)?, world, printer)
        }
    }
}

/// The runs that can be known of here: those in the directory that is named, in those that the project's
/// file and the user's name, and in the default one.
pub(super) fn store(named: Option<&Path>, world: &World) -> Result<RunStore, CliError> {
    let current_dir = world.env.current_dir()?;
    let config = Config::load(current_dir, &world.env.config_dir()?)?;
    let configured =
        config.layers().filter_map(|file| file.runs_dir.as_ref()).map(|dir| &*dir.value);
    let mut dirs: Vec<PathBuf> =
        named.into_iter().chain(configured).map(|dir| path_from(current_dir, dir)).collect();
    dirs.push(world.env.data_dir()?.join("runs"));
    Ok(RunStore::at(each_once(dirs)))
}

/// Two paths can lead to one directory.
fn each_once(dirs: Vec<PathBuf>) -> Vec<PathBuf> {
    let mut known = Vec::new();
    let real = |dir: &PathBuf| dir.canonicalize().unwrap_or_else(|_| dir.clone());
    dirs.into_iter()
        .filter(|dir| {
            let real = real(dir);
            let is_new = !known.contains(&real);
            known.push(real);
            is_new
        })
        .collect()
}

/// Why a run cannot be found, and what to do.
pub(super) fn runs_error(error: &RunsError) -> CliError {
    let shown = CliError::failed(error.to_string());
    match error {
        RunsError::NotFound(wanted) if wanted == "latest" => {
            CliError::failed("there are no runs yet").hint("`codeloops` keeps one when it runs")
        }
        RunsError::NotFound(_) => shown
            .hint("`codeloops runs list` shows the ids")
            .hint("runs kept elsewhere are found with `--runs-dir`"),
        RunsError::Ambiguous { .. } => shown.hint("give more of the id"),
        RunsError::Dir { .. } => shown.hint("it must be a directory that you may read"),
    }
}

/// Tells what could not be read.
fn tell(unreadable: &[EvidenceError], printer: &mut Printer) {
    for error in unreadable {
        printer.warning(error.to_string());
    }
}

/// A run as JSON: its `run.json`, and where it is.
#[derive(Serialize)]
struct Document<'a> {
    folder: String,
    #[serde(flatten)]
    run: &'a RunFile,
}

impl<'a> Document<'a> {
    fn of(found: &'a FoundRun) -> Self {
        Self { folder: found.folder.to_string_lossy().into_owned(), run: &found.run }
    }
}

#[cfg(test)]
mod tests;
