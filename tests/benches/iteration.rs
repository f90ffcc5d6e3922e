//! What an iteration costs beside its agents, in a repository of 100 small files.
//!
//! `cargo xtask bench iteration`: a run of 2 rounds is taken from one of 42 and divided by 40; from
//! the wall time goes what the same agent takes when it is run directly. Where `strace` is there, it
//! counts the syncs to the disk. Then the same with agents that print a stream of events, in turn.

#![expect(clippy::unwrap_used, reason = "a bench that cannot run has no figures")]

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use support::{FAKE_AGENT, Place, Used, lowest, measure, median, millis, say};

mod support;

const SCRIPT: &str = "on actor\nappend 1.txt one more line\nprint I added a line\n\
                      on critic\nprint DECISION: CONTINUE\\n\\nFEEDBACK: one more, please\n";
/// The same in events; what the actor prints was recorded.
const IN_EVENTS: &str = r#"on actor
append 1.txt one more line
print-file ../recorded
on critic
print {"type":"system","subtype":"init","session_id":"s"}
print {"type":"result","subtype":"success","is_error":false,"result":"DECISION: CONTINUE\\n\\nFEEDBACK: one more, please"}
"#;
const ROUNDS: u32 = 40;
const TIMES: usize = 11;

fn main() {
    let program = support::released();
    let text = Place::new(100, SCRIPT);
    let events = Place::new(100, IN_EVENTS);
    events.speak("claude-stream-json");
    fs::write(events.path("recorded"), recorded_turn()).unwrap();
    let (mut of_text, mut of_events) = (Figures::default(), Figures::default());
    for _ in 0..TIMES {
        of_text.take(&text, &program);
        of_events.take(&events, &program);
    }
    say(&format!(
        "an iteration beside its agents, {TIMES} times {ROUNDS} rounds (lowest, median):"
    ));
    of_text.tell("text");
    of_events.tell("events");
    let more = |events: &[f64], text: &[f64]| {
        median(events.iter().zip(text).map(|(events, text)| events - text).collect())
    };
    let wall = more(&of_events.walls, &of_text.walls);
    let cpu = more(&of_events.cpus, &of_text.cpus);
    say(&format!("  events take {wall:.2} ms and {cpu:.2} ms more (median; to reach: 2)"));
    if let Some(syncs) = syncs(&text, &program) {
        say(&format!("  {syncs:.1} syncs to the disk"));
    }
}

/// A turn in which a tool was used, and which ended well.
fn recorded_turn() -> String {
    let mut turns = support::recordings("claude").into_iter();
    let used = ["\"tool_result\"", "\"is_error\":false", "\"permission_denials\":[]"];
    turns.find(|turn| used.iter().all(|word| turn.contains(word))).unwrap()
}

/// Milliseconds for each round, of each time.
#[derive(Default)]
struct Figures {
    walls: Vec<f64>,
    cpus: Vec<f64>,
}

impl Figures {
    fn take(&mut self, place: &Place, program: &Path) {
        let (few, many) = (run(place, program, 2), run(place, program, 2 + ROUNDS));
        let agents = agents(place);
        let per_round = |many: f64, few: f64| (many - few) / f64::from(ROUNDS);
        self.walls.push(per_round(millis(many.wall), millis(few.wall)) - agents);
        self.cpus.push(per_round(millis(many.cpu), millis(few.cpu)));
    }

    fn tell(&self, what: &str) {
        let line = |figure, values: &[f64], bound| {
            let (low, middle) = (lowest(values), median(values.to_vec()));
            say(&format!("  {what:7}{figure} {low:5.1} ms {middle:5.1} ms (to reach: {bound})"));
        };
        line("wall", &self.walls, 8);
        line("cpu ", &self.cpus, 4);
    }
}

fn run(place: &Place, program: &Path, rounds: u32) -> Used {
    place.git(&["checkout", "-q", "."]);
    measure(arguments(&mut place.command(program), rounds))
}

fn arguments(command: &mut Command, rounds: u32) -> &mut Command {
    command.args(["--prompt", "Add lines", "--max-iterations", &rounds.to_string()])
}

/// Milliseconds that actor and critic of one round take by themselves.
fn agents(place: &Place) -> f64 {
    let started = Instant::now();
    for role in ["actor", "critic"].repeat(ROUNDS as usize) {
        let mut command = place.command(FAKE_AGENT);
        command.env("CODELOOPS_ROLE", role).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(&[b'x'; 2000]).unwrap();
        assert!(child.wait_with_output().unwrap().status.success());
    }
    millis(started.elapsed()) / f64::from(ROUNDS)
}

/// Syncs in a round; none without `strace`.
fn syncs(place: &Place, program: &Path) -> Option<f64> {
    let count = |rounds| {
        let log = place.path("strace");
        let mut strace = place.command("strace");
        strace.args(["-f", "-qq", "-e", "trace=fsync,fdatasync,sync_file_range", "-o"]);
        strace.arg(&log).arg(program);
        arguments(&mut strace, rounds).status().ok()?;
        let traced = fs::read_to_string(log).ok()?;
        Some(
            traced
                .lines()
                .filter(|line| line.contains("sync") && !line.contains("resumed"))
                .count(),
        )
    };
    let (few, many) = (count(2)?, count(2 + ROUNDS)?);
    Some((many as f64 - few as f64) / f64::from(ROUNDS))
}
