//! Exports that have nothing to do, are refused, or whose receiver is not there.

use std::net::TcpListener;

use crate::testing::{Ran, Sandbox};

/// Sessions of another program on these days.
fn recorded(days: &[&str]) -> Sandbox {
    let sandbox = Sandbox::new();
    for day in days {
        let line = format!(
            r#"{{"type":"session_start","timestamp":"{day}T15:30:45Z","prompt":"p","working_dir":"/x","actor_agent":"A","critic_agent":"C","actor_model":null,"critic_model":null,"max_iterations":null}}"#
        );
        session(&sandbox, day, &(line + "\n"));
    }
    sandbox
}

fn session(sandbox: &Sandbox, day: &str, text: &str) {
    let file = format!("home/.local/share/codeloops/sessions/{day}T15-30-45Z_a3f2c1.jsonl");
    sandbox.write(&file, text);
}

/// Exports to a port that was just given back.
fn export_to_nobody(sandbox: &Sandbox, options: &[&str]) -> Ran {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("http://{address}");
    let command = ["sessions", "export-traces", "--otel-endpoint", &url];
    let mut ran = sandbox.run(&[&command, options].concat());
    ran.stderr = ran.stderr.replace(&address.to_string(), "NOBODY");
    ran.stdout = ran.stdout.replace(&address.to_string(), "NOBODY");
    ran
}

#[test]
fn where_no_session_matches_there_is_nothing_to_do() {
    let sandbox = recorded(&[]);
    let ran = export_to_nobody(&sandbox, &[]);
    assert_eq!((ran.code, ran.stdout.as_str()), (0, ""));
    assert!(ran.stderr.contains("no sessions yet"), "{ran}");
    let sandbox = recorded(&["2025-01-27"]);
    let ran = export_to_nobody(&sandbox, &["--project", "y"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, "no session matches\n"));
    let ran = export_to_nobody(&sandbox, &["--project", "y", "--json"]);
    assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr.as_str()), (0, "[]\n", ""));
}

#[test]
fn the_first_session_that_is_not_taken_ends_it() {
    let sandbox = recorded(&["2025-01-27", "2025-01-28"]);
    let ran = export_to_nobody(&sandbox, &[]);
    assert_eq!((ran.code, ran.stdout.as_str()), (2, ""));
    let stderr = ran.stderr.as_str();
    assert_eq!(stderr.matches("1 of 1 spans did not reach").count(), 1, "{ran}");
    assert!(stderr.contains("none was exported") && stderr.contains("--otel-endpoint"), "{ran}");
}

/// Some lines are looked at when the sessions are listed, the others when they are exported.
#[test]
fn a_session_that_cannot_be_read_is_left_out_and_told() {
    for bad in ["session_end", "actor_started"] {
        let sandbox = recorded(&["2025-01-27"]);
        let day = "2025-01-27T15-30-45Z_a3f2c1";
        let file = sandbox.path(&format!("home/.local/share/codeloops/sessions/{day}.jsonl"));
        let text = std::fs::read_to_string(file).unwrap();
        let stop = r#"{"type":"session_end","outcome":"success","iterations":0,"summary":null,"confidence":null,"duration_secs":1,"timestamp":"2025-01-27T15:30:45Z"}"#;
        session(&sandbox, "2025-01-27", &format!("{text}{{\"type\":\"{bad}\"}}\n{stop}\n"));
        let ran = export_to_nobody(&sandbox, &[]);
        assert_eq!(ran.code, 2, "{ran}");
        let told = ["damaged at line 2", "left out", "1 session could not be read"];
        assert!(told.iter().all(|told| ran.stderr.contains(told)), "{bad}: {ran}");
        assert!(!ran.stderr.contains("did not reach"), "{bad}: {ran}");
    }
}

#[test]
fn what_switches_spans_off_is_refused() {
    for (name, value) in [("OTEL_SDK_DISABLED", "true"), ("OTEL_TRACES_EXPORTER", "none")] {
        let mut sandbox = recorded(&["2025-01-27"]);
        sandbox.vars = vec![(name, value.to_owned())];
        let ran = export_to_nobody(&sandbox, &[]);
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""));
        assert!(ran.stderr.contains("no spans are exported"), "{ran}");
        assert!(ran.stderr.contains(name), "{ran}");
    }
}

/// The sessions are those of all projects, and the one that the user stands in may be anybody's.
#[test]
fn a_project_does_not_say_where_sessions_go() {
    let sandbox = recorded(&["2025-01-27"]);
    sandbox.project("[sinks.otel]\nendpoint = \"http://127.0.0.1:9\"\ntimeout = \"no time\"\n");
    sandbox.global("[defaults.sinks.otel]\nendpoint = \"http://127.0.0.1:1\"\n");
    let ran = sandbox.run(&["sessions", "export-traces"]);
    assert!(ran.stderr.contains("did not reach http://127.0.0.1:1:"), "{ran}");
}
