//! A provider that is overloaded for a moment: whoever asks again, the agent itself or codeloops,
//! the run goes on.

use codeloops_event::{AgentOutcome, Outcome};

use crate::agent::Agent;
use crate::place::Place;

with_each_agent!(goes_on);

#[track_caller]
fn goes_on(agent: Agent) {
    let place = Place::new(agent, "overloaded-once");
    let _output = place.run_to(0, &[]);
    assert_eq!((place.end().outcome, place.end().iterations), (Outcome::Success, 1));
    assert_eq!(place.read("hello.txt"), "Hello.\n");

    // Those that are told not to (see their settings) do not ask again themselves.
    let outcomes = place.actor_outcomes();
    match agent {
        Agent::Claude | Agent::Codex => assert!(
            matches!(outcomes[..], [AgentOutcome::Transient { .. }, AgentOutcome::Completed]),
            "{outcomes:#?}"
        ),
        Agent::Opencode | Agent::Gemini => assert_eq!(outcomes, [AgentOutcome::Completed]),
    }
}
