//! Listing and showing the folders of runs.

use codeloops_event::{Decision, Event, Failure, FailureCategory, GateResult, GateStatus};
use codeloops_session::{Began, RunFile, RunFolder, RunKind, RunNotes};
use serde_json::{Value, json};

use crate::testing::Sandbox;

const APPROVED: &str = "01KJP0000000000000000000A1";
const KILLED: &str = "01KJP0000000000000000000A2";
const VERIFIED: &str = "01KJQ0000000000000000000B1";

const RUNS: &str = "home/.local/share/codeloops/runs";

/// The line of a recording, as an event.
fn event(line: &Value) -> Event {
    serde_json::from_value(line.clone()).unwrap()
}

fn start(run: &str, day: u32, branch: Option<&str>) -> codeloops_event::SessionStart {
    let line = json!({
        "type": "session_start", "timestamp": format!("2026-03-{day:02}T09:00:00Z"),
        "prompt": "Let users take a tag off a note.", "working_dir": "/home/ada/notes",
        "actor_agent": "Claude Code", "critic_agent": "Codex", "actor_model": "sonnet",
        "critic_model": null, "max_iterations": 5, "elapsed_ms": 0, "format_version": "1.0",
        "codeloops_version": "0.1.0", "run_id": run,
        "commit_sha": format!("{day:02}1b2c3d4e5f60718293a4b5c6d7e8f901234567"), "branch": branch,
        "base_tree": "4b825dc642cb6eb9a060e54bf8d69288fbee4904",
    });
    match event(&line) {
        Event::SessionStart(start) => *start,
        other => panic!("{other:?}"),
    }
}

fn gate(name: &str, status: GateStatus) -> GateResult {
    let exit_code = Some(if status.is_green() { 0 } else { 101 });
    let output = Some(codeloops_event::Evidence {
        path: format!("iterations/1/gates/{name}/output.log"),
        bytes: 12,
        sha256: "ab".repeat(32),
        dropped_bytes: 0,
        redacted: 0,
    });
    GateResult {
        status,
        exit_code,
        output,
        duration_secs: 3.2,
        baseline: Some(GateStatus::Passed),
        ..GateResult::not_started(name.to_owned(), true)
    }
}

fn red() -> GateResult {
    let failure = Failure {
        category: FailureCategory::Build,
        file: Some("src/tag.rs".to_owned()),
        line: Some(7),
        column: Some(3),
        code: Some("E0308".to_owned()),
        message: "mismatched types \u{1b}[31m".to_owned(),
    };
    GateResult { failures: vec![failure], blocks: true, ..gate("test", GateStatus::Failed) }
}

/// An approved run with two rounds, one that was killed, and one of gates alone.
fn kept() -> Sandbox {
    let sandbox = Sandbox::new();
    approved(&sandbox);
    let runs = sandbox.path(RUNS);
    let killed = start(KILLED, 3, None);
    let folder = RunFolder::create(&runs, &KILLED.parse().unwrap()).unwrap();
    folder.write_run_file(&RunFile::started(&killed, None)).unwrap();

    let verified = start(VERIFIED, 4, Some("topic/a-branch-with-a-name-that-is-rather-long"));
    let mut run = RunFile::bare(RunKind::Verify, Began::of(&verified));
    run.gate_results = vec![red(), gate("lint", GateStatus::Passed)];
    run.ended_at = Some(verified.timestamp);
    run.confidence = Some(0.5);
    let folder = RunFolder::create(&runs, &VERIFIED.parse().unwrap()).unwrap();
    folder.write_run_file(&run).unwrap();
    sandbox
}

