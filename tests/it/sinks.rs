//! Sinks beside a run: what they get, and that no trouble of theirs is any of the run's.

use std::fs;
use std::path::Path;

use codeloops_tests::{Output, Workspace, wait_for, wait_until};
use rustix::process::Signal;
use serde_json::Value;

use crate::scripts::{APPROVES, TWO_ROUNDS, approved};
use crate::{scripted, workspace};

/// A sink that a test names need not be waited for long.
const SHORT: &str = "[sinks]\nclose_timeout = \"1s\"\n";

fn lines_of(path: &Path) -> Vec<String> {
    fs::read_to_string(path).unwrap().lines().map(str::to_owned).collect()
}

/// Whether a process whose number was written to a file still lives.
fn lives(pid_file: &Path) -> bool {
    let pid = fs::read_to_string(pid_file).unwrap();
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
    !stat.is_empty() && !stat.contains(") Z ")
}

/// The report of the one sink beside the console.
fn report(document: &Value) -> &Value {
    let sinks = document["sinks"].as_array().unwrap();
    sinks.iter().find(|sink| sink["name"] != "console").unwrap()
}

fn with_sink(sink: &str) -> [String; 5] {
    ["--json-output", "--sink", "console", "--sink", sink].map(str::to_owned)
}

/// Runs with this sink beside the console.
fn ran_with(place: &Workspace, sink: &str) -> Output {
    let options = with_sink(sink);
    place.task(&options.each_ref().map(String::as_str))
}

#[test]
fn a_command_gets_each_line_of_the_session_file_once_and_in_order() {
    let place = scripted(TWO_ROUNDS);
    let sink = "exec:echo started >> ../starts; cat > ../got; echo ended >> ../starts";
    let ran = ran_with(&place, sink).exits(0);
    assert_eq!(lines_of(&place.at("got")), lines_of(&place.session_file()));
    assert_eq!(lines_of(&place.at("starts")), ["started", "ended"]);
    let lines = lines_of(&place.session_file()).len();
    let document = ran.document();
    let told = report(&document);
    assert_eq!((&told["state"], &told["written"]), (&"finished".into(), &lines.into()));
    assert_eq!((&told["name"], &told["note"]), (&sink.into(), &Value::Null));
}

#[test]
fn a_file_gets_them_too_and_is_no_change_of_the_actors() {
    let place = scripted(&approved("edit a.txt a"));
    for times in [1, 2] {
        let _ran = place.task(&["--sink", "file:events.jsonl"]).exits(0);
        let sessions = place.session_files();
        let mut recorded: Vec<_> = sessions.iter().flat_map(|file| lines_of(file)).collect();
        let mut copied = lines_of(&place.project().join("events.jsonl"));
        recorded.sort();
        copied.sort();
        assert!(copied == recorded && sessions.len() == times);
    }
    let shown = place.run(&["sessions", "diff", "latest"]).exits(0);
    assert!(!shown.stdout.contains("events.jsonl"), "{shown}");
}

#[test]
fn a_path_and_a_command_begin_where_they_are_written() {
    let place = scripted(&approved("edit a.txt a"));
    fs::create_dir(place.at("elsewhere")).unwrap();
    place.write(
        "codeloops.toml",
        "[sinks]\nenabled = [\"file:here.jsonl\", \"exec:pwd > ../dir; cat > /dev/null\"]\n",
    );
    let mut command = place.command(&["--prompt", "x", "-d", "../project"]);
    command.current_dir(place.at("elsewhere"));
    let ran = place.spawn(command).wait().exits(0);
    assert!(place.project().join("here.jsonl").exists());
    assert_eq!(lines_of(&place.at("dir")), [place.project().display().to_string()]);
    assert!(ran.stderr.contains("note: codeloops.toml starts a command that gets"), "{ran}");

    let mut command = place.command(&["--prompt", "x", "-d", "../project", "--sink", "exec:pwd"]);
    command.current_dir(place.at("elsewhere"));
    let ran = place.spawn(command).wait().exits(0);
    assert_eq!((ran.stdout.as_str(), ran.stderr.as_str()), ("[ROOT]/elsewhere\n", ""));
}

