//! A run that is stopped or killed while a gate runs, and goes on.

use std::fs;

use codeloops_event::{Event, GateStatus, Outcome, StopReason};
use codeloops_tests::{Running, Workspace, wait_for};
use rustix::process::Signal;

use super::{assert_verified, configure, counted, results};
use crate::rough::{
    assert_nothing_is_left, eventually, line_where, lives, noted_pid, place, processes_in,
};

/// Counts itself and its calls, hides a daemon, and waits until it is let go.
const SLOW: &str = r#"
echo run >> ../runs
setsid sh -c 'echo $$ > ../s.tmp; mv ../s.tmp ../daemon.pid; exec sleep 100000' > /dev/null 2>&1 &
while ! [ -e ../daemon.pid ]; do sleep 0.01; done
echo $$ > ../g.tmp; mv ../g.tmp ../gate.pid
while ! [ -e ../go ]; do sleep 0.01; done
echo 'the gate is through'
"#;

const CONFIG: &str = "[[gates]]\nname = \"first\"\nrun = \"echo run >> ../first\"\n\
                      [[gates]]\nname = \"slow\"\nrun = \"sh ../slow.sh\"\n\
                      [[gates]]\nname = \"last\"\nrun = \"echo run >> ../last\"\n";

const SCRIPT: &str = "
on actor
run echo run >> ../actors
edit work.txt done
on critic
run echo run >> ../critics
print DECISION: DONE\\n\\nSUMMARY: It is done.
";

fn slow() -> Workspace {
    let place = place();
    place.script(SCRIPT);
    fs::write(place.at("slow.sh"), SLOW).unwrap();
    configure(&place, CONFIG);
    place
}

/// Where the slow gate is met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Met {
    Baseline,
    Round,
}

impl Met {
    fn start(self, place: &Workspace) -> Running {
        let flag: &[&str] = if self == Self::Round { &["--no-baseline"] } else { &[] };
        let run = place.start(&[&["--prompt", "Fix the typo"], flag].concat());
        let _line = line_where(
            place,
            "the gate's start",
            |event| matches!(event, Event::GateStarted(e) if e.gate == "slow"),
        );
        wait_for(&place.at("gate.pid"));
        run
    }

    const fn iteration(self) -> u32 {
        match self {
            Self::Baseline => 0,
            Self::Round => 1,
        }
    }
}

fn gate_processes(place: &Workspace) -> [u32; 2] {
    ["gate", "daemon"].map(|name| noted_pid(&place.at(&format!("{name}.pid"))))
}

/// What each part was called before, and what it is called in all once the run went on.
#[track_caller]
fn assert_goes_on(place: &Workspace, met: Met) {
    let before = gate_processes(place);
    for name in ["gate", "daemon"] {
        fs::remove_file(place.at(&format!("{name}.pid"))).unwrap();
    }
    let resumed = place.start(&["run", "--resume", "latest"]);
    wait_for(&place.at("gate.pid"));
    assert!(before.iter().all(|pid| !lives(*pid)), "what was left is ended before it runs again");
    fs::write(place.at("go"), "").unwrap();
    let output = resumed.wait().exits(0);
    assert_nothing_is_left(place);

    let end = place.session().end.unwrap();
    assert_eq!((end.outcome, end.iterations), (Outcome::Success, 1), "{output}");
    assert_eq!((counted(place, "actors"), counted(place, "critics")), (1, 1));
    // Once before the run and once in the round, or in the round alone.
    let times = if met == Met::Baseline { 2 } else { 1 };
    assert_eq!(counted(place, "first"), times, "what was through is not run again");
    assert_eq!(counted(place, "last"), times);
    assert_eq!(counted(place, "runs"), times + 1, "the gate that was ended runs again");
    let last = results(place, met.iteration());
    assert_eq!(
        last.iter().rev().find(|gate| gate.name == "slow").unwrap().status,
        GateStatus::Passed
    );
    let log = place.evidence(if met == Met::Baseline { "baseline" } else { "iterations/1" });
    let again = fs::read_to_string(log.join("gates/slow/output-2.log")).unwrap();
    assert_eq!(again, "the gate is through\n", "what was printed first is not overwritten");
    assert_verified(place);
}

fn interrupted(met: Met) {
    let place = slow();
    let run = met.start(&place);
    run.signal(Signal::INT);
    let output = run.wait().exits(130);
    assert!(gate_processes(&place).iter().all(|pid| !lives(*pid)), "the gate and its daemon");
    assert_nothing_is_left(&place);
    let end = place.session().end.unwrap();
    assert_eq!(end.stop_reason, Some(StopReason::Interrupted), "{output}");
    assert_eq!(
        (counted(&place, "last"), counted(&place, "critics")),
        (0, 0),
        "nothing more begins"
    );
    let results = results(&place, met.iteration());
    let slow = results.iter().find(|gate| gate.name == "slow").expect("its result");
    assert!(slow.interrupted && !results[0].interrupted, "{results:?}");
    assert_verified(&place);
    assert_goes_on(&place, met);
}

#[test]
fn interrupted_in_a_round_the_gate_runs_again() {
    interrupted(Met::Round);
}

#[test]
fn interrupted_in_the_baseline_the_gate_runs_again() {
    interrupted(Met::Baseline);
}

fn killed(met: Met) {
    let place = slow();
    let run = met.start(&place);
    run.signal(Signal::KILL);
    let _output = run.wait();
    assert!(gate_processes(&place).iter().all(|pid| lives(*pid)), "it is about what lives on");
    assert_goes_on(&place, met);
    let leftovers = place.events().into_iter().find_map(|event| match event {
        Event::SessionResumed(e) => Some(e.leftovers),
        _ => None,
    });
    assert!(leftovers.is_some_and(|count| count >= 2), "{leftovers:?}");
}

#[test]
fn killed_in_a_round_it_ends_the_gate_that_lives_on_and_runs_it_again() {
    killed(Met::Round);
}

#[test]
fn killed_in_the_baseline_it_ends_the_gate_that_lives_on_and_runs_it_again() {
    killed(Met::Baseline);
}

/// A gate that does not end when it is asked has to, when it is asked again.
#[test]
fn a_second_request_ends_a_gate_at_once() {
    let place = slow();
    fs::write(
        place.at("slow.sh"),
        "trap ': > ../asked' TERM INT\necho $$ > ../g.tmp; mv ../g.tmp ../gate.pid\n\
         while :; do sleep 0.01; done\n",
    )
    .unwrap();
    let run = Met::Round.start(&place);
    run.signal(Signal::INT);
    wait_for(&place.at("asked"));
    run.signal(Signal::INT);
    let _output = run.wait().exits(130);
    eventually("the end of all", || processes_in(&place).is_empty().then_some(()));
    assert_eq!(counted(&place, "last"), 0);
    assert_verified(&place);
}

/// The run's time is over, not the gate's.
#[test]
fn the_end_of_the_runs_time_ends_a_gate_that_then_says_nothing() {
    let place = slow();
    let args = ["--prompt", "Fix the typo", "--no-baseline", "--max-duration", "2s"];
    let _output = place.run(&args).exits(1);
    let end = place.session().end.unwrap();
    assert_eq!(end.stop_reason, Some(StopReason::MaxDuration));
    let results = results(&place, 1);
    let slow = results.iter().find(|gate| gate.name == "slow").expect("its result");
    assert!(slow.interrupted, "{slow:?}");
    assert_eq!(counted(&place, "last"), 0);
    assert_nothing_is_left(&place);
    assert_verified(&place);
}
