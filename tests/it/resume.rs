//! A session that is gone on with: killed anywhere, interrupted, or ended by a limit.

use std::fs;
use std::path::PathBuf;
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

fn evidence_dir(place: &Workspace) -> PathBuf {
    place.session().start.evidence_dir.unwrap().into()
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

#[test]
fn a_run_that_its_limit_ended_goes_on_with_a_higher_one() {
    let (state, whole) = undisturbed();
    let place = two_rounds();
    let _output = place.run(&[&PROMPT[..], &["-n", "1"]].concat()).exits(1);

    let refused = place.run(&["run", "--resume", "latest"]).exits(2);
    assert!(refused.stderr.contains("has used up its limit (max_iterations)"), "{refused}");
    assert!(refused.stderr.contains("--max-iterations"), "{refused}");

    let _output = place.run(&["run", "--resume", "latest", "-n", "3"]).exits(0);
    assert_eq!(State::of(&place), state);
    assert_as_undisturbed(&place, &whole, "with a higher limit");
    let [resumed] = &resumes(&place)[..] else { panic!("one resume") };
    assert_eq!((resumed.iteration, resumed.phase), (2, ResumedAt::ActorExecuting));
    assert_eq!((&resumed.tree, resumed.limits.max_iterations), (&FoundTree::AsLeft, Some(3)));

    let again = place.run(&["run", "--resume", "latest"]).exits(2);
    assert!(again.stderr.contains("was approved: there is nothing to go on with"), "{again}");
}

/// An actor that waits in its first turn until it is let go, and then does the rest of its work.
const SLOW_ACTOR: &str = r#"
trap '' PIPE
cat > ../prompt-$CODELOOPS_ROLE.txt
case "$CODELOOPS_ROLE" in
actor)
    echo half > work.txt
    echo $$ > ../pid.tmp && mv ../pid.tmp ../agent.pid
    while ! [ -e ../go ]; do sleep 0.01; done
    echo whole > work.txt ;;
critic) printf 'DECISION: DONE\n\nSUMMARY: It is whole.\n' ;;
esac
"#;

fn let_go(place: &Workspace) {
    fs::write(place.at("go"), "").unwrap();
}

/// The agent that a killed run left behind must not work beside the one that goes on.
#[test]
fn an_agent_that_lives_on_is_ended_and_its_work_kept_and_told() {
    let place = place_with_shell_agent("text", SLOW_ACTOR);
    let run = place.start(&["--prompt", "Do it"]);
    wait_for(&place.at("agent.pid"));
    let _line = line_where(&place, "its start", |e| matches!(e, Event::ActorStarted(_)));
    run.signal(Signal::KILL);
    let _output = run.wait();
    let pid = noted_pid(&place.at("agent.pid"));
    assert!(lives(pid), "the test is about an agent that lives on");

    fs::remove_file(place.at("agent.pid")).unwrap();
    let run = place.start(&["run", "--resume", "latest"]);
    wait_for(&place.at("agent.pid"));
    assert!(!lives(pid), "it was ended before the next one began");
    let_go(&place);
    let _output = run.wait().exits(0);

    let [resumed] = &resumes(&place)[..] else { panic!("one resume") };
    assert_eq!(resumed.phase, ResumedAt::ActorExecuting);
    assert!(resumed.leftovers >= 1, "{resumed:?}");
    let FoundTree::Changed { kept_as, .. } = &resumed.tree else { panic!("{resumed:?}") };
    assert_eq!(place.git(&["show", &format!("{kept_as}:work.txt")]), "half\n");
    let prompt = fs::read_to_string(place.at("prompt-actor.txt")).unwrap();
    assert!(prompt.starts_with("Do it"), "{prompt}");
    assert!(prompt.contains("Your last turn broke off"), "{prompt}");
}

#[test]
fn an_interrupted_run_goes_on_with_the_turn_that_was_interrupted() {
    let place = place_with_shell_agent("text", SLOW_ACTOR);
    let run = place.start(&["--prompt", "Do it"]);
    wait_for(&place.at("agent.pid"));
    let _line = line_where(&place, "its start", |e| matches!(e, Event::ActorStarted(_)));
    run.signal(Signal::INT);
    let output = run.wait().exits(130);
    let id = place.session().id.to_string();
    assert!(output.stdout.contains(&format!("codeloops run --resume {id}")), "{output}");

    let_go(&place);
    let _output = place.run(&["run", "--resume", &id]).exits(0);
    let session = place.session();
    assert_eq!(session.end.map(|end| end.stop_reason), Some(Some(StopReason::Approved)));
    assert_eq!(session.rounds[0].actor.len(), 2, "the turn was begun again");
    assert_eq!(replay::verify(&events(&place)), Ok(()));
}

