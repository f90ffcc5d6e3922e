//! The bytes of files that git stores otherwise than they are: line ends, filters.

use std::fs;
use std::path::Path;

use super::command::Git;
use super::error::GitError;
use super::path::RepoPath;
use super::restore::Difference;

/// A file with its own bytes.
pub(super) struct RawFile<'d> {
    path: &'d RepoPath,
    mode: &'d str,
    /// The object that git stores for it.
    stored: &'d str,
    /// The object of its own bytes.
    own: String,
}

impl RawFile<'_> {
    /// Whether git stores it as it is.
    fn is_plain(&self) -> bool {
        self.own == self.stored
    }
}

/// Keeps, under the ref `name`, those of the later tree's files whose own bytes are not those that git
/// stores. No ref is written where there is none. `scratch` is a path for a moment.
pub(super) fn keep(
    git: &Git,
    scratch: &Path,
    name: &str,
    differences: &[Difference],
) -> Result<(), GitError> {
    let mut files = store(git, differences)?;
    files.retain(|file| !file.is_plain());
    let Some(tree) = tree(git, scratch, &files)? else { return Ok(()) };
    git.run(None, &["update-ref", "--no-deref", name, &tree], b"").map(drop)
}

/// Stores the own bytes of the later tree's files.
pub(super) fn store<'d>(
    git: &Git,
    differences: &'d [Difference],
) -> Result<Vec<RawFile<'d>>, GitError> {
    let is_file = |path: &RepoPath| {
        fs::symlink_metadata(path.in_root(git.root())).is_ok_and(|meta| meta.is_file())
    };
    let files = differences.iter().filter_map(|d| Some((&d.path, d.file.as_ref()?)));
    let files: Vec<_> = files.filter(|(path, _)| is_file(path)).collect();
    let ids = ids(git, &files.iter().map(|(path, _)| *path).collect::<Vec<_>>())?;
    let raw = |(path, file): (&'d RepoPath, &'d (String, String)), own| {
        let (mode, stored) = file;
        RawFile { path, mode, stored, own }
    };
    Ok(files.into_iter().zip(ids).map(|(file, own)| raw(file, own)).collect())
}

/// A tree of files as they are; none where there is none.
pub(super) fn tree(
    git: &Git,
    scratch: &Path,
    files: &[RawFile<'_>],
) -> Result<Option<String>, GitError> {
    if files.is_empty() {
        return Ok(None);
    }
    let entry = |file: &RawFile<'_>| {
        [format!("{} {}\t", file.mode, file.own).as_bytes(), &file.path.0, b"\0"].concat()
    };
    let entries: Vec<u8> = files.iter().flat_map(entry).collect();
    let run = |args: &[&str], input: &[u8]| git.run(Some(scratch), args, input);
    let tree = run(&["update-index", "-z", "--index-info"], &entries)
        .and_then(|_| run(&["write-tree"], b""));
    fs::remove_file(scratch).ok();
    Ok(Some(String::from_utf8_lossy(&tree?).trim().to_owned()))
}

/// Stores files as they are; gives the objects.
pub(super) fn ids(git: &Git, paths: &[&RepoPath]) -> Result<Vec<String>, GitError> {
    let store = |how: &str, input: &[u8]| {
        let args = ["hash-object", "-w", "--no-filters", how];
        git.run(None, &args, input).map(|ids| String::from_utf8_lossy(&ids).into_owned())
    };
    if paths.is_empty() {
        return Ok(Vec::new());
    }
    // A list of paths is one of lines.
    if paths.iter().any(|path| path.0.contains(&b'\n')) {
        let store_one = |path: &&RepoPath| {
            let path = path.in_root(git.root());
            let bytes = fs::read(&path).map_err(GitError::io("read", &path))?;
            store("--stdin", &bytes).map(|id| id.trim().to_owned())
        };
        return paths.iter().map(store_one).collect();
    }
    let list: Vec<u8> = paths.iter().flat_map(|path| [&path.0[..], b"\n"].concat()).collect();
    Ok(store("--stdin-paths", &list)?.lines().map(str::to_owned).collect())
}
