//! Looking at what is recorded.

use std::fs;

use codeloops_tests::wait_for;
use rustix::process::Signal;

use crate::scripts::{APPROVES, ASKS_FOR_MORE, TWO_ROUNDS, approved};
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

#[test]
fn a_run_is_shown_while_it_goes_on_and_after_it_was_killed() {
    let place = scripted(&approved("edit a.txt a\ntouch ../busy\nwait-file ../free"));
    let run = place.start(&["--prompt", "Fix the typo"]);
    wait_for(&place.at("busy"));
    let running = place.run(&["sessions", "show", "latest"]).exits(0).stdout;
    assert!(running.contains("Iteration 1: under way, the actor is at work\n"), "{running}");
    assert!(running.contains("No outcome yet: it is running\n"), "{running}");
    let document = place.run(&["sessions", "show", "latest", "--json"]).exits(0).document();
    assert_eq!(document["rounds"][0]["phase"], "actor_executing");
    assert_eq!(document["rounds"][0]["actor"][0]["state"]["kind"], "started");

    run.signal(Signal::KILL);
    let _killed = run.wait().exits(137);
    let killed = place.run(&["sessions", "show", "latest"]).exits(0).stdout;
    assert!(killed.contains("Iteration 1: not finished, the actor was at work\n"), "{killed}");
    assert!(killed.contains("; no end of it is recorded\n"), "{killed}");
    assert!(killed.contains("No outcome: it crashed;"), "{killed}");
    fs::write(place.at("free"), "").unwrap();
}

#[test]
fn an_interrupted_run_shows_where_it_stood_and_what_is_left() {
    let place = scripted("on actor\nedit a.txt a\non critic\nprint It is\ntouch ../busy\nhang\n");
    let run = place.start(&["--prompt", "Fix the typo"]);
    wait_for(&place.at("busy"));
    run.signal(Signal::INT);
    let _interrupted = run.wait().exits(130);
    insta::assert_snapshot!(place.run(&["sessions", "show", "latest"]).exits(0).stdout);
}

#[test]
fn an_answer_that_did_not_count_is_shown_with_why() {
    let mut script = "on actor\nedit a.txt by-the-actor\n".to_owned();
    script += APPROVES;
    script += "edit a.txt by-the-critic\n";
    let place = scripted(&script);
    let _given_up = place.task(&["-n", "1"]).exits(1);
    insta::assert_snapshot!(place.run(&["sessions", "show", "latest"]).exits(0).stdout);
}

#[test]
fn the_evidence_is_found_wherever_it_was_put() {
    let place = scripted(TWO_ROUNDS);
    let kept = place.at("kept");
    let _ran = place.task(&["--runs-dir", kept.to_str().unwrap()]).exits(0);
    let evidence = || {
        let page = place.run(&["sessions", "show", "latest"]).exits(0).stdout;
        page.lines().find(|line| line.starts_with("  Evidence")).unwrap().to_owned()
    };
    let there = evidence();
    assert!(there.starts_with("  Evidence   [ROOT]/kept/01"), "{there}");
    fs::remove_dir_all(kept).unwrap();
    assert_eq!(evidence(), format!("{there} (not there)"));
}
