//! Announces which refs git is about to write for us, so that a lock that it leaves is known as ours.
//!
//! Git writes a ref through `<ref>.lock`. A git that is killed at that moment leaves it, and the
//! user's own git would refuse that ref ever after. Nobody can tell by the lock who made it, so a
//! file of the run's own names the refs. Where our git was killed, or the run, a lock of one of them
//! that is younger than that file, and older than a git takes for it, is ours.

use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use super::command;
use super::error::GitError;

/// How long no git holds the lock of a ref.
const LONG: Duration = Duration::from_secs(1);

/// Until it is looked at again.
const AGAIN: Duration = Duration::from_millis(10);

/// Announces in a file of the run's own.
pub(super) struct Announced {
    git_dir: PathBuf,
    /// The git folder that all working trees share.
    common: PathBuf,
    note: PathBuf,
}

impl Announced {
    pub(super) fn new(git_dir: &Path, note: PathBuf) -> Self {
        let common = command::common_dir(git_dir).unwrap_or_else(|_| git_dir.to_owned());
        Self { git_dir: git_dir.to_owned(), common, note }
    }

    /// Has git write refs. Where one is killed at it, its locks are taken away and it is tried once
    /// more.
    pub(super) fn write<T>(
        &self,
        refs: &[String],
        work: impl Fn() -> Result<T, GitError>,
    ) -> Result<T, GitError> {
        fs::write(&self.note, refs.join("\n")).map_err(GitError::io("write", &self.note))?;
        let done = match work() {
            // What git refuses it has cleared up after; a lock that is there is somebody else's.
            Err(GitError::Killed { .. }) if self.clear() => work(),
            done => done,
        };
        fs::remove_file(&self.note).ok();
        done
    }

    /// Takes away the locks of ours that are left; tells whether there were any. Where one is too
    /// young to tell, it waits.
    pub(super) fn clear(&self) -> bool {
        let Ok(announced) = fs::symlink_metadata(&self.note) else { return false };
        let refs = fs::read_to_string(&self.note).unwrap_or_default();
        let locks = refs.lines().filter_map(|name| self.lock_of(name));
        let left: Vec<_> = locks.filter(|lock| is_left(lock, &announced)).collect();
        let removed = left.iter().filter(|lock| fs::remove_file(lock).is_ok());
        removed.count() > 0
    }

    /// An agent can write a note too: only names of refs are followed.
    fn lock_of(&self, name: &str) -> Option<PathBuf> {
        let is_plain =
            Path::new(name).components().all(|part| matches!(part, Component::Normal(_)));
        let folder = if name.starts_with("refs/") { &self.common } else { &self.git_dir };
        (is_plain && !name.is_empty()).then(|| folder.join(format!("{name}.lock")))
    }
}

/// Whether it came after it was announced, and stays.
fn is_left(lock: &Path, announced: &Metadata) -> bool {
    let changed = |meta: &Metadata| (meta.ctime(), meta.ctime_nsec());
    let Ok(first) = fs::symlink_metadata(lock) else { return false };
    if !first.is_file() || changed(&first) < changed(announced) {
        return false;
    }
    let age = first.modified().ok().and_then(|at| SystemTime::now().duration_since(at).ok());
    let until = Instant::now() + LONG.saturating_sub(age.unwrap_or_default());
    while Instant::now() < until {
        thread::sleep(AGAIN);
    }
    fs::symlink_metadata(lock).is_ok_and(|now| now.ino() == first.ino())
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    fn place() -> (tempfile::TempDir, Announced) {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("refs/heads")).unwrap();
        let announced = Announced::new(folder.path(), folder.path().join("note"));
        (folder, announced)
    }

    fn refused() -> GitError {
        GitError::Refused { command: "update-ref".to_owned(), reason: "it is locked".to_owned() }
    }

    fn killed() -> GitError {
        GitError::Killed { command: "update-ref".to_owned(), by: "signal: 9".to_owned() }
    }

    #[test]
    fn what_a_killed_git_leaves_is_taken_away_and_the_work_done_again() {
        let (folder, announced) = place();
        let lock = folder.path().join("refs/heads/main.lock");
        let tries = Cell::new(0);
        let refs = ["HEAD".to_owned(), "refs/heads/main".to_owned()];
        let done = announced.write(&refs, || {
            tries.set(tries.get() + 1);
            fs::File::create_new(&lock).map(drop).map_err(|_| refused())?;
            if tries.get() == 1 { Err(killed()) } else { Ok(()) }
        });
        assert!(done.is_ok() && tries.get() == 2, "{done:?}");
        assert!(!announced.note.exists());
    }

    /// The user's git took it after the announcement, and works long.
    #[test]
    fn a_lock_that_ours_is_refused_for_is_anothers() {
        let (folder, announced) = place();
        let lock = folder.path().join("refs/heads/main.lock");
        let tries = Cell::new(0);
        let done = announced.write(&["refs/heads/main".to_owned()], || {
            tries.set(tries.get() + 1);
            fs::write(&lock, "").unwrap();
            Err::<(), _>(refused())
        });
        assert!(done.is_err() && tries.get() == 1, "{done:?}");
        assert!(lock.exists() && !announced.note.exists());
    }

    #[test]
    fn a_lock_that_was_there_before_is_anothers() {
        let (folder, announced) = place();
        let lock = folder.path().join("HEAD.lock");
        fs::write(&lock, "").unwrap();
        let changed = |path| fs::metadata(path).map(|meta| (meta.ctime(), meta.ctime_nsec()));
        // Until the clock of the file system has ticked.
        while changed(&announced.note).is_err()
            || changed(&announced.note).unwrap() == changed(&lock).unwrap()
        {
            fs::write(&announced.note, "HEAD").unwrap();
        }
        assert!(!announced.clear());
        assert!(lock.exists());
    }

    #[test]
    fn a_note_leads_nowhere_else() {
        let (_folder, announced) = place();
        let outside = tempfile::tempdir().unwrap();
        let name = outside.path().file_name().unwrap().to_str().unwrap();
        let there = outside.path().join("x");
        fs::write(
            &announced.note,
            format!("../{name}/x\nrefs/../../{name}/x\n{}", there.display()),
        )
        .unwrap();
        fs::write(outside.path().join("x.lock"), "").unwrap();
        assert!(!announced.clear());
        assert!(outside.path().join("x.lock").exists());
    }
}
