//! A critic that may only read tries to write all the same.

use codeloops_event::{AgentOutcome, Outcome};

use crate::agent::Agent;
use crate::place::Place;

with_each_agent!(writes_nothing);

#[track_caller]
fn writes_nothing(agent: Agent) {
    let place = Place::new(agent, "editing-critic");
    let output = place.run_to(0, &["--critic-access", "read-only"]);
    assert_eq!((place.end().outcome, place.end().iterations), (Outcome::Success, 1));
    assert_eq!(place.git(&["status", "--porcelain"]), "?? hello.txt\n");

    // Claude Code does not offer the model what it may not use, so that nothing is denied.
    let denies = agent != Agent::Claude;
    let expected = if denies { AgentOutcome::Denied { count: 1 } } else { AgentOutcome::Completed };
    assert_eq!(place.critic_outcomes(), [expected]);
    assert_eq!(output.stdout.contains("1 tool call denied"), denies, "{output}");
}
