//! Puts back what a critic or gates changed, and nothing else: whoever wrote to a file, a ref or HEAD since it
//! was looked at keeps what was written, and so do files that only their rules let git see.

use std::collections::{BTreeMap, BTreeSet};

use super::compare::Found;
use super::error::GitError;
use super::fingerprint;
use super::moved::GoingBack;
use super::path::RepoPath;
use super::present::Present;
use super::restore::{self, Difference};
use super::restore_raw;
use super::snapshots::Snapshots;
use super::staged::{self, Known, Staged};
use super::user_refs::Loss;

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PutBack {
    /// All is as it was.
    Whole,
    /// Nothing was touched.
    Impossible,
    /// Something is as it was, something is not: somebody else is at work there.
    InPart,
}

impl Snapshots {
    /// What is no difference, once the rules are as before, is dropped from `differences`.
    #[tracing::instrument(level = "debug", name = "git.put_back", skip_all)]
    pub(super) fn put_back(
        &mut self,
        kept_as: &str,
        differences: &mut Vec<Difference>,
        found: &Found,
        present: &Present,
    ) -> Result<PutBack, GitError> {
        let root = self.git.root().to_owned();
        let as_seen = |d: &Difference| present.is_still(&root, &d.path);
        if self.is_locked(found) || !differences.iter().all(as_seen) {
            return Ok(PutBack::Impossible);
        }
        let (scratch, staging) = (self.lock.scratch(), self.lock.staging());
        let paths: Vec<RepoPath> = restore::earlier(differences).into_iter().cloned().collect();
        let paths: Vec<&RepoPath> = paths.iter().collect();
        let known = self.known(&paths)?;
        let rules_differ = differences.iter().any(Difference::is_ignore_file);
        // Where the rules are not as before, it shows only later what git did not see.
        let suspects = differences.iter().filter(|d| !(rules_differ && d.is_added()));
        if self.would_lose(differences, suspects, &known) {
            return Ok(PutBack::Impossible);
        }
        let staged = Staged::make(&self.git, &self.last.tree, paths, &scratch, staging);
        let Ok(staged) = staged.inspect_err(restore::told) else {
            return Ok(PutBack::Impossible);
        };
        if found.index_changed && !self.user_index.can_restore(&self.git)? {
            return Ok(PutBack::Impossible);
        }
        let added = differences.iter().filter(|d| d.is_added()).map(|d| &d.path).collect();
        if !staged.is_exact(&known)? || !staged.has_way(&root, &added) {
            return Ok(PutBack::Impossible);
        }
        // What is replaced could not be had from what git stored.
        let raw = format!("{kept_as}-raw");
        restore_raw::keep(&self.git, &scratch, &raw, differences)?;
        let _mark = self.lock.mark_put_back(kept_as)?;
        if !self.put_back_refs(&found.refs)? {
            return Ok(PutBack::Impossible);
        }
        if !self.put_back_head(found)? {
            return Ok(PutBack::InPart);
        }
        let files = self.put_back_files(&staged, &known, differences, present)?;
        drop(staged);
        let git_files = self.put_back_git_files(found).inspect_err(restore::told).unwrap_or(false);
        let scan = self.scan()?;
        let looks = fingerprint::of_changes(self.git.root(), &scan.changes);
        if !(files && git_files) || self.backend.write_tree(&scan.changes)? != self.last.tree {
            return Ok(PutBack::InPart);
        }
        self.last.files = Some(looks);
        Ok(PutBack::Whole)
    }

    /// Whether another git is at work, or was killed, on what would be written.
    fn is_locked(&self, found: &Found) -> bool {
        let lock = |name: &str| self.git.git_dir().join(name).exists();
        (found.index_changed && lock("index.lock")) || (found.head_moved && lock("HEAD.lock"))
    }

    /// Rules of what git does not see go first. Only what it still sees then was added.
    fn put_back_files(
        &mut self,
        staged: &Staged<'_>,
        known: &BTreeMap<&RepoPath, Known>,
        differences: &mut Vec<Difference>,
        present: &Present,
    ) -> Result<bool, GitError> {
        let (root, since) = (self.git.root().to_owned(), self.last.taken);
        if differences.iter().any(Difference::is_ignore_file) {
            let rules = |d: &&Difference| d.is_added() && d.is_ignore_file();
            let added: Vec<_> = differences.iter().filter(rules).map(|d| &d.path).collect();
            let gone = restore::remove_added(&root, &added, since, present);
            if !gone || !staged.place(&root, known, present, restore::is_ignore_file) {
                return Ok(false);
            }
            let scan = self.scan()?;
            let seen: BTreeSet<_> = scan.changes.iter().map(|change| &change.path).collect();
            differences.retain(|d| !d.is_added() || d.is_ignore_file() || seen.contains(&d.path));
            let added = differences.iter().filter(|d| d.is_added() && !d.is_ignore_file());
            if self.would_lose(differences, added, known) {
                return Ok(false);
            }
        }
        let added = differences.iter().filter(|d| d.is_added() && !d.is_ignore_file());
        let added: Vec<_> = added.map(|d| &d.path).collect();
        let gone = restore::remove_added(&root, &added, since, present);
        let others = |path: &RepoPath| !restore::is_ignore_file(path);
        Ok(staged.place(&root, known, present, others) && gone)
    }

    /// Whether one of the `suspects` is a file that no snapshot holds.
    fn would_lose<'d>(
        &self,
        differences: &[Difference],
        mut suspects: impl Iterator<Item = &'d Difference>,
        known: &BTreeMap<&RepoPath, Known>,
    ) -> bool {
        let back = GoingBack::of(differences, known.values());
        suspects.any(|found| back.would_lose(self.git.root(), found, self.last.taken))
    }

    /// Tells whether git found it where it was looked at.
    fn put_back_head(&self, found: &Found) -> Result<bool, GitError> {
        if !found.head_moved {
            return Ok(true);
        }
        let refs = restore::refs_of(&self.last.head);
        let (before, now, branch) = (&self.last.head, &found.head, found.branch.as_ref());
        let written =
            self.lock.announced().write(&refs, || restore::head(&self.git, before, now, branch));
        match written {
            Err(GitError::Refused { .. }) => Ok(false),
            other => other.map(|()| true),
        }
    }

    fn put_back_refs(&self, lost: &[Loss]) -> Result<bool, GitError> {
        let draft = self.lock.draft();
        Ok(lost.is_empty()
            || self.user_refs.restore(&self.git, lost, &self.lock.announced(), &draft)?)
    }

    fn put_back_git_files(&mut self, found: &Found) -> Result<bool, GitError> {
        let draft = self.lock.draft();
        if found.index_changed {
            self.user_index.restore(&draft)?;
        }
        let beside = self.beside.changed();
        if !beside.is_empty() {
            self.beside.restore(&beside, &draft)?;
        }
        let operation = &found.operation;
        Ok(operation.is_empty() || self.operation.restore(operation, &draft)?)
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
}
