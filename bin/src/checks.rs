//! The user's checks of a run, put together from its settings: what runs them, what is kept of them, and
//! what tells that they were weakened.

use std::path::Path;
use std::sync::Arc;

use codeloops_adapters::Grace;
use codeloops_adapters::diagnose::{self, Hints};
use codeloops_adapters::gates::{CommandGates, GateProgram, GatesConfig, KeptResults, Printed};
use codeloops_adapters::redact::Redactor;
use codeloops_adapters::tamper::{self, GateCommand, TamperRules};
use codeloops_event::{Failure, RunId, TamperPolicy};

use crate::config::TamperPattern;
use crate::error::CliError;
use crate::repository;
use crate::settings::RunSettings;
use crate::settings::gates::Gate;
use crate::world::World;

/// Where results of gates are kept, in the cache of codeloops.
const KEPT: &str = "gates";

/// What the checks of a run are put together of.
pub(crate) struct Checks<'a> {
    pub(crate) settings: &'a RunSettings,
    pub(crate) world: &'a World,
    pub(crate) run_id: &'a RunId,
    /// HEAD.
    pub(crate) commit_sha: Option<String>,
    pub(crate) branch: Option<String>,
    /// The run's evidence folder.
    pub(crate) evidence: &'a Path,
    pub(crate) redactor: Option<Arc<Redactor>>,
}

impl Checks<'_> {
    /// What runs them.
    pub(crate) fn gates(self) -> CommandGates {
        let Self { settings, world, run_id, commit_sha, branch, evidence, redactor } = self;
        CommandGates::new(GatesConfig {
            gates: settings.gates.value.iter().map(program).collect(),
            working_dir: settings.working_dir.value.clone(),
            evidence_root: evidence.to_owned(),
            run_id: run_id.clone(),
            commit_sha,
            branch,
            max_output: settings.limits.max_output.value,
            grace: Grace::default(),
            redactor,
            // Without a place for a cache each run finds out for itself.
            kept: world.env.cache_dir().ok().map(|dir| KeptResults::new(dir.join(KEPT))),
            diagnose,
        })
    }
}

/// What a gate starts.
pub(crate) fn program(gate: &Gate) -> GateProgram {
    GateProgram {
        name: gate.name.clone(),
        command: gate.command.value.clone(),
        working_dir: gate.working_dir.as_ref().map(|dir| dir.value.clone()),
        env: gate.env.iter().map(|(name, value)| (name.clone(), value.value.clone())).collect(),
    }
}

/// What fails, as far as it can be read out of what a gate printed.
pub(crate) fn diagnose(printed: Printed<'_>) -> (Vec<Failure>, u64) {
    let hints = Hints { working_dir: printed.dir.to_owned() };
    let found = diagnose::of_gate(printed.log, printed.artifacts, &hints);
    (found.failures, found.more)
}

/// What tells in a diff that checks were weakened; none where nobody looks.
///
/// # Errors
/// Where a pattern of the user's cannot be used.
pub(crate) fn tamper_rules(settings: &RunSettings) -> Result<Option<Arc<TamperRules>>, CliError> {
    let policy = &settings.gate_policy;
    if policy.tamper.value == TamperPolicy::Off {
        return Ok(None);
    }
    let working_dir = &settings.working_dir.value;
    let root = repository::top(working_dir).unwrap_or(working_dir);
    let dirs: Vec<_> = settings.gates.value.iter().map(|gate| dir_of(gate, working_dir)).collect();
    let commands: Vec<GateCommand<'_>> = settings
        .gates
        .value
        .iter()
        .zip(&dirs)
        .map(|(gate, dir)| GateCommand { command: &gate.command.value, dir })
        .collect();
    let patterns: Vec<_> = policy.patterns.value.iter().map(pattern).collect();
    let rules = TamperRules::new(&patterns, tamper::gate_files(&commands, root));
    let rules =
        rules.map_err(|error| CliError::usage(format!("`gate_policy.patterns`: {error}")))?;
    Ok(Some(Arc::new(rules)))
}

fn dir_of(gate: &Gate, working_dir: &Path) -> std::path::PathBuf {
    gate.working_dir.as_ref().map_or_else(|| working_dir.to_owned(), |d| working_dir.join(&d.value))
}

fn pattern(pattern: &TamperPattern) -> tamper::TamperPattern {
    let TamperPattern { name, files, added, removed } = pattern.clone();
    tamper::TamperPattern { name, files, added, removed }
}
