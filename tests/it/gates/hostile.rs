//! Gates that hang, flood, hide processes, want a terminal, or change what they are to check.

use std::fs;

use codeloops_event::{Event, GateResult, GateStatus, TreeCheck};
use codeloops_tests::Workspace;

use super::{assert_tells, assert_verified, configure, results, rounds};
use crate::rough::{assert_nothing_is_left, lives, noted_pid, place};
use crate::scripts::APPROVES;

/// The released program, so that run ids are random: by them processes are found.
fn gated(config: &str) -> Workspace {
    let place = place();
    place.script(&format!("on actor\nedit work.txt done\n{APPROVES}"));
    configure(&place, config);
    place
}

/// The one result of the one round of a run without a baseline.
#[track_caller]
fn only_result(place: &Workspace) -> GateResult {
    let [gate] = &results(place, 1)[..] else { panic!("{:?}", results(place, 1)) };
    gate.clone()
}

#[track_caller]
fn assert_fails(place: &Workspace, exit_code: i32) {
    let _ran = place.task(&["--no-baseline", "-n", "1"]).exits(1);
    let gate = only_result(place);
    assert_eq!((gate.status, gate.exit_code), (GateStatus::Failed, Some(exit_code)), "{gate:?}");
    assert!(gate.blocks);
    assert_nothing_is_left(place);
    assert_verified(place);
}

/// A grandchild that is deaf to SIGTERM, a daemon in a session of its own, and the gate itself.
const HANGS: &str = r#"
sh -c 'trap "" TERM; echo $$ > ../d.tmp; mv ../d.tmp ../deaf.pid; while :; do sleep 0.1; done' &
setsid sh -c 'echo $$ > ../s.tmp; mv ../s.tmp ../daemon.pid; exec sleep 100000' > /dev/null 2>&1 &
echo $$ > ../g.tmp; mv ../g.tmp ../gate.pid
echo 'it begins'
while :; do sleep 0.1; done
"#;

#[test]
fn one_that_hangs_is_ended_at_its_own_time_limit_with_all_that_it_started() {
    let place = gated("[[gates]]\nname = \"hang\"\nrun = \"sh ../hang.sh\"\ntimeout = \"2s\"\n");
    fs::write(place.at("hang.sh"), HANGS).unwrap();
    let ran = place.task(&["--no-baseline", "-n", "1"]).exits(1);
    let gate = only_result(&place);
    assert_eq!((gate.status, gate.blocks, gate.attempts), (GateStatus::TimedOut, true, 1));
    assert!(gate.tail.contains("it begins"), "{gate:?}");
    for name in ["deaf", "daemon", "gate"] {
        let pid = noted_pid(&place.at(&format!("{name}.pid")));
        assert!(!lives(pid), "{name} lives on");
    }
    assert_nothing_is_left(&place);
    assert_tells(&ran, "its time limit");
    let feedback = rounds(&place)[0].feedback.clone().unwrap();
    assert!(feedback.contains("it ran past its time limit"), "{feedback}");
    assert_verified(&place);
}

#[test]
fn what_one_leaves_behind_is_ended_and_told() {
    let place = gated(
        "[[gates]]\nname = \"leave\"\n\
         run = \"setsid sleep 100000 > /dev/null 2>&1 & echo $! > ../daemon.pid\"\n",
    );
    let _ran = place.task(&["--no-baseline"]).exits(0);
    let gate = only_result(&place);
    assert_eq!((gate.status, gate.leftovers), (GateStatus::Passed, 1));
    assert!(!lives(noted_pid(&place.at("daemon.pid"))));
    assert_nothing_is_left(&place);
}

#[test]
fn of_a_flood_only_so_much_is_kept_and_that_is_told() {
    let place = gated(
        "[[gates]]\nname = \"flood\"\nretries = 0\n\
         run = \"yes 0123456789012345678901234567890123456789 | head -c 200000000; exit 1\"\n\
         [limits]\nmax_output = \"1MB\"\n",
    );
    let ran = place.task(&["--no-baseline", "-n", "1"]).exits(1);
    let gate = only_result(&place);
    assert_eq!(gate.status, GateStatus::Failed);
    let output = gate.output.as_ref().unwrap();
    assert_eq!(output.bytes + output.dropped_bytes, 200_000_000);
    assert!(output.bytes <= 1_000_000, "{output:?}");
    assert_eq!(fs::metadata(place.evidence(&output.path)).unwrap().len(), output.bytes);
    assert!(gate.tail.len() < 64 * 1024, "the tail is short");
    assert!(gate.tail.contains("01234567890123456789"), "{}", gate.tail);
    assert!(ran.stdout.len() < 64 * 1024, "and so is what is shown");
    assert_verified(&place);
}

#[test]
fn one_that_kills_its_own_shell_fails() {
    let place = gated(
        "[[gates]]\nname = \"kill\"\nretries = 0\nrun = \"sh -c 'kill -9 $PPID; true'; true\"\n",
    );
    assert_fails(&place, 137);
}

