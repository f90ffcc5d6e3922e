//! Where a repository stands, without a snapshot of it.

use std::path::{Path, PathBuf};

use super::discover::discover;
use super::error::OpenError;

/// The commit and the branch that a working tree is on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The root of the working tree.
    pub root: PathBuf,
    /// HEAD; none in a repository without a commit.
    pub commit_sha: Option<String>,
    /// The branch; none when HEAD is detached.
    pub branch: Option<String>,
}

/// Where the repository around `dir` stands.
///
/// # Errors
/// As where a workspace is opened there.
pub fn standing(dir: &Path) -> Result<Standing, OpenError> {
    let git = discover(dir)?;
    let commit_sha = git.ask(&["rev-parse", "--quiet", "--verify", "HEAD"])?;
    let branch = git.ask(&["symbolic-ref", "--quiet", "--short", "HEAD"])?;
    Ok(Standing { root: git.root().to_owned(), commit_sha, branch })
}
