//! Listing and showing recorded sessions.

use crate::testing::Sandbox;

const DONE: &str = "2025-01-27T15-30-45Z_a3f2c1";
const FAILED: &str = "2025-01-26T09-15-33Z_c7f4a9";
const CRASHED: &str = "2025-01-25T10-00-00Z_b5d3e2";

/// Three sessions as another program of this format writes them: one approved, one failed whose
/// agent printed terminal escapes, one that was killed.
fn recorded() -> Sandbox {
    let sandbox = Sandbox::new();
    let start = |day: &str, prompt: &str, dir: &str| {
        format!(
            r#"{{"type":"session_start","timestamp":"{day}","prompt":"{prompt}","working_dir":"{dir}","actor_agent":"Claude Code","critic_agent":"OpenCode","actor_model":"sonnet","critic_model":null,"max_iterations":10}}"#
        )
    };
    let round = |n: u32, output: &str, decision: &str, feedback: &str| {
        format!(
            r#"{{"type":"iteration","iteration_number":{n},"actor_output":"{output}","actor_stderr":"","actor_exit_code":0,"actor_duration_secs":45.2,"git_diff":"diff","git_files_changed":1,"critic_decision":"{decision}","feedback":{feedback},"timestamp":"2025-01-27T15:31:30Z"}}"#
        )
    };
    let end = |outcome: &str, n: u32, summary: &str| {
        format!(
            r#"{{"type":"session_end","outcome":"{outcome}","iterations":{n},"summary":{summary},"confidence":0.95,"duration_secs":89.4,"timestamp":"2025-01-27T15:32:14Z"}}"#
        )
    };
    let write = |id: &str, lines: &[String]| {
        let path = format!("home/.local/share/codeloops/sessions/{id}.jsonl");
        sandbox.write(&path, lines.join("\n") + "\n");
    };
    write(
        DONE,
        &[
            start(
                "2025-01-27T15:30:45Z",
                "Add input validation to the registration.\\n\\n- Email",
                "/home/user/myapp",
            ),
            round(1, "Added a check.\\nSecond line.", "CONTINUE", "\"Password check is missing\""),
            round(2, "Added the other.", "DONE", "null"),
            end("success", 2, "\"Both are validated.\""),
        ],
    );
    write(
        FAILED,
        &[
            start("2025-01-26T09:15:33Z", "Implement OAuth", "/home/user/api-\\u001b[31msvc"),
            round(
                1,
                "\\u001b]0;owned\\u0007\\u001b[2Jgone\\rDECISION: DONE",
                "ERROR",
                "\"a\\u202eb\"",
            ),
            end("failed", 1, "null"),
        ],
    );
    write(CRASHED, &[start("2025-01-25T10:00:00Z", "Fix the typo", "/home/user/myapp")]);
    sandbox
}

/// The ids of the sessions that a list shows.
fn listed(args: &[&str]) -> Vec<String> {
    let ran = recorded().run(&[&["sessions", "list"], args].concat());
    assert_eq!(ran.code, 0, "{ran}");
    let ids = ran.stdout.lines().skip(1).filter_map(|line| line.split_whitespace().next());
    ids.map(str::to_owned).collect()
}

#[test]
fn a_list_has_the_documented_columns_newest_first() {
    insta::assert_snapshot!(recorded().run(&["sessions", "list"]).stdout);
}

/// The list on a terminal of so many columns. One of its runs began in the same second as others,
/// with the same prompt.
fn list_on_terminal(columns: usize) -> String {
    let mut sandbox = recorded();
    sandbox.terminal.stdout = true;
    sandbox.columns = columns;
    let line = r#"{"type":"session_start","timestamp":"2025-01-24T10:00:00Z","prompt":"PROMPT","working_dir":"/x/a-project-of-a-long-name","actor_agent":"A","critic_agent":"C","actor_model":null,"critic_model":null,"max_iterations":null}
{"type":"session_end","outcome":"max_iterations_reached","iterations":12,"summary":null,"confidence":null,"duration_secs":3601.5,"timestamp":"2025-01-24T11:00:00Z"}
"#;
    let path = "home/.local/share/codeloops/sessions/2025-01-24T10-00-00Z_d4f2a8-12.jsonl";
    sandbox.write(path, line.replace("PROMPT", &"\u{4f60}\u{597d} ".repeat(20)));
    sandbox.run(&["sessions", "list"]).stdout
}

#[test]
fn on_a_terminal_a_row_is_a_line_and_its_outcome_stays() {
    let columns = [120, 100, 80, 60, 40];
    let lists = columns.map(list_on_terminal);
    for (list, columns) in lists.iter().zip(columns) {
        let widths = list.lines().map(console::measure_text_width);
        assert!(widths.max().unwrap() <= columns, "{list}");
    }
    insta::assert_snapshot!(lists.join("\n"));
    assert_eq!(list_on_terminal(20), list_on_terminal(30), "there is an end to it");
}

