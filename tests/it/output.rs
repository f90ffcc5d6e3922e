//! What goes where: one document on standard output, the sinks, the logs.

use std::fs;
use std::os::unix::fs::symlink;

use codeloops_tests::{Output, Workspace};
use serde_json::Value;

use crate::scripts::{ASKS_FOR_MORE, TWO_ROUNDS, approved};
use crate::{scripted, workspace};

#[test]
fn json_output_is_one_document_and_the_console_goes_to_stderr() {
    let place = scripted(TWO_ROUNDS);
    let ran = place.task(&["--json-output"]).exits(0);
    assert!(ran.document().is_object());
    // What the agents print comes in as many pieces as the system makes of it.
    insta::with_settings!({filters => vec![(r#""written": \d+"#, r#""written": [N]"#)]}, {
        insta::assert_snapshot!(ran);
    });
}

#[test]
fn json_output_is_one_document_whatever_happens() {
    let place = scripted(&format!("on actor\nappend a.txt a\n{ASKS_FOR_MORE}"));
    let check = |args: &[&str], code: i32| {
        let ran = place.run(&[&["--json-output"], args].concat()).exits(code);
        let document = ran.document();
        assert_eq!(document["exit_code"], code, "{ran}");
        document
    };
    let limit = check(&["--prompt", "x", "-n", "1"], 1);
    assert_eq!(limit["outcome"], "max_iterations_reached");
    for args in [
        &["--prompt", ""][..],
        &["--prompt", "x", "-n", "0"],
        &["--prompt", "x", "--agent", "nobody"],
        &["--prompt", "x", "-d", "nowhere"],
        &["--prompt-file", "nowhere.md"],
        &["--no-such-flag"],
    ] {
        let document = check(args, 2);
        assert_eq!(document["outcome"], "failed", "{args:?}");
        assert!(document["error"].as_str().is_some_and(|error| !error.is_empty()), "{args:?}");
    }
}

#[test]
fn an_interrupted_run_prints_its_document_too() {
    let place = scripted("on actor\ntouch ../began\nhang");
    let run = place.start(&["--prompt", "x", "--json-output"]);
    codeloops_tests::wait_for(&place.at("began"));
    run.signal(rustix::process::Signal::TERM);
    let ran = run.wait().exits(130);
    assert_eq!(ran.document()["outcome"], "interrupted");
    assert_eq!(ran.document()["exit_code"], 130);
}

#[test]
fn a_log_file_has_a_line_for_each_event_beside_the_console() {
    let place = scripted(TWO_ROUNDS);
    let ran = place.task(&["--log-file", "../run.log"]).exits(0);
    assert!(ran.stdout.contains("Session complete"), "{ran}");
    let log = fs::read_to_string(place.at("run.log")).unwrap();
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(lines.len() >= place.events().len(), "{log}");
}

#[test]
fn a_log_file_that_cannot_be_opened_leaves_nothing_behind() {
    let place = scripted("on actor\ntouch ../began\n");
    let ran = place.task(&["--log-file", "nowhere/run.log"]).exits(2);
    assert!(ran.stderr.contains("hint: name a file that you may write"), "{ran}");
    assert!(!place.at("began").exists() && !place.data_dir().exists());
}

#[test]
fn without_the_console_sink_nothing_is_printed_and_the_session_is_written() {
    let place = scripted(TWO_ROUNDS);
    let ran = place.task(&["--sink", "jsonl"]).exits(0);
    assert_eq!((ran.stdout.as_str(), ran.stderr.as_str()), ("", ""));
    assert_eq!(place.session().iterations.len(), 2);
}

#[test]
fn without_the_console_sink_a_run_that_is_not_approved_says_how_it_ended() {
    let place = scripted(&format!("on actor\nappend a.txt a\n{ASKS_FOR_MORE}"));
    let ran = place.task(&["--sink", "jsonl", "-n", "1"]).exits(1);
    let id = place.session().id;
    let told = format!(
        "note: the run ended as max_iterations_reached; see: codeloops sessions show {id}\n"
    );
    assert_eq!((ran.stdout.as_str(), ran.stderr), ("", told));
}

/// The end of the run may be hours away: the actor waits until it was told.
#[test]
fn a_standard_output_that_is_closed_is_told_at_once_and_the_run_goes_on() {
    let place =
        scripted(&approved("edit a.txt a\nrun while [ ! -e ../told ]; do sleep 0.01; done"));
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let err = place.at("stderr");
    let mut codeloops = place.command(&["--prompt", "x"]);
    codeloops.stdout(writer).stderr(fs::File::create(&err).unwrap());
    let mut codeloops = codeloops.spawn().unwrap();
    let told = || fs::read_to_string(&err).unwrap();
    codeloops_tests::wait_until("the warning", || told().contains("sessions show"));
    fs::write(place.at("told"), "").unwrap();
    assert_eq!(codeloops.wait().unwrap().code(), Some(0));
    insta::assert_snapshot!(place.redact(&told()));
}

#[test]
fn no_session_writes_no_session_file() {
    let place = scripted(TWO_ROUNDS);
    let ran = place.task(&["--no-session"]).exits(0);
    assert!(!ran.stdout.contains("Session saved"), "{ran}");
    assert_eq!(place.session_files().len(), 0);
}

/// What becomes of the console is no matter of the loop. That it takes nothing is told once, and
/// where the session is all the same.
#[test]
fn a_standard_output_that_takes_nothing_leaves_the_exit_code_alone() {
    let place = scripted(&approved("edit a.txt a"));
    let ran = into_the_full(&place, &["--prompt", "x"]).exits(0);
    assert_eq!(ran.stderr.matches("No space left").count(), 1, "{ran}");
    assert!(ran.stderr.contains("Session saved: "), "{ran}");
    assert_eq!(place.session().end.unwrap().outcome.exit_code(), 0);
}

#[test]
fn a_document_that_cannot_be_printed_is_told_once() {
    let place = scripted(&approved("edit a.txt a"));
    for args in [&["--prompt", "x"][..], &["--dry-run"], &["--agent", "nobody"]] {
        let ran = into_the_full(&place, &[&["--json-output"], args].concat()).exits(2);
        assert_eq!(ran.stderr.matches("No space left").count(), 1, "{ran}");
    }
}

/// Runs codeloops with a standard output that takes nothing.
fn into_the_full(place: &Workspace, args: &[&str]) -> Output {
    let mut command = place.program("sh");
    let codeloops = place.command(args);
    command.args(["-c", "exec \"$@\" > /dev/full", "sh"]).arg(codeloops.get_program());
    let run_id = codeloops.get_envs().filter_map(|(name, value)| Some((name, value?)));
    command.args(codeloops.get_args()).envs(run_id);
    place.spawn(command).wait()
}

#[test]
fn a_record_that_an_agent_deletes_is_told_and_never_named_as_if_it_were_there() {
    let sessions = "run rm -r ../home/.local/share/codeloops/sessions";
    let place = scripted(&approved(&format!("edit a.txt a\n{sessions}")));
    let document = place.task(&["--json-output"]).exits(2).document();
    assert_eq!(document["stop_reason"], "record_failed");
    assert!(document["error"].as_str().unwrap().contains("was deleted during the run"));
    assert_eq!((&document["session_file"], &document["session_id"]), (&Value::Null, &Value::Null));
    assert_eq!(place.read("a.txt"), "a\n");
}

#[test]
fn a_run_whose_end_cannot_be_recorded_is_nowhere_a_success() {
    let place = scripted(
        "on actor\nedit a.txt a\non critic\nrun rm -r ../home/.local/share/codeloops/runs\n\
         print DECISION: DONE\nprint SUMMARY: All done.\n",
    );
    let document = place.task(&["--json-output"]).exits(2).document();
    assert_eq!(document["stop_reason"], "record_failed");
    assert_eq!(place.session().end, None);
}

#[test]
fn diagnostics_go_to_stderr_where_they_are_asked_for() {
    let mut place = scripted(&approved("edit a.txt a"));
    assert_eq!(place.task(&[]).stderr, "");
    place.set_var("RUST_LOG", "debug");
    let ran = place.task(&["--json-output"]).exits(0);
    assert!(ran.stderr.contains("codeloops begins") && ran.document().is_object(), "{ran}");
}

/// Flag, then the project's file, then the user's, then the built-in value.
#[test]
fn the_nearer_setting_wins() {
    let place = workspace();
    place.script(&format!("on actor\nappend a.txt a\n{ASKS_FOR_MORE}"));
    let rounds = |args: &[&str]| {
        place.task(&[&["--json-output"], args].concat()).exits(1).document()["iterations"].clone()
    };
    let global = fs::read_to_string(place.at("home/.config/codeloops/config.toml")).unwrap();
    place.global_config(
        &global.replace("agent = \"fake\"\n\n", "agent = \"fake\"\nmax_iterations = 3\n\n"),
    );
    assert_eq!(rounds(&[]), 3);
    place.write("codeloops.toml", "max_iterations = 2\n");
    assert_eq!(rounds(&[]), 2);
    assert_eq!(rounds(&["--max-iterations", "1"]), 1);
}

#[test]
fn commands_that_a_project_names_are_told_before_they_run() {
    let place = workspace();
    place.script(&approved("edit a.txt a"));
    let table = place.fake_agent().replace("defaults.agents", "agents");
    place.write("codeloops.toml", format!("agent = \"fake\"\n{table}"));
    place.global_config("");
    let ran = place.task(&[]).exits(0);
    assert!(ran.stderr.contains("note: codeloops.toml starts a program, agent fake"), "{ran}");
}

#[test]
fn a_dry_run_tells_what_the_start_tells() {
    let place = workspace();
    place.script(&approved("edit a.txt a"));
    let table = place.fake_agent().replace("defaults.agents", "agents");
    place.write("codeloops.toml", format!("agent = \"fake\"\npermissions = \"full\"\n{table}"));
    place.global_config("[defaults]\npermissions = \"edits\"\ncritic_access = \"read-only\"\n");
    let told = place.task(&["--dry-run"]).exits(0).stderr;
    let ran = place.task(&[]).exits(0);
    let (notes, on_the_console): (Vec<&str>, Vec<&str>) =
        told.lines().partition(|line| !line.contains("No limit"));
    assert_eq!(notes, ran.stderr.lines().collect::<Vec<_>>());
    assert!(notes.iter().any(|line| line.starts_with("warning: ")), "{told}");
    assert!(notes.iter().any(|line| line.contains("lets agents do more than you do")), "{told}");
    assert_eq!(on_the_console, ["note: No limit on iterations, time, tokens or cost is set"]);
    assert!(ran.stdout.contains("No limit on iterations, time, tokens or cost is set"), "{ran}");
}

#[test]
fn an_agent_is_found_in_the_path_that_its_table_gives() {
    let place = scripted(&approved("edit a.txt a"));
    fs::create_dir(place.at("tools")).unwrap();
    symlink(crate::PROGRAMS.fake_agent, place.at("tools/mine")).unwrap();
    let (script, tools) = (place.at("script"), place.at("tools"));
    place.write(
        "codeloops.toml",
        format!(
            "agent = \"mine\"\n[agents.mine]\ncommand = [\"mine\", {script:?}]\n\
             env = {{ PATH = {tools:?} }}\n"
        ),
    );
    let ran = place.task(&[]).exits(0);
    assert!(ran.stdout.contains("Actor: mine"), "{ran}");
}

#[test]
fn dry_run_starts_nothing_and_leaves_nothing() {
    let place = scripted("on actor\ntouch ../began\n");
    let ran = place.task(&["--dry-run"]).exits(0);
    assert!(ran.stdout.contains("max_iterations"), "{ran}");
    assert!(!place.at("began").exists() && !place.data_dir().exists());
    assert_eq!(place.git(&["for-each-ref", "refs/codeloops"]), "");
}

/// The session file is no sink among others: only `--no-session` leaves it out.
#[test]
fn naming_the_console_alone_still_records_the_session() {
    let place = scripted(TWO_ROUNDS);
    let ran = place.task(&["--sink", "console"]).exits(0);
    assert!(ran.stdout.contains("Session complete"), "{ran}");
    assert_eq!(place.session().iterations.len(), 2);
}

#[test]
fn a_failed_run_without_a_console_still_says_why() {
    let place = scripted(
        "on actor\nstderr boom\nexit 3\non critic\nprint DECISION: CONTINUE\\n\\nFEEDBACK: no\n",
    );
    let ran = place.task(&["--sink", "jsonl"]).exits(2);
    insta::assert_snapshot!(ran);
}
