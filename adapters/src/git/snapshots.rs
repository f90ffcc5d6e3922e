//! Takes snapshots of one working tree.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use codeloops_event::{CapturedDiff, Iteration, RunId, TreeId, layout};

use super::TreeDiff;
use super::backend::Backend;
use super::command::Git;
use super::error::GitError;
use super::fingerprint::{self, Looks};
use super::hidden_rules::HiddenRules;
use super::inner::{self, Inner};
use super::lock::RunLock;
use super::other_runs::OtherRuns;
use super::patch::{PatchWriter, Written};
use super::path::RepoPath;
use super::private_index;
use super::program::Program;
use super::put_backs::PutBacks;
use super::scan::{Change, Head, Scan};
use super::seal::Seal;
use super::unreadable;
use super::user_index::UserIndex;
use super::user_refs::UserRefs;
use super::watch::Watch;
use crate::redact::Redactor;
use crate::tamper::{self, TamperRules};

/// How often a look is begun while files vanish under it.
const TRIES: u32 = 5;

/// The snapshots of a run.
pub(super) struct Snapshots {
    pub(super) git: Git,
    pub(super) backend: Box<dyn Backend>,
    pub(super) run_id: RunId,
    pub(super) evidence: PathBuf,
    pub(super) redactor: Option<Arc<Redactor>>,
    pub(super) tamper: Option<Arc<TamperRules>>,
    pub(super) excluded: Vec<RepoPath>,
    pub(super) skipped: Vec<RepoPath>,
    /// Those that the index had when the run began.
    pub(super) submodules: Vec<RepoPath>,
    /// Of the private index.
    pub(super) seal: Seal,
    pub(super) rules: Watch,
    pub(super) operation: Watch,
    /// What is put back with the rest, and no change by itself.
    pub(super) beside: Watch,
    pub(super) user_refs: UserRefs,
    pub(super) hidden_rules: HiddenRules,
    pub(super) user_index: UserIndex,
    pub(super) put_backs: PutBacks,
    /// When the last look began.
    pub(super) other_runs: OtherRuns,
    /// What every diff is made from.
    pub(super) base: TreeId,
    /// Whether an earlier process of the run may have looked and kept what it found.
    pub(super) is_resumed: bool,
    /// The files that the user had changed before the run, as they looked.
    pub(super) begun_with: Looks,
    pub(super) last: Snapshot,
    /// Last, so that it is let go of when all else is gone.
    pub(super) lock: RunLock,
}

/// The working tree at one moment: as the actor left it, or a critic or gates whose changes stay.
pub(super) struct Snapshot {
    pub(super) tree: TreeId,
    pub(super) head: Head,
    /// The files that differed from the private index, as they looked before they were read; none
    /// where they were not looked at.
    pub(super) files: Option<Looks>,
    /// What no snapshot holds; none where it was not looked at.
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
    #[tracing::instrument(level = "debug", name = "git.capture", skip_all, fields(codeloops.iteration = iteration))]
    pub(super) fn capture(&mut self, iteration: Iteration) -> Result<CapturedDiff, GitError> {
        self.again_where_files_vanish(|all| all.capture_now(iteration))
            .map_err(|error| self.explained(error))
    }

    /// Does something anew that met a file which was gone a moment later: somebody else works there.
    pub(super) fn again_where_files_vanish<T>(
        &mut self,
        work: impl Fn(&mut Self) -> Result<T, GitError>,
    ) -> Result<T, GitError> {
        for _ in 1..TRIES {
            match work(self) {
                Err(error) if error.is_of_a_vanished_file() => {
                    tracing::debug!(%error, "looked at anew");
                }
                done => return done,
            }
        }
        work(self)
    }

    fn capture_now(&mut self, iteration: Iteration) -> Result<CapturedDiff, GitError> {
        let runs = OtherRuns::now(&self.lock);
        let mut scan = self.scan()?;
        let files = fingerprint::of_changes(self.git.root(), &scan.changes);
        let tree = self.backend.write_tree(&scan.changes)?;
        self.backend.keep(&layout::snapshot_ref(&self.run_id, iteration), &tree)?;
        let name = layout::diff_patch(iteration);
        let mut patch = PatchWriter::create(&self.evidence, name, self.redactor.as_ref())?
            .looked_through(self.tamper.as_ref().map(|rules| self.scan_by(rules)));
        let list = self.backend.diff(&self.base, &tree, &mut patch)?;
        let Written { text: diff, patch, found } = patch.finish()?;
        let inner = inner::look(&self.git, &scan, &self.submodules)?;
        let hidden = self.hidden_rules(&scan)?;
        self.remember(tree.clone(), scan.head, files, inner)?;
        self.other_runs = runs;
        scan.notes.extend(self.rules.notes());
        scan.notes.extend(hidden);
        Ok(CapturedDiff {
            tree,
            diff,
            files: list.files,
            files_changed: list.count,
            insertions: list.insertions,
            deletions: list.deletions,
            patch,
            notes: scan.notes,
            tampering: found.signs,
            more_tampering: found.more,
        })
    }

