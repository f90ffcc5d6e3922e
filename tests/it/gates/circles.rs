//! A run that comes back to where it was.

use codeloops_event::{Event, Iteration, Outcome, StopReason};
use codeloops_tests::Workspace;

use super::{assert_tells, assert_verified, gated, rounds};
use crate::scripts::ASKS_FOR_MORE;

const RED: &str = "[[gates]]\nname = \"test\"\nrun = \"! test -e broken\"\nretries = 0\n";

fn repeated(place: &Workspace) -> Vec<(Iteration, Vec<Iteration>)> {
    let told = |event| match event {
        Event::StateRepeated(e) => Some((e.iteration, e.earlier)),
        _ => None,
    };
    place.events().into_iter().filter_map(told).collect()
}

#[test]
fn the_actor_is_told_the_second_time_and_the_run_ends_at_the_last() {
    let script = format!(
        "on actor 1\nexpect-prompt-lacks Going in a circle\nedit broken x\n\
         on actor 2\nexpect-prompt-lacks Going in a circle\nedit broken x\n\
         on actor 3\nexpect-prompt-contains Going in a circle\nedit broken x\n{ASKS_FOR_MORE}"
    );
    let place = gated(&script, RED);
    let ran = place.task(&["--stuck-after", "3"]).exits(1);
    place.assert_script_held();
    let end = place.session().end.unwrap();
    assert_eq!((end.outcome, end.stop_reason), (Outcome::Stuck, Some(StopReason::Stuck)));
    assert_eq!(end.iterations, 3);
    assert_eq!(repeated(&place), [(2, vec![1]), (3, vec![1, 2])]);
    assert_tells(&ran, "This state is that of iteration 1");
    assert_tells(&ran, "This state is that of iterations 1 and 2");
    assert_verified(&place);
    let document = gated(&script, RED).task(&["--stuck-after", "3", "--json-output"]);
    assert_eq!(document.exits(1).document()["outcome"], "stuck");
}

#[test]
fn a_single_changed_byte_is_another_state() {
    let place = gated(&format!("on actor\nappend broken x\n{ASKS_FOR_MORE}"), RED);
    let _ran = place.task(&["--stuck-after", "2", "-n", "4"]).exits(1);
    assert_eq!(place.session().end.unwrap().outcome, Outcome::MaxIterationsReached);
    assert_eq!(repeated(&place), []);
}

#[test]
fn another_result_of_a_gate_on_the_same_tree_is_another_state() {
    let config = "[[gates]]\nname = \"test\"\nretries = 0\n\
                  run = \"n=$(cat ../n 2>/dev/null); echo x$n > ../n; exit ${#n}\"\n";
    let place = gated(&format!("on actor\nedit a.txt x\n{ASKS_FOR_MORE}"), config);
    let _ran = place.task(&["--stuck-after", "2", "-n", "3", "--no-baseline"]).exits(1);
    let codes: Vec<_> = rounds(&place).iter().map(|round| round.gates[0].exit_code).collect();
    assert_eq!(codes, [Some(0), Some(1), Some(2)]);
    assert_eq!(repeated(&place), []);
}

#[test]
fn a_state_may_come_back_after_others() {
    let script = format!(
        "on actor 1\nedit a.txt one\non actor 2\nedit a.txt two\non actor 3\nedit a.txt one\n\
         {ASKS_FOR_MORE}"
    );
    let place = gated(&script, RED);
    let _ran = place.task(&["--stuck-after", "2", "-n", "9"]).exits(1);
    assert_eq!(repeated(&place), [(3, vec![1])]);
    assert_eq!(place.session().end.unwrap().outcome, Outcome::Stuck);
    assert_verified(&place);
    let other = place.run(&["replay", "latest", "--with", "stuck_after=3"]).exits(0);
    assert_tells(&other, "stuck_after=3");
}
