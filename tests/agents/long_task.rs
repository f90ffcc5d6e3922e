//! A task that is longer than an argument of a program may be.

use std::fs;

use codeloops_event::Outcome;

use crate::agent::Agent;
use crate::place::Place;

with_each_agent!(arrives_whole);

#[track_caller]
fn arrives_whole(agent: Agent) {
    let place = Place::new(agent, "long-task");
    let task = "Write hello.txt.\n".repeat(15_000) + "This is the end of a long task.\n";
    fs::write(place.at("task.md"), task).unwrap();
    let run = place.start(&["--prompt-file", "../task.md", "-n", "1"]);
    let _output = place.ended(run, 0);
    assert_eq!((place.end().outcome, place.end().iterations), (Outcome::Success, 1));
    assert_eq!(place.read("hello.txt"), "Hello.\n");
}