#[test]
fn what_a_narrow_terminal_shows_of_an_id_stands_for_it() {
    let mut sandbox = recorded();
    sandbox.terminal.stdout = true;
    sandbox.columns = 60;
    for row in sandbox.run(&["sessions", "list"]).stdout.lines().skip(1) {
        let id = row.split(' ').next().unwrap();
        let shown = sandbox.run(&["sessions", "show", id]);
        assert!(shown.stdout.starts_with(&format!("Session {id}")), "{shown:?}");
    }
}

#[test]
fn filters_narrow_the_list() {
    assert_eq!(listed(&["--outcome", "success"]), [DONE]);
    assert_eq!(listed(&["--status", "crashed"]), [CRASHED]);
    assert_eq!(listed(&["--after", "2025-01-26", "--before", "2025-01-26"]), [FAILED]);
    assert_eq!(listed(&["--project", "myapp"]), [DONE, CRASHED]);
    assert_eq!(listed(&["--search", "oauth"]), [FAILED]);
    assert_eq!(listed(&["--project", "myapp", "--outcome", "success"]), [DONE]);
}

#[test]
fn an_empty_list_says_so_beside_the_data() {
    let ran = Sandbox::new().run(&["sessions", "list"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (0, ""));
    assert_eq!(ran.stderr, "no sessions yet; `codeloops` records one when it runs\n");
    let ran = recorded().run(&["sessions", "list", "--search", "nothing like it"]);
    assert_eq!(ran.stderr, "no session matches\n");
    assert_eq!(Sandbox::new().run(&["sessions", "list", "--json"]).stdout, "[]\n");
}

#[test]
fn json_has_the_documented_fields() {
    let sandbox = recorded();
    let json = |args: &[&str]| -> serde_json::Value {
        serde_json::from_str(&sandbox.run(args).stdout).unwrap()
    };
    let list = json(&["sessions", "list", "--json"]);
    assert_eq!(list[0]["id"], DONE);
    assert_eq!(list[0]["project"], "myapp");
    assert_eq!(list[0]["duration_secs"], 89.4);
    assert_eq!(list[2]["outcome"], serde_json::Value::Null);
    let session = json(&["sessions", "show", "latest", "--json"]);
    assert_eq!(session["start"]["actor_model"], "sonnet");
    assert_eq!(session["iterations"][1]["critic_decision"], "DONE");
    assert_eq!(session["end"]["summary"], "Both are validated.");
}

#[test]
fn a_session_is_shown_in_full() {
    insta::assert_snapshot!(recorded().run(&["sessions", "show", DONE]));
}

#[test]
fn a_session_without_an_end_says_why() {
    let ran = recorded().run(&["sessions", "show", CRASHED]);
    let end = "\nNo outcome: it crashed; codeloops was killed, or the machine went down\n  \
               Last line  2025-01-25 10:00:00 UTC\n";
    assert!(ran.stdout.ends_with(end), "{ran}");
}

#[test]
fn what_agents_printed_cannot_steer_the_terminal_or_pass_for_ours() {
    let sandbox = recorded();
    let list = sandbox.run(&["sessions", "list"]);
    let show = sandbox.run(&["sessions", "show", FAILED]);
    for text in [&list.stdout, &show.stdout] {
        assert!(!text.contains(|c: char| (c.is_control() && c != '\n') || c == '\u{202e}'));
    }
    assert!(!show.stdout.lines().any(|line| line.starts_with("DECISION")));
    insta::assert_snapshot!(show);
}

#[test]
fn a_session_is_found_by_the_beginning_of_its_id() {
    let sandbox = recorded();
    for id in ["2025-01-27", "latest", DONE] {
        assert!(sandbox.run(&["sessions", "show", id]).stdout.contains(DONE), "{id}");
    }
}

#[test]
fn what_cannot_be_shown_is_told() {
    let sandbox = recorded();
    let errors = |sandbox: &Sandbox, id: &[&str]| {
        let ran = sandbox.run(&[&["sessions", "show"], id].concat());
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""));
        ran.stderr
    };
    let other = Sandbox::new();
    other.write(&format!("home/.local/share/codeloops/sessions/{DONE}.jsonl"), "no session\n\n");
    let damaged = errors(&other, &[DONE]);
    let start = "{\"type\":\"session_start\",\"max_iterations\":1e999}\n";
    other.write(&format!("home/.local/share/codeloops/sessions/{DONE}.jsonl"), start);
    let bad_number = errors(&other, &[DONE]);
    let told = [
        errors(&sandbox, &[]),
        errors(&sandbox, &["2031"]),
        errors(&sandbox, &["2025-01"]),
        errors(&Sandbox::new(), &["latest"]),
        damaged,
        bad_number,
    ];
    insta::assert_snapshot!(told.concat());
}
