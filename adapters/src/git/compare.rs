//! Finds what a critic or gates changed since the last snapshot, and keeps it.

use std::time::SystemTime;

use codeloops_event::{CallId, CallKind, TreeCheck, TreeId, layout};

use super::backend::Backend;
use super::error::GitError;
use super::fingerprint;
use super::inner::{self, Inner};
use super::other_runs::{OtherRuns, Others};
use super::path::RepoPath;
use super::present::Present;
use super::program::Program;
use super::put_back::PutBack;
use super::restore::{self, Difference};
use super::scan::{Change, Head};
use super::snapshots::Snapshots;
use super::user_refs::{Loss, UserRefs};

/// Paths of a change that are listed by name.
const LISTED: usize = 100;

impl Snapshots {
    #[tracing::instrument(level = "debug", name = "git.check", skip_all)]
    pub(super) fn check(&mut self, call: CallId, restore: bool) -> TreeCheck {
        let runs = OtherRuns::now(&self.lock);
        let name = if call.kind == CallKind::GateTreeCheck {
            layout::gates_ref
        } else {
            layout::critic_ref
        };
        let kept_as = name(&self.run_id, call.iteration, call.attempt);
        // First, for they decide what the look sees. All working trees share them.
        let are_alone = self.other_runs.until(&runs) == Others::Nowhere;
        let rules = self.again_where_files_vanish(|all| {
            all.git.check_root()?;
            all.check_rules(&kept_as, restore && are_alone)
        });
        // Once, for they would not be found changed again.
        let check = rules.and_then(|rules| {
            self.again_where_files_vanish(|all| all.compare(&kept_as, restore, &rules))
        });
        match check {
            Ok(check) => {
                self.other_runs = runs;
                check
            }
            Err(error) => TreeCheck::Failed { error: self.explained(error).to_string() },
        }
    }

    fn compare(
        &mut self,
        kept_as: &str,
        restore: bool,
        rules: &Rules,
    ) -> Result<TreeCheck, GitError> {
        let at = SystemTime::now();
        let scan = self.scan()?;
        let looks = fingerprint::of_changes(self.git.root(), &scan.changes);
        let tree = self.tree_now(&looks, &scan.changes);
        let mut tree = tree.or_else(|error| self.tree_as_obeyed(error, &scan.changes))?;
        let inner = inner::look(&self.git, &scan, &self.submodules)?;
        let found = self.found(&tree, &scan.head, &inner)?;
        if !found.any() && rules.changed.is_empty() && found.inner.is_empty() {
            return Ok(self.put_back_before(kept_as)?.unwrap_or(TreeCheck::Unchanged));
        }
        let mut differences =
            restore::differences(&self.git, &self.lock.index(), &self.last.tree, &tree)?;
        self.keep(kept_as, &tree, &found, rules.changed.len())?;
        let present = Present::new(looks, at);
        // All of it or nothing, so that what is told of it is true.
        let may_restore = restore
            && self.is_nobody_elses(&found)
            && rules.are_restored
            && found.inner.is_empty()
            && restore::is_possible(&differences)
            && self.operation.can_restore(&found.operation)
            && (!found.head_moved || self.last.head.is_exact());
        let mut put_back = if found.any() { PutBack::Impossible } else { PutBack::Whole };
        if may_restore && found.any() {
            let put_backs = self.put_backs.clone();
            put_back = put_backs
                .run(|| self.put_back(kept_as, &mut differences, &found, &present))
                .map_err(not_put_back(kept_as))?;
        }
        // The next call finds what this one left.
        match put_back {
            PutBack::Whole if may_restore => {}
            PutBack::Whole | PutBack::Impossible => {
                self.remember(tree.clone(), found.head.clone(), present.into_looks(), inner)?;
            }
            PutBack::InPart => tree = self.remember_what_is_left(kept_as)?,
        }
        let restored = may_restore && put_back == PutBack::Whole;
        let files = found.files(&rules.changed, &differences);
        let Found { head_moved, index_changed, .. } = found;
        let (kept_as, tree) = (kept_as.to_owned(), Some(tree));
        Ok(TreeCheck::Changed { kept_as, tree, files, head_moved, index_changed, restored })
    }

    /// What a process of the run that was killed had kept of this call, before it put the tree back:
    /// what the critic said, or gates found, may have been of that.
    fn put_back_before(&self, kept_as: &str) -> Result<Option<TreeCheck>, GitError> {
        if !self.is_resumed {
            return Ok(None);
        }
        let name = format!("{kept_as}^{{tree}}");
        let asked = ["rev-parse", "--quiet", "--verify", "--end-of-options", &name];
        let Some(tree) = self.git.ask(&asked)?.map(TreeId) else { return Ok(None) };
        let changed = restore::differences(&self.git, &self.lock.index(), &self.last.tree, &tree)?;
        let files = changed.iter().map(|difference| difference.path.lossy()).take(LISTED).collect();
        Ok(Some(TreeCheck::Changed {
            kept_as: kept_as.to_owned(),
            tree: Some(tree),
            files,
            head_moved: false,
            index_changed: false,
            restored: true,
        }))
    }

