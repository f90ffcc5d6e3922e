//! Takes snapshots of one working tree, and finds what changed since the last one.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::SystemTime;

use codeloops_event::{CallId, CapturedDiff, Iteration, RunId, TreeCheck, TreeId, layout};
use codeloops_machine::CriticTree;

use super::backend::Backend;
use super::command::Git;
use super::error::GitError;
use super::fingerprint::{self, Fingerprint};
use super::hidden_rules::HiddenRules;
use super::inner::{self, Inner};
use super::lock::RunLock;
use super::patch::PatchWriter;
use super::path::RepoPath;
use super::private_index;
use super::put_backs::PutBacks;
use super::restore::{self, Difference};
use super::scan::{Change, Head, Scan};
use super::seal::Seal;
use super::staged::{self, Known, Staged};
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
    pub(super) rules: Watch,
    pub(super) operation: Watch,
    pub(super) hidden_rules: HiddenRules,
    pub(super) user_index: UserIndex,
    pub(super) put_backs: PutBacks,
    /// What every diff is made from.
    pub(super) base: TreeId,
    /// The files that the user had changed before the run, as they looked.
    pub(super) begun_with: BTreeMap<RepoPath, Fingerprint>,
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
    /// What is in the repositories within this one; none where it was not looked at.
    pub(super) inner: Option<Inner>,
    pub(super) taken: SystemTime,
}

impl Snapshot {
    /// One of now, of which nothing is known but its tree.
    pub(super) fn unlooked_at(tree: TreeId, head: Head) -> Self {
        Self { tree, head, files: None, inner: None, taken: SystemTime::now() }
    }
}

impl Snapshots {
    pub(super) fn capture(&mut self, iteration: Iteration) -> Result<CapturedDiff, GitError> {
        let mut scan = self.scan()?;
        let files = fingerprint::of_changes(self.git.root(), &scan.changes);
        let tree = self.backend.write_tree(&scan.changes)?;
        self.backend.keep(&layout::snapshot_ref(&self.run_id, iteration), &tree)?;
        let name = layout::diff_patch(iteration);
        let mut patch = PatchWriter::create(&self.evidence, name)?;
        let list = self.backend.diff(&self.base, &tree, &mut patch)?;
        let (diff, patch) = patch.finish()?;
        self.user_index.remember()?;
        self.rules.remember();
        self.operation.remember();
        let taken = SystemTime::now();
        self.last = Snapshot {
            tree: tree.clone(),
            head: scan.head,
            files: Some(files),
            inner: Some(inner::look(&self.git, &scan.inner)?),
            taken,
        };
        scan.notes.extend(self.rules.notes());
        scan.notes.extend(self.hidden_rules(&scan.changes)?);
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
        let kept_as = layout::critic_ref(&self.run_id, call.iteration, call.attempt);
        let may_restore = before.restore && self.lock.others().is_empty();
        // First, for they decide what the look below sees.
        let (rules, rules_restored) = self.check_rules(&kept_as, may_restore)?;
        let scan = self.scan()?;
        let tree = self.tree_now(&scan.changes)?;
        let head_moved = scan.head != self.last.head;
        let index_changed = self.user_index.changed(&self.git)?;
        let inner = self.inner_changed(&scan)?;
        let operation = self.operation.changed();
        let tree_changed =
            tree != before.tree || head_moved || index_changed || !operation.is_empty();
        if !tree_changed && rules.is_empty() && inner.is_empty() {
            return Ok(TreeCheck::Unchanged);
        }
        self.backend.keep(&kept_as, &tree)?;
        if head_moved {
            restore::keep_head(&self.git, &kept_as, &self.last.head, &scan.head)?;
        }
        if index_changed {
            self.user_index.keep(&self.git, &format!("{kept_as}-index"), &self.lock.scratch())?;
        }
        self.operation.keep(&self.git, &kept_as, &operation, rules.len())?;
        let differences = restore::differences(&self.git, &before.tree, &tree)?;
        // All of it or nothing, so that what is told of it is true.
        let mut restored = may_restore
            && rules_restored
            && inner.is_empty()
            && restore::is_possible(&differences)
            && self.operation.can_restore(&operation);
        if restored && tree_changed {
            let put_backs = self.put_backs.clone();
            restored = put_backs
                .run(|| self.put_back(before, &scan.head, &differences, index_changed, &operation))
                .map_err(not_put_back(&kept_as))?;
        }
        let told = |path: &&RepoPath| differences.iter().all(|d| d.path != **path);
        let paths = inner.iter().filter(told).chain(differences.iter().map(|d| &d.path));
        let git_files = rules.into_iter().chain(operation);
        let files = git_files.chain(paths.map(RepoPath::lossy)).take(LISTED).collect();
        let tree = Some(tree);
        Ok(TreeCheck::Changed { kept_as, tree, files, head_moved, index_changed, restored })
    }

