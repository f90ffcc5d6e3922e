//! The default format: what happened, for a person who watches.

use codeloops_event::{
    Decision, Event, Iteration, IterationEnd, Outcome, SessionEnd, SessionStart, Settings,
};

use super::line::{Label, Line, Tone};
use super::notes::{attention, end_reasons, note, notes};
use crate::text::{headline, one_line, sanitise};
use crate::usage;
use crate::words::{self, Said};

/// Columns that the first line of the prompt may take.
const HEADLINE: usize = 63;
/// Columns that a line with an agent's words may take.
const WIDTH: usize = 72;
/// What stands before such a line, from the second on.
const INDENT: &str = "         ";

pub(super) fn render(event: &Event) -> Vec<Line> {
    match event {
        Event::SessionStart(e) => session_start(e),
        Event::IterationStarted(e) => iteration_started(e.iteration),
        Event::Iteration(e) => iteration_end(e),
        Event::SessionEnd(e) => session_end(e),
        other => notes(other),
    }
}

/// A whole round from its summary alone, for a recording that has no lines between.
pub(super) fn render_summary(round: &IterationEnd) -> Vec<Line> {
    let exit = round.actor_exit_code;
    let completed =
        format!("Completed in {} (exit code: {exit})", words::duration(round.actor_duration_secs));
    let files = round.git_files_changed;
    let diff = match (round.insertions, round.deletions) {
        (Some(insertions), Some(deletions)) => words::diff_summary(files, insertions, deletions),
        _ if files == 0 => words::diff_summary(0, 0, 0),
        _ => words::files_changed(files),
    };
    let mut lines = iteration_started(round.iteration_number);
    lines.extend([note(Label::Actor, completed), note(Label::Git, diff)]);
    lines.extend(iteration_end(round));
    lines
}

fn session_start(e: &SessionStart) -> Vec<Line> {
    let actor = agent(&e.actor_agent, e.actor_model.as_deref());
    let critic = agent(&e.critic_agent, e.critic_model.as_deref());
    let mut lines = vec![
        note(Label::Codeloops, "Starting actor-critic loop".to_owned()),
        note(Label::Codeloops, format!("Prompt: {}", headline(&e.prompt, HEADLINE))),
        note(Label::Codeloops, Said::with("Working directory:", &e.working_dir)),
        note(Label::Codeloops, format!("Actor: {actor} | Critic: {critic}")),
    ];
    lines.extend(e.settings.iter().flat_map(settings));
    lines
}

/// An agent's title, with its model where one was asked for.
pub(super) fn agent(title: &str, model: Option<&str>) -> String {
    let title = one_line(title);
    match model {
        Some(model) => format!("{title} ({})", one_line(model)),
        None => title,
    }
}

/// What the user should know of the settings before anything runs: the commands that a project file
/// names, and that nothing will stop the run.
pub(super) fn settings(settings: &Settings) -> Vec<Line> {
    let gates = settings.gates.iter().map(|gate| {
        let optional = if gate.required { "" } else { " (not required)" };
        let command = words::gate_command(gate);
        note(Label::Codeloops, format!("Gate {}: {command}{optional}", one_line(&gate.name)))
    });
    let unlimited =
        words::unlimited(&settings.limits).map(|text| attention(Label::Codeloops, text.to_owned()));
    gates.chain(unlimited).collect()
}

fn iteration_started(iteration: Iteration) -> Vec<Line> {
    let heading = Line::default().with(Tone::Heading, format!("[iteration {iteration}]"));
    vec![Line::default(), heading]
}

fn iteration_end(e: &IterationEnd) -> Vec<Line> {
    let mut lines = vec![decision(e)];
    lines.extend(feedback(e).into_iter().flat_map(|text| words_of_critic("Feedback", text)));
    lines
}

