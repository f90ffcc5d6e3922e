//! `codeloops sessions show`: one session in full.

use std::path::Path;

use codeloops_adapters::git::lacks_ref;
use codeloops_event::layout::snapshot_ref;
use codeloops_event::{
    AnswerIgnored, Iteration, Parent, SessionEnd, SessionResumed, StopReason, StopRequested,
};
use codeloops_session::{Changes, ChangesIn, KeptEvidence, Session, SessionStatus, SessionStore};
use codeloops_sinks::commands;
use codeloops_sinks::usage;
use codeloops_sinks::words::{self, Said};

use super::round::{gates, round};
use super::{pick, store_error, tell};
use crate::app::ShowArgs;
use crate::cmd::page::Page;
use crate::cmd::pager::Pager;
use crate::error::CliError;
use crate::output::{Printer, json_text};
use crate::world::World;

/// Shows the session that is meant.
pub(super) fn show(
    args: &ShowArgs,
    store: &SessionStore,
    world: &World,
    printer: &mut Printer,
) -> Result<(), CliError> {
    let id = pick::wanted(args.id.as_deref(), store, world, printer)?;
    let mut session = store.load_session(&id).map_err(|error| store_error(&error))?;
    if let Some(iteration) = args.iteration {
        keep_only(iteration.get(), &mut session)?;
    }
    let text = if args.json {
        json_text(&session)?
    } else {
        tell(&session.warnings, printer);
        let dir = Path::new(&session.start.working_dir);
        let dir = (world.env.current_dir().ok() != Some(dir)).then_some(dir);
        let mut page = Page::new(printer.stdout_columns());
        match args.iteration {
            Some(_) => rounds(&session, dir, &mut page),
            None => write(&session, dir, &mut page),
        }
        page.into_text()
    };
    let mut pager = Pager::new(args.no_pager, world, printer);
    pager.write(&text)?;
    pager.finish()
}

/// Leaves out all rounds but this one.
fn keep_only(iteration: Iteration, session: &mut Session) -> Result<(), CliError> {
    if !session.rounds.iter().any(|round| round.iteration == iteration) {
        return Err(no_iteration(session, iteration));
    }
    session.iterations.retain(|summary| summary.iteration_number == iteration);
    session.rounds.retain(|round| round.iteration == iteration);
    Ok(())
}

/// The error of who asks for a round that there is not.
pub(super) fn no_iteration(session: &Session, iteration: Iteration) -> CliError {
    let error = CliError::usage(format!("session `{}` has no iteration {iteration}", session.id));
    match session.rounds.iter().map(|round| round.iteration).max() {
        None => error.hint("it has none"),
        Some(1) => error.hint("it has one"),
        Some(last) => error.hint(format!("it has 1 to {last}")),
    }
}

/// `dir` is the run's working directory, where the user stands somewhere else.
pub(super) fn write(session: &Session, dir: Option<&Path>, page: &mut Page) {
    page.heading(&format!("Session {}", session.id));
    metadata(session, page);
    page.heading("Prompt");
    page.indented(&session.start.prompt, 2);
    baseline(session, page);
    rounds(session, dir, page);
    match &session.end {
        Some(end) => page.heading(&format!("Outcome: {}", end.outcome)),
        None => page.heading(no_outcome(session.status)),
    }
    ending(session, dir, page);
}

fn baseline(session: &Session, page: &mut Page) {
    if session.baseline.is_empty() && session.baseline_checks.is_empty() {
        return;
    }
    page.heading("Before the first iteration");
    gates(&session.baseline, &session.baseline_checks, page);
}

fn rounds(session: &Session, dir: Option<&Path>, page: &mut Page) {
    for (told, summary) in session.rounds() {
        round(session, told, summary, dir, page);
    }
}

fn metadata(session: &Session, page: &mut Page) {
    let start = &session.start;
    let last = session.resumes.last();
    let max = last.map_or(start.max_iterations, |resumed| resumed.limits.max_iterations);
    let limit = max.map_or("no limit".into(), |max| format!("at most {max}"));
    page.row("Started", [words::utc(start.timestamp)]);
    page.row("Status", [session.status.as_str()]);
    page.row("Directory", [Said::with("", &start.working_dir)]);
    let settings = start.settings.as_ref();
    let versions = settings.map(|settings| [&settings.actor, &settings.critic]);
    let [actor, critic] = versions.map_or([None; 2], |of| of.map(|of| of.version.as_deref()));
    page.row("Actor", [agent(&start.actor_agent, actor, start.actor_model.as_deref())]);
    page.row("Critic", [agent(&start.critic_agent, critic, start.critic_model.as_deref())]);
    page.row("Iterations", [limit]);
    page.row("Run", start.run_id.as_ref().map(ToString::to_string));
    page.row("Fork of", start.parent.as_ref().map(parent));
    page.row("Commit", commit(start.commit_sha.as_deref(), start.branch.as_deref()));
    page.row("Evidence", session.evidence.as_ref().map(evidence));
}

