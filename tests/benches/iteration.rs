//! What an iteration costs beside its agents, in a repository of 100 small files.
//!
//! `cargo xtask bench iteration`: a run of 2 rounds is taken from one of 42 and divided by 40; from
//! the wall time goes what the same agent takes when it is run directly. Where `strace` is there, it
//! counts the syncs to the disk.

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
const ROUNDS: u32 = 40;
const TIMES: usize = 11;

fn main() {
    let program = support::released();
    let place = Place::new(100, SCRIPT);
    let (mut walls, mut cpus) = (Vec::new(), Vec::new());
    for _ in 0..TIMES {
        let (few, many) = (run(&place, &program, 2), run(&place, &program, 2 + ROUNDS));
        let agents = agents(&place);
        let per_round = |many: f64, few: f64| (many - few) / f64::from(ROUNDS);
        walls.push(per_round(millis(many.wall), millis(few.wall)) - agents);
        cpus.push(per_round(millis(many.cpu), millis(few.cpu)));
    }
    say(&format!(
        "an iteration beside its agents, {TIMES} times {ROUNDS} rounds (lowest, median):"
    ));
    say(&format!("  wall {:5.1} ms {:5.1} ms (to reach: 8)", lowest(&walls), median(walls)));
    say(&format!("  cpu  {:5.1} ms {:5.1} ms (to reach: 4)", lowest(&cpus), median(cpus)));
    if let Some(syncs) = syncs(&place, &program) {
        say(&format!("  {syncs:.1} syncs to the disk"));
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
