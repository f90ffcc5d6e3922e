//! What the file system says of a file, to tell cheaply that it did not change.

use std::collections::BTreeMap;
use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::path::RepoPath;
use super::scan::{Change, Now};

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
        let is_folder = file.as_ref().is_some_and(Metadata::is_dir);
        let file = file.as_ref().map(stat);
        let settled = !is_folder && file.as_ref().is_none_or(|stat| stat.is_settled(now));
        Self { file, settled }
    }

    /// Stands for what is not looked at.
    pub(super) const fn of_nothing() -> Self {
        Self { file: None, settled: true }
    }

    /// Looks at a path as git does, for which there is nothing behind a link.
    pub(super) fn within(root: &Path, path: &RepoPath) -> Self {
        let above = path.as_path().ancestors().skip(1).filter(|above| *above != Path::new(""));
        if above.map(|above| root.join(above)).any(|above| above.is_symlink()) {
            return Self::of_nothing();
        }
        Self::of(&path.in_root(root))
    }

    /// Size in bytes, inode and permissions of a regular file.
    pub(super) fn file(&self) -> Option<(u64, u64, u32)> {
        let stat = self.file.as_ref().filter(|stat| stat.mode & 0o170_000 == 0o100_000)?;
        Some((stat.size, stat.inode, stat.mode & 0o7777))
    }

    /// When it last changed, as far as the file system tells.
    pub(super) fn changed(&self) -> Option<SystemTime> {
        let (secs, nanos) = self.file.as_ref()?.changed;
        let since = Duration::new(u64::try_from(secs).ok()?, u32::try_from(nanos).ok()?);
        UNIX_EPOCH.checked_add(since)
    }

    pub(super) const fn is_absent(&self) -> bool {
        self.file.is_none()
    }

    /// Whether it saw a folder.
    pub(super) fn is_folder(&self) -> bool {
        self.file.as_ref().is_some_and(|stat| stat.mode & 0o170_000 == 0o040_000)
    }

    /// Whether two looks saw the same. Within a tick of the clock that is no proof.
    pub(super) fn looks_like(&self, other: &Self) -> bool {
        self.file == other.file
    }

    /// Whether the later look `other` proves that nothing changed.
    pub(super) fn proves_unchanged(&self, other: &Self) -> bool {
        self.settled && self.file == other.file
    }
}

/// Looks at several paths.
pub(super) type Looks = BTreeMap<RepoPath, Fingerprint>;

/// Looks at each changed path.
pub(super) fn of_changes(root: &Path, changes: &[Change]) -> Looks {
    let look = |change: &Change| match &change.now {
        Now::Present | Now::Unread { .. } => Fingerprint::of(&change.path.in_root(root)),
        Now::Absent => Fingerprint::within(root, &change.path),
    };
    changes.iter().map(|change| (change.path.clone(), look(change))).collect()
}

impl Stat {
    fn is_settled(&self, now: Duration) -> bool {
        let is_coarse = self.modified.1 == 0 && self.changed.1 == 0;
        let tick = if is_coarse { COARSE_TICK } else { TICK };
        let time = |(secs, nanos): (i64, i64)| {
            Duration::new(u64::try_from(secs).unwrap_or(0), u32::try_from(nanos).unwrap_or(0))
        };
        time(self.modified).max(time(self.changed)) + tick < now
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

#[cfg(test)]
mod tests {
    use std::fs::{File, FileTimes};

    use super::*;

    /// A file that was last written to, or whose times were last set, at these moments.
    fn at(modified: (i64, i64), changed: (i64, i64)) -> Stat {
        Stat { size: 4, mode: 0o100_644, inode: 1, modified, changed }
    }

    #[test]
    fn a_file_is_settled_when_the_clock_has_ticked_since_it_changed() {
        let look = |stat: Stat, secs, millis| {
            stat.is_settled(Duration::from_secs(secs) + Duration::from_millis(millis))
        };
        assert!(!look(at((50, 5), (50, 5)), 50, 1));
        assert!(!look(at((50, 5), (50, 5)), 50, 100));
        assert!(look(at((50, 5), (50, 5)), 50, 101));
        // Its time may have been set back; when that was done cannot be.
        assert!(!look(at((10, 5), (50, 5)), 50, 50));
        // A clock that was set back proves nothing.
        assert!(!look(at((50, 5), (50, 5)), 40, 0));
        // Without fractions of a second the clock may tick every other second.
        assert!(!look(at((50, 0), (50, 0)), 52, 0));
        assert!(look(at((50, 0), (50, 0)), 52, 1));
    }

    #[test]
    fn an_equal_look_at_a_file_that_is_not_settled_proves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, "0000").unwrap();
        // However long this test is kept waiting, the file changed less than a tick ago.
        let later = FileTimes::new().set_modified(SystemTime::now() + Duration::from_secs(3600));
        File::options().write(true).open(&path).unwrap().set_times(later).unwrap();

        let look = Fingerprint::of(&path);
        assert_eq!(look, Fingerprint::of(&path));
        assert!(!look.proves_unchanged(&Fingerprint::of(&path)));
        assert!(!Fingerprint::of(folder.path()).proves_unchanged(&Fingerprint::of(folder.path())));

        let none = Fingerprint::of(&folder.path().join("none"));
        assert!(none.proves_unchanged(&none));
        assert!(!none.proves_unchanged(&look));
    }
}