/// A run that was killed while its critic worked.
fn killed_in_the_critics_turn() -> Workspace {
    let place = place_with_shell_agent(
        "text",
        "trap '' PIPE\ncat > ../prompt-$CODELOOPS_ROLE.txt\ncase \"$CODELOOPS_ROLE\" in\n\
         actor) echo work > work.txt; echo done ;;\n\
         critic) touch ../asked; while ! [ -e ../go ]; do sleep 0.01; done\n\
         printf 'DECISION: DONE\\n\\nSUMMARY: Good.\\n' ;;\nesac\n",
    );
    let run = place.start(&["--prompt", "Do it"]);
    let _line = line_where(&place, "the critic's start", |e| matches!(e, Event::CriticStarted(_)));
    // Its prompt is whole.
    wait_for(&place.at("asked"));
    run.signal(Signal::KILL);
    let _output = run.wait();
    let_go(&place);
    eventually("the critic's end", || processes_in(&place).is_empty().then_some(()));
    place
}

#[test]
fn a_tree_that_is_not_as_the_run_left_it_is_shown_and_not_gone_on_with_unasked() {
    let place = killed_in_the_critics_turn();
    place.write("work.txt", "by somebody else\n");
    let before = fs::read(&place.session_files()[0]).unwrap();

    let refused = place.run(&["run", "--resume", "latest"]).exits(2);
    assert!(refused.stderr.contains("these files changed: work.txt"), "{refused}");
    assert!(refused.stderr.contains("--yes"), "{refused}");
    assert_eq!(fs::read(&place.session_files()[0]).unwrap(), before, "nothing is recorded");

    let _output = place.run(&["run", "--resume", "latest", "--yes"]).exits(0);
    let [resumed] = &resumes(&place)[..] else { panic!("one resume") };
    assert_eq!(resumed.phase, ResumedAt::CapturingDiff, "what is judged is what is there");
    let prompt = fs::read_to_string(place.at("prompt-critic.txt")).unwrap();
    assert!(prompt.contains("+by somebody else"), "{prompt}");
    let FoundTree::Changed { kept_as, .. } = &resumed.tree else { panic!("{resumed:?}") };
    let kept = |name: &str| place.git(&["show", &format!("{name}:work.txt")]);
    assert_eq!(kept(kept_as), "by somebody else\n");
    assert_eq!(kept(&format!("{kept_as}-before")), "work\n", "what was captured first is kept");
    assert_eq!(replay::verify(&events(&place)), Ok(()));
}

#[test]
fn the_critic_is_shown_what_it_would_have_been_shown() {
    let place = killed_in_the_critics_turn();
    let first = fs::read_to_string(place.at("prompt-critic.txt")).unwrap();
    let _output = place.run(&["run", "--resume", "latest"]).exits(0);
    let second = fs::read_to_string(place.at("prompt-critic.txt")).unwrap();
    let without_nonce = |prompt: &str| {
        let nonce = |word: &&str| word.len() == 32 && word.bytes().all(|b| b.is_ascii_hexdigit());
        let words = prompt.split(|c: char| !c.is_ascii_alphanumeric());
        let nonces: Vec<&str> = words.filter(nonce).collect();
        nonces.iter().fold(prompt.to_owned(), |text, nonce| text.replace(nonce, "NONCE"))
    };
    assert_eq!(without_nonce(&second), without_nonce(&first));
}

#[test]
fn evidence_that_is_gone_or_another_is_told_and_nothing_is_begun() {
    for damage in ["removed", "changed"] {
        let place = killed_in_the_critics_turn();
        let stdout = evidence_dir(&place).join("iterations/1/actor.stdout");
        match damage {
            "removed" => fs::remove_file(&stdout).unwrap(),
            _ => fs::write(&stdout, "DONE\n").unwrap(),
        }
        let before = fs::read(&place.session_files()[0]).unwrap();
        let refused = place.run(&["run", "--resume", "latest"]).exits(2);
        assert!(refused.stderr.contains("actor.stdout"), "{refused}");
        assert_eq!(fs::read(&place.session_files()[0]).unwrap(), before);
        assert_eq!(processes_in(&place), [] as [u32; 0]);
    }
}

