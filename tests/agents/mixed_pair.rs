//! Two agents of different makers in one run.

use codeloops_event::Outcome;

use crate::agent::Agent;
use crate::place::Place;

#[test]
fn codex_acts_and_claude_judges() {
    let place = Place::with_pair(Agent::Codex, Agent::Claude, "two-rounds");
    let _output = place.run_to(0, &[]);
    let (start, end) = (place.session().start, place.end());
    assert_eq!((start.actor_agent.as_str(), start.critic_agent.as_str()), ("Codex", "Claude Code"));
    assert_eq!((end.outcome, end.iterations), (Outcome::Success, 2));
    let asked = place.model.requests();
    let by = |path: &str| asked.iter().filter(|request| request.path.contains(path)).count();
    assert_eq!((by("/responses"), by("/messages")), (4, 2), "{asked:#?}");
}
