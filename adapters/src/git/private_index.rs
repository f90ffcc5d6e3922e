//! Makes the private index: what the working tree holds when the run begins.

use std::path::Path;

use codeloops_event::TreeId;

use super::command::Git;
use super::error::GitError;
use super::fingerprint::{self, Looks};
use super::hidden_rules::Folders;
use super::index_copy;
use super::notice::Notice;
use super::path::RepoPath;
use super::program::Program;
use super::quarantine::Quarantine;
use super::scan::{Change, Head};
use super::unreadable;

/// Untracked files from which the user is warned that they are copied into `.git`.
const MANY_FILES: usize = 10_000;
const MANY_BYTES: u64 = 200_000_000;
const MEGABYTE: u64 = 1_000_000;

/// The private index and what stands in it.
pub(super) struct PrivateIndex {
    /// Its tree: the working tree as it is.
    pub(super) tree: TreeId,
    /// Where HEAD stood.
    pub(super) head: Head,
    /// Paths with the `skip-worktree` bit that are not there; were one to appear, git would not look
    /// at it.
    pub(super) skipped: Vec<RepoPath>,
    /// The folders of the files that the user's index has.
    pub(super) folders: Folders,
    /// The submodules that it has.
    pub(super) submodules: Vec<RepoPath>,
    /// The files that differed from the user's index, as they looked.
    pub(super) files: Looks,
    /// Whether there is nothing that could not be read.
    pub(super) sees_all: bool,
}

/// Writes the private index to `index`. It begins as a copy of the user's, so that git knows the
/// files without reading them.
///
/// What the user should know is told through `warn` as soon as it is known: that much is copied
/// into the object store, before it is.
pub(super) fn make(
    git: &Git,
    index: &Path,
    keep: impl Fn(&RepoPath) -> bool,
    warn: &mut dyn FnMut(Notice),
) -> Result<PrivateIndex, GitError> {
    index_copy::copy(&git.git_dir().join("index"), index)?;
    let Paths { folders, submodules, skipped } = uncover(git, index, warn)?;
    let program = Program::new(git.clone(), index.to_owned());
    let mut scan = program.first_scan()?;
    scan.changes.retain(|change| keep(&change.path));
    scan.unreadable.retain(|path| keep(path));
    unreadable::set_apart(git.root(), &mut scan);
    if let Some(warning) = large_copy(git.root(), &scan.changes) {
        warn(Notice::of(warning));
    }
    scan.notes.drain(..).for_each(|note| warn(Notice::of(note)));
    let files = fingerprint::of_changes(git.root(), &scan.changes);
    store(git, index, &scan.changes)?;
    let tree = program.tree(index)?;
    let sees_all = scan.unreadable.is_empty();
    Ok(PrivateIndex { tree, head: scan.head, skipped, folders, submodules, files, sees_all })
}

/// Puts what differs into the index, and stores the files that the repository does not have.
fn store(git: &Git, index: &Path, changes: &[Change]) -> Result<(), GitError> {
    let update = |git: &Git| Program::new(git.clone(), index.to_owned()).update(index, changes);
    if changes.is_empty() {
        return Ok(());
    }
    let Some(quarantine) = Quarantine::begin(git, index.with_extension("objects"))? else {
        return update(git);
    };
    update(&quarantine.git(git))?;
    quarantine.release()
}

fn large_copy(root: &Path, changes: &[Change]) -> Option<String> {
    let untracked = || changes.iter().filter(|change| change.untracked);
    let size =
        |change: &Change| change.path.in_root(root).symlink_metadata().map_or(0, |file| file.len());
    let (count, bytes) = (untracked().count(), untracked().map(size).sum::<u64>());
    (count > MANY_FILES || bytes > MANY_BYTES).then(|| {
        format!(
            "{count} untracked files ({} MB) are now copied into the repository's object store: \
             list what is no source in .gitignore",
            bytes / MEGABYTE
        )
    })
}

/// What the paths of an index are.
#[derive(Default)]
struct Paths {
    folders: Folders,
    submodules: Vec<RepoPath>,
    /// Those with the `skip-worktree` bit that are not there.
    skipped: Vec<RepoPath>,
}

/// Takes the bits off the private index by which changes are hidden. The user's keeps them.
fn uncover(git: &Git, index: &Path, warn: &mut dyn FnMut(Notice)) -> Result<Paths, GitError> {
    let (mut paths, mut assumed) = (Paths::default(), Vec::new());
    let entries = git.run(Some(index), &["ls-files", "-v", "--stage", "-z"], b"")?;
    for (tag, mode, path) in entries.split(|&b| b == 0).filter_map(entry) {
        paths.folders.add_those_of(&path);
        if mode == b"160000" {
            paths.submodules.push(path.clone());
        }
        if tag.is_ascii_lowercase() {
            assumed.push(path.clone());
        }
        if tag.eq_ignore_ascii_case(&b's') {
            paths.skipped.push(path);
        }
    }
    clear_bit(git, index, "--no-assume-unchanged", &assumed)?;
    if !assumed.is_empty() {
        warn(Notice::of(format!(
            "{} files are marked assume-unchanged in the index; codeloops looks at them all the same",
            assumed.len()
        )));
    }
    let skipped = std::mem::take(&mut paths.skipped);
    if skipped.is_empty() || is_sparse(git)? {
        return Ok(paths);
    }
    warn(Notice::of(format!(
        "{} files are marked skip-worktree in the index; codeloops looks at those that exist",
        skipped.len()
    )));
    paths.skipped = uncover_present(git, index, skipped)?;
    Ok(paths)
}

/// `tag mode id stage<TAB>path`.
fn entry(record: &[u8]) -> Option<(u8, &[u8], RepoPath)> {
    let tab = record.iter().position(|&b| b == b'\t')?;
    let mut fields = record[..tab].split(|&b| b == b' ');
    let (tag, mode) = (*fields.next()?.first()?, fields.next()?);
    Some((tag, mode, RepoPath(record[tab + 1..].to_vec())))
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
pub(super) fn is_sparse(git: &Git) -> Result<bool, GitError> {
    let answer = git.ask(&["config", "--type=bool", "--get", "core.sparseCheckout"])?;
    Ok(answer.as_deref() == Some("true"))
}