#[test]
fn a_session_that_somebody_has_is_not_gone_on_with() {
    let place = place_with_shell_agent("text", SLOW_ACTOR);
    let run = place.start(&["--prompt", "Do it"]);
    wait_for(&place.at("agent.pid"));
    let refused = place.run(&["run", "--resume", "latest"]).exits(2);
    assert!(refused.stderr.contains("is running"), "{refused}");
    let_go(&place);
    let _output = run.wait().exits(0);
}

#[test]
fn a_prompt_that_was_masked_is_given_again_and_must_be_the_same() {
    let place = two_rounds();
    let secret = "ghp_0123456789abcdefghijABCDEFGHIJ456789";
    let prompt = format!("Write both parts with {secret}");
    let _output = place.run(&["--prompt", &prompt, "-n", "1"]).exits(1);
    let resume = ["run", "--resume", "latest", "-n", "2"];

    let refused = place.run(&resume).exits(2);
    assert!(refused.stderr.contains("was masked when it was recorded"), "{refused}");
    let other = place.run(&[&resume[..], &["--prompt", "Something else"]].concat()).exits(2);
    assert!(other.stderr.contains("is not the one that the session began with"), "{other}");
    let masked = place.session().start.prompt;
    let masked = place.run(&[&resume[..], &["--prompt", &masked]].concat()).exits(2);
    assert!(masked.stderr.contains("is not the one"), "{masked}");
    let output = place.run(&[&resume[..], &["--prompt", &prompt]].concat()).exits(0);
    let text = fs::read_to_string(&place.session_files()[0]).unwrap();
    assert!(!text.contains(secret) && !output.stdout.contains(secret));
}

#[test]
fn what_was_recorded_is_fixed() {
    let place = two_rounds();
    let _output = place.run(&[&PROMPT[..], &["-n", "1"]].concat()).exits(1);
    for fixed in [["--agent", "codex"], ["--critic-model", "x"], ["-d", "."]] {
        let refused = place.run(&[&["run", "--resume", "latest"], &fixed[..]].concat()).exits(2);
        assert!(refused.stderr.contains("cannot be used with"), "{refused}");
    }
    // The configuration of by now names another agent; the run goes on with its own.
    place.write("codeloops.toml", "agent = \"claude\"\nmax_iterations = 1\n");
    let output = place.run(&["run", "--resume", "latest", "-n", "2", "--yes"]).exits(0);
    assert!(!output.stdout.contains("Claude"), "{output}");
}

/// The session as a kill after the last of these lines leaves it.
fn cut_off_after(place: &Workspace, kind: &str) {
    let file = &place.session_files()[0];
    let text = fs::read_to_string(file).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let tag = format!("\"type\":\"{kind}\"");
    let last = lines.iter().rposition(|line| line.contains(&tag)).expect(kind);
    fs::write(file, lines[..=last].join("\n") + "\n").unwrap();
}

#[test]
fn killed_while_it_captures_again_it_can_be_gone_on_with() {
    let place = killed_in_the_critics_turn();
    place.write("work.txt", "by somebody else\n");
    let _output = place.run(&["run", "--resume", "latest", "--yes"]).exits(0);
    // The patch of the first capture is overwritten by then.
    cut_off_after(&place, "session_resumed");

    let _output = place.run(&["run", "--resume", "latest"]).exits(0);
    let prompt = fs::read_to_string(place.at("prompt-critic.txt")).unwrap();
    assert!(prompt.contains("+by somebody else"), "{prompt}");
    assert_eq!(replay::verify(&events(&place)), Ok(()));
}

/// A process that is killed while it writes a ref leaves its lock.
#[test]
fn killed_while_it_kept_a_snapshot_it_can_be_gone_on_with() {
    let place = killed_in_the_critics_turn();
    place.write("work.txt", "by somebody else\n");
    let run_id = place.session().start.run_id.expect("a run id");
    for name in ["0", "1", "resumed-1"] {
        fs::write(place.project().join(format!(".git/refs/codeloops/{run_id}/{name}.lock")), "")
            .unwrap();
    }
    let _output = place.run(&["run", "--resume", "latest", "--yes"]).exits(0);
}