fn approved(sandbox: &Sandbox) {
    let start = start(APPROVED, 2, Some("main"));
    let session = "2026-03-02T09-00-00Z_a1b2c3".parse().unwrap();
    let mut notes = RunNotes::begin(&start, Some(&session));
    let folder = RunFolder::create(&sandbox.path(RUNS), &APPROVED.parse().unwrap()).unwrap();
    let round = |n: u32, decision: &str, gates: &[GateResult]| {
        json!({
            "type": "iteration", "timestamp": "2026-03-02T09:01:00Z", "elapsed_ms": 60000,
            "iteration_number": n, "actor_output": "Did it.", "actor_stderr": "",
            "actor_exit_code": 0, "actor_duration_secs": 41.5, "git_diff": "",
            "git_files_changed": 1, "critic_decision": decision, "critic_verdict": decision,
            "feedback": null, "tree": "4b825dc642cb6eb9a060e54bf8d69288fbee4904", "gates": gates,
        })
    };
    let actor = json!({
        "type": "actor_completed", "timestamp": "2026-03-02T09:00:42Z", "elapsed_ms": 42000,
        "iteration": 1, "attempt": 1, "outcome": {"kind": "completed"}, "exit_code": 0,
        "duration_secs": 41.5, "text": "Did it.",
        "stdout": {"path": "iterations/1/actor.stdout", "bytes": 7, "sha256": ""},
        "stderr": null, "usage": null, "leftovers": 0,
    });
    let end = json!({
        "type": "session_end", "outcome": "success", "iterations": 2, "summary": "Done.",
        "confidence": 0.9, "duration_secs": 132.0, "timestamp": "2026-03-02T09:02:12Z",
        "elapsed_ms": 132_000, "stop_reason": "approved",
    });
    let green = [gate("test", GateStatus::Passed), gate("lint", GateStatus::Flaky)];
    let lines = [
        actor,
        round(1, "CONTINUE", &[red(), gate("lint", GateStatus::Passed)]),
        round(2, "DONE", &green),
        end,
    ];
    for line in &lines {
        if let Some(files) = notes.note(&event(line)) {
            folder.write_round(&files).unwrap();
        }
    }
    folder.write_run_file(notes.run_file()).unwrap();
}

