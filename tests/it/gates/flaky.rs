//! A gate that is red, and green when it is repeated.

use codeloops_event::GateStatus;

use super::{assert_tells, assert_verified, counted, gated, rounds, statuses, vetoes};
use crate::scripts::APPROVES;

/// Red the first time, and green from then on.
const FLAKY: &str = r#"
[[gates]]
name = "test"
run = "echo run >> ../runs; if ! [ -e ../red ]; then touch ../red; echo 'connection reset'; exit 1; fi; echo fine"
"#;

#[test]
fn red_and_then_green_is_green_and_marked() {
    let script = format!("{APPROVES}expect-prompt-contains it is flaky: it failed, then passed\n");
    let place = gated(&script, FLAKY);
    let ran = place.task(&["--no-baseline"]).exits(0);
    place.assert_script_held();
    let [round] = &rounds(&place)[..] else { panic!("one round: {ran}") };
    let [gate] = &round.gates[..] else { panic!("{round:?}") };
    assert_eq!((gate.status, gate.attempts, gate.blocks), (GateStatus::Flaky, 2, false));
    assert_eq!(gate.exit_code, Some(0));
    assert_eq!(counted(&place, "runs"), 2);
    assert_tells(&ran, "test: flaky, passed when repeated");
    let folder = place.evidence("iterations/1/gates/test");
    let log = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    assert_eq!(log("output.log"), "connection reset\n");
    assert_eq!(log("output-2.log"), "fine\n");
    assert_verified(&place);
}

#[test]
fn one_that_is_not_repeated_stays_red() {
    let place = gated(APPROVES, &format!("{FLAKY}retries = 0\n"));
    let _ran = place.task(&["--no-baseline"]).exits(0);
    assert_eq!(statuses(&place, 1), [GateStatus::Failed]);
    assert_eq!(statuses(&place, 2), [GateStatus::Passed]);
    assert_eq!(vetoes(&place), [(1, vec!["test".to_owned()], 0)]);
    assert_eq!(counted(&place, "runs"), 2);
    assert_verified(&place);
}

#[test]
fn one_that_stays_red_is_repeated_as_often_as_it_may_be() {
    let config = "[[gates]]\nname = \"test\"\nrun = \"echo run >> ../runs; exit 1\"\nretries = 3\n";
    let place = gated(APPROVES, config);
    let _ran = place.task(&["--no-baseline", "-n", "1"]).exits(1);
    assert_eq!(counted(&place, "runs"), 4);
    assert_eq!(rounds(&place)[0].gates[0].attempts, 4);
    assert_verified(&place);
}

#[test]
fn one_that_was_flaky_before_the_run_counts_as_green_then() {
    let config = FLAKY.replace("echo fine", "! test -e broken");
    let place =
        gated(&format!("on actor 1\ntouch broken\non actor 2\ndelete broken\n{APPROVES}"), &config);
    let _ran = place.task(&[]).exits(0);
    assert_eq!(statuses(&place, 0), [GateStatus::Flaky]);
    assert_eq!(vetoes(&place), [(1, vec!["test".to_owned()], 0)]);
    assert_eq!(rounds(&place)[1].gates[0].baseline, Some(GateStatus::Flaky));
    assert_verified(&place);
}
