//! What agents leave behind: processes in every hiding place, held pipes, floods.

use std::fs::{self, File};

use codeloops_event::{AgentOutcome, CutOffKind, Event, LimitKind};
use codeloops_tests::{Workspace, wait_for};
use rustix::process::{Pid, Signal, kill_process};

use crate::rough::{assert_nothing_is_left, line_where, lives, noted_pid, place};

/// One process for each way to get out of sight; each notes its id in `<name>.pid`:
/// - `daemon`: a session of its own;
/// - `holder`: inherits the pipes, and its parent ends before it;
/// - `stranger`: a session of its own, a parent that is gone, and an environment without a trace;
/// - `stubborn`: like it, and deaf to SIGTERM;
/// - `hydra`: where it is asked to end it starts a daemon in its place, `head`;
/// - `headless`: its first thread has ended, so that it looks like a zombie.
const HIDE: &str = r#"
setsid-child ../daemon.pid
spawn-orphan ../holder.pid
run env -i "PATH=$PATH" setsid sh -c 'echo $$ > ../s.tmp; mv ../s.tmp ../stranger.pid; exec sleep 100000' > /dev/null 2>&1 &
run env -i "PATH=$PATH" setsid sh -c 'trap "" TERM; echo $$ > ../d.tmp; mv ../d.tmp ../stubborn.pid; exec sleep 100000' > /dev/null 2>&1 &
run setsid sh -c 'trap "setsid sleep 100000 & echo \$! > ../head.pid" TERM; echo $$ > ../h.tmp; mv ../h.tmp ../hydra.pid; while :; do sleep 0.01; done' > /dev/null 2>&1 &
wait-file ../stranger.pid
wait-file ../stubborn.pid
run setsid python3 ../headless.py > /dev/null 2>&1 &
wait-file ../hydra.pid
wait-file ../headless.pid
edit work.txt done
touch ../busy
"#;

const HEADLESS: &str = r#"
import ctypes, os, threading, time

def go_on():
    while open("/proc/self/stat").read().rsplit(")")[1][1] != "Z":
        time.sleep(0.001)
    with open("../headless.tmp", "w") as file:
        file.write(str(os.getpid()))
    os.rename("../headless.tmp", "../headless.pid")
    time.sleep(100000)

threading.Thread(target=go_on).start()
ctypes.CDLL(None).pthread_exit(None)
"#;

const HIDDEN: [&str; 6] = ["daemon", "holder", "stranger", "stubborn", "hydra", "headless"];

