//! Tells which runs work in a working tree, and clears up after those that died.
//!
//! Each run holds a lock on `<git-dir>/codeloops/<run_id>.lock` as long as it lives. The system lets
//! go of it when the process ends, however it ends, so a leftover file is not believed.

use std::fs::{self, DirEntry, File, TryLockError};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use codeloops_event::RunId;

use super::command::Git;
use super::error::{GitError, OpenError};
use super::git_lock;
use super::hidden_rules::Moment;
use super::ref_locks::RefLocks;

/// The ending of a run's draft of a file of the user's git.
const DRAFT: &str = ".draft";

/// The run's own lock, with the files that go when it goes.
#[derive(Debug)]
pub(super) struct RunLock {
    folder: PathBuf,
    run_id: String,
    refs: RefLocks,
    file: File,
}

/// Where the runs of a working tree have their files.
pub(super) fn folder(git_dir: &Path) -> PathBuf {
    git_dir.join("codeloops")
}

/// Whether a process holds the lock of a run in this folder. In doubt it does.
pub(super) fn is_held(folder: &Path, run: &str) -> bool {
    match File::open(folder.join(lock_name(run))) {
        Ok(file) => file.try_lock().is_err(),
        Err(error) => error.kind() != io::ErrorKind::NotFound,
    }
}

fn draft_name(run: &str) -> String {
    format!("{run}{DRAFT}")
}

fn lock_name(run: &str) -> String {
    format!("{run}.lock")
}

impl RunLock {
    /// Takes the lock and removes what dead runs left.
    pub(super) fn take(git: &Git, run_id: &RunId) -> Result<Self, OpenError> {
        let (folder, refs) = (folder(git.git_dir()), RefLocks::of(git)?);
        fs::create_dir_all(&folder).map_err(GitError::io("create", &folder))?;
        let path = folder.join(lock_name(run_id.as_str()));
        let file = loop {
            let file = File::create(&path).map_err(GitError::io("create", &path))?;
            match file.try_lock() {
                Ok(()) if is_still(&file, &path) => break file,
                // Somebody who cleared up took it for a leftover.
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => {
                    return Err(OpenError::RunIsLive(run_id.to_string()));
                }
                Err(TryLockError::Error(source)) => {
                    return Err(GitError::io("lock", &path)(source).into());
                }
            }
        };
        let lock = Self { folder, run_id: run_id.to_string(), refs, file };
        lock.others();
        lock.refs.clear_dead();
        lock.refs.run_folders().iter().for_each(|folder| release_dead(folder));
        Ok(lock)
    }

    /// When the run took it.
    pub(super) fn taken(&self) -> Result<Moment, GitError> {
        let file = self.file.metadata();
        let file =
            file.map_err(GitError::io("look at", &self.folder.join(lock_name(&self.run_id))))?;
        Ok(Moment::of_change(&file))
    }

    /// The private index of the run.
    pub(super) fn index(&self) -> PathBuf {
        self.folder.join(format!("{}.index", self.run_id))
    }

    /// The copy of the user's index.
    pub(super) fn kept_index(&self) -> PathBuf {
        self.folder.join(format!("{}.kept", self.run_id))
    }

    /// An index for a moment.
    pub(super) fn scratch(&self) -> PathBuf {
        self.folder.join(format!("{}.restore", self.run_id))
    }

    /// A file that takes the place of one of the user's git.
    pub(super) fn draft(&self) -> PathBuf {
        self.folder.join(draft_name(&self.run_id))
    }

    /// A folder for files on their way back.
    pub(super) fn staging(&self) -> PathBuf {
        self.folder.join(format!("{}.files", self.run_id))
    }

    /// Live runs in the same working tree. What dead ones left goes.
    pub(super) fn others(&self) -> Vec<String> {
        let Ok(entries) = fs::read_dir(&self.folder) else { return Vec::new() };
        entries.flatten().filter_map(|entry| self.live_run(&entry)).collect()
    }

    /// The run, where the file is its lock and is held. A git that outlived its run may have made a
    /// file when the lock was gone already.
    fn live_run(&self, entry: &DirEntry) -> Option<String> {
        let name = entry.file_name().into_string().ok()?;
        let (run, rest) = name.split_once('.').filter(|(run, _)| *run != self.run_id)?;
        run.parse::<RunId>().ok()?;
        if !is_held(&self.folder, run) {
            clear(&self.folder, run);
            return None;
        }
        (rest == "lock").then(|| run.to_owned())
    }
}

impl Drop for RunLock {
    fn drop(&mut self) {
        self.refs.clear(&self.run_id);
        clear(&self.folder, &self.run_id);
    }
}

/// Takes the locks away that dead runs left in other working trees: those on what all of them share
/// hold up git in this one too.
fn release_dead(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let run = name.to_str().and_then(|name| name.strip_suffix(DRAFT));
        if run.is_some_and(|run| !is_held(folder, run)) {
            release(folder, &entry.path());
        }
    }
}

fn release(folder: &Path, draft: &Path) {
    if let Some(git_dir) = folder.parent() {
        git_lock::release(git_dir, draft);
    }
}

fn is_still(file: &File, path: &Path) -> bool {
    let inode = |meta: io::Result<fs::Metadata>| meta.ok().map(|m| (m.dev(), m.ino()));
    inode(file.metadata()).is_some_and(|own| inode(fs::metadata(path)) == Some(own))
}

/// Removes a run's files, the lock last.
fn clear(folder: &Path, run: &str) {
    // As long as the draft tells which.
    release(folder, &folder.join(draft_name(run)));
    let Ok(entries) = fs::read_dir(folder) else { return };
    let lock = lock_name(run);
    let prefix = format!("{run}.");
    for entry in entries.flatten() {
        let name = entry.file_name();
        if name.to_string_lossy().starts_with(&prefix) && name != *lock {
            fs::remove_file(entry.path()).or_else(|_| fs::remove_dir_all(entry.path())).ok();
        }
    }
    fs::remove_file(folder.join(lock)).ok();
}
