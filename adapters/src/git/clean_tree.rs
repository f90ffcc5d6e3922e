//! A working tree for a moment, outside of the user's own: what a snapshot holds, and nothing else.

use std::io;
use std::path::{Path, PathBuf};

use codeloops_event::TreeId;

use super::command::Git;
use super::discover::discover;
use super::error::{GitError, OpenError};

/// Who makes the commit that the working tree stands on. It is on no branch.
const NOBODY: [&str; 4] =
    ["-c", "user.name=codeloops", "-c", "user.email=codeloops@localhost.invalid"];

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
    /// Makes it at `place`, which must not exist, from the repository around `dir`. Its HEAD is a commit
    /// of the snapshot, after `commit` where the repository has that.
    ///
    /// # Errors
    /// See [`CleanTreeError`].
    pub fn make(
        dir: &Path,
        tree: &TreeId,
        commit: Option<&str>,
        place: PathBuf,
    ) -> Result<Self, CleanTreeError> {
        let git = discover(dir)?;
        if git.ask(&["cat-file", "-e", &format!("{tree}^{{tree}}")])?.is_none() {
            return Err(CleanTreeError::Gone(tree.clone()));
        }
        let head = commit_of(&git, tree, commit)?;
        let root = place.to_string_lossy();
        // One that is begun is taken away again.
        let made = Self { git, root: place.clone() };
        let args = ["worktree", "add", "--quiet", "--detach", &root, &head];
        made.git.run(None, &args, b"")?;
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
        let root = self.root.to_string_lossy();
        let args = ["worktree", "remove", "--force", "--force", &root];
        if let Err(error) = self.git.run(None, &args, b"") {
            match std::fs::remove_dir_all(&self.root) {
                Err(gone) if gone.kind() == io::ErrorKind::NotFound => {}
                _ => tracing::warn!(%error, path = %root, "a working tree was not taken away"),
            }
        }
    }
}

fn commit_of(git: &Git, tree: &TreeId, after: Option<&str>) -> Result<String, GitError> {
    let parent = match after {
        Some(commit) if has_commit(git, commit)? => vec!["-p", commit],
        _ => Vec::new(),
    };
    let message = ["-m", "what was approved", "--no-gpg-sign"];
    let args = [&NOBODY[..], &["commit-tree", &tree.0], &message[..], &parent].concat();
    let made = git.run(None, &args, b"")?;
    Ok(String::from_utf8_lossy(&made).trim().to_owned())
}

fn has_commit(git: &Git, commit: &str) -> Result<bool, GitError> {
    Ok(git.ask(&["cat-file", "-e", &format!("{commit}^{{commit}}")])?.is_some())
}
