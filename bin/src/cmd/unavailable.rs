//! Options that a later release will have: refused by name, and unknown to help and completions.

use clap::CommandFactory;
use clap::error::{ContextKind, ContextValue};

use crate::app::App;
use crate::error::CliError;
use crate::text::near_miss;

const OPTIONS: [&str; 4] = ["--max-cost-usd", "--max-tokens", "--stuck-after", "--gate-timeout"];

/// What to say where the option that a usage error does not know is one of them, or a near miss of one.
pub(super) fn refused(error: &clap::Error) -> Option<CliError> {
    let Some(ContextValue::String(given)) = error.get(ContextKind::InvalidArg) else { return None };
    let meant = meant(given)?;
    let message = if meant == given {
        format!("`{given}` is not yet available in this release")
    } else {
        format!("there is no `{given}`, and `{meant}` is not yet available in this release")
    };
    Some(
        CliError::usage(message)
            .hint("leave it out; `--max-iterations` and `--max-duration` limit a run"),
    )
}

fn meant(given: &str) -> Option<&'static str> {
    let app = App::command();
    let long = app.get_arguments().filter_map(clap::Arg::get_long);
    let available: Vec<String> = long.map(|name| format!("--{name}")).collect();
    let available: Vec<&str> = available.iter().map(String::as_str).collect();
    near_miss(given, &OPTIONS, &available)
}
