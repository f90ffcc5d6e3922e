//! A session file that has no name yet.
//!
//! It gets its name when its first line is whole, so that no reader ever meets an empty or a torn
//! one, whenever the writer is killed. Until then it is hidden, and no session to anybody.

use std::fs::{self, DirEntry, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::dirs::create_private_file;
use crate::names::SessionId;

/// The ending of a hidden name; it begins with a dot.
const ENDING: &str = ".draft";

/// The hidden name; gone when dropped.
pub(crate) struct Draft {
    path: PathBuf,
    /// Keeps the file locked for as long as the name stands: who has the lock may remove the name,
    /// so a writer that gave it up first could lose the next one's.
    _locked: File,
}

impl Draft {
    /// Makes a file in `dir` under the first hidden name that is free, and locks it. Those that
    /// killed writers left are removed.
    pub(crate) fn create(
        dir: &Path,
        ids: impl Iterator<Item = SessionId>,
    ) -> io::Result<(Self, File)> {
        clear_dead(dir);
        for id in ids {
            let path = path_of(&id, dir);
            match create_private_file(&path) {
                Ok(file) if is_cleared(&file) => {}
                Ok(file) => {
                    let _locked = file.try_clone()?;
                    return Ok((Self { path, _locked }, file));
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        unreachable!("the candidates have no end")
    }

    /// Gives the file a name; one that is taken is left alone.
    pub(crate) fn publish(&self, path: &Path) -> io::Result<()> {
        match fs::hard_link(&self.path, path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => self.replace_empty(path),
            result => result,
        }
    }

    /// Where the file system knows no links. Between the two steps the name stands for an empty file.
    fn replace_empty(&self, path: &Path) -> io::Result<()> {
        drop(create_private_file(path)?);
        fs::rename(&self.path, path).inspect_err(|_| drop(fs::remove_file(path)))
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        drop(fs::remove_file(&self.path));
    }
}

fn path_of(id: &SessionId, dir: &Path) -> PathBuf {
    dir.join(format!(".{id}{ENDING}"))
}

/// Locks a new file. Tells whether somebody took it for a dead writer's before that.
///
/// A lock that cannot be had at all costs the reader's distinction, not the run.
fn is_cleared(file: &File) -> bool {
    let is_taken = matches!(file.try_lock(), Err(fs::TryLockError::WouldBlock));
    is_taken || file.metadata().is_ok_and(|meta| meta.nlink() == 0)
}

fn clear_dead(dir: &Path) {
    for entry in fs::read_dir(dir).into_iter().flatten().flatten().filter(is_draft) {
        clear_if_dead(&entry.path());
    }
}

fn clear_if_dead(path: &Path) {
    if let Ok(file) = File::open(path) {
        clear_name(&file, path);
    }
}

/// Removes the name of a file that nobody holds. The lock is held until the name is gone. A name that
/// stands for another file by then is another writer's, even where this file has a name still: its
/// session's own.
fn clear_name(file: &File, path: &Path) {
    if file.try_lock().is_ok() && names(path, file) {
        drop(fs::remove_file(path));
    }
}

/// Whether the name stands for this file.
fn names(path: &Path, file: &File) -> bool {
    let named = fs::symlink_metadata(path).and_then(|named| Ok((named, file.metadata()?)));
    named.is_ok_and(|(named, file)| (named.dev(), named.ino()) == (file.dev(), file.ino()))
}

fn is_draft(entry: &DirEntry) -> bool {
    let name = entry.file_name();
    let id = name.to_str().and_then(|name| name.strip_prefix('.')?.strip_suffix(ENDING));
    id.and_then(|id| id.parse().ok()).is_some_and(|id: SessionId| id.second().is_some())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn ids() -> impl Iterator<Item = SessionId> {
        SessionId::candidates("2025-01-27T15:30:45Z".parse().unwrap(), "abc")
    }

    /// Between a look at a draft and its end a writer may publish it and be gone, and the next one
    /// take its hidden name.
    #[test]
    fn a_hidden_name_that_another_writer_took_is_left() {
        let dir = tempfile::tempdir().unwrap();
        let (hidden, published) = (dir.path().join("hidden"), dir.path().join("published"));
        fs::write(&hidden, "the first").unwrap();
        let looked_at = File::open(&hidden).unwrap();
        fs::hard_link(&hidden, &published).unwrap();
        fs::remove_file(&hidden).unwrap();
        fs::write(&hidden, "the second").unwrap();
        clear_name(&looked_at, &hidden);
        assert_eq!(fs::read_to_string(&hidden).unwrap(), "the second");
        clear_if_dead(&hidden);
        assert!(!hidden.exists(), "nobody holds that one");
    }

    #[test]
    fn a_name_that_is_taken_is_left_alone_with_and_without_links() {
        let ways: [fn(&Draft, &Path) -> io::Result<()>; 2] = [Draft::publish, Draft::replace_empty];
        for publish in ways {
            let dir = tempfile::tempdir().unwrap();
            let (taken, free) = (dir.path().join("taken"), dir.path().join("free"));
            fs::write(&taken, "taken").unwrap();
            let (draft, mut file) = Draft::create(dir.path(), ids()).unwrap();
            file.write_all(b"line").unwrap();

            let refused = publish(&draft, &taken).unwrap_err();
            assert_eq!(refused.kind(), io::ErrorKind::AlreadyExists);
            publish(&draft, &free).unwrap();
            drop(draft);
            assert_eq!(fs::read(&taken).unwrap(), b"taken");
            assert_eq!(fs::read(&free).unwrap(), b"line");
            assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
            assert!(File::open(&free).unwrap().try_lock().is_err(), "still held");
        }
    }
}
