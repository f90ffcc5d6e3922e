//! Gates that are run on their own, without agents: what is run, and what is kept of it.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use codeloops_adapters::Grace;
use codeloops_adapters::gates::{CommandGates, GateProgram, GatesConfig};
use codeloops_driver::ports::{Gates, StopSignal};
use codeloops_driver::stop_requests;
use codeloops_event::{
    CallId, CallKind, GateResult, GateSettings, GateStatus, LimitKind, Outcome, Parent, RunId,
    TreeId,
};
use codeloops_machine::{GateCall, GateReport, StopLevel, gate_result};
use codeloops_session::{
    Began, EvidenceError, Lineage, Receipt, RoundFiles, RunFile, RunFolder, RunKind,
};
use codeloops_sinks::{one_line, words};
use tokio::runtime::Runtime;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use crate::checks::diagnose;
use crate::engine::{mask_gates, runtime};
use crate::error::CliError;
use crate::exit_code;
use crate::output::Printer;
use crate::runs_dir;
use crate::settings::RunSettings;
use crate::world::World;

/// The one round of a run that has no agents.
const ONLY_ROUND: u32 = 1;

/// What is to be run, and where.
pub(crate) struct Verification<'a> {
    pub(crate) settings: &'a RunSettings,
    pub(crate) world: &'a World,
    /// The gates, as they are.
    pub(crate) gates: Vec<GateSettings>,
    /// What they start.
    pub(crate) programs: Vec<GateProgram>,
    /// Where they run.
    pub(crate) working_dir: PathBuf,
    /// The root of the repository that they are about.
    pub(crate) repository: PathBuf,
    pub(crate) commit_sha: Option<String>,
    pub(crate) branch: Option<String>,
    /// The tree, where it is known.
    pub(crate) tree: Option<TreeId>,
    /// The receipt that is checked.
    pub(crate) receipt: Option<&'a Receipt>,
}

/// What came of it.
pub(crate) struct Verified {
    pub(crate) run: RunFile,
    pub(crate) files: RoundFiles,
    pub(crate) folder: PathBuf,
    /// Whether the user broke it off.
    pub(crate) interrupted: bool,
    /// Whether nothing blocks; of a receipt, whether it holds.
    good: bool,
    pub(crate) took: Duration,
}

impl Verified {
    /// Whether nothing blocks, or the receipt holds.
    pub(crate) const fn passed(&self) -> bool {
        !self.interrupted && self.good
    }

    pub(crate) const fn exit_code(&self) -> u8 {
        match (self.interrupted, self.good) {
            (true, _) => exit_code::INTERRUPTED,
            (false, true) => exit_code::SUCCESS,
            (false, false) => exit_code::LIMIT,
        }
    }

    /// How the gate of this name was found, as far as it came to an end.
    pub(crate) fn found(&self, name: &str) -> Option<GateStatus> {
        found(&self.files.gate.gates, name)
    }
}

fn found(results: &[GateResult], name: &str) -> Option<GateStatus> {
    let mut ended = results.iter().filter(|result| !result.interrupted);
    ended.find(|result| result.name == name).map(|result| result.status)
}

/// Listens for Ctrl+C and its like. From the moment it does, none of them ends the process by itself: so
/// it is begun before anything is made that must be taken away again.
pub(crate) struct Listening {
    runtime: Runtime,
    stops: mpsc::Receiver<String>,
}

impl Listening {
    pub(crate) fn begin() -> Result<Self, CliError> {
        let runtime = runtime()
            .map_err(|error| CliError::failed(format!("the runtime cannot be started: {error}")))?;
        let stops = runtime
            .block_on(async { stop_requests() })
            .map_err(|error| CliError::failed(format!("signals cannot be listened to: {error}")))?;
        Ok(Self { runtime, stops })
    }
}

