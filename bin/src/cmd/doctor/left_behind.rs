//! What killed runs left behind.

use std::collections::BTreeSet;

use codeloops_adapters::{end_processes_of_run, runs_left_behind};
use codeloops_event::RunId;
use serde::Serialize;

use crate::error::CliError;
use crate::settings::RunSettings;
use crate::world::World;

/// Processes of a run whose codeloops was killed.
#[derive(Debug, Serialize)]
pub(super) struct LeftBehind {
    pub(super) run_id: RunId,
    /// How many were ended.
    pub(super) ended: u32,
}

/// Ends them. Only those of runs whose evidence is kept where a run here would keep its own: others
/// are somebody else's to look after.
pub(super) fn end(
    settings: Option<&RunSettings>,
    world: &World,
) -> Result<Vec<LeftBehind>, CliError> {
    let runs_dir = match settings {
        Some(settings) => settings.runs_dir.value.clone(),
        None => world.env.data_dir()?.join("runs"),
    };
    let ours = |run: &RunId| runs_dir.join(run.as_str()).is_dir();
    let mut ended = Vec::new();
    let mut seen = BTreeSet::new();
    // A codeloops that an agent started was such a process itself; now its own agent is one.
    while let Some(run_id) =
        runs_left_behind().into_iter().find(|run| ours(run) && !seen.contains(run))
    {
        seen.insert(run_id.clone());
        ended.push(LeftBehind { ended: end_processes_of_run(&run_id), run_id });
    }
    ended.retain(|left| left.ended > 0);
    Ok(ended)
}
