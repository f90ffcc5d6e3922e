//! Commands that a later release will have: refused by name, and unknown to help and completions.

use clap::error::ContextKind;

use crate::error::CliError;

/// Each with what to do without it.
const COMMANDS: [(&str, &str); 1] =
    [("ui", "`codeloops sessions list` and `codeloops sessions show` show the sessions")];

/// What to say where the command that a usage error does not know is one of them.
pub(super) fn refused(error: &clap::Error) -> Option<CliError> {
    let name = error.get(ContextKind::InvalidSubcommand)?.to_string();
    let (_, hint) = COMMANDS.iter().find(|(later, _)| *later == name)?;
    Some(CliError::usage(format!("`{name}` is not yet available in this release")).hint(*hint))
}
