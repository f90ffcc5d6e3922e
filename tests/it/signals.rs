//! Ctrl+C, SIGTERM and SIGHUP: the first ends the run with grace, the second at once.

use std::fs;
use std::io::{PipeReader, PipeWriter, Write};
use std::path::PathBuf;
use std::process::{Child, Stdio};

use codeloops_event::{Event, Outcome, StopReason, TreeCheck};
use codeloops_tests::{Running, Workspace, wait_for, wait_until};
use rustix::fs::{FileType, Mode};
use rustix::process::{Pid, Signal, kill_process};

use crate::rough::{
    assert_nothing_is_left, end, eventually, line_where, place, place_with_shell_agent, whole_lines,
};
use crate::scripted;
use crate::scripts::approved;

const STOPS: [(Signal, &str); 3] =
    [(Signal::INT, "SIGINT"), (Signal::TERM, "SIGTERM"), (Signal::HUP, "SIGHUP")];

/// Works until it is told to stop, then saves its work and ends. `$BUSY` is the role that does; the
/// other one does its turn.
const POLITE: &str = r#"
echo "$CODELOOPS_ROLE" >> ../calls
cat > /dev/null
echo done > "$CODELOOPS_ROLE.txt"
if [ "$CODELOOPS_ROLE" = "$BUSY" ]; then
    trap 'echo saved > ../saved; exit 0' TERM INT
    : > ../busy
    while :; do sleep 0.01; done
fi
"#;

/// Its provider is overloaded whenever it is asked.
const OVERLOADED: &str = r#"
echo "$CODELOOPS_ROLE" >> ../calls
cat > /dev/null
echo '{"type":"turn.started"}'
echo '{"type":"turn.failed","error":{"message":"the model is overloaded"}}'
"#;

/// Its provider's usage window is used up, and resets in five hours.
const USED_UP: &str = r#"
echo "$CODELOOPS_ROLE" >> ../calls
cat > /dev/null
echo '{"type":"turn.started"}'
echo '{"type":"turn.failed","error":{"message":"You hit your usage limit. Try again in 5 hours."}}'
"#;

/// Does not end, however it is asked, and counts how often it was.
const STUBBORN: &str = "
cat > /dev/null
trap 'echo asked >> ../asked; : > ../told' TERM INT
: > ../busy
while :; do sleep 0.01; done
";

fn start(place: &Workspace, busy: &str) -> Running {
    let mut command = place.command(&["--prompt", "Fix the typo", "--json-output"]);
    command.env("BUSY", busy);
    place.spawn(command)
}

/// What every first signal leads to, whatever the run was doing.
#[track_caller]
fn assert_interrupted(place: &Workspace, run: Running, (signal, name): (Signal, &str)) {
    run.signal(signal);
    let output = run.wait().exits(130);
    let document = output.document();
    assert_eq!(document["outcome"], "interrupted", "{output}");
    assert_eq!(document["stop_reason"], "interrupted", "{output}");
    assert_eq!(document["exit_code"], 130, "{output}");
    let end = end(place);
    assert_eq!((end.outcome, end.iterations), (Outcome::Interrupted, 0));
    assert_eq!(end.stop_reason, Some(StopReason::Interrupted));
    let asked = line_where(place, "the request", |e| matches!(e, Event::StopRequested(_)));
    let Event::StopRequested(asked) = asked else { unreachable!() };
    assert_eq!((asked.signal.as_str(), asked.now), (name, false));
    assert_nothing_is_left(place);
}

#[track_caller]
fn assert_calls(place: &Workspace, calls: &str) {
    assert_eq!(fs::read_to_string(place.at("calls")).unwrap(), calls, "who was started");
}

#[test]
fn while_the_actor_works_it_may_save_its_work_and_no_critic_is_started() {
    for stop in STOPS {
        let place = place_with_shell_agent("text", POLITE);
        let run = start(&place, "actor");
        wait_for(&place.at("busy"));
        assert_interrupted(&place, run, stop);
        assert!(place.at("saved").exists(), "{}: the actor had no time to save its work", stop.1);
        assert_calls(&place, "actor\n");
        assert_eq!(place.read("actor.txt"), "done\n", "its work stays");
    }
}

#[test]
fn while_the_critic_works_it_is_ended_and_no_round_follows() {
    for stop in STOPS {
        let place = place_with_shell_agent("text", POLITE);
        let run = start(&place, "critic");
        wait_for(&place.at("busy"));
        assert_interrupted(&place, run, stop);
        assert!(place.at("saved").exists(), "{}: the critic was not asked to end", stop.1);
        assert_calls(&place, "actor\ncritic\n");
        assert_eq!(place.read("actor.txt"), "done\n", "the actor's work stays");
    }
}

