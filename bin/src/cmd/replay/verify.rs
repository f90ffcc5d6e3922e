//! Whether this release decides from the recorded facts what was recorded.

use codeloops_event::Event;
use codeloops_machine::invariants::Invariants;
use codeloops_machine::replay::{Divergence, Replay};
use codeloops_session::SessionStatus;
use serde::Serialize;

use super::answer::{Seen, Session, count};
use super::difference::{Difference, differences};
use super::recording::{Recorded, Recording};
use crate::error::CliError;
use crate::exit_code;
use crate::output::Printer;

/// Fields that are shown of a difference.
const SHOWN_FIELDS: usize = 12;

/// The answer. Its JSON is what `--json` prints.
#[derive(Debug, Serialize)]
struct Verification {
    #[serde(flatten)]
    session: Session,
    verified: bool,
    /// The first difference; null where there is none.
    divergence: Option<Finding>,
}

/// Where a recording is not what this release makes of its facts.
#[derive(Debug, Serialize)]
struct Finding {
    line: u64,
    iteration: Option<u32>,
    /// The type of the line.
    event: &'static str,
    #[serde(flatten)]
    what: What,
}

#[derive(Debug, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum What {
    /// The decision is another one.
    Differs { fields: Vec<Difference> },
    /// There is a decision of another type at this place.
    OtherEvent { decides: &'static str, recorded: Box<Event>, decided: Box<Event> },
    /// There is nothing to decide at this place.
    NoDecision,
    /// This release does not expect what happened.
    Unexpected { reason: String },
    /// It breaks what holds for every run.
    Broken { rule: &'static str },
}

/// Verifies a recording; gives the exit code.
pub(super) fn verify(
    mut recording: Recording,
    json: bool,
    printer: &mut Printer,
) -> Result<u8, CliError> {
    let mut seen = Seen::default();
    let finding = first_finding(&mut recording, &mut seen)?;
    let session = seen.session(recording);
    let is_good = finding.is_none();
    let answer = Verification { session, verified: is_good, divergence: finding };
    if json {
        printer.json(&answer)?;
    } else {
        answer.session.warn(printer);
        printer.data(&answer.text())?;
        answer.session.tell_release(!is_good, printer);
    }
    Ok(if is_good { exit_code::SUCCESS } else { exit_code::DIVERGED })
}

/// Drives the recording through the machine as it is read.
fn first_finding(recording: &mut Recording, seen: &mut Seen) -> Result<Option<Finding>, CliError> {
    let (mut replay, mut invariants) = (Replay::default(), Invariants::default());
    while let Some(recorded) = recording.next() {
        let Recorded { line, event } = recorded?;
        seen.take(&event);
        let broken = invariants.take(&event).err();
        let broken = broken.map(|rule| Finding::of(line, &event, What::Broken { rule }));
        if let Err(divergence) = replay.feed(line, event) {
            return of_divergence(divergence, recording).map(Some);
        }
        if broken.is_some() {
            // A difference before it says more.
            let earlier = replay.finish(None).err();
            let earlier = earlier.map(|divergence| of_divergence(divergence, recording));
            return earlier.transpose().map(|earlier| earlier.or(broken));
        }
    }
    let divergence = replay.finish(None).err();
    divergence.map(|divergence| of_divergence(divergence, recording)).transpose()
}

fn of_divergence(divergence: Divergence, recording: &Recording) -> Result<Finding, CliError> {
    match divergence {
        Divergence::NotReplayable { missing } => Err(recording.not_replayable(missing)),
        Divergence::Refused { position, reason } => {
            let event = recording.event_at(position)?;
            Ok(Finding::of(position, &event, What::Unexpected { reason: reason.to_string() }))
        }
        Divergence::Different { position, recorded, replayed } => {
            let line = position;
            let Some(decided) = replayed else {
                return Ok(Finding::of(line, &recorded, What::NoDecision));
            };
            if recorded.name() != decided.name() {
                let finding = Finding::of(
                    line,
                    &recorded.clone(),
                    What::OtherEvent { decides: decided.name(), recorded, decided },
                );
                return Ok(finding);
            }
            let fields = differences(&recorded, &decided);
            Ok(Finding::of(line, &recorded, What::Differs { fields }))
        }
    }
}

impl Finding {
    fn of(line: u64, event: &Event, what: What) -> Self {
        Self { line, iteration: super::rounds::iteration_of(event), event: event.name(), what }
    }

    fn text(&self) -> String {
        let iteration = self.iteration.map(|n| format!(", iteration {n}")).unwrap_or_default();
        let place = format!("diverged at line {}{iteration}: `{}`", self.line, self.event);
        match &self.what {
            What::Differs { fields } => {
                let shown: String =
                    fields.iter().take(SHOWN_FIELDS).map(Difference::rows).collect();
                let more = fields.len().saturating_sub(SHOWN_FIELDS);
                let more = if more > 0 { format!("  and {more} more\n") } else { String::new() };
                format!("{place} is not what this release decides\n{shown}{more}")
            }
            What::OtherEvent { decides, recorded, decided } => {
                let rows = Difference::whole(recorded, decided).rows();
                format!("{place} stands where this release decides `{decides}`\n{rows}")
            }
            What::NoDecision => format!("{place} stands where this release decides nothing\n"),
            What::Unexpected { reason } => {
                format!("{place} is nothing that this release waits for: {reason}\n")
            }
            What::Broken { rule } => format!("{place} breaks what holds for every run: {rule}\n"),
        }
    }
}

impl Verification {
    fn text(&self) -> String {
        let Some(finding) = &self.divergence else { return self.good() };
        finding.text()
    }

    /// One line.
    fn good(&self) -> String {
        let Session { events, iterations, status, outcome, .. } = &self.session;
        let counted = format!("{}, {}", count(*events, "event"), count(*iterations, "iteration"));
        let end = match (outcome, status) {
            (Some(outcome), _) => format!("ended as {outcome}"),
            (None, SessionStatus::Running) => "as far as it got: the run still goes on".to_owned(),
            (None, _) => "up to where it stops: it has no end".to_owned(),
        };
        format!("verified: {counted}, {end}\n")
    }
}
