//! Checks that the actor weakens instead of satisfying them.

use codeloops_event::{DiffSide, Outcome, TamperKind, Tampering};
use codeloops_tests::Workspace;

use super::{assert_tells, assert_verified, configure, rounds, vetoes};
use crate::scripted;
use crate::scripts::APPROVES;

const TEST: &str = "def test_sum():\n    assert add(1, 2) == 3\n    assert add(0, 0) == 0\n";

fn tested(script: &str, config: &str) -> Workspace {
    let place = scripted(script);
    place.write("tests/test_sum.py", TEST);
    place.write("check.sh", "exit 0\n");
    configure(&place, config);
    place
}

/// Takes an assertion away, and puts it back if it is told.
const REMOVES: &str = "
on actor 1
run sed -i 3d tests/test_sum.py
on actor 2
expect-prompt-contains The changes weaken checks of the project
expect-prompt-contains tests/test_sum.py:3 (as it was): an assertion is gone
append tests/test_sum.py     assert add(0, 0) == 0
run git checkout --quiet tests
";

#[track_caller]
fn signs(place: &Workspace, round: usize) -> Vec<Tampering> {
    rounds(place)[round].tampering.clone()
}

#[track_caller]
fn only_sign(place: &Workspace) -> Tampering {
    let [sign] = &signs(place, 0)[..] else { panic!("{:?}", signs(place, 0)) };
    sign.clone()
}

#[test]
fn a_sign_is_told_to_the_critic_and_the_user_and_blocks_nothing_by_default() {
    let script = format!(
        "{REMOVES}{APPROVES}expect-prompt-contains tests/test_sum.py:3\n\
         expect-prompt-contains an assertion is gone\n"
    );
    let place = tested(&script, "");
    let ran = place.task(&["--json-output"]).exits(0);
    place.assert_script_held();
    let sign = only_sign(&place);
    assert_eq!((sign.kind, sign.line), (TamperKind::AssertionRemoved, Some(3)));
    assert_eq!((sign.file.as_str(), sign.side), ("tests/test_sum.py", DiffSide::Removed));
    assert_eq!(sign.text, "assert add(0, 0) == 0");
    let told = "Weaker checks: an assertion is gone, tests/test_sum.py:3: assert add(0, 0) == 0";
    assert!(ran.stderr.contains(told), "{ran}");
    let document = ran.document();
    assert_eq!(document["tampering"][0]["kind"], "assertion_removed", "{document}");
    assert_eq!(document["tampering"][0]["line"], 3);
    assert_eq!(vetoes(&place), []);
    assert_verified(&place);
}

#[test]
fn a_sign_can_block_an_approval() {
    let place = tested(&format!("{REMOVES}{APPROVES}"), "[gate_policy]\ntamper = \"veto\"\n");
    let ran = place.task(&[]).exits(0);
    place.assert_script_held();
    assert_eq!(vetoes(&place), [(1, vec![], 1)]);
    assert_eq!(signs(&place, 1), [], "it is put back");
    assert_tells(&ran, "The critic says DONE, but 1 sign of weaker checks is in the diff");
    assert_eq!(place.session().end.unwrap().outcome, Outcome::Success);
    assert_verified(&place);

    let off = place.run(&["replay", "latest", "--with", "tamper=off"]).exits(0);
    assert_tells(&off, "tamper=off");
    assert_tells(&off, "after 1 iteration");
}

#[test]
fn nobody_looks_where_nobody_shall() {
    let place = tested(&format!("{REMOVES}{APPROVES}"), "[gate_policy]\ntamper = \"off\"\n");
    let ran = place.task(&[]).exits(0);
    assert_eq!(signs(&place, 0), []);
    assert!(!ran.stdout.contains("Weaker checks"), "{ran}");
    assert_verified(&place);
}

#[test]
fn a_pattern_of_the_users_own_counts_like_any_other() {
    let config = r"
[gate_policy]
tamper = 'veto'

[[gate_policy.patterns]]
name = 'sleep in a test'
files = 'tests/**/*.py'
added = '\bsleep\b'
";
    let script = format!(
        "on actor 1\nappend tests/test_sum.py     sleep(1)\nedit other.py sleep(1)\n\
         on actor 2\nexpect-prompt-contains a pattern of the user's matches\n\
         run git checkout --quiet tests\n{APPROVES}"
    );
    let place = tested(&script, config);
    let ran = place.task(&[]).exits(0);
    place.assert_script_held();
    let sign = only_sign(&place);
    assert_eq!((sign.kind, sign.side), (TamperKind::Custom, DiffSide::Added));
    assert_eq!((sign.file.as_str(), sign.line), ("tests/test_sum.py", Some(4)));
    assert_tells(&ran, "a pattern of yours matches, tests/test_sum.py:4");
    assert_eq!(vetoes(&place), [(1, vec![], 1)]);
    assert_verified(&place);
}

#[test]
fn a_change_to_what_a_gate_runs_is_a_sign() {
    let config = "[[gates]]\nname = \"check\"\nrun = \"sh check.sh\"\n";
    let script = format!(
        "on actor\nedit check.sh true\n{APPROVES}\
         expect-prompt-contains a file that a gate runs was changed\n"
    );
    let place = tested(&script, config);
    let ran = place.task(&[]).exits(0);
    place.assert_script_held();
    let found = signs(&place, 0);
    assert!(!found.is_empty(), "{ran}");
    assert!(found.iter().all(|sign| sign.kind == TamperKind::GateChanged), "{found:?}");
    assert!(found.iter().all(|sign| sign.file == "check.sh"), "{found:?}");
    assert_verified(&place);
}

#[test]
fn a_change_to_the_configuration_is_a_sign_and_changes_nothing_for_the_run() {
    let config = "[[gates]]\nname = \"check\"\nrun = \"! test -e broken\"\nretries = 0\n";
    let script = format!(
        "on actor 1\ntouch broken\nedit codeloops.toml\non actor 2\ndelete broken\n{APPROVES}"
    );
    let place = tested(&script, config);
    let _ran = place.task(&[]).exits(0);
    let kinds: Vec<TamperKind> = signs(&place, 0).iter().map(|sign| sign.kind).collect();
    assert!(kinds.contains(&TamperKind::ConfigChanged), "{kinds:?}");
    assert_eq!(vetoes(&place), [(1, vec!["check".to_owned()], 0)], "the gate runs all the same");
    assert_verified(&place);
}
