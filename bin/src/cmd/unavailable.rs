//! Options that a later release will have: refused by name, and unknown to help and completions.

use clap::error::{ContextKind, ContextValue};

use crate::error::CliError;

const OPTIONS: [&str; 4] = ["--max-cost-usd", "--max-tokens", "--stuck-after", "--gate-timeout"];

/// What to say where the option that a usage error does not know is one of them.
pub(super) fn refused(error: &clap::Error) -> Option<CliError> {
    let Some(ContextValue::String(given)) = error.get(ContextKind::InvalidArg) else { return None };
    OPTIONS.contains(&given.as_str()).then(|| {
        CliError::usage(format!("`{given}` is not yet available in this release"))
            .hint("leave it out; `--max-iterations` and `--max-duration` limit a run")
    })
}
