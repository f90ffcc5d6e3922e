//! Files of the evidence folder, written and hashed as the bytes come.

use std::fs::{self, DirBuilder, File};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use codeloops_event::Evidence;
use sha2::{Digest, Sha256};

/// One stream on its way to a file. It keeps at most `limit` bytes and counts the others; a write
/// that fails ends the writing, never the stream, and what is lost by it is not counted: it is not
/// past the limit.
pub(crate) struct EvidenceFile {
    /// From the evidence folder.
    path: String,
    full: PathBuf,
    file: Option<File>,
    hash: Sha256,
    written: u64,
    limit: u64,
    dropped: u64,
}

impl EvidenceFile {
    /// Makes the file new: what stands there is removed first, so that a link which somebody put
    /// there is not followed.
    pub(crate) fn create(root: &Path, path: String, limit: u64) -> Result<Self, String> {
        let full = root.join(&path);
        let file = create_new(&full)
            .map_err(|error| format!("could not create `{}`: {error}", full.display()))?;
        Ok(Self::of(path, full, file, limit))
    }

    /// Makes the first of these files that is not there; what stands there is left.
    pub(crate) fn create_first(
        root: &Path,
        names: impl IntoIterator<Item = String>,
        limit: u64,
    ) -> Result<Self, String> {
        let mut last = "no name is left".to_owned();
        for path in names {
            let full = root.join(&path);
            match create_free(&full) {
                Ok(file) => return Ok(Self::of(path, full, file, limit)),
                Err(error) => {
                    last = format!("could not create `{}`: {error}", full.display());
                    if error.kind() != io::ErrorKind::AlreadyExists {
                        break;
                    }
                }
            }
        }
        Err(last)
    }

    fn of(path: String, full: PathBuf, file: File, limit: u64) -> Self {
        let (file, hash) = (Some(file), Sha256::new());
        Self { path, full, file, hash, written: 0, limit, dropped: 0 }
    }

    /// Writes what comes next. The error comes once: what follows it is let go.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Result<(), String> {
        let Some(file) = &mut self.file else { return Ok(()) };
        let room = usize::try_from(self.limit - self.written).unwrap_or(usize::MAX);
        let (mut keep, beyond) = bytes.split_at(bytes.len().min(room));
        self.dropped += beyond.len() as u64;
        while !keep.is_empty() {
            match write_some(file, keep) {
                Ok(count) => {
                    self.hash.update(&keep[..count]);
                    self.written += count as u64;
                    keep = &keep[count..];
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.file = None;
                    return Err(format!("could not write `{}`: {error}", self.full.display()));
                }
            }
        }
        Ok(())
    }

    /// What the file holds now; `redacted` credentials were masked in it.
    pub(crate) fn finish(self, redacted: u64) -> Evidence {
        Evidence {
            path: self.path,
            bytes: self.written,
            sha256: hex(&self.hash.finalize()),
            dropped_bytes: self.dropped,
            redacted,
        }
    }
}

fn write_some(file: &mut File, bytes: &[u8]) -> io::Result<usize> {
    match file.write(bytes)? {
        0 => Err(io::ErrorKind::WriteZero.into()),
        count => Ok(count),
    }
}

/// Makes a file, and the folders above it, for the user alone: agents print private code. What
/// stands there is removed first.
pub(crate) fn create_new(path: &Path) -> io::Result<File> {
    create_free(path).or_else(|error| {
        if error.kind() != io::ErrorKind::AlreadyExists {
            return Err(error);
        }
        fs::remove_file(path)?;
        create_free(path)
    })
}

/// The same where nothing stands there.
pub(crate) fn create_free(path: &Path) -> io::Result<File> {
    let create = || File::options().write(true).create_new(true).mode(0o600).open(path);
    create().or_else(|error| {
        if error.kind() != io::ErrorKind::NotFound {
            return Err(error);
        }
        create_folders(path)?;
        create()
    })
}

fn create_folders(path: &Path) -> io::Result<()> {
    let folders =
        path.parent().map(|dir| DirBuilder::new().recursive(true).mode(0o700).create(dir));
    folders.unwrap_or(Ok(()))
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |nibble: u8| char::from(DIGITS[usize::from(nibble)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    #[test]
    fn what_goes_past_the_limit_is_counted_and_not_kept() {
        let dir = tempfile::tempdir().unwrap();
        let mut file = EvidenceFile::create(dir.path(), "a/b".into(), 3).unwrap();
        for bytes in ["ab", "cde", "f"] {
            file.push(bytes.as_bytes()).unwrap();
        }
        let evidence = file.finish(0);
        assert_eq!(fs::read(dir.path().join("a/b")).unwrap(), b"abc");
        assert_eq!((evidence.bytes, evidence.dropped_bytes), (3, 3));
        assert_eq!(evidence.sha256, ABC);
    }

    #[test]
    fn a_full_disk_is_told_once_and_ends_the_writing_not_the_stream() {
        let dir = tempfile::tempdir().unwrap();
        let mut file = EvidenceFile::create(dir.path(), "a".into(), 100).unwrap();
        file.push(b"abc").unwrap();
        file.file = Some(File::options().write(true).open("/dev/full").unwrap());
        let told = file.push(b"defg").unwrap_err();
        assert!(told.contains(dir.path().join("a").to_str().unwrap()), "{told}");
        file.push(b"h").unwrap();
        let evidence = file.finish(0);
        assert_eq!((evidence.bytes, evidence.dropped_bytes), (3, 0), "it is not past the limit");
        assert_eq!(evidence.sha256, ABC);
    }

    #[test]
    fn only_the_user_can_read_it() {
        let dir = tempfile::tempdir().unwrap();
        drop(EvidenceFile::create(dir.path(), "a/b/c".into(), 100).unwrap());
        for (path, mode) in [("a", 0o700), ("a/b", 0o700), ("a/b/c", 0o600)] {
            let permissions = dir.path().join(path).metadata().unwrap().permissions();
            assert_eq!(permissions.mode() & 0o777, mode, "{path}");
        }
    }

    #[test]
    fn a_link_in_the_way_is_not_followed() {
        let dir = tempfile::tempdir().unwrap();
        let precious = dir.path().join("precious");
        fs::write(&precious, "keep").unwrap();
        std::os::unix::fs::symlink(&precious, dir.path().join("a")).unwrap();
        EvidenceFile::create(dir.path(), "a".into(), 100).unwrap().push(b"x").unwrap();
        assert_eq!(fs::read_to_string(precious).unwrap(), "keep");
    }
}
