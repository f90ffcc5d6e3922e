//! How far a session got, from its lines.

use std::fmt;
use std::fs::File;

use codeloops_event::{Event, SessionEnd, Timestamp, Usage, UsageByRole};
use serde::Serialize;

use crate::reader::ReadError;

/// Whether a session is over, and if it has no end, why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionStatus {
    /// No end yet, and its process lives (it holds the file's lock).
    Running,
    /// No end, and nobody asked for it: the process was killed, or the machine went down.
    Crashed,
    /// No end, but the user had asked to stop: the process was killed before it was through.
    Interrupted,
    /// It has an end, whatever its outcome.
    Ended,
}

impl SessionStatus {
    /// The word as it stands in flags and JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Crashed => "crashed",
            Self::Interrupted => "interrupted",
            Self::Ended => "ended",
        }
    }
}

impl fmt::Display for SessionStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What the lines so far amount to.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    /// Finished rounds.
    pub(crate) iterations: u32,
    /// The end that stands: the last, unless the run went on after it.
    pub(crate) end: Option<SessionEnd>,
    /// Whether somebody asked the run to stop, since it was last taken up.
    pub(crate) stop_requested: bool,
    /// The time of the last line, if any has one.
    pub(crate) last_line_at: Option<Timestamp>,
    /// What the calls used, as far as they told.
    used: UsageByRole,
}

impl Progress {
    /// That of a session whose end is known.
    pub(crate) fn ended(end: SessionEnd) -> Self {
        Self {
            iterations: end.iterations,
            last_line_at: Some(end.timestamp),
            end: Some(end),
            ..Self::default()
        }
    }

    /// That after all of these lines.
    pub(crate) fn after(
        events: impl Iterator<Item = Result<Event, ReadError>>,
    ) -> Result<Self, ReadError> {
        let mut progress = Self::default();
        for event in events {
            progress.observe(&event?);
        }
        Ok(progress)
    }

    /// Takes the next line in.
    pub(crate) fn observe(&mut self, event: &Event) {
        if self.end.take().is_some() {
            // The session was resumed; who stopped it before no longer counts.
            self.stop_requested = false;
        }
        self.last_line_at = event.timestamp().or(self.last_line_at);
        match event {
            Event::ActorCompleted(e) => add(&mut self.used.actor, e.usage.as_ref()),
            Event::CriticCompleted(e) => add(&mut self.used.critic, e.usage.as_ref()),
            Event::Iteration(_) => self.iterations += 1,
            Event::SessionEnd(end) => self.end = Some((**end).clone()),
            Event::StopRequested(_) => self.stop_requested = true,
            Event::SessionResumed(_) => self.stop_requested = false,
            _ => {}
        }
    }

    /// What the run used: as its end tells, else what its calls told.
    pub(crate) fn usage(&self) -> Option<&UsageByRole> {
        match &self.end {
            Some(end) => end.usage.as_ref(),
            None => Some(&self.used),
        }
    }

    /// The status, with a look at whether somebody holds the file.
    pub(crate) fn status(&self, file: &File) -> SessionStatus {
        if self.end.is_some() {
            SessionStatus::Ended
        } else if is_held(file) {
            SessionStatus::Running
        } else if self.stop_requested {
            SessionStatus::Interrupted
        } else {
            SessionStatus::Crashed
        }
    }
}

fn add(sum: &mut Option<Usage>, used: Option<&Usage>) {
    if let Some(used) = used {
        *sum = Some(sum.take().unwrap_or_default().plus(used));
    }
}

/// Whether a writer holds the file. The shared lock that answers it is given back at once.
pub(crate) fn is_held(file: &File) -> bool {
    match file.try_lock_shared() {
        Ok(()) => {
            drop(file.unlock());
            false
        }
        Err(std::fs::TryLockError::WouldBlock) => true,
        // No locks on this file system.
        Err(std::fs::TryLockError::Error(_)) => false,
    }
}
