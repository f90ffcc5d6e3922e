//! Receipts: written of what was approved, and checked in a working tree that has that and nothing else.

use std::fs;

use codeloops_tests::needs::has;
use codeloops_tests::{Output, Workspace, wait_for};
use rustix::process::Signal;
use serde_json::Value;

use crate::json::{assert_named, keys};
use crate::rough::{assert_nothing_is_left, place_with_shell_agent};
use crate::scripts::{ASKS_FOR_MORE, approved};
use crate::{scripted, workspace};

const GREETS: &str = "[[gates]]\nname = \"greets\"\nrun = \"grep -q Hello greeting.txt\"\n";

/// A place with an approved session under these gates, and its receipt in `receipt.json` beside the
/// project.
fn approved_with(gates: &str) -> Workspace {
    let place = scripted(&approved("edit greeting.txt Hello"));
    place.write("codeloops.toml", gates);
    place.write(".gitignore", "local.txt\n");
    place.write("local.txt", "");
    place.commit_all("gates");
    let _ran = place.task(&[]).exits(0);
    write_receipt(&place);
    place
}

fn write_receipt(place: &Workspace) {
    let _written = place.run(&["receipt", "latest", "-o", "../receipt.json"]).exits(0);
}

fn check(place: &Workspace, options: &[&str]) -> Output {
    place.run(&[&["verify", "--receipt", "../receipt.json"], options].concat())
}

/// No working tree is left but the user's, neither on the disk nor in what git knows.
#[track_caller]
fn assert_no_tree_is_left(place: &Workspace) {
    assert_eq!(place.git(&["worktree", "list"]).lines().count(), 1);
    assert_eq!(trees(place), [""; 0]);
}

fn trees(place: &Workspace) -> Vec<String> {
    let entries = fs::read_dir(place.at("tmp")).unwrap().map(Result::unwrap);
    let names = entries.map(|entry| entry.file_name().into_string().unwrap());
    names.filter(|name| name.starts_with("codeloops-verify-")).collect()
}

#[track_caller]
fn assert_refused(output: Output, error: &str) {
    let output = output.exits(2);
    assert!(output.stderr.contains(error), "{output}");
    assert!(!output.stderr.contains("Running gate"), "{output}");
    assert_eq!(output.stdout, "", "{output}");
}

#[test]
fn it_holds_whatever_the_user_does_in_the_meantime() {
    let place = approved_with(GREETS);
    place.write("greeting.txt", "Goodbye\n");
    let output = check(&place, &["--json"]).exits(0);
    let document = output.document();
    assert_named(&keys(&document), &["verify.md", "session-format.md"]);
    assert_eq!((&document["receipt"]["holds"], &document["exit_code"]), (&true.into(), &0.into()));
    let run_id = place.session().start.run_id.unwrap();
    assert_eq!(document["receipt"]["run_id"], place.redact(run_id.as_str()));
    assert_eq!(place.read("greeting.txt"), "Goodbye\n");
    assert_no_tree_is_left(&place);
    assert!(check(&place, &[]).exits(0).stdout.ends_with(" holds\n"));
}

/// An ignored file is in no snapshot, so the clean tree lacks it.
#[test]
fn a_gate_that_fails_now_is_named() {
    let local = "[[gates]]\nname = \"local\"\nrun = \"test -e local.txt\"\nretries = 0\n";
    let place = approved_with(&format!("{GREETS}{local}"));
    let output = check(&place, &[]).exits(1);
    assert!(
        output.stdout.contains("local: the receipt states passed, now it is failed\n"),
        "{output}"
    );
    assert!(output.stdout.ends_with(" does not hold\n"), "{output}");
    let document = check(&place, &["--json"]).exits(1).document();
    assert_eq!((&document["passed"], &document["exit_code"]), (&false.into(), &1.into()));
    assert_no_tree_is_left(&place);
}

