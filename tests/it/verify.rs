//! `codeloops verify`: the gates alone, as a person, a program and an agent in its turn call them.

use std::fs;
use std::path::PathBuf;

use codeloops_tests::{Output, Workspace, wait_for};
use rustix::process::Signal;
use serde_json::Value;

use crate::PROGRAMS;
use crate::json::{assert_named, keys};
use crate::rough::{assert_nothing_is_left, place, place_with_shell_agent};
use crate::workspace;

/// A project with these gates, each a name and a script.
fn with_gates(place: Workspace, gates: &[(&str, &str)]) -> Workspace {
    let table = |(name, run): &(&str, &str)| format!("[[gates]]\nname = {name:?}\nrun = {run:?}\n");
    place.write("codeloops.toml", gates.iter().map(table).collect::<String>());
    place
}

/// What the run's folder says of a run whose document is this.
fn run_file(place: &Workspace, document: &Value) -> Value {
    let folder = place.unredacted(document["evidence_dir"].as_str().unwrap());
    serde_json::from_slice(&fs::read(PathBuf::from(folder).join("run.json")).unwrap()).unwrap()
}

fn statuses(document: &Value) -> Vec<(&str, &str)> {
    let gates = document["gates"].as_array().unwrap().iter();
    gates.map(|g| (g["name"].as_str().unwrap(), g["status"].as_str().unwrap())).collect()
}

#[track_caller]
fn assert_refused(output: Output, error: &str, hint: &str) {
    let output = output.exits(2);
    assert_eq!(output.stdout, "", "{output}");
    assert!(output.stderr.contains(&format!("Error: {error}")), "{output}");
    assert!(output.stderr.contains(&format!("hint: {hint}")), "{output}");
}

#[test]
fn a_red_gate_is_shown_with_what_it_found_and_where_all_of_it_is() {
    let gates = [("builds", "true"), ("test", "echo two are missing; exit 3")];
    let place = with_gates(workspace(), &gates);
    let output = place.run(&["verify"]).exits(1);
    assert!(
        output.stderr.contains("Running gate test: echo two are missing; exit 3\n"),
        "{output}"
    );
    assert!(output.stdout.contains("| two are missing\n"), "{output}");
    assert!(output.stdout.contains("1 of 2 gates pass"), "{output}");
    let log = output.stdout.lines().find(|line| line.ends_with("gates/test/output-2.log")).unwrap();
    let log = fs::read_to_string(place.unredacted(log.trim())).unwrap();
    assert_eq!(log, "two are missing\n");
    assert!(!output.stdout.contains('\u{1b}') && !output.stderr.contains('\u{1b}'), "{output}");
}

#[test]
fn the_page_names_every_field_of_the_document() {
    let place =
        with_gates(workspace(), &[("test", "echo src/a.c:3:1: error: no such thing; exit 1")]);
    let output = place.run(&["verify", "--json"]).exits(1);
    assert_eq!(output.stderr, "", "{output}");
    let document = output.document();
    assert_named(&keys(&document), &["verify.md", "session-format.md"]);
    assert_eq!((&document["passed"], &document["exit_code"]), (&false.into(), &1.into()));
    assert_eq!(document["repair_tasks"][0]["gate"], "test", "{output}");
    let run = run_file(&place, &document);
    assert_eq!((&run["kind"], &run["outcome"]), (&"verify".into(), &"failed".into()), "{run}");
    assert_eq!((&run["exit_code"], &run["parent"]), (&1.into(), &Value::Null), "{run}");
    assert_eq!(run["commit_sha"], place.git(&["rev-parse", "HEAD"]).trim(), "{run}");
}

#[test]
fn gates_are_chosen_by_name_and_replaced_by_flags() {
    let place = with_gates(workspace(), &[("builds", "true"), ("test", "false")]);
    let chosen = place.run(&["verify", "builds", "--json"]).exits(0).document();
    assert_eq!(statuses(&chosen), [("builds", "passed")]);
    let replaced = place.run(&["verify", "--gate", "test=true", "--json"]).exits(0).document();
    assert_eq!(statuses(&replaced), [("builds", "passed"), ("test", "passed")]);
    let unknown = place.run(&["verify", "tests", "--json"]);
    assert_refused(unknown, "there is no gate `tests`", "did you mean `test`?");
}

#[test]
fn what_is_missing_is_told_with_what_to_do() {
    let none = workspace().run(&["verify", "--json"]);
    assert_refused(none, "there are no gates to run", "list them as `[[gates]]`");
    let nowhere = Workspace::without_repository(PROGRAMS);
    let nowhere = nowhere.run(&["verify", "--gate", "test=true"]);
    assert_refused(nowhere, "", "run `git init`, or change into a repository");
    let place = workspace();
    let own = place.run(&["verify", "--gate", "test=true", "--runs-dir", "."]);
    assert_refused(own, "`[ROOT]/project` holds files of the project", "the evidence is left out");
}

#[test]
fn a_repository_without_a_commit_will_do_and_so_will_a_folder_below() {
    let place = Workspace::without_repository(PROGRAMS);
    place.git(&["init", "--quiet", "--initial-branch=main"]);
    place.write("below/here", "");
    let args = ["verify", "-d", "below", "--gate", "test=test -e here", "--json"];
    let document = place.run(&args).exits(0).document();
    assert_eq!((&document["commit_sha"], &document["branch"]), (&Value::Null, &"main".into()));
    let run = run_file(&place, &document);
    assert!(run["working_dir"].as_str().unwrap().ends_with("project/below"), "{run}");
    assert!(run["repository"].as_str().unwrap().ends_with("project"), "{run}");
}

