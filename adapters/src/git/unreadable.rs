//! Sets apart what git sees in the working tree and this user cannot read, as a container of another
//! user leaves it. What a snapshot knew of it stays as it was; what none knew is left out.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::path::Path;

use codeloops_event::TreeId;
use rustix::fs::{Access, access};

use super::command::Git;
use super::error::GitError;
use super::fingerprint::Looks;
use super::path::{self, RepoPath};
use super::scan::{Change, Now, Scan};

/// Paths that git is asked about at once.
const AT_ONCE: usize = 500;

/// The folders that `git status` said it could not open.
pub(super) fn folders(told: &[u8]) -> impl Iterator<Item = RepoPath> {
    told.split(|&b| b == b'\n').filter_map(|line| {
        let path = line.strip_prefix(b"warning: could not open directory '")?;
        Some(RepoPath(path.strip_suffix(b"/': Permission denied")?.to_vec()))
    })
}

/// Whether a look in process passed over a folder that it could not open: what is gone from it may be
/// there. Git tells of such folders.
pub(super) fn is_passed_over(root: &Path, scan: &Scan, last: Option<&Looks>) -> bool {
    let seen: BTreeSet<_> = scan.changes.iter().map(|change| &change.path).collect();
    let gone = scan.changes.iter().filter(|change| change.now == Now::Absent);
    let unseen = last.into_iter().flat_map(Looks::keys).filter(|path| !seen.contains(path));
    let mut gone = gone.map(|change| &change.path).chain(unseen);
    scan.unreadable.is_empty() && gone.any(|path| is_unreadable(&path.in_root(root)))
}

/// Takes the files that cannot be read out of the changes, and tells of them and the folders.
pub(super) fn set_apart(root: &Path, scan: &mut Scan) {
    let is_unread = |change: &mut Change| {
        change.now == Now::Present && is_unreadable(&change.path.in_root(root))
    };
    let files = scan.changes.extract_if(.., is_unread);
    scan.unreadable.extend(files.map(|change| change.path));
    if !scan.unreadable.is_empty() {
        scan.notes.push(note(&scan.unreadable));
    }
}

pub(super) fn note(unreadable: &[RepoPath]) -> String {
    let named = path::named(unreadable);
    format!("{named} cannot be read: missing from the diff, or in it as last known")
}

/// The unreadable paths that the tree `last` has, and those below them, as they are there. Git reads
/// an index even for that.
pub(super) fn as_in(
    git: &Git,
    index: &Path,
    last: &TreeId,
    unreadable: &[RepoPath],
) -> Result<Vec<Change>, GitError> {
    let mut kept = Vec::new();
    for paths in unreadable.chunks(AT_ONCE) {
        let entries = git.run_on(index, &["ls-tree", "-r", "-z", "--full-tree", &last.0], paths)?;
        for entry in entries.stdout.split(|&b| b == 0).filter(|entry| !entry.is_empty()) {
            let change = parse(entry).ok_or(GitError::Unexpected { command: "ls-tree" })?;
            kept.extend(Some(change).filter(|c| is_unreadable(&c.path.in_root(git.root()))));
        }
    }
    Ok(kept)
}

/// `mode type id<TAB>path`.
fn parse(entry: &[u8]) -> Option<Change> {
    let tab = entry.iter().position(|&b| b == b'\t')?;
    let mut fields = std::str::from_utf8(&entry[..tab]).ok()?.split(' ');
    let (mode, id) = (fields.next()?.to_owned(), fields.nth(1)?.to_owned());
    let path = RepoPath(entry[tab + 1..].to_vec());
    Some(Change { path, now: Now::Unread { mode, id }, untracked: false })
}

/// Whether there is a file that cannot be read, or it is forbidden to look.
fn is_unreadable(path: &Path) -> bool {
    // Nearly all can be, which this tells with the least work.
    if access(path, Access::READ_OK).is_ok() {
        return false;
    }
    let is_denied = |error: &io::Error| error.kind() == io::ErrorKind::PermissionDenied;
    match fs::symlink_metadata(path) {
        Ok(meta) => meta.is_file() && File::open(path).is_err_and(|error| is_denied(&error)),
        Err(error) => is_denied(&error),
    }
}
