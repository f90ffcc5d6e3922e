//! Tells whether a critic or a gate moved files to where git sees them. Before, it did not see them (a
//! rule ignores them, or they were elsewhere), so no snapshot holds them, and where they were nobody knows:
//! to put back what was in their place would take them from the user.

use std::collections::BTreeSet;
use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::SystemTime;

use super::restore::{Difference, TICK};
use super::staged::{Inode, Known};

/// What goes back to where it was.
pub(super) struct GoingBack<'d> {
    ids: BTreeSet<&'d str>,
    files: BTreeSet<Inode>,
}

impl<'d> GoingBack<'d> {
    pub(super) fn of(
        differences: &'d [Difference],
        known: impl Iterator<Item = &'d Known>,
    ) -> Self {
        let ids = differences.iter().filter_map(Difference::id_before).collect();
        Self { ids, files: known.map(|known| known.inode).collect() }
    }

    /// Whether a file was moved here that git did not see at `since`, and would be lost. One with
    /// another name besides would not.
    pub(super) fn would_lose(&self, root: &Path, found: &Difference, since: SystemTime) -> bool {
        let is_new = |(_, id): &(String, String)| !self.ids.contains(&**id);
        let Ok(file) = fs::symlink_metadata(found.path.in_root(root)) else { return false };
        found.file.as_ref().is_some_and(is_new)
            && file.nlink() == 1
            && !self.files.contains(&Inode::of(&file))
            && is_older(&file, since)
            // What was here may have got its inode after the index was made; then it was written to.
            && (found.is_added() || was_written(&file).is_none_or(|at| at + TICK < since))
    }
}

/// Where the file system does not tell when a file was made, when it was written to does.
fn is_older(file: &Metadata, since: SystemTime) -> bool {
    file.created().ok().or_else(|| was_written(file)).is_some_and(|made| made + TICK < since)
}

fn was_written(file: &Metadata) -> Option<SystemTime> {
    file.modified().ok()
}
