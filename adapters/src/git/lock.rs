//! Tells which runs work in a working tree, and clears up after those that died.
//!
//! Each run holds a lock on `<git-dir>/codeloops/<run_id>.lock` as long as it lives. The system lets
//! go of it when the process ends, however it ends, so a leftover file is not believed.

use std::collections::BTreeSet;
use std::fs::{self, DirEntry, File, TryLockError};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use codeloops_event::RunId;

use super::announced::Announced;
use super::command::Git;
use super::error::{GitError, OpenError};
use super::git_lock;
use super::hidden_rules::Moment;
use super::notice::Notice;
use super::put_back_mark::{self, PutBackMark};
use super::ref_locks::RefLocks;

/// The ending of a run's draft of a file of the user's git.
const DRAFT: &str = ".draft";

/// The ending of the file in which a run announces which refs git writes for it.
const ANNOUNCED: &str = ".announced";

/// The ending of the file by which a run marks that it puts something back.
const MARK: &str = ".putting-back";

/// How long somebody who clears up may hold the lock of a dead run.
const PATIENCE: Duration = Duration::from_millis(500);

/// Until it is tried again.
const AGAIN: Duration = Duration::from_millis(5);

/// The run's own lock, with the files that go when it goes.
#[derive(Debug)]
pub(super) struct RunLock {
    folder: PathBuf,
    run_id: String,
    refs: RefLocks,
    file: File,
    /// The runs that had died here.
    dead: Vec<RunId>,
    /// What is told of those that died while they put something back.
    broken_off: Vec<Notice>,
}

/// Where the runs of a working tree have their files.
pub(super) fn folder(git_dir: &Path) -> PathBuf {
    git_dir.join("codeloops")
}

/// A run that no process works on. While this lives none begins to, if there is a lock file.
pub(super) struct Dead {
    lock: Option<File>,
}

impl Dead {
    /// None where a process holds the lock of the run in this folder, and in doubt.
    pub(super) fn find(folder: &Path, run: &str) -> Option<Self> {
        let path = folder.join(lock_name(run));
        match File::open(&path) {
            Ok(file) => Self::of(file, &path),
            Err(error) => (error.kind() == io::ErrorKind::NotFound).then_some(Self { lock: None }),
        }
    }

    /// The lock file may be another than the one that was opened: somebody else cleared up after that
    /// one meanwhile, and the run that had just begun made a new one.
    fn of(file: File, path: &Path) -> Option<Self> {
        let is_held = file.try_lock().is_err();
        (!is_held && is_still(&file, path)).then_some(Self { lock: Some(file) })
    }
}

fn draft_name(run: &str) -> String {
    format!("{run}{DRAFT}")
}

fn mark_name(run: &str) -> String {
    format!("{run}{MARK}")
}

fn lock_name(run: &str) -> String {
    format!("{run}.lock")
}

impl RunLock {
    /// Takes the lock and removes what dead runs left.
    pub(super) fn take(git: &Git, run_id: &RunId) -> Result<Self, OpenError> {
        let (folder, refs) = (folder(git.git_dir()), RefLocks::of(git)?);
        fs::create_dir_all(&folder).map_err(GitError::io("create", &folder))?;
        let dead = dead_runs(&folder);
        let told = |run: &RunId| put_back_mark::told(&folder.join(mark_name(run.as_str())), run);
        let broken_off = dead.iter().filter_map(told).collect();
        let file = lock_file(&folder, run_id)?;
        let lock = Self { folder, run_id: run_id.to_string(), refs, file, dead, broken_off };
        lock.others();
        lock.refs.clear_dead();
        // An earlier process of the run, which is dead now, may have left some too.
        lock.refs.clear(&lock.run_id);
        lock.refs.run_folders().for_each(|folder| release_dead(&folder));
        Ok(lock)
    }

    pub(super) fn run_id(&self) -> &str {
        &self.run_id
    }

    /// The refs of all runs of the repository.
    pub(super) fn refs(&self) -> &RefLocks {
        &self.refs
    }

    /// The runs that had died in this working tree, and were cleared up after.
    pub(super) fn dead(&self) -> &[RunId] {
        &self.dead
    }

    /// What is to be told of those that were killed while they put something back.
    pub(super) fn broken_off(&self) -> &[Notice] {
        &self.broken_off
    }

