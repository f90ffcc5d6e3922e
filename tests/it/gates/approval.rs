//! An approval over a red gate does not take effect, and the actor hears of it.

use codeloops_event::{Decision, Event, GateStatus, Outcome};

use super::{assert_tells, assert_verified, gated, results, rounds, vetoes};
use crate::scripts::APPROVES;

/// Green where nothing is there, red where it is wrong.
const ANSWER: &str = r#"
[[gates]]
name = "test"
run = "if grep -qs wrong answer.txt; then echo 'FOUND: the answer is wrong' >&2; exit 3; fi"
"#;

/// Wrong first, then right, if it is told.
const MENDS: &str = "
on actor 1
expect-prompt-contains grep -qs wrong answer.txt
edit answer.txt wrong
on actor 2
expect-prompt-contains The gate `test` does not pass: it failed with exit code 3; it passed before the run began.
expect-prompt-contains FOUND: the answer is wrong
edit answer.txt right
";

#[test]
fn a_done_over_a_red_gate_is_a_continue_with_what_the_gate_printed() {
    let place = gated(&format!("{MENDS}{APPROVES}"), ANSWER);
    let ran = place.task(&[]).exits(0);
    place.assert_script_held();

    let [first, second] = &rounds(&place)[..] else { panic!("two rounds: {ran}") };
    assert_eq!(first.critic_decision, Decision::Continue);
    assert_eq!(first.critic_verdict, Some(Decision::Done), "what the critic said is kept");
    let feedback = first.feedback.as_ref().expect("feedback");
    assert!(feedback.contains("FOUND: the answer is wrong"), "{feedback}");
    let [gate] = &first.gates[..] else { panic!("{:?}", first.gates) };
    assert_eq!((gate.status, gate.exit_code), (GateStatus::Failed, Some(3)));
    assert_eq!((gate.baseline, gate.blocks, gate.worse), (Some(GateStatus::Passed), true, false));
    assert_eq!(gate.attempts, 2, "a failure is repeated once");
    assert!(gate.tail.contains("FOUND: the answer is wrong"), "{gate:?}");

    assert_eq!((second.critic_decision, &second.feedback), (Decision::Done, &None));
    assert_eq!(second.gates[0].status, GateStatus::Passed);
    assert_eq!(vetoes(&place), [(1, vec!["test".to_owned()], 0)]);
    assert_eq!(place.session().end.unwrap().outcome, Outcome::Success);
    assert_verified(&place);

    assert_tells(&ran, "[gate] Before the first iteration, test: passed");
    assert_tells(&ran, "[gate] test: failed");
    assert_tells(&ran, "[gate] | FOUND: the answer is wrong");
    assert_tells(
        &ran,
        "The critic says DONE, but gate test does not pass; the round counts as CONTINUE",
    );
    let page = place.run(&["sessions", "show", "latest"]).exits(0);
    assert_tells(&page, "test");
}

#[test]
fn the_critic_sees_what_the_gate_found() {
    let script = "
on actor
edit answer.txt wrong
on critic
expect-prompt-contains test (required): it failed with exit code 3; it passed before the run began
expect-prompt-contains FOUND: the answer is wrong
print DECISION: CONTINUE\\n\\nFEEDBACK: Look at the test.
";
    let place = gated(script, ANSWER);
    let _ran = place.task(&["-n", "1"]).exits(1);
    place.assert_script_held();
    let [round] = &rounds(&place)[..] else { panic!("a round") };
    let feedback = round.feedback.as_ref().unwrap();
    assert!(feedback.contains("Look at the test."), "what the critic says: {feedback}");
    assert!(feedback.contains("FOUND: the answer is wrong"), "what the gate says: {feedback}");
    assert_eq!(vetoes(&place), [], "there was no approval");
    assert_verified(&place);
}

#[test]
fn a_gate_that_is_not_required_is_shown_and_blocks_nothing() {
    let script = format!(
        "on actor\nedit answer.txt wrong\n{APPROVES}expect-prompt-contains test (not required)\n"
    );
    let place = gated(&script, &format!("{ANSWER}required = false\n"));
    let ran = place.task(&[]).exits(0);
    place.assert_script_held();
    assert_eq!(results(&place, 0), [], "what it was before makes no difference");
    let [gate] = &results(&place, 1)[..] else { panic!("one gate") };
    assert_eq!((gate.status, gate.blocks, gate.required), (GateStatus::Failed, false, false));
    assert_tells(&ran, ", not required");
    assert_verified(&place);
}

#[test]
fn a_failure_can_go_straight_back_to_the_actor() {
    let critic = "on critic 1\ntouch ../asked\non critic 2\n\
                  print DECISION: DONE\\n\\nSUMMARY: It is right.\n";
    let config = format!("{ANSWER}\n[gate_policy]\non_failure = \"actor\"\n");
    let place = gated(&format!("{MENDS}{critic}"), &config);
    let ran = place.task(&[]).exits(0);
    place.assert_script_held();
    assert!(!place.at("asked").exists(), "the critic is not called");

    let [first, second] = &rounds(&place)[..] else { panic!("two rounds") };
    assert_eq!((first.critic_decision, first.critic_verdict), (Decision::Continue, None));
    assert_eq!((&first.critic_output, first.critic_exit_code), (&None, None));
    assert_eq!(first.critic_duration_secs, None);
    assert_eq!(second.critic_verdict, Some(Decision::Done));
    let asked = |event: &&Event| matches!(event, Event::CriticStarted(_));
    assert_eq!(place.events().iter().filter(asked).count(), 1);
    assert_eq!(vetoes(&place), []);
    assert_tells(&ran, "(it was not asked: gate test does not pass)");
    assert_verified(&place);
}

#[test]
fn a_red_gate_to_the_end_leaves_nothing_approved() {
    let place = gated(&format!("on actor\nappend answer.txt wrong\n{APPROVES}"), ANSWER);
    let document = place.task(&["-n", "2", "--json-output"]).exits(1).document();
    assert_eq!(document["outcome"], "max_iterations_reached", "{document}");
    assert_eq!(document["summary"], serde_json::Value::Null);
    let gate = &document["gates"][0];
    assert_eq!((&gate["name"], &gate["status"]), (&"test".into(), &"failed".into()));
    assert_eq!((&gate["exit_code"], &gate["blocks"]), (&3.into(), &true.into()));
    assert_eq!((&gate["baseline"], &gate["required"]), (&"passed".into(), &true.into()));
    assert!(gate["tail"].as_str().unwrap().contains("FOUND"), "{gate}");
    assert_eq!(vetoes(&place).len(), 2);
    assert_verified(&place);
}
