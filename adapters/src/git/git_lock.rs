//! Replaces files of the git folder under git's own locks.
//!
//! While there is `<file>.lock`, the user's git refuses to work on that file, and nobody can tell by
//! the lock who made it. So it is made as a second name of a draft, a file of the run's own: where a
//! run was killed, the next one finds by the draft which lock was its.

use std::ffi::OsStr;
use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::command;
use super::error::GitError;
use super::index_copy;

/// Puts `draft` in the place of a file.
pub(super) fn replace(file: &Path, draft: &Path) -> Result<(), GitError> {
    replace_if(file, draft, || Ok(true)).map(drop)
}

/// Puts `draft` in the place of a file, unless `work`, which is done while the file is locked, says
/// no; tells which of the two.
pub(super) fn replace_if(
    file: &Path,
    draft: &Path,
    work: impl FnOnce() -> Result<bool, GitError>,
) -> Result<bool, GitError> {
    under_lock(file, draft, |lock| {
        if work()? {
            fs::rename(lock, file).map_err(GitError::io("replace", file))?;
            return Ok(true);
        }
        index_copy::remove(lock).map(|()| false)
    })
}

/// Removes a file. `draft` is a path for a moment.
pub(super) fn remove(file: &Path, draft: &Path) -> Result<(), GitError> {
    create(draft)?;
    under_lock(file, draft, |lock| index_copy::remove(file).and_then(|()| index_copy::remove(lock)))
}

/// Makes an empty draft. What an earlier one became has its own name, and is not written to.
pub(super) fn create(draft: &Path) -> Result<File, GitError> {
    index_copy::remove(draft)?;
    File::create_new(draft).map_err(GitError::io("create", draft))
}

/// Does something while the file is locked, after which the lock must be gone.
fn under_lock<T>(
    file: &Path,
    draft: &Path,
    work: impl FnOnce(&Path) -> Result<T, GitError>,
) -> Result<T, GitError> {
    let mut lock = file.to_owned().into_os_string();
    lock.push(".lock");
    let lock = PathBuf::from(lock);
    take(draft, &lock)?;
    let done = work(&lock);
    if done.is_err() {
        fs::remove_file(&lock).ok();
    }
    fs::remove_file(draft).ok();
    done
}

fn take(draft: &Path, lock: &Path) -> Result<(), GitError> {
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::AlreadyExists => GitError::Locked(lock.to_owned()),
        _ => GitError::io("create", lock)(error),
    };
    match fs::hard_link(draft, lock) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            // Where the file system knows no links, a kill leaves a lock that nobody knows.
            File::create_new(lock).map_err(failed)?;
            index_copy::copy(draft, lock).inspect_err(|_| drop(fs::remove_file(lock)))
        }
        linked => linked.map_err(failed),
    }
}

/// Removes the locks that are the same file as the draft of a run that is over.
pub(super) fn release(git_dir: &Path, draft: &Path) {
    let Ok(draft) = fs::symlink_metadata(draft) else { return };
    if !draft.is_file() || draft.nlink() < 2 {
        return;
    }
    let common = command::common_dir(git_dir).unwrap_or_else(|_| git_dir.to_owned());
    let within = [git_dir, &common].into_iter().flat_map(folders);
    for folder in within.chain(linked_root(git_dir)) {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        let is_lock = |path: &PathBuf| path.extension().is_some_and(|ending| ending == "lock");
        for lock in entries.map(|entry| entry.path()).filter(is_lock) {
            if fs::symlink_metadata(&lock).is_ok_and(|lock| is_same(&lock, &draft)) {
                fs::remove_file(&lock).ok();
            }
        }
    }
}

/// Where the files are that are put back.
fn folders(git_dir: &Path) -> [PathBuf; 5] {
    let within = |folder| git_dir.join(folder);
    [git_dir.to_owned(), within("info"), within("hooks"), within("refs"), within("logs/refs")]
}

/// The working tree that has its git folder elsewhere.
fn linked_root(git_dir: &Path) -> Option<PathBuf> {
    let pointer = fs::read(git_dir.join("gitdir")).ok()?;
    let pointer = git_dir.join(OsStr::from_bytes(pointer.trim_ascii_end()));
    pointer.parent().map(Path::to_owned)
}

fn is_same(a: &Metadata, b: &Metadata) -> bool {
    (a.dev(), a.ino()) == (b.dev(), b.ino())
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;

    /// A git folder with a file, and a draft in it.
    fn place() -> (tempfile::TempDir, PathBuf, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let (file, draft) = (folder.path().join("index"), folder.path().join("draft"));
        fs::write(&file, "old").unwrap();
        drop(create(&draft).unwrap());
        fs::write(&draft, "new").unwrap();
        (folder, file, draft)
    }

    fn names(folder: &tempfile::TempDir) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_is_replaced_or_removed_and_no_lock_is_left() {
        let (folder, file, draft) = place();
        replace(&file, &draft).unwrap();
        assert_eq!(fs::read(&file).unwrap(), b"new");
        assert_eq!(names(&folder), ["index"]);
        remove(&file, &draft).unwrap();
        assert_eq!(names(&folder), [""; 0]);
    }

    #[test]
    fn a_lock_of_another_is_respected() {
        let (folder, file, draft) = place();
        let lock = folder.path().join("index.lock");
        fs::write(&lock, "new").unwrap();
        assert!(matches!(replace(&file, &draft), Err(GitError::Locked(path)) if path == lock));
        release(folder.path(), &draft);
        assert_eq!(fs::read(&file).unwrap(), b"old");
        assert_eq!(names(&folder), ["draft", "index", "index.lock"]);
    }

    #[test]
    fn who_dies_at_work_leaves_a_lock_that_is_known_by_its_draft() {
        let (folder, file, draft) = place();
        let dies = || under_lock::<()>(&file, &draft, |_| panic!("dies"));
        let died = catch_unwind(AssertUnwindSafe(dies));
        assert!(died.is_err());
        assert_eq!(names(&folder), ["draft", "index", "index.lock"]);
        release(folder.path(), &draft);
        assert_eq!(names(&folder), ["draft", "index"]);
    }

    /// The file `.git` of a linked working tree lies in that tree.
    #[test]
    fn a_lock_in_the_linked_working_tree_is_known_too() {
        let (folder, _, draft) = place();
        let tree = tempfile::tempdir().unwrap();
        let pointer = tree.path().join(".git");
        fs::write(folder.path().join("gitdir"), format!("{}\n", pointer.display())).unwrap();
        let dies = || under_lock::<()>(&pointer, &draft, |_| panic!("dies"));
        assert!(catch_unwind(AssertUnwindSafe(dies)).is_err());
        assert_eq!(names(&tree), [".git.lock"]);
        release(folder.path(), &draft);
        assert_eq!(names(&tree), [""; 0]);
    }

    #[test]
    fn a_file_stays_where_the_work_under_its_lock_says_so() {
        let (folder, file, draft) = place();
        let lock = folder.path().join("index.lock");
        let no = || Ok(!lock.exists());
        assert!(!replace_if(&file, &draft, no).unwrap());
        assert_eq!(fs::read(&file).unwrap(), b"old");
        assert_eq!(names(&folder), ["index"]);
    }

    /// Killed when the lock had become the file.
    #[test]
    fn a_draft_that_took_its_place_is_no_lock() {
        let (folder, file, draft) = place();
        fs::remove_file(&file).unwrap();
        fs::hard_link(&draft, &file).unwrap();
        release(folder.path(), &draft);
        drop(create(&draft).unwrap());
        assert_eq!(fs::read(&file).unwrap(), b"new");
    }
}
