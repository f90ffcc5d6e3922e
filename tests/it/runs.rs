//! Runs, found by what they began with, and what their folders hold.

use std::collections::BTreeSet;
use std::path::Path;

use codeloops_tests::Workspace;
use codeloops_tests::needs::has;
use serde_json::Value;

use crate::scripted;
use crate::scripts::TWO_ROUNDS;
use crate::tidy::{assert_none, read};

/// Two rounds, with a gate that is red after the first and leaves a report.
fn gated() -> Workspace {
    let place = scripted(TWO_ROUNDS);
    let gate = "check=echo seen > \"$CODELOOPS_ARTIFACTS/report.txt\"; \
                test \"$CODELOOPS_ITERATION\" != 1";
    let ran = place.task(&["--gate", gate, "--no-baseline"]).exits(0);
    let commit = place.git(&["rev-parse", "HEAD"]);
    let line = format!(" at {}:\n", &commit.trim()[..8]);
    assert!(ran.stdout.contains("[codeloops] Run 01") && ran.stdout.contains(&line), "{ran}");
    place
}

fn json(place: &Workspace, args: &[&str]) -> Value {
    serde_json::from_str(&place.run(args).exits(0).stdout).unwrap()
}

#[test]
fn a_run_is_found_by_its_commit_and_its_branch() {
    let place = gated();
    let commit = place.git(&["rev-parse", "HEAD"]).trim().to_owned();
    let branch = place.git(&["branch", "--show-current"]).trim().to_owned();
    let verified = place.run(&["verify", "--gate", "fine=true"]);
    assert_eq!(verified.code, 0, "{verified}");
    let found = json(&place, &["runs", "list", "--commit", &commit[..10], "--json"]);
    let kinds: BTreeSet<_> =
        found.as_array().unwrap().iter().map(|run| run["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, BTreeSet::from(["run", "verify"]));
    let runs = json(&place, &["runs", "list", "--branch", &branch, "--kind", "run", "--json"]);
    assert_eq!(runs[0]["commit_sha"], Value::from(commit.as_str()));
    assert_eq!(runs[0]["outcome"], "success");
    assert!(runs[0]["folder"].as_str().unwrap().ends_with(runs[0]["run_id"].as_str().unwrap()));
    let none = place.run(&["runs", "list", "--branch", "another"]).exits(0);
    assert_eq!((none.stdout.as_str(), none.stderr.as_str()), ("", "no run matches\n"));
}

#[test]
fn a_run_is_shown_with_its_gates_its_repair_tasks_and_its_artifacts() {
    let place = gated();
    let session = place.session_file();
    let session = session.file_stem().unwrap().to_str().unwrap();
    let shown = place.run(&["runs", "show", session]).exits(0).stdout;
    for part in [
        "\nIteration 1: CONTINUE\n",
        "  Gate       check: failed",
        "  To mend    check (runtime): ",
        "  Artifacts  iterations/1/gates/check/artifacts/report.txt (",
        "  Actor      iteration 1: completed, exit code 0, ",
        "\nIteration 2: DONE\n",
        "\nOutcome: success\n",
    ] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
}

#[test]
fn old_runs_of_gates_are_removed_with_old_sessions_and_those_of_sessions_are_not() {
    let place = gated();
    let _verified = place.run(&["verify", "--gate", "fine=true"]).exits(0);
    let kinds = || {
        let runs = json(&place, &["runs", "list", "--json"]);
        let kinds = runs.as_array().unwrap().iter().map(|run| run["kind"].as_str().unwrap());
        kinds.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(kinds().len(), 2);
    // The session is the newest of its kind, and so is the run of gates: both stay.
    let _kept = place.run(&["sessions", "prune", "--keep", "1", "--yes"]).exits(0);
    assert_eq!(kinds().len(), 2);
    let removed = place.run(&["sessions", "prune", "--keep", "0", "--yes"]).exits(0);
    assert!(removed.stdout.contains("1 session and 1 run of gates removed, "), "{removed}");
    assert_eq!(kinds(), [""; 0]);
}

const PAGE: &str = "docs/src/run-folder.md";

/// Below each heading, the table of the fields that the file, or what it holds there, has in truth.
#[test]
fn the_page_lists_the_fields_that_the_files_have() {
    let place = gated();
    let shown = json(&place, &["runs", "show", "--json"]);
    let mut run = shown.clone();
    for added in ["folder", "rounds"] {
        assert!(run.as_object_mut().unwrap().remove(added).is_some());
    }
    let round = &shown["rounds"][0];
    let parts = [
        ("## `run.json`", &run),
        ("### Calls", &shown["calls"][0]),
        ("### Agents", &shown["agents"]["actor"]),
        ("## `gate.json`", &round["gate"]),
        ("### Components", &round["gate"]["components"][0]),
        ("## `diagnose.json`", &round["diagnose"]),
        ("### Tasks", &round["diagnose"]["tasks"][0]),
        ("## Artifacts", &round["gate"]["gates"][0]["artifacts"][0]),
    ];
    let page = read(PAGE);
    let mut breaches = Vec::new();
    for (heading, has) in parts {
        let listed = listed(&page, heading);
        let has: BTreeSet<String> = has.as_object().unwrap().keys().cloned().collect();
        breaches.extend(has.difference(&listed).map(|name| format!("{heading}: no `{name}`")));
        // Only of images.
        let extra = listed.difference(&has).filter(|name| !["width", "height"].contains(&&***name));
        breaches.extend(extra.map(|name| format!("{heading}: there is no `{name}`")));
    }
    assert_none("the page and the files differ", &breaches);
}

/// The fields in the first column of the table below a heading.
fn listed(page: &str, heading: &str) -> BTreeSet<String> {
    let below = page.split_once(&format!("\n{heading}\n")).unwrap_or_else(|| panic!("{heading}")).1;
    let section = below.split("\n#").next().unwrap();
    let cells = section.lines().filter_map(|line| line.strip_prefix("| `")?.split(" |").next());
    cells
        .flat_map(|cell| cell.split('`').step_by(2).map(str::to_owned).collect::<Vec<_>>())
        .filter(|name| !name.is_empty() && !name.starts_with(','))
        .collect()
}

#[test]
fn the_pages_jq_recipes_give_what_they_say() {
    if !has("jq") {
        return;
    }
    let place = gated();
    let page = read(PAGE);
    let below = page.split_once("\n### With jq\n").unwrap().1;
    let block = below.split_once("```sh\n").unwrap().1.split_once("\n```").unwrap().0;
    let recipes: Vec<&str> = block.split("\n\n").collect();
    assert!(recipes.len() >= 5, "{recipes:?}");
    let printed: Vec<String> = recipes
        .iter()
        .map(|recipe| sh(&place, &recipe.replace("01KJP0000000000000000000A1", "*")))
        .collect();
    insta::assert_snapshot!(printed.join("-----\n"));
}

#[track_caller]
fn sh(place: &Workspace, recipe: &str) -> String {
    let ours = place.command(&[]);
    let program = Path::new(ours.get_program()).to_string_lossy().into_owned();
    let named = format!("set -o pipefail; codeloops() {{ {program} \"$@\"; }}; {recipe}");
    let output = place.program("bash").arg("-c").arg(named).output().unwrap();
    assert!(output.status.success(), "{recipe}: {output:?}");
    assert!(!output.stdout.is_empty(), "{recipe} prints nothing");
    String::from_utf8(output.stdout).unwrap()
}
