//! An actor with `permissions = "edits"` edits a file, and asks for a command beyond that.

use codeloops_event::AgentOutcome;

use crate::agent::Agent;
use crate::place::Place;

with_each_agent!(commands_are_left_to_its_own_rules);

#[track_caller]
fn commands_are_left_to_its_own_rules(agent: Agent) {
    let place = Place::new(agent, "edit-and-command");
    let _output = place.run_to(0, &["--permissions", "edits"]);
    assert_eq!(place.read("hello.txt"), "Hello.\n", "it may edit");

    // OpenCode's own configuration allows all; Codex runs what stays within its sandbox.
    let runs = matches!(agent, Agent::Opencode | Agent::Codex);
    assert_eq!(place.project().join("command.txt").exists(), runs);
    // Gemini does not offer the model what it may not use, so that nothing is denied.
    let denied = AgentOutcome::Denied { count: 1 };
    let expected = if agent == Agent::Claude { denied } else { AgentOutcome::Completed };
    assert_eq!(place.actor_outcomes(), [expected]);
}
