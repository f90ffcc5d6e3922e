//! Removes the locks that killed runs left on their refs.
//!
//! A ref is written through `<ref>.lock` beside it. A process that is killed at that moment leaves
//! the lock, and nobody could write or delete the ref again. Reftable has no such files.

use std::fs;
use std::path::PathBuf;

use codeloops_event::RunId;

use super::command::Git;
use super::error::GitError;
use super::lock::{self, Dead};

/// The refs of all runs in a repository, as files.
#[derive(Debug)]
pub(super) struct RefLocks {
    /// Where runs hold their locks: a folder for each working tree.
    runs: Vec<PathBuf>,
    refs: PathBuf,
}

impl RefLocks {
    pub(super) fn of(git: &Git) -> Result<Self, GitError> {
        let common = git.common_dir()?;
        let linked = fs::read_dir(common.join("worktrees")).into_iter().flatten().flatten();
        let trees = linked.map(|entry| entry.path()).chain([common.clone()]);
        let runs = trees.map(|git_dir| lock::folder(&git_dir)).collect();
        Ok(Self { runs, refs: common.join("refs/codeloops") })
    }

    /// Where runs hold their locks.
    pub(super) fn run_folders(&self) -> &[PathBuf] {
        &self.runs
    }

    /// Removes those of every run that no process works on.
    pub(super) fn clear_dead(&self) {
        for entry in fs::read_dir(&self.refs).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let run = name.to_str().filter(|name| name.parse::<RunId>().is_ok());
            if let Some(run) = run.filter(|run| !self.lives(run)) {
                self.clear(run);
            }
        }
    }

    /// Removes those of a run. Git gives no ref a name that ends so.
    pub(super) fn clear(&self, run: &str) {
        let entries = fs::read_dir(self.refs.join(run)).into_iter().flatten().flatten();
        let is_lock = |path: &PathBuf| path.extension().is_some_and(|ending| ending == "lock");
        for lock in entries.map(|entry| entry.path()).filter(is_lock) {
            fs::remove_file(lock).ok();
        }
    }

    /// A run takes its lock before it writes a ref, and holds it in the working tree it works in.
    fn lives(&self, run: &str) -> bool {
        self.runs.iter().any(|folder| Dead::find(folder, run).is_none())
    }
}
