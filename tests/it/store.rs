//! The store of all sessions: what a list is put in order by, figures, and clean-ups.

use std::fs;

use codeloops_tests::{Workspace, wait_for};
use rustix::process::Signal;

use crate::scripted;
use crate::scripts::{ASKS_FOR_MORE, TWO_ROUNDS, approved};

/// Two runs: one approved after two rounds, one that stopped at its limit.
fn two_runs() -> Workspace {
    let place = scripted(TWO_ROUNDS);
    let _ran = place.task(&[]).exits(0);
    place.script(&format!("on actor\nedit b.txt b\n{ASKS_FOR_MORE}"));
    let _ran = place.task(&["-n", "1"]).exits(1);
    place
}

fn outcomes(place: &Workspace, args: &[&str]) -> Vec<String> {
    let list = place.run(&[&["sessions", "list", "--json"], args].concat()).exits(0).document();
    let outcome = |session: &serde_json::Value| session["outcome"].as_str().unwrap().to_owned();
    list.as_array().unwrap().iter().map(outcome).collect()
}

fn refs(place: &Workspace) -> usize {
    place.git(&["for-each-ref", "refs/codeloops"]).lines().count()
}

#[test]
fn a_list_is_put_in_order_and_cut() {
    let place = two_runs();
    let (limit, success) = ("max_iterations_reached", "success");
    assert_eq!(outcomes(&place, &["--sort", "iterations"]), [success, limit]);
    assert_eq!(outcomes(&place, &["--sort", "iterations", "--reverse"]), [limit, success]);
    assert_eq!(outcomes(&place, &["--sort", "outcome"]), [limit, success]);
    assert_eq!(outcomes(&place, &["--sort", "outcome", "--reverse", "--limit", "1"]), [success]);
    let refused = place.run(&["sessions", "list", "--sort", "length"]).exits(2);
    assert!(refused.stderr.contains("`duration`"), "{refused}");
}

#[test]
fn figures_of_all_sessions_are_told() {
    let place = two_runs();
    let shown = place.run(&["sessions", "stats"]).exits(0).stdout;
    assert!(shown.starts_with("Session Statistics\n==================\n\nTotal Sessions:    2\n"));
    assert!(shown.contains("\nSuccess Rate:      50.0%\nAvg Iterations:    1.5\n"), "{shown}");
    assert!(shown.contains("\nBy Project:\n"), "{shown}");
    assert!(shown.contains("2 sessions (50.0% success)\n"), "{shown}");
    assert!(shown.contains("\nSessions Over Time:\n  2025-01-27:      2 sessions\n"), "{shown}");
    let figures = place.run(&["sessions", "stats", "--json"]).exits(0).document();
    assert_eq!(figures["total_sessions"], 2);
    assert_eq!(figures["by_project"][0]["success_rate"], 0.5);
    assert_eq!(figures["by_agent"][0]["as_actor"], 2);
}

#[test]
fn the_path_of_a_session_can_be_read() {
    let place = scripted(TWO_ROUNDS);
    let _ran = place.task(&[]).exits(0);
    let path = place.run(&["sessions", "path", "latest"]).exits(0).stdout;
    let path = place.unredacted(path.trim_end());
    assert_eq!(std::path::Path::new(&path), place.session_file());
    let none = place.run(&["sessions", "path", "2031"]).exits(2);
    assert!(none.stderr.contains("no session `2031`"), "{none}");
}

#[test]
fn a_clean_up_removes_nothing_until_it_is_told_to() {
    let place = two_runs();
    let before = (refs(&place), place.session_files().len());
    let refused = place.run(&["sessions", "prune"]).exits(2);
    assert!(refused.stderr.contains("--older-than"), "{refused}");
    let told = place.run(&["sessions", "prune", "--keep", "1"]).exits(0);
    assert!(told.stdout.starts_with("would remove 2025-01-27T15-30-45Z_"), "{told}");
    assert!(told.stdout.contains("\n1 session would go, "), "{told}");
    assert!(told.stderr.contains("`--yes` removes them"), "{told}");
    assert_eq!((refs(&place), place.session_files().len()), before);
    let none = place.run(&["sessions", "prune", "--keep", "2", "--yes"]).exits(0);
    assert_eq!((none.stdout.as_str(), none.stderr.as_str()), ("", "nothing to remove\n"));
}

