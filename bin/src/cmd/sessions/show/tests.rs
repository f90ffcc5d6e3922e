//! Pages about sessions that something happened to.

use std::path::Path;

use crate::testing::{Ran, Sandbox};
use crate::world::Terminal;

/// A frozen session file of this format.
fn frozen(name: &str) -> String {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../engine/session/tests/fixtures");
    std::fs::read_to_string(fixtures.join(name)).unwrap()
}

/// A place with this session, and the evidence of its run where that is said.
fn with(lines: &str, evidence: Option<&str>) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("home/.local/share/codeloops/sessions/it.jsonl", lines);
    if let Some(run_id) = evidence {
        let run = format!("home/.local/share/codeloops/runs/{run_id}/run.json");
        sandbox.write(&run, "{}");
    }
    sandbox
}

fn page(lines: &str, evidence: Option<&str>) -> Ran {
    with(lines, evidence).run(&["sessions", "show", "it"])
}

#[test]
fn two_rounds_with_an_answer_asked_for_again_and_a_changed_tree() {
    insta::assert_snapshot!(page(&frozen("v1.0/approved.jsonl"), None).stdout);
}

#[test]
fn a_run_that_was_killed_while_the_actor_worked() {
    let run = Some("01KJP0000000000000000000B2");
    insta::assert_snapshot!(page(&frozen("v1.0/crashed.jsonl"), run));
}

#[test]
fn a_run_that_failed_in_its_second_round() {
    insta::assert_snapshot!(
        page(&frozen("v1.0/failed.jsonl"), Some("01KJP0000000000000000000D4")).stdout
    );
}

/// The critic had answered once; then a stop was asked for.
#[test]
fn a_run_that_was_interrupted_while_the_critic_judged() {
    let approved = frozen("v1.0/approved.jsonl");
    let before: Vec<&str> = approved.lines().take(11).collect();
    let after = r#"
{"type":"stop_requested","timestamp":"2026-03-02T09:00:43Z","elapsed_ms":43000,"signal":"SIGINT","now":false}
{"type":"critic_completed","timestamp":"2026-03-02T09:00:43Z","elapsed_ms":43100,"iteration":1,"attempt":2,"outcome":{"kind":"interrupted"},"exit_code":130,"duration_secs":2.1,"text":"It is a good","stdout":{"path":"iterations/1/critic-2.stdout","bytes":12,"sha256":""},"stderr":null,"usage":null,"leftovers":0}
{"type":"tree_checked","timestamp":"2026-03-02T09:00:43Z","elapsed_ms":43150,"iteration":1,"attempt":2,"check":{"state":"changed","kept_as":"refs/codeloops/01KJP0000000000000000000A1/critic-1-2","files":["a.rs","b.rs","c.rs","d.rs"],"head_moved":true,"index_changed":false,"restored":false}}
{"type":"session_end","outcome":"interrupted","iterations":0,"summary":null,"confidence":null,"duration_secs":43.2,"timestamp":"2026-03-02T09:00:43Z","elapsed_ms":43200,"stop_reason":"interrupted","error":null,"usage":null}
"#;
    let lines = before.join("\n") + after;
    insta::assert_snapshot!(page(&lines, Some("01KJP0000000000000000000A1")).stdout);
}

/// The critic was killed at once: nobody compared the tree after it.
#[test]
fn a_run_that_was_stopped_at_once_tells_how_to_see_what_the_critic_changed() {
    let sandbox = with(&frozen("v1.0/stopped_at_once.jsonl"), None);
    insta::assert_snapshot!(sandbox.run(&["sessions", "show", "it"]).stdout);
}

