//! The working tree of a run: snapshots, their diffs, and what a critic or gates changed.
//!
//! A snapshot is a tree object of everything that is in the working tree and not ignored, whether
//! committed, staged or neither. Diffs are made between two such trees, so commits, amends, resets
//! and switched branches change nothing about them. The user's index, HEAD, branches and stash are
//! only read, until what those changed of them is put back; git works on a private index below
//! `<git-dir>/codeloops/`.
//!
//! The private index holds the working tree as it was when the run was opened and is not written to
//! again: a look at the working tree tells the paths that differ from it, these are stored, and the
//! tree is the private index's own with these paths put over it. So nothing is hashed but what
//! changed, and nothing large is written.
//!
//! Two ways lead there, behind one trait: the `git` program, and libgit2 in process where it gives
//! the same answers faster. libgit2 cannot open reftable, SHA-256 or sparse-index repositories.

mod announced;
mod attributes;
mod backend;
mod checked_out;
mod clean_tree;
mod command;
mod compare;
mod discover;
mod error;
mod fingerprint;
mod folder_times;
mod forget;
mod git_lock;
mod head;
mod hidden_rules;
mod index_copy;
mod inner;
mod kept;
mod library;
mod library_diff;
mod lock;
mod moved;
mod notice;
mod open;
mod other_runs;
mod patch;
mod path;
mod present;
mod private_index;
mod program;
mod put_back;
mod put_back_mark;
mod put_backs;
mod quarantine;
mod recorded;
mod ref_locks;
mod refs_look;
mod remote;
mod restore;
mod restore_plan;
mod restore_raw;
mod restore_saved;
mod restore_to;
mod restore_way;
mod scan;
mod seal;
mod snapshots;
mod staged;
mod stash;
mod tracked;
mod tree;
mod unreadable;
mod user_index;
mod user_refs;
mod users_files;
mod watch;
mod worktree;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, TryLockError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use codeloops_driver::ports::{StopSignal, Workspace};
use codeloops_event::{
    CallId, CapturedDiff, Evidence, FileChange, Iteration, RunId, TreeCheck, TreeId,
};
use codeloops_machine::StopLevel;

pub use clean_tree::{CleanTree, CleanTreeError};
pub use discover::find_repository;
pub use error::{ForkError, GitError, OpenError, RestoreError};
pub use forget::{Forgotten, forget_run};
pub use head::{Standing, standing};
pub use kept::lacks_ref;
pub use notice::Notice;
use put_backs::PutBacks;
pub use recorded::diff_of_trees;
pub use remote::origin_of;
pub use restore_plan::{Goal, Restoring};
pub use restore_saved::{Saved, saved_states};
pub use restore_to::Restored;
use snapshots::Snapshots;
pub use tracked::tracks_files_in;
pub use worktree::{Fork, ForkPlan, ForkedTree};

use crate::redact::Redactor;
use crate::tamper::TamperRules;

/// How long a look at the tree that was given up is waited for.
const PATIENCE: Duration = Duration::from_secs(2);

/// One git command may follow another, so what is to end is looked for again after this time.
const AGAIN: Duration = Duration::from_millis(5);

/// How a workspace is opened.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Folders that are left out of snapshots (evidence inside the repository). Absolute; one
    /// outside the repository means nothing.
    pub excluded: Vec<PathBuf>,
    /// The tree that a resumed run began with; diffs are made from it. None for a new run.
    pub resume_from: Option<TreeId>,
    /// The way to work with the repository.
    pub way: Way,
    /// Masks credentials in diffs; `None` where the user wants them there. Snapshots are as the files
    /// are: they stay in the user's own repository.
    pub redactor: Option<Arc<Redactor>>,
    /// What is looked for in the diff of each capture; `None` where nobody looks.
    pub tamper: Option<Arc<TamperRules>>,
}

/// A way to work with a repository. Each falls back to the program where libgit2 cannot open it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Way {
    /// In process where that is faster: the working tree is looked at by libgit2 while it is small,
    /// by `git status` when it is large.
    #[default]
    Auto,
    /// The library, but the working tree is always looked at by `git status`.
    Mixed,
    /// The `git` program alone.
    Program,
}

/// What a run begins with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Base {
    /// The tree that every diff is made from.
    pub tree: TreeId,
    /// The working tree as it is now; differs from `tree` only for a resumed run.
    pub now: TreeId,
    /// HEAD; none in a repository without a commit.
    pub commit_sha: Option<String>,
    /// The branch; none when HEAD is detached.
    pub branch: Option<String>,
    /// The root of the working tree.
    pub root: PathBuf,
}

/// What differs between two trees.
#[derive(Debug, Clone, PartialEq)]
pub struct TreeDiff {
    /// The diff, capped.
    pub text: String,
    /// Its files; a list of thousands ends there.
    pub files: Vec<FileChange>,
    /// All of the diff.
    pub patch: Evidence,
}

