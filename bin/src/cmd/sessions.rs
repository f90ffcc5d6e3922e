//! `codeloops sessions`: what was recorded.

mod diff;
mod export;
mod export_traces;
mod list;
mod path;
mod pick;
mod prune;
mod round;
mod show;
mod stats;

use codeloops_session::{ReadError, Session, SessionStore, StoreError, Warning};

pub(super) use self::round::gates;
pub(super) use self::show::{commit, parent};
use crate::app::SessionsCommand;
use crate::error::CliError;
use crate::output::Printer;
use crate::world::World;

/// Carries out a command of `sessions`.
pub(crate) fn sessions(
    command: &SessionsCommand,
    world: &World,
    printer: &mut Printer,
) -> Result<(), CliError> {
    let store = store(world)?;
    match command {
        SessionsCommand::List(args) => list::list(args, &store, printer),
        SessionsCommand::Show(args) => show::show(args, &store, world, printer),
        SessionsCommand::Diff(args) => diff::diff(args, &store, world, printer),
        SessionsCommand::Export(args) => export::export(args, &store, world, printer),
        SessionsCommand::ExportTraces(args) => {
            export_traces::export_traces(args, &store, world, printer)
        }
        SessionsCommand::Stats(args) => stats::stats(args, &store, printer),
        SessionsCommand::Prune(args) => prune::prune(args, &store, world, printer),
        SessionsCommand::Path(args) => path::path(args, &store, printer),
    }
}

/// The session that a user means; one that is picked where none is named.
pub(super) fn wanted(
    id: Option<&str>,
    store: &SessionStore,
    world: &World,
    printer: &mut Printer,
) -> Result<Session, CliError> {
    let id = pick::wanted(id, store, world, printer)?;
    store.load_session(&id).map_err(|error| store_error(&error))
}

/// The sessions of the user.
pub(super) fn store(world: &World) -> Result<SessionStore, CliError> {
    Ok(SessionStore::at(world.env.data_dir()?.join("sessions")))
}

/// Why a session cannot be found or read, and what to do.
pub(crate) fn store_error(error: &StoreError) -> CliError {
    let shown = CliError::failed(error.to_string());
    match error {
        StoreError::NoSessions { .. } => shown.hint("`codeloops` records one when it runs"),
        StoreError::NotFound { .. } | StoreError::Id(_) => {
            shown.hint("`codeloops sessions list` shows the ids")
        }
        StoreError::Ambiguous { .. } => shown.hint("give more of the id"),
        StoreError::NoHome(_) => shown.hint("set `HOME` or `XDG_DATA_HOME`"),
        StoreError::Dir { .. } => shown.hint(
            "it must be a directory that you may read; `XDG_DATA_HOME` names another data directory",
        ),
        StoreError::Read(error) => match hint_for(error) {
            Some(hint) => shown.hint(hint),
            None => shown,
        },
    }
}

fn hint_for(error: &ReadError) -> Option<&'static str> {
    match error {
        ReadError::Io { .. } => Some("it must be a file that you may read"),
        ReadError::Empty { .. } => Some("its run ended before it began; remove the file"),
        ReadError::NoStart { .. } | ReadError::NotAFile { .. } => {
            Some("move the file out of the sessions directory")
        }
        // What reads it is said already.
        ReadError::Version { .. } => None,
        ReadError::BadLine { line: 1, .. } => {
            Some("correct that line, or move the file out of the sessions directory")
        }
        ReadError::BadLine { .. } => {
            Some("correct or remove that line; a copy of the file keeps what it says")
        }
    }
}

fn tell(warnings: &[Warning], printer: &mut Printer) {
    for warning in warnings {
        printer.warning(warning.to_string());
    }
}

#[cfg(test)]
mod tests;