/// The critic fails where one of them is still there when it is started.
const CRITIC: &str = "
on critic
run for file in ../*.pid; do ! kill -0 $(cat $file) || exit 1; done
print DECISION: DONE
print SUMMARY: It is done.
";

fn script(actor_ends: &str) -> String {
    format!("on actor\n{HIDE}\n{actor_ends}\n{CRITIC}")
}

/// A place whose agents hide all of these.
fn hiding_place() -> Workspace {
    let place = place();
    fs::write(place.at("headless.py"), HEADLESS).unwrap();
    place
}

#[track_caller]
fn assert_none_lives(place: &Workspace) {
    for name in HIDDEN.iter().chain(&["head"]) {
        let file = place.at(&format!("{name}.pid"));
        // Whether the hydra comes to grow a head depends on who is killed first.
        if *name != "head" || file.exists() {
            assert!(!lives(noted_pid(&file)), "{name} lives on");
        }
    }
    assert_nothing_is_left(place);
}

#[track_caller]
fn leftovers(place: &Workspace) -> (AgentOutcome, u32) {
    let events = place.events();
    let completed = events.into_iter().find_map(|event| match event {
        Event::ActorCompleted(completed) => Some((completed.outcome, completed.leftovers)),
        _ => None,
    });
    completed.expect("the actor's turn is over")
}

#[test]
fn nothing_that_an_agent_started_outlives_its_turn() {
    let place = hiding_place();
    place.script(&script(""));
    let _output = place.task(&[]).exits(0);
    assert_none_lives(&place);
    let (outcome, leftovers) = leftovers(&place);
    assert_eq!(outcome, AgentOutcome::Completed);
    assert!(leftovers >= 6, "{leftovers} were told of");
}

#[test]
fn nothing_that_an_agent_started_outlives_a_timeout() {
    let place = hiding_place();
    place.script(&script("hang"));
    let _output = place.task(&["--actor-timeout", "3s"]).exits(0);
    assert!(place.at("busy").exists(), "the actor came so far within its time");
    assert_none_lives(&place);
    let (outcome, _) = leftovers(&place);
    assert_eq!(outcome, AgentOutcome::TimedOut { limit: LimitKind::Total, after_ms: 3000 });
}

#[test]
fn nothing_that_an_agent_started_outlives_an_interruption() {
    for (hearing, signals) in [("", 1), ("ignore-term", 2)] {
        let place = hiding_place();
        place.script(&script(&format!("{hearing}\ntouch ../ready\nhang")));
        let run = place.start(&["--prompt", "Fix the typo"]);
        wait_for(&place.at("ready"));
        for _ in 0..signals {
            run.signal(Signal::INT);
            line_where(&place, "the request", |e| matches!(e, Event::StopRequested(_)));
        }
        let _output = run.wait().exits(130);
        assert_none_lives(&place);
    }
}

/// A shell that becomes codeloops by `exec` leaves it children that it did not start. What they leave
/// behind is adopted like an agent's orphan, and is none.
#[test]
fn what_was_there_before_the_run_is_not_taken_for_the_agents() {
    const SHELL: &str = "(
        while [ ! -e ../go ]; do sleep 0.01; done
        setsid sh -c 'echo $$ > ../m.tmp; mv ../m.tmp ../mine.pid; exec sleep 100000' &
    ) > /dev/null 2>&1 &
    exec \"$@\"";
    let place = place();
    place.script(
        "on actor\ntouch ../go\nwait-file ../mine.pid\nedit a b\n\
         on critic\nprint DECISION: DONE\nprint SUMMARY: Good.\n",
    );
    let codeloops = place.command(&["--prompt", "Fix the typo"]);
    let mut shell = place.program("sh");
    shell.args(["-c", SHELL, "sh"]).arg(codeloops.get_program()).args(codeloops.get_args());
    let _output = place.spawn(shell).wait();
    let mine = noted_pid(&place.at("mine.pid"));
    assert!(lives(mine), "the user's own process was killed");
    let pid = Pid::from_raw(i32::try_from(mine).unwrap()).unwrap();
    kill_process(pid, Signal::KILL).unwrap();
    let (_, leftovers) = leftovers(&place);
    assert_eq!(leftovers, 0);
}

/// Somebody outside of the agent's family can hold its pipe: a server that it handed it to, or,
/// here, this test.
#[test]
fn a_pipe_that_a_stranger_holds_open_does_not_hang_the_run() {
    let place = place();
    place.script(
        "on actor\nprint I begin.\nrun echo $PPID > ../actor.tmp && mv ../actor.tmp ../actor.pid\n\
         wait-file ../held\nprint I end.\non critic\nprint DECISION: DONE\nprint SUMMARY: Good.\n",
    );
    let run = place.start(&["--prompt", "Fix the typo"]);
    wait_for(&place.at("actor.pid"));
    let pid = noted_pid(&place.at("actor.pid"));
    let _held = File::options().append(true).open(format!("/proc/{pid}/fd/1")).unwrap();
    fs::write(place.at("held"), "").unwrap();
    let _output = run.wait().exits(0);
    assert_eq!(place.session().iterations[0].actor_output, "I begin.\nI end.\n");
    assert_nothing_is_left(&place);
}

/// 200 MB in short lines, then in one that has no end: neither is held in memory. What the program
/// takes anyway depends on how it was built.
#[test]
fn memory_does_not_grow_with_what_an_agent_prints() {
    let anyway = peak_of_a_run(64, 64);
    for line in [64, 200_000_001] {
        let peak = peak_of_a_run(200_000_000, line);
        let more = peak.saturating_sub(anyway);
        assert!(more < 12 * 1024, "lines of {line} bytes took {more} KiB more than {anyway}");
    }
}

/// KiB of a run whose actor prints so many bytes in lines of so many.
fn peak_of_a_run(bytes: u64, line: u64) -> u64 {
    let place = place();
    place.script(&format!(
        "on actor\nflood {bytes} {line}\n\
         on critic\ntouch ../judging\nwait-file ../measured\n\
         print DECISION: DONE\nprint SUMMARY: Good.\n"
    ));
    let run = place.start(&["--prompt", "Fix the typo"]);
    wait_for(&place.at("judging"));
    let peak = peak_kib(run.pid().as_raw_nonzero().get());
    fs::write(place.at("measured"), "").unwrap();
    let _output = run.wait().exits(0);
    let printed = fs::metadata(place.evidence("iterations/1/actor.stdout")).unwrap();
    assert_eq!(printed.len(), bytes, "all of it is kept");
    peak
}

/// Prints a line of 150 MB without an end in its first call, and waits in the second one.
const ENDLESS_LINE: &str = "
on actor
edit a.txt a
on critic
run if [ -e ../begun ]; then touch ../again; else cat ../begin; head -c 150000000 /dev/zero | tr '\\0' x; fi
run if [ -e ../again ]; then while [ ! -e ../measured ]; do sleep 0.01; done; else touch ../begun; fi
";

/// It begins like an approval, in a stream of events and in a text.
#[test]
fn an_endless_line_of_the_critic_takes_no_memory_and_approves_nothing() {
    let result =
        r#"{"type":"result","subtype":"success","is_error":false,"result":"DECISION: DONE"#;
    let cut_off = AgentOutcome::CutOff { how: CutOffKind::NoFinalEvent };
    for (output, begin, outcome) in [
        ("claude-stream-json", result, cut_off),
        ("text", "DECISION: DONE ", AgentOutcome::Completed),
    ] {
        let place = place();
        place.script(ENDLESS_LINE);
        let agent = place.fake_agent();
        place.global_config(&format!(
            "[defaults]\nagent = \"fake\"\n\n{agent}output = {output:?}\n"
        ));
        place.write("../begin", begin);
        let run = place.start(&["--prompt", "Fix the typo"]);
        wait_for(&place.at("again"));
        let peak = peak_kib(run.pid().as_raw_nonzero().get());
        fs::write(place.at("measured"), "").unwrap();
        let _output = run.wait().exits(2);
        // The longest line that is read is held until it is known to be longer.
        assert!(peak < 56 * 1024, "{output} took {peak} KiB");
        let first = place.events().into_iter().find_map(|event| match event {
            Event::CriticCompleted(e) => Some(e.outcome),
            _ => None,
        });
        assert_eq!(first, Some(outcome));
    }
}

/// The most memory that a process has had at a time.
fn peak_kib(pid: i32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    peak.trim().trim_end_matches(" kB").parse().unwrap()
}
