//! A critic that may run commands changes with one what it is to judge.

use codeloops_event::{AgentOutcome, Event, Outcome, TreeCheck};

use crate::agent::Agent;
use crate::place::Place;

with_each_agent!(changes_are_put_back);

#[track_caller]
fn changes_are_put_back(agent: Agent) {
    let place = Place::new(agent, "commanding-critic");
    let output = place.run_to(0, &[]);
    assert_eq!((place.end().outcome, place.end().iterations), (Outcome::Success, 1));
    assert_eq!(place.git(&["status", "--porcelain"]), "?? hello.txt\n");
    assert_eq!(place.read("hello.txt"), "Hello.\n", "what the actor wrote");

    // Its approval was about its own work, and it was asked again.
    assert_eq!(place.critic_outcomes(), [AgentOutcome::Completed, AgentOutcome::Completed]);
    let checks = place.events().into_iter().filter_map(|event| match event {
        Event::TreeChecked(checked) => Some(checked.check),
        _ => None,
    });
    let checks: Vec<TreeCheck> = checks.collect();
    let [TreeCheck::Changed { files, restored: true, .. }, TreeCheck::Unchanged] = &checks[..]
    else {
        panic!("{checks:#?}")
    };
    assert_eq!(files, &["critic.txt", "hello.txt"]);
    assert!(output.stdout.contains("the actor's tree was put back"), "{output}");
}
