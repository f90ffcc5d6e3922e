//! How a call of an agent ended, and what else is told to either side, in words.

use codeloops_event::{AgentOutcome, CutOffKind, FileChange, FileStatus, LimitKind};

/// What an agent's turn came to: the end of a sentence that begins with "the turn" or "it".
pub(super) fn outcome(outcome: &AgentOutcome) -> String {
    match outcome {
        AgentOutcome::Completed => "ended normally".to_owned(),
        AgentOutcome::Denied { count } => format!(
            "ended normally, but {count} of its tool calls were denied by its permission rules"
        ),
        AgentOutcome::Refused { .. } => "was refused by the provider".to_owned(),
        AgentOutcome::UsageLimit { .. } => "was stopped by a usage limit".to_owned(),
        AgentOutcome::Transient { .. } => {
            "was broken off by a passing failure of the provider or the network".to_owned()
        }
        AgentOutcome::CutOff { how: CutOffKind::NoFinalEvent } => {
            "was cut off before its final answer".to_owned()
        }
        AgentOutcome::CutOff { how: CutOffKind::Length } => {
            "was cut off at the model's output limit".to_owned()
        }
        AgentOutcome::Failed { exit_code, .. } => format!("failed with exit code {exit_code}"),
        AgentOutcome::Signaled { signal } => format!("crashed (signal {signal})"),
        AgentOutcome::NoOutput => "ended without printing anything".to_owned(),
        AgentOutcome::TimedOut { limit, after_ms } => timed_out(*limit, *after_ms),
        AgentOutcome::OverBudget { .. } => "was ended, for it had used up the budget".to_owned(),
        AgentOutcome::ConversationLost { .. } => "lost its conversation".to_owned(),
        AgentOutcome::Interrupted => "was interrupted by the user".to_owned(),
        AgentOutcome::NotStarted { .. } => "could not be started".to_owned(),
    }
}

/// What the agent itself said about its end; not to be trusted.
pub(super) fn message(outcome: &AgentOutcome) -> Option<&str> {
    match outcome {
        AgentOutcome::Refused { message, .. }
        | AgentOutcome::UsageLimit { message, .. }
        | AgentOutcome::Transient { message }
        | AgentOutcome::ConversationLost { message }
        | AgentOutcome::NotStarted { message } => Some(message),
        AgentOutcome::Failed { message, .. } => message.as_deref(),
        _ => None,
    }
}

/// A changed file in one line: `modified +3 -1 src/lib.rs`.
pub(super) fn changed_file(file: &FileChange) -> String {
    let status = match file.status {
        FileStatus::Added => "added",
        FileStatus::Deleted => "deleted",
        FileStatus::Modified => "modified",
        FileStatus::Renamed => "renamed",
        FileStatus::TypeChanged => "type changed",
    };
    let figures = if file.binary {
        "binary".to_owned()
    } else {
        format!("+{} -{}", file.insertions, file.deletions)
    };
    format!("{status} {figures} {}\n", one_line(&file.path))
}

/// Told where masks are shown: the recipient would look for who wrote them, or write them itself.
pub(super) const MASKED: &str = "\
In what is shown here, codeloops itself masks what looks like a credential as `[redacted: …]`; that
is no finding, for the files in the working directory hold the real text: look at such places there,
and go by what they hold.

";

/// What is to be told of the masks in these texts, if there are any.
pub(super) fn of_masks(texts: &[String]) -> &'static str {
    let is_masked = |text: &String| ["[redacted:", "[redacted]"].iter().any(|m| text.contains(m));
    if texts.iter().any(is_masked) { MASKED } else { "" }
}

/// The text with what acts in it escaped, so that it cannot make lines of its own.
pub(crate) use codeloops_event::text::escaped as one_line;

fn timed_out(limit: LimitKind, after_ms: u64) -> String {
    let secs = after_ms.div_ceil(1000);
    match limit {
        LimitKind::Total => format!("was ended after {secs} s, the time it had"),
        LimitKind::Idle => format!("was ended after {secs} s without output"),
        LimitKind::RunBudget => format!("was ended after {secs} s, when the run's time was up"),
    }
}