#[test]
fn while_a_run_waits_for_its_provider_it_ends_without_another_try() {
    for stop in STOPS {
        let place = place_with_shell_agent("codex-json", OVERLOADED);
        let run = start(&place, "");
        line_where(&place, "a wait", |event| matches!(event, Event::Waiting(_)));
        assert_interrupted(&place, run, stop);
        assert_calls(&place, "actor\n");
    }
}

/// It would have waited for hours.
#[test]
fn while_a_run_waits_for_a_usage_limit_to_reset_it_ends_at_once() {
    for stop in STOPS {
        let place = place_with_shell_agent("codex-json", USED_UP);
        let run = start(&place, "");
        let wait = line_where(&place, "a wait", |event| matches!(event, Event::Waiting(_)));
        let Event::Waiting(wait) = wait else { unreachable!() };
        assert!((wait.until - wait.timestamp).num_hours() >= 4, "{wait:?}");
        assert_interrupted(&place, run, stop);
        assert_calls(&place, "actor\n");
    }
}

/// Asked once, the agent would be asked a second time when its grace is over, and only then killed.
#[test]
fn a_second_signal_kills_at_once() {
    for (second, name) in STOPS {
        let place = place_with_shell_agent("text", STUBBORN);
        let run = start(&place, "");
        wait_for(&place.at("busy"));
        run.signal(Signal::INT);
        wait_for(&place.at("told"));
        run.signal(second);
        let output = run.wait().exits(130);
        assert_eq!(output.document()["stop_reason"], "interrupted", "{output}");
        let asked = fs::read_to_string(place.at("asked")).unwrap();
        assert_eq!(asked, "asked\n", "{name}: it was asked again instead of killed");
        let now = |e: &Event| matches!(e, Event::StopRequested(e) if e.now && e.signal == name);
        line_where(&place, "the second request", now);
        assert_nothing_is_left(&place);
    }
}

/// Changes what it judges, and does not end however it is asked.
const STUBBORN_CRITIC: &str = r#"
cat > /dev/null
if [ "$CODELOOPS_ROLE" = actor ]; then echo work > work.txt; exit; fi
trap ': > ../told' TERM INT
echo more >> work.txt
echo new > of-the-critic.txt
: > ../busy
while :; do sleep 0.01; done
"#;

/// The user does not wait for a look at the tree then, but can have one.
#[test]
fn a_critic_that_is_killed_at_once_may_have_changed_the_tree_and_that_is_told() {
    let place = place_with_shell_agent("text", STUBBORN_CRITIC);
    let run = start(&place, "");
    wait_for(&place.at("busy"));
    run.signal(Signal::INT);
    wait_for(&place.at("told"));
    run.signal(Signal::TERM);
    let output = run.wait().exits(130);
    assert_nothing_is_left(&place);

    let told = line_where(&place, "what is told", |e| matches!(e, Event::TreeUnverified(_)));
    let captured = line_where(&place, "the snapshot", |e| matches!(e, Event::DiffCaptured(_)));
    let (Event::TreeUnverified(told), Event::DiffCaptured(captured)) = (told, captured) else {
        unreachable!()
    };
    assert_eq!(place.git(&["rev-parse", &told.before]).trim(), captured.tree.0);
    assert_eq!(place.read("work.txt"), "work\nmore\n", "nothing was put back");

    assert!(output.stderr.contains(&format!("kept as {}\n", told.before)), "{output}");
    let (_, command) = output.stderr.split_once("To see what differs: ").unwrap();
    let command = command.lines().next().unwrap();
    let shown = place.program("sh").args(["-c", command]).output().unwrap();
    let shown = String::from_utf8(shown.stdout).unwrap();
    let changes: Vec<_> = shown.lines().filter(|l| l.starts_with(['+', '-'])).collect();
    let expected = [
        "--- /dev/null",
        "+++ b/of-the-critic.txt",
        "+new",
        "--- a/work.txt",
        "+++ b/work.txt",
        "+more",
    ];
    assert_eq!(changes, expected, "{command}\n{shown}");
    assert_eq!(place.git(&["status", "--porcelain"]), "?? of-the-critic.txt\n?? work.txt\n");
}

