//! Removes the locks that killed runs left on their refs.
//!
//! A ref is written through `<ref>.lock` beside it. A process that is killed at that moment leaves
//! the lock, and nobody could write or delete the ref again. Reftable has no such files.

use std::fs;
use std::path::{Path, PathBuf};

use codeloops_event::RunId;

use super::checked_out;
use super::command::Git;
use super::error::GitError;
use super::lock::{self, Dead};

/// The refs of all runs in a repository, as files.
#[derive(Debug)]
pub(super) struct RefLocks {
    common: PathBuf,
    refs: PathBuf,
}

impl RefLocks {
    pub(super) fn of(git: &Git) -> Result<Self, GitError> {
        let common = git.common_dir()?;
        Ok(Self { refs: common.join("refs/codeloops"), common })
    }

    /// Where the refs of runs are, a folder for each.
    pub(super) fn folder(&self) -> &Path {
        &self.refs
    }

    /// Where runs hold their locks: a folder for each working tree.
    pub(super) fn run_folders(&self) -> impl Iterator<Item = PathBuf> {
        let trees = checked_out::linked(&self.common).chain([self.common.clone()]);
        trees.map(|git_dir| lock::folder(&git_dir))
    }

    /// Removes those of every run that no process works on.
    pub(super) fn clear_dead(&self) {
        let folders: Vec<_> = self.run_folders().collect();
        // A run takes its lock before it writes a ref, and holds it in the working tree it works in.
        let lives = |run: &str| folders.iter().any(|folder| Dead::find(folder, run).is_none());
        for entry in fs::read_dir(&self.refs).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let run = name.to_str().filter(|name| name.parse::<RunId>().is_ok());
            if let Some(run) = run.filter(|run| !lives(run)) {
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
}
