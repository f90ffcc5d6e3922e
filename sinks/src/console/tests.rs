//! What a run looks like: word for word, harmless, and without a trace of the status line.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use codeloops_event::{
    AgentOutcome, CallId, CallKind, CutOffKind, Decision, DiffFailed, EngineFailed, FoundTree,
    GateCompleted, GateResult, GateStatus, LimitKind, Outcome, OutputStream, Refusal, ResumedAt,
    Role, Ruling, SessionEnd, StopReason, StopRequested, TreeCheck, Usage, UsageByRole, Verdict,
    VerdictProblem, Waiting,
};

use super::*;
use crate::samples::{self, at};

/// The text that the user guide prints for its first session.
const GUIDE: &str = "\
[codeloops] Starting actor-critic loop
[codeloops] Prompt: Add input validation to the user registration endpoint in...
[codeloops] Working directory: /home/user/projects/myapp
[codeloops] Actor: Claude Code | Critic: Claude Code

[iteration 1]
[actor] Running Claude Code...
[actor] Completed in 45.2s (exit code: 0)
[git] 2 files changed, 47 insertions(+), 3 deletions(-)
[critic] Evaluating changes...
[critic] Decision: CONTINUE
[critic] Feedback: The email validation is implemented but the password
         validation only checks length. Missing: uppercase letter check
         and number requirement. Also, error messages are generic -
         please provide specific feedback for each validation rule.

[iteration 2]
[actor] Running Claude Code...
[actor] Completed in 32.1s (exit code: 0)
[git] 1 file changed, 28 insertions(+), 12 deletions(-)
[critic] Evaluating changes...
[critic] Decision: DONE
[critic] Summary: Input validation is now complete. Email format is
         validated using regex. Password validation checks: minimum
         8 characters, at least one uppercase letter (A-Z), at least
         one digit (0-9). Error messages are specific and helpful.
[critic] Confidence: 0.95

[codeloops] Session complete: success (2 iterations)
[codeloops] Duration: 89.4s
";

#[derive(Clone, Default)]
struct Bytes(Arc<Mutex<Vec<u8>>>);

