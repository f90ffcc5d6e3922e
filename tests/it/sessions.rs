//! Looking at what is recorded.

use crate::scripts::{ASKS_FOR_MORE, TWO_ROUNDS};
use crate::{scripted, workspace};

#[test]
fn a_run_can_be_listed_and_shown() {
    let place = scripted(TWO_ROUNDS);
    let _ran = place.task(&[]).exits(0);
    insta::assert_snapshot!(place.run(&["sessions", "list"]));
    insta::assert_snapshot!(place.run(&["sessions", "show", "latest"]));
    let by_id = place.run(&["sessions", "show", "2025-01-27T15-30-45Z_a6c42a"]).exits(0);
    assert_eq!(by_id, place.run(&["sessions", "show", "latest"]));
}

#[test]
fn json_of_a_list_and_of_a_session_is_one_document() {
    let place = scripted(TWO_ROUNDS);
    let _ran = place.task(&[]).exits(0);
    let list = place.run(&["sessions", "list", "--json"]).exits(0).document();
    assert_eq!(list[0]["outcome"], "success");
    assert_eq!(list[0]["iterations"], 2);
    let shown = place.run(&["sessions", "show", "latest", "--json"]).exits(0).document();
    assert_eq!(shown["iterations"][1]["critic_decision"], "DONE");
    assert_eq!(shown["status"], "ended");
}

#[test]
fn sessions_are_found_by_how_they_ended() {
    let place = scripted(TWO_ROUNDS);
    let _ran = place.task(&[]).exits(0);
    place.script(&format!("on actor\nedit b.txt b\n{ASKS_FOR_MORE}"));
    let _ran = place.task(&["-n", "1"]).exits(1);
    let found = |args: &[&str]| {
        let list = place.run(&[&["sessions", "list", "--json"], args].concat()).exits(0).document();
        list.as_array().unwrap().len()
    };
    assert_eq!(found(&[]), 2);
    assert_eq!(found(&["--outcome", "success"]), 1);
    assert_eq!(found(&["--outcome", "failed"]), 0);
    assert_eq!(found(&["--search", "typo"]), 2);
    assert_eq!(found(&["--after", "2025-01-27", "--before", "2025-01-27"]), 2);
    assert_eq!(found(&["--after", "2025-01-28"]), 0);
}

#[test]
fn a_session_that_is_not_there_is_told() {
    let place = workspace();
    insta::assert_snapshot!(place.run(&["sessions", "show", "nothing"]));
    insta::assert_snapshot!(place.run(&["sessions", "list"]));
}