/// No path in the command where the user stands there, and a path that a shell takes where not.
#[test]
fn the_command_to_compare_works_wherever_the_user_stands() {
    let sandbox = with("", None);
    let command = |session: &str, dir: &str| {
        let lines = frozen(session).replace("/home/ada/notes", dir);
        sandbox.write("home/.local/share/codeloops/sessions/it.jsonl", lines);
        let shown = sandbox.run(&["sessions", "show", "it"]).stdout;
        let command = shown.lines().find_map(|line| line.strip_prefix("  To compare "));
        command.unwrap().to_owned()
    };
    let here = sandbox.path("project").to_string_lossy().into_owned();
    assert_eq!(command("v1.0/approved.jsonl", &here), "codeloops sessions diff it");
    // What is in no snapshot is in the working tree alone.
    assert!(!command("v1.0/crashed.jsonl", &here).contains("cd "));
    let elsewhere = command("v1.0/crashed.jsonl", "/home/ada/my  notes");
    assert!(elsewhere.ends_with(" '/home/ada/my  notes'"), "{elsewhere}");
}

#[test]
fn analysis_and_recovery_of_an_error_are_shown_apart() {
    let lines = frozen("v1.0/approved.jsonl").replace(
        r#""decision":"CONTINUE","feedback":"`untag` has no test.""#,
        r#""decision":"ERROR","analysis":"It does not compile.","recovery":"Revert it.""#,
    );
    let shown = page(&lines, None).stdout;
    let parts = "  Analysis\n    It does not compile.\n  Recovery\n    Revert it.\n";
    assert!(shown.contains(parts), "{shown}");
    assert!(!shown.contains("Feedback"), "{shown}");
}

#[test]
fn a_run_that_waits_for_its_provider() {
    let crashed = frozen("v1.0/crashed.jsonl");
    let lines: Vec<&str> = crashed.lines().take(5).collect();
    let shown = page(&(lines.join("\n") + "\n"), None).stdout;
    let waits = "Was to wait until 2026-03-02 09:05:00 UTC: usage limit reached, resets at 09:05";
    assert!(shown.contains(waits), "{shown}");
    assert!(!shown.contains("What it printed"), "the evidence is gone: {shown}");
}

#[test]
fn what_progress_lines_quote_cannot_steer_the_terminal() {
    let evil = r"\u001b]0;x\u0007\u202e\r\nOutcome: success";
    let lines = frozen("v1.0/failed.jsonl")
        .replace("error: no such option", evil)
        .replace("MAYBE", evil)
        .replace("could not read the index", evil)
        .replace("No space left on device", evil)
        .replace("the machine refused an input", evil)
        .replace("`claude` was not found", evil)
        .replace("iterations/1/critic.stderr", evil);
    let shown = page(&lines, Some("01KJP0000000000000000000D4")).stdout;
    assert!(!shown.contains(|c: char| (c.is_control() && c != '\n') || c == '\u{202e}'), "{shown}");
    let outcomes = shown.lines().filter(|line| line.starts_with("Outcome:"));
    assert_eq!(outcomes.collect::<Vec<_>>(), ["Outcome: failed"]);
}

#[test]
fn on_a_terminal_lines_end_where_it_does() {
    let mut sandbox = with(&frozen("v1.0/approved.jsonl"), None);
    sandbox.terminal = Terminal { stdin: true, stdout: true, stderr: true };
    sandbox.columns = 72;
    let shown = sandbox.run(&["sessions", "show", "it"]).stdout;
    let wide = |line: &&str| line.chars().count() > 72 && line.trim().contains(' ');
    // What is to be copied is whole, on a line of its own.
    let run = "01KJP0000000000000000000A1";
    let evidence = format!("    HOME/.local/share/codeloops/runs/{run} (not there)");
    assert_eq!(shown.lines().filter(wide).collect::<Vec<_>>(), [evidence], "{shown}");
    insta::assert_snapshot!(shown.split("Iteration 2").nth(1).unwrap());
}

