//! Which part of a recording is shown: `--from` and `--until`.

use std::num::NonZeroU32;

use codeloops_event::{Event, Iteration};

use crate::app::ReplayShowArgs;
use crate::error::CliError;

/// The iterations that are shown. The beginning of the session always is.
#[derive(Debug)]
pub(super) struct Rounds {
    from: Iteration,
    until: Iteration,
    /// That of the events so far.
    at: Iteration,
}

impl Rounds {
    pub(super) fn of(args: &ReplayShowArgs) -> Result<Self, CliError> {
        let from = args.from.map_or(0, NonZeroU32::get);
        let until = args.until.map_or(Iteration::MAX, NonZeroU32::get);
        if from > until {
            let message = format!("there is nothing from iteration {from} until {until}");
            return Err(CliError::usage(message).hint("`--until` takes `--from` or more"));
        }
        Ok(Self { from, until, at: 0 })
    }

    /// Whether the next event is shown. What bears no number happened in the iteration before it.
    pub(super) fn take(&mut self, event: &Event) -> bool {
        self.at = iteration_of(event).unwrap_or(self.at);
        matches!(event, Event::SessionStart(_)) || (self.from..=self.until).contains(&self.at)
    }

    /// An error where the recording, once it is over, has none of these iterations.
    pub(super) fn were_there(&self) -> Result<(), CliError> {
        if self.at >= self.from {
            return Ok(());
        }
        let iterations = if self.at == 1 { "iteration" } else { "iterations" };
        let message =
            format!("the session has {} {iterations}, none from {} on", self.at, self.from);
        Err(CliError::usage(message))
    }
}

/// The iteration that an event bears the number of.
pub(super) fn iteration_of(event: &Event) -> Option<Iteration> {
    Some(match event {
        Event::IterationStarted(e) => e.iteration,
        Event::ActorStarted(e) | Event::CriticStarted(e) => e.iteration,
        Event::ActorCompleted(e) => e.iteration,
        Event::ReadAsText(e) => e.iteration,
        Event::DiffCaptured(e) => e.iteration,
        Event::DiffFailed(e) => e.iteration,
        Event::GateCompleted(e) => e.iteration,
        Event::CriticCompleted(e) => e.iteration,
        Event::TreeChecked(e) => e.iteration,
        Event::TreeUnverified(e) => e.iteration,
        Event::VerdictReached(e) => e.iteration,
        Event::SessionResumed(e) => e.iteration,
        Event::Waiting(e) => e.iteration,
        Event::WaitOver(e) => e.iteration,
        Event::Iteration(e) => e.iteration_number,
        _ => return None,
    })
}
