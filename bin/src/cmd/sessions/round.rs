//! One round of a session: a heading, a row for each thing that happened, the texts.

use std::path::Path;

use codeloops_event::layout::agent_stream;
use codeloops_event::{
    AgentOutcome, GateResult, GateTreeChecked, IterationEnd, OutputStream, Role, Ruling, Verdict,
};
use codeloops_session::{
    Answer, Call, CallEnd, CallState, Changes, Round, RoundPhase, Session, SessionStatus,
};
use codeloops_sinks::usage;
use codeloops_sinks::words::{self, After, Said};

use crate::cmd::page::Page;

/// Writes a round, with its summary if it is finished; `dir` is the repository, where the user stands
/// somewhere else.
pub(super) fn round(
    session: &Session,
    round: &Round,
    summary: Option<&IterationEnd>,
    dir: Option<&Path>,
    page: &mut Page,
) {
    let view = View {
        round,
        dir,
        runs: session.status == SessionStatus::Running,
        has_evidence: session.evidence.as_ref().is_some_and(|kept| kept.exists),
    };
    let came_to = summary.map_or_else(|| view.stands(), decision);
    page.heading(&format!("Iteration {}: {came_to}", round.iteration));
    view.rows(summary, page);
    if let Some(summary) = summary {
        page.text("Actor output", &summary.actor_output);
        page.text("Actor stderr", &summary.actor_stderr);
    }
    for call in &round.critic {
        if let Some(answer) = not_counted(call) {
            page.text(&format!("{} said", call_name("Critic", call, &round.critic)), answer);
        }
    }
    let feedback = summary.and_then(|s| s.feedback.as_deref()).unwrap_or_default();
    match round.critic.iter().find_map(error) {
        Some((analysis, recovery)) if summary.is_some() => {
            page.text("Analysis", analysis);
            page.text("Recovery", recovery);
        }
        _ => page.text("Feedback", feedback),
    }
}

/// The two parts of an ERROR that counts; the round's feedback holds them as one text.
fn error(call: &Call<Answer>) -> Option<(&str, &str)> {
    match &call.end()?.left.ruling {
        Some(Ruling::Accepted { verdict: Verdict::Error { analysis, recovery } }) => {
            Some((analysis, recovery))
        }
        _ => None,
    }
}

/// The decision that took effect, and what the critic had said where that is something else.
fn decision(summary: &IterationEnd) -> String {
    let decision = summary.critic_decision;
    if let Some(why) = words::not_asked(summary) {
        return format!("{decision} (the critic was not asked: {why})");
    }
    match summary.critic_verdict {
        Some(said) if said != decision => {
            format!("{decision} (the critic had said {said}, which was overruled)")
        }
        _ => decision.to_string(),
    }
}

/// A round as it is shown.
struct View<'a> {
    round: &'a Round,
    /// Its repository, where the user stands somewhere else.
    dir: Option<&'a Path>,
    /// Whether its session does.
    runs: bool,
    /// Whether what the agents printed is still there.
    has_evidence: bool,
}

impl View<'_> {
    /// Where an unfinished round stands or stood.
    fn stands(&self) -> String {
        let (is, was) = match self.round.phase {
            Some(RoundPhase::ActorExecuting) | None => {
                ("the actor is at work", "the actor was at work")
            }
            Some(RoundPhase::CapturingDiff) => {
                ("the changes are being captured", "the changes were being captured")
            }
            Some(RoundPhase::RunningGates) => ("the gates are running", "the gates were running"),
            Some(RoundPhase::CriticEvaluating) => {
                ("the critic is judging", "the critic was judging")
            }
        };
        if self.runs { format!("under way, {is}") } else { format!("not finished, {was}") }
    }

    fn rows(&self, summary: Option<&IterationEnd>, page: &mut Page) {
        let Round { actor, critic, .. } = self.round;
        for call in actor {
            page.row(&call_name("Actor", call, actor), self.call(Role::Actor, call));
        }
        // A recording of another program has nothing but the summary.
        page.row("Actor", summary.filter(|_| actor.is_empty()).map(actor_of));
        page.row("Changes", self.changes(summary));
        let of_summary = summary.filter(|_| self.round.gates.is_empty()).map(|of| &*of.gates);
        gates(of_summary.unwrap_or(&self.round.gates), &self.round.gate_checks, page);
        for call in critic {
            let says = self.call(Role::Critic, call).into_iter().map(Said::from);
            let judged = call.end().into_iter().flat_map(|end| judged(&end.left, self.dir));
            let says = says.chain(judged);
            page.row(&call_name("Critic", call, critic), says);
        }
        page.row("Critic", summary.filter(|_| critic.is_empty()).and_then(critic_of));
        page.row("Veto", self.round.veto.iter().map(words::approval_vetoed));
        page.row("Repeated", self.round.repeats.iter().map(words::state_repeated));
    }

    fn changes(&self, summary: Option<&IterationEnd>) -> Vec<String> {
        match (&self.round.changes, summary) {
            (Some(Changes::Captured(diff)), _) => {
                let all = words::diff_summary(diff.files_changed, diff.insertions, diff.deletions);
                let weakened = words::tampering(&diff.tampering, diff.more_tampering);
                std::iter::once(all).chain(diff.notes.iter().cloned()).chain(weakened).collect()
            }
            (Some(Changes::Failed(failed)), _) => {
                vec![format!("Could not be captured: {}", failed.error)]
            }
            (None, Some(summary)) => vec![changed(summary)],
            (None, None) => Vec::new(),
        }
    }

    fn call<T>(&self, role: Role, call: &Call<T>) -> Vec<String> {
        match &call.state {
            CallState::Waiting { until, reason } => {
                let waits = if self.runs { "Waiting until" } else { "Was to wait until" };
                vec![format!("{waits} {}: {reason}", words::utc(*until))]
            }
            CallState::Started { at, process } => {
                let end = if self.runs { "" } else { "; no end of it is recorded" };
                let started =
                    format!("Started {} as process {}{end}", words::utc(*at), process.pid);
                let n = self.round.iteration;
                let file = agent_stream(n, role, call.attempt, OutputStream::Stdout);
                let printed = format!("What it printed: {file}");
                std::iter::once(started).chain(self.has_evidence.then_some(printed)).collect()
            }
            CallState::Over(end) => self.ended(role, end),
        }
    }

    fn ended<T>(&self, role: Role, end: &CallEnd<T>) -> Vec<String> {
        let ended = words::call_ended(role, &end.outcome, end.exit_code, end.duration_secs);
        let used = end.usage.as_ref().and_then(usage::in_words);
        let used = used.map_or_else(String::new, |used| format!("; {used}"));
        let mut says = vec![format!("{ended}{used}")];
        says.extend(words::left_over(&end.outcome, end.leftovers, [&end.stdout, &end.stderr]));
        if let Some(declared) = &end.text_instead_of {
            says.push(format!("Read as text: nothing that it printed is of `{declared}`"));
        }
        let went_well =
            matches!(end.outcome, AgentOutcome::Completed | AgentOutcome::Denied { .. });
        // What the actor said stands in the summary, what the critic said in its line.
        let is_shown = went_well && (role == Role::Critic || self.round.is_finished());
        if self.has_evidence && !is_shown {
            says.extend(printed(end));
        }
        says
    }
}

