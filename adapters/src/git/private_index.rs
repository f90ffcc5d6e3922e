//! Makes the private index: what the working tree holds when the run begins.

use std::path::Path;

use codeloops_event::TreeId;

use super::command::Git;
use super::error::GitError;
use super::index_copy;
use super::path::RepoPath;
use super::program::Program;
use super::scan::Scan;

/// The private index and what stands in it.
pub(super) struct PrivateIndex {
    /// Its tree: the working tree as it is.
    pub(super) tree: TreeId,
    /// The look at the working tree that it was made from.
    pub(super) scan: Scan,
    /// Paths with the `skip-worktree` bit that are not there; were one to appear, git would not look
    /// at it.
    pub(super) skipped: Vec<RepoPath>,
    /// What hid changes from git until now, in words.
    pub(super) warnings: Vec<String>,
}

/// Writes the private index to `index`. It begins as a copy of the user's, so that git knows the
/// files without reading them.
pub(super) fn make(
    git: &Git,
    index: &Path,
    keep: impl Fn(&RepoPath) -> bool,
) -> Result<PrivateIndex, GitError> {
    index_copy::copy(&git.git_dir().join("index"), index)?;
    let (skipped, warnings) = uncover(git, index)?;
    let mut program = Program::new(git.clone(), index.to_owned());
    let mut scan = super::backend::Backend::scan(&mut program)?;
    scan.changes.retain(|change| keep(&change.path));
    let tree = program.update(index, &scan.changes)?;
    Ok(PrivateIndex { tree, scan, skipped, warnings })
}

/// Takes the bits off the private index by which changes are hidden. The user's keeps them.
fn uncover(git: &Git, index: &Path) -> Result<(Vec<RepoPath>, Vec<String>), GitError> {
    let tags = git.run(Some(index), &["ls-files", "-v", "-z"], b"")?;
    let (mut assumed, mut skipped) = (Vec::new(), Vec::new());
    for record in tags.split(|&b| b == 0).filter(|record| record.len() > 2) {
        let path = RepoPath(record[2..].to_vec());
        match record[0] {
            b's' => {
                assumed.push(path.clone());
                skipped.push(path);
            }
            b'S' => skipped.push(path),
            tag if tag.is_ascii_lowercase() => assumed.push(path),
            _ => {}
        }
    }
    clear_bit(git, index, "--no-assume-unchanged", &assumed)?;
    let mut warnings = Vec::new();
    if !assumed.is_empty() {
        warnings.push(format!(
            "{} files are marked assume-unchanged in the index; codeloops looks at them all the same",
            assumed.len()
        ));
    }
    if skipped.is_empty() || is_sparse(git)? {
        return Ok((Vec::new(), warnings));
    }
    warnings.push(format!(
        "{} files are marked skip-worktree in the index; codeloops looks at those that exist",
        skipped.len()
    ));
    let absent = uncover_present(git, index, skipped)?;
    Ok((absent, warnings))
}

/// Takes the `skip-worktree` bit off the paths that exist; gives back the others.
pub(super) fn uncover_present(
    git: &Git,
    index: &Path,
    skipped: Vec<RepoPath>,
) -> Result<Vec<RepoPath>, GitError> {
    let exists = |path: &RepoPath| path.in_root(git.root()).symlink_metadata().is_ok();
    let (present, absent): (Vec<_>, Vec<_>) = skipped.into_iter().partition(exists);
    clear_bit(git, index, "--no-skip-worktree", &present)?;
    Ok(absent)
}

fn clear_bit(git: &Git, index: &Path, flag: &str, paths: &[RepoPath]) -> Result<(), GitError> {
    if paths.is_empty() {
        return Ok(());
    }
    let list: Vec<u8> = paths.iter().flat_map(|path| [&path.0[..], b"\0"].concat()).collect();
    git.run(Some(index), &["update-index", flag, "-z", "--stdin"], &list).map(drop)
}

/// In a sparse checkout git itself looks at what exists.
fn is_sparse(git: &Git) -> Result<bool, GitError> {
    let answer = git.ask(&["config", "--type=bool", "--get", "core.sparseCheckout"])?;
    Ok(answer.as_deref() == Some("true"))
}