#[test]
fn what_a_command_prints_is_seen_and_never_in_the_way() {
    let place = scripted(&approved("edit a.txt a"));
    let sink = "exec:echo out; echo err >&2; cat > /dev/null";
    let alone = place.task(&["--sink", sink]).exits(0);
    assert_eq!((alone.stdout.as_str(), alone.stderr.as_str()), ("out\n", "err\n"));
    let lines = |ran: Output| {
        assert!(!ran.stdout.contains("out\n"), "{ran}");
        let own = ran.stderr.lines().filter(|line| ["out", "err"].contains(line)).count();
        assert_eq!(own, 2, "{ran}");
    };
    lines(place.task(&["--sink", sink, "--sink", "console"]).exits(0));
    let json = ran_with(&place, sink).exits(0);
    assert_eq!(json.document()["outcome"], "success");
    lines(json);
}

#[test]
fn a_command_knows_the_run_and_has_no_mark_of_its_agents() {
    let place = scripted(&approved("edit a.txt a"));
    let sink = "exec:env > ../env; cat > /dev/null";
    let _ran = place.task(&["--sink", sink]).exits(0);
    let env = lines_of(&place.at("env"));
    let run_id = place.session().start.run_id.unwrap();
    assert!(env.contains(&format!("CODELOOPS_SINK_RUN_ID={run_id}")), "{env:?}");
    assert!(!env.iter().any(|line| line.starts_with("CODELOOPS_RUN_ID=")), "{env:?}");
}

#[test]
fn a_command_that_has_read_enough_is_no_failure() {
    let place = scripted(&approved("edit a.txt a"));
    let ran = place.task(&["--sink", "console", "--sink", "exec:head -n1 > ../got"]).exits(0);
    assert_eq!(lines_of(&place.at("got")), lines_of(&place.session_file())[..1]);
    assert!(!ran.stderr.contains("warning"), "{ran}");
    let line = ran.stdout.lines().find(|line| line.contains("Sink exec:head -n1 > ../got: "));
    assert!(line.is_some_and(|line| line.contains("it had enough before the last")), "{ran}");
    let replayed = place.run(&["replay", "latest", "--sink", "exec:head -n1"]).exits(0);
    assert_eq!(replayed.stdout, format!("{}\n", place.redact(&lines_of(&place.session_file())[0])));
}

#[test]
fn a_replay_feeds_the_same() {
    let place = scripted(TWO_ROUNDS);
    let _ran = place.task(&[]).exits(0);
    let replay = ["replay", "latest", "--sink", "exec:cat", "--sink", "file:../copy"];
    let ran = place.run(&replay).exits(0);
    let session = fs::read_to_string(place.session_file()).unwrap();
    assert_eq!(ran.stdout, place.redact(&session));
    assert_eq!(fs::read_to_string(place.at("copy")).unwrap(), session);
    let failed =
        place.run(&["replay", "latest", "--sink", "exec:cat > /dev/null; exit 5"]).exits(2);
    assert!(failed.stderr.contains("failed: it ended with exit code 5"), "{failed}");
}

/// It has all that a recording holds and does not end, or takes nothing of it.
#[test]
fn a_replay_that_is_broken_off_waits_for_no_command() {
    let place = scripted(&approved("edit a.txt a"));
    let _ran = place.task(&[]).exits(0);
    place.write("codeloops.toml", "[sinks]\nclose_timeout = \"10m\"\n");
    let deaf = "exec:trap '' TERM; cat; echo $$ > ../deaf; while :; do sleep 0.1; done";
    let replay = place.start(&["replay", "latest", "--sink", deaf]);
    wait_for(&place.at("deaf"));
    replay.signal(Signal::INT);
    let _ran = replay.wait().exits(130);
    assert!(!lives(&place.at("deaf")));
}

#[test]
fn a_replay_gives_up_a_sink_that_takes_nothing() {
    let place = scripted(&approved("edit a.txt a"));
    place.write("codeloops.toml", SHORT);
    let prompt = "long ".repeat(20_000);
    let _ran = place.run(&["--prompt", &prompt, "--sink", "jsonl"]).exits(0);
    let _pipe = unread_pipe(&place);
    for sink in ["exec:exec sleep 1000", "file:../pipe"] {
        let ran = place.run(&["replay", "latest", "--sink", sink, "--sink", "file:../copy"]);
        let ran = ran.exits(2);
        assert!(ran.stderr.contains("it took nothing for 1s"), "{ran}");
        assert_eq!(lines_of(&place.at("copy")), lines_of(&place.session_file()));
        fs::remove_file(place.at("copy")).unwrap();
    }
}

