//! What changed in the working tree, and what a look at it after the critic found.

use serde::{Deserialize, Serialize};

use crate::agent::Evidence;
use crate::tamper::Tampering;

/// The object id of a tree in the user's repository, in lower-case hexadecimal (40 digits, or 64 in
/// a SHA-256 repository).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct TreeId(pub String);

impl std::fmt::Display for TreeId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// What happened to one file between two trees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileStatus {
    /// Is new.
    Added,
    /// Is gone.
    Deleted,
    /// Has other content or another mode.
    Modified,
    /// Has another name.
    Renamed,
    /// Has another type (file, symbolic link, submodule).
    TypeChanged,
}

/// One changed file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileChange {
    /// Path from the repository's root, lossily decoded.
    pub path: String,
    /// What happened.
    pub status: FileStatus,
    /// Lines added; 0 for a binary file.
    pub insertions: u64,
    /// Lines removed; 0 for a binary file.
    pub deletions: u64,
    /// Not shown as text by git.
    pub binary: bool,
}

/// A snapshot of the working tree and its difference from the tree the run began with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CapturedDiff {
    /// The snapshot, kept alive by `refs/codeloops/<run_id>/<iteration>`.
    pub tree: TreeId,
    /// The unified diff, lossily decoded and capped (see [`crate::layout::TEXT_LIMIT`]).
    pub diff: String,
    /// Every changed file, in the diff's order; at most the first 10,000.
    pub files: Vec<FileChange>,
    /// Number of changed files.
    pub files_changed: u64,
    /// Lines added.
    pub insertions: u64,
    /// Lines removed.
    pub deletions: u64,
    /// The whole diff.
    pub patch: Evidence,
    /// What may hide work from the diff (`assume-unchanged` bits, a dirty submodule, …), for the
    /// critic; one line each.
    pub notes: Vec<String>,
    /// Signs that checks were weakened; at most the first [`crate::MAX_TAMPERING`].
    pub tampering: Vec<Tampering>,
    /// How many more there are.
    pub more_tampering: u64,
}

/// What the comparison of tree, index and HEAD before and after a critic turn, or a gate, found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum TreeCheck {
    /// Nothing differs.
    Unchanged,
    /// Something was changed.
    Changed {
        /// The ref that keeps the changed tree.
        kept_as: String,
        /// The changed tree itself; none in the record of a build that did not tell it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tree: Option<TreeId>,
        /// Paths that differ, lossily decoded; at most the first 100.
        files: Vec<String>,
        /// Whether HEAD or its branch moved.
        head_moved: bool,
        /// Whether the index differs.
        index_changed: bool,
        /// Whether all of it was put back; false where another run works in the same tree, where a
        /// submodule was moved or changed, where git does not hold a file's own bytes (line ends, filters), or
        /// where the user switched it off.
        restored: bool,
    },
    /// The comparison, or putting back, failed.
    Failed {
        /// What failed, with what.
        error: String,
    },
}