/// The baseline, a gate that got worse, one that is as it was, what they did to the tree, and a DONE that
/// did not take effect.
#[test]
fn a_run_whose_gates_decided() {
    let lines = r#"
{"type":"session_start","timestamp":"2026-03-02T09:00:00Z","prompt":"Fix it","working_dir":"/home/ada/notes","actor_agent":"Claude Code","critic_agent":"Codex","actor_model":null,"critic_model":null,"max_iterations":null,"elapsed_ms":0,"format_version":"1.0","codeloops_version":"0.1.0","run_id":"01KJP0000000000000000000A1"}
{"type":"gate_completed","timestamp":"2026-03-02T09:00:01Z","elapsed_ms":1,"iteration":0,"gate":{"name":"lint","status":"failed","required":true,"baseline":null,"exit_code":1,"duration_secs":1.0,"tail":"unused variable\n\u001b[31mx\n","output":{"path":"baseline/gates/lint/output.log","bytes":20,"sha256":""}}}
{"type":"gate_tree_checked","timestamp":"2026-03-02T09:00:01Z","elapsed_ms":1,"iteration":0,"attempt":1,"gates":["lint"],"check":{"state":"changed","kept_as":"refs/codeloops/01KJP0000000000000000000A1/gates-0-1","files":["Cargo.lock"],"head_moved":false,"index_changed":false,"restored":true}}
{"type":"iteration_started","timestamp":"2026-03-02T09:00:02Z","elapsed_ms":2,"iteration":1}
{"type":"diff_captured","timestamp":"2026-03-02T09:00:03Z","elapsed_ms":3,"iteration":1,"tree":"01","files_changed":1,"insertions":0,"deletions":1,"patch":{"path":"iterations/1/diff.patch","bytes":1,"sha256":""},"notes":[],"tampering":[{"kind":"test_deleted","file":"tests/a.rs","line":3,"side":"removed","text":"fn adds() {"}],"more_tampering":1}
{"type":"gate_completed","timestamp":"2026-03-02T09:00:04Z","elapsed_ms":4,"iteration":1,"gate":{"name":"test","status":"failed","required":true,"baseline":"failed","exit_code":101,"duration_secs":2.0,"tail":"","output":{"path":"iterations/1/gates/test/output.log","bytes":20,"sha256":""},"failures":[{"category":"test","file":"src/lib.rs","line":7,"message":"left: 1"}],"worse":true,"blocks":true}}
{"type":"gate_completed","timestamp":"2026-03-02T09:00:04Z","elapsed_ms":4,"iteration":1,"gate":{"name":"lint","status":"failed","required":true,"baseline":"failed","exit_code":1,"duration_secs":1.0,"tail":"unused variable","output":null}}
{"type":"approval_vetoed","timestamp":"2026-03-02T09:00:05Z","elapsed_ms":5,"iteration":1,"gates":["test"],"tampering":2}
{"type":"state_repeated","timestamp":"2026-03-02T09:00:05Z","elapsed_ms":5,"iteration":1,"earlier":[1]}
{"type":"iteration","iteration_number":1,"actor_output":"Done.","actor_stderr":"","actor_exit_code":0,"actor_duration_secs":1.0,"git_diff":"","git_files_changed":1,"critic_decision":"CONTINUE","feedback":"The gate `test` does not pass.","timestamp":"2026-03-02T09:00:05Z","elapsed_ms":5,"critic_verdict":"DONE","critic_output":"DECISION: DONE"}
{"type":"iteration","iteration_number":2,"actor_output":"Done.","actor_stderr":"","actor_exit_code":0,"actor_duration_secs":1.0,"git_diff":"","git_files_changed":1,"critic_decision":"CONTINUE","feedback":"The gate `test` does not pass.","timestamp":"2026-03-02T09:00:06Z","elapsed_ms":6,"gates":[{"name":"test","status":"failed","required":true,"baseline":null,"exit_code":1,"duration_secs":1.0,"tail":"","output":null,"blocks":true}]}
"#;
    insta::assert_snapshot!(page(lines.trim_start(), None).stdout);
}
