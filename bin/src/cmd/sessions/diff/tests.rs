//! What is shown of a session's changes, where nothing but its lines is there.

use crate::testing::{Answer, Sandbox};

const ID: &str = "2025-01-27T15-30-45Z_a3f2c1";

const FIRST: &str = "diff --git a/src/a.rs b/src/a.rs\nindex 1..2 100644\n--- a/src/a.rs\n\
    +++ b/src/a.rs\n@@ -1,2 +1,2 @@ mod a;\n // \u{1b}[2Jgone\n-fn old() {}\n+fn new() -> u32 { 1 }\n";

const SECOND: &str = "diff --git a/b.txt b/b.txt\nnew file mode 100644\n--- /dev/null\n\
    +++ b/b.txt\n@@ -0,0 +1 @@\n+a\u{202e}b\n\\ No newline at end of file\n";

/// A session as another program of this format writes it, whose rounds have these diffs.
fn recorded(diffs: &[&str]) -> Sandbox {
    let start = r#"{"type":"session_start","timestamp":"2025-01-27T15:30:45Z","prompt":"Fix the typo","working_dir":"/nowhere","actor_agent":"Claude Code","critic_agent":"OpenCode","actor_model":null,"critic_model":null,"max_iterations":null}"#;
    let round = |(at, diff): (usize, &&str)| {
        let diff = serde_json::to_string(diff).unwrap();
        format!(
            r#"{{"type":"iteration","iteration_number":{},"actor_output":"Did {at}.","actor_stderr":"","actor_exit_code":0,"actor_duration_secs":1.5,"git_diff":{diff},"git_files_changed":1,"critic_decision":"CONTINUE","feedback":"More.","timestamp":"2025-01-27T15:31:30Z"}}"#,
            at + 1
        )
    };
    let lines = std::iter::once(start.to_owned()).chain(diffs.iter().enumerate().map(round));
    let sandbox = Sandbox::new();
    let path = format!("home/.local/share/codeloops/sessions/{ID}.jsonl");
    sandbox.write(&path, lines.collect::<Vec<_>>().join("\n") + "\n");
    sandbox
}

fn on_terminal(mut sandbox: Sandbox) -> Sandbox {
    sandbox.terminal.stdin = true;
    sandbox.terminal.stdout = true;
    sandbox.terminal.stderr = true;
    sandbox
}

#[test]
fn in_a_pipe_the_last_diff_is_printed_as_it_is() {
    let both = format!("{FIRST}{SECOND}");
    let ran = recorded(&[FIRST, &both]).run(&["sessions", "diff", "latest"]);
    assert_eq!((ran.code, ran.stdout, ran.stderr), (0, both, String::new()));
}

#[test]
fn on_a_terminal_it_is_coloured_and_what_acts_can_be_seen() {
    let sandbox = on_terminal(recorded(&[&format!("{FIRST}{SECOND}")]));
    let colored = sandbox.run(&["sessions", "diff", ID]).stdout;
    assert!(colored.contains("\u{1b}[31m-fn old() {}\u{1b}[0m\n"), "{colored:?}");
    assert!(colored.contains("+\u{1b}[0m\u{1b}[35mfn\u{1b}[0m"), "the code too: {colored:?}");
    let plain = console::strip_ansi_codes(&colored).into_owned();
    let safe = |c: char| c == '\n' || !codeloops_event::text::acts(c);
    assert!(plain.chars().all(safe), "{plain:?}");
    assert_eq!(plain, sandbox.run(&["sessions", "diff", ID, "--no-color"]).stdout);
    insta::assert_snapshot!(plain);
}

#[test]
fn what_changed_in_each_file_is_counted() {
    let sandbox = recorded(&[&format!("{FIRST}{SECOND}")]);
    insta::assert_snapshot!(sandbox.run(&["sessions", "diff", ID, "--stat"]).stdout, @r"
     src/a.rs | 2 +-
     b.txt    | 1 +
     2 files changed, 2 insertions(+), 1 deletion(-)
    ");
}

/// Without snapshots nobody knows what happened between two diffs of the same files.
#[test]
fn what_cannot_be_known_of_an_iteration_is_told() {
    let sandbox = recorded(&[FIRST, SECOND, SECOND]);
    let of = |n: &str| sandbox.run(&["sessions", "diff", ID, "--iteration", n]);
    assert_eq!((of("1").code, of("1").stdout.as_str()), (0, FIRST), "since the run began");
    assert_eq!((of("3").code, of("3").stdout.as_str()), (0, ""), "nothing was changed");
    insta::assert_snapshot!([of("2"), of("4")].map(|ran| ran.to_string()).join("\n"));
}

#[test]
fn of_a_session_without_changes_there_is_nothing_to_show() {
    insta::assert_snapshot!(recorded(&[]).run(&["sessions", "diff", ID]));
}

#[test]
fn a_round_can_be_shown_alone() {
    let sandbox = recorded(&[FIRST, SECOND]);
    insta::assert_snapshot!(sandbox.run(&["sessions", "show", ID, "--iteration", "2"]).stdout);
    let json = sandbox.run(&["sessions", "show", ID, "--iteration", "2", "--json"]).stdout;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["iterations"].as_array().unwrap().len(), 1);
    assert_eq!(json["rounds"][0]["iteration"], 2);
    assert_eq!(json["start"]["prompt"], "Fix the typo");
    let missing = sandbox.run(&["sessions", "show", ID, "--iteration", "3"]);
    assert_eq!(missing.code, 2);
}

#[test]
fn without_an_id_the_user_picks_one_where_there_is_a_terminal() {
    for command in ["show", "diff"] {
        let mut sandbox = on_terminal(recorded(&[FIRST]));
        sandbox.answers = vec![Answer::Select(0)];
        let picked = sandbox.run(&["sessions", command]);
        assert_eq!(picked.stdout, sandbox.run(&["sessions", command, ID]).stdout);
        sandbox.answers = vec![Answer::BreakOff];
        assert_eq!(sandbox.run(&["sessions", command]).code, 130);
        sandbox.terminal.stdin = false;
        let refused = sandbox.run(&["sessions", command]);
        assert_eq!((refused.code, refused.stdout.as_str()), (2, ""));
        assert!(refused.stderr.contains("no session given"), "{refused}");
    }
    let none = on_terminal(Sandbox::new()).run(&["sessions", "diff"]);
    assert_eq!(none.code, 2);
    assert!(none.stderr.contains("no sessions in"), "{none}");
}