    /// The tree by the attributes of the last snapshot, where git cannot obey those that are there now.
    fn tree_as_obeyed(&self, error: GitError, changes: &[Change]) -> Result<TreeId, GitError> {
        if !matches!(error, GitError::Refused { .. }) || error.is_of_a_vanished_file() {
            return Err(error);
        }
        let git = self.git.obeying(&self.last.tree);
        Program::new(git, self.lock.index()).write_tree(changes).map_err(|_| error)
    }

    /// Keeps the tree as it is now, and lets the next look compare with that.
    fn remember_what_is_left(&mut self, kept_as: &str) -> Result<TreeId, GitError> {
        let scan = self.scan()?;
        let looks = fingerprint::of_changes(self.git.root(), &scan.changes);
        let tree = self.backend.write_tree(&scan.changes)?;
        self.backend.keep(&format!("{kept_as}-left"), &tree)?;
        let inner = inner::look(&self.git, &scan, &self.submodules)?;
        self.remember(tree.clone(), scan.head, looks, inner)?;
        Ok(tree)
    }

    /// Whether no other run can have done it, up to now.
    fn is_nobody_elses(&self, found: &Found) -> bool {
        match self.other_runs.until(&OtherRuns::now(&self.lock)) {
            Others::Nowhere => true,
            Others::Elsewhere => found.refs.is_empty(),
            Others::Here => false,
        }
    }

    /// What is not as it was at the last snapshot, but for the rules.
    fn found(&mut self, tree: &TreeId, head: &Head, inner: &Inner) -> Result<Found, GitError> {
        let branch = self.last.head.branch.as_deref().map(restore::full_name);
        let head_moved = *head != self.last.head;
        let branch_now = || restore::branch_now(&self.git, &self.last.head);
        Ok(Found {
            tree_changed: *tree != self.last.tree,
            head_moved,
            head: head.clone(),
            branch: if head_moved { branch_now()? } else { None },
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
        found: &Found,
        rules: usize,
    ) -> Result<(), GitError> {
        self.backend.keep(kept_as, tree)?;
        if found.head_moved {
            let (before, now) = (&self.last.head, &found.head);
            restore::keep_head(&self.git, kept_as, before, now, found.branch.as_ref())?;
        }
        if found.index_changed {
            self.user_index.keep(&self.git, &format!("{kept_as}-index"), &self.lock.scratch())?;
        }
        UserRefs::keep(&self.git, kept_as, &found.refs)?;
        let operation = self.operation.look();
        self.operation.keep(&self.git, kept_as, &found.operation, &operation, rules)
    }

    /// Finds the rules of the repository that changed, and puts them back.
    fn check_rules(&self, kept_as: &str, may_restore: bool) -> Result<Rules, GitError> {
        let changed = self.rules.changed();
        if changed.is_empty() {
            return Ok(Rules { changed, are_restored: true });
        }
        let now = self.rules.look();
        let keep = || self.rules.keep(&self.git, kept_as, &changed, &now, 0);
        let kept = keep();
        let restore = || self.rules.restore(&changed, &self.lock.draft());
        let are_restored = may_restore
            && match self.put_backs.run(restore) {
                Err(GitError::Locked(_)) => false,
                done => done.map_err(not_put_back(kept_as))?,
            };
        // With some settings git does not work at all.
        kept.or_else(|error| if are_restored { keep() } else { Err(error) })?;
        Ok(Rules { changed, are_restored })
    }
}

/// The rules of the repository that changed.
struct Rules {
    changed: Vec<String>,
    /// Whether they are as before now.
    are_restored: bool,
}

/// What a look found changed, but for the rules.
pub(super) struct Found {
    tree_changed: bool,
    pub(super) head_moved: bool,
    /// Where HEAD is now.
    pub(super) head: Head,
    /// Where the branch points that HEAD was on; none where it is gone, and where HEAD did not move.
    pub(super) branch: Option<String>,
    pub(super) index_changed: bool,
    /// Files of a merge or the like in progress.
    pub(super) operation: Vec<String>,
    pub(super) refs: Vec<Loss>,
    /// Repositories within this one, and what can be read no more.
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
    fn files(&self, rules: &[String], differences: &[Difference]) -> Vec<String> {
        let told = |path: &&RepoPath| differences.iter().all(|d| d.path != **path);
        let paths = self.inner.iter().filter(told).chain(differences.iter().map(|d| &d.path));
        let refs = self.refs.iter().map(Loss::shown);
        let git_files = rules.iter().cloned().chain(self.operation.iter().cloned()).chain(refs);
        git_files.chain(paths.map(RepoPath::lossy)).take(LISTED).collect()
    }
}

fn not_put_back(kept_as: &str) -> impl FnOnce(GitError) -> GitError {
    let kept_as = kept_as.to_owned();
    move |error| GitError::NotPutBack { kept_as, source: Box::new(error) }
}
