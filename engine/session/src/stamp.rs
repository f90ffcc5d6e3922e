//! What tells that a file is still the one that was read.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::time::Duration;

/// Times within this of each other may be the same to a file system that counts whole seconds or so.
const COARSE_CLOCK: Duration = Duration::from_secs(2);
/// The same of one that counts nanoseconds: by the ticks of the system's clock.
const FINE_CLOCK: Duration = Duration::from_millis(50);
/// What times of a coarse clock are a multiple of.
const COARSE: i64 = 1_000_000;

/// A file at one moment. The time at which its entry changed is part of it: unlike that of its
/// content, it cannot be set back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FileStamp {
    pub(crate) inode: u64,
    pub(crate) size: u64,
    /// Nanoseconds since 1970, in two's complement; the same for `ctime`.
    pub(crate) mtime: u64,
    pub(crate) ctime: u64,
}

impl FileStamp {
    /// That of a file that changed while it was read.
    pub(crate) const UNKNOWN: Self = Self { inode: 0, size: 0, mtime: 0, ctime: i64::MAX as u64 };

    pub(crate) fn of(file: &Metadata) -> Self {
        Self {
            inode: file.ino(),
            size: file.size(),
            mtime: nanos(file.mtime(), file.mtime_nsec()),
            ctime: nanos(file.ctime(), file.ctime_nsec()),
        }
    }

    /// Whether a change that came after a look at `looked_at` shows in the stamp: it would not where
    /// the clock of the file system had not gone on since the change before.
    pub(crate) fn tells_later_changes(&self, looked_at: u64) -> bool {
        let last = self.mtime.cast_signed().max(self.ctime.cast_signed());
        let is_fine = self.ctime.cast_signed() % COARSE != 0;
        let tick = if is_fine { FINE_CLOCK } else { COARSE_CLOCK };
        let tick = i64::try_from(tick.as_nanos()).unwrap_or(i64::MAX);
        last < looked_at.cast_signed().saturating_sub(tick)
    }
}

/// A time as one number; one that is out of its range (the year 2262) is that of no other file.
fn nanos(secs: i64, nanos: i64) -> u64 {
    secs.saturating_mul(1_000_000_000).saturating_add(nanos).cast_unsigned()
}
