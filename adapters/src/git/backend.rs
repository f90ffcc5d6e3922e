//! What a snapshot needs of git, so that the program and the library can stand for each other.

use codeloops_event::{FileChange, TreeId};

use super::error::GitError;
use super::patch::PatchWriter;
use super::scan::{Change, Scan};

/// One of the two ways to work with a repository. Both give the same answers.
pub(super) trait Backend: Send {
    /// What differs in the working tree from the private index.
    fn scan(&mut self) -> Result<Scan, GitError>;

    /// Writes the tree of the private index with `changes` applied; the index itself stays as it is.
    fn write_tree(&mut self, changes: &[Change]) -> Result<TreeId, GitError>;

    /// Points a ref at a tree, whatever it pointed at before.
    fn keep(&mut self, name: &str, tree: &TreeId) -> Result<(), GitError>;

    /// Writes the diff of two trees.
    fn diff(
        &mut self,
        old: &TreeId,
        new: &TreeId,
        patch: &mut PatchWriter,
    ) -> Result<FileList, GitError>;

    /// The private index was written by somebody else.
    fn reload(&mut self) -> Result<(), GitError>;
}

/// The changed files of a diff.
#[derive(Debug, Default)]
pub(super) struct FileList {
    /// At most [`Self::LIMIT`].
    pub(super) files: Vec<FileChange>,
    pub(super) count: u64,
    pub(super) insertions: u64,
    pub(super) deletions: u64,
}

impl FileList {
    /// Files listed by name; the rest is counted.
    const LIMIT: usize = 10_000;

    pub(super) fn push(&mut self, file: FileChange) {
        self.count += 1;
        self.insertions += file.insertions;
        self.deletions += file.deletions;
        if self.files.len() < Self::LIMIT {
            self.files.push(file);
        }
    }
}