#[test]
fn a_dry_run_does_not_record_the_end_of_an_approved_run() {
    let place = two_rounds();
    let _output = place.run(&PROMPT).exits(0);
    cut_off_after(&place, "iteration");
    let before = fs::read(&place.session_files()[0]).unwrap();

    let output = place.run(&["run", "--resume", "latest", "--dry-run"]).exits(0);
    assert!(output.stderr.contains("lacks only the end"), "{output}");
    assert_eq!(fs::read(&place.session_files()[0]).unwrap(), before, "{output}");

    let _output = place.run(&["run", "--resume", "latest"]).exits(0);
    assert_eq!(replay::verify(&events(&place)), Ok(()));
}

/// What it approved may be its own work: killed between the put-back and its line, the tree looks as if
/// it had been left alone.
#[test]
fn an_approval_of_a_critic_whose_changes_were_put_back_counts_after_a_kill_no_more_than_before() {
    let place = place_with_shell_agent(
        "text",
        "cat > /dev/null\ncase \"$CODELOOPS_ROLE\" in\n\
         actor) echo work > work.txt; echo done ;;\n\
         critic) echo x >> ../critics\n\
         [ -e ../mended ] || { touch ../mended; echo mended > work.txt; }\n\
         printf 'DECISION: DONE\\n\\nSUMMARY: Good.\\n' ;;\nesac\n",
    );
    let _output = place.run(&["--prompt", "Do it"]).exits(0);
    let file = &place.session_files()[0];
    let text = fs::read_to_string(file).unwrap();
    let first = text.find("\"type\":\"critic_completed\"").unwrap();
    let end = first + text[first..].find('\n').unwrap() + 1;
    fs::write(file, &text[..end]).unwrap();
    assert_eq!(fs::read_to_string(place.at("critics")).unwrap().lines().count(), 2);

    let _output = place.run(&["run", "--resume", "latest"]).exits(0);
    let asked = fs::read_to_string(place.at("critics")).unwrap().lines().count();
    assert_eq!(asked, 3, "the critic is asked again");
    assert_eq!(replay::verify(&events(&place)), Ok(()));
}

/// What the actor printed is in no line of an unfinished round.
#[test]
fn what_the_actor_said_is_read_back_as_it_was_heard() {
    let secret = "ghp_0123456789abcdefghijABCDEFGHIJ456789";
    let result = |text: &str| {
        format!(
            r#"printf '%s\n' '{{"type":"system","subtype":"init","session_id":"s1"}}' '{{"type":"result","subtype":"success","is_error":false,"session_id":"s1","result":"{text}"}}'"#
        )
    };
    let said = [
        ("text", r"printf 'caf\303\251 \377\376 \033[31mred\r\n no end'".to_owned()),
        ("text", "head -c 3000000 /dev/zero | tr '\\0' 'x'; echo end; echo oops >&2".to_owned()),
        ("text", format!("echo token {secret}; printf 'half {secret}'; echo {secret} >&2")),
        ("claude-stream-json", result("fine \\u00e9 \\n ok")),
        ("claude-stream-json", result(&format!("the token is {secret}"))),
        ("claude-stream-json", result("escaped ghp\\u005f0123456789abcdefghijABCDEFGHIJ456789")),
        ("claude-stream-json", "printf 'plain text\\n\\377'; printf 'more'".to_owned()),
        ("claude-stream-json", format!("printf 'plain {secret}\\nmore'; echo e >&2")),
    ];
    for (output, said) in said {
        let answer = match output {
            "text" => "printf 'DECISION: DONE\\n\\nSUMMARY: Good.\\n'".to_owned(),
            _ => result("DECISION: DONE\\n\\nSUMMARY: Good.\\n"),
        };
        let script = format!(
            "cat > /dev/null\ncase \"$CODELOOPS_ROLE\" in\n\
             actor) echo work > work.txt; {said} ;;\ncritic) {answer} ;;\nesac\n"
        );
        let place = place_with_shell_agent(output, &script);
        let _output = place.run(&["--prompt", "Do it"]).exits(0);
        let live = place.session();
        for kind in ["diff_captured", "critic_completed"] {
            cut_off_after(&place, kind);
            let _output = place.run(&["run", "--resume", "latest"]).exits(0);
            let (then, now) = (&live.iterations[0], &place.session().iterations[0]);
            assert_eq!(now.actor_output, then.actor_output, "{said}");
            assert_eq!(now.actor_stderr, then.actor_stderr, "{said}");
            assert_eq!(now.git_diff, then.git_diff, "{said}");
            assert_eq!(replay::verify(&events(&place)), Ok(()), "{said}");
            assert_eq!(invariants::check(&events(&place)), Ok(()), "{said}");
        }
    }
}