    /// Marks that something is being put back.
    pub(super) fn mark_put_back(&self, kept_as: &str) -> Result<PutBackMark, GitError> {
        PutBackMark::leave(self.folder.join(mark_name(&self.run_id)), kept_as)
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

    /// To have git write the user's refs.
    pub(super) fn announced(&self) -> Announced {
        announced(&self.folder, &self.run_id)
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

    /// Live runs in other working trees of the repository.
    pub(super) fn elsewhere(&self) -> BTreeSet<String> {
        let own = real(&self.folder);
        let others = self.refs.run_folders().filter(|folder| real(folder) != own);
        others.flat_map(|folder| living(&folder)).collect()
    }

    /// The run, where the file is its lock and is held. A git that outlived its run may have made a
    /// file when the lock was gone already.
    fn live_run(&self, entry: &DirEntry) -> Option<String> {
        let name = entry.file_name().into_string().ok()?;
        let (run, rest) = name.split_once('.').filter(|(run, _)| *run != self.run_id)?;
        run.parse::<RunId>().ok()?;
        match Dead::find(&self.folder, run) {
            Some(dead) => {
                clear(&self.folder, run, dead.lock.is_some());
                None
            }
            None => (rest == "lock").then(|| run.to_owned()),
        }
    }
}

impl Drop for RunLock {
    fn drop(&mut self) {
        self.refs.clear(&self.run_id);
        clear(&self.folder, &self.run_id, true);
    }
}

fn dead_runs(folder: &Path) -> Vec<RunId> {
    let mut runs = runs_with_lock(folder);
    runs.retain(|run| Dead::find(folder, run.as_str()).is_some());
    runs
}

fn living(folder: &Path) -> Vec<String> {
    let runs = runs_with_lock(folder).into_iter();
    let living = runs.filter(|run| Dead::find(folder, run.as_str()).is_none());
    living.map(|run| run.to_string()).collect()
}

fn runs_with_lock(folder: &Path) -> Vec<RunId> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    names.filter_map(|name| name.strip_suffix(".lock")?.parse().ok()).collect()
}

/// The path without links and `..`.
fn real(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

/// Makes the lock file of a run, or takes that of a dead one over, and locks it.
fn lock_file(folder: &Path, run_id: &RunId) -> Result<File, OpenError> {
    let path = folder.join(lock_name(run_id.as_str()));
    let until = Instant::now() + PATIENCE;
    loop {
        let file = File::create(&path).map_err(GitError::io("create", &path))?;
        match file.try_lock() {
            Ok(()) if is_still(&file, &path) => return Ok(file),
            // Somebody who cleared up took it for a leftover.
            Ok(()) => {}
            // Or does so now.
            Err(TryLockError::WouldBlock) if Instant::now() < until => thread::sleep(AGAIN),
            Err(TryLockError::WouldBlock) => {
                return Err(OpenError::RunIsLive(run_id.to_string()));
            }
            Err(TryLockError::Error(source)) => {
                return Err(GitError::io("lock", &path)(source).into());
            }
        }
    }
}

/// Takes the locks away that dead runs left in other working trees: those on what all of them share
/// hold up git in this one too.
fn release_dead(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let Some(name) = name.to_str() else { continue };
        let run = name.strip_suffix(DRAFT).or_else(|| name.strip_suffix(ANNOUNCED));
        if let Some((run, _dead)) = run.and_then(|run| Some((run, Dead::find(folder, run)?))) {
            release(folder, run);
        }
    }
}

fn release(folder: &Path, run: &str) {
    if let Some(git_dir) = folder.parent() {
        git_lock::release(git_dir, &folder.join(draft_name(run)));
    }
    announced(folder, run).clear();
}

fn announced(folder: &Path, run: &str) -> Announced {
    Announced::new(folder.parent().unwrap_or(folder), folder.join(format!("{run}{ANNOUNCED}")))
}

fn is_still(file: &File, path: &Path) -> bool {
    let inode = |meta: io::Result<fs::Metadata>| meta.ok().map(|m| (m.dev(), m.ino()));
    inode(file.metadata()).is_some_and(|own| inode(fs::metadata(path)) == Some(own))
}

/// Removes a run's files; the lock last, and only by who holds it.
fn clear(folder: &Path, run: &str, is_held: bool) {
    // As long as the draft and what it announced tell which.
    release(folder, run);
    let Ok(entries) = fs::read_dir(folder) else { return };
    let lock = lock_name(run);
    let prefix = format!("{run}.");
    for entry in entries.flatten() {
        let name = entry.file_name();
        if name.to_string_lossy().starts_with(&prefix) && name != *lock {
            fs::remove_file(entry.path()).or_else(|_| fs::remove_dir_all(entry.path())).ok();
        }
    }
    if is_held {
        fs::remove_file(folder.join(lock)).ok();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_file_that_was_made_anew_is_not_that_of_a_dead_run() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run.lock");
        let found = File::create(&path).unwrap();
        fs::remove_file(&path).unwrap();
        assert!(Dead::of(found.try_clone().unwrap(), &path).is_none(), "gone");
        let anew = File::create(&path).unwrap();
        assert!(Dead::of(found, &path).is_none(), "another's");
        assert!(Dead::of(anew, &path).is_some());
    }

    /// Each of them clears up after the dead, and none may take another for dead that just begins.
    #[test]
    fn runs_that_begin_at_once_leave_each_others_locks_alone() {
        let place = tempfile::tempdir().unwrap();
        let git = Git::new(place.path(), place.path());
        for round in 0..50 {
            let runs: Vec<RunId> = (0..8)
                .map(|n| format!("01ARZ3NDEKTSV4RRFF{round:03}{n:05}").parse().unwrap())
                .collect();
            thread::scope(|scope| {
                let begun: Vec<_> = runs
                    .iter()
                    .map(|run| scope.spawn(|| RunLock::take(&git, run).unwrap()))
                    .collect();
                let locks: Vec<_> = begun.into_iter().map(|run| run.join().unwrap()).collect();
                let all_are_there = locks.iter().all(|lock| lock.others().len() == runs.len() - 1);
                assert!(all_are_there, "round {round}");
            });
        }
    }
}