/// Git cannot go on with putting the critic's change back until the test lets it.
#[test]
fn what_has_begun_to_be_put_back_is_waited_for_however_often_one_asks() {
    let place = place_with_shell_agent(
        "text",
        "cat > /dev/null\n\
         if [ $CODELOOPS_ROLE = critic ]; then echo critics > tool.bin; fi\n\
         printf 'DECISION: DONE\\n\\nSUMMARY: It is done.\\n'\n",
    );
    let (begun, go) = (place.at("begun"), place.at("go"));
    let wait = format!(": > {begun:?}; until [ -e {go:?} ]; do sleep 0.01; done; cat");
    place.write(".gitattributes", "*.bin filter=held\n");
    place.write("tool.bin", "users\n");
    place.git(&["add", "."]);
    place.git(&["commit", "--quiet", "--message", "a tool"]);
    place.git(&["config", "filter.held.smudge", &wait]);

    let run = start(&place, "");
    wait_for(&begun);
    let asks =
        || whole_lines(&place).iter().filter(|e| matches!(e, Event::StopRequested(_))).count();
    for asked in 1..=2 {
        run.signal(Signal::INT);
        eventually("the request", || (asks() == asked).then_some(()));
    }
    run.signal(Signal::INT);
    eventually("the third request", || (asks() == 3).then_some(()));
    assert_eq!(place.read("tool.bin"), "critics\n", "it is being put back");
    let ended = |event: &Event| matches!(event, Event::TreeChecked(_) | Event::SessionEnd(_));
    assert!(!whole_lines(&place).iter().any(ended), "nothing is told of it before it is done");
    fs::write(&go, "").unwrap();
    let output = run.wait().exits(130);

    assert_eq!(place.read("tool.bin"), "users\n");
    let told = line_where(&place, "what is told", |e| matches!(e, Event::TreeChecked(_)));
    let Event::TreeChecked(told) = told else { unreachable!() };
    assert!(matches!(told.check, TreeCheck::Changed { restored: true, .. }), "{told:?}");
    assert!(output.stderr.contains("is finished first\n"), "{output}");
    assert!(output.stderr.contains("the actor's tree was put back\n"), "{output}");
    assert!(!output.stderr.contains("may differ"), "{output}");
    assert_nothing_is_left(&place);
}

/// `nohup` starts a program with SIGHUP ignored; closing the terminal is not to end it then.
#[test]
fn a_signal_that_the_starter_ignores_stays_ignored() {
    let place = place_with_shell_agent("text", POLITE);
    let mut command = place.program("sh");
    let codeloops = place.command(&["--prompt", "Fix the typo", "--json-output"]);
    command.args(["-c", "trap '' HUP; exec \"$@\"", "sh"]).arg(codeloops.get_program());
    command.args(codeloops.get_args()).env("BUSY", "actor");
    let run = place.spawn(command);
    wait_for(&place.at("busy"));
    run.signal(Signal::HUP);
    assert_interrupted(&place, run, STOPS[1]);
}

/// A repository whose first snapshot does not come to its end: git waits for a filter.
fn place_that_opens_for_ever() -> Workspace {
    let place = place_with_shell_agent("text", POLITE);
    place.git(&["config", "filter.slow.clean", ": > ../busy; exec sleep 600"]);
    place.write(".gitattributes", "*.bin filter=slow\n");
    place.write("large.bin", "large\n");
    place
}

#[test]
fn while_the_repository_is_opened_nothing_is_left_of_the_run() {
    for (signal, _) in STOPS {
        let place = place_that_opens_for_ever();
        let objects = place.git(&["count-objects", "--verbose"]);
        let run = start(&place, "");
        wait_for(&place.at("busy"));
        run.signal(signal);
        let output = run.wait().exits(130);
        let document = output.document();
        assert_eq!(document["outcome"], "interrupted", "{output}");
        assert_eq!(document["stop_reason"], "interrupted", "{output}");
        let told = "Error: interrupted before an agent was started\n";
        assert_eq!(output.stderr, told);
        assert_nothing_is_left(&place);
        assert_eq!(place.git(&["count-objects", "--verbose"]), objects);
        assert_eq!(place.session_files().len(), 0);
        assert_eq!(fs::read_dir(place.data_dir().join("runs")).unwrap().count(), 0);
        assert_eq!(place.git(&["for-each-ref", "refs/codeloops"]), "");
    }
}

