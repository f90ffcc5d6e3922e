//! Runs the user's checks: their programs, what they print and leave, and what is known of them already.
//!
//! A gate's processes are stood by as an agent's are: a session of its own without a terminal, nothing to
//! read, and nothing of it left when it is over. Several may run at once. Each call has a mark of its own
//! in the environment of its processes, so that one gate's end ends none of another's. What throws that
//! mark away, its parent and its session cannot be told apart from what another gate started at the same
//! time; it ends with the last of them. A gate is a child of codeloops: one that kills its parent, where
//! that is not a shell of its own, kills codeloops, as `kill -9` does from anywhere else.
//!
//! What a gate prints goes to its evidence as it comes, masked; a red gate is repeated as often as its
//! settings say. A result may be kept for the next run on the same tree ([`KeptResults`]).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use codeloops_driver::ports::{Gates, StopSignal};
use codeloops_event::{Failure, RunId};
use codeloops_machine::{GateCall, GateReport};

use crate::process::{Grace, Mark, NoResult, end_processes_with, stand_by};
use crate::redact::Redactor;

mod artifacts;
mod attempt;
mod call;
mod capture;
mod kept;
mod report;
mod tail;

pub use artifacts::{Artifacts, Skipped, artifacts};
pub use kept::KeptResults;

/// The file that lists what a gate left, beside the folder of that.
pub const ARTIFACTS_FILE: &str = "artifacts.json";

/// What a gate starts. Unlike what is recorded of it, nothing here is masked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GateProgram {
    /// The gate's name.
    pub name: String,
    /// The program and its arguments.
    pub command: Vec<String>,
    /// Where it runs, from the run's working directory; `None` for there.
    pub working_dir: Option<PathBuf>,
    /// Variables beside those that codeloops has and sets.
    pub env: BTreeMap<String, String>,
}

/// A gate that failed, for whoever reads what it printed.
#[derive(Debug, Clone, Copy)]
pub struct Printed<'a> {
    /// The program and its arguments, as they are.
    pub command: &'a [String],
    /// Where it ran.
    pub dir: &'a Path,
    /// All that it printed, masked.
    pub log: &'a Path,
    /// The folder of what it left.
    pub artifacts: &'a Path,
}

/// Reads what fails out of what a gate printed and left: the failures, and how many more there are.
pub type Diagnose = fn(Printed<'_>) -> (Vec<Failure>, u64);

/// Everything about a run that its gates have in common.
#[derive(Debug, Clone)]
pub struct GatesConfig {
    /// The gates.
    pub gates: Vec<GateProgram>,
    /// The run's working directory.
    pub working_dir: PathBuf,
    /// The run's evidence folder. Absolute.
    pub evidence_root: PathBuf,
    /// The run; it marks every process of it.
    pub run_id: RunId,
    /// HEAD, where there is a commit.
    pub commit_sha: Option<String>,
    /// The branch, where HEAD is on one.
    pub branch: Option<String>,
    /// Bytes that the evidence of one attempt may grow to.
    pub max_output: u64,
    /// How long the steps of an end may take.
    pub grace: Grace,
    /// Masks credentials in what is recorded and shown; `None` where the user wants them there.
    pub redactor: Option<Arc<Redactor>>,
    /// The results of earlier runs; `None` where none are kept or used.
    pub kept: Option<KeptResults>,
    /// Reads what fails.
    pub diagnose: Diagnose,
}

/// Runs gates by their commands.
///
/// A call runs on a blocking thread of its own. Dropping its future ends its processes at once.
#[derive(Debug, Clone)]
pub struct CommandGates {
    config: Arc<GatesConfig>,
}

impl CommandGates {
    /// A runner for one run.
    #[must_use]
    pub fn new(config: GatesConfig) -> Self {
        Self { config: Arc::new(config) }
    }
}

#[async_trait]
impl Gates for CommandGates {
    async fn run(&self, call: GateCall, stop: StopSignal) -> GateReport {
        let mark = match Mark::of_new_gate_call() {
            Ok(mark) => mark,
            Err(error) => return report::not_started(format!("no random word: {error}")),
        };
        let (config, own) = (Arc::clone(&self.config), mark.clone());
        let work = move |control| call::run(&config, &call, &own, &control);
        stand_by(stop, work).await.unwrap_or_else(|error| without_result(&error, &mark))
    }
}

fn without_result(error: &NoResult, mark: &Mark) -> GateReport {
    if let NoResult::Panicked(error) = error {
        // A defect of ours must not leave the gate running.
        let ended = end_processes_with(mark);
        tracing::error!(%error, ended, "the gate's supervisor failed");
    }
    report::not_started(format!("the gate's supervisor failed: {error}"))
}
