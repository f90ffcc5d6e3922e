//! Copies index files.
//!
//! The time of an index file says which of its entries may have changed within the same tick of the
//! clock as they were recorded. A copy with a later time would make git believe them unchanged, so
//! a copy takes the time over.

use std::fs::{self, File, FileTimes};
use std::io;
use std::path::Path;

use super::error::GitError;

/// Copies an index file with its modification time; without one there is no copy either.
pub(super) fn copy(from: &Path, to: &Path) -> Result<(), GitError> {
    // Nothing is written through a link or into a pipe that an agent put there.
    if fs::symlink_metadata(to).is_ok_and(|there| !there.is_file()) {
        remove(to)?;
    }
    match open(from).and_then(|_| fs::copy(from, to)) {
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound && !from.exists() => {
            return remove(to);
        }
        Err(source) => return Err(GitError::io("copy", from)(source)),
    }
    let modified = fs::metadata(from).and_then(|file| file.modified());
    modified
        .and_then(|time| {
            File::options().write(true).open(to)?.set_times(FileTimes::new().set_modified(time))
        })
        .map_err(GitError::io("set the time of", to))
}

/// Opens a file. A pipe in its place would be waited for.
pub(super) fn open(path: &Path) -> io::Result<File> {
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no file"));
    }
    File::open(path)
}

/// Removes a file that may not be there.
pub(super) fn remove(path: &Path) -> Result<(), GitError> {
    match fs::remove_file(path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            Err(GitError::io("remove", path)(source))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::*;

    #[test]
    fn a_copy_has_the_time_of_its_original() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("from"), folder.path().join("to"));
        fs::write(&from, "index").unwrap();
        let time = SystemTime::UNIX_EPOCH + Duration::new(1_000_000_000, 5);
        let file = File::options().write(true).open(&from).unwrap();
        file.set_times(FileTimes::new().set_modified(time)).unwrap();

        copy(&from, &to).unwrap();
        assert_eq!(fs::read(&to).unwrap(), b"index");
        assert_eq!(fs::metadata(&to).unwrap().modified().unwrap(), time);

        let outside = folder.path().join("outside");
        fs::write(&outside, "the user's").unwrap();
        fs::remove_file(&to).unwrap();
        std::os::unix::fs::symlink(&outside, &to).unwrap();
        copy(&from, &to).unwrap();
        assert_eq!(fs::read(&outside).unwrap(), b"the user's", "nothing goes through a link");

        fs::remove_file(&from).unwrap();
        copy(&from, &to).unwrap();
        assert!(!to.exists(), "what is gone has no copy");
    }
}
