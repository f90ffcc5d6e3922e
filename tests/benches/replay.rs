//! How fast a recording is verified, shown, and asked for other settings.
//!
//! `cargo xtask bench replay`: session files of at least 200 MB, written by the machine itself: rounds
//! in which the critic is never content, with the diff of a source tree in each. Processor
//! time of the whole program, `codeloops replay`, which ends on each file.

#![expect(clippy::unwrap_used, reason = "a bench that cannot run has no figures")]

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use codeloops_event::{AgentOutcome, CallKind, Event, Settings, TreeCheck};
use codeloops_machine::Input;
use codeloops_machine::testing::{Simulation, answers, settings};
use support::{lowest, measure, median, released, say};

mod support;

/// Bytes of a session file.
const SIZE: u64 = 200_000_000;

const TIMES: usize = 5;

const DIFFS: [usize; 3] = [20_000, 100_000, 1_000_000];

fn main() {
    let program = released();
    let folder = tempfile::tempdir().unwrap();
    for bytes in DIFFS {
        let file = folder.path().join(format!("{bytes}.jsonl"));
        record(&file, bytes);
        let size = file.metadata().unwrap().len();
        say(&format!("diffs of {} KB, {} MB", bytes / 1000, size / 1_000_000));
        for (what, args) in [
            ("verify", &["--verify"][..]),
            ("with", &["--with", "max_iterations=100000"]),
            ("console", &["--log-format", "compact"]),
        ] {
            tell(what, &program, &file, args, size);
        }
        std::fs::remove_file(&file).unwrap();
    }
}

fn tell(what: &str, program: &Path, file: &PathBuf, args: &[&str], size: u64) {
    let once = || {
        let mut command = Command::new(program);
        command.arg("replay").arg(file).args(args);
        measure(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()))
    };
    let used: Vec<_> = (0..TIMES).map(|_| once()).collect();
    let cpu: Vec<f64> = used.iter().map(|used| used.cpu.as_secs_f64()).collect();
    let rate = |secs: f64| size as f64 / 1e6 / secs;
    say(&format!("  {what}: {:.0} MB/s, median {:.0} MB/s", rate(lowest(&cpu)), rate(median(cpu))));
}

/// Writes the record of a run whose rounds have diffs of so many bytes.
fn record(file: &Path, diff: usize) {
    let mut simulation = Simulation::start(Settings { gates: Vec::new(), ..settings() });
    let diff = source_diff(diff);
    let mut out = BufWriter::new(File::create(file).unwrap());
    let (mut written, mut told) = (0, 0);
    while written < SIZE {
        let call = simulation.machine().awaited().unwrap();
        let input = answers(call).into_iter().find(|input| brings_on(call.kind, input)).unwrap();
        simulation.give(with_diff(input, &diff), 1000).unwrap();
        for event in &simulation.events()[told..] {
            written += line(&mut out, event);
        }
        told = simulation.events().len();
    }
    let stop = Input::StopRequested { signal: "SIGINT".to_owned() };
    simulation.give(stop, 1000).unwrap();
    for event in &simulation.events()[told..] {
        line(&mut out, event);
    }
    out.flush().unwrap();
}

/// Writes a line; gives its bytes.
fn line(out: &mut impl Write, event: &Event) -> u64 {
    let mut line = serde_json::to_vec(event).unwrap();
    line.push(b'\n');
    out.write_all(&line).unwrap();
    line.len() as u64
}

/// Success, and a critic that asks for more.
fn brings_on(kind: CallKind, input: &Input) -> bool {
    match input {
        Input::AgentFinished { report, .. } => {
            let wanted = if kind == CallKind::Critic { "DECISION: CONTINUE" } else { "" };
            report.outcome == AgentOutcome::Completed && report.text.starts_with(wanted)
        }
        Input::TreeChecked { check, .. } => *check == TreeCheck::Unchanged,
        Input::DiffCaptured { .. } => true,
        _ => false,
    }
}

fn with_diff(input: Input, text: &str) -> Input {
    match input {
        Input::DiffCaptured { call, mut diff } => {
            text.clone_into(&mut diff.diff);
            Input::DiffCaptured { call, diff }
        }
        other => other,
    }
}

/// A diff of real source: this one's, over and over.
fn source_diff(bytes: usize) -> String {
    let source = include_str!("replay.rs");
    let added = source.lines().cycle().map(|line| format!("+{line}\n"));
    let mut diff = "diff --git a/replay.rs b/replay.rs\n@@ -0,0 +1 @@\n".to_owned();
    for line in added {
        if diff.len() >= bytes {
            break;
        }
        diff.push_str(&line);
    }
    diff
}
