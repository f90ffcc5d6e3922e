//! Puts the working tree and HEAD back to what they were before a critic or gates.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use codeloops_event::TreeId;

use super::command::Git;
use super::error::GitError;
use super::index_copy;
use super::path::RepoPath;
use super::present::Present;
use super::scan::Head;

/// What stands in the logs of refs that are put back.
pub(super) const REASON: &str = "codeloops: put back as it was";

/// The longest between two ticks of a file system's clock.
pub(super) const TICK: Duration = Duration::from_millis(20);

/// A path that differs between two trees.
pub(super) struct Difference {
    pub(super) path: RepoPath,
    kind: Kind,
    /// The id of what the earlier tree has there.
    before: Option<String>,
    /// The mode and id of the file or link in the later tree; none where it has none there.
    pub(super) file: Option<(String, String)>,
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

/// The paths that differ between two trees, in order. Git reads an index even for that; the user's may
/// be broken.
pub(super) fn differences(
    git: &Git,
    index: &Path,
    before: &TreeId,
    now: &TreeId,
) -> Result<Vec<Difference>, GitError> {
    let args = ["diff-tree", "-r", "--raw", "-z", "--no-renames", &before.0, &now.0];
    let output = git.run(Some(index), &args, b"")?;
    let mut fields = output.split(|&b| b == 0);
    let mut found = Vec::new();
    while let (Some(record), Some(path)) = (fields.next(), fields.next()) {
        let kind = kind(record).ok_or(GitError::Unexpected { command: "diff-tree" })?;
        let before = id_before(record).filter(|_| kind == Kind::Earlier);
        let path = RepoPath(path.to_vec());
        found.push(Difference { path, kind, before, file: file(record) });
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

/// The mode and id after it.
fn file(record: &[u8]) -> Option<(String, String)> {
    let mut fields = std::str::from_utf8(record).ok()?.split(' ').skip(1);
    let (mode, id) = (fields.next()?, fields.nth(1)?);
    ["100", "120"]
        .iter()
        .any(|kind| mode.starts_with(kind))
        .then(|| (mode.to_owned(), id.to_owned()))
}

fn id_before(record: &[u8]) -> Option<String> {
    Some(std::str::from_utf8(record).ok()?.split(' ').nth(2)?.to_owned())
}

impl Difference {
    /// Whether it is only in the later tree.
    pub(super) fn is_added(&self) -> bool {
        self.kind == Kind::Added
    }

    /// Whether one of the two has a repository of its own there.
    pub(super) fn is_submodule(&self) -> bool {
        self.kind == Kind::Submodule
    }

    pub(super) fn id_before(&self) -> Option<&str> {
        self.before.as_deref()
    }

    /// Whether it decides which files git sees.
    pub(super) fn is_ignore_file(&self) -> bool {
        is_ignore_file(&self.path)
    }
}

/// What is in a folder of that name stands in the way of such a file.
pub(super) fn is_ignore_file(path: &RepoPath) -> bool {
    path.0.split(|&b| b == b'/').any(|part| part == b".gitignore")
}

/// Whether all that differs can be put back. A submodule cannot: which branch it was on, and what was
/// changed in it, no tree tells.
pub(super) fn is_possible(differences: &[Difference]) -> bool {
    differences.iter().all(|difference| difference.kind != Kind::Submodule)
}

/// The paths whose files are to be had from the earlier tree.
pub(super) fn earlier(differences: &[Difference]) -> Vec<&RepoPath> {
    differences.iter().filter(|d| d.kind == Kind::Earlier).map(|d| &d.path).collect()
}

/// Removes files that are only in the later tree, then the folders that have nothing left in them. A
/// folder that is older than `since` was there before, empty or not. Tells whether all could be, and
/// were still as they had been looked at; others are left.
pub(super) fn remove_added(
    root: &Path,
    added: &[&RepoPath],
    since: SystemTime,
    present: &Present,
) -> bool {
    let mut folders = BTreeSet::new();
    let mut all = true;
    for path in added {
        let goes = present.is_still(root, path)
            && index_copy::remove(&path.in_root(root)).inspect_err(told).is_ok();
        if !goes {
            all = false;
            continue;
        }
        folders.extend(path.as_path().ancestors().skip(1).map(|folder| root.join(folder)));
    }
    folders.remove(root);
    for folder in folders.iter().rev().filter(|folder| is_newer(folder, since)) {
        // One that is not empty stays.
        fs::remove_dir(folder).ok();
    }
    all
}

/// That one file cannot be put back is no reason to leave the others.
pub(super) fn told(error: &GitError) {
    tracing::warn!(%error, "not put back");
}

/// In doubt it is not.
fn is_newer(folder: &Path, since: SystemTime) -> bool {
    let created = fs::symlink_metadata(folder).and_then(|meta| meta.created());
    // File systems take the time from the last tick of the clock.
    created.is_ok_and(|created| created + TICK >= since)
}

/// Where the branch that HEAD was on points now; none where it is gone.
pub(super) fn branch_now(git: &Git, before: &Head) -> Result<Option<String>, GitError> {
    let Some(branch) = &before.branch else { return Ok(None) };
    git.ask(&["rev-parse", "--quiet", "--verify", &full_name(branch)])
}

/// Keeps the commits that putting HEAD and its branch back would leave without a name:
/// `<kept_as>-head`, and `<kept_as>-branch` where the branch and HEAD went different ways.
pub(super) fn keep_head(
    git: &Git,
    kept_as: &str,
    before: &Head,
    now: &Head,
    branch_now: Option<&String>,
) -> Result<(), GitError> {
    let keep = |what: &str, commit: &str| {
        let name = format!("{kept_as}-{what}");
        git.run(None, &["update-ref", "--no-deref", &name, commit], b"").map(drop)
    };
    if let Some(commit) = &now.commit {
        keep("head", commit)?;
    }
    match branch_now {
        Some(at) if ![before.commit.as_ref(), now.commit.as_ref()].contains(&Some(at)) => {
            keep("branch", at)
        }
        _ => Ok(()),
    }
}

/// The refs that [`head`] writes.
pub(super) fn refs_of(before: &Head) -> Vec<String> {
    before.branch.iter().map(|branch| full_name(branch)).chain(["HEAD".to_owned()]).collect()
}

/// Puts HEAD, and the branch that it was on, back. Git refuses where one of them is not where it was
/// when it was kept.
pub(super) fn head(
    git: &Git,
    before: &Head,
    now: &Head,
    branch_now: Option<&String>,
) -> Result<(), GitError> {
    let run = |args: &[&str]| git.run(None, args, b"").map(drop);
    let Some(branch) = &before.branch else {
        // It was detached, so there was a commit.
        let commit = before.commit.as_deref().unwrap_or_default();
        let old = now.commit.as_deref().unwrap_or_default();
        return run(&["update-ref", "--no-deref", "-m", REASON, "HEAD", commit, old]);
    };
    let branch = full_name(branch);
    match (&before.commit, branch_now) {
        (Some(commit), at) if Some(commit) != at => {
            let none = "0".repeat(commit.len());
            let old = at.map_or(&*none, String::as_str);
            run(&["update-ref", "-m", REASON, &branch, commit, old])?;
        }
        (None, Some(old)) => run(&["update-ref", "-d", &branch, old])?,
        _ => {}
    }
    if now.branch == before.branch {
        return Ok(());
    }
    run(&["symbolic-ref", "-m", REASON, "HEAD", &branch])
}

pub(super) fn full_name(branch: &str) -> String {
    if branch.starts_with("refs/") { branch.to_owned() } else { format!("refs/heads/{branch}") }
}