#[test]
fn no_sink_writes_among_the_sessions() {
    let place = scripted(&approved("edit a.txt a"));
    let _ran = place.task(&[]).exits(0);
    let session = place.session_file();
    let link = place.at("link");
    std::os::unix::fs::symlink(&session, &link).unwrap();
    let [hard, dangling] = ["hard", "dangling"].map(|name| place.at(name));
    fs::hard_link(&session, &hard).unwrap();
    std::os::unix::fs::symlink(session.with_file_name("later.jsonl"), &dangling).unwrap();
    for file in [session.clone(), session.with_file_name("mine.jsonl"), link, hard, dangling] {
        let ran = place.task(&["--sink", &format!("file:{}", file.display())]).exits(2);
        assert!(ran.stderr.contains("session files are kept there"), "{ran}");
    }
    let itself = format!("file:{}", session.display());
    let _ran = place.run(&["replay", "latest", "--sink", &itself]).exits(2);
}

#[test]
fn no_sink_writes_to_files_of_the_project_or_the_evidence() {
    let place = scripted(&approved("edit a.txt a"));
    let _ran = place.task(&[]).exits(0);
    let evidence = place.session().start.evidence_dir.unwrap();
    place.write("tracked.txt", "");
    place.git(&["add", "tracked.txt"]);
    let cases = [
        ("tracked.txt".to_owned(), "git tracks it"),
        (format!("{evidence}/mine"), "the evidence of runs is kept there"),
    ];
    for (file, why) in cases {
        let ran = place.task(&["--sink", &format!("file:{file}")]).exits(2);
        assert!(ran.stderr.contains(why), "{ran}");
    }
}

/// The agents of both rounds come and go; what the command started has to stay until the end, and no
/// longer.
#[test]
fn a_command_and_what_it_started_survive_the_agents_and_not_the_run() {
    let place = workspace();
    let sink = "exec:setsid sh -c 'echo $$ > ../helper; exec sleep 1000' & cat > ../got";
    let script = "on actor\nrun while [ ! -s ../helper ]; do sleep 0.01; done; kill -0 $(cat ../helper)\n\
                  edit a.txt a\n";
    place.script(&format!("{script}{APPROVES}"));
    let _ran = ran_with(&place, sink).exits(0);
    assert_eq!(lines_of(&place.at("got")), lines_of(&place.session_file()));
    assert!(!lives(&place.at("helper")));
}

/// An orphan without its mark, or with one that an agent made up, is still known for the agent's,
/// although a command runs beside it.
#[test]
fn what_an_agent_leaves_behind_is_ended_beside_a_command() {
    let hidings = [
        "env -i",
        "env -u CODELOOPS_RUN_ID CODELOOPS_SINK=x",
        "env CODELOOPS_RUN_ID=x",
        "env CODELOOPS_RUN_ID=x CODELOOPS_SINK=$PPID.1",
    ];
    for hiding in hidings {
        let orphan = format!(
            "run ({hiding} setsid sh -c 'echo $$ > ../orphan; exec sleep 1000' > /dev/null 2>&1 &) \
             ; while [ ! -s ../orphan ]; do sleep 0.01; done"
        );
        let place = scripted(&format!("on actor\n{orphan}\nedit a.txt a\n{APPROVES}"));
        let _ran = ran_with(&place, "exec:cat > ../got").exits(0);
        assert!(!lives(&place.at("orphan")), "{hiding}");
        assert_eq!(lines_of(&place.at("got")), lines_of(&place.session_file()));
    }
}

#[test]
fn a_command_that_does_not_end_is_ended_with_all_that_ignores_it() {
    let place = scripted(&approved("edit a.txt a"));
    place.write("codeloops.toml", SHORT);
    let sink = "exec:sh -c 'trap \"\" TERM; echo $$ > ../deaf; exec sleep 1000' & \
                while [ ! -s ../deaf ]; do sleep 0.01; done; cat > ../got; wait";
    let ran = ran_with(&place, sink).exits(0);
    assert!(!lives(&place.at("deaf")));
    assert_eq!(lines_of(&place.at("got")), lines_of(&place.session_file()));
    let document = ran.document();
    assert_eq!(report(&document)["error"], "it did not end in time by itself, and was ended");
}

