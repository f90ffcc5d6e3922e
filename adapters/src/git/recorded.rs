//! The difference of two snapshots of a run that is over.

use std::path::Path;

use codeloops_event::TreeId;

use super::command::Git;
use super::discover::discover;
use super::error::{GitError, OpenError};
use super::program::PATCH;

/// The diff of two trees as a run records it, but that nothing is masked; none where the repository of
/// the folder lacks one of them. The same id is the same tree in every repository.
///
/// # Errors
///
/// Where there is no repository, or git cannot compare them.
pub fn diff_of_trees(dir: &Path, old: &TreeId, new: &TreeId) -> Result<Option<Vec<u8>>, OpenError> {
    let git = discover(dir)?;
    for tree in [old, new] {
        if !has_tree(&git, tree)? {
            return Ok(None);
        }
    }
    let args = [&["diff-tree", "-r"], &PATCH[..], &[&old.0, &new.0]].concat();
    Ok(Some(git.run(None, &args, b"")?))
}

/// A session may come from anywhere, and git understands many words.
fn has_tree(git: &Git, tree: &TreeId) -> Result<bool, GitError> {
    let is_id = [40, 64].contains(&tree.0.len()) && tree.0.bytes().all(|b| b.is_ascii_hexdigit());
    let name = format!("{tree}^{{tree}}");
    Ok(is_id && git.ask(&["cat-file", "-e", &name])?.is_some())
}
