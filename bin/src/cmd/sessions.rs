//! `codeloops sessions`: what was recorded.

mod list;
mod show;

use codeloops_session::{SessionStore, StoreError, Warning};

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
    let store = SessionStore::at(world.env.data_dir()?.join("sessions"));
    match command {
        SessionsCommand::List(args) => list::list(args, &store, printer),
        SessionsCommand::Show(args) => show::show(args, &store, printer),
    }
}

fn store_error(error: &StoreError) -> CliError {
    let shown = CliError::failed(error.to_string());
    match error {
        StoreError::NoSessions { .. } => shown.hint("`codeloops` records one when it runs"),
        _ => shown,
    }
}

fn tell(warnings: &[Warning], printer: &mut Printer) {
    for warning in warnings {
        printer.warning(&warning.to_string());
    }
}

#[cfg(test)]
mod tests;
