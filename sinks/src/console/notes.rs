//! The short lines that `pretty` and `compact` share: one or a few per event, each complete in
//! itself.

use codeloops_event::{
    AgentOutcome, AgentStarted, AnswerIgnored, Attempt, Changed, DiffCaptured, Event, Evidence,
    FoundTree, GateCompleted, GateResult, GateStatus, GateTreeChecked, ReadAsText, Role, Ruling,
    SessionEnd, SessionResumed, StopReason, StopRequested, TreeCheck, TreeChecked, VerdictProblem,
    Waiting,
};

use super::line::{Label, Line, Tone};
use crate::text::one_line;
use crate::words::{self, After, Said};

/// What an event says in short lines; empty where another event says it better.
pub(super) fn notes(event: &Event) -> Vec<Line> {
    match event {
        Event::ActorStarted(e) => vec![actor_started(e)],
        Event::ActorCompleted(e) => {
            let mut lines = vec![call_ended(Role::Actor, &e.outcome, e.exit_code, e.duration_secs)];
            lines.extend(left_over(Role::Actor, &e.outcome, e.leftovers, [&e.stdout, &e.stderr]));
            lines
        }
        Event::ReadAsText(e) => read_as_text(e),
        Event::DiffCaptured(e) => diff_captured(e),
        Event::DiffFailed(e) => {
            vec![bad(Label::Git, format!("Could not capture the changes: {}", one_line(&e.error)))]
        }
        Event::GateCompleted(e) => gate_completed(e),
        Event::GateTreeChecked(e) => gate_tree_checked(e),
        Event::ApprovalVetoed(e) => vec![attention(Label::Gate, words::approval_vetoed(e))],
        Event::StateRepeated(e) => vec![attention(Label::Codeloops, words::state_repeated(e))],
        Event::CriticStarted(e) => vec![critic_started(e.attempt)],
        Event::CriticCompleted(e) => {
            let ended = || call_ended(Role::Critic, &e.outcome, e.exit_code, e.duration_secs);
            let told = e.outcome != AgentOutcome::Completed;
            let mut lines: Vec<Line> = told.then(ended).into_iter().collect();
            lines.extend(left_over(Role::Critic, &e.outcome, e.leftovers, [&e.stdout, &e.stderr]));
            lines
        }
        Event::TreeChecked(e) => tree_checked(e),
        Event::TreeUnverified(e) => tree_unverified(&e.before),
        Event::VerdictReached(e) => ruling(&e.ruling),
        Event::Waiting(e) => vec![waiting(e)],
        Event::WaitOver(e) => vec![note(e.role.into(), "Trying again".to_owned())],
        Event::StopRequested(e) => vec![stop_requested(e)],
        Event::SessionResumed(e) => resumed(e),
        Event::AnswerIgnored(e) => vec![answer_ignored(e)],
        Event::EngineFailed(e) => vec![bad(Label::Codeloops, words::engine_failed(e))],
        Event::GateStarted(_)
        | Event::SessionStart(_)
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
    let error = error.map(|e| bad(Label::Codeloops, format!("Error: {}", one_line(e))));
    reason.into_iter().chain(error).collect()
}

fn actor_started(e: &AgentStarted) -> Line {
    let agent = one_line(&e.agent);
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

fn call_ended(role: Role, outcome: &AgentOutcome, exit_code: Option<i32>, secs: f64) -> Line {
    let tone = match outcome {
        AgentOutcome::Completed => Tone::Plain,
        AgentOutcome::Denied { .. } | AgentOutcome::Interrupted => Tone::Attention,
        _ => Tone::Bad,
    };
    said(role.into(), tone, words::call_ended(role, outcome, exit_code, secs))
}

/// How a gate ended, and of a red one what it found.
fn gate_completed(e: &GateCompleted) -> Vec<Line> {
    let findings = words::gate_findings(&e.gate).into_iter().map(|line| {
        Line::of(Label::Gate).with(Tone::Plain, "| ").with(Tone::Plain, line).behind_bar()
    });
    let output = words::gate_output(&e.gate).map(|said| note(Label::Gate, said));
    std::iter::once(gate_ended(e)).chain(findings).chain(output).collect()
}

/// How a gate ended.
pub(super) fn gate_ended(e: &GateCompleted) -> Line {
    let gate: &GateResult = &e.gate;
    let tone = match gate.status {
        GateStatus::Passed => Tone::Good,
        GateStatus::Flaky => Tone::Attention,
        _ if gate.interrupted || !gate.required => Tone::Attention,
        _ if words::is_red_as_before(gate) && !gate.worse => Tone::Attention,
        _ => Tone::Bad,
    };
    said(Label::Gate, tone, words::gate_completed(e.iteration, gate))
}

/// What it means for the answer, and what would end the doubt.
fn read_as_text(e: &ReadAsText) -> Vec<Line> {
    let [told, setting] = words::read_as_text(&e.agent, &e.declared);
    vec![attention(e.role.into(), told), note(e.role.into(), setting)]
}

fn left_over(
    role: Role,
    outcome: &AgentOutcome,
    leftovers: u32,
    files: [&Option<Evidence>; 2],
) -> Vec<Line> {
    let said = words::left_over(outcome, leftovers, files);
    said.into_iter().map(|text| attention(role.into(), text)).collect()
}

fn diff_captured(e: &DiffCaptured) -> Vec<Line> {
    let summary = words::diff_summary(e.files_changed, e.insertions, e.deletions);
    let hidden = e.notes.iter().map(|n| attention(Label::Git, format!("Note: {}", one_line(n))));
    let weakened = words::tampering(&e.tampering, e.more_tampering);
    let weakened = weakened.into_iter().map(|sign| attention(Label::Git, sign));
    std::iter::once(note(Label::Git, summary)).chain(hidden).chain(weakened).collect()
}

/// What to do about it is told once a round: the critic changes mostly the same when asked again.
fn tree_checked(e: &TreeChecked) -> Vec<Line> {
    look(After::Critic, e.attempt, &e.check)
}

/// As [`tree_checked`].
fn gate_tree_checked(e: &GateTreeChecked) -> Vec<Line> {
    look(After::Gates(&e.gates), e.attempt, &e.check)
}

fn look(after: After<'_>, attempt: Attempt, check: &TreeCheck) -> Vec<Line> {
    let (tone, advice) = match check {
        TreeCheck::Failed { .. } => (Tone::Bad, None),
        TreeCheck::Changed { files, .. } if attempt == 1 && has_files(files) => {
            (Tone::Attention, Some(note(Label::Git, LEFT_BEHIND.to_owned())))
        }
        TreeCheck::Unchanged | TreeCheck::Changed { .. } => (Tone::Attention, None),
    };
    let found = words::tree_checked(after, check).into_iter();
    found.map(|text| said(Label::Git, tone, text)).chain(advice).collect()
}

fn has_files(changed: &[String]) -> bool {
    changed.iter().any(|name| Changed::named(name).is_file())
}

const LEFT_BEHIND: &str = "If tests leave such files behind, name them in .gitignore";

fn tree_unverified(before: &str) -> Vec<Line> {
    let [told, command] = words::tree_unverified(before, None);
    vec![attention(Label::Git, told), note(Label::Git, command)]
}

fn ruling(ruling: &Ruling) -> Vec<Line> {
    let (problem, then) = match ruling {
        Ruling::Accepted { .. } => return Vec::new(),
        Ruling::AskedAgain { problem } => (problem, "asking again"),
        Ruling::GivenUp { problem } => (problem, "the round counts as ERROR"),
    };
    // Told once a round: whoever made the critic may not know.
    let form = matches!(ruling, Ruling::GivenUp { problem: VerdictProblem::NoDecision })
        .then(|| note(Label::Critic, FORM));
    let problem = words::verdict_problem(problem);
    let not_usable = attention(Label::Critic, format!("Answer not usable, {problem}; {then}"));
    std::iter::once(not_usable).chain(form).collect()
}

const FORM: &str =
    "An answer holds a line that begins with DECISION: and says DONE, CONTINUE or ERROR";

fn waiting(e: &Waiting) -> Line {
    let reason = one_line(&e.reason);
    let reason = if reason.is_empty() { reason } else { format!(": {reason}") };
    if e.until <= e.timestamp {
        return attention(e.role.into(), format!("Calling again at once{reason}"));
    }
    let time = words::elapsed((e.until - e.timestamp).to_std().unwrap_or_default());
    let until = words::utc(e.until);
    attention(e.role.into(), format!("Waiting for {time}, until {until}{reason}"))
}

/// Names nobody who is stopped: an agent, a gate or git may run, or nothing but a wait.
fn stop_requested(e: &StopRequested) -> Line {
    let text = match (e.now, e.signal.as_str()) {
        (true, _) => "Stopping at once".to_owned(),
        (false, "SIGINT") => "Stopping; press Ctrl+C again to stop at once".to_owned(),
        (false, signal) => format!("Stopping ({})", one_line(signal)),
    };
    attention(Label::Codeloops, text)
}

/// The run does not end before it, so that its end is not told while files still change.
pub(super) fn put_back_first() -> Line {
    note(Label::Git, "What has begun to be put back is finished first".to_owned())
}

/// Where the run goes on, and what has become of things since it broke off.
fn resumed(e: &SessionResumed) -> Vec<Line> {
    let at = words::resumed_at(e.iteration, e.phase);
    let mut lines = vec![note(Label::Codeloops, format!("Resumed {at}"))];
    if e.leftovers > 0 {
        let ended = format!("Ended {} that the run had left behind", words::processes(e.leftovers));
        lines.push(note(Label::Codeloops, ended));
    }
    if let FoundTree::Changed { kept_as, .. } = &e.tree {
        let kept = format!(
            "The files are not as the last snapshot has them; they are kept as {}",
            one_line(kept_as)
        );
        lines.push(note(Label::Git, kept));
    }
    lines
}

fn answer_ignored(e: &AnswerIgnored) -> Line {
    let text = format!("Ignored an answer to a call that was over ({})", e.call);
    said(Label::Codeloops, Tone::Faint, text)
}

pub(super) fn note(label: Label, text: impl Into<Said>) -> Line {
    said(label, Tone::Plain, text)
}

pub(super) fn attention(label: Label, text: impl Into<Said>) -> Line {
    said(label, Tone::Attention, text)
}

pub(super) fn bad(label: Label, text: impl Into<Said>) -> Line {
    said(label, Tone::Bad, text)
}

fn said(label: Label, tone: Tone, said: impl Into<Said>) -> Line {
    let Said { text, to_copy } = said.into();
    let line = Line::of(label).with(tone, text);
    match to_copy {
        Some(whole) => line.with(tone, " ").with_whole(tone, whole),
        None => line,
    }
}