impl Bytes {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Bytes {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn options(format: Format, verbose: bool) -> ConsoleOptions {
    ConsoleOptions { format, color: false, live: Live::Off, verbose }
}

fn shown(events: &[Event], options: ConsoleOptions) -> String {
    let bytes = Bytes::default();
    let mut sink = ConsoleSink::new(bytes.clone(), options);
    for event in events {
        sink.accept(event).unwrap();
    }
    sink.finish().unwrap();
    bytes.text()
}

/// Events of every kind that the first session does not hold.
fn bad_day() -> Vec<Event> {
    let message = || "529 over\u{1b}[31mloaded".to_owned();
    let failed = [
        AgentOutcome::Denied { count: 1 },
        AgentOutcome::Refused { refusal: Refusal::Auth, message: "please log in".to_owned() },
        AgentOutcome::UsageLimit { resets_at: Some(at(60_000)), message: String::new() },
        AgentOutcome::Transient { message: message() },
        AgentOutcome::CutOff { how: CutOffKind::Length },
        AgentOutcome::Failed { exit_code: 2, message: None },
        AgentOutcome::Signaled { signal: 9 },
        AgentOutcome::NoOutput,
        AgentOutcome::TimedOut { limit: LimitKind::Idle, after_ms: 1_200_000 },
        AgentOutcome::Interrupted,
        AgentOutcome::NotStarted { message: "no such program `claude`".to_owned() },
    ];
    let mut events: Vec<Event> =
        failed.into_iter().map(|o| samples::actor_completed(1, o, Some(2), 1234.56)).collect();
    events.push(samples::critic_completed(1, AgentOutcome::Transient { message: message() }, None));
    events.extend(changes());
    events.extend(samples::gates::gates());
    events.extend(decisions());
    events
}

fn changes() -> Vec<Event> {
    let files = [
        ".git/config",
        ".git/refs/heads/me/feature",
        ".git/refs/stash",
        ".git/refs/tags/v1",
        "1.rs",
        "2\n[critic] Decision: DONE",
        "3.rs",
        "4.rs",
        "5.rs",
        "6.rs",
        "7.rs",
        "8.rs",
    ];
    let files = files.map(str::to_owned).to_vec();
    let kept_as = "refs/codeloops/01JJ/critic-1-2".to_owned();
    let gate = |status, required, exit_code| {
        Event::GateCompleted(Box::new(GateCompleted {
            timestamp: at(46_000),
            elapsed_ms: 46_000,
            iteration: 1,
            gate: GateResult {
                status,
                exit_code,
                duration_secs: 4.5,
                ..GateResult::not_started("test".to_owned(), required)
            },
        }))
    };
    vec![
        Event::DiffFailed(DiffFailed {
            timestamp: at(46_000),
            elapsed_ms: 46_000,
            iteration: 1,
            error: "`.git/index` is corrupt".to_owned(),
        }),
        gate(GateStatus::Passed, true, Some(0)),
        gate(GateStatus::Failed, true, Some(101)),
        gate(GateStatus::TimedOut, false, None),
        samples::tree_checked(TreeCheck::Changed {
            kept_as: kept_as.clone(),
            tree: None,
            files,
            head_moved: true,
            index_changed: false,
            restored: true,
        }),
        samples::tree_checked(TreeCheck::Changed {
            tree: None,
            kept_as: kept_as.clone(),
            files: vec!["a.rs".to_owned()],
            head_moved: false,
            index_changed: false,
            restored: false,
        }),
        samples::tree_checked(TreeCheck::Changed {
            tree: None,
            kept_as,
            files: vec![".git/refs/heads/feature".to_owned()],
            head_moved: false,
            index_changed: false,
            restored: true,
        }),
        samples::tree_checked(TreeCheck::Failed { error: "disk full".to_owned() }),
        samples::tree_unverified("refs/codeloops/01ARZ3NDEKTSV4RRFFQ69G5FAV/1"),
        samples::read_as_text("Claude\u{1b}[2J Code"),
    ]
}

fn decisions() -> Vec<Event> {
    let end = |outcome, stop_reason, error: Option<&str>| {
        Event::SessionEnd(Box::new(SessionEnd {
            outcome,
            iterations: 0,
            summary: None,
            confidence: None,
            duration_secs: 5.0,
            timestamp: at(5_000),
            elapsed_ms: 5_000,
            stop_reason: Some(stop_reason),
            error: error.map(str::to_owned),
            usage: None,
            redacted: 0,
        }))
    };
    let stop = |signal: &str, now| {
        let signal = signal.to_owned();
        Event::StopRequested(StopRequested { timestamp: at(1), elapsed_ms: 1, signal, now })
    };
    vec![
        samples::verdict_reached(Ruling::AskedAgain { problem: VerdictProblem::NoDecision }),
        samples::verdict_reached(Ruling::GivenUp {
            problem: VerdictProblem::UnknownDecision { found: "MAY\u{9b}31mBE".to_owned() },
        }),
        samples::verdict_reached(Ruling::GivenUp { problem: VerdictProblem::NoDecision }),
        Event::Waiting(Waiting {
            timestamp: at(0),
            elapsed_ms: 0,
            iteration: 1,
            role: Role::Actor,
            attempt: 2,
            until: at(3_600_000),
            reason: "usage limit".to_owned(),
        }),
        samples::bare_iteration(3, Decision::Error, Some("It broke.\n\n  Put it right.")),
        stop("SIGINT", false),
        stop("SIGTERM", false),
        stop("SIGINT", true),
        Event::AnswerIgnored(codeloops_event::AnswerIgnored {
            timestamp: at(2),
            elapsed_ms: 2,
            call: CallId { iteration: 1, kind: CallKind::Actor, attempt: 1 },
        }),
        samples::session_resumed(ResumedAt::CriticEvaluating, FoundTree::AsLeft, 0),
        samples::session_resumed(ResumedAt::ActorExecuting, samples::changed_meanwhile(), 2),
        Event::EngineFailed(EngineFailed {
            timestamp: at(3),
            elapsed_ms: 3,
            reason: StopReason::RecordFailed,
            error: "no space left on device".to_owned(),
        }),
        end(Outcome::Failed, StopReason::ActorFailed, Some("exit code 2\nthree times")),
        end(Outcome::MaxIterationsReached, StopReason::MaxIterations, None),
        end(Outcome::BudgetExhausted, StopReason::MaxCost, None),
        end(Outcome::Interrupted, StopReason::Interrupted, None),
    ]
}

#[test]
fn pretty_prints_the_user_guide() {
    assert_eq!(shown(&samples::first_session(), options(Format::Pretty, false)), GUIDE);
}

#[test]
fn every_event_in_every_format() {
    let mut events = samples::first_session();
    events.extend(bad_day());
    insta::assert_snapshot!("pretty", shown(&bad_day(), options(Format::Pretty, false)));
    insta::assert_snapshot!("compact", shown(&events, options(Format::Compact, false)));
    let coloured = ConsoleOptions { color: true, ..options(Format::Pretty, false) };
    insta::assert_snapshot!("coloured", shown(&events, coloured).replace('\u{1b}', "␛"));
}

#[test]
fn colour_carries_no_meaning() {
    let mut events = samples::first_session();
    events.extend(bad_day());
    for format in [Format::Pretty, Format::Compact, Format::Json] {
        let coloured = shown(&events, ConsoleOptions { color: true, ..options(format, false) });
        let plain = shown(&events, options(format, false));
        assert_eq!(console::strip_ansi_codes(&coloured), plain);
        assert!(!plain.contains(codeloops_event::text::is_unsafe), "{plain:?}");
    }
}

#[test]
fn json_is_the_events_themselves_and_chatter_only_if_verbose() {
    let mut events = samples::first_session();
    events.extend(bad_day());
    let chatter = samples::actor_output("\u{9b}31mhi\u{202e}\u{2028}\u{e0041}\n");
    events.push(chatter.clone());
    let read = |text: &str| -> Vec<Event> {
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let quiet = read(&shown(&events, options(Format::Json, false)));
    assert_eq!(quiet, events[..events.len() - 1]);
    let verbose = shown(&events, options(Format::Json, true));
    assert_eq!(read(&verbose), events);
    assert!(!verbose.contains(codeloops_event::text::is_unsafe));
}

#[test]
fn compact_has_one_line_per_event_and_none_is_blank() {
    let mut events = samples::first_session();
    events.extend(bad_day());
    let shown = shown(&events, options(Format::Compact, false));
    assert!(shown.lines().all(|line| line.starts_with("2025-01-27T")), "{shown}");
    assert!(shown.lines().count() <= events.len());
}

#[test]
fn a_round_of_another_program_is_told_from_its_summary() {
    let events = [samples::session_start(), samples::bare_iteration(1, Decision::Done, None)];
    let shown = shown(&events, options(Format::Pretty, false));
    let round = shown.split_once("\n\n").unwrap().1;
    assert_eq!(
        round,
        "[iteration 1]\n[actor] Completed in 12.3s (exit code: 0)\n[git] 2 files changed\n\
         [critic] Decision: DONE\n"
    );
}

#[test]
fn the_opening_lines_tell_models_gates_and_that_nothing_limits_the_run() {
    let Event::SessionStart(mut start) = samples::session_start() else { unreachable!() };
    start.prompt =
        "Fix the typo in the greeting message. The word \"Helo\" should be \"Hello\".".to_owned();
    start.actor_model = Some("opus".to_owned());
    start.settings = Some(samples::settings(None));
    let opening = |start: &codeloops_event::SessionStart| {
        shown(&[Event::SessionStart(Box::new(start.clone()))], options(Format::Pretty, false))
    };
    assert_eq!(
        opening(&start),
        "[codeloops] Starting actor-critic loop\n\
         [codeloops] Prompt: Fix the typo in the greeting message...\n\
         [codeloops] Working directory: /home/user/projects/myapp\n\
         [codeloops] Actor: Claude Code (opus) | Critic: Claude Code\n\
         [codeloops] Gate test: cargo test\n\
         [codeloops] No limit on iterations, time, tokens or cost is set\n"
    );
    start.settings = Some(samples::settings(Some(5)));
    assert!(!opening(&start).contains("No limit"));
}

#[test]
fn git_words_are_those_of_git() {
    let words = |f, i, d| crate::words::diff_summary(f, i, d);
    assert_eq!(words(0, 0, 0), "no changes");
    assert_eq!(words(1, 0, 0), "1 file changed, 0 insertions(+), 0 deletions(-)");
    assert_eq!(words(1, 2, 0), "1 file changed, 2 insertions(+)");
    assert_eq!(words(2, 0, 1), "2 files changed, 1 deletion(-)");
    assert_eq!(words(2, 1, 1), "2 files changed, 1 insertion(+), 1 deletion(-)");
}

#[test]
fn verbose_puts_chunks_together_and_makes_them_harmless() {
    let actor = |text| samples::actor_output(text);
    let critic = |text, skipped| samples::output(Role::Critic, OutputStream::Stderr, text, skipped);
    let events = [
        actor("one\ntw"),
        critic("crit", 0),
        actor("o \u{1b}[3"),
        actor("1mred\u{1b}[0m\r\n10%\r20%\nend"),
        critic("ic\n", 7),
        samples::actor_completed(1, AgentOutcome::Completed, Some(0), 1.0),
    ];
    assert_eq!(
        shown(&events, options(Format::Pretty, true)),
        "[actor] | one\n[actor] | two red\n[actor] | 10%\n[actor] | 20%\n[critic] | crit\n\
         [critic] | ... 7 bytes of output left out ...\n[critic] | ic\n[actor] | end\n\
         [actor] Completed in 1.0s (exit code: 0)\n"
    );
    assert_eq!(
        shown(&events, options(Format::Pretty, false)),
        "[actor] Completed in 1.0s (exit code: 0)\n"
    );
}

#[test]
fn verbose_shows_what_a_stream_tells_and_not_its_json() {
    let events = [samples::told(samples::items())];
    insta::assert_snapshot!(shown(&events, options(Format::Pretty, true)));
}

#[test]
fn a_gap_stands_where_it_is() {
    let bytes = Bytes::default();
    let mut sink = ConsoleSink::new(bytes.clone(), options(Format::Pretty, true));
    sink.accept(&samples::actor_output("half")).unwrap();
    sink.gap(Gap { events: 2, bytes: 1 }).unwrap();
    sink.accept(&samples::actor_output("whole\n")).unwrap();
    assert_eq!(
        bytes.text(),
        "[actor] | half\n[codeloops] ... 1 byte of output left out ...\n[actor] | whole\n"
    );
}

#[test]
fn an_event_that_is_offered_again_goes_on_where_it_stopped() {
    /// Takes three bytes, then fails once, and so on.
    struct Stuttering(Bytes, bool);
    impl Write for Stuttering {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.1 = !self.1;
            if self.1 {
                self.0.write(&bytes[..bytes.len().min(3)])
            } else {
                Err(std::io::ErrorKind::StorageFull.into())
            }
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let bytes = Bytes::default();
    let mut sink =
        ConsoleSink::new(Stuttering(bytes.clone(), false), options(Format::Pretty, false));
    for event in samples::first_session() {
        while sink.accept(&event).is_err() {}
    }
    assert_eq!(bytes.text(), GUIDE);
}

#[test]
fn a_tick_that_fails_costs_no_event() {
    /// Fails as long as the flag is set.
    struct Flaky(Bytes, Arc<AtomicBool>);
    impl Write for Flaky {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            if self.1.load(Ordering::SeqCst) {
                return Err(std::io::ErrorKind::StorageFull.into());
            }
            self.0.write(bytes)
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let (bytes, fails) = (Bytes::default(), Arc::new(AtomicBool::new(false)));
    let live = Live::On(Box::new(|| 80));
    let writer = Flaky(bytes.clone(), Arc::clone(&fails));
    let mut sink =
        ConsoleSink::new(writer, ConsoleOptions { live, ..options(Format::Pretty, false) });
    let events = samples::first_session();
    sink.accept(&events[2]).unwrap();
    sink.accept(&samples::actor_output("news\n")).unwrap();
    fails.store(true, Ordering::SeqCst);
    sink.tick().unwrap_err();
    fails.store(false, Ordering::SeqCst);
    sink.accept(&events[3]).unwrap();
    assert!(bytes.text().contains("[actor] Completed in 45.2s"), "{}", bytes.text());
}

/// A terminal of 40 rows, on which a run is shown with the status line.
struct Terminal {
    bytes: Bytes,
    taken: usize,
    screen: vt100::Parser,
}

impl Terminal {
    fn show(columns: u16, color: bool) -> (Self, ConsoleSink<Bytes>) {
        let bytes = Bytes::default();
        let width = Box::new(move || usize::from(columns));
        let live = Live::On(width);
        let options = ConsoleOptions { format: Format::Pretty, color, live, verbose: false };
        let sink = ConsoleSink::new(bytes.clone(), options);
        let [rows, columns] = [40, columns].map(|n| n.try_into().unwrap());
        (Self { bytes, taken: 0, screen: vt100::Parser::new(rows, columns, 0) }, sink)
    }

    /// What the screen holds, as a terminal breaks newlines.
    fn contents(&mut self) -> String {
        let text = self.bytes.text();
        self.screen.process(text[self.taken..].replace('\n', "\r\n").as_bytes());
        self.taken = text.len();
        self.screen.screen().contents()
    }

    fn last_line(&mut self) -> String {
        self.contents().lines().last().unwrap_or_default().to_owned()
    }
}

#[test]
fn the_status_leaves_no_trace() {
    for color in [false, true] {
        let (mut terminal, mut sink) = Terminal::show(80, color);
        let mut statuses = 0;
        for event in samples::first_session() {
            sink.accept(&event).unwrap();
            sink.accept(&samples::actor_output("working on it\n")).unwrap();
            sink.tick().unwrap();
            statuses += usize::from(terminal.last_line().contains(" | iteration "));
        }
        sink.finish().unwrap();
        assert_eq!(statuses, 2 * 7, "two rounds, each from `actor_started` to `verdict_reached`");
        assert_eq!(terminal.contents(), GUIDE.trim_end());
        assert_eq!(terminal.screen.screen().cursor_position().1, 0);
        assert!(!terminal.screen.screen().hide_cursor());
    }
}

/// A pipe gets whole lines; a terminal breaks none within a word, unless it is to be copied and longer
/// than its line.
#[test]
fn on_a_terminal_lines_end_between_words() {
    let (mut terminal, mut sink) = Terminal::show(80, false);
    for event in changes() {
        sink.accept(&event).unwrap();
    }
    sink.finish().unwrap();
    insta::assert_snapshot!("on_a_terminal", terminal.contents());
}

#[test]
fn the_status_shows_phase_time_and_the_last_line_cut_to_the_width() {
    let (mut terminal, mut sink) = Terminal::show(47, false);
    let start = Instant::now();
    sink.accept(&samples::first_session()[2]).unwrap();
    sink.accept(&samples::actor_output("reading \u{1b}]0;owned\u{7}\u{4f60}\u{597d}")).unwrap();
    let mut later = |sink: &mut ConsoleSink<Bytes>, after| {
        let bytes = sink.status.refresh(start + Duration::from_secs(after), 47);
        sink.outbox.push(bytes.as_bytes());
        sink.send().unwrap();
        terminal.last_line()
    };
    let line = later(&mut sink, 65);
    assert!(line.starts_with("actor at work | iteration 1 | "), "{line}");
    assert!(line.ends_with("s | reading \u{4f60}"), "two columns would not fit: {line}");
    sink.accept(&samples::actor_output("\n\n  10%\r  20%\r")).unwrap();
    let line = later(&mut sink, 66);
    assert!(line.ends_with("s | 20%"), "what was overwritten is past: {line}");
}

#[test]
fn the_status_names_the_tool_in_use() {
    let (mut status, now) = (Status::default(), Instant::now());
    let items = samples::items();
    let (before, after) = items.split_at(6);
    status.observe(&samples::first_session()[2], now);
    status.observe(&samples::told(before.to_vec()), now);
    let line = status.frame(now, 80).unwrap();
    assert!(line.ends_with("| Read src/lib.rs"), "{line}");
    status.observe(&samples::told(after[..3].to_vec()), now);
    let line = status.frame(now, 80).unwrap();
    assert!(line.ends_with("| asks again: overloaded, try 1 in 2 s"), "{line}");
    status.observe(&samples::told(after[3..].to_vec()), now);
    let line = status.frame(now, 80).unwrap();
    assert!(line.ends_with("| Done."), "{line}");
}

#[test]
fn the_status_names_the_gates_that_run_and_counts_from_the_first() {
    let (mut status, now) = (Status::default(), Instant::now());
    let after = |secs| now + Duration::from_secs(secs);
    status.observe(&samples::gates::gate_started(0, "test"), now);
    assert_eq!(
        status.frame(after(12), 80).unwrap(),
        "gate test at work | before the first iteration | 12s"
    );
    status.observe(&samples::iteration_started(2), now);
    status.observe(&samples::gates::gate_started(2, "test"), now);
    status.observe(&samples::gates::gate_started(2, "lint\u{1b}[2J"), after(2));
    let line = status.frame(after(12), 80).unwrap();
    assert_eq!(line, "gates test, lint at work | iteration 2 | 12s");
    let passed =
        |name| samples::gates::gate_completed(2, samples::gates::gate(name, GateStatus::Passed));
    status.observe(&passed("test"), after(3));
    assert!(status.frame(after(12), 80).unwrap().starts_with("gate lint at work |"));
    status.observe(&passed("lint\u{1b}[2J"), after(13));
    assert_eq!(status.frame(after(14), 80).unwrap(), "checking the tree | iteration 2 | 1s");
}

/// What a red gate printed can be looked at: the path is whole where the run's folder is known.
#[test]
fn the_output_of_a_gate_is_told_with_its_whole_path() {
    let Event::SessionStart(mut start) = samples::session_start() else { unreachable!() };
    start.evidence_dir = Some("/data/runs/01JJ".to_owned());
    let red = samples::gates::blocking("test", Vec::new(), "assertion failed\n");
    let events = [Event::SessionStart(start), samples::gates::gate_completed(2, red)];
    let told = shown(&events, options(Format::Pretty, false));
    assert!(
        told.ends_with(
            "[gate] test: failed in 4.2s (exit code: 101)\n[gate] | assertion failed\n\
             [gate] All that test printed: /data/runs/01JJ/iterations/2/gates/test/output.log\n"
        ),
        "{told}"
    );
    let json = shown(&events, options(Format::Json, false));
    assert!(json.contains("\"path\":\"iterations/2/gates/test/output.log\""), "{json}");
}

#[test]
fn a_stop_at_once_while_the_tree_is_checked_after_gates_says_what_is_finished_first() {
    let stop = Event::StopRequested(StopRequested {
        timestamp: at(1),
        elapsed_ms: 1,
        signal: "SIGINT".to_owned(),
        now: true,
    });
    let started = |name| samples::gates::gate_started(2, name);
    let passed =
        |name| samples::gates::gate_completed(2, samples::gates::gate(name, GateStatus::Passed));
    let puts_back = |events: &[Event]| {
        let events = [events, std::slice::from_ref(&stop)].concat();
        shown(&events, options(Format::Pretty, false)).contains("put back")
    };
    assert!(puts_back(&[started("test"), passed("test")]));
    assert!(!puts_back(&[started("test"), started("lint"), passed("test")]), "the other runs");
    let looked = samples::gates::gate_tree_checked(&["test"], TreeCheck::Unchanged);
    assert!(!puts_back(&[started("test"), passed("test"), looked]));
}

#[test]
fn a_wait_counts_down() {
    let (mut status, now) = (Status::default(), Instant::now());
    status.observe(
        &Event::Waiting(Waiting {
            timestamp: at(0),
            elapsed_ms: 0,
            iteration: 1,
            role: Role::Actor,
            attempt: 2,
            until: at(90_000),
            reason: "usage limit".to_owned(),
        }),
        now,
    );
    let line = |after| status.frame(now + Duration::from_secs(after), 100).unwrap();
    let until = "actor waits until 2025-01-27 15:32:15 UTC | iteration 1";
    assert_eq!(line(30), format!("{until} | 60s left"));
    assert_eq!(line(89), format!("{until} | 1s left"));
    assert_eq!(line(95), format!("{until} | 0s left"));
}

#[test]
fn a_call_that_is_made_again_at_once_is_not_told_as_a_wait() {
    let again = Event::Waiting(Waiting {
        timestamp: at(0),
        elapsed_ms: 0,
        iteration: 1,
        role: Role::Actor,
        attempt: 2,
        until: at(0),
        reason: "a new conversation begins: not found".to_owned(),
    });
    assert_eq!(
        shown(&[again], options(Format::Pretty, false)),
        "[actor] Calling again at once: a new conversation begins: not found\n"
    );
}

#[test]
fn what_was_used_is_told_at_the_end() {
    let Some(Event::SessionEnd(mut end)) = samples::first_session().pop() else { unreachable!() };
    let used =
        |tokens, cost_usd| Some(Usage { input_tokens: Some(tokens), cost_usd, ..Usage::default() });
    end.usage =
        Some(UsageByRole { actor: used(12_000, Some(0.5)), critic: used(800, None), total: None });
    let events = [Event::SessionEnd(end)];
    let pretty = shown(&events, options(Format::Pretty, false));
    assert!(
        pretty.ends_with(
            "[codeloops] Usage, actor: 12,000 tokens in, $0.5000\n\
         [codeloops] Usage, critic: 800 tokens in\n\
         [codeloops] Usage, together: 12,800 tokens in, $0.5000\n"
        ),
        "{pretty}"
    );
    let compact = shown(&events, options(Format::Compact, false));
    assert!(compact.contains("12,800 tokens in, $0.5000"), "{compact}");
}

#[test]
fn what_was_masked_is_counted_at_the_end() {
    let Some(Event::SessionEnd(end)) = samples::first_session().pop() else { unreachable!() };
    for (format, credentials) in
        [(Format::Pretty, "Credentials:"), (Format::Compact, "credentials")]
    {
        let told = |redacted| {
            let end = SessionEnd { redacted, ..(*end).clone() };
            shown(&[Event::SessionEnd(Box::new(end))], options(format, false))
        };
        assert!(told(3).contains(&format!("{credentials} masked at 3 places")), "{}", told(3));
        assert!(told(1).contains(&format!("{credentials} masked at 1 place")), "{}", told(1));
        assert!(!told(1).contains("places") && !told(0).contains("masked"), "{}", told(0));
    }
}

#[test]
fn nothing_is_drawn_twice_and_not_more_often_than_ten_times_a_second() {
    let (terminal, mut sink) = Terminal::show(80, false);
    let mut status = Status::default();
    let now = Instant::now();
    assert_eq!(sink.next_tick(), None, "nothing goes on yet");
    status.observe(&samples::first_session()[2], now);
    assert!(!status.refresh(now, 80).is_empty());
    assert!(status.refresh(now, 80).is_empty(), "it is up to date");
    assert_eq!(status.next_draw(), Some(now + Duration::from_secs(1)), "for the clock");
    status.observe(&samples::actor_output("x\n"), now);
    assert_eq!(status.next_draw(), Some(now + Duration::from_millis(100)), "for the output");
    sink.finish().unwrap();
    assert_eq!(terminal.bytes.text(), "");
}

#[test]
fn a_sink_that_is_dropped_in_the_middle_takes_its_status_along() {
    let (mut terminal, mut sink) = Terminal::show(80, false);
    for event in &samples::first_session()[..3] {
        sink.accept(event).unwrap();
    }
    assert!(terminal.last_line().starts_with("actor at work"));
    drop(sink);
    assert_eq!(terminal.last_line(), "[actor] Running Claude Code...");
}

#[test]
fn a_status_that_a_narrower_terminal_broke_in_two_is_cleared_whole() {
    let (mut terminal, mut sink) = Terminal::show(80, false);
    for event in &samples::first_session()[..3] {
        sink.accept(event).unwrap();
    }
    let above = terminal.contents().lines().count() - 1;
    // What a terminal that breaks long lines shows then: the rest of the status in the next row,
    // the cursor where it was, at the beginning of the status.
    let row = u16::try_from(above).unwrap();
    assert_eq!(terminal.screen.screen().cursor_position(), (row, 0));
    terminal.screen.process(b"\r\n7s | rest of the status\x1b[A\r");
    sink.finish().unwrap();
    assert_eq!(terminal.contents().lines().count(), above);
}

/// The tree may be being put back then, and the run does not end before that is done.
#[test]
fn a_stop_at_once_while_the_tree_is_checked_says_what_is_finished_first() {
    let stop = |now| {
        let signal = "SIGINT".to_owned();
        Event::StopRequested(StopRequested { timestamp: at(1), elapsed_ms: 1, signal, now })
    };
    let completed = || samples::critic_completed(1, AgentOutcome::Completed, Some(0));
    let during = [completed(), stop(false), stop(true)];
    assert_eq!(
        shown(&during, options(Format::Pretty, false)),
        "[codeloops] Stopping; press Ctrl+C again to stop at once\n\
         [codeloops] Stopping at once\n\
         [git] What has begun to be put back is finished first\n"
    );
    let compact = shown(&during, options(Format::Compact, false));
    let told = "Stopping at once; What has begun to be put back is finished first\n";
    assert!(compact.ends_with(told), "{compact}");
    let after = [completed(), samples::tree_checked(TreeCheck::Unchanged), stop(false), stop(true)];
    assert!(!shown(&after, options(Format::Pretty, false)).contains("put back"));
}

/// What the gates have printed is in the feedback of the round, and was told already.
#[test]
fn the_feedback_of_a_round_is_what_the_critic_said() {
    let verdict = Verdict::Continue { feedback: "Name the unit.".to_owned() };
    let told = "Name the unit.\n\nThe gate `test` does not pass: exit code 101.\nleft: 1";
    let Event::Iteration(mut round) = samples::bare_iteration(1, Decision::Continue, Some(told))
    else {
        unreachable!()
    };
    round.critic_verdict = Some(Decision::Continue);
    round.gates = vec![samples::gates::blocking("test", Vec::new(), "left: 1")];
    let events = |round| {
        let verdict = samples::verdict_reached(Ruling::Accepted { verdict: verdict.clone() });
        [samples::iteration_started(1), verdict, Event::Iteration(round)]
    };
    let pretty = shown(&events(round.clone()), options(Format::Pretty, false));
    assert!(pretty.ends_with("[critic] Feedback: Name the unit.\n"), "{pretty}");
    let compact = shown(&events(round.clone()), options(Format::Compact, false));
    assert!(compact.ends_with("Decision: CONTINUE: Name the unit.\n"), "{compact}");
    let json = shown(&events(round), options(Format::Json, false));
    assert!(json.contains("left: 1\",\"timestamp\""), "{json}");
}

#[test]
fn analysis_and_recovery_of_an_error_are_told_apart() {
    let analysis = "It does not compile:\n`validate` does not exist.".to_owned();
    let verdict = Verdict::Error { analysis, recovery: "Use the helper.".to_owned() };
    let feedback = verdict.feedback();
    let events = [
        samples::iteration_started(1),
        samples::verdict_reached(Ruling::Accepted { verdict }),
        samples::bare_iteration(1, Decision::Error, feedback.as_deref()),
        // Nobody knows of another round's.
        samples::iteration_started(2),
        samples::bare_iteration(2, Decision::Error, Some("The answer could not be read.")),
    ];
    insta::assert_snapshot!(shown(&events, options(Format::Pretty, false)), @r"
    [iteration 1]
    [critic] Decision: ERROR
    [critic] Analysis: It does not compile:
             `validate` does not exist.
    [critic] Recovery: Use the helper.

    [iteration 2]
    [critic] Decision: ERROR
    [critic] Feedback: The answer could not be read.
    ");
    let compact = shown(&events, options(Format::Compact, false));
    let told = "[critic] Decision: ERROR; analysis: It does not compile: `validate` does not exist.; \
                recovery: Use the helper.\n";
    assert!(compact.contains(told), "{compact}");
}
