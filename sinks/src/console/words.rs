//! Phrases for the values that events carry.

use codeloops_event::{
    AgentOutcome, CutOffKind, GateResult, GateStatus, LimitKind, Refusal, Timestamp, VerdictProblem,
};

use super::line::Tone;
use crate::text::flatten;

/// A number with its noun.
pub(super) fn count(n: u64, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}

/// Seconds, as `89.4s` whatever their number.
pub(super) fn secs(secs: f64) -> String {
    format!("{secs:.1}s")
}

/// A time that a person is to act on.
pub(super) fn utc(at: Timestamp) -> String {
    at.format("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// Git's own summary of a diff, with its rules for what is left out.
pub(super) fn diff_summary(files: u64, insertions: u64, deletions: u64) -> String {
    if files == 0 {
        return "no changes".to_owned();
    }
    let mut parts = vec![files_changed(files)];
    if insertions > 0 || deletions == 0 {
        parts.push(count(insertions, "insertion(+)", "insertions(+)"));
    }
    if deletions > 0 || insertions == 0 {
        parts.push(count(deletions, "deletion(-)", "deletions(-)"));
    }
    parts.join(", ")
}

/// The first part of git's summary.
pub(super) fn files_changed(files: u64) -> String {
    count(files, "file changed", "files changed")
}

/// How an agent call ended.
pub(super) fn call_ended(
    outcome: &AgentOutcome,
    exit_code: Option<i32>,
    duration_secs: f64,
) -> (Tone, String) {
    let tone = match outcome {
        AgentOutcome::Completed => Tone::Plain,
        AgentOutcome::Denied { .. } | AgentOutcome::Interrupted => Tone::Attention,
        _ => Tone::Bad,
    };
    let exit = exit_code.map_or_else(String::new, |code| format!(" (exit code: {code})"));
    (tone, ended(outcome, &secs(duration_secs), &exit))
}

fn ended(outcome: &AgentOutcome, time: &str, exit: &str) -> String {
    match outcome {
        AgentOutcome::Completed => format!("Completed in {time}{exit}"),
        AgentOutcome::Denied { count: denied } => {
            let denied = count(u64::from(*denied), "tool call", "tool calls");
            let rules = "denied by the agent's own permission rules";
            format!("Completed in {time}{exit}, with {denied} {rules}")
        }
        AgentOutcome::Interrupted => format!("Interrupted after {time}"),
        AgentOutcome::Refused { refusal, message } => {
            let words = said(message);
            format!("Refused by the provider after {time} ({}){words}", refused(*refusal))
        }
        AgentOutcome::UsageLimit { resets_at, message } => {
            let reset = resets_at.map_or_else(String::new, |at| format!(", resets at {}", utc(at)));
            format!("Usage limit reached after {time}{reset}{}", said(message))
        }
        AgentOutcome::Transient { message } => {
            format!("Provider not available after {time}{}", said(message))
        }
        AgentOutcome::CutOff { how } => format!("Answer cut off after {time} ({})", cut_off(*how)),
        AgentOutcome::Failed { message, .. } => {
            let words = message.as_deref().map(said).unwrap_or_default();
            format!("Failed after {time}{exit}{words}")
        }
        AgentOutcome::Signaled { signal } => format!("Killed by signal {signal} after {time}"),
        AgentOutcome::NoOutput => format!("Ended after {time} without output{exit}"),
        AgentOutcome::TimedOut { limit, .. } => {
            format!("Stopped after {time}: {}", timed_out(*limit))
        }
        AgentOutcome::NotStarted { message } => format!("Could not be started{}", said(message)),
    }
}

fn said(message: &str) -> String {
    let message = flatten(message);
    if message.is_empty() { message } else { format!(": {message}") }
}

const fn refused(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::Auth => "authentication",
        Refusal::Billing => "billing or quota",
        Refusal::BadRequest => "bad request",
    }
}

const fn cut_off(how: CutOffKind) -> &'static str {
    match how {
        CutOffKind::NoFinalEvent => "its output ends without a final event",
        CutOffKind::Length => "the model reached its output limit",
    }
}

const fn timed_out(limit: LimitKind) -> &'static str {
    match limit {
        LimitKind::Total => "its time limit was reached",
        LimitKind::Idle => "it printed nothing for too long",
        LimitKind::RunBudget => "the run's time limit was reached",
    }
}

/// Why an answer of the critic cannot be relied on.
pub(super) fn verdict_problem(problem: &VerdictProblem) -> String {
    match problem {
        VerdictProblem::NoDecision => "it holds no decision".to_owned(),
        VerdictProblem::UnknownDecision { found } => {
            format!("its decision `{}` is none of DONE, CONTINUE, ERROR", flatten(found))
        }
        VerdictProblem::NoFeedback => "it says CONTINUE without feedback".to_owned(),
        VerdictProblem::NoSummary => "it says DONE without a summary".to_owned(),
        VerdictProblem::NoAnalysis => "it says ERROR without analysis and recovery".to_owned(),
        VerdictProblem::Contradiction => "it contradicts its own DONE".to_owned(),
        VerdictProblem::DoneFromFailedCall => "it says DONE but the call failed".to_owned(),
        VerdictProblem::TreeChanged => "it says DONE but changed what it judged".to_owned(),
        VerdictProblem::AnswerTooLong => "it says DONE in too long an answer".to_owned(),
    }
}

/// How a gate ended.
pub(super) fn gate_ended(gate: &GateResult) -> (Tone, String) {
    let time = secs(gate.duration_secs);
    let name = flatten(&gate.name);
    let red = if gate.required { Tone::Bad } else { Tone::Attention };
    let (tone, text) = match (gate.status, gate.exit_code) {
        (GateStatus::Passed, _) => (Tone::Good, format!("{name}: passed in {time}")),
        (GateStatus::Flaky, _) => {
            (Tone::Attention, format!("{name}: flaky, passed when repeated, in {time}"))
        }
        (GateStatus::Failed, Some(code)) => {
            (red, format!("{name}: failed in {time} (exit code: {code})"))
        }
        (GateStatus::Failed, None) => (red, format!("{name}: failed in {time}")),
        (GateStatus::TimedOut, _) => (red, format!("{name}: stopped after {time}, its time limit")),
        (GateStatus::NotStarted, _) => (red, format!("{name}: could not be started")),
    };
    let red_before = gate.baseline.is_some_and(|before| !before.is_green());
    if !gate.status.is_green() && red_before {
        (Tone::Attention, format!("{text}, as before the run"))
    } else {
        (tone, text)
    }
}
