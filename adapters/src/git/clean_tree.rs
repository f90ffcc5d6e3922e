//! A working tree for a moment, outside of the user's own: what a snapshot holds, and nothing else.
//!
//! Its name tells which process made it: one that was killed cannot take it away, so the next does.

use std::io;
use std::path::{Path, PathBuf};

use codeloops_event::{RunId, TreeId};
use rustix::process::{Pid, test_kill_process};

use super::command::Git;
use super::discover::discover;
use super::error::{GitError, OpenError};

/// Who makes the commit that the working tree stands on. It is on no branch.
const NOBODY: [&str; 4] =
    ["-c", "user.name=codeloops", "-c", "user.email=codeloops@localhost.invalid"];

/// What the names of their folders begin with; the id of a process and that of a run follow.
const NAMED: &str = "codeloops-verify-";

/// Why there is no such working tree.
#[derive(Debug, thiserror::Error)]
pub enum CleanTreeError {
    /// The repository cannot be used.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// git failed.
    #[error(transparent)]
    Git(#[from] GitError),
    /// The repository does not have the snapshot.
    #[error("this repository does not have the tree `{0}`")]
    Gone(TreeId),
}

/// The working tree. It is taken away when this is dropped; its files are there only from
/// [`CleanTree::make`] until then.
pub struct CleanTree {
    git: Git,
    root: PathBuf,
}

impl CleanTree {
    /// Makes it in the folder `within`, from the repository around `dir`, for the run `run_id`. Its HEAD
    /// is a commit of the snapshot, after `commit` where the repository has that. What killed processes
    /// left there of this repository is taken away first.
    ///
    /// # Errors
    /// See [`CleanTreeError`].
    pub fn make(
        dir: &Path,
        tree: &TreeId,
        commit: Option<&str>,
        within: &Path,
        run_id: &RunId,
    ) -> Result<Self, CleanTreeError> {
        let git = discover(dir)?;
        let within = within.canonicalize().unwrap_or_else(|_| within.to_owned());
        take_away_left(&git, &within)?;
        if !has(&git, &tree.0, "tree")? {
            return Err(CleanTreeError::Gone(tree.clone()));
        }
        let head = commit_of(&git, tree, commit)?;
        // One that is begun is taken away again.
        let root = within.join(format!("{NAMED}{}-{run_id}", std::process::id()));
        let made = Self { git, root };
        let root = made.root.to_string_lossy();
        let args = ["worktree", "add", "--quiet", "--detach", &root, &head];
        made.git.run(None, &args, b"")?;
        drop(root);
        Ok(made)
    }

    /// Its root.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }
}

impl Drop for CleanTree {
    fn drop(&mut self) {
        take_away(&self.git, &self.root);
    }
}

/// Whatever a gate did to it, locked it or made a folder of it unreadable included: where git cannot, its
/// files go first and what git knows of it then.
fn take_away(git: &Git, root: &Path) {
    let shown = root.to_string_lossy();
    let args = ["worktree", "remove", "--force", "--force", &shown];
    let Err(error) = git.run(None, &args, b"") else { return };
    let gone = match std::fs::remove_dir_all(root) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error.to_string()),
        _ => {
            git.run(None, &["worktree", "prune"], b"").map(drop).map_err(|error| error.to_string())
        }
    };
    if let Err(why) = gone {
        tracing::warn!(%error, %why, path = %shown, "a working tree was not taken away");
    }
}

fn take_away_left(git: &Git, within: &Path) -> Result<(), GitError> {
    let listed = git.run(None, &["worktree", "list", "--porcelain"], b"")?;
    for line in String::from_utf8_lossy(&listed).lines() {
        let Some(root) = line.strip_prefix("worktree ").map(Path::new) else { continue };
        if root.parent() == Some(within) && is_left(root) {
            take_away(git, root);
        }
    }
    Ok(())
}

/// Whether it is named as one of ours, and nobody is there any more that would take it away.
fn is_left(root: &Path) -> bool {
    let name = root.file_name().and_then(|name| name.to_str());
    let pid = name.and_then(|name| name.strip_prefix(NAMED)?.split('-').next()?.parse().ok());
    pid.and_then(Pid::from_raw).is_some_and(|pid| {
        // One of another user lives too.
        test_kill_process(pid) == Err(rustix::io::Errno::SRCH)
    })
}

fn commit_of(git: &Git, tree: &TreeId, after: Option<&str>) -> Result<String, GitError> {
    let parent = match after {
        Some(commit) if has(git, commit, "commit")? => vec!["-p", commit],
        _ => Vec::new(),
    };
    let message = ["-m", "what was approved", "--no-gpg-sign"];
    let args = [&NOBODY[..], &["commit-tree", &tree.0], &message[..], &parent].concat();
    let made = git.run(None, &args, b"")?;
    Ok(String::from_utf8_lossy(&made).trim().to_owned())
}

/// Whether the repository has this object. The id may come from anywhere, and git reads more than ids.
fn has(git: &Git, id: &str, kind: &str) -> Result<bool, GitError> {
    let is_id = matches!(id.len(), 40 | 64) && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    Ok(is_id && git.ask(&["cat-file", "-e", &format!("{id}^{{{kind}}}")])?.is_some())
}
