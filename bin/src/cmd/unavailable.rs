//! Options and commands that a later release will have: refused by name, and unknown to help and
//! completions.

use clap::CommandFactory;
use clap::error::{ContextKind, ContextValue};

use crate::app::App;
use crate::error::CliError;
use crate::text::near_miss;

/// What to do without them.
const LIMITS: &str = "leave it out; `--max-iterations` and `--max-duration` limit a run";
const GATES: &str = "name the command in the prompt: the critic can run it";

const OPTIONS: [(&str, &str); 3] =
    [("--stuck-after", LIMITS), ("--gate", GATES), ("--gate-timeout", GATES)];

const COMMANDS: [(&str, &str); 1] =
    [("ui", "`codeloops sessions list` and `codeloops sessions show` show the sessions")];

/// What to say where the option or the command that a usage error does not know is one of them, or
/// an option is a near miss of one.
pub(super) fn refused(error: &clap::Error) -> Option<CliError> {
    refused_option(error).or_else(|| refused_command(error))
}

fn refused_option(error: &clap::Error) -> Option<CliError> {
    let Some(ContextValue::String(given)) = error.get(ContextKind::InvalidArg) else { return None };
    let (meant, hint) = meant(given)?;
    let message = if meant == given {
        format!("`{given}` is not yet available in this release")
    } else {
        format!("there is no `{given}`, and `{meant}` is not yet available in this release")
    };
    Some(CliError::usage(message).hint(hint))
}

fn refused_command(error: &clap::Error) -> Option<CliError> {
    let name = error.get(ContextKind::InvalidSubcommand)?.to_string();
    let (_, hint) = COMMANDS.iter().find(|(later, _)| *later == name)?;
    Some(CliError::usage(format!("`{name}` is not yet available in this release")).hint(*hint))
}

fn meant(given: &str) -> Option<(&'static str, &'static str)> {
    let app = App::command();
    let long = app.get_arguments().filter_map(clap::Arg::get_long);
    let available: Vec<String> = long.map(|name| format!("--{name}")).collect();
    let available: Vec<&str> = available.iter().map(String::as_str).collect();
    let meant = near_miss(given, &OPTIONS.map(|(name, _)| name), &available)?;
    OPTIONS.into_iter().find(|(name, _)| *name == meant)
}
