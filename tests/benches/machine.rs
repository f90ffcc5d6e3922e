//! How many steps the machine takes in a second, on one core.
//!
//! `cargo xtask bench machine`: whole rounds in which the critic is never content (two agents start
//! and finish, the diff is captured, the tree is looked at), inputs made beforehand,
//! every step measured with what it allocates and gives up.

#![expect(clippy::unwrap_used, reason = "a bench that cannot run has no figures")]

use std::hint::black_box;
use std::time::Instant;

use codeloops_event::{
    AgentOutcome, CallKind, Limits, Nonce, Settings, Stamp, Timestamp, TreeCheck,
};
use codeloops_machine::testing::{answers, settings, start};
use codeloops_machine::{Input, Machine, Stamped, Step};
use support::say;

mod support;

const ROUNDS: u32 = 20;
const TIMES: usize = 2_000;

fn main() {
    let inputs = inputs();
    let mut best = f64::INFINITY;
    for _ in 0..TIMES {
        let given = inputs.clone();
        let started = Instant::now();
        black_box(run(begin(), given));
        best = best.min(started.elapsed().as_secs_f64());
    }
    let steps = inputs.len() as f64;
    say(&format!("{ROUNDS} rounds, {steps} steps: {:.0} us", best * 1e6));
    say(&format!("{:.2} million steps a second (to reach: 1)", steps / best / 1e6));
}

fn begin() -> Machine {
    let limits = Limits { max_iterations: Some(ROUNDS), ..settings().limits };
    let settings = Settings { limits, ..settings() };
    Machine::start(stamped(start(settings))).machine
}

fn run(machine: Machine, inputs: Vec<Input>) -> Machine {
    inputs.into_iter().fold(machine, |machine, input| step(machine, input).machine)
}

fn step(machine: Machine, input: Input) -> Step {
    machine.step(stamped(input)).unwrap()
}

/// The inputs of a run in which the critic is never content.
fn inputs() -> Vec<Input> {
    let mut machine = begin();
    let mut inputs = Vec::new();
    while let Some(call) = machine.awaited() {
        for input in answers(call).into_iter().filter(is_usual) {
            machine = step(machine, input.clone()).machine;
            inputs.push(input);
        }
    }
    assert!(machine.has_ended());
    inputs
}

fn is_usual(input: &Input) -> bool {
    match input {
        Input::AgentFinished { call, report } => {
            let wanted = if call.kind == CallKind::Critic { "DECISION: CONTINUE" } else { "" };
            report.outcome == AgentOutcome::Completed && report.text.starts_with(wanted)
        }
        Input::TreeChecked { check, .. } => *check == TreeCheck::Unchanged,
        Input::AgentStarted { .. } | Input::DiffCaptured { .. } => true,
        _ => false,
    }
}

fn stamped<T>(input: T) -> Stamped<T> {
    let stamp = Stamp { at: Timestamp::default(), elapsed_ms: 0 };
    Stamped { stamp, nonce: Nonce("0123456789abcdef".to_owned()), input }
}