/// In a container codeloops may be the first process, or the second.
#[test]
fn in_a_namespace_of_its_own_too() {
    let place = scripted(&approved("edit a.txt a"));
    place.write("codeloops.toml", SHORT);
    let sink = "exec:setsid sh -c 'trap \"\" TERM; exec sleep 1000' & cat > ../got";
    let codeloops = place.command(&["--prompt", "x", "--sink", sink]);
    let mut command = place.program("unshare");
    command.args(["--map-root-user", "-pf", "--mount-proc", "--kill-child", "sh", "-c"]);
    command.arg("\"$@\"; code=$?; ps -eo args > ../left; exit $code").arg("sh");
    command.arg(codeloops.get_program()).args(codeloops.get_args());
    for (name, value) in codeloops.get_envs() {
        command.env(name, value.unwrap_or_default());
    }
    let probe =
        place.program("unshare").args(["--map-root-user", "-pf", "--mount-proc", "true"]).output();
    if !probe.is_ok_and(|probe| probe.status.success()) {
        return eprintln!("nobody may make a namespace here");
    }
    let _ran = place.spawn(command).wait().exits(0);
    let left = fs::read_to_string(place.at("left")).unwrap();
    assert!(!left.lines().any(|line| line == "sleep 1000"), "{left}");
    assert_eq!(lines_of(&place.at("got")), lines_of(&place.session_file()));
}

/// A terminal sends its signal to everybody in the foreground.
#[test]
fn an_interrupted_run_tells_a_command_the_end() {
    let place = scripted("on actor\ntouch ../began\nhang");
    let mut command = place.command(&["--prompt", "x", "--sink", "exec:cat > ../got"]);
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    let run = place.spawn(command);
    wait_for(&place.at("began"));
    rustix::process::kill_process_group(run.pid(), Signal::INT).unwrap();
    let _ran = run.wait().exits(130);
    let lines = lines_of(&place.at("got"));
    assert_eq!(lines, lines_of(&place.session_file()));
    assert!(lines.last().unwrap().contains("\"session_end\""), "{lines:?}");
}

#[test]
fn a_command_reads_the_end_of_its_input_when_codeloops_is_killed() {
    let place = scripted("on actor\ntouch ../began\nhang");
    let run = place.start(&["--prompt", "x", "--sink", "exec:cat > ../got; touch ../over"]);
    wait_for(&place.at("began"));
    run.signal(Signal::KILL);
    let _ran = run.wait();
    wait_for(&place.at("over"));
    let run_id = place.session().start.run_id.unwrap();
    let _ended = codeloops_adapters::end_processes_of_run(&run_id);
}

/// A second signal does not wait for sinks, and leaves nothing behind.
#[test]
fn a_stuck_command_is_ended_when_nobody_waits() {
    let place = scripted(&approved("edit a.txt a"));
    place.write("codeloops.toml", "[sinks]\nclose_timeout = \"10m\"\n");
    let run = place.start(&["--prompt", "x", "--sink", "exec:echo $$ > ../stuck; exec sleep 1000"]);
    wait_until("the end", || {
        place
            .session_files()
            .first()
            .is_some_and(|file| fs::read_to_string(file).unwrap().contains("\"session_end\""))
    });
    run.signal(Signal::TERM);
    run.signal(Signal::TERM);
    let _ran = run.wait().exits(0);
    wait_until("the end of the command", || !lives(&place.at("stuck")));
}

/// What is wrong with a sink, how it is made, and what its report says.
struct Ill {
    sink: &'static str,
    state: &'static str,
    error: &'static str,
}

const SLOW: &str = "exec:until [ $(head -c 200000 | wc -c) = 0 ]; do sleep 0.01; done";

const ILL: [Ill; 9] = [
    Ill { sink: "exec:exec sleep 1000", state: "detached", error: "did not end in time" },
    Ill { sink: "exec:no-such-program", state: "detached", error: "exit code 127: " },
    Ill { sink: "exec:exit 1", state: "detached", error: "exit code 1" },
    Ill { sink: "exec:kill -9 $$", state: "detached", error: "signal 9" },
    Ill { sink: "exec:cat > /dev/full", state: "detached", error: "No space left on device" },
    Ill { sink: "exec:exec <&-; sleep 1000", state: "detached", error: "did not end in time" },
    Ill { sink: SLOW, state: "finished", error: "" },
    Ill { sink: "file:/dev/full", state: "detached", error: "No space left on device" },
    Ill { sink: "file:../pipe", state: "abandoned", error: "still busy" },
];

#[test]
fn the_last_words_of_a_command_show_no_credential() {
    let place = scripted(&approved("edit a.txt a"));
    let token = format!("ghp_{}", "a1B2c3D4e5F6".repeat(3));
    place.write("../token", &token);
    let ran = ran_with(&place, "exec:echo no $(cat ../token) >&2; exit 1").exits(0);
    let document = ran.document();
    let error = report(&document)["error"].as_str().unwrap();
    assert!(error.starts_with("it ended with exit code 1: no ["), "{error}");
    assert!(!error.contains(&token), "{error}");
}

