//! What the attempts of a gate came to.

use std::time::Duration;

use codeloops_event::{Failure, FailureCategory, GateStatus, LimitKind, MAX_FAILURES};
use codeloops_machine::GateReport;

use super::GatesConfig;
use super::attempt::{Attempt, Ran};
use crate::process::{Cause, exit_code};
use crate::redact::Redactor;
use crate::text::one_line;

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Outcome {
    status: GateStatus,
    /// Whether it was ended with the run.
    interrupted: bool,
}

impl Outcome {
    pub(super) const fn of(status: GateStatus) -> Self {
        Self { status, interrupted: false }
    }
}

pub(super) fn outcome(ran: &Ran) -> Outcome {
    match ran.ended.cause {
        Cause::Own => match ran.ended.status.as_ref().ok().and_then(exit_code) {
            Some(0) => Outcome::of(GateStatus::Passed),
            _ => Outcome::of(GateStatus::Failed),
        },
        Cause::TimedOut(limit, _) => {
            let interrupted = limit == LimitKind::RunBudget;
            Outcome { status: GateStatus::TimedOut, interrupted }
        }
        Cause::Stopped | Cause::OverBudget(_) => {
            Outcome { status: GateStatus::Failed, interrupted: true }
        }
    }
}

/// The report of a call whose last attempt this is. Where it was red before and then green, the tail is
/// that of the attempt that failed: it tells what is flaky.
pub(super) fn of(attempt: &Attempt<'_>, earlier: &[Ran], last: Ran) -> GateReport {
    let mut outcome = outcome(&last);
    let failed = earlier.last().filter(|_| outcome.status == GateStatus::Passed);
    if failed.is_some() {
        outcome.status = GateStatus::Flaky;
    }
    let (failures, more_failures) = failures(attempt, outcome, &last);
    let all = || earlier.iter().chain([&last]);
    let ended_by_itself = last.ended.cause == Cause::Own;
    let status = last.ended.status.as_ref().ok().filter(|_| ended_by_itself);
    let exit_code = status.and_then(exit_code);
    let took: Duration = all().map(|ran| ran.took).sum();
    let leftovers = all().map(leftovers).sum();
    let tail = failed.map_or_else(|| last.captured.tail.clone(), |ran| ran.captured.tail.clone());
    GateReport {
        status: outcome.status,
        exit_code,
        duration_secs: took.as_secs_f64(),
        tail: attempt.config.masked(tail),
        output: Some(last.captured.file),
        attempts: u32::try_from(earlier.len() + 1).unwrap_or(u32::MAX),
        failures,
        more_failures,
        kept_from: None,
        interrupted: outcome.interrupted,
        leftovers,
        ..GateReport::not_started(String::new())
    }
}

/// What was at work with a gate that was ended, it had not left behind.
fn leftovers(ran: &Ran) -> u32 {
    if ran.ended.cause == Cause::Own { ran.ended.leftovers } else { 0 }
}

fn failures(attempt: &Attempt<'_>, outcome: Outcome, last: &Ran) -> (Vec<Failure>, u64) {
    match (outcome.status, last.ended.cause) {
        _ if outcome.interrupted => (Vec::new(), 0),
        (GateStatus::TimedOut, Cause::TimedOut(_, after)) => {
            let message = format!("did not end within {} s", after.as_secs_f64());
            (vec![failure(FailureCategory::Timeout, message)], 0)
        }
        (GateStatus::Failed, _) => {
            let (mut failures, mut more) = attempt.diagnosed(&last.captured);
            more += failures.len().saturating_sub(MAX_FAILURES) as u64;
            failures.truncate(MAX_FAILURES);
            let redactor = attempt.config.redactor.as_deref();
            // A report that the gate left is as the gate wrote it.
            (failures.into_iter().map(|failure| masked(failure, redactor)).collect(), more)
        }
        _ => (Vec::new(), 0),
    }
}

/// The report of a gate that could not be started. That is its one failure, so that it can be told from
/// another one later.
pub(super) fn not_started(why: String) -> GateReport {
    let why = one_line(&why);
    let failures = vec![failure(FailureCategory::Runtime, why.clone())];
    GateReport { failures, ..GateReport::not_started(why) }
}

const fn failure(category: FailureCategory, message: String) -> Failure {
    Failure { category, file: None, line: None, column: None, code: None, message }
}

/// The failure with what is a credential in its texts masked.
pub(super) fn masked(failure: Failure, redactor: Option<&Redactor>) -> Failure {
    let Some(redactor) = redactor else { return failure };
    let text = |text: String| redactor.text(&text).0.into_owned();
    Failure {
        file: failure.file.map(text),
        code: failure.code.map(text),
        message: text(failure.message),
        ..failure
    }
}

impl GatesConfig {
    /// The text with what is a credential in it masked. Without its escapes there may be more of them
    /// than in what was printed.
    pub(super) fn masked(&self, text: String) -> String {
        match &self.redactor {
            Some(redactor) => redactor.text(&text).0.into_owned(),
            None => text,
        }
    }
}