impl Verification<'_> {
    /// Runs the gates and keeps what they came to. `printer` tells what runs, where somebody is to see
    /// that.
    pub(crate) fn carry_out(
        self,
        listening: Listening,
        mut printer: Option<&mut Printer>,
    ) -> Result<Verified, CliError> {
        let run_id = (self.world.run_ids)();
        let folder = self.folder(&run_id)?;
        let mut run = self.run_file(&run_id)?;
        let kept = |error: EvidenceError| CliError::failed(error.to_string());
        folder.write_run_file(&run).map_err(kept)?;
        let gates = self.runner(&run_id, folder.path())?;
        let Listening { runtime, mut stops } = listening;
        let began = Instant::now();
        let ran = runtime.block_on(self.run(gates, &run.gates, &mut stops, &mut printer));
        let took = began.elapsed();
        // What is ended is ended: nobody waits for a blocked thread.
        runtime.shutdown_timeout(Duration::ZERO);
        ran.results.iter().for_each(|result| run.gate(ONLY_ROUND, result));
        let files = self.files(run_id, ran.results);
        folder.write_round(&files).map_err(kept)?;
        let (good, folder_path) = (self.is_good(&files), folder.path().to_owned());
        let interrupted = ran.interrupted;
        let mut verified = Verified { run, files, folder: folder_path, interrupted, good, took };
        verified.end(self.world);
        folder.write_run_file(&verified.run).map_err(kept)?;
        Ok(verified)
    }

    fn files(&self, run_id: RunId, results: Vec<GateResult>) -> RoundFiles {
        let lineage = Lineage {
            run_id: Some(run_id),
            commit_sha: self.commit_sha.clone(),
            branch: self.branch.clone(),
        };
        RoundFiles::of_gates(&lineage, ONLY_ROUND, self.tree.clone(), results)
    }

    fn is_good(&self, files: &RoundFiles) -> bool {
        self.receipt.map_or(files.gate.passed, |receipt| {
            receipt.gates().all(|stated| stated.holds(found(&files.gate.gates, &stated.name)))
        })
    }

    fn folder(&self, run_id: &RunId) -> Result<RunFolder, CliError> {
        let (runs_dir, dir) = (&self.settings.runs_dir.value, &self.settings.working_dir.value);
        runs_dir::refuse_project_files(runs_dir, dir)?;
        let folder = RunFolder::create(runs_dir, run_id).map_err(|error| {
            CliError::failed(error.to_string())
                .hint("it must be a directory that you may write; name another with `--runs-dir`")
        })?;
        if let Err(error) = runs_dir::keep_out_of_git(runs_dir, dir) {
            tracing::warn!(%error, "the evidence is not kept out of git");
        }
        Ok(folder)
    }

    fn run_file(&self, run_id: &RunId) -> Result<RunFile, CliError> {
        let shown = |path: &Path| path.to_string_lossy().into_owned();
        let mut run = RunFile::bare(
            RunKind::Verify,
            Began {
                run_id: Some(run_id.clone()),
                parent: outer_run(self.world),
                commit_sha: self.commit_sha.clone(),
                branch: self.branch.clone(),
                repository: Some(shown(&self.repository)),
                working_dir: shown(&self.working_dir),
                base_tree: self.tree.clone(),
                codeloops_version: Some(env!("CARGO_PKG_VERSION").to_owned()),
                started_at: self.world.clock.now().at,
            },
        );
        run.gates.clone_from(&self.gates);
        run.receipt = self.receipt.map(|receipt| receipt.hash().to_owned());
        let redactor = self.settings.redactor(&self.world.env)?;
        mask_gates(&mut run.gates, redactor.as_ref());
        Ok(run)
    }

    fn runner(&self, run_id: &RunId, evidence: &Path) -> Result<CommandGates, CliError> {
        Ok(CommandGates::new(GatesConfig {
            gates: self.programs.clone(),
            working_dir: self.working_dir.clone(),
            evidence_root: evidence.to_owned(),
            run_id: run_id.clone(),
            commit_sha: self.commit_sha.clone(),
            branch: self.branch.clone(),
            max_output: self.settings.limits.max_output.value,
            grace: Grace::default(),
            redactor: self.settings.redactor(&self.world.env)?.map(std::sync::Arc::new),
            kept: None,
            diagnose,
        }))
    }

    /// Runs them all, or until a stop is asked for. `shown` is what may be seen of each.
    async fn run(
        &self,
        gates: CommandGates,
        shown: &[GateSettings],
        stops: &mut mpsc::Receiver<String>,
        printer: &mut Option<&mut Printer>,
    ) -> Ran {
        let mut running = Running::of(gates, self.calls());
        let parallel = self.settings.gate_policy.parallel.value;
        let mut results: Vec<(u32, GateResult)> = Vec::new();
        loop {
            while parallel || running.tasks.is_empty() {
                let Some(at) = running.begin() else { break };
                tell(printer, shown.get(at), |gate| {
                    format!("Running gate {}: {}", one_line(&gate.name), words::gate_command(gate))
                });
            }
            let Some((at, report)) = running.next(stops).await else { break };
            let Some(gate) = self.gates.get(index(at)) else { continue };
            let result = gate_result(gate, report, None);
            tell(printer, Some(&result), words::gate_ended);
            results.push((at, result));
        }
        results.sort_by_key(|(at, _)| *at);
        let results = results.into_iter().map(|(_, result)| result).collect();
        Ran { results, interrupted: running.stopped() }
    }

    fn calls(&self) -> VecDeque<GateCall> {
        let at_most = self.settings.limits.gate_timeout.value.secs();
        let call = |(at, gate): (u32, &GateSettings)| {
            let secs = gate.timeout_secs.or(at_most);
            let limit = secs.and_then(|secs| Duration::try_from_secs_f64(secs).ok());
            GateCall {
                call: CallId { iteration: ONLY_ROUND, kind: CallKind::Gate, attempt: at },
                gate: gate.clone(),
                tree: None,
                deadline: limit.map(|limit| (limit, LimitKind::Total)),
            }
        };
        (1..).zip(&self.gates).map(call).collect()
    }
}

