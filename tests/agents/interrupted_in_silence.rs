//! Ctrl+C while the agent waits for a model that does not go on.

use codeloops_event::Outcome;
use codeloops_tests::wait_until;
use rustix::process::Signal;

use crate::agent::Agent;
use crate::place::Place;

with_each_agent!(ends_at_once);

#[track_caller]
fn ends_at_once(agent: Agent) {
    let place = Place::new(agent, "silent");
    let run = place.start_task(&[]);
    wait_until("a request", || !place.model.requests().is_empty());
    run.signal(Signal::INT);
    let _output = place.ended(run, 130);
    let end = place.end();
    assert_eq!((end.outcome, end.iterations), (Outcome::Interrupted, 0));
    assert_eq!(place.git(&["status", "--porcelain"]), "");
}