#[test]
fn a_clean_up_takes_snapshots_and_evidence_with_the_session() {
    let place = two_runs();
    let runs = place.data_dir().join("runs");
    let count = || fs::read_dir(&runs).unwrap().count();
    let all = refs(&place);
    assert_eq!(count(), 2);
    let removed = place.run(&["sessions", "prune", "--keep", "1", "--yes"]).exits(0);
    assert!(removed.stdout.contains("\n1 session removed, "), "{removed}");
    assert_eq!((place.session_files().len(), count()), (1, 1));
    assert!((1..all).contains(&refs(&place)), "those of the other run stay");
    let _removed = place.run(&["sessions", "prune", "--max-size", "1", "--yes"]).exits(0);
    assert_eq!((place.session_files().len(), count(), refs(&place)), (0, 0, 0));
}

#[test]
fn a_session_goes_though_its_repository_is_gone() {
    let place = scripted(TWO_ROUNDS);
    let _ran = place.task(&[]).exits(0);
    fs::rename(place.project(), place.at("elsewhere")).unwrap();
    fs::create_dir(place.project()).unwrap();
    let _removed = place.run(&["sessions", "prune", "--keep", "0", "--yes"]).exits(0);
    assert_eq!(place.session_files().len(), 0);
}

/// The working tree is removed by the command that is printed.
#[test]
fn the_snapshots_of_a_fork_go_though_its_working_tree_is_gone() {
    let place = scripted(TWO_ROUNDS);
    let _ran = place.task(&[]).exits(0);
    let before = refs(&place);
    let _forked = place.run(&["fork", "latest", "--at", "1", "--worktree", "../fork"]).exits(0);
    assert!(refs(&place) > before);
    place.git(&["worktree", "remove", "--force", "../fork"]);
    let _removed = place.run(&["sessions", "prune", "--keep", "0", "--yes"]).exits(0);
    assert_eq!((place.session_files().len(), refs(&place)), (0, 0));
}

#[test]
fn snapshots_that_cannot_be_removed_keep_their_session() {
    let place = scripted(TWO_ROUNDS);
    let _ran = place.task(&[]).exits(0);
    let run = place.run_id(0);
    let lock = place.project().join(format!(".git/refs/codeloops/{run}/0.lock"));
    fs::write(&lock, "").unwrap();
    let kept = place.run(&["sessions", "prune", "--keep", "0", "--yes"]).exits(2);
    assert!(kept.stderr.contains("stays"), "{kept}");
    assert!(kept.stderr.contains("1 session was not removed"), "{kept}");
    assert_eq!(place.session_files().len(), 1);
    fs::remove_file(lock).unwrap();
    let _removed = place.run(&["sessions", "prune", "--keep", "0", "--yes"]).exits(0);
    assert_eq!((place.session_files().len(), refs(&place)), (0, 0));
}

#[test]
fn a_run_that_goes_on_is_never_cleaned_up() {
    let place = scripted(&approved("edit a.txt a\ntouch ../busy\nwait-file ../free"));
    let run = place.start(&["--prompt", "Fix the typo"]);
    wait_for(&place.at("busy"));
    let none = place.run(&["sessions", "prune", "--keep", "0", "--yes"]).exits(0);
    assert_eq!(none.stderr, "nothing to remove\n");
    run.signal(Signal::KILL);
    let _killed = run.wait().exits(137);
    let _removed = place.run(&["sessions", "prune", "--keep", "0", "--yes"]).exits(0);
    assert_eq!((place.session_files().len(), refs(&place)), (0, 0));
    fs::write(place.at("free"), "").unwrap();
}