/// A git that the run does not wait for any more has nobody who would.
#[test]
fn a_snapshot_that_is_given_up_leaves_nothing() {
    let actor = "cat > /dev/null; echo slow > tool.bin\n";
    let place = place_with_shell_agent("text", actor);
    let (busy, held) = (place.at("busy"), place.at("held"));
    let clean = format!(
        "cat > {held:?}; if grep -q slow {held:?}; then : > {busy:?}; exec sleep 600; fi; cat {held:?}"
    );
    place.git(&["config", "filter.held.clean", &clean]);
    place.write(".gitattributes", "*.bin filter=held\n");
    place.write("tool.bin", "users\n");
    let run = start(&place, "");
    wait_for(&busy);
    run.signal(Signal::INT);
    line_where(&place, "the request", |e| matches!(e, Event::StopRequested(_)));
    run.signal(Signal::INT);
    let output = run.wait().exits(130);
    assert_eq!(output.document()["stop_reason"], "interrupted", "{output}");
    assert_nothing_is_left(&place);
}

/// A task that somebody still types.
#[test]
fn before_a_run_begins_nothing_is_made_and_a_signal_ends_the_program_as_any_other() {
    for ((signal, _), code) in STOPS.into_iter().zip([130, 143, 129]) {
        let place = place_with_shell_agent("text", POLITE);
        let task = place.at("task");
        rustix::fs::mknodat(rustix::fs::CWD, &task, FileType::Fifo, Mode::RWXU, 0).unwrap();
        let run = place.start(&["--prompt-file", task.to_str().unwrap()]);
        let writer = fs::File::options().write(true).open(&task).unwrap();
        run.signal(signal);
        let output = run.wait().exits(code);
        drop(writer);
        assert_eq!((output.stdout.as_str(), output.stderr.as_str()), ("", ""));
        assert!(!place.data_dir().exists() && !place.at("project/.git/codeloops").exists());
    }
}

const APPROVED_AT_ONCE: &str = "
on critic
print DECISION: DONE
print SUMMARY: Nothing was to be done.
";

/// A pipe that takes no more, as of a pager that nobody scrolls on.
fn full_pipe() -> (PipeReader, PipeWriter) {
    let (reader, mut writer) = std::io::pipe().unwrap();
    let flags = rustix::fs::fcntl_getfl(&writer).unwrap();
    rustix::fs::fcntl_setfl(&writer, flags | rustix::fs::OFlags::NONBLOCK).unwrap();
    while writer.write(&[b'.'; 4096]).is_ok() {}
    rustix::fs::fcntl_setfl(&writer, flags).unwrap();
    (reader, writer)
}

fn print_to_full_pipe(place: &Workspace, options: &[&str]) -> (PipeReader, Child) {
    let (reader, writer) = full_pipe();
    let mut command = place.command(&[&["--prompt", "Fix the typo"], options].concat());
    (reader, command.stdout(writer).stderr(Stdio::null()).spawn().unwrap())
}

#[test]
fn a_reader_who_does_not_read_keeps_no_run_from_its_end() {
    let place = place();
    place.script(APPROVED_AT_ONCE);
    place.write("codeloops.toml", "[sinks]\nclose_timeout = \"100ms\"\n");
    let (_reader, mut run) = print_to_full_pipe(&place, &[]);
    let status = eventually("the end of the program", || run.try_wait().unwrap());
    assert_eq!(status.code(), Some(0));
    assert_eq!(end(&place).stop_reason, Some(StopReason::Approved));
}

/// The result is what was asked for, so it is waited for until it is read, or until a signal says
/// that nobody will.
#[test]
fn a_signal_after_the_end_of_the_run_ends_the_program_with_the_runs_exit_code() {
    let place = place();
    place.script(APPROVED_AT_ONCE);
    let (_reader, mut run) = print_to_full_pipe(&place, &["--json-output"]);
    line_where(&place, "the end", |event| matches!(event, Event::SessionEnd(_)));
    let status = eventually("the end of the program", || {
        kill_process(Pid::from_child(&run), Signal::INT).unwrap();
        run.try_wait().unwrap()
    });
    assert_eq!(status.code(), Some(0));
}

/// The run is over, and a sink that holds up its end is not waited for; what became of it is told.
#[test]
fn who_asks_for_the_end_while_a_sink_closes_gets_the_result() {
    let place = scripted(&approved("edit a.txt a"));
    place.write("codeloops.toml", "[sinks]\nclose_timeout = \"10m\"\n");
    let sink = "exec:trap '' TERM; exec sleep 1000";
    let run = place.start(&["--prompt", "x", "--json-output", "--sink", sink]);
    wait_until("the end", || {
        let written =
            |file: &PathBuf| fs::read_to_string(file).unwrap().contains("\"session_end\"");
        place.session_files().first().is_some_and(written)
    });
    run.signal(Signal::INT);
    run.signal(Signal::INT);
    let document = run.wait().exits(0).document();
    assert_eq!(document["outcome"], "success");
    assert_eq!(document["sinks"][0]["error"], "the user asked for the end", "{document}");
}
