//! What killed runs left behind.

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
    let runs = runs_left_behind().into_iter().filter(ours);
    let ended = runs.map(|run_id| LeftBehind { ended: end_processes_of_run(&run_id), run_id });
    Ok(ended.filter(|left| left.ended > 0).collect())
}
