//! Finds what a critic changed since the last snapshot, keeps it, and puts it back.

use std::collections::BTreeMap;

use codeloops_event::{CallId, TreeCheck, TreeId, layout};

use super::error::GitError;
use super::fingerprint;
use super::inner::{self, Inner};
use super::path::RepoPath;
use super::restore::{self, Difference};
use super::scan::Head;
use super::snapshots::Snapshots;
use super::staged::{self, Known, Staged};
use super::user_refs::Loss;

/// Paths of a change that are listed by name.
const LISTED: usize = 100;

impl Snapshots {
    pub(super) fn check(&mut self, call: CallId, restore: bool) -> TreeCheck {
        self.compare(call, restore)
            .map_err(|error| self.explained(error))
            .unwrap_or_else(|error| TreeCheck::Failed { error: error.to_string() })
    }

    fn compare(&mut self, call: CallId, restore: bool) -> Result<TreeCheck, GitError> {
        let kept_as = layout::critic_ref(&self.run_id, call.iteration, call.attempt);
        let may_restore = restore && self.lock.others().is_empty();
        // First, for they decide what the look below sees.
        let (rules, rules_restored) = self.check_rules(&kept_as, may_restore)?;
        let scan = self.scan()?;
        let looks = fingerprint::of_changes(self.git.root(), &scan.changes);
        let tree = self.tree_now(&looks, &scan.changes)?;
        let inner = inner::look(&self.git, &scan.inner)?;
        let found = self.found(&tree, &scan.head, &inner)?;
        if !found.any() && rules.is_empty() && found.inner.is_empty() {
            return Ok(TreeCheck::Unchanged);
        }
        self.keep(&kept_as, &tree, &scan.head, &found, rules.len())?;
        let differences = restore::differences(&self.git, &self.last.tree, &tree)?;
        // All of it or nothing, so that what is told of it is true.
        let mut restored = may_restore
            && rules_restored
            && found.inner.is_empty()
            && restore::is_possible(&differences)
            && self.operation.can_restore(&found.operation);
        if restored && found.any() {
            let put_backs = self.put_backs.clone();
            restored = put_backs
                .run(|| self.put_back(&scan.head, &differences, &found))
                .map_err(not_put_back(&kept_as))?;
        }
        let files = found.files(rules, &differences);
        let Found { head_moved, index_changed, .. } = found;
        if !restored {
            // The next call finds what this one left.
            self.remember(tree.clone(), scan.head, looks, inner)?;
        }
        let tree = Some(tree);
        Ok(TreeCheck::Changed { kept_as, tree, files, head_moved, index_changed, restored })
    }

    /// What is not as it was at the last snapshot, but for the rules.
    fn found(&mut self, tree: &TreeId, head: &Head, inner: &Inner) -> Result<Found, GitError> {
        let branch = self.last.head.branch.as_deref().map(restore::full_name);
        Ok(Found {
            tree_changed: *tree != self.last.tree,
            head_moved: *head != self.last.head,
            index_changed: self.user_index.changed(&self.git)?,
            operation: self.operation.changed(),
            refs: self.user_refs.lost(&self.git, branch.as_deref()),
            inner: self
                .last
                .inner
                .as_ref()
                .map_or_else(Vec::new, |last| inner::changed(last, inner)),
        })
    }

    /// Keeps what was found under refs that begin with `kept_as`.
    fn keep(
        &mut self,
        kept_as: &str,
        tree: &TreeId,
        head: &Head,
        found: &Found,
        rules: usize,
    ) -> Result<(), GitError> {
        self.backend.keep(kept_as, tree)?;
        if found.head_moved {
            restore::keep_head(&self.git, kept_as, &self.last.head, head)?;
        }
        if found.index_changed {
            self.user_index.keep(&self.git, &format!("{kept_as}-index"), &self.lock.scratch())?;
        }
        self.user_refs.keep(&self.git, kept_as, &found.refs)?;
        self.operation.keep(&self.git, kept_as, &found.operation, rules)
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
        head: &Head,
        differences: &[Difference],
        found: &Found,
    ) -> Result<bool, GitError> {
        let (scratch, staging) = (self.lock.scratch(), self.lock.staging());
        let paths = restore::earlier(differences);
        let known = self.known(&paths)?;
        let staged = Staged::make(&self.git, &self.last.tree, paths, &scratch, staging)?;
        if !staged.is_exact(&known)? || !self.put_back_refs(&found.refs)? {
            return Ok(false);
        }
        restore::remove_added(self.git.root(), differences, self.last.taken)?;
        staged.place(self.git.root(), &known)?;
        drop(staged);
        if found.head_moved {
            let announced = self.lock.announced();
            let refs = restore::refs_of(&self.last.head);
            announced.write(&refs, || restore::head(&self.git, &self.last.head, head))?;
        }
        self.put_back_git_files(found)?;
        let scan = self.scan()?;
        let files = fingerprint::of_changes(self.git.root(), &scan.changes);
        if self.backend.write_tree(&scan.changes)? != self.last.tree {
            return Err(GitError::StillDiffers);
        }
        self.last.files = Some(files);
        Ok(true)
    }

    fn put_back_refs(&self, lost: &[Loss]) -> Result<bool, GitError> {
        let draft = self.lock.draft();
        Ok(lost.is_empty()
            || self.user_refs.restore(&self.git, lost, &self.lock.announced(), &draft)?)
    }

    fn put_back_git_files(&mut self, found: &Found) -> Result<(), GitError> {
        let draft = self.lock.draft();
        if found.index_changed {
            self.user_index.restore(&draft)?;
        }
        let beside = self.beside.changed();
        if !beside.is_empty() {
            self.beside.restore(&beside, &draft)?;
        }
        let operation = &found.operation;
        if !operation.is_empty() && !self.operation.restore(operation, &draft)? {
            return Err(GitError::StillDiffers);
        }
        Ok(())
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

/// What a look found changed, but for the rules.
struct Found {
    tree_changed: bool,
    head_moved: bool,
    index_changed: bool,
    /// Files of a merge or the like in progress.
    operation: Vec<String>,
    refs: Vec<Loss>,
    /// Repositories within this one.
    inner: Vec<RepoPath>,
}

impl Found {
    /// Whether there is anything that could be put back.
    fn any(&self) -> bool {
        self.tree_changed
            || self.head_moved
            || self.index_changed
            || !self.operation.is_empty()
            || !self.refs.is_empty()
    }

    /// The paths that are told, after those of the rules.
    fn files(&self, rules: Vec<String>, differences: &[Difference]) -> Vec<String> {
        let told = |path: &&RepoPath| differences.iter().all(|d| d.path != **path);
        let paths = self.inner.iter().filter(told).chain(differences.iter().map(|d| &d.path));
        let refs = self.refs.iter().map(Loss::shown);
        let git_files = rules.into_iter().chain(self.operation.iter().cloned()).chain(refs);
        git_files.chain(paths.map(RepoPath::lossy)).take(LISTED).collect()
    }
}

fn not_put_back(kept_as: &str) -> impl FnOnce(GitError) -> GitError {
    let kept_as = kept_as.to_owned();
    move |error| GitError::NotPutBack { kept_as, source: Box::new(error) }
}
