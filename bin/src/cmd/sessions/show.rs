//! `codeloops sessions show`: one session in full.

use codeloops_event::{IterationEnd, SessionEnd, SessionStart};
use codeloops_session::{Session, SessionStore};
use codeloops_sinks::sanitise;

use super::{store_error, tell};
use crate::app::ShowArgs;
use crate::error::CliError;
use crate::output::Printer;
use crate::text::one_line;

/// Shows the session that is meant.
pub(super) fn show(
    args: &ShowArgs,
    store: &SessionStore,
    printer: &mut Printer,
) -> Result<(), CliError> {
    let Some(wanted) = &args.id else {
        return Err(CliError::usage("no session given")
            .hint("give an id, the beginning of one, or `latest`")
            .hint("`codeloops sessions list` shows the ids"));
    };
    let load = || store.load_session(store.resolve(wanted)?.as_str());
    let session = load().map_err(|error| store_error(&error))?;
    if args.json {
        return printer.json(&session);
    }
    tell(&session.warnings, printer);
    printer.data(&page(&session))
}

fn page(session: &Session) -> String {
    let mut parts = vec![
        format!("Session {}\n", one_line(session.id.as_str())),
        fields(&metadata(session)),
        format!("\nPrompt\n{}", indented(&session.start.prompt, "  ")),
    ];
    parts.extend(session.iterations.iter().map(round));
    parts.push(match &session.end {
        Some(end) => ending(end),
        None => format!("\nNo outcome: the session is {}\n", session.status),
    });
    parts.concat()
}

fn metadata(session: &Session) -> Vec<(&'static str, String)> {
    let start = &session.start;
    let mut rows = vec![
        ("Started", start.timestamp.format("%Y-%m-%d %H:%M:%S UTC").to_string()),
        ("Status", session.status.to_string()),
        ("Directory", start.working_dir.clone()),
        ("Actor", agent(&start.actor_agent, start.actor_model.as_deref())),
        ("Critic", agent(&start.critic_agent, start.critic_model.as_deref())),
        (
            "Iterations",
            start.max_iterations.map_or("no limit".into(), |max| format!("at most {max}")),
        ),
    ];
    rows.extend(start.run_id.as_ref().map(|id| ("Run", id.to_string())));
    rows.extend(commit(start).map(|commit| ("Commit", commit)));
    rows
}

fn agent(title: &str, model: Option<&str>) -> String {
    model.map_or_else(|| title.to_owned(), |model| format!("{title} ({model})"))
}

fn commit(start: &SessionStart) -> Option<String> {
    let sha = start.commit_sha.as_ref()?;
    Some(match &start.branch {
        Some(branch) => format!("{sha} on {branch}"),
        None => format!("{sha}, no branch"),
    })
}

fn round(iteration: &IterationEnd) -> String {
    let actor = call(Some(iteration.actor_exit_code), iteration.actor_duration_secs);
    let critic = iteration.critic_duration_secs;
    let mut rows = vec![("Actor", actor), ("Changes", changes(iteration))];
    rows.extend(critic.map(|secs| ("Critic", call(iteration.critic_exit_code, secs))));
    [
        format!("\nIteration {}: {}\n", iteration.iteration_number, iteration.critic_decision),
        fields(&rows),
        section("Actor output", &iteration.actor_output),
        section("Actor stderr", &iteration.actor_stderr),
        section("Feedback", iteration.feedback.as_deref().unwrap_or_default()),
    ]
    .concat()
}

fn call(exit_code: Option<i32>, secs: f64) -> String {
    match exit_code {
        Some(code) => format!("exit code {code}, {secs:.1}s"),
        None => format!("no exit code, {secs:.1}s"),
    }
}

fn changes(iteration: &IterationEnd) -> String {
    let files = match iteration.git_files_changed {
        1 => "1 file".to_owned(),
        n => format!("{n} files"),
    };
    match (iteration.insertions, iteration.deletions) {
        (Some(insertions), Some(deletions)) => format!("{files}, +{insertions} -{deletions}"),
        _ => files,
    }
}

fn ending(end: &SessionEnd) -> String {
    let mut text = format!("\nOutcome: {}\n", end.outcome);
    let mut rows = Vec::new();
    rows.extend(end.stop_reason.map(|reason| ("Reason", reason.to_string())));
    rows.push(("Iterations", end.iterations.to_string()));
    rows.push(("Duration", format!("{:.1}s", end.duration_secs)));
    rows.extend(end.confidence.map(|confidence| ("Confidence", confidence.to_string())));
    rows.extend(end.error.as_ref().map(|error| ("Error", error.clone())));
    text += &fields(&rows);
    text += &section("Summary", end.summary.as_deref().unwrap_or_default());
    text
}

/// Names and values in two columns; the values are not trusted.
fn fields(rows: &[(&str, String)]) -> String {
    rows.iter().map(|(name, value)| format!("  {name:<11}{}\n", one_line(value))).collect()
}

/// A heading with an untrusted text below it; nothing where the text is empty.
fn section(heading: &str, text: &str) -> String {
    if text.trim().is_empty() {
        return String::new();
    }
    format!("  {heading}\n{}", indented(text, "    "))
}

/// An untrusted text, each line behind `indent`, so that it cannot pass for ours.
fn indented(text: &str, indent: &str) -> String {
    let lines = |text: &str| -> String {
        text.trim_end()
            .lines()
            .map(|line| format!("{indent}{line}").trim_end().to_owned() + "\n")
            .collect()
    };
    lines(&sanitise(text))
}
