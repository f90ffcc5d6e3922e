//! A command of the actor's leaves a server running in the background.

use codeloops_event::{Event, Outcome};

use crate::agent::Agent;
use crate::place::Place;

with_each_agent!(ends_with_the_turn);

#[track_caller]
fn ends_with_the_turn(agent: Agent) {
    let place = Place::new(agent, "background");
    let _output = place.run_to(0, &[]);
    assert_eq!((place.end().outcome, place.end().iterations), (Outcome::Success, 1));
    assert_eq!(place.read("served.txt"), "yes\n");
    let leftovers = place.events().into_iter().find_map(|event| match event {
        Event::ActorCompleted(completed) => Some(completed.leftovers),
        _ => None,
    });
    assert!(leftovers.expect("the actor's turn is over") > 0, "{leftovers:?}");
}
