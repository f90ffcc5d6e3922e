//! The demonstration, as someone sees it who has nothing installed.

use std::path::Path;

use codeloops_tests::{Output, Workspace};

use crate::PROGRAMS;

/// A place with nothing in its environment but the search path and a home.
fn bare() -> Workspace {
    let mut place = Workspace::without_repository(PROGRAMS);
    let names: Vec<String> = place.var_names();
    for name in names.iter().filter(|name| !["PATH", "HOME", "TMPDIR"].contains(&name.as_str())) {
        place.unset_var(name);
    }
    place
}

#[test]
fn the_demo_needs_nothing_and_its_three_commands_work() {
    let place = bare();
    let ran = place.run(&["demo"]).exits(0);
    assert_eq!(ran.stderr, "");
    insta::with_settings!({filters => vec![
        (r"codeloops-demo-\w+", "codeloops-demo-[RANDOM]"),
        (r"on main at \w{8}", "on main at [COMMIT]"),
    ]}, {
        insta::assert_snapshot!(ran.stdout);
    });
    assert_commands_work(&place, &ran);
}

#[test]
fn the_demos_commands_work_where_a_path_has_odd_characters_and_nothing_is_left() {
    let mut place = bare();
    let dir = place.at("o'dd place");
    std::fs::create_dir(&dir).unwrap();
    place.set_var("TMPDIR", &dir);
    let ran = place.run(&["demo"]).exits(0);
    assert_commands_work(&place, &ran);
    assert!(std::fs::read_dir(&dir).unwrap().next().is_some());
    let recorded =
        ["runs", "sessions"].map(|name| place.at("home/.local/share/codeloops").join(name));
    let is_empty = |dir: &Path| std::fs::read_dir(dir).unwrap().next().is_none();
    assert!(!recorded.iter().any(|dir| is_empty(dir)));
    let (_, delete) = ran.stdout.split_once("what is recorded of it:\n").unwrap();
    let status = place.program("sh").args(["-c", &place.unredacted(delete)]).status().unwrap();
    assert!(status.success() && is_empty(&dir), "{ran}");
    assert!(recorded.iter().all(|dir| is_empty(dir)), "{ran}");
}

#[track_caller]
fn assert_commands_work(place: &Workspace, ran: &Output) {
    let commands: Vec<&str> = three_commands(ran);
    assert_eq!(commands.len(), 3, "{ran}");
    for command in commands {
        let command = place.unredacted(command);
        let output = place.program("sh").args(["-c", &command]).output().unwrap();
        assert!(output.status.success() && !output.stdout.is_empty(), "{command}: {output:?}");
    }
}

/// What follows the line that announces them.
fn three_commands(ran: &Output) -> Vec<&str> {
    let (_, commands) = ran.stdout.split_once("To look at what happened:\n").unwrap();
    let (commands, _) = commands.split_once("To delete it").unwrap();
    commands.lines().filter_map(|line| line.strip_prefix("  ")).collect()
}

#[test]
fn the_demo_prints_one_document_where_asked() {
    let ran = bare().run(&["demo", "--json-output"]).exits(0);
    let document = ran.document();
    assert_eq!((&document["outcome"], &document["iterations"]), (&"success".into(), &2.into()));
}

/// Settings of the user's have no part in it.
#[test]
fn the_demo_works_beside_a_broken_configuration() {
    let place = bare();
    place.global_config("agent = nonsense");
    let _ran = place.run(&["demo"]).exits(0);
}

#[test]
fn a_demo_that_cannot_start_leaves_nothing_and_hints_at_nothing_it_does_not_have() {
    let mut place = bare();
    place.set_var("XDG_DATA_HOME", "/dev/null");
    let ran = place.run(&["demo"]).exits(2);
    assert!(ran.stderr.starts_with("Error: "), "{ran}");
    assert!(!ran.stderr.contains("--no-session"), "{ran}");
    assert_eq!(std::fs::read_dir(place.at("tmp")).unwrap().count(), 0);
}

#[test]
fn where_the_demo_is_kept_is_told_where_standard_output_is_closed_too() {
    let place = bare();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut demo = place.command(&["demo"]);
    let output = demo.stdout(writer).output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{told}");
    assert_eq!(told.matches("To delete it, and what is recorded of it:").count(), 1, "{told}");
}
