//! What a gate costs beside its command.
//!
//! `cargo xtask bench gates`: the gate is `true`; from the wall time and the processor time goes what it
//! takes to run it directly, with its output in a pipe. Then with a full folder of kept results, and from
//! there alone. At last a gate that prints 1 GB; needs 1 GB of `TMPDIR`.

#![expect(clippy::unwrap_used, reason = "a bench that cannot run has no figures")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Instant;

use codeloops_adapters::Grace;
use codeloops_adapters::gates::{CommandGates, GateProgram, GatesConfig, KeptResults};
use codeloops_adapters::redact::Redactor;
use codeloops_driver::ports::Gates;
use codeloops_event::{CallId, CallKind, GateSettings, GateStatus, TreeId};
use codeloops_machine::{GateCall, GateReport};
use support::{cpu_time, lowest, median, millis, say};
use tokio::runtime::Runtime;
use tokio::sync::watch;

mod support;

const TIMES: usize = 500;
const FLOOD: &str = "yes 'a line of 64 bytes, or nearly so: it is what a test may print' \
                     | head -c 1000000000; exit 1";

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let direct = Figures::of(|_| run_directly());
    say(&format!("a gate that is `true`, beside its command, {TIMES} times:"));
    let gates = gates(dir.path(), None);
    Figures::of(|n| run(&runtime, &gates, "true", n)).tell("run", &direct);
    let folder = dir.path().join("kept");
    fill(&folder);
    let keeping = self::gates(dir.path(), Some(KeptResults::new(folder)));
    Figures::of(|n| run(&runtime, &keeping, "true", n)).tell("run and kept", &direct);
    let nothing = Figures::default();
    Figures::of(|_| run(&runtime, &keeping, "true", 0)).tell("known from before", &nothing);
    flood(&runtime, &gates);
}

/// Milliseconds.
#[derive(Default)]
struct Figures {
    walls: Vec<f64>,
    cpus: Vec<f64>,
}

impl Figures {
    /// The iteration counts from 1.
    fn of(mut work: impl FnMut(u32)) -> Self {
        let mut figures = Self::default();
        // The first is slower, and none of the others.
        for n in (0..=TIMES).map(|n| u32::try_from(n).unwrap() + 1) {
            let (began, cpu) = (Instant::now(), cpu_time());
            work(n);
            let (wall, cpu) = (began.elapsed(), cpu_time().saturating_sub(cpu));
            figures.walls.push(millis(wall));
            figures.cpus.push(millis(cpu));
        }
        figures.walls.remove(0);
        figures.cpus.remove(0);
        figures
    }

    fn tell(&self, what: &str, beside: &Self) {
        let line = |figure, values: &[f64], beside: &[f64]| {
            let less = |value: f64, of: fn(&[f64]) -> f64| {
                value - if beside.is_empty() { 0.0 } else { of(beside) }
            };
            let (low, middle) = (lowest(values), median(values.to_vec()));
            let (low, middle) = (less(low, lowest), less(middle, |b| median(b.to_vec())));
            say(&format!("  {what:18}{figure} {low:6.2} ms {middle:6.2} ms (to reach: 5)"));
        };
        line("wall", &self.walls, &beside.walls);
        line("cpu ", &self.cpus, &beside.cpus);
    }
}

fn run_directly() {
    let mut command = Command::new("true");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    assert!(command.output().unwrap().status.success());
}

fn run(runtime: &Runtime, gates: &CommandGates, name: &str, iteration: u32) {
    assert_eq!(report(runtime, gates, name, iteration).status, GateStatus::Passed);
}

fn report(runtime: &Runtime, gates: &CommandGates, name: &str, iteration: u32) -> GateReport {
    let (_stop, stopped) = watch::channel(None);
    runtime.block_on(gates.run(call(name, iteration), stopped))
}

fn call(name: &str, iteration: u32) -> GateCall {
    GateCall {
        call: CallId { iteration, kind: CallKind::Gate, attempt: 1 },
        gate: GateSettings {
            name: name.to_owned(),
            command: Vec::new(),
            required: true,
            baseline: true,
            retries: 0,
            timeout_secs: None,
            working_dir: None,
            env: Vec::new(),
        },
        tree: Some(TreeId("tree".to_owned())),
        deadline: None,
    }
}

fn gates(dir: &Path, kept: Option<KeptResults>) -> CommandGates {
    let program = |name: &str, command: &[&str]| GateProgram {
        name: name.to_owned(),
        command: command.iter().map(ToString::to_string).collect(),
        working_dir: None,
        env: BTreeMap::new(),
    };
    CommandGates::new(GatesConfig {
        gates: vec![program("true", &["true"]), program("flood", &["sh", "-c", FLOOD])],
        working_dir: dir.to_owned(),
        evidence_root: dir.join("evidence"),
        run_id: "01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap(),
        commit_sha: None,
        branch: None,
        max_output: u64::MAX,
        grace: Grace::default(),
        redactor: Some(Arc::new(Redactor::new(&[], []).unwrap())),
        kept,
        diagnose: |_| (Vec::new(), 0),
    })
}

/// As many results as are kept at most.
fn fill(folder: &Path) {
    fs::create_dir_all(folder).unwrap();
    for n in 0..500 {
        fs::write(folder.join(format!("{n:064}.json")), "{}").unwrap();
    }
}

fn flood(runtime: &Runtime, gates: &CommandGates) {
    let (began, before) = (Instant::now(), peak());
    let flood = report(runtime, gates, "flood", 1);
    let bytes = flood.output.unwrap().bytes;
    let (took, more) = (began.elapsed().as_secs_f64(), peak() - before);
    let rate = bytes as f64 / 1e6 / took;
    say(&format!("1 GB printed: {took:.1} s, {rate:.0} MB/s, {more} KiB more memory at its peak"));
}

/// Memory of this process at its peak, in KiB.
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
