//! What the file system says of a file, to tell cheaply that it did not change.

use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How long before a look a file must have changed for a later change to show in its times. Clocks
/// tick every few milliseconds; a file system without fractions of a second ticks far slower.
const TICK: Duration = Duration::from_millis(100);
const COARSE_TICK: Duration = Duration::from_secs(2);

/// One look at a path. Two equal looks mean equal content only where [`Self::is_settled`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fingerprint {
    file: Option<Stat>,
    settled: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Stat {
    size: u64,
    mode: u32,
    inode: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Fingerprint {
    /// Looks at a path without following a link. What cannot be read counts as absent.
    pub(super) fn of(path: &Path) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let file = fs::symlink_metadata(path).ok();
        // A folder's own times say nothing of what is in it.
        let settled = file.as_ref().is_none_or(|file| !file.is_dir() && is_settled(file, now));
        Self { file: file.as_ref().map(stat), settled }
    }

    /// Whether the later look `other` proves that nothing changed.
    pub(super) fn proves_unchanged(&self, other: &Self) -> bool {
        self.settled && self.file == other.file
    }
}

fn stat(file: &Metadata) -> Stat {
    Stat {
        size: file.size(),
        mode: file.mode(),
        inode: file.ino(),
        modified: (file.mtime(), file.mtime_nsec()),
        changed: (file.ctime(), file.ctime_nsec()),
    }
}

fn is_settled(file: &Metadata, now: Duration) -> bool {
    let is_coarse = file.mtime_nsec() == 0 && file.ctime_nsec() == 0;
    let tick = if is_coarse { COARSE_TICK } else { TICK };
    let time = |secs: i64, nanos: i64| {
        Duration::new(u64::try_from(secs).unwrap_or(0), u32::try_from(nanos).unwrap_or(0))
    };
    let latest = time(file.mtime(), file.mtime_nsec()).max(time(file.ctime(), file.ctime_nsec()));
    latest + tick < now
}
