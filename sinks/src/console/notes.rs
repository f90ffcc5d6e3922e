//! The short lines that `pretty` and `compact` share: one or a few per event, each complete in
//! itself.

use codeloops_event::{
    AgentOutcome, AgentStarted, AnswerIgnored, Attempt, DiffCaptured, EngineFailed, Event,
    Evidence, Role, Ruling, SessionEnd, StopReason, StopRequested, TreeCheck, Waiting,
};

use super::line::{Label, Line, Tone};
use super::words;
use crate::text::flatten;

/// Files that a line names before it says how many more there are.
const NAMED_FILES: usize = 3;

/// What an event says in short lines; empty where another event says it better.
pub(super) fn notes(event: &Event) -> Vec<Line> {
    match event {
        Event::ActorStarted(e) => vec![actor_started(e)],
        Event::ActorCompleted(e) => {
            let ended = words::call_ended(&e.outcome, e.exit_code, e.duration_secs);
            let mut lines = vec![said(Label::Actor, ended)];
            lines.extend(left_over(Role::Actor, e.leftovers, [&e.stdout, &e.stderr]));
            lines
        }
        Event::DiffCaptured(e) => diff_captured(e),
        Event::DiffFailed(e) => {
            vec![bad(Label::Git, format!("Could not capture the changes: {}", flatten(&e.error)))]
        }
        Event::GateCompleted(e) => vec![said(Label::Gate, words::gate_ended(&e.gate))],
        Event::CriticStarted(e) => vec![critic_started(e.attempt)],
        Event::CriticCompleted(e) => {
            let ended = words::call_ended(&e.outcome, e.exit_code, e.duration_secs);
            let told = e.outcome != AgentOutcome::Completed;
            let mut lines: Vec<Line> =
                told.then(|| said(Label::Critic, ended)).into_iter().collect();
            lines.extend(left_over(Role::Critic, e.leftovers, [&e.stdout, &e.stderr]));
            lines
        }
        Event::TreeChecked(e) => tree_checked(&e.check),
        Event::VerdictReached(e) => ruling(&e.ruling),
        Event::Waiting(e) => vec![waiting(e)],
        Event::WaitOver(e) => vec![said(e.role.into(), (Tone::Plain, "Trying again".to_owned()))],
        Event::StopRequested(e) => vec![stop_requested(e)],
        Event::AnswerIgnored(e) => vec![answer_ignored(e)],
        Event::EngineFailed(e) => vec![engine_failed(e)],
        Event::SessionStart(_)
        | Event::IterationStarted(_)
        | Event::Iteration(_)
        | Event::SessionEnd(_)
        | Event::AgentOutput(_) => Vec::new(),
    }
}

/// Why a run ended, where its outcome alone does not say it, and what failed.
pub(super) fn end_reasons(end: &SessionEnd) -> Vec<Line> {
    let told_by_outcome = [
        StopReason::Approved,
        StopReason::MaxIterations,
        StopReason::Stuck,
        StopReason::Interrupted,
    ];
    let reason = end.stop_reason.filter(|reason| !told_by_outcome.contains(reason));
    let reason = reason.map(|r| note(Label::Codeloops, format!("Stop reason: {r}")));
    let error = end.error.as_deref();
    let error = error.map(|e| bad(Label::Codeloops, format!("Error: {}", flatten(e))));
    reason.into_iter().chain(error).collect()
}

fn actor_started(e: &AgentStarted) -> Line {
    let agent = flatten(&e.agent);
    note(
        Label::Actor,
        match e.attempt {
            1 => format!("Running {agent}..."),
            n => format!("Running {agent} again (attempt {n})..."),
        },
    )
}

fn critic_started(attempt: Attempt) -> Line {
    note(
        Label::Critic,
        match attempt {
            1 => "Evaluating changes...".to_owned(),
            n => format!("Evaluating changes again (attempt {n})..."),
        },
    )
}

fn left_over(role: Role, leftovers: u32, files: [&Option<Evidence>; 2]) -> Vec<Line> {
    let processes = (leftovers > 0).then(|| {
        let processes = words::count(u64::from(leftovers), "process", "processes");
        attention(role.into(), format!("Ended {processes} that it had left behind"))
    });
    let dropped: u64 = files.into_iter().flatten().map(|file| file.dropped_bytes).sum();
    let output = (dropped > 0).then(|| {
        let bytes = words::count(dropped, "byte", "bytes");
        attention(role.into(), format!("Printed too much: {bytes} past the limit were not kept"))
    });
    processes.into_iter().chain(output).collect()
}

