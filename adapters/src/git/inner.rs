//! Looks at what no snapshot holds: what is not committed in repositories within the repository, and
//! what cannot be read.

use std::collections::BTreeMap;

use super::command::{Git, bare_command};
use super::error::GitError;
use super::fingerprint::{self, Fingerprint};
use super::path::RepoPath;
use super::scan::{STATUS, Scan};

/// The changed files of each, as they look. What cannot be read stands for itself alone: only that it
/// begins or ends to be so is told.
pub(super) type Inner = BTreeMap<RepoPath, BTreeMap<RepoPath, Fingerprint>>;

/// Looks into each repository that a look saw, and which of the submodules are there at all: an empty
/// folder in the place of one is no change to git.
pub(super) fn look(git: &Git, seen: &Scan, submodules: &[RepoPath]) -> Result<Inner, GitError> {
    let look = |path: &RepoPath| {
        let root = path.in_root(git.root());
        let mut status = bare_command(&root);
        // Where its `.git` is broken, git must not climb to ours and answer for that.
        if let Some(parent) = root.parent() {
            status.env("GIT_CEILING_DIRECTORIES", parent);
        }
        let output = status.args(STATUS).output().map_err(GitError::NotStarted)?;
        // One that git refuses to look into does not stop the run; the notes name it.
        let scan = if output.status.success() {
            Scan::parse(&root, &output.stdout)?
        } else {
            Scan::default()
        };
        Ok((path.clone(), fingerprint::of_changes(&root, &scan.changes)))
    };
    let alone = |path: &RepoPath| [(path.clone(), Fingerprint::of_nothing())].into();
    let unreadable = seen.unreadable.iter().map(|path| Ok((path.clone(), alone(path))));
    let mut inner: Inner =
        seen.inner.iter().map(look).chain(unreadable).collect::<Result<_, _>>()?;
    let own = |submodule: &RepoPath| submodule.entry(".git".as_ref());
    let is_there =
        |submodule: &&RepoPath| !Fingerprint::within(git.root(), &own(submodule)).is_absent();
    for submodule in submodules.iter().filter(is_there) {
        let files = inner.entry(submodule.clone()).or_default();
        files.insert(own(submodule), Fingerprint::of_nothing());
    }
    Ok(inner)
}

/// Those that do not look as they did.
pub(super) fn changed(before: &Inner, now: &Inner) -> Vec<RepoPath> {
    let none = BTreeMap::new();
    let differs = |path: &&RepoPath| {
        let [then, now] = [before, now].map(|inner| inner.get(*path).unwrap_or(&none));
        then.len() != now.len()
            || then.iter().zip(now).any(|(then, now)| then.0 != now.0 || !then.1.looks_like(now.1))
    };
    let new = now.keys().filter(|path| !before.contains_key(*path));
    before.keys().chain(new).filter(differs).cloned().collect()
}