/// How gates ended, what a red one found, and what they did to the tree.
pub(in crate::cmd) fn gates(results: &[GateResult], checks: &[GateTreeChecked], page: &mut Page) {
    for gate in results {
        let findings = words::gate_findings(gate).into_iter().map(|line| format!("| {line}"));
        let says = std::iter::once(words::gate_ended(gate)).chain(findings).map(Said::from);
        page.row("Gate", says.chain(words::gate_output(gate)));
    }
    let looks = checks.iter();
    page.row("Gates", looks.flat_map(|e| words::tree_checked(After::Gates(&e.gates), &e.check)));
}

/// The role, and which try it is where there are more.
fn call_name<T>(role: &str, call: &Call<T>, all: &[Call<T>]) -> String {
    match (all.len(), call.attempt) {
        (1, 1) => role.to_owned(),
        (_, attempt) => format!("{role} {attempt}"),
    }
}

/// The files that hold something of what a call printed.
fn printed<T>(end: &CallEnd<T>) -> Option<String> {
    let files = [&end.stdout, &end.stderr].into_iter().flatten().filter(|file| file.bytes > 0);
    let names: Vec<&str> = files.map(|file| file.path.as_str()).collect();
    (!names.is_empty()).then(|| format!("What it printed: {}", names.join(", ")))
}

/// What the critic did beside its answer, and why that did not count.
fn judged(answer: &Answer, dir: Option<&Path>) -> Vec<Said> {
    let mut says = answer
        .tree
        .as_ref()
        .map(|check| words::tree_checked(After::Critic, check))
        .unwrap_or_default();
    let before = answer.unverified.as_deref().into_iter();
    says.extend(before.flat_map(|before| words::tree_unverified(before, dir)));
    let (problem, then) = match &answer.ruling {
        None | Some(Ruling::Accepted { .. }) => return says,
        Some(Ruling::AskedAgain { problem }) => (problem, "asked again"),
        Some(Ruling::GivenUp { problem }) => (problem, "the round counts as ERROR"),
    };
    says.push(format!("Not counted, {}; {then}", words::verdict_problem(problem)).into());
    says
}

/// What the critic said, unless it counts: then it is the decision.
fn not_counted(call: &Call<Answer>) -> Option<&str> {
    let answer = &call.end()?.left;
    let counts = matches!(answer.ruling, Some(Ruling::Accepted { .. }));
    (!counts).then_some(answer.text.as_str())
}

fn actor_of(summary: &IterationEnd) -> String {
    let (code, secs) = (summary.actor_exit_code, summary.actor_duration_secs);
    words::call_ended(Role::Actor, &AgentOutcome::Completed, Some(code), secs)
}

fn critic_of(summary: &IterationEnd) -> Option<String> {
    let (code, secs) = (summary.critic_exit_code, summary.critic_duration_secs?);
    Some(words::call_ended(Role::Critic, &AgentOutcome::Completed, code, secs))
}

fn changed(summary: &IterationEnd) -> String {
    match (summary.git_files_changed, summary.insertions, summary.deletions) {
        (files, Some(insertions), Some(deletions)) => {
            words::diff_summary(files, insertions, deletions)
        }
        (0, ..) => words::diff_summary(0, 0, 0),
        (files, ..) => words::files_changed(files),
    }
}