fn diff_captured(e: &DiffCaptured) -> Vec<Line> {
    let summary = words::diff_summary(e.files_changed, e.insertions, e.deletions);
    let hidden = e.notes.iter().map(|n| attention(Label::Git, format!("Note: {}", flatten(n))));
    std::iter::once(note(Label::Git, summary)).chain(hidden).collect()
}

fn tree_checked(check: &TreeCheck) -> Vec<Line> {
    match check {
        TreeCheck::Unchanged => Vec::new(),
        TreeCheck::Failed { error } => vec![bad(
            Label::Git,
            format!("Could not compare the tree after the critic: {}", flatten(error)),
        )],
        TreeCheck::Changed { kept_as, files, head_moved, index_changed, restored } => {
            let what = changed_by_critic(files, *head_moved, *index_changed);
            let after = if *restored { "it was put back" } else { "it was not put back" };
            let kept = flatten(kept_as);
            let commit =
                if *head_moved { format!(", its commit as {kept}-head") } else { String::new() };
            vec![
                attention(Label::Git, format!("Changed while the critic judged: {what}")),
                attention(
                    Label::Git,
                    format!("The changed tree is kept as {kept}{commit}; {after}"),
                ),
            ]
        }
    }
}

fn changed_by_critic(files: &[String], head_moved: bool, index_changed: bool) -> String {
    let mut parts = Vec::new();
    if !files.is_empty() {
        let names: Vec<String> = files.iter().take(NAMED_FILES).map(|f| flatten(f)).collect();
        let more = files.len().saturating_sub(NAMED_FILES);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let number = words::count(files.len() as u64, "file", "files");
        parts.push(format!("{number} ({}{more})", names.join(", ")));
    }
    if head_moved {
        parts.push("HEAD".to_owned());
    }
    if index_changed {
        parts.push("the index".to_owned());
    }
    parts.join(", ")
}

fn ruling(ruling: &Ruling) -> Vec<Line> {
    let (problem, then) = match ruling {
        Ruling::Accepted { .. } => return Vec::new(),
        Ruling::AskedAgain { problem } => (problem, "asking again"),
        Ruling::GivenUp { problem } => (problem, "the round counts as ERROR"),
    };
    let problem = words::verdict_problem(problem);
    vec![attention(Label::Critic, format!("Answer not usable, {problem}; {then}"))]
}

fn waiting(e: &Waiting) -> Line {
    let reason = flatten(&e.reason);
    let reason = if reason.is_empty() { reason } else { format!(": {reason}") };
    attention(e.role.into(), format!("Waiting until {}{reason}", words::utc(e.until)))
}

/// Names nobody who is stopped: an agent, a gate or git may run, or nothing but a wait.
fn stop_requested(e: &StopRequested) -> Line {
    let text = match (e.now, e.signal.as_str()) {
        (true, _) => "Stopping at once".to_owned(),
        (false, "SIGINT") => "Stopping; press Ctrl+C again to stop at once".to_owned(),
        (false, signal) => format!("Stopping ({})", flatten(signal)),
    };
    attention(Label::Codeloops, text)
}

fn answer_ignored(e: &AnswerIgnored) -> Line {
    let text = format!("Ignored an answer to a call that was over ({})", e.call);
    Line::of(Label::Codeloops).with(Tone::Faint, text)
}

fn engine_failed(e: &EngineFailed) -> Line {
    let what = match e.reason {
        StopReason::RecordFailed => "Could not record the session",
        _ => "Internal error",
    };
    bad(Label::Codeloops, format!("{what}: {}", flatten(&e.error)))
}

pub(super) fn note(label: Label, text: String) -> Line {
    said(label, (Tone::Plain, text))
}

pub(super) fn attention(label: Label, text: String) -> Line {
    said(label, (Tone::Attention, text))
}

pub(super) fn bad(label: Label, text: String) -> Line {
    said(label, (Tone::Bad, text))
}

fn said(label: Label, (tone, text): (Tone, String)) -> Line {
    Line::of(label).with(tone, text)
}