/// An actor whose output no pipe holds.
fn long() -> String {
    format!("on actor\nflood 500000 64\nedit a.txt a\n{APPROVES}")
}

/// A pipe that is open, and that nobody reads.
fn unread_pipe(place: &Workspace) -> fs::File {
    let path = place.at("pipe");
    let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
    rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, mode, 0).unwrap();
    fs::File::options().read(true).write(true).open(path).unwrap()
}

#[test]
fn no_trouble_of_a_sink_is_any_of_the_runs() {
    let healthy = scripted(&long());
    healthy.write("codeloops.toml", SHORT);
    let expected = healthy.task(&["--json-output"]).exits(0).document();
    let session =
        |place: &Workspace| place.redact(&fs::read_to_string(place.session_file()).unwrap());
    for Ill { sink, state, error } in ILL {
        let place = scripted(&long());
        place.write("codeloops.toml", SHORT);
        let _pipe = unread_pipe(&place);
        let document = ran_with(&place, sink).exits(0).document();
        let told = report(&document);
        let why = told["error"].as_str().unwrap_or_default();
        assert!(told["state"] == state && why.contains(error), "{sink}: {told}");
        assert!(session(&place) == session(&healthy), "{sink}: the session differs");
        for field in ["outcome", "stop_reason", "iterations", "summary", "exit_code", "error"] {
            assert_eq!(document[field], expected[field], "{sink}: {field}");
        }
    }
}

/// What nobody reads is full, whoever filled it.
fn filled(pipe: &fs::File) -> fs::File {
    let writer = pipe.try_clone().unwrap();
    let flags = rustix::fs::fcntl_getfl(&writer).unwrap();
    rustix::fs::fcntl_setfl(&writer, flags | rustix::fs::OFlags::NONBLOCK).unwrap();
    while rustix::io::write(&writer, &[b'.'; 4096]).is_ok() {}
    rustix::fs::fcntl_setfl(&writer, flags).unwrap();
    writer
}

/// A program's words stand in the way of our own there, and of nothing else.
#[test]
fn a_standard_error_that_nobody_reads_holds_up_no_end() {
    let sinks: [&[&str]; 3] = [
        &["--sink", "exec:yes"],
        &["--sink", "exec:yes >&2", "--sink", "console"],
        &["--sink", "exec:cat; exit 1", "--sink", "console"],
    ];
    for (sinks, format) in sinks.iter().flat_map(|sinks| [(sinks, true), (sinks, false)]) {
        let place = scripted(&approved("edit a.txt a"));
        place.write("codeloops.toml", SHORT);
        let pipe = unread_pipe(&place);
        let mut command = place.command(&["--prompt", "x"]);
        let out = place.at("out");
        command.args(*sinks).args(format.then_some("--json-output"));
        command.stdout(fs::File::create(&out).unwrap()).stderr(filled(&pipe));
        let mut run = command.spawn().unwrap();
        let mut ended = None;
        wait_until("the end", || {
            ended = run.try_wait().unwrap();
            ended.is_some()
        });
        assert_eq!(ended.unwrap().code(), Some(0), "{sinks:?}");
        let out = fs::read_to_string(out).unwrap();
        if format {
            let document: Value = serde_json::from_str(&out).unwrap();
            assert_eq!(document["outcome"], "success", "{sinks:?}");
        } else if sinks.contains(&"console") {
            assert!(out.contains("Session saved"), "{sinks:?}: {out}");
        }
    }
}

/// The console is such a sink: it blocks for ever, or its disk is full.
#[test]
fn no_trouble_of_the_console_is_any_of_the_runs() {
    let healthy = scripted(&long());
    healthy.write("codeloops.toml", SHORT);
    let _ran = healthy.task(&[]).exits(0);
    let session =
        |place: &Workspace| place.redact(&fs::read_to_string(place.session_file()).unwrap());
    let full = || fs::File::options().write(true).open("/dev/full").unwrap();
    let place = workspace();
    let stuck = unread_pipe(&place);
    for stdout in [full(), filled(&stuck)] {
        let place = scripted(&long());
        place.write("codeloops.toml", SHORT);
        let mut command = place.command(&["--prompt", "Fix the typo"]);
        command.stdout(stdout).stderr(std::process::Stdio::null());
        let mut run = command.spawn().unwrap();
        assert_eq!(run.wait().unwrap().code(), Some(0));
        assert!(session(&place) == session(&healthy), "the session differs");
    }
}
