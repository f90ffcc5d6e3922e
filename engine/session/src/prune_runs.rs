//! Runs of gates alone, which no session records: how they go in a clean-up.

use std::path::{Path, PathBuf};

use codeloops_event::{RunId, Timestamp};

use crate::prune::{PruneError, remove_error, remove_evidence, size_of};
use crate::run_file::{RunFile, RunKind};
use crate::runs::{FoundRun, RunFilter, RunStore, RunsError};

/// A run of gates alone that can go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrunableRun {
    /// Its id, which is the name of its folder.
    pub run_id: RunId,
    /// Its folder.
    pub folder: PathBuf,
    /// Where it worked.
    pub working_dir: String,
    /// When it began.
    pub began: Timestamp,
    /// When it ended; for one that was killed, when it began.
    pub last_sign: Timestamp,
    /// Bytes of the folder.
    pub bytes: u64,
}

impl RunStore {
    /// The runs of gates alone, the newest first. One without an end was killed or still runs: it counts
    /// only where it began before `alive_since`.
    pub fn prunable(&self, alive_since: Timestamp) -> Result<Vec<PrunableRun>, RunsError> {
        let verify = RunFilter { kind: Some(RunKind::Verify), ..RunFilter::default() };
        let found = self.find(&verify)?.runs.into_iter();
        let is_over = |run: &RunFile| run.ended_at.is_some() || run.started_at < alive_since;
        Ok(found.filter(|found| is_over(&found.run)).filter_map(PrunableRun::of).collect())
    }
}

impl PrunableRun {
    /// None where the folder is not named as its run, or belongs to a session: what a file says of itself
    /// is not enough to remove it.
    fn of(found: FoundRun) -> Option<Self> {
        let FoundRun { folder, run } = found;
        let run_id = run.run_id?;
        let is_its_own = is_named(&folder, &run_id) && run.session_id.is_none();
        is_its_own.then(|| Self {
            bytes: size_of(&folder),
            run_id,
            folder,
            working_dir: run.working_dir,
            began: run.started_at,
            last_sign: run.ended_at.unwrap_or(run.started_at),
        })
    }

    /// Removes its folder.
    pub fn remove(&self) -> Result<(), PruneError> {
        remove_evidence(&self.folder).map_err(|source| remove_error(&self.folder, source))
    }
}

fn is_named(folder: &Path, run_id: &RunId) -> bool {
    folder.file_name().is_some_and(|name| name == run_id.as_str())
}
