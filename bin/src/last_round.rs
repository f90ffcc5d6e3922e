//! What the gates of a run's last round came to, for whoever reads its result.

use codeloops_event::{Event, GateResult, GateStatus, Tampering};
use serde::Serialize;

/// What events tell of the last round, as far as it got.
#[derive(Debug, Clone, Default)]
pub(crate) struct LastRound {
    /// The results of its gates, in the order of the settings once it is over.
    gates: Vec<GateResult>,
    /// Signs of weakened checks in its diff.
    pub(crate) tampering: Vec<Tampering>,
}

impl LastRound {
    /// Takes the next event in.
    pub(crate) fn observe(&mut self, event: &Event) {
        match event {
            Event::IterationStarted(_) => *self = Self::default(),
            Event::DiffCaptured(e) => self.tampering.clone_from(&e.tampering),
            Event::GateCompleted(e) if e.iteration > 0 => {
                self.gates.retain(|gate| gate.name != e.gate.name);
                self.gates.push(e.gate.clone());
            }
            // Those that an earlier process of the run has seen stand here too.
            Event::Iteration(e) => {
                self.gates.clone_from(&e.gates);
                self.tampering.clone_from(&e.tampering);
            }
            _ => {}
        }
    }

    /// The results in short. One that was ended with the run is none.
    pub(crate) fn gates(&self) -> Vec<GateInShort> {
        self.gates.iter().filter(|gate| !gate.interrupted).map(GateInShort::of).collect()
    }
}

/// The result of a gate, without what is evidence.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GateInShort {
    /// Its name.
    pub name: String,
    /// How it ended.
    pub status: GateStatus,
    /// Whether a red result blocks an approval.
    pub required: bool,
    /// Its status before the run began; null where that is not known.
    pub baseline: Option<GateStatus>,
    /// Exit code, 128 + n for a signal; null where it never ran or was stopped.
    pub exit_code: Option<i32>,
    /// How long it took.
    pub duration_secs: f64,
    /// Whether the result keeps the work from being approved.
    pub blocks: bool,
    /// Whether it has a failure that it did not have before the run.
    pub worse: bool,
    /// The end of what it printed.
    pub tail: String,
}

impl GateInShort {
    fn of(gate: &GateResult) -> Self {
        Self {
            name: gate.name.clone(),
            status: gate.status,
            required: gate.required,
            baseline: gate.baseline,
            exit_code: gate.exit_code,
            duration_secs: gate.duration_secs,
            blocks: gate.blocks,
            worse: gate.worse,
            tail: gate.tail.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use codeloops_event::{GateCompleted, IterationStarted, Timestamp};

    use super::*;

    fn completed(iteration: u32, name: &str, status: GateStatus) -> Event {
        let gate = GateResult { status, ..GateResult::not_started(name.to_owned(), true) };
        let (timestamp, elapsed_ms) = (Timestamp::default(), 0);
        Event::GateCompleted(Box::new(GateCompleted { timestamp, elapsed_ms, iteration, gate }))
    }

    #[test]
    fn it_is_what_the_round_came_to_and_nothing_of_those_before() {
        let begun = |iteration| {
            let (timestamp, elapsed_ms) = (Timestamp::default(), 0);
            Event::IterationStarted(IterationStarted { timestamp, elapsed_ms, iteration })
        };
        let mut round = LastRound::default();
        let mut told = |events: &[Event]| {
            events.iter().for_each(|event| round.observe(event));
            let gates = round.gates();
            gates.iter().map(|gate| format!("{} {}", gate.name, gate.status.as_str())).collect()
        };
        let none: Vec<String> = told(&[completed(0, "test", GateStatus::Failed), begun(1)]);
        assert_eq!(none, [""; 0], "the baseline is no round");
        let first: Vec<String> = told(&[
            completed(1, "test", GateStatus::Failed),
            completed(1, "lint", GateStatus::Passed),
            // Once more, after a resume.
            completed(1, "test", GateStatus::Passed),
        ]);
        assert_eq!(first, ["lint passed", "test passed"]);
        assert_eq!(told(&[begun(2)]), [""; 0]);
    }
}