#[test]
fn one_that_needs_a_terminal_fails_and_does_not_wait_for_it() {
    for run in ["test -t 0", "test -t 1", "cat < /dev/tty", "read answer"] {
        let place =
            gated(&format!("[[gates]]\nname = \"ask\"\nretries = 0\nrun = \"{run} || exit 9\"\n"));
        assert_fails(&place, 9);
    }
}

/// Runs a program as the first of a session of its own that has a terminal, as a user's shell does.
const ON_TERMINAL: &str = "import os, pty, sys\n\
    sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))";

/// A program that reads from a terminal in the background is stopped by the system, and would wait there
/// for good.
#[test]
fn the_users_own_terminal_is_not_the_gates() {
    let place = gated(
        "[[gates]]\nname = \"ask\"\nretries = 0\nrun = \"cat < /dev/tty; echo over > /dev/tty || exit 9\"\n",
    );
    let codeloops = place.command(&["--prompt", "Fix the typo", "--no-baseline", "-n", "1"]);
    let mut on_terminal = place.program("python3");
    on_terminal.args(["-c", ON_TERMINAL]).arg(codeloops.get_program()).args(codeloops.get_args());
    let output = place.spawn(on_terminal).wait().exits(1);
    let gate = only_result(&place);
    assert_eq!((gate.status, gate.exit_code), (GateStatus::Failed, Some(9)), "{output}");
    assert_nothing_is_left(&place);
    assert_verified(&place);
}

#[test]
fn a_program_that_is_not_there_is_not_started() {
    let place = gated("[[gates]]\nname = \"none\"\nrun = [\"no-such-program\", \"--check\"]\n");
    let ran = place.task(&["--no-baseline", "-n", "1"]).exits(1);
    let gate = only_result(&place);
    assert_eq!((gate.status, gate.exit_code), (GateStatus::NotStarted, None));
    assert!(gate.blocks, "{gate:?}");
    assert!(gate.tail.contains("no-such-program"), "{gate:?}");
    assert_tells(&ran, "none: could not be started");
    assert_verified(&place);
}

#[test]
fn a_folder_that_is_not_there_keeps_one_from_being_started() {
    let place = gated("[[gates]]\nname = \"none\"\nrun = \"true\"\nworking_dir = \"nowhere\"\n");
    let _ran = place.task(&["--no-baseline", "-n", "1"]);
    let gate = only_result(&place);
    assert_eq!(gate.status, GateStatus::NotStarted, "{gate:?}");
}

const EDITS: &str = r#"
[[gates]]
name = "edit"
run = "sh ../edit.sh"
"#;

#[test]
fn what_one_does_to_the_tree_is_told_and_put_back() {
    let place = place();
    place.script(&format!(
        "on actor\nedit work.txt done\n{APPROVES}expect-prompt-contains +done\n\
         expect-prompt-lacks by the gate\n\
         run test \"$(cat README.md)\" = 'A project.' && ! test -e made.txt\n"
    ));
    configure(&place, EDITS);
    let edits = "echo by the gate > README.md\necho by the gate > made.txt\ngit add made.txt\n\
                 git commit --quiet --message 'by the gate'\necho more by the gate >> work.txt\n";
    fs::write(place.at("edit.sh"), edits).unwrap();
    let head = place.git(&["rev-parse", "HEAD"]);
    let ran = place.task(&["--no-baseline"]).exits(0);
    place.assert_script_held();

    let checked = place.events().into_iter().find_map(|event| match event {
        Event::GateTreeChecked(e) => Some(*e),
        _ => None,
    });
    let checked = checked.expect("the tree is compared");
    assert_eq!((checked.iteration, &checked.gates[..]), (1, &["edit".to_owned()][..]));
    let TreeCheck::Changed { kept_as, files, head_moved, restored, .. } = checked.check else {
        panic!("{checked:?}")
    };
    assert!(head_moved && restored, "{files:?}");
    for file in ["README.md", "made.txt", "work.txt"] {
        assert!(files.contains(&file.to_owned()), "{file}: {files:?}");
    }
    assert_eq!(place.read("README.md"), "A project.\n");
    assert_eq!(place.read("work.txt"), "done\n");
    assert!(!place.at("project/made.txt").exists());
    assert_eq!(place.git(&["rev-parse", "HEAD"]), head);
    let kept = place.git(&["show", &format!("{kept_as}:work.txt")]);
    assert_eq!(kept, "done\nmore by the gate\n", "what it did is not lost");
    assert_tells(&ran, "Changed while gate edit ran: ");
    assert_tells(&ran, "the tree was put back");
    assert_verified(&place);
}

/// What the first one leaves must not be what makes the second one pass.
#[test]
fn the_next_gate_finds_the_tree_as_the_actor_left_it() {
    let config = "[[gates]]\nname = \"first\"\nrun = \"touch made.txt\"\n\
                  [[gates]]\nname = \"second\"\nrun = \"! test -e made.txt\"\nretries = 0\n";
    let place = gated(config);
    let _ran = place.task(&[]).exits(0);
    for iteration in [0, 1] {
        let statuses: Vec<_> = results(&place, iteration).iter().map(|gate| gate.status).collect();
        assert_eq!(statuses, [GateStatus::Passed; 2], "iteration {iteration}");
    }
    assert_verified(&place);
}