/// What the critic wrote to the actor. Where it was not asked, or was overruled, the actor hears what
/// the gates found, which was told already.
pub(super) fn feedback(e: &IterationEnd) -> Option<&str> {
    let is_overruled = e.critic_verdict == Some(Decision::Done);
    e.feedback.as_deref().filter(|_| !is_overruled && words::not_asked(e).is_none())
}

/// A round that came to an ERROR, with the named parts of what the critic wrote.
pub(super) fn error<'a>(
    e: &IterationEnd,
    parts: impl Iterator<Item = (&'static str, &'a str)>,
) -> Vec<Line> {
    let parts = parts.flat_map(|(what, text)| words_of_critic(what, text));
    std::iter::once(decision(e)).chain(parts).collect()
}

/// The decision that took effect, and what the critic had said where that is something else.
pub(super) fn decision(e: &IterationEnd) -> Line {
    let decision = e.critic_decision;
    let line = Line::of(Label::Critic).with(Tone::Plain, "Decision: ");
    let line = line.with(decision_tone(decision), decision.as_str());
    if let Some(why) = words::not_asked(e) {
        return line.with(Tone::Plain, format!(" (it was not asked: {why})"));
    }
    match e.critic_verdict {
        Some(said) if said != decision => {
            line.with(Tone::Plain, format!(" (it had said {said}, which was overruled)"))
        }
        _ => line,
    }
}

const fn decision_tone(decision: Decision) -> Tone {
    match decision {
        Decision::Done => Tone::Good,
        Decision::Continue => Tone::Attention,
        Decision::Error => Tone::Bad,
    }
}

/// What the critic wrote, in its own lines, which are broken where they are too long.
fn words_of_critic(what: &str, text: &str) -> Vec<Line> {
    let text = sanitise(text);
    let mut lines = text.trim().lines().map(str::trim_end);
    let first = note(Label::Critic, format!("{what}: {}", lines.next().unwrap_or_default()));
    let others = lines.map(|line| match line {
        "" => Line::default(),
        _ => Line::default().with(Tone::Plain, format!("{INDENT}{line}")),
    });
    std::iter::once(first).chain(others).map(|line| line.at_most(WIDTH)).collect()
}

fn session_end(e: &SessionEnd) -> Vec<Line> {
    let mut lines = Vec::new();
    lines.extend(e.summary.iter().flat_map(|text| words_of_critic("Summary", text)));
    lines.extend(e.confidence.map(|c| note(Label::Critic, format!("Confidence: {c}"))));
    lines.extend([Line::default(), session_complete(e)]);
    lines.extend(end_reasons(e));
    lines.push(note(Label::Codeloops, format!("Duration: {}", words::duration(e.duration_secs))));
    let used = e.usage.as_ref().map(usage::by_role).unwrap_or_default();
    let told = used.into_iter().map(|(whose, used)| format!("Usage, {whose}: {used}"));
    let masked = words::masked(e.redacted).map(|masked| format!("Credentials: {masked}"));
    lines.extend(told.chain(masked).map(|told| note(Label::Codeloops, told)));
    lines
}

/// How the run ended, after how many rounds.
pub(super) fn session_complete(e: &SessionEnd) -> Line {
    let tone = match e.outcome {
        Outcome::Success => Tone::Good,
        Outcome::Failed => Tone::Bad,
        Outcome::Interrupted
        | Outcome::MaxIterationsReached
        | Outcome::BudgetExhausted
        | Outcome::Stuck => Tone::Attention,
    };
    let rounds = words::count(u64::from(e.iterations), "iteration", "iterations");
    // Others end at any point of a round, and the one that they broke off is not counted.
    let counted = match e.outcome {
        Outcome::Success | Outcome::MaxIterationsReached | Outcome::Stuck => "",
        Outcome::Failed | Outcome::Interrupted | Outcome::BudgetExhausted => " finished",
    };
    Line::of(Label::Codeloops)
        .with(Tone::Plain, "Session complete: ")
        .with(tone, e.outcome.as_str())
        .with(Tone::Plain, format!(" ({rounds}{counted})"))
}
