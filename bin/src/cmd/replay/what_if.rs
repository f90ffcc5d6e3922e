//! Where a recorded run would have ended with other settings.

use codeloops_event::{Event, Iteration, Outcome, SessionEnd, Settings, StopReason, UsageByRole};
use codeloops_machine::replay::{Answer, Divergence, Replay, WhatIf};
use codeloops_sinks::{one_line, usage, words};
use serde::Serialize;

use super::answer::{Seen, Session, count};
use super::recording::{Recorded, Recording};
use super::rounds::iteration_of;
use crate::error::CliError;
use crate::exit_code;
use crate::output::Printer;
use crate::settings::Change;

/// The answer. Its JSON is what `--json` prints.
#[derive(Debug, Serialize)]
struct Told {
    #[serde(flatten)]
    session: Session,
    /// The settings that are others.
    with: Vec<String>,
    #[serde(flatten)]
    answer: Shown,
    /// The line of the fact that decides, and its iteration.
    line: u64,
    iteration: Option<Iteration>,
    /// How the recorded run ended; null without an end.
    recorded_end: Option<End>,
    /// Whether `--verify` finds a difference.
    diverges: bool,
}

#[derive(Debug, Serialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
enum Shown {
    /// It would have ended.
    Ends { end: Box<End> },
    /// The recording cannot tell.
    Unknown { reason: String },
}

/// How a run ends.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct End {
    outcome: Outcome,
    stop_reason: Option<StopReason>,
    iterations: u32,
    duration_secs: f64,
    error: Option<String>,
    usage: Option<UsageByRole>,
}

/// What was found, and what was recorded beside it.
struct Found {
    answer: Answer,
    recorded_end: Option<End>,
    /// Whether this release decides otherwise with the recorded settings too.
    diverges: bool,
}

/// Tells where the run would have ended; gives the exit code.
pub(super) fn what_if(
    mut recording: Recording,
    with: &[Change],
    json: bool,
    printer: &mut Printer,
) -> Result<u8, CliError> {
    let mut seen = Seen::default();
    let found = look(&mut recording, with, &mut seen)?;
    let (line, answer) = match found.answer {
        Answer::Ended { position, end } => (position, Shown::Ends { end: Box::new(End::of(&end)) }),
        Answer::Unknown { position, why } => (position, Shown::Unknown { reason: why.to_string() }),
    };
    let iteration = iteration_of(&recording.event_at(line)?);
    let told = Told {
        session: seen.session(recording),
        with: with.iter().map(ToString::to_string).collect(),
        answer,
        line,
        iteration,
        recorded_end: found.recorded_end,
        diverges: found.diverges,
    };
    if json {
        printer.json(&told)?;
    } else {
        told.tell(printer)?;
    }
    Ok(exit_code::SUCCESS)
}

/// Drives the recording through two machines, one with the recorded settings.
fn look(recording: &mut Recording, with: &[Change], seen: &mut Seen) -> Result<Found, CliError> {
    let change = |settings: &mut Settings| with.iter().for_each(|change| change.apply(settings));
    let (mut what_if, mut same) = (WhatIf::new(change), Some(Replay::default()));
    let (mut answer, mut recorded_end) = (None, None);
    while let Some(recorded) = recording.next() {
        let Recorded { line, event } = recorded?;
        seen.take(&event);
        recorded_end = match &event {
            Event::SessionEnd(end) => Some(End::of(end)),
            _ => None,
        };
        if answer.is_none() {
            answer = what_if.feed(line, &event).map_err(|e| not_replayable(&e, recording))?;
        }
        same = same.and_then(|mut same| same.feed(line, event).ok().map(|()| same));
    }
    let diverges = same.is_none_or(|same| same.finish(None).is_err());
    let answer = match answer {
        Some(answer) => answer,
        None => what_if.finish().map_err(|error| not_replayable(&error, recording))?,
    };
    Ok(Found { answer, recorded_end, diverges })
}

fn not_replayable(divergence: &Divergence, recording: &Recording) -> CliError {
    let missing = match divergence {
        Divergence::NotReplayable { missing } => missing,
        // Nothing is compared.
        Divergence::Different { .. } | Divergence::Refused { .. } => "session_start",
    };
    recording.not_replayable(missing)
}

impl Told {
    fn tell(&self, printer: &mut Printer) -> Result<(), CliError> {
        self.session.warn(printer);
        if self.diverges {
            printer.warning(
                "this release decides otherwise than was recorded, also with the same settings; \
                 `--verify` tells where",
            );
        }
        printer.data(&self.text())
    }

    fn text(&self) -> String {
        let with = self.with.join(", ");
        let iteration = self.iteration.map(|n| format!(", iteration {n}")).unwrap_or_default();
        let place = format!("line {}{iteration}", self.line);
        let recorded = match &self.recorded_end {
            Some(end) => end.text(),
            None => "no end".to_owned(),
        };
        match &self.answer {
            Shown::Ends { end } if self.recorded_end.as_ref() == Some(&**end) => {
                format!("with {with}: as recorded, {recorded}\n")
            }
            Shown::Ends { end } => {
                let error = end.error.as_deref().map(one_line).unwrap_or_default();
                let error = if error.is_empty() { error } else { format!("  {error}\n") };
                format!("with {with}: {}, at {place}\n{error}recorded: {recorded}\n", end.text())
            }
            Shown::Unknown { reason } => format!(
                "with {with}: the recording cannot tell, from {place} on: {reason}\n\
                 recorded: {recorded}\n"
            ),
        }
    }
}

impl End {
    fn of(end: &SessionEnd) -> Self {
        Self {
            outcome: end.outcome,
            stop_reason: end.stop_reason,
            iterations: end.iterations,
            duration_secs: end.duration_secs,
            error: end.error.clone(),
            usage: end.usage.clone(),
        }
    }

    /// How, after how much.
    fn text(&self) -> String {
        let reason = self.stop_reason.map(|reason| format!(" ({reason})")).unwrap_or_default();
        let used = self.usage.as_ref().and_then(|usage| usage::in_words(usage.total.as_ref()?));
        let used = used.map(|used| format!(", {used}")).unwrap_or_default();
        let iterations = count(self.iterations.into(), "iteration");
        let duration = words::duration(self.duration_secs);
        format!("{}{reason} after {iterations}, {duration}{used}", self.outcome)
    }
}