/// It was red before the run and did not get worse: the receipt does not state it as green.
#[test]
fn a_gate_that_was_red_all_along_may_be() {
    let red = "[[gates]]\nname = \"old\"\nrun = \"exit 4\"\nretries = 0\n";
    let place = approved_with(&format!("{GREETS}{red}"));
    let document = check(&place, &["--json"]).exits(0).document();
    assert_eq!((&document["passed"], &document["exit_code"]), (&true.into(), &0.into()));
    assert_eq!(document["receipt"]["gates"][1]["stated"], "failed");
    assert_eq!(document["receipt"]["holds"], true);
}

#[test]
fn one_changed_byte_is_refused() {
    let place = approved_with(GREETS);
    let file = place.at("receipt.json");
    let text = fs::read_to_string(&file).unwrap();
    for (from, to) in [("Hello", "Hullo"), ("\"passed\"", "\"failed\""), ("  \"chain", " \"chain")]
    {
        assert!(text.contains(from), "{from}");
        fs::write(&file, text.replacen(from, to, 1)).unwrap();
        assert_refused(check(&place, &["--yes"]), "`../receipt.json` is refused: ");
    }
    fs::write(&file, &text[..text.len() / 2]).unwrap();
    assert_refused(check(&place, &["--yes"]), "it is no receipt");
    fs::remove_file(&file).unwrap();
    assert_refused(check(&place, &["--yes"]), "cannot be read");
}

#[test]
fn commands_that_are_not_configured_here_need_a_word_of_the_user() {
    let place = approved_with(GREETS);
    place.write("codeloops.toml", "");
    let refused = check(&place, &[]);
    assert!(refused.stderr.contains("  greets:\n    grep -q Hello greeting.txt\n"), "{refused}");
    assert_refused(refused, "there is no terminal");
    let _held = check(&place, &["--yes"]).exits(0);
    assert_no_tree_is_left(&place);
}

/// What is masked in the receipt is compared with what would be.
#[test]
fn a_command_with_a_credential_is_known_again_where_it_is_configured() {
    let mut place = scripted(&approved("edit greeting.txt Hello"));
    place.set_var("MY_TOKEN", "hunter2hunter2");
    let run = "TOKEN=s3cret test -n hunter2hunter2";
    place.write("codeloops.toml", format!("[[gates]]\nname = \"scan\"\nrun = \"{run}\"\n"));
    let _ran = place.task(&[]).exits(0);
    write_receipt(&place);
    let receipt = fs::read_to_string(place.at("receipt.json")).unwrap();
    assert!(!receipt.contains("s3cret") && !receipt.contains("hunter2"), "{receipt}");
    let held = check(&place, &[]).exits(0);
    assert!(!held.stderr.contains("s3cret") && !held.stderr.contains("hunter2"), "{held}");
    place.write("codeloops.toml", "");
    assert_refused(check(&place, &["--yes"]), "a credential in its command was masked");
}

#[test]
fn another_repository_does_not_have_the_tree() {
    let (place, other) = (approved_with(GREETS), workspace());
    fs::copy(place.at("receipt.json"), other.at("receipt.json")).unwrap();
    assert_refused(check(&other, &["--yes"]), "this repository does not have the tree");
    assert_no_tree_is_left(&other);
}

#[test]
fn a_run_in_a_folder_below_is_checked_there() {
    let place = scripted(&approved("edit greeting.txt Hello"));
    place.write("below/codeloops.toml", GREETS);
    let _ran = place.task(&["-d", "below"]).exits(0);
    write_receipt(&place);
    let _held = check(&place, &["-d", "below"]).exits(0);
    let _held = check(&place, &["--yes"]).exits(0);
}

/// Approves whatever there is.
const APPROVES: &str =
    "cat > /dev/null\nprintf 'DECISION: DONE\\n\\nSUMMARY: It is done.\\n\\nCONFIDENCE: 0.9\\n'\n";

/// A place with a receipt whose one gate waits for `go` in a clean tree, which lacks an ignored file.
fn with_slow_gate() -> Workspace {
    let place = place_with_shell_agent("text", APPROVES);
    let (busy, go) = (place.at("busy"), place.at("go"));
    let waits =
        format!(": > {}; until [ -e {} ]; do sleep 0.01; done", busy.display(), go.display());
    let run = format!("[ -e local.txt ] || {{ {waits}; }}");
    place.write("codeloops.toml", format!("[[gates]]\nname = \"slow\"\nrun = {run:?}\n"));
    place.write(".gitignore", "local.txt\n");
    place.write("local.txt", "");
    let _ran = place.task(&[]).exits(0);
    write_receipt(&place);
    place
}

