//! Keeps the files that the first snapshot stores apart until all of them are there.
//!
//! That may be much, and the user may break off meanwhile. Nobody can tell git's half-written files
//! from those of another git, so they lie in a folder of the run's own, which goes with the run. Trees
//! are written when their files are in place, so that none ever lacks one.

use std::ffi::OsStr;
use std::fs::{self, DirEntry};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::command::Git;
use super::error::GitError;

/// A store of objects beside that of the repository, and gone when dropped.
pub(super) struct Quarantine {
    folder: PathBuf,
    objects: PathBuf,
}

impl Quarantine {
    /// None where the objects could not simply be moved over.
    pub(super) fn begin(git: &Git, folder: PathBuf) -> Result<Option<Self>, GitError> {
        let objects = git.common_dir()?.join("objects");
        let quarantine = Self { folder, objects };
        let begun = quarantine.make().map_err(GitError::io("create", &quarantine.folder))?;
        Ok(begun.then_some(quarantine))
    }

    /// The repository, whose new objects go here.
    pub(super) fn git(&self, git: &Git) -> Git {
        git.storing_in(&self.folder)
    }

    /// Gives the repository what was stored.
    pub(super) fn release(self) -> Result<(), GitError> {
        move_all(&self.folder, &self.objects).map_err(GitError::io("fill", &self.objects))
    }

    fn make(&self) -> io::Result<bool> {
        let info = self.folder.join("info");
        fs::create_dir_all(&info)?;
        let objects = self.objects.as_os_str().as_bytes();
        fs::write(info.join("alternates"), [objects, b"\n"].concat())?;
        let is_near = fs::metadata(&self.folder)?.dev() == fs::metadata(&self.objects)?.dev();
        Ok(is_near && !objects.contains(&b'\n'))
    }
}

impl Drop for Quarantine {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.folder).ok();
    }
}

fn move_all(from: &Path, to: &Path) -> io::Result<()> {
    let mut entries = fs::read_dir(from)?.collect::<io::Result<Vec<_>>>()?;
    // Whoever sees the index of a pack relies on the pack.
    entries.sort_by_key(|entry| entry.path().extension() == Some(OsStr::new("idx")));
    for entry in entries.iter().filter(|entry| is_stored(entry)) {
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if entry.file_type()?.is_dir() { move_folder(&from, &to)? } else { fs::rename(from, to)? }
    }
    Ok(())
}

/// Another git may make the folder at any moment, and remove it while it is empty.
fn move_folder(from: &Path, to: &Path) -> io::Result<()> {
    use io::ErrorKind::{AlreadyExists, DirectoryNotEmpty};
    loop {
        match fs::rename(from, to) {
            Err(error) if matches!(error.kind(), AlreadyExists | DirectoryNotEmpty) => {}
            result => return result,
        }
        match move_all(from, to) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            result => return result,
        }
    }
}

fn is_stored(entry: &DirEntry) -> bool {
    let name = entry.file_name();
    name != "info" && !name.as_bytes().starts_with(b"tmp_")
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    /// `git gc` removes folders that are empty, `git commit` makes them and puts a file in.
    #[test]
    fn another_git_makes_and_removes_the_same_folder() {
        let place = tempfile::tempdir().unwrap();
        let [from, to] = ["from", "to"].map(|name| place.path().join(name));
        fs::create_dir_all(&to).unwrap();
        let is_over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    fs::create_dir(to.join("ab")).ok();
                    fs::write(to.join("ab/theirs"), "").ok();
                    fs::remove_file(to.join("ab/theirs")).ok();
                    fs::remove_dir(to.join("ab")).ok();
                }
            });
            let moved: Vec<_> = (0..2000)
                .map(|round| {
                    fs::create_dir_all(from.join("ab")).unwrap();
                    fs::write(from.join("ab/ours"), "").unwrap();
                    let moved = move_all(&from, &to).map_err(|error| (round, error));
                    let there = fs::remove_file(to.join("ab/ours")).is_ok();
                    moved.map(|()| there)
                })
                .collect();
            is_over.store(true, Ordering::Relaxed);
            let lost = moved.iter().find(|moved| !matches!(moved, Ok(true)));
            assert!(lost.is_none(), "{lost:?}");
        });
    }
}
