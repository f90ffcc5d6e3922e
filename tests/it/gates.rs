//! Runs with checks of the user's: scripted agents, and gates that are lines of shell.

mod approval;
mod baseline;
mod circles;
mod flaky;
mod parallel;
mod tampering;
mod told;
// They look at processes by `/proc`.
#[cfg(target_os = "linux")]
mod hostile;
#[cfg(target_os = "linux")]
mod stops;

use std::fs;

use codeloops_event::{Event, GateResult, GateStatus, Iteration, IterationEnd};
use codeloops_tests::{Output, Workspace};

use crate::scripted;

/// A project whose agent plays this script, with this `codeloops.toml`, committed.
fn gated(script: &str, config: &str) -> Workspace {
    let place = scripted(script);
    configure(&place, config);
    place
}

fn configure(place: &Workspace, config: &str) {
    place.write("codeloops.toml", config);
    place.commit_all("the checks");
}

/// The rounds of the one session.
#[track_caller]
fn rounds(place: &Workspace) -> Vec<IterationEnd> {
    place.session().iterations
}

/// The results of gates in the order in which they came, of iteration 0 before the first.
#[track_caller]
fn results(place: &Workspace, iteration: Iteration) -> Vec<GateResult> {
    results_in(place.events(), iteration)
}

fn results_in(events: Vec<Event>, iteration: Iteration) -> Vec<GateResult> {
    let of_iteration = |event| match event {
        Event::GateCompleted(e) if e.iteration == iteration => Some(e.gate),
        _ => None,
    };
    events.into_iter().filter_map(of_iteration).collect()
}

/// The status of each gate of a round.
#[track_caller]
fn statuses(place: &Workspace, iteration: Iteration) -> Vec<GateStatus> {
    results(place, iteration).iter().map(|gate| gate.status).collect()
}

/// The gates that each veto of an approval names, with its number of signs of weakened checks.
#[track_caller]
fn vetoes(place: &Workspace) -> Vec<(Iteration, Vec<String>, u64)> {
    let vetoed = |event| match event {
        Event::ApprovalVetoed(e) => Some((e.iteration, e.gates, e.tampering)),
        _ => None,
    };
    place.events().into_iter().filter_map(vetoed).collect()
}

/// Fails unless the recording of the one session is found to hold.
#[track_caller]
fn assert_verified(place: &Workspace) {
    let verified = place.run(&["replay", "latest", "--verify"]).exits(0);
    assert!(verified.stdout.starts_with("verified: "), "{verified}");
}

#[track_caller]
fn assert_tells(output: &Output, words: &str) {
    assert!(output.stdout.contains(words), "`{words}` is not in\n{output}");
}

/// How many lines a file beside the project has: gates count themselves in one.
fn counted(place: &Workspace, file: &str) -> usize {
    fs::read_to_string(place.at(file)).map_or(0, |text| text.lines().count())
}