/// The working tree of one run. Closing or dropping it removes its lock and its private index; the refs
/// stay.
#[derive(Clone)]
pub struct GitWorkspace {
    /// None once it is closed.
    snapshots: Arc<Mutex<Option<Snapshots>>>,
    put_backs: PutBacks,
}

impl GitWorkspace {
    /// Finds the repository around `working_dir` and takes the base snapshot, kept alive by
    /// `refs/codeloops/<run_id>/0`. Diffs are written below `evidence`. Blocks: a large repository
    /// takes seconds. What the user should know is told through `warn`, a line at a time, as soon
    /// as it is known: that a huge folder will be copied, before it is.
    ///
    /// # Errors
    ///
    /// See [`OpenError`].
    pub fn open(
        working_dir: &Path,
        run_id: &RunId,
        evidence: &Path,
        options: &Options,
        warn: &mut dyn FnMut(Notice),
    ) -> Result<(Self, Base), OpenError> {
        let (snapshots, base) = open::open(working_dir, run_id, evidence, options, warn)?;
        let put_backs = snapshots.put_backs.clone();
        Ok((Self { snapshots: Arc::new(Mutex::new(Some(snapshots))), put_backs }, base))
    }

    /// Writes the diff of two trees of the repository to a file of the evidence folder. Blocks.
    ///
    /// # Errors
    /// Where a tree is gone, or the file cannot be written.
    pub fn diff_of(&self, from: &TreeId, to: &TreeId, file: String) -> Result<TreeDiff, GitError> {
        self.now(|snapshots| snapshots.diff_of(from, to, file))?
    }

    /// Keeps a tree alive by a ref. Blocks.
    ///
    /// # Errors
    /// Where the ref cannot be written.
    pub fn keep(&self, name: &str, tree: &TreeId) -> Result<(), GitError> {
        self.now(|snapshots| snapshots.backend.keep(name, tree))?
    }

    fn now<T>(&self, work: impl FnOnce(&mut Snapshots) -> T) -> Result<T, GitError> {
        let mut snapshots = self.snapshots.lock().unwrap_or_else(PoisonError::into_inner);
        snapshots.as_mut().map(work).ok_or(GitError::RunIsOver)
    }

    /// To be called last, when this process has no children but git's. Ends a look at the tree that was
    /// given up, and takes the run's own files in the git folder away. Gives up after a while; the
    /// next run then does it.
    pub fn close(&self) {
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until {
            match self.snapshots.try_lock() {
                Ok(mut snapshots) => return drop(snapshots.take()),
                Err(TryLockError::Poisoned(poisoned)) => return drop(poisoned.into_inner().take()),
                Err(TryLockError::WouldBlock) => {
                    crate::end_children(false);
                    std::thread::sleep(AGAIN);
                }
            }
        }
    }

    /// Waits until there is no more time; then lets nothing be put back that has not begun to be.
    /// Tells whether something has.
    async fn puts_back_when_stopped(&self, mut stop: StopSignal) -> bool {
        if stop.wait_for(|level| *level == Some(StopLevel::Now)).await.is_err() {
            // Nobody is left who could ask.
            std::future::pending::<()>().await;
        }
        let put_backs = self.put_backs.clone();
        tokio::task::spawn_blocking(move || put_backs.end()).await.unwrap_or(true)
    }

    async fn with<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Snapshots) -> T + Send + 'static,
    ) -> Result<T, GitError> {
        let snapshots = Arc::clone(&self.snapshots);
        tokio::task::spawn_blocking(move || {
            // Each step leaves a state that the next can start from, so a panic poisons nothing.
            let mut snapshots = snapshots.lock().unwrap_or_else(PoisonError::into_inner);
            snapshots.as_mut().map(work).ok_or(GitError::RunIsOver)
        })
        .await
        .unwrap_or_else(|error| Err(GitError::Panicked(error.to_string())))
    }
}

#[async_trait]
impl Workspace for GitWorkspace {
    async fn capture(&self, iteration: Iteration) -> Result<CapturedDiff, String> {
        let captured = self.with(move |snapshots| snapshots.capture(iteration)).await;
        captured.and_then(|captured| captured).map_err(|error| error.to_string())
    }

    async fn check(&self, call: CallId, restore: bool, stop: StopSignal) -> TreeCheck {
        self.put_backs.check_begins();
        let check = self.with(move |snapshots| snapshots.check(call, restore));
        let check = tokio::select! {
            biased;
            check = check => check,
            // What has begun to be put back is finished, and the check then tells of it.
            false = self.puts_back_when_stopped(stop) => Err(GitError::GivenUp),
        };
        check.unwrap_or_else(|error| TreeCheck::Failed { error: error.to_string() })
    }
}
