//! Names within a run's evidence folder and of its refs, and the cap on a text in a session line.

use crate::id::{Attempt, Iteration, Role, RunId};
use crate::lines::OutputStream;

/// Bytes that a text may take in a session line; a longer one keeps its head and its tail.
pub const TEXT_LIMIT: usize = 1024 * 1024;

/// The lineage file of a run.
pub const RUN_FILE: &str = "run.json";

/// The folder of one iteration, relative to the run's evidence folder.
fn iteration_dir(iteration: Iteration) -> String {
    format!("iterations/{iteration}")
}

/// The file of one stream of an agent call. The first attempt has no number in its name.
#[must_use]
pub fn agent_stream(
    iteration: Iteration,
    role: Role,
    attempt: Attempt,
    stream: OutputStream,
) -> String {
    let dir = iteration_dir(iteration);
    let stream = stream.as_str();
    if attempt == 1 {
        format!("{dir}/{role}.{stream}")
    } else {
        format!("{dir}/{role}-{attempt}.{stream}")
    }
}

/// The file of an iteration's diff.
#[must_use]
pub fn diff_patch(iteration: Iteration) -> String {
    format!("{}/diff.patch", iteration_dir(iteration))
}

/// The file of what `gate.json` of an iteration holds: how far the result can be relied on.
#[must_use]
pub fn gate_file(iteration: Iteration) -> String {
    format!("{}/gate.json", gates_root(iteration))
}

/// The file of the repair tasks of an iteration.
#[must_use]
pub fn diagnose_file(iteration: Iteration) -> String {
    format!("{}/diagnose.json", gates_root(iteration))
}

/// The folder of what a gate of an iteration printed and left.
#[must_use]
pub fn gate_dir(iteration: Iteration, gate: &str) -> String {
    format!("{}/gates/{gate}", gates_root(iteration))
}

fn gates_root(iteration: Iteration) -> String {
    if iteration == 0 { BASELINE_DIR.to_owned() } else { iteration_dir(iteration) }
}

/// The folder of what gates found before the first iteration, relative to the run's evidence folder.
pub const BASELINE_DIR: &str = "baseline";

/// The folder for files that a gate leaves, within its own.
pub const ARTIFACTS_DIR: &str = "artifacts";

/// The ref that keeps the snapshot at the end of an iteration's actor turn; of 0, the one that the run
/// began with.
#[must_use]
pub fn snapshot_ref(run_id: &RunId, iteration: Iteration) -> String {
    format!("refs/codeloops/{run_id}/{iteration}")
}

/// The ref that keeps what a try of the critic made of an iteration's tree.
#[must_use]
pub fn critic_ref(run_id: &RunId, iteration: Iteration, attempt: Attempt) -> String {
    format!("refs/codeloops/{run_id}/critic-{iteration}-{attempt}")
}

/// The ref that keeps what gates made of an iteration's tree, as the `check`th look after them found it.
#[must_use]
pub fn gates_ref(run_id: &RunId, iteration: Iteration, check: Attempt) -> String {
    format!("refs/codeloops/{run_id}/gates-{iteration}-{check}")
}

/// The ref that keeps the working tree as it was before the `number`th time that it was put to a state
/// of this run.
#[must_use]
pub fn saved_ref(run_id: &RunId, number: u32) -> String {
    format!("{}/{number}", saved_refs(run_id))
}

/// What the refs of all of them begin with.
#[must_use]
pub fn saved_refs(run_id: &RunId) -> String {
    format!("refs/codeloops/restore/{run_id}")
}

/// The ref that keeps the tree as it was before what a [`critic_ref`] or a [`gates_ref`] keeps.
#[must_use]
pub fn before_change(kept_as: &str) -> Option<String> {
    let (run, call) = kept_as.rsplit_once('/')?;
    let call = call.strip_prefix("critic-").or_else(|| call.strip_prefix("gates-"))?;
    let (iteration, _attempt) = call.split_once('-')?;
    Some(format!("{run}/{iteration}"))
}

/// Keeps head and tail of a text of more than `limit` bytes, with a marker line between that gives
/// the number of bytes left out. Cuts on character boundaries.
#[must_use]
pub fn cap_text(text: &str, limit: usize) -> String {
    if text.len() <= limit {
        return text.to_owned();
    }
    let half = limit / 2;
    let head = &text[..text.floor_char_boundary(half)];
    let tail = &text[text.ceil_char_boundary(text.len() - half)..];
    join_capped(head, tail, (text.len() - head.len() - tail.len()) as u64)
}

/// Head and tail of a longer text, with the marker between that gives the `omitted` bytes.
#[must_use]
pub fn join_capped(head: &str, tail: &str, omitted: u64) -> String {
    format!("{head}\n[... {omitted} bytes omitted ...]\n{tail}")
}
