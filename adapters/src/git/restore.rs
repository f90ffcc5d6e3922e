//! Puts the working tree and HEAD back to what they were before the critic.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::Path;

use codeloops_event::TreeId;

use super::command::Git;
use super::error::GitError;
use super::index_copy;
use super::path::RepoPath;
use super::scan::Head;

/// A path that differs between two trees.
pub(super) struct Difference {
    pub(super) path: RepoPath,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Only in the later tree.
    Added,
    /// In the earlier tree, and to be had from there.
    Earlier,
    /// A submodule in either.
    Submodule,
}

/// The paths that differ between two trees, in order.
pub(super) fn differences(
    git: &Git,
    before: &TreeId,
    now: &TreeId,
) -> Result<Vec<Difference>, GitError> {
    let args = ["diff-tree", "-r", "--raw", "-z", "--no-renames", &before.0, &now.0];
    let output = git.run(None, &args, b"")?;
    let mut fields = output.split(|&b| b == 0);
    let mut found = Vec::new();
    while let (Some(record), Some(path)) = (fields.next(), fields.next()) {
        let kind = kind(record).ok_or(GitError::Unexpected { command: "diff-tree" })?;
        found.push(Difference { path: RepoPath(path.to_vec()), kind });
    }
    Ok(found)
}

/// `:mode mode id id X`.
fn kind(record: &[u8]) -> Option<Kind> {
    let mut fields = record.strip_prefix(b":")?.split(|&b| b == b' ');
    let modes = [fields.next()?, fields.next()?];
    Some(match fields.nth(2)? {
        _ if modes.contains(&&b"160000"[..]) => Kind::Submodule,
        b"A" => Kind::Added,
        _ => Kind::Earlier,
    })
}

/// Whether all that differs can be put back. A submodule cannot: which branch it was on, and what was
/// changed in it, no tree tells.
pub(super) fn is_possible(differences: &[Difference]) -> bool {
    differences.iter().all(|difference| difference.kind != Kind::Submodule)
}

/// Puts the paths that differ back to the tree `before`. Ignored files stay.
///
/// Only where that [`is_possible`].
pub(super) fn files(
    git: &Git,
    before: &TreeId,
    differences: &[Difference],
    scratch: &Path,
) -> Result<(), GitError> {
    let of = |kind| differences.iter().filter(move |d| d.kind == kind).map(|d| &d.path);
    remove(git.root(), of(Kind::Added))?;
    checkout(git, before, of(Kind::Earlier), scratch)
}

/// Removes files, then the folders that have nothing left in them.
fn remove<'p>(root: &Path, paths: impl Iterator<Item = &'p RepoPath>) -> Result<(), GitError> {
    let mut folders = BTreeSet::new();
    for path in paths {
        index_copy::remove(&path.in_root(root))?;
        folders.extend(path.as_path().ancestors().skip(1).map(|folder| root.join(folder)));
    }
    folders.remove(root);
    for folder in folders.iter().rev() {
        // One that is not empty stays.
        fs::remove_dir(folder).ok();
    }
    Ok(())
}

fn checkout<'p>(
    git: &Git,
    before: &TreeId,
    paths: impl Iterator<Item = &'p RepoPath>,
    scratch: &Path,
) -> Result<(), GitError> {
    let mut list = Vec::new();
    for path in paths {
        make_way(git.root(), path)?;
        list.extend_from_slice(&path.0);
        list.push(0);
    }
    if list.is_empty() {
        return Ok(());
    }
    git.run(Some(scratch), &["read-tree", &before.0], b"")?;
    let done = git.run(Some(scratch), &["checkout-index", "-f", "-z", "--stdin"], &list);
    fs::remove_file(scratch).ok();
    done.map(drop)
}

/// Git would remove a folder in the place of a file with all that is in it, ignored files too.
fn make_way(root: &Path, path: &RepoPath) -> Result<(), GitError> {
    let place = path.in_root(root);
    match fs::symlink_metadata(&place) {
        Ok(meta) if meta.is_dir() => fs::remove_dir(&place).map_err(|_| GitError::Stuck {
            path: path.shown(),
            reason: "a folder with ignored files is in its place",
        }),
        Ok(_) => Ok(()),
        Err(error)
            if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) =>
        {
            Ok(())
        }
        Err(source) => Err(GitError::io("look at", &place)(source)),
    }
}

/// Keeps the commits that putting HEAD and its branch back would leave without a name:
/// `<kept_as>-head`, and `<kept_as>-branch` where the branch and HEAD went different ways.
pub(super) fn keep_head(
    git: &Git,
    kept_as: &str,
    before: &Head,
    now: &Head,
) -> Result<(), GitError> {
    let keep = |what: &str, commit: &str| {
        let name = format!("{kept_as}-{what}");
        git.run(None, &["update-ref", "--no-deref", &name, commit], b"").map(drop)
    };
    if let Some(commit) = &now.commit {
        keep("head", commit)?;
    }
    let Some(branch) = &before.branch else { return Ok(()) };
    let at = git.ask(&["rev-parse", "--quiet", "--verify", &full_name(branch)])?;
    match at {
        Some(at) if ![&before.commit, &now.commit].contains(&&Some(at.clone())) => {
            keep("branch", &at)
        }
        _ => Ok(()),
    }
}

/// Puts HEAD, and the branch that it was on, back.
pub(super) fn head(git: &Git, before: &Head, now: &Head) -> Result<(), GitError> {
    let run = |args: &[&str]| git.run(None, args, b"").map(drop);
    let reason = "codeloops: put back after the critic";
    let Some(branch) = &before.branch else {
        // It was detached, so there was a commit.
        let commit = before.commit.as_deref().unwrap_or_default();
        return run(&["update-ref", "--no-deref", "-m", reason, "HEAD", commit]);
    };
    let branch = full_name(branch);
    let at = git.ask(&["rev-parse", "--quiet", "--verify", &branch])?;
    match (&before.commit, &at) {
        (Some(commit), at) if Some(commit) != at.as_ref() => {
            let none = "0".repeat(commit.len());
            let old = at.as_deref().unwrap_or(&none);
            run(&["update-ref", "-m", reason, &branch, commit, old])?;
        }
        (None, Some(old)) => run(&["update-ref", "-d", &branch, old])?,
        _ => {}
    }
    if now.branch == before.branch {
        return Ok(());
    }
    run(&["symbolic-ref", "-m", reason, "HEAD", &branch])
}

fn full_name(branch: &str) -> String {
    if branch.starts_with("refs/") { branch.to_owned() } else { format!("refs/heads/{branch}") }
}
