//! `codeloops sessions path`: where a session's file is.

use codeloops_session::SessionStore;

use super::store_error;
use crate::app::PathArgs;
use crate::error::CliError;
use crate::output::Printer;

/// Prints the path of the file of the session that is meant.
pub(super) fn path(
    args: &PathArgs,
    store: &SessionStore,
    printer: &mut Printer,
) -> Result<(), CliError> {
    let id = store.resolve(&args.id).map_err(|error| store_error(&error))?;
    printer.data(&format!("{}\n", store.path_of(&id).display()))
}
