//! Looks for what no snapshot holds in the places where files are to be written.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::command::Git;
use super::error::GitError;
use super::path::RepoPath;
use super::restore::Difference;
use super::staged::holds_only;

/// What was found.
#[derive(Default)]
pub(super) struct Way {
    /// What would be lost.
    pub(super) blocked: BTreeSet<RepoPath>,
    /// The files that are there already, as they are to be.
    pub(super) there: BTreeSet<RepoPath>,
}

pub(super) fn look(git: &Git, differences: &[Difference]) -> Result<Way, GitError> {
    let added: BTreeSet<_> = differences.iter().filter(|d| d.is_added()).map(|d| &d.path).collect();
    // Where capitals make no difference, what is found under one name goes under the other.
    let folded: BTreeSet<_> = added.iter().map(|path| path.0.to_ascii_lowercase()).collect();
    let goes = |path: &RepoPath| folded.contains(&path.0.to_ascii_lowercase());
    let mut way = Way::default();
    for d in differences.iter().filter(|d| !d.is_added()) {
        if let Some(folder) = blocked_folder(git.root(), &d.path) {
            // What is seen through a link that goes is in another place.
            if !goes(&folder) {
                way.blocked.insert(folder);
            }
            continue;
        }
        let place = d.path.in_root(git.root());
        let Ok(meta) = fs::symlink_metadata(&place) else { continue };
        if meta.is_dir() {
            if !holds_only(git.root(), &d.path, &added) {
                way.blocked.insert(d.path.clone());
            }
        } else if d.file.is_none() && !goes(&d.path) {
            let is_same =
                d.id_before().is_some() && stored(git, &d.path)?.as_deref() == d.id_before();
            let of_it = if is_same { &mut way.there } else { &mut way.blocked };
            of_it.insert(d.path.clone());
        }
    }
    Ok(way)
}

/// The first that is no folder of those above a path.
fn blocked_folder(root: &Path, path: &RepoPath) -> Option<RepoPath> {
    let mut above: Vec<&Path> = path.as_path().ancestors().skip(1).collect();
    above.reverse();
    let is_no_folder =
        |folder: &&Path| fs::symlink_metadata(root.join(folder)).is_ok_and(|meta| !meta.is_dir());
    let found = above.into_iter().find(is_no_folder)?;
    Some(RepoPath(found.as_os_str().as_bytes().to_vec()))
}

/// The object that git would store a file or a link as; none where nobody can tell.
fn stored(git: &Git, path: &RepoPath) -> Result<Option<String>, GitError> {
    let place = path.in_root(git.root());
    let id = if let Ok(target) = fs::read_link(&place) {
        git.run(None, &["hash-object", "--stdin"], target.as_os_str().as_bytes())?
    } else if place.is_file() && !path.0.contains(&b'\n') {
        git.run(None, &["hash-object", "--stdin-paths"], &[&path.0[..], b"\n"].concat())?
    } else {
        return Ok(None);
    };
    Ok(Some(String::from_utf8_lossy(&id).trim().to_owned()))
}
