//! Takes snapshots of one working tree, and finds what changed since the last one.

use std::collections::BTreeMap;
use std::path::PathBuf;

use codeloops_event::{CallId, CapturedDiff, Iteration, RunId, TreeCheck, TreeId, layout};
use codeloops_machine::CriticTree;

use super::backend::Backend;
use super::command::Git;
use super::error::GitError;
use super::fingerprint::Fingerprint;
use super::lock::RunLock;
use super::patch::PatchWriter;
use super::path::RepoPath;
use super::private_index;
use super::put_backs::PutBacks;
use super::restore::{self, Difference};
use super::scan::{Change, Head, Scan};
use super::seal::Seal;
use super::user_index::UserIndex;
use super::watch::Watch;

/// Paths of a change that are listed by name.
const LISTED: usize = 100;

/// The snapshots of a run.
pub(super) struct Snapshots {
    pub(super) git: Git,
    pub(super) backend: Box<dyn Backend>,
    pub(super) run_id: RunId,
    pub(super) evidence: PathBuf,
    pub(super) excluded: Vec<RepoPath>,
    pub(super) skipped: Vec<RepoPath>,
    /// Of the private index.
    pub(super) seal: Seal,
    pub(super) watch: Watch,
    pub(super) user_index: UserIndex,
    pub(super) put_backs: PutBacks,
    /// What every diff is made from.
    pub(super) base: TreeId,
    pub(super) last: Snapshot,
    /// Last, so that it is let go of when all else is gone.
    pub(super) lock: RunLock,
}

/// The working tree at one moment.
pub(super) struct Snapshot {
    pub(super) tree: TreeId,
    pub(super) head: Head,
    /// The files that differed from the private index, as they looked before they were read; none
    /// where they were not looked at.
    pub(super) files: Option<BTreeMap<RepoPath, Fingerprint>>,
}

impl Snapshots {
    pub(super) fn capture(&mut self, iteration: Iteration) -> Result<CapturedDiff, GitError> {
        let mut scan = self.scan()?;
        let files = self.look(&scan.changes);
        let tree = self.backend.write_tree(&scan.changes)?;
        self.backend.keep(&format!("refs/codeloops/{}/{iteration}", self.run_id), &tree)?;
        let name = layout::diff_patch(iteration);
        let mut patch = PatchWriter::create(&self.evidence, name)?;
        let list = self.backend.diff(&self.base, &tree, &mut patch)?;
        let (diff, patch) = patch.finish()?;
        self.user_index.remember()?;
        self.last = Snapshot { tree: tree.clone(), head: scan.head, files: Some(files) };
        scan.notes.extend(self.watch.notes());
        Ok(CapturedDiff {
            tree,
            diff,
            files: list.files,
            files_changed: list.count,
            insertions: list.insertions,
            deletions: list.deletions,
            patch,
            notes: scan.notes,
        })
    }

    pub(super) fn check(&mut self, call: CallId, before: &CriticTree) -> TreeCheck {
        self.compare(call, before)
            .unwrap_or_else(|error| TreeCheck::Failed { error: error.to_string() })
    }

    fn compare(&mut self, call: CallId, before: &CriticTree) -> Result<TreeCheck, GitError> {
        let scan = self.scan()?;
        let tree = self.tree_now(&scan.changes)?;
        let head_moved = scan.head != self.last.head;
        let index_changed = self.user_index.changed(&self.git)?;
        if tree == before.tree && !head_moved && !index_changed {
            return Ok(TreeCheck::Unchanged);
        }
        let kept_as =
            format!("refs/codeloops/{}/critic-{}-{}", self.run_id, call.iteration, call.attempt);
        self.backend.keep(&kept_as, &tree)?;
        if head_moved {
            restore::keep_head(&self.git, &kept_as, &self.last.head, &scan.head)?;
        }
        if index_changed {
            self.user_index.keep(&self.git, &format!("{kept_as}-index"), &self.lock.scratch())?;
        }
        let differences = restore::differences(&self.git, &before.tree, &tree)?;
        // All of it or nothing, so that what is told of it is true.
        let restored =
            before.restore && restore::is_possible(&differences) && self.lock.others().is_empty();
        if restored {
            let put_backs = self.put_backs.clone();
            put_backs
                .run(&kept_as, || self.put_back(before, &scan.head, &differences, index_changed))
                .map_err(|error| GitError::NotPutBack {
                    kept_as: kept_as.clone(),
                    source: Box::new(error),
                })?;
        }
        let files = differences.iter().take(LISTED).map(|d| d.path.lossy()).collect();
        Ok(TreeCheck::Changed { kept_as, files, head_moved, index_changed, restored })
    }

    fn put_back(
        &mut self,
        before: &CriticTree,
        head: &Head,
        differences: &[Difference],
        index_changed: bool,
    ) -> Result<(), GitError> {
        let scratch = self.lock.scratch();
        restore::files(&self.git, &before.tree, differences, &scratch)?;
        if *head != self.last.head {
            restore::head(&self.git, &self.last.head, head)?;
        }
        if index_changed {
            self.user_index.restore()?;
        }
        self.last.files = None;
        let scan = self.scan()?;
        let tree = self.tree_now(&scan.changes)?;
        if tree == before.tree { Ok(()) } else { Err(GitError::StillDiffers) }
    }

    /// The tree of the working tree; not written anew where it is provably that of the last snapshot.
    fn tree_now(&mut self, changes: &[Change]) -> Result<TreeId, GitError> {
        if let Some(before) = &self.last.files {
            let now = self.look(changes);
            let same = before.len() == now.len()
                && before.iter().zip(&now).all(|((path, then), (other, look))| {
                    path == other && then.proves_unchanged(look)
                });
            if same {
                return Ok(self.last.tree.clone());
            }
        }
        self.backend.write_tree(changes)
    }

    fn scan(&mut self) -> Result<Scan, GitError> {
        self.git.check_root()?;
        self.seal.verify()?;
        self.uncover()?;
        let mut scan = self.backend.scan()?;
        scan.changes.retain(|change| !is_excluded(&self.excluded, &change.path));
        Ok(scan)
    }

    /// Lets git see the files that were marked as not there, and now are.
    fn uncover(&mut self) -> Result<(), GitError> {
        if self.skipped.is_empty() {
            return Ok(());
        }
        let skipped = std::mem::take(&mut self.skipped);
        let count = skipped.len();
        let index = self.lock.index();
        self.skipped = private_index::uncover_present(&self.git, &index, skipped)?;
        if self.skipped.len() == count {
            return Ok(());
        }
        self.seal = Seal::of(&index)?;
        self.backend.reload()
    }

    fn look(&self, changes: &[Change]) -> BTreeMap<RepoPath, Fingerprint> {
        let look = |change: &Change| Fingerprint::of(&change.path.in_root(self.git.root()));
        changes.iter().map(|change| (change.path.clone(), look(change))).collect()
    }
}

pub(super) fn is_excluded(excluded: &[RepoPath], path: &RepoPath) -> bool {
    excluded.iter().any(|folder| path.is_within(folder))
}
