//! Limits of time: what is over them is ended, told and decided on.

use codeloops_event::AgentOutcome;
use codeloops_event::Event;
use codeloops_tests::Workspace;

use crate::scripts::{APPROVES, ASKS_FOR_MORE};
use crate::{scripted, workspace};

/// How the first actor call ended.
fn first_actor_call(place: &Workspace) -> AgentOutcome {
    place
        .events()
        .into_iter()
        .find_map(|event| match event {
            Event::ActorCompleted(e) => Some(e.outcome),
            _ => None,
        })
        .unwrap()
}

#[test]
fn an_actor_over_its_time_is_ended_and_its_work_judged() {
    let place = scripted(&format!(
        "on actor\nedit a.txt half\nhang\n{APPROVES}expect-prompt-contains +half\n"
    ));
    let ran = place.task(&["--actor-timeout", "300ms"]).exits(0);
    insta::assert_snapshot!(ran.stdout);
    assert!(matches!(first_actor_call(&place), AgentOutcome::TimedOut { .. }));
}

#[test]
fn an_agent_that_falls_silent_is_ended() {
    let place = workspace();
    place.script(&format!("on actor\nprint begun\nedit a.txt half\nhang\n{APPROVES}"));
    let streams = place.fake_agent() + "streams = true\n";
    place.global_config(&format!("[defaults]\nagent = \"fake\"\n{streams}"));
    let ran = place.task(&["--idle-timeout", "300ms"]).exits(0);
    insta::assert_snapshot!(ran.stdout);
}

#[test]
fn a_critic_over_its_time_is_asked_again() {
    let place = scripted(
        "next invocation\nedit a.txt a\nnext invocation\nhang\n\
         next invocation\nprint DECISION: DONE\\n\\nSUMMARY: good\n",
    );
    let ran = place.task(&["--critic-timeout", "300ms"]).exits(0);
    insta::assert_snapshot!(ran.stdout);
}

#[test]
fn a_run_over_its_time_exits_1() {
    let place = scripted(&format!("on actor\nappend a.txt more\n{ASKS_FOR_MORE}"));
    insta::assert_snapshot!(place.task(&["--max-duration", "10s"]));
    assert_eq!(place.session().end.unwrap().outcome.to_string(), "budget_exhausted");
}
