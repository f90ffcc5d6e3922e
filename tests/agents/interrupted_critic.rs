//! Ctrl+C while a command of the critic's runs, which has changed what is judged.

use codeloops_event::{AgentOutcome, Outcome};
use codeloops_tests::wait_for;
use rustix::process::Signal;

use crate::agent::Agent;
use crate::place::Place;

with_each_agent!(changes_are_put_back);

#[track_caller]
fn changes_are_put_back(agent: Agent) {
    let place = Place::new(agent, "busy-critic");
    let run = place.start_task(&[]);
    wait_for(&place.project().join("critic.txt"));
    run.signal(Signal::INT);
    let output = place.ended(run, 130);
    assert_eq!((place.end().outcome, place.end().iterations), (Outcome::Interrupted, 0));
    assert_eq!(place.critic_outcomes(), [AgentOutcome::Interrupted]);
    assert_eq!(place.git(&["status", "--porcelain"]), "?? hello.txt\n");
    assert_eq!(place.read("hello.txt"), "Hello.\n", "what the actor wrote");
    assert!(output.stdout.contains("the actor's tree was put back"), "{output}");
}