#[test]
fn ctrl_c_takes_the_working_tree_away() {
    let place = with_slow_gate();
    let run = place.start(&["verify", "--receipt", "../receipt.json"]);
    wait_for(&place.at("busy"));
    assert_eq!(trees(&place).len(), 1);
    run.signal(Signal::INT);
    let output = run.wait().exits(130);
    assert!(output.stdout.contains("Interrupted: whether the receipt"), "{output}");
    assert_no_tree_is_left(&place);
    assert_nothing_is_left(&place);
}

#[test]
fn what_a_killed_one_left_the_next_takes_away() {
    let place = with_slow_gate();
    let run = place.start(&["verify", "--receipt", "../receipt.json"]);
    wait_for(&place.at("busy"));
    run.signal(Signal::KILL);
    let _killed = run.wait();
    assert_eq!(trees(&place).len(), 1);
    fs::write(place.at("go"), "").unwrap();
    let _next = check(&place, &[]).exits(0);
    assert_no_tree_is_left(&place);
    let _doctor = place.run(&["doctor"]);
    assert_nothing_is_left(&place);
}

#[test]
fn a_receipt_needs_an_approval_and_the_evidence_as_it_was() {
    let place = scripted(&format!("on actor\nedit a b\n{ASKS_FOR_MORE}"));
    let _ran = place.task(&["-n", "1"]).exits(1);
    let refused = place.run(&["receipt", "latest"]);
    assert_refused(refused, "only an approved run has a receipt");

    let place = approved_with(GREETS);
    let log = place.evidence("iterations/1/gates/greets/output.log");
    fs::write(&log, "it passed, honestly\n").unwrap();
    assert_refused(place.run(&["receipt", "latest"]), "what was recorded was changed");
    fs::remove_file(&log).unwrap();
    let told = place.run(&["receipt", "latest"]).exits(0);
    assert!(told.stderr.contains("nobody can look at it any more"), "{told}");
}

#[test]
fn a_file_that_is_there_is_left_alone_unless_told_otherwise() {
    let place = approved_with(GREETS);
    let printed = place.run(&["receipt", "latest"]).exits(0).stdout;
    assert_eq!(place.run(&["receipt", "latest", "-o", "-"]).exits(0).stdout, printed);
    place.write("taken", "mine\n");
    let refused = place.run(&["receipt", "latest", "-o", "taken"]);
    assert_refused(refused, "`taken` is there already");
    assert_eq!(place.read("taken"), "mine\n");
    let _forced = place.run(&["receipt", "latest", "-o", "taken", "--force"]).exits(0);
    assert_eq!(place.redact(&place.read("taken")), printed);
}

#[test]
fn the_pages_program_checks_a_receipt_by_itself() {
    if !has("python3") {
        return;
    }
    let page = include_str!("../../docs/src/verify.md");
    let program = page.split("```python\n").nth(1).unwrap().split("```").next().unwrap();
    let place = approved_with(GREETS);
    fs::write(place.at("check.py"), program).unwrap();
    let python =
        || place.program("python3").args(["../check.py", "../receipt.json"]).output().unwrap();
    let checked = python();
    assert!(checked.status.success(), "{checked:?}");
    let text = fs::read_to_string(place.at("receipt.json")).unwrap();
    let receipt: Value = serde_json::from_str(&text).unwrap();
    let last = receipt["chain"].as_array().unwrap().last().unwrap();
    assert_eq!(String::from_utf8(checked.stdout).unwrap().trim(), last["hash"].as_str().unwrap());
    fs::write(place.at("receipt.json"), text.replace("Hello", "Hullo")).unwrap();
    assert!(!python().status.success());
    assert_named(&keys(&receipt), &["verify.md"]);
}
