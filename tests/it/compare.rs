//! The commands that show what a run changed, carried out as the user would.

use std::path::Path;

use codeloops_tests::{Output, Workspace, wait_for};
use rustix::process::Signal;

use crate::scripted;
use crate::scripts::{APPROVES, ASKS_FOR_MORE, TWO_ROUNDS};

/// The command that the end of a run gives.
#[track_caller]
fn at_the_end(ran: &Output) -> &str {
    let mut lines = ran.stdout.lines();
    let found = lines.by_ref().any(|line| line == "[codeloops] See what changed:");
    assert!(found, "{ran}");
    lines.next().unwrap().trim()
}

/// The command that the page of the last session gives to a user who stands in `dir`.
#[track_caller]
fn on_the_page(place: &Workspace, dir: &Path) -> String {
    let mut show = place.command(&["sessions", "show", "latest"]);
    show.current_dir(dir);
    let page = place.spawn(show).wait().exits(0);
    let command = page.stdout.lines().find_map(|line| line.trim().strip_prefix("To compare "));
    command.unwrap_or_else(|| panic!("{page}")).to_owned()
}

/// The changed lines that a command shows to a user who stands in `dir`.
#[track_caller]
fn shown(place: &Workspace, dir: &Path, command: &str) -> Vec<String> {
    let command = in_shell(place, command);
    let ran = place.program("sh").args(["-c", &command]).current_dir(dir).output().unwrap();
    assert!(ran.status.success(), "{command}: {ran:?}");
    let diff = String::from_utf8(ran.stdout).unwrap();
    let is_change = |line: &&str| line.starts_with(['+', '-']) && !line.starts_with("--- ");
    diff.lines().filter(is_change).map(str::to_owned).collect()
}

/// A command as a user's shell takes it, which knows codeloops.
pub(crate) fn in_shell(place: &Workspace, command: &str) -> String {
    let program = place.command(&[]).get_program().to_string_lossy().into_owned();
    format!("codeloops() {{ '{program}' \"$@\"; }}; {}", place.unredacted(command))
}

/// Both commands, from the project and from somewhere else, show these lines and no others.
#[track_caller]
fn assert_shown(place: &Workspace, ran: &Output, lines: &[&str]) {
    let (project, elsewhere) = (place.project(), place.at("home"));
    let before = place.git(&["status", "--porcelain"]);
    assert_eq!(shown(place, &project, at_the_end(ran)), lines);
    assert_eq!(shown(place, &project, &on_the_page(place, &project)), lines);
    assert_eq!(shown(place, &elsewhere, &on_the_page(place, &elsewhere)), lines);
    assert_eq!(place.git(&["status", "--porcelain"]), before, "the user's index is left alone");
}

#[test]
fn what_an_interrupted_actor_left_is_shown_with_its_new_files() {
    let place = scripted("on actor\nedit new.txt unfinished\ntouch ../busy\nhang\n");
    place.write("mine.txt", "the user's own\n");
    let run = place.start(&["--prompt", "x"]);
    wait_for(&place.at("busy"));
    run.signal(Signal::INT);
    assert_shown(&place, &run.wait().exits(130), &["+++ b/new.txt", "+unfinished"]);
}

/// Git cannot add a repository that has no commit yet.
#[test]
fn a_new_repository_within_does_not_hide_the_other_changes() {
    let place =
        scripted("on actor\nrun git init -q sub\nedit new.txt unfinished\ntouch ../busy\nhang\n");
    let run = place.start(&["--prompt", "x"]);
    wait_for(&place.at("busy"));
    run.signal(Signal::INT);
    place.write("sub/a.txt", "a\n");
    assert_shown(&place, &run.wait().exits(130), &["+++ b/new.txt", "+unfinished"]);
}

#[test]
fn what_it_left_in_a_later_round_is_shown_with_the_earlier_ones() {
    let place = scripted(&format!(
        "on actor 1\nedit a.txt first\non actor 2\nedit b.txt second\ntouch ../busy\nhang\n\
         {ASKS_FOR_MORE}"
    ));
    let run = place.start(&["--prompt", "x"]);
    wait_for(&place.at("busy"));
    run.signal(Signal::INT);
    let ran = run.wait().exits(130);
    assert_shown(&place, &ran, &["+++ b/a.txt", "+first", "+++ b/b.txt", "+second"]);
}

#[test]
fn what_an_actor_left_when_the_time_of_the_run_was_over_is_shown() {
    let place = scripted("on actor\nedit new.txt unfinished\nhang\n");
    let ran = place.task(&["--max-duration", "1s"]).exits(1);
    assert_shown(&place, &ran, &["+++ b/new.txt", "+unfinished"]);
}

#[test]
fn what_a_killed_run_left_is_shown_by_its_page() {
    let place = scripted("on actor\nedit new.txt unfinished\ntouch ../busy\nwait-file ../free\n");
    let run = place.start(&["--prompt", "x"]);
    wait_for(&place.at("busy"));
    run.signal(Signal::KILL);
    let _killed = run.wait().exits(137);
    let dir = place.project();
    assert_eq!(shown(&place, &dir, &on_the_page(&place, &dir)), ["+++ b/new.txt", "+unfinished"]);
    place.write("../free", "");
}

#[test]
fn what_a_critic_changed_is_shown_where_it_stays_and_not_where_it_was_put_back() {
    for (options, lines) in [
        (&["--no-restore-tree"][..], &["+++ b/a.txt", "+of-the-critic"][..]),
        (&[], &["+++ b/a.txt", "+of-the-actor"]),
    ] {
        let mut script = "on actor\nedit a.txt of-the-actor\n".to_owned();
        script += APPROVES;
        script += "run test -e ../edited || echo of-the-critic > a.txt; touch ../edited\n";
        let place = scripted(&script);
        let ran = place.task(options).exits(0);
        assert_shown(&place, &ran, lines);
    }
}

#[test]
fn a_run_that_ended_well_is_compared_by_its_snapshots_from_anywhere() {
    let place = scripted(TWO_ROUNDS);
    let ran = place.task(&[]).exits(0);
    place.write("later.txt", "of the user\n");
    assert_shown(&place, &ran, &["+++ b/greeting.txt", "+Hello"]);
    let page = place.run(&["sessions", "show", "latest"]).exits(0).stdout;
    let run_id = place.run_id(0);
    let snapshots = format!("  Snapshots  refs/codeloops/{run_id}/0 to 2\n");
    assert!(place.unredacted(&page).contains(&snapshots), "{page}");
}