impl Verified {
    fn end(&mut self, world: &World) {
        let gate = &self.files.gate;
        self.run.ended_at = Some(world.clock.now().at);
        self.run.outcome = Some(match (self.interrupted, self.good) {
            (true, _) => Outcome::Interrupted,
            (false, true) => Outcome::Success,
            (false, false) => Outcome::Failed,
        });
        self.run.exit_code = Some(self.exit_code());
        self.run.iterations = Some(ONLY_ROUND);
        self.run.confidence = gate.confidence.confidence;
        self.run.gate_results.clone_from(&gate.gates);
        self.run.tree.clone_from(&gate.tree);
    }
}

/// The run that an agent is part of which called this.
fn outer_run(world: &World) -> Option<Parent> {
    let told = |name| world.env.var(name).and_then(|value| value.to_str());
    let run_id: RunId = told("CODELOOPS_RUN_ID")?.parse().ok()?;
    let iteration = told("CODELOOPS_ITERATION").and_then(|text| text.parse().ok()).unwrap_or(0);
    Some(Parent { run_id, iteration, trace_id: None })
}

/// The index of the gate whose place, from 1, this is.
const fn index(place: u32) -> usize {
    place.saturating_sub(1) as usize
}

/// Tells one thing, where somebody is to see it.
fn tell<T>(printer: &mut Option<&mut Printer>, of: Option<&T>, words: impl Fn(&T) -> String) {
    if let Some((printer, of)) = printer.as_mut().zip(of) {
        printer.note(&format!("{}\n", words(of)));
    }
}

struct Ran {
    results: Vec<GateResult>,
    interrupted: bool,
}

/// Gates on their way.
struct Running {
    gates: CommandGates,
    due: VecDeque<GateCall>,
    tasks: JoinSet<(u32, GateReport)>,
    stop: watch::Sender<Option<StopLevel>>,
}

impl Running {
    fn of(gates: CommandGates, due: VecDeque<GateCall>) -> Self {
        Self { gates, due, tasks: JoinSet::new(), stop: watch::channel(None).0 }
    }

    fn stopped(&self) -> bool {
        self.stop.borrow().is_some()
    }

    /// Begins the next one, unless a stop was asked. Gives its index, where there was one.
    fn begin(&mut self) -> Option<usize> {
        let call = (!self.stopped()).then(|| self.due.pop_front()).flatten()?;
        let at = index(call.call.attempt);
        let (gates, stop) = (self.gates.clone(), self.stop.subscribe());
        self.tasks.spawn(one(gates, call, stop));
        Some(at)
    }

    /// What comes next of those that run; nothing where none does.
    async fn next(&mut self, stops: &mut mpsc::Receiver<String>) -> Option<(u32, GateReport)> {
        loop {
            tokio::select! {
                biased;
                Some(_signal) = stops.recv() => {
                    self.stop.send_modify(|level| {
                        *level = Some(match level {
                            None => StopLevel::Graceful,
                            Some(_) => StopLevel::Now,
                        });
                    });
                }
                ended = self.tasks.join_next() => match ended? {
                    Ok(ended) => return Some(ended),
                    Err(error) => tracing::error!(%error, "a gate's task broke off"),
                },
            }
        }
    }
}

async fn one(gates: CommandGates, call: GateCall, stop: StopSignal) -> (u32, GateReport) {
    let at = call.call.attempt;
    (at, gates.run(call, stop).await)
}
