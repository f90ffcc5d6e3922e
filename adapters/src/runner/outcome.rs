//! From exit code and stream to an outcome; pure.

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use chrono::{DateTime, FixedOffset};
use codeloops_event::{AgentOutcome, CutOffKind, Refusal, Role};

use crate::decode::{Ending, Reading, Trouble};
use crate::process::{self, Cause};
use crate::reset;
use crate::spec::{AgentSpec, OutputFormat};
use crate::text::one_line;

/// What is known of an ended process.
#[derive(Debug)]
pub(super) struct Facts {
    pub(super) role: Role,
    pub(super) cause: Cause,
    /// Whether it was to go on with a conversation.
    pub(super) goes_on: bool,
    pub(super) status: io::Result<ExitStatus>,
    /// The time of day where it ran.
    pub(super) now: DateTime<FixedOffset>,
    /// Whether it printed anything on stdout.
    pub(super) printed: bool,
    /// Whether its answer need not be its own (see [`crate::decode::Decoded`]).
    pub(super) disputed: bool,
}

/// The exit code as a shell counts it; null where the system did not give one.
pub(super) fn exit_code(facts: &Facts) -> Option<i32> {
    facts.status.as_ref().ok().and_then(process::exit_code)
}

/// How the call ended; the order is documented at [`super::CliAgents`].
pub(super) fn outcome(
    facts: &Facts,
    spec: &AgentSpec,
    reading: Reading,
    stderr: &str,
) -> AgentOutcome {
    match facts.cause {
        Cause::Stopped => return AgentOutcome::Interrupted,
        Cause::TimedOut(limit, after) => {
            let after_ms = u64::try_from(after.as_millis()).unwrap_or(u64::MAX);
            return AgentOutcome::TimedOut { limit, after_ms };
        }
        Cause::OverBudget(budget) => return AgentOutcome::OverBudget { budget },
        Cause::Own => {}
    }
    if let Ok(status) = &facts.status
        && let Some(signal) = status.signal()
    {
        return AgentOutcome::Signaled { signal };
    }
    let code = exit_code(facts).unwrap_or(-1);
    if facts.goes_on && code != 0 && is_lost(spec, code, &reading, stderr) {
        return AgentOutcome::ConversationLost { message: last_line(stderr).unwrap_or_default() };
    }
    match reading {
        Reading::Text => of_text(facts, code, stderr),
        Reading::TextInstead if code == 0 => of_text(facts, code, stderr),
        Reading::TextInstead => at_start(facts, spec, code, stderr),
        Reading::Events(ending) => of_stream(facts, spec, code, ending, stderr),
    }
}

/// Whether the conversation that was to be gone on with is not there: how each program says so was
/// seen with the releases that the rows name.
fn is_lost(spec: &AgentSpec, code: i32, reading: &Reading, stderr: &str) -> bool {
    let told = match reading {
        Reading::Events(Ending::Failed(Trouble::Other(message))) => message,
        _ => stderr,
    };
    match spec.output {
        OutputFormat::ClaudeStreamJson => told.contains("No conversation found with session ID"),
        OutputFormat::CodexJson => told.contains("no rollout found"),
        OutputFormat::OpencodeJson => told.contains("Session not found"),
        OutputFormat::GeminiStreamJson => code == 42,
        // Not known; a conversation is not gone on with after a failure anyway.
        OutputFormat::CursorStreamJson | OutputFormat::Text => false,
    }
}

fn of_text(facts: &Facts, code: i32, stderr: &str) -> AgentOutcome {
    match code {
        0 if facts.printed || facts.role == Role::Actor => AgentOutcome::Completed,
        0 => AgentOutcome::NoOutput,
        _ => failed(code, stderr),
    }
}

fn of_stream(
    facts: &Facts,
    spec: &AgentSpec,
    code: i32,
    ending: Ending,
    stderr: &str,
) -> AgentOutcome {
    match ending {
        Ending::Failed(trouble) => of_trouble(facts, trouble, code),
        Ending::CutOff(how) => AgentOutcome::CutOff { how },
        Ending::Open if code != 0 && is_at_start(facts, spec, stderr) => {
            at_start(facts, spec, code, stderr)
        }
        _ if code != 0 => failed(code, stderr),
        // The critic's word decides; an actor's is only told.
        Ending::Done { .. } if facts.disputed && facts.role == Role::Critic => {
            let message = "something was added to its answer".to_owned();
            AgentOutcome::Failed { exit_code: code, message: Some(message) }
        }
        Ending::Done { denied: 0 } => AgentOutcome::Completed,
        Ending::Done { denied } => AgentOutcome::Denied { count: denied },
        Ending::Open if facts.printed => AgentOutcome::CutOff { how: CutOffKind::NoFinalEvent },
        Ending::Open | Ending::Silent => AgentOutcome::NoOutput,
    }
}

fn of_trouble(facts: &Facts, trouble: Trouble, exit_code: i32) -> AgentOutcome {
    match trouble {
        Trouble::Refused(refusal, message) => AgentOutcome::Refused { refusal, message },
        Trouble::UsageLimit(resets_at, message) => {
            let resets_at = resets_at.or_else(|| reset::told_in(&message, facts.now));
            AgentOutcome::UsageLimit { resets_at, message }
        }
        Trouble::Transient(message) => AgentOutcome::Transient { message },
        Trouble::Other(message) => {
            AgentOutcome::Failed { exit_code, message: Some(message).filter(|m| !m.is_empty()) }
        }
    }
}

/// Whether a program ended before it asked anybody. Later on it tells in its stream what went wrong,
/// and others write on its stderr; only Cursor tells everything there.
fn is_at_start(facts: &Facts, spec: &AgentSpec, stderr: &str) -> bool {
    !facts.printed
        || spec.output == OutputFormat::CursorStreamJson
        || (spec.output == OutputFormat::CodexJson && stderr.contains("input_too_large"))
}

/// Such a program says why only by its exit code and on stderr.
fn at_start(facts: &Facts, spec: &AgentSpec, code: i32, stderr: &str) -> AgentOutcome {
    let refused = |refusal| AgentOutcome::Refused { refusal, message: one_line(stderr) };
    match spec.output {
        OutputFormat::GeminiStreamJson if code == 41 => refused(Refusal::Auth),
        OutputFormat::CodexJson if stderr.contains("input_too_large") => {
            refused(Refusal::BadRequest)
        }
        _ => {
            let message = last_line(stderr).unwrap_or_default();
            of_trouble(facts, Trouble::classify(None, &message), code)
        }
    }
}

fn failed(exit_code: i32, stderr: &str) -> AgentOutcome {
    AgentOutcome::Failed { exit_code, message: last_line(stderr) }
}

/// The last line on stderr is where programs say what went wrong.
fn last_line(stderr: &str) -> Option<String> {
    stderr.lines().rev().map(one_line).find(|line| !line.is_empty())
}
