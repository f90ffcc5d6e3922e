//! What it costs to listen to a program that prints 200 MB in lines of 64 bytes.
//!
//! `cargo bench -p codeloops-adapters --bench flood [-- json | plain]`: runs itself as the
//! agent and prints wall time, processor time of the listener alone, and its peak memory. The agent
//! is one of text, or one with a stream of events that prints events (`json`) or not (`plain`).
//! `-- calls` makes 200 calls of a program that does nothing instead.

use std::io::Write;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use codeloops_adapters::Grace;
use codeloops_adapters::resolve::{Host, resolve};
use codeloops_adapters::runner::{AgentsConfig, CliAgents, RoleAgent};
use codeloops_adapters::spec::{AgentSpec, OutputFormat};
use codeloops_driver::ports::Agents;
use codeloops_event::{CallId, CallKind, CriticAccess, Permissions, Role};
use codeloops_machine::{AgentCall, AgentReport};
use tokio::sync::{mpsc, watch};

const BYTES: usize = 200_000_000;
const LINE: usize = 64;

fn main() {
    if std::env::var_os("CODELOOPS_ROLE").is_some() {
        return flood();
    }
    let mode = std::env::args().nth(1).unwrap_or_default();
    if mode == "calls" {
        return calls();
    }
    let dir = tempfile::tempdir().expect("a temporary folder");
    let agents = agents(dir.path().to_owned(), &mode);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let started = Instant::now();
    let report = runtime.expect("a runtime").block_on(call(&agents));
    let wall = started.elapsed();
    let bytes = report.stdout_file.map_or(0, |file| file.bytes);
    let (cpu, peak) = own_use();
    say(&format!(
        "{:?}: {bytes} bytes in {wall:.3?}, listener's cpu {cpu:.3?}, peak memory {peak} KiB",
        report.outcome
    ));
}

/// What a call costs beside the agent itself.
fn calls() {
    const CALLS: u32 = 200;
    let dir = tempfile::tempdir().expect("a temporary folder");
    let agents = agents(dir.path().to_owned(), "nothing");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    let started = Instant::now();
    for _ in 0..CALLS {
        runtime.block_on(call(&agents));
    }
    let (cpu, _) = own_use();
    let wall = started.elapsed() / CALLS;
    say(&format!("a call takes {wall:.3?}, listener's cpu {:.3?}", cpu / CALLS));
}

fn agents(dir: PathBuf, mode: &str) -> CliAgents {
    let me = std::env::current_exe().expect("this program has a path");
    let mut spec = AgentSpec::new("flood", "Flood", &[&me.to_string_lossy()]);
    spec.env = [("FLOOD".to_owned(), mode.to_owned())].into();
    if matches!(mode, "json" | "plain") {
        spec.output = OutputFormat::ClaudeStreamJson;
    }
    let agent = resolve(&spec, &Host::current(&dir)).expect("this program can be run");
    let agent = RoleAgent { agent, model: None, permissions: Permissions::Full };
    CliAgents::new(AgentsConfig {
        actor: agent.clone(),
        critic: agent,
        critic_access: CriticAccess::RunCommands,
        working_dir: dir.clone(),
        evidence_root: dir,
        run_id: "01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().expect("an id"),
        commit_sha: None,
        branch: None,
        max_output: 1_000_000_000,
        grace: Grace::default(),
    })
}

async fn call(agents: &CliAgents) -> AgentReport {
    let (notes, mut received) = mpsc::channel(64);
    let (_stop, stopped) = watch::channel(None);
    let call = AgentCall {
        call: CallId { iteration: 1, kind: CallKind::Actor, attempt: 1 },
        role: Role::Actor,
        prompt: "flood".to_owned(),
        deadline: None,
        idle: Some(Duration::from_secs(60)),
    };
    let listener = async { while received.recv().await.is_some() {} };
    tokio::join!(agents.run(call, notes, stopped), listener).0
}

/// The agent: whole blocks of lines, so that it is not what is measured.
fn flood() {
    if std::env::var_os("FLOOD").is_some_and(|mode| mode == "nothing") {
        return;
    }
    let mut line = vec![b'x'; LINE - 1];
    if std::env::var_os("FLOOD").is_some_and(|mode| mode == "json") {
        line = format!("{:width$}}}", "{\"type\":\"x\",\"y\":1", width = LINE - 2).into_bytes();
    }
    line.push(b'\n');
    let block = line.repeat(4096);
    let mut stdout = std::io::stdout().lock();
    let mut left = BYTES;
    while left > 0 {
        let count = left.min(block.len());
        if stdout.write_all(&block[..count]).is_err() {
            return;
        }
        left -= count;
    }
}

/// Processor time and peak memory of this process, its children not counted.
fn own_use() -> (Duration, u64) {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat.split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|field| field.parse().ok()).unwrap_or(0u64);
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let peak = peak.and_then(|kib| kib.split_whitespace().next()?.parse().ok()).unwrap_or(0);
    // Linux counts 100 ticks a second for every user-space reader.
    (Duration::from_millis((ticks(13) + ticks(14)) * 10), peak)
}

#[expect(clippy::print_stdout, reason = "a benchmark prints its result")]
fn say(line: &str) {
    println!("{line}");
}