    fn hidden_rules(&self, changes: &[Change]) -> Result<Vec<String>, GitError> {
        let is_excluded = |path: &RepoPath| is_excluded(&self.excluded, path);
        self.hidden_rules.notes(&self.git, &self.lock.index(), changes, is_excluded)
    }

    /// The repositories within this one in which something changed that no tree holds.
    fn inner_changed(&self, scan: &Scan) -> Result<Vec<RepoPath>, GitError> {
        let Some(before) = &self.last.inner else { return Ok(Vec::new()) };
        Ok(inner::changed(before, &inner::look(&self.git, &scan.inner)?))
    }

    /// The rules of the repository that changed, and whether they are as before now.
    fn check_rules(
        &self,
        kept_as: &str,
        may_restore: bool,
    ) -> Result<(Vec<String>, bool), GitError> {
        let changed = self.rules.changed();
        if changed.is_empty() {
            return Ok((changed, true));
        }
        self.rules.keep(&self.git, kept_as, &changed, 0)?;
        let restored = may_restore
            && self
                .put_backs
                .run(|| self.rules.restore(&changed, &self.lock.draft()))
                .map_err(not_put_back(kept_as))?;
        Ok((changed, restored))
    }

    /// Tells whether it was possible; nothing is touched where it was not.
    fn put_back(
        &mut self,
        before: &CriticTree,
        head: &Head,
        differences: &[Difference],
        index_changed: bool,
        operation: &[String],
    ) -> Result<bool, GitError> {
        let (scratch, staging) = (self.lock.scratch(), self.lock.staging());
        let paths = restore::earlier(differences);
        let known = self.known(&paths)?;
        let staged = Staged::make(&self.git, &before.tree, paths, &scratch, staging)?;
        if !staged.is_exact(&known)? {
            return Ok(false);
        }
        restore::remove_added(self.git.root(), differences, self.last.taken)?;
        staged.place(self.git.root(), &known)?;
        drop(staged);
        if *head != self.last.head {
            restore::head(&self.git, &self.last.head, head)?;
        }
        if index_changed {
            self.user_index.restore(&self.lock.draft())?;
        }
        if !operation.is_empty() && !self.operation.restore(operation, &self.lock.draft())? {
            return Err(GitError::StillDiffers);
        }
        let scan = self.scan()?;
        let files = fingerprint::of_changes(self.git.root(), &scan.changes);
        let tree = self.backend.write_tree(&scan.changes)?;
        if tree != before.tree {
            return Err(GitError::StillDiffers);
        }
        self.last.files = Some(files);
        Ok(true)
    }

    /// What is known of files as they were at the last snapshot.
    fn known<'p>(&self, paths: &[&'p RepoPath]) -> Result<BTreeMap<&'p RepoPath, Known>, GitError> {
        let looked = |path| {
            let last = self.last.files.as_ref().and_then(|files| files.get(path));
            last.or_else(|| self.begun_with.get(path)).and_then(Known::from_look)
        };
        let (mut known, mut others) = (BTreeMap::new(), Vec::new());
        for path in paths.iter().copied() {
            match looked(path) {
                Some(file) => drop(known.insert(path, file)),
                None => others.push(path),
            }
        }
        if !others.is_empty() {
            let indexed = staged::known_to_index(&self.git, &self.lock.index())?;
            known.extend(others.iter().filter_map(|path| Some((*path, *indexed.get(path)?))));
        }
        Ok(known)
    }

    /// The tree of the working tree; not written anew where it is provably that of the last snapshot.
    fn tree_now(&mut self, changes: &[Change]) -> Result<TreeId, GitError> {
        if let Some(before) = &self.last.files {
            let now = fingerprint::of_changes(self.git.root(), changes);
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
}

fn not_put_back(kept_as: &str) -> impl FnOnce(GitError) -> GitError {
    let kept_as = kept_as.to_owned();
    move |error| GitError::NotPutBack { kept_as, source: Box::new(error) }
}

pub(super) fn is_excluded(excluded: &[RepoPath], path: &RepoPath) -> bool {
    excluded.iter().any(|folder| path.is_within(folder))
}
