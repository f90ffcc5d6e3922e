//! The paths that are about to be replaced or removed, as they were when they were looked at. Whoever
//! writes to one meanwhile is not the critic or a gate, and keeps what was written.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::SystemTime;

use super::fingerprint::Fingerprint;
use super::path::RepoPath;

/// A look at the working tree.
pub(super) struct Present {
    /// The paths that differed from the private index.
    looks: BTreeMap<RepoPath, Fingerprint>,
    /// When it was begun.
    at: SystemTime,
}

impl Present {
    pub(super) const fn new(looks: BTreeMap<RepoPath, Fingerprint>, at: SystemTime) -> Self {
        Self { looks, at }
    }

    /// Whether the path is as it was then.
    pub(super) fn is_still(&self, root: &Path, path: &RepoPath) -> bool {
        let now = Fingerprint::within(root, path);
        match self.looks.get(path) {
            // What is in a folder is looked at by itself, and the folder goes with the last of it.
            Some(then) if then.is_folder() => now.is_folder() || now.is_absent(),
            Some(then) => then.looks_like(&now),
            // It was as the private index has it.
            None => now.is_folder() || now.changed().is_none_or(|changed| changed <= self.at),
        }
    }

    pub(super) fn into_looks(self) -> BTreeMap<RepoPath, Fingerprint> {
        self.looks
    }
}