fn listed(sandbox: &Sandbox, args: &[&str]) -> Vec<String> {
    let ran = sandbox.run(&[&["runs", "list", "--json"], args].concat());
    let list: Value = serde_json::from_str(&ran.stdout).unwrap();
    let ids = list.as_array().unwrap().iter();
    ids.map(|run| run["run_id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_list_has_a_line_for_each_run_newest_first() {
    insta::assert_snapshot!(kept().run(&["runs", "list"]));
}

#[test]
fn on_a_narrow_terminal_a_row_is_a_line_and_its_id_stays() {
    let mut sandbox = kept();
    sandbox.terminal.stdout = true;
    let mut list = |columns: usize| {
        sandbox.columns = columns;
        let ran = sandbox.run(&["runs", "list"]);
        assert!(ran.stdout.lines().all(|line| line.len() <= columns), "{ran}");
        for id in ran.stdout.lines().skip(1).flat_map(str::split_whitespace) {
            if id.starts_with("01KJ") {
                assert_eq!(sandbox.run(&["runs", "show", id]).code, 0, "{id}");
            }
        }
        ran.stdout
    };
    let lists = [120, 80, 60, 44].map(&mut list);
    insta::assert_snapshot!(lists.join("\n"));
}

#[test]
fn filters_narrow_the_list() {
    let sandbox = kept();
    let of = |args: &[&str]| listed(&sandbox, args);
    assert_eq!(of(&[]), [VERIFIED, KILLED, APPROVED]);
    assert_eq!(of(&["--commit", "021B"]), [APPROVED]);
    assert_eq!(of(&["--branch", "main"]), [APPROVED]);
    assert_eq!(of(&["--run", "01kjp"]), [KILLED, APPROVED]);
    assert_eq!(of(&["--kind", "verify"]), [VERIFIED]);
    assert_eq!(of(&["--outcome", "success"]), [APPROVED]);
    assert_eq!(of(&["--limit", "1", "--kind", "run"]), [KILLED]);
    assert_eq!(of(&["--branch", "nowhere"]), [""; 0]);
}

#[test]
fn an_empty_list_says_so_beside_the_data() {
    let ran = Sandbox::new().run(&["runs", "list"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (0, ""));
    assert_eq!(ran.stderr, "no runs yet; `codeloops` keeps one when it runs\n");
    let ran = kept().run(&["runs", "list", "--branch", "nowhere"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, "no run matches\n"));
}

#[test]
fn runs_are_found_where_the_files_and_the_option_say() {
    let sandbox = Sandbox::new();
    sandbox.project("runs_dir = '.codeloops/runs'\n");
    sandbox.global("[defaults]\nruns_dir = '/nowhere/at/all'\n");
    let keep = |dir: &str, id: &str, day: u32| {
        let run = RunFile::started(&start(id, day, None), None);
        let folder = RunFolder::create(&sandbox.path(dir), &id.parse().unwrap()).unwrap();
        folder.write_run_file(&run).unwrap();
    };
    keep("project/.codeloops/runs", APPROVED, 2);
    keep(RUNS, KILLED, 3);
    keep("project/elsewhere", VERIFIED, 4);
    assert_eq!(listed(&sandbox, &[]), [KILLED, APPROVED]);
    assert_eq!(listed(&sandbox, &["--runs-dir", "elsewhere"]), [VERIFIED, KILLED, APPROVED]);
    let same = listed(&sandbox, &["--runs-dir", "./elsewhere/../.codeloops/runs"]);
    assert_eq!(same, [KILLED, APPROVED], "no run twice");
}

#[test]
fn what_cannot_be_read_is_warned_of() {
    let sandbox = kept();
    sandbox.write(&format!("{RUNS}/{KILLED}/run.json"), "{");
    let ran = sandbox.run(&["runs", "list"]);
    assert_eq!((ran.code, ran.stdout.lines().count()), (0, 3));
    assert!(ran.stderr.starts_with("warning: `HOME/.local"), "{ran}");
    assert!(ran.stderr.contains("is damaged"), "{ran}");
}

#[test]
fn a_run_is_shown_in_full() {
    insta::assert_snapshot!(kept().run(&["runs", "show", APPROVED]));
}

#[test]
fn a_run_of_gates_and_one_that_was_killed_are_shown() {
    let sandbox = kept();
    let shown = [VERIFIED, KILLED].map(|id| sandbox.run(&["runs", "show", id]).stdout);
    insta::assert_snapshot!(shown.join("-----\n"));
}

#[test]
fn a_run_is_named_by_its_id_its_session_or_latest() {
    let sandbox = kept();
    let first = |args: &[&str]| {
        let ran = sandbox.run(&[&["runs", "show"], args].concat());
        ran.stdout.lines().next().unwrap_or_default().to_owned()
    };
    assert_eq!(first(&[]), format!("Run {VERIFIED}"));
    assert_eq!(first(&["latest"]), format!("Run {VERIFIED}"));
    assert_eq!(first(&["01kjq"]), format!("Run {VERIFIED}"));
    assert_eq!(first(&["2026-03-02T09-00-00Z_a1b2c3"]), format!("Run {APPROVED}"));
}

#[test]
fn json_holds_the_files_of_the_run_and_of_its_rounds() {
    let ran = kept().run(&["runs", "show", APPROVED, "--json"]);
    let shown: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert!(shown["folder"].as_str().unwrap().ends_with(APPROVED));
    assert_eq!(shown["commit_sha"], "021b2c3d4e5f60718293a4b5c6d7e8f901234567");
    assert_eq!(shown["rounds"][0]["gate"]["decision"], json!(Decision::Continue));
    assert_eq!(shown["rounds"][0]["diagnose"]["tasks"][0]["code"], "E0308");
    assert_eq!(shown["rounds"][1]["diagnose"], Value::Null);
}

#[test]
fn what_cannot_be_shown_is_told() {
    let sandbox = kept();
    let errors = |sandbox: &Sandbox, id: &str| {
        let ran = sandbox.run(&["runs", "show", id]);
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""));
        ran.stderr
    };
    let told =
        [errors(&sandbox, "01ZZZ"), errors(&sandbox, "01KJP"), errors(&Sandbox::new(), "latest")];
    insta::assert_snapshot!(told.concat());
}

#[test]
fn a_damaged_round_is_warned_of_and_the_others_are_shown() {
    let sandbox = kept();
    sandbox.write(&format!("{RUNS}/{APPROVED}/iterations/1/gate.json"), "{");
    let ran = sandbox.run(&["runs", "show", APPROVED]);
    assert!(ran.stderr.contains("iterations/1/gate.json` is damaged"), "{ran}");
    assert!(ran.stdout.contains("\nIteration 2: DONE\n"), "{ran}");
}

#[test]
fn old_runs_of_gates_go_with_old_sessions() {
    let sandbox = kept();
    let prune = |args: &[&str]| sandbox.run(&[&["sessions", "prune"], args].concat());
    let plan = prune(&["--keep", "0"]);
    let line = format!("would remove run {VERIFIED} of gates  /home/ada/notes  (");
    assert!(plan.stdout.starts_with(&line), "{plan}");
    assert!(plan.stdout.contains("\n1 run of gates would go, "), "{plan}");
    assert_eq!(listed(&sandbox, &["--kind", "verify"]), [VERIFIED]);
    let removed = prune(&["--keep", "0", "--yes"]);
    assert!(removed.stdout.contains("\n1 run of gates removed, "), "{removed}");
    assert_eq!(listed(&sandbox, &[]), [KILLED, APPROVED], "those that sessions record stay");
    assert_eq!(prune(&["--keep", "0"]).stderr, "nothing to remove\n");
}
