//! One line per event with its time, for logs of many runs.

use codeloops_event::{
    AgentOutcome, Event, GateCompleted, IterationEnd, Role, SessionEnd, SessionStart, Timestamp,
};

use super::line::{Label, Line, Tone};
use super::notes::{end_reasons, gate_ended, note, notes};
use super::pretty;
use crate::text::{headline, one_line};
use crate::usage;
use crate::words;

/// Columns that an agent's words may take.
const WORDS: usize = 160;

/// At most one line, without the time where the event has none.
pub(super) fn render(event: &Event) -> Option<Line> {
    let line = match event {
        Event::SessionStart(e) => session_start(e),
        Event::IterationStarted(e) => {
            note(Label::Codeloops, format!("Iteration {} begins", e.iteration))
        }
        Event::CriticCompleted(e) if e.outcome == AgentOutcome::Completed => {
            let ended = words::call_ended(Role::Critic, &e.outcome, e.exit_code, e.duration_secs);
            join(note(Label::Critic, ended), notes(event))
        }
        Event::GateCompleted(e) => gate_completed(e),
        Event::Iteration(e) => iteration_end(e),
        Event::SessionEnd(e) => session_end(e),
        other => {
            let mut lines = notes(other).into_iter();
            join(lines.next()?, lines)
        }
    };
    Some(match event.timestamp() {
        Some(at) => timed(line, at),
        None => line,
    })
}

fn timed(line: Line, at: Timestamp) -> Line {
    line.after(Tone::Faint, format!("{} ", words::log_time(at)))
}

/// A round that came to an ERROR, with the named parts of what the critic wrote.
pub(super) fn error<'a>(
    e: &IterationEnd,
    parts: impl Iterator<Item = (&'static str, &'a str)>,
) -> Line {
    let parts = parts.map(|(what, text)| {
        note(Label::Critic, format!("{}: {}", what.to_lowercase(), in_short(text)))
    });
    timed(join(pretty::decision(e), parts), e.timestamp)
}

fn join(first: Line, others: impl IntoIterator<Item = Line>) -> Line {
    others.into_iter().fold(first, Line::and)
}

fn session_start(e: &SessionStart) -> Line {
    let actor = pretty::agent(&e.actor_agent, e.actor_model.as_deref());
    let critic = pretty::agent(&e.critic_agent, e.critic_model.as_deref());
    let prompt = headline(&e.prompt, WORDS);
    let dir = one_line(&e.working_dir);
    let text = format!(
        "Starting actor-critic loop in {dir}; actor {actor}, critic {critic}; prompt: {prompt}"
    );
    let settings = e.settings.as_ref().map(pretty::settings).unwrap_or_default();
    join(note(Label::Codeloops, text), settings)
}

/// With the first of what it found: the whole is no line.
fn gate_completed(e: &GateCompleted) -> Line {
    let first = words::gate_findings(&e.gate).into_iter().find(|line| !line.trim().is_empty());
    join(gate_ended(e), first.map(|line| note(Label::Gate, in_short(&line))))
}

fn iteration_end(e: &IterationEnd) -> Line {
    let line = pretty::decision(e);
    match pretty::feedback(e) {
        Some(feedback) => line.with(Tone::Plain, format!(": {}", in_short(feedback))),
        None => line,
    }
}

fn session_end(e: &SessionEnd) -> Line {
    let duration = format!(" in {}", words::duration(e.duration_secs));
    let line = pretty::session_complete(e).with(Tone::Plain, duration);
    let summary = e.summary.as_deref().map(|summary| {
        let confidence = e.confidence.map_or_else(String::new, |c| format!(" (confidence {c})"));
        note(Label::Codeloops, format!("summary{confidence}: {}", in_short(summary)))
    });
    let total = e.usage.as_ref().and_then(|usage| usage::in_words(&usage.sum()?));
    let used = total.map(|used| note(Label::Codeloops, used));
    let masked = words::masked(e.redacted);
    let masked = masked.map(|masked| note(Label::Codeloops, format!("credentials {masked}")));
    join(join(line, end_reasons(e)), used.into_iter().chain(masked).chain(summary))
}

fn in_short(text: &str) -> String {
    headline(&one_line(text), WORDS)
}
