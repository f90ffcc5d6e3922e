//! Gates that run at once.

use std::fs;

use codeloops_event::{Event, GateStatus};

use super::{assert_verified, gated, results, statuses};
use crate::scripts::APPROVES;

/// Each waits for the other one.
const WAIT_FOR_EACH_OTHER: &str = r#"
[[gates]]
name = "left"
run = "touch ../left; while ! [ -e ../right ]; do sleep 0.01; done"

[[gates]]
name = "right"
run = "touch ../right; while ! [ -e ../left ]; do sleep 0.01; done"

[gate_policy]
parallel = true
"#;

#[test]
fn gates_that_wait_for_each_other_both_pass() {
    let place = gated(APPROVES, WAIT_FOR_EACH_OTHER);
    let _ran = place.task(&["--no-baseline", "--gate-timeout", "60s"]).exits(0);
    assert_eq!(statuses(&place, 1), [GateStatus::Passed; 2]);
    let names: Vec<String> =
        place.session().iterations[0].gates.iter().map(|gate| gate.name.clone()).collect();
    assert_eq!(names, ["left", "right"], "in the order of the settings");
    assert_verified(&place);
}

#[test]
fn the_baseline_runs_them_at_once_too() {
    let place = gated(APPROVES, WAIT_FOR_EACH_OTHER);
    let _ran = place.task(&["--gate-timeout", "60s"]).exits(0);
    assert_eq!(statuses(&place, 0), [GateStatus::Passed; 2]);
    assert_verified(&place);
}

#[test]
fn one_after_the_other_they_begin_when_the_one_before_is_through() {
    let config = "[[gates]]\nname = \"first\"\nrun = \"! test -e ../second && touch ../first\"\n\
                  [[gates]]\nname = \"second\"\nrun = \"test -e ../first && touch ../second\"\n";
    let place = gated(APPROVES, config);
    let _ran = place.task(&["--no-baseline"]).exits(0);
    assert_eq!(statuses(&place, 1), [GateStatus::Passed; 2]);
}

/// The second one has a child in a session of its own when the first one comes to its end, and what
/// that left behind is ended.
#[cfg(target_os = "linux")]
#[test]
fn the_end_of_one_does_not_end_the_other() {
    use crate::rough::{eventually, line_where};

    let config = r#"
[[gates]]
name = "quick"
run = "while ! [ -e ../started ]; do sleep 0.01; done; setsid sleep 100000 > /dev/null 2>&1 &"

[[gates]]
name = "slow"
run = "setsid sleep 100000 & child=$!; touch ../started; while ! [ -e ../go ]; do sleep 0.01; done; kill -0 $child"
retries = 0

[gate_policy]
parallel = true
"#;
    let place = gated(APPROVES, config);
    let run = place.start(&["--prompt", "Fix the typo", "--no-baseline"]);
    let quick = line_where(&place, "the end of the quick one", |event| {
        matches!(event, Event::GateCompleted(_))
    });
    let Event::GateCompleted(quick) = quick else { unreachable!() };
    assert_eq!(quick.gate.name, "quick");
    fs::write(place.at("go"), "").unwrap();
    let _output = run.wait().exits(0);
    assert_eq!(statuses(&place, 1), [GateStatus::Passed; 2]);
    assert!(results(&place, 1)[1].leftovers >= 1, "its child is ended with it");
    eventually("the end of all", || crate::rough::processes_in(&place).is_empty().then_some(()));
    assert_verified(&place);
}