#[test]
fn evidence_within_the_repository_is_kept_out_of_git() {
    let place = workspace();
    let runs_dir = ["verify", "--gate", "test=true", "--runs-dir", ".codeloops/runs"];
    let _ran = place.run(&runs_dir).exits(0);
    assert_eq!(place.git(&["status", "--porcelain"]), "");
    assert_eq!(fs::read_dir(place.project().join(".codeloops/runs")).unwrap().count(), 2);
}

#[test]
fn a_credential_in_a_command_is_neither_shown_nor_kept() {
    let mut place = workspace();
    place.set_var("MY_TOKEN", "hunter2hunter2");
    let gate = "test=API_KEY=s3cret4u; echo $MY_TOKEN hunter2hunter2; exit 1";
    let output = place.run(&["verify", "--gate", gate, "--runs-dir", "../runs"]).exits(1);
    let kept = place.program("grep").args(["-rlE", "s3cret4u|hunter2hunter2", "../runs"]).output();
    assert_eq!(String::from_utf8(kept.unwrap().stdout).unwrap(), "");
    let shown = format!("{}{}", output.stdout, output.stderr);
    assert!(shown.contains("API_KEY=********"), "{output}");
    assert!(!shown.contains("s3cret4u") && !shown.contains("hunter2"), "{output}");
}

/// Each waits for the other one.
#[test]
fn gates_run_at_once_where_the_policy_says_so() {
    let meet = |own: &str, other: &str| {
        format!("touch ../{own}; until [ -e ../{other} ]; do sleep 0.01; done")
    };
    let (a, b) = (meet("a", "b"), meet("b", "a"));
    let place = with_gates(workspace(), &[("a", &a), ("b", &b)]);
    let gates = place.read("codeloops.toml");
    place.write("codeloops.toml", format!("{gates}[gate_policy]\nparallel = true\n"));
    let document = place.run(&["verify", "--json"]).exits(0).document();
    assert_eq!(statuses(&document), [("a", "passed"), ("b", "passed")]);
}

/// Saves its work when it is asked to end, and ends.
const POLITE: &str =
    "trap 'echo > ../saved; exit 0' TERM INT; : > ../busy; while :; do sleep 0.01; done";
/// Notes that it was asked, and does not end.
const STUBBORN: &str = "trap ': > ../asked' TERM INT; : > ../busy; while :; do sleep 0.01; done";

#[test]
fn ctrl_c_ends_the_gate_and_begins_no_other() {
    let place = with_gates(place(), &[("slow", POLITE), ("next", ": > ../next")]);
    let run = place.start(&["verify", "--json"]);
    wait_for(&place.at("busy"));
    run.signal(Signal::INT);
    let document = run.wait().exits(130).document();
    assert_eq!((&document["passed"], &document["exit_code"]), (&false.into(), &130.into()));
    assert!(place.at("saved").exists() && !place.at("next").exists());
    assert_eq!(run_file(&place, &document)["outcome"], "interrupted");
    assert_nothing_is_left(&place);
}

#[test]
fn a_second_ctrl_c_does_not_wait_for_the_gate() {
    let place = with_gates(place(), &[("slow", STUBBORN)]);
    let run = place.start(&["verify"]);
    wait_for(&place.at("busy"));
    run.signal(Signal::INT);
    wait_for(&place.at("asked"));
    run.signal(Signal::INT);
    let output = run.wait().exits(130);
    assert!(output.stdout.contains("interrupted"), "{output}");
    assert_nothing_is_left(&place);
}

/// An agent whose turn as the actor is this script, with `$CODELOOPS` to call.
fn with_actor(turn: &str, gates: &[(&str, &str)]) -> Workspace {
    let script = format!(
        "cat > /dev/null\nif [ $CODELOOPS_ROLE = critic ]; then\n\
         printf 'DECISION: DONE\\n\\nSUMMARY: It is done.\\n'; exit\nfi\n{turn}\n"
    );
    let mut place = place_with_shell_agent("text", &script);
    place.set_var("CODELOOPS", env!("CARGO_BIN_EXE_codeloops-as-released"));
    with_gates(place, gates)
}

#[test]
fn an_actor_in_its_turn_gets_a_run_of_its_own_that_names_the_outer_one() {
    let turn = "echo Hello > greeting.txt\n\"$CODELOOPS\" verify --json > ../document || exit 1";
    let place = with_actor(turn, &[("greets", "grep -q Hello greeting.txt")]);
    let _ran = place.task(&[]).exits(0);
    let document: Value = serde_json::from_slice(&fs::read(place.at("document")).unwrap()).unwrap();
    assert_eq!(statuses(&document), [("greets", "passed")]);
    let outer = place.session().start.run_id.unwrap();
    let run = run_file(&place, &document);
    assert_eq!(
        (&run["parent"]["run_id"], &run["parent"]["iteration"]),
        (&outer.as_str().into(), &1.into())
    );
    assert_ne!(run["run_id"], outer.as_str());
}

/// They carry the id of another run, and live in a session of their own.
#[test]
fn gates_of_a_verify_that_was_killed_end_with_the_turn_that_called_it() {
    let turn = "\"$CODELOOPS\" verify > /dev/null 2>&1 &\n\
         until [ -e ../busy ]; do sleep 0.01; done\nkill -9 $!";
    let hangs = "setsid sleep 1000 & : > ../busy; while :; do sleep 0.01; done";
    let slow_only_within_the_turn = format!("[ -e ../busy ] || {{ {hangs}; }}");
    let place = with_actor(turn, &[("slow", &slow_only_within_the_turn)]);
    let _ran = place.task(&["--no-baseline"]).exits(0);
    assert_nothing_is_left(&place);
}
