//! What every answer about a whole recording tells of it.

use codeloops_event::{Event, Outcome, SessionStart};
use codeloops_session::SessionStatus;
use serde::{Serialize, Serializer};

use super::recording::Recording;
use crate::output::Printer;

/// The release that answers.
const THIS_RELEASE: &str = env!("CARGO_PKG_VERSION");

/// What the events so far amount to.
#[derive(Debug, Default)]
pub(super) struct Seen {
    start: Option<Box<SessionStart>>,
    events: u64,
    iterations: u64,
    outcome: Option<Outcome>,
    stop_requested: bool,
}

/// The recording, as far as it was read.
#[derive(Debug, Serialize)]
pub(super) struct Session {
    pub(super) file: String,
    run_id: Option<String>,
    /// The release that wrote it; null for another program.
    recorded_by: Option<String>,
    this_release: &'static str,
    pub(super) events: u64,
    /// Finished ones.
    pub(super) iterations: u64,
    #[serde(serialize_with = "as_word")]
    pub(super) status: SessionStatus,
    /// Null without an end.
    pub(super) outcome: Option<Outcome>,
    warnings: Vec<String>,
}

fn as_word<S: Serializer>(status: &SessionStatus, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(status.as_str())
}

impl Seen {
    pub(super) fn take(&mut self, event: &Event) {
        self.events += 1;
        self.outcome = None;
        match event {
            Event::SessionStart(start) => self.start = Some(start.clone()),
            Event::Iteration(_) => self.iterations += 1,
            Event::StopRequested(_) => self.stop_requested = true,
            Event::SessionEnd(end) => self.outcome = Some(end.outcome),
            _ => {}
        }
    }

    pub(super) fn session(self, recording: Recording) -> Session {
        let start = self.start;
        let release = start.as_ref().and_then(|start| start.codeloops_version.clone());
        let status = match self.outcome {
            Some(_) => SessionStatus::Ended,
            None if recording.is_being_written() => SessionStatus::Running,
            None if self.stop_requested => SessionStatus::Interrupted,
            None => SessionStatus::Crashed,
        };
        Session {
            file: recording.path.to_string_lossy().into_owned(),
            run_id: start.and_then(|start| start.run_id.as_ref().map(ToString::to_string)),
            recorded_by: release,
            this_release: THIS_RELEASE,
            events: self.events,
            iterations: self.iterations,
            status,
            outcome: self.outcome,
            warnings: recording.into_warning().iter().map(ToString::to_string).collect(),
        }
    }
}

impl Session {
    pub(super) fn warn(&self, printer: &mut Printer) {
        for warning in &self.warnings {
            printer.warning(warning.clone());
        }
    }

    /// Which release recorded it, where it was another one and that may be why.
    pub(super) fn tell_release(&self, matters: bool, printer: &mut Printer) {
        let other = self.recorded_by.as_deref().filter(|release| *release != THIS_RELEASE);
        if let (Some(release), true) = (other, matters) {
            printer.remark(&format!("codeloops {release} recorded it, this is {THIS_RELEASE}"));
        }
    }
}

/// `1 event`, `2 events`.
pub(super) fn count(n: u64, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}
