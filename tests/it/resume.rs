//! A session that is gone on with: killed anywhere, interrupted, or ended by a limit.

use std::fs;
use std::time::Duration;

use codeloops_event::{Decision, Event, FoundTree, Outcome, ResumedAt, SessionResumed, StopReason};
use codeloops_machine::{invariants, replay};
use codeloops_session::{Session, SessionReader};
use codeloops_tests::{Workspace, wait_for};
use rustix::process::Signal;

use crate::kill::{State, two_rounds};
use crate::rough::{
    assert_nothing_is_left, eventually, line_where, lives, noted_pid, place_with_shell_agent,
    processes_in, whole_lines,
};

const PROMPT: [&str; 2] = ["--prompt", "Write both parts"];

fn events(place: &Workspace) -> Vec<Event> {
    let reader = SessionReader::open(&place.session_files()[0]).unwrap();
    reader.map(Result::unwrap).collect()
}

fn resumes(place: &Workspace) -> Vec<SessionResumed> {
    let resumed = |event| match event {
        Event::SessionResumed(e) => Some(*e),
        _ => None,
    };
    events(place).into_iter().filter_map(resumed).collect()
}

fn decisions(session: &Session) -> Vec<Decision> {
    session.iterations.iter().map(|iteration| iteration.critic_decision).collect()
}

/// What holds of a session that was gone on with until it was approved.
#[track_caller]
fn assert_as_undisturbed(place: &Workspace, whole: &Session, what: &str) {
    let events = events(place);
    assert_eq!(invariants::check(&events), Ok(()), "{what}");
    assert_eq!(replay::verify(&events), Ok(()), "{what}");
    let session = place.session();
    assert_eq!(decisions(&session), decisions(whole), "{what}");
    let end = session.end.expect("an end");
    assert_eq!((end.outcome, end.iterations), (Outcome::Success, 2), "{what}");
    for (then, undisturbed) in session.iterations.iter().zip(&whole.iterations) {
        assert_eq!(then.git_files_changed, undisturbed.git_files_changed, "{what}");
        assert_eq!(then.actor_output, undisturbed.actor_output, "{what}");
        assert_eq!(then.feedback, undisturbed.feedback, "{what}");
    }
}

/// Starts a run, kills it when `moment` returns, and goes on with what there is.
fn kill_and_resume(expected: &State, whole: &Session, what: &str, moment: impl FnOnce(&Workspace)) {
    let place = two_rounds();
    let run = place.start(&PROMPT);
    moment(&place);
    run.signal(Signal::KILL);
    let _output = run.wait();
    if place.session_files().is_empty() {
        // It had not begun: there is nothing to go on with.
        return;
    }
    let was_approved = matches!(events(&place).last(), Some(Event::SessionEnd(_)));
    let output = place.run(&["run", "--resume", "latest"]);
    let output = output.exits(if was_approved { 2 } else { 0 });
    assert_eq!(place.session_files().len(), 1, "{what}: {output}");
    if output.stdout.contains("Resumed in") {
        assert_nothing_is_left(&place);
    }
    assert_eq!(&State::of(&place), expected, "{what}: {output}");
    assert_as_undisturbed(&place, whole, what);
}

fn undisturbed() -> (State, Session) {
    let place = two_rounds();
    let _output = place.run(&PROMPT).exits(0);
    (State::of(&place), place.session())
}

#[test]
fn killed_at_every_line_it_comes_to_what_an_undisturbed_run_comes_to() {
    let (state, whole) = undisturbed();
    let place = two_rounds();
    let _output = place.run(&PROMPT).exits(0);
    for lines in 1..=whole_lines(&place).len() {
        let what = format!("killed at line {lines}");
        kill_and_resume(&state, &whole, &what, |place| {
            eventually(&what, || (whole_lines(place).len() >= lines).then_some(()));
        });
    }
}

#[test]
fn killed_at_every_moment_of_a_grid_it_comes_to_the_same() {
    let (state, whole) = undisturbed();
    for step in 0..25 {
        let moment = Duration::from_millis(6) * step;
        let what = format!("killed after {moment:?}");
        kill_and_resume(&state, &whole, &what, |_| std::thread::sleep(moment));
    }
}

/// A file whose last lines a kill took away stands for a kill at each of them.
#[test]
fn cut_off_after_every_line_it_comes_to_the_same() {
    let (state, whole) = undisturbed();
    let place = two_rounds();
    let _output = place.run(&PROMPT).exits(0);
    let file = place.session_files().remove(0);
    let text = fs::read_to_string(&file).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    // The tree is that of the end, so only lines after the last snapshot leave it as it was.
    let last = lines.iter().rposition(|line| line.contains("\"diff_captured\"")).unwrap();
    for kept in last + 1..lines.len() {
        let torn = &lines[kept][..lines[kept].len() / 2];
        fs::write(&file, format!("{}\n{torn}", lines[..kept].join("\n"))).unwrap();
        let what = format!("cut off after line {kept}");
        let output = place.run(&["run", "--resume", "latest"]).exits(0);
        // What the critic said is not asked for again.
        let heard = lines[..kept]
            .iter()
            .any(|line| line.contains("critic_completed\",") && line.contains("\"iteration\":2"));
        assert_eq!(output.stdout.contains("[critic] Evaluating"), !heard, "{what}: {output}");
        assert_eq!(State::of(&place), state, "{what}");
        assert_as_undisturbed(&place, &whole, &what);
    }
}
