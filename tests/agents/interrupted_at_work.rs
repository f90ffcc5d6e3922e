//! Ctrl+C while a command of the agent's runs, which it has put into a session of its own.

use codeloops_event::{Outcome, StopReason};
use codeloops_tests::wait_for;
use rustix::process::Signal;

use crate::agent::Agent;
use crate::place::Place;

with_each_agent!(leaves_no_command_behind);

#[track_caller]
fn leaves_no_command_behind(agent: Agent) {
    let place = Place::new(agent, "busy");
    let run = place.start_task(&[]);
    wait_for(&place.project().join("busy.txt"));
    run.signal(Signal::INT);
    let _output = place.ended(run, 130);
    let end = place.end();
    assert_eq!((end.outcome, end.iterations), (Outcome::Interrupted, 0));
    assert_eq!(end.stop_reason, Some(StopReason::Interrupted));
    assert_eq!(place.read("busy.txt"), "yes\n", "what was done stays");
}