    fn scan_by(&self, rules: &Arc<TamperRules>) -> tamper::Scan {
        tamper::Scan::new(Arc::clone(rules), self.redactor.clone())
    }

    /// Writes the diff of two trees to a file of the evidence folder.
    pub(super) fn diff_of(
        &mut self,
        from: &TreeId,
        to: &TreeId,
        file: String,
    ) -> Result<TreeDiff, GitError> {
        let mut patch = PatchWriter::create(&self.evidence, file, self.redactor.as_ref())?;
        let files = self.backend.diff(from, to, &mut patch)?.files;
        let Written { text, patch, .. } = patch.finish()?;
        Ok(TreeDiff { text, files, patch })
    }

    /// Keeps all as it is now, for the next look to compare with.
    pub(super) fn remember(
        &mut self,
        tree: TreeId,
        head: Head,
        files: Looks,
        inner: Inner,
    ) -> Result<(), GitError> {
        self.user_index.remember()?;
        self.rules.remember();
        self.operation.remember();
        self.beside.remember();
        self.user_refs.remember();
        let taken = SystemTime::now();
        self.last = Snapshot { tree, head, files: Some(files), inner: Some(inner), taken };
        Ok(())
    }

    /// Says what happened where what git says is that it does not find an object.
    pub(super) fn explained(&self, error: GitError) -> GitError {
        if !matches!(error, GitError::Library { .. } | GitError::Refused { .. }) {
            return error;
        }
        // Where git does not work at all, it says no to everything.
        let says_no = |args: &[&str]| matches!(self.git.ask(args), Ok(None));
        if says_no(&["rev-parse", "--git-dir"]) {
            return error;
        }
        let is_gone = |tree: &&TreeId| says_no(&["cat-file", "-e", &tree.0]);
        match [&self.base, &self.last.tree].into_iter().find(is_gone) {
            Some(tree) => GitError::SnapshotGone(tree.clone()),
            None => error,
        }
    }

    fn hidden_rules(&self, scan: &Scan) -> Result<Vec<String>, GitError> {
        let is_excluded = |path: &RepoPath| is_excluded(&self.excluded, path);
        self.hidden_rules.notes(&self.git, &self.lock.index(), scan, is_excluded)
    }

    /// The tree of the working tree; not written anew where it is provably that of the last snapshot.
    pub(super) fn tree_now(&mut self, now: &Looks, changes: &[Change]) -> Result<TreeId, GitError> {
        if let Some(before) = &self.last.files {
            let same = before.len() == now.len()
                && before.iter().zip(now).all(|((path, then), (other, look))| {
                    path == other && then.proves_unchanged(look)
                });
            if same {
                return Ok(self.last.tree.clone());
            }
        }
        self.backend.write_tree(changes)
    }

    #[tracing::instrument(level = "debug", name = "git.scan", skip_all)]
    pub(super) fn scan(&mut self) -> Result<Scan, GitError> {
        self.git.check_root()?;
        self.seal.verify()?;
        self.uncover()?;
        let mut scan = self.backend.scan()?;
        if unreadable::is_passed_over(self.git.root(), &scan, self.last.files.as_ref()) {
            scan = Program::new(self.git.clone(), self.lock.index()).scan()?;
        }
        scan.changes.retain(|change| !is_excluded(&self.excluded, &change.path));
        scan.unreadable.retain(|path| !is_excluded(&self.excluded, path));
        unreadable::set_apart(self.git.root(), &mut scan);
        if !scan.unreadable.is_empty() {
            let (index, last) = (self.lock.index(), &self.last.tree);
            let kept = unreadable::as_in(&self.git, &index, last, &scan.unreadable)?;
            scan.changes.extend(kept);
        }
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

pub(super) fn is_excluded(excluded: &[RepoPath], path: &RepoPath) -> bool {
    excluded.iter().any(|folder| path.is_within(folder))
}
