//! Picking a session, and reading a long page, on a real terminal.

use std::fs;

use codeloops_tests::Workspace;
use codeloops_tests::needs::has;

use crate::rough::eventually;
use crate::scripted;
use crate::scripts::{TWO_ROUNDS, approved};
use crate::terminal::Terminal;

const OLD: &str = "2025-01-20T10-00-00Z_b5d3e2";

/// A run, and a session of another program before it.
fn recorded() -> Option<Workspace> {
    if !has("tmux") || !has("less") {
        return None;
    }
    let mut place = scripted(TWO_ROUNDS);
    place.set_var("XDG_DATA_HOME", place.at("data"));
    let _ran = place.task(&[]).exits(0);
    let start = r#"{"type":"session_start","timestamp":"2025-01-20T10:00:00Z","prompt":"Implement \u001b[31mOAuth","working_dir":"/home/user/api","actor_agent":"Claude Code","critic_agent":"OpenCode","actor_model":null,"critic_model":null,"max_iterations":null}"#;
    let dir = place.at("data/codeloops/sessions");
    fs::write(dir.join(format!("{OLD}.jsonl")), format!("{start}\n")).unwrap();
    Some(place)
}

#[test]
fn a_session_is_picked_with_keys_and_shown() {
    let Some(place) = recorded() else { return };
    let terminal = Terminal::open(&place, 100, &["sessions", "show"]);
    let shown = terminal.wait_until_it_shows("2 of 2");
    assert!(shown.contains("> 2025-01-27T15-30-45Z_a6c42a  success"), "{shown}");
    assert!(shown.contains("Session 2025-01-27T15-30-45Z_a6c42a"), "the marked one:\n{shown}");
    terminal.press(&["Down"]);
    terminal.wait_until_it_shows(&format!("Session {OLD}"));
    terminal.press(&["Up"]);
    terminal.wait_until_it_shows("Session 2025-01-27T15-30-45Z_a6c42a");
    terminal.press(&["o", "a", "u", "t", "h"]);
    let shown = terminal.wait_until_it_shows("1 of 2");
    assert!(shown.contains("Session: oauth\n"), "{shown}");
    assert!(shown.contains(&format!("> {OLD}  crashed")), "{shown}");
    terminal.press(&["Enter"]);
    assert_eq!(terminal.exit_code(), 0);
    let shown = terminal.shows(true);
    assert!(shown.starts_with(&format!("Session {OLD}\n")), "{shown}");
    assert!(!shown.contains("Enter picks"), "the screen is as before: {shown}");
}

#[test]
fn who_picks_none_gets_the_terminal_back() {
    let Some(place) = recorded() else { return };
    for key in ["Escape", "C-c"] {
        let terminal = Terminal::open(&place, 100, &["sessions", "diff"]);
        terminal.wait_until_it_shows("2 of 2");
        terminal.press(&[key]);
        assert_eq!(terminal.exit_code(), 130);
        assert_eq!(terminal.shows(true), "Error: interrupted");
    }
}

#[test]
fn a_long_page_is_shown_in_less_until_the_user_has_read_enough() {
    let Some(place) = recorded() else { return };
    for first in ["Down", "C-c"] {
        let terminal = Terminal::open(&place, 100, &["sessions", "show", "2025-01-27"]);
        let shown = terminal.wait_until_it_shows("\n:");
        assert!(shown.starts_with("Session 2025-01-27T15-30-45Z_a6c42a\n"), "{shown}");
        assert!(!shown.contains("Outcome: success"), "there is more: {shown}");
        terminal.press(&[first]);
        // What is typed while it is busy with the key before is lost.
        eventually("the end of less", || {
            terminal.press(&["q"]);
            terminal.code_file().exists().then_some(())
        });
        assert_eq!(terminal.exit_code(), 0);
        let shown = terminal.shows(true);
        assert!(!shown.contains("Error"), "{shown}");
    }
}

/// What is shown of the page of the run, with a pager of the user's.
fn shown_by(pager: &str, args: &[&str]) -> (String, Option<String>) {
    let Some(mut place) = recorded() else { return Default::default() };
    place.set_var("PAGER", "nobody-has-this");
    place.set_var("CODELOOPS_PAGER", pager);
    let terminal = Terminal::open(&place, 100, &[&["sessions"], args].concat());
    assert_eq!(terminal.exit_code(), 0);
    let screen = terminal.shows(true);
    (screen, fs::read_to_string(place.at("paged")).ok())
}

#[test]
fn the_users_pager_gets_all_of_it_as_the_terminal_would() {
    if !has("tmux") {
        return;
    }
    const LATEST: [&str; 2] = ["show", "2025-01-27"];
    let (screen, paged) = shown_by("sed s/^/:/ > ../paged", &LATEST);
    assert_eq!(screen, "");
    let paged = paged.unwrap();
    assert!(paged.starts_with(":Session 2025-01-27"), "{paged}");
    assert!(paged.contains("\n:Outcome: success\n"), "{paged}");

    for (pager, args) in [
        ("", &LATEST[..]),
        ("cat", &LATEST),
        ("cat > ../paged", &["show", "2025-01-27", "--no-pager"]),
    ] {
        let (screen, paged) = shown_by(pager, args);
        assert!(screen.contains("Outcome: success"), "{screen}");
        assert_eq!(paged, None);
    }
    let (screen, paged) = shown_by("cat > ../paged", &["show", OLD]);
    assert!(screen.contains("No outcome"), "it fits on the screen: {screen}");
    assert_eq!(paged, None);
    let (screen, _) = shown_by("no-such-pager --raw", &LATEST);
    assert!(screen.contains("Outcome: success"), "{screen}");
    assert!(
        screen.ends_with("warning: the pager `no-such-pager --raw` could not be started"),
        "{screen}"
    );
}

#[test]
fn a_long_diff_has_its_colours_in_the_pager_and_may_be_left_early() {
    if !has("tmux") {
        return;
    }
    let mut place = scripted(&approved("run seq 1 50000 > many.txt"));
    let _ran = place.task(&[]).exits(0);
    place.set_var("PAGER", "head -n 7 > ../paged");
    let terminal = Terminal::open(&place, 100, &["sessions", "diff", "latest"]);
    assert_eq!(terminal.exit_code(), 0);
    assert_eq!(terminal.shows(true), "");
    let paged = fs::read_to_string(place.at("paged")).unwrap();
    assert!(paged.starts_with("\u{1b}[1mdiff --git a/many.txt b/many.txt\u{1b}[0m\n"), "{paged:?}");
    assert!(paged.ends_with("\u{1b}[1m\u{1b}[32m+\u{1b}[0m1\n"), "{paged:?}");
}