fn agent(title: &str, version: Option<&str>, model: Option<&str>) -> String {
    let version = version.map(|version| format!(" {version}")).unwrap_or_default();
    let model = model.map(|model| format!(" ({model})")).unwrap_or_default();
    format!("{title}{version}{model}")
}

/// The run and the iteration that a run began from.
pub(in crate::cmd) fn parent(parent: &Parent) -> String {
    format!("run {} at iteration {}", parent.run_id, parent.iteration)
}

/// The commit that a run began at, and its branch.
pub(in crate::cmd) fn commit(sha: Option<&str>, branch: Option<&str>) -> Option<String> {
    let sha = sha?;
    Some(match branch {
        Some(branch) => format!("{sha} on {branch}"),
        None => format!("{sha}, no branch"),
    })
}

fn evidence(kept: &KeptEvidence) -> Said {
    let is_gone = if kept.exists { "" } else { " (not there)" };
    Said::with("", &format!("{}{is_gone}", kept.path))
}

const fn no_outcome(status: SessionStatus) -> &'static str {
    match status {
        SessionStatus::Running => "No outcome yet: it is running",
        SessionStatus::Interrupted => {
            "No outcome: it was asked to stop, and killed before it was through"
        }
        SessionStatus::Crashed | SessionStatus::Ended => {
            "No outcome: it crashed; codeloops was killed, or the machine went down"
        }
    }
}

fn ending(session: &Session, dir: Option<&Path>, page: &mut Page) {
    match &session.end {
        Some(end) => ended(end, page),
        None => page.row("Last line", [words::utc(session.last_line_at)]),
    }
    page.row("Resumed", session.resumes.iter().map(resumed));
    page.row("Stopped", session.stops.iter().map(stop));
    page.row("Failure", session.failures.iter().map(words::engine_failed));
    page.row("Ignored", session.ignored.iter().map(ignored));
    let used = session.usage().map(|usage| usage::by_role(&usage)).unwrap_or_default();
    page.row("Usage", used.into_iter().map(|(whose, used)| format!("{whose}: {used}")));
    left_in_git(session, dir, page);
    page.row("To go on", go_on(session));
    let summary = session.end.as_ref().and_then(|end| end.summary.as_deref());
    page.text("Summary", summary.unwrap_or_default());
}

fn ended(end: &SessionEnd, page: &mut Page) {
    page.row("Reason", end.stop_reason.map(|reason| reason.to_string()));
    page.row("Iterations", [end.iterations.to_string()]);
    page.row("Duration", [words::duration(end.duration_secs)]);
    page.row("Confidence", end.confidence.map(|confidence| confidence.to_string()));
    page.row("Error", end.error.as_deref());
    page.row("Redaction", words::masked(end.redacted));
}

fn stop(stop: &StopRequested) -> String {
    let now = if stop.now { ", at once" } else { "" };
    format!("by {} at {}{now}", stop.signal, words::utc(stop.timestamp))
}

fn resumed(on: &SessionResumed) -> String {
    format!("at {}, {}", words::utc(on.timestamp), words::resumed_at(on.iteration, on.phase))
}

fn ignored(late: &AnswerIgnored) -> String {
    format!("an answer to a call that was over ({})", late.call)
}

/// The command that goes on with a run that was not approved.
fn go_on(session: &Session) -> Option<String> {
    let approved = |end: &SessionEnd| end.stop_reason == Some(StopReason::Approved);
    let is_over = session.end.as_ref().is_some_and(approved);
    let is_ours = session.start.run_id.is_some() && session.start.settings.is_some();
    let can = is_ours && !is_over && session.status != SessionStatus::Running;
    can.then(|| format!("codeloops run --resume {}", session.id))
}

/// What keeps the work of a run, and the command that shows it.
fn left_in_git(session: &Session, dir: Option<&Path>, page: &mut Page) {
    // The other programs that write this format take no snapshots.
    let Some(run_id) = &session.start.run_id else { return };
    let captured = |changes: &Option<Changes>| matches!(changes, Some(Changes::Captured(_)));
    let last = session.rounds.iter().rev().find(|round| captured(&round.changes));
    let base = snapshot_ref(run_id, 0);
    let last = last.map_or_else(String::new, |round| format!(" to {}", round.iteration));
    let end = match session.changes_in {
        ChangesIn::Snapshot { iteration, .. } => Some(snapshot_ref(run_id, iteration)),
        ChangesIn::WorkingTree | ChangesIn::Nowhere => None,
    };
    let repository = Path::new(&session.start.working_dir);
    let are_gone = end.iter().chain([&base]).any(|name| lacks_ref(repository, name));
    let gone = if are_gone { "gone: " } else { "" };
    let removed = if are_gone { " were removed" } else { "" };
    page.row("Snapshots", [format!("{gone}{base}{last}{removed}")]);
    let compare = match end {
        Some(_) => commands::session_diff(session.id.as_str()),
        None if are_gone => return,
        None => commands::diff_with_tree(dir, &base),
    };
    page.row("To compare", [Said::with("", &compare)]);
}

#[cfg(test)]
mod tests;
