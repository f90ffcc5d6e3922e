//! What was red before the run is not its fault, as long as it gets no worse.

use codeloops_event::{GateStatus, Outcome};
use codeloops_tests::Workspace;

use super::{assert_tells, assert_verified, configure, counted, gated, results, rounds, vetoes};
use crate::scripted;
use crate::scripts::APPROVES;

/// Prints what a compiler prints.
const PROBLEMS: &str = r#"
[[gates]]
name = "lint"
run = "cat problems; ! test -s problems"
retries = 0
"#;

const OLD: &str = "src/old.c:3:5: error: no such thing as `left`\n";

fn red_before(script: &str, config: &str) -> Workspace {
    let place = scripted(script);
    place.write("problems", OLD);
    configure(&place, config);
    place
}

#[test]
fn what_was_red_before_and_is_no_worse_is_approved() {
    let script = format!(
        "on actor\nexpect-prompt-contains red before this run began: it must not get worse\n\
         edit problems src/old.c:7:5: error: no such thing as `left`\nedit work.txt done\n{APPROVES}\
         expect-prompt-contains as it did before the run began, so that this blocks nothing\n"
    );
    let place = red_before(&script, PROBLEMS);
    let ran = place.task(&[]).exits(0);
    place.assert_script_held();
    let [before] = &results(&place, 0)[..] else { panic!("a baseline: {ran}") };
    assert_eq!((before.status, before.baseline, before.blocks), (GateStatus::Failed, None, true));
    let [gate] = &rounds(&place)[0].gates[..] else { panic!("a gate: {ran}") };
    assert_eq!((gate.status, gate.baseline), (GateStatus::Failed, Some(GateStatus::Failed)));
    assert!(!gate.blocks && !gate.worse, "{gate:?}");
    let [failure] = &gate.failures[..] else { panic!("{gate:?}") };
    assert_eq!((failure.file.as_deref(), failure.line), (Some("src/old.c"), Some(7)));
    assert_tells(&ran, ", as before the run");
    assert_verified(&place);
}

#[test]
fn what_got_worse_blocks_until_it_is_no_worse() {
    let script = format!(
        "on actor 1\nappend problems src/new.c:1:1: error: no such thing as `right`\n\
         on actor 2\nexpect-prompt-contains src/new.c:1\n\
         expect-prompt-contains it was red before the run began, and has got worse\n\
         edit problems src/old.c:4:5: error: no such thing as `left`\n{APPROVES}"
    );
    let place = red_before(&script, PROBLEMS);
    let ran = place.task(&[]).exits(0);
    place.assert_script_held();
    let rounds = rounds(&place);
    assert_eq!(rounds.len(), 2);
    assert!(rounds[0].gates[0].worse && rounds[0].gates[0].blocks, "{:?}", rounds[0].gates);
    assert!(!rounds[1].gates[0].worse && !rounds[1].gates[0].blocks, "{:?}", rounds[1].gates);
    assert_eq!(vetoes(&place), [(1, vec!["lint".to_owned()], 0)]);
    assert_tells(&ran, ", worse than before the run");
    assert_verified(&place);
}

#[test]
fn a_gate_without_a_baseline_blocks_whatever_it_was() {
    let script = format!(
        "on actor 1\nexpect-prompt-lacks red before this run\non actor 2\nedit problems\n{APPROVES}"
    );
    let place = red_before(&script, &format!("{PROBLEMS}baseline = false\n"));
    let _ran = place.task(&[]).exits(0);
    place.assert_script_held();
    assert_eq!(results(&place, 0), []);
    assert_eq!(vetoes(&place), [(1, vec!["lint".to_owned()], 0)]);
    assert_verified(&place);
}

#[test]
fn without_a_baseline_of_the_run_every_red_gate_blocks() {
    let place = red_before(&format!("on actor 2\nedit problems\n{APPROVES}"), PROBLEMS);
    let ran = place.task(&["--no-baseline"]).exits(0);
    assert_eq!(results(&place, 0), []);
    assert_eq!(rounds(&place)[0].gates[0].baseline, None);
    assert_eq!(vetoes(&place), [(1, vec!["lint".to_owned()], 0)]);
    assert!(!ran.stdout.contains("Before the first iteration"), "{ran}");
    assert_verified(&place);
}

#[test]
fn a_round_may_mend_what_was_red_before_and_then_break_nothing() {
    let script = format!("on actor\nedit problems\n{APPROVES}");
    let place = red_before(&script, PROBLEMS);
    let _ran = place.task(&[]).exits(0);
    let gate = &rounds(&place)[0].gates[0];
    assert_eq!((gate.status, gate.baseline), (GateStatus::Passed, Some(GateStatus::Failed)));
    assert_eq!(place.session().end.unwrap().outcome, Outcome::Success);
    assert_verified(&place);
}

/// The gate counts its runs in a file outside of the tree.
const COUNTS: &str = "[[gates]]\nname = \"test\"\nrun = \"echo run >> ../runs\"\n";

#[test]
fn the_next_run_on_the_same_tree_has_the_result_at_once() {
    let place = gated(APPROVES, COUNTS);
    let _first = place.task(&[]).exits(0);
    assert_eq!(counted(&place, "runs"), 2, "the baseline and the round");

    let second = place.task(&[]).exits(0);
    assert_eq!(counted(&place, "runs"), 3, "the round alone");
    assert_tells(&second, ", kept from run ");
    let replayed = place.run(&["replay", "latest", "--verify"]).exits(0);
    assert_tells(&replayed, "verified: ");

    place.write("README.md", "Another tree.\n");
    let _third = place.task(&[]).exits(0);
    assert_eq!(counted(&place, "runs"), 5, "another tree has no result yet");

    let _fourth = place.task(&["--gate", "test=echo again >> ../runs"]).exits(0);
    assert_eq!(counted(&place, "runs"), 7, "nor has another command");
    let _fifth = place.task(&["--gate", "test=echo again >> ../runs"]).exits(0);
    assert_eq!(counted(&place, "runs"), 8);
}

#[test]
fn a_kept_result_names_the_run_that_found_it() {
    let place = gated(APPROVES, COUNTS);
    let _first = place.task(&[]).exits(0);
    let first = place.run_id(0);
    let file = place.session_file();
    let _second = place.task(&[]).exits(0);
    std::fs::remove_file(file).unwrap();
    let [before] = &results(&place, 0)[..] else { panic!("a baseline") };
    assert_eq!((&before.kept_from, before.status), (&Some(first), GateStatus::Passed));
    let [now] = &results(&place, 1)[..] else { panic!("a result") };
    assert_eq!(now.kept_from, None, "a round runs its gates");
}
