//! The diff of two trees by libgit2, where it prints the very bytes that git would print.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use codeloops_event::{FileChange, FileStatus, TreeId};
use git2::{
    Delta, Diff, DiffDelta, DiffFile, DiffFormat, DiffLineType, DiffOptions, FileMode, Odb, Oid,
    Repository,
};

use super::attributes::Attributes;
use super::backend::FileList;
use super::error::GitError;
use super::patch::PatchWriter;
use super::path::RepoPath;
use super::tree;

/// libgit2 holds a file in memory while it compares it.
const MAX_FILE: usize = 4 * 1024 * 1024;

/// Writes the diff. Gives none, and writes nothing, where only git itself can make it: renames, odd
/// names, large files, files with a diff driver of their own, empty files that come or go (libgit2
/// names them in `---` and `+++` lines, git does not).
pub(super) fn write(
    repo: &Repository,
    attributes: &Attributes<'_>,
    sizes: &mut Sizes,
    [old, new]: [&TreeId; 2],
    patch: &mut PatchWriter,
) -> Result<Option<FileList>, GitError> {
    let failed = "compare two trees";
    let diff = compare(repo, old, new).map_err(GitError::library(failed))?;
    let Some(diff) = diff else { return Ok(Some(FileList::default())) };
    if !is_simple(repo, attributes, sizes, &diff).map_err(GitError::library(failed))? {
        return Ok(None);
    }
    let mut printer = Printer { patch, list: FileList::default(), open: None, error: None };
    let printed = diff.print(DiffFormat::Patch, |delta, _, line| {
        printer.line(&delta, line.origin_value(), line.content())
    });
    printer.close();
    match printer.error {
        Some(error) => Err(error),
        None => printed.map(|()| Some(printer.list)).map_err(GitError::library(failed)),
    }
}

/// Sizes of blobs. Those of the base are asked for in every iteration.
#[derive(Default)]
pub(super) struct Sizes(HashMap<Oid, usize>);

impl Sizes {
    fn of(&mut self, odb: &Odb<'_>, blob: Oid) -> Result<usize, git2::Error> {
        Ok(match self.0.entry(blob) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(unknown) => *unknown.insert(odb.read_header(blob)?.0),
        })
    }

    /// Takes note of a blob whose size is known.
    pub(super) fn learn(&mut self, blob: Oid, size: usize) {
        self.0.insert(blob, size);
    }
}

/// The diff; none where the trees are equal.
///
/// Left alone, libgit2 would walk all folders, and not only those that differ.
fn compare<'r>(
    repo: &'r Repository,
    old: &TreeId,
    new: &TreeId,
) -> Result<Option<Diff<'r>>, git2::Error> {
    let old = repo.find_tree(Oid::from_str(&old.0)?)?;
    let new = repo.find_tree(Oid::from_str(&new.0)?)?;
    let paths = tree::differing(repo, &old, &new)?;
    if paths.is_empty() {
        return Ok(None);
    }
    let mut options = DiffOptions::new();
    options.disable_pathspec_match(true);
    for path in paths {
        options.pathspec(path);
    }
    options.id_abbrev(40).indent_heuristic(true).old_prefix("a").new_prefix("b");
    options.context_lines(3).interhunk_lines(0);
    repo.diff_tree_to_tree(Some(&old), Some(&new), Some(&mut options)).map(Some)
}

fn is_simple(
    repo: &Repository,
    attributes: &Attributes<'_>,
    sizes: &mut Sizes,
    diff: &Diff<'_>,
) -> Result<bool, git2::Error> {
    let odb = repo.odb()?;
    let (mut added, mut deleted) = (false, false);
    for delta in diff.deltas() {
        match delta.status() {
            Delta::Added => added = true,
            Delta::Deleted => deleted = true,
            Delta::Modified => {}
            _ => return Ok(false),
        }
        let least = usize::from(delta.status() != Delta::Modified);
        for file in [delta.old_file(), delta.new_file()] {
            let is_there = file.mode() != FileMode::Unreadable;
            if is_there
                && !(is_simple_file(attributes, &file)?
                    && (least..=MAX_FILE).contains(&sizes.of(&odb, file.id())?))
            {
                return Ok(false);
            }
        }
    }
    // Together they may be a rename, which git finds by rules of its own.
    Ok(!(added && deleted))
}

/// Whether libgit2 prints a file as git does, its size aside.
fn is_simple_file(attributes: &Attributes<'_>, file: &DiffFile<'_>) -> Result<bool, git2::Error> {
    let Some(path) = file.path() else { return Ok(false) };
    let plain = |b: &u8| b.is_ascii_graphic() && !matches!(b, b'"' | b'\\');
    let is_plain = file.path_bytes().unwrap_or_default().iter().all(plain);
    Ok(is_plain
        && file.mode() != FileMode::Commit
        && !attributes.has_any(path, &["diff", "binary"])?)
}

/// Takes the lines of a patch, and counts them by file.
struct Printer<'p> {
    patch: &'p mut PatchWriter,
    list: FileList,
    open: Option<FileChange>,
    error: Option<GitError>,
}

impl Printer<'_> {
    fn line(&mut self, delta: &DiffDelta<'_>, kind: DiffLineType, content: &[u8]) -> bool {
        if kind == DiffLineType::FileHeader {
            self.close();
            self.open = Some(change(delta));
        }
        let (prefix, insertions, deletions): (&[u8], u64, u64) = match kind {
            DiffLineType::Addition => (b"+", 1, 0),
            DiffLineType::Deletion => (b"-", 0, 1),
            DiffLineType::Context => (b" ", 0, 0),
            _ => (b"", 0, 0),
        };
        if let Some(file) = &mut self.open {
            file.insertions += insertions;
            file.deletions += deletions;
            file.binary |= kind == DiffLineType::Binary;
        }
        let written = self.patch.write(prefix).and_then(|()| self.patch.write(content));
        self.error = written.err();
        self.error.is_none()
    }

    fn close(&mut self) {
        if let Some(file) = self.open.take() {
            self.list.push(file);
        }
    }
}

fn change(delta: &DiffDelta<'_>) -> FileChange {
    let status = match delta.status() {
        Delta::Added => FileStatus::Added,
        Delta::Deleted => FileStatus::Deleted,
        _ => FileStatus::Modified,
    };
    let path = delta.new_file().path_bytes().or(delta.old_file().path_bytes()).unwrap_or_default();
    let path = RepoPath(path.to_vec()).lossy();
    FileChange { path, status, insertions: 0, deletions: 0, binary: false }
}
