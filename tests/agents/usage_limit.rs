//! A subscription's usage window is used up: codeloops waits for its reset.

use codeloops_event::{Event, Outcome};

use crate::agent::Agent;
use crate::place::Place;

#[test]
fn claude_is_called_again_after_the_reset() {
    let mut place = Place::new(Agent::Claude, "used-up");
    place.unset_var("ANTHROPIC_API_KEY");
    place.set_var("CLAUDE_CODE_OAUTH_TOKEN", "sk-ant-oat01-fake");
    let output = place.run_to(0, &[]);
    assert_eq!((place.end().outcome, place.end().iterations), (Outcome::Success, 1));
    assert_eq!(place.read("hello.txt"), "Hello.\n");

    let events = place.events();
    let over = |event: &Event| matches!(event, Event::WaitOver(_));
    let (until, over) = match (events.iter().find_map(until), events.iter().find(|e| over(e))) {
        (Some(until), Some(over)) => (until, over.timestamp().unwrap()),
        _ => panic!("{output}"),
    };
    assert!(over >= until, "called again at {over}, before the reset at {until}");
    assert_eq!(place.model.requests().len(), 4, "one was refused");
}

fn until(event: &Event) -> Option<codeloops_event::Timestamp> {
    match event {
        Event::Waiting(wait) if wait.reason.contains("limit") => Some(wait.until),
        _ => None,
    }
}
