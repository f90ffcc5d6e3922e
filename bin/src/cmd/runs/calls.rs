//! The calls of a run, as rows.

use codeloops_session::{CallRole, RunCall};
use codeloops_sinks::words;

/// What was called.
pub(super) const fn name(call: &RunCall) -> &'static str {
    match call.role {
        CallRole::Actor => "Actor",
        CallRole::Critic => "Critic",
        CallRole::Gate => "Gate",
    }
}

/// When it was called, how that ended, and where what it printed is.
pub(super) fn told(call: &RunCall) -> Vec<String> {
    let gate = call.gate.as_ref().map_or_else(String::new, |gate| format!("{gate}, "));
    let when = match call.iteration {
        0 => "before the first iteration".to_owned(),
        n => format!("iteration {n}"),
    };
    let again = match call.attempt {
        0 | 1 => String::new(),
        n if call.role == CallRole::Gate => format!(", run {n} times"),
        n => format!(", attempt {n}"),
    };
    let outcome = if call.outcome.is_empty() { "no end is recorded" } else { &call.outcome };
    let code = call.exit_code.map_or_else(String::new, |code| format!(", exit code {code}"));
    let time = words::duration(call.duration_secs);
    let command = (!call.command.is_empty()).then(|| format!("| {}", call.command.join(" ")));
    let printed = call.evidence.iter().filter(|file| file.bytes > 0);
    std::iter::once(format!("{gate}{when}{again}: {outcome}{code}, {time}"))
        .chain(command)
        .chain(printed.map(|file| format!("| {}", file.path)))
        .collect()
}
