//! Keeps a file that is about to be overwritten.

use std::fs::OpenOptions;
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// What a file that is there holds; none where there is none, or a link that leads to none.
pub(super) fn content(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match std::fs::read(path) {
        Ok(content) => Ok(Some(content)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Where `path` is kept: beside it, under a name that is not taken yet.
pub(super) fn name_of(path: &Path) -> PathBuf {
    let numbered = |number: u32| {
        let suffix = if number == 1 { ".bak".to_owned() } else { format!(".bak{number}") };
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        PathBuf::from(name)
    };
    let is_free = |path: &PathBuf| path.symlink_metadata().is_err();
    (1..).map(numbered).find(is_free).unwrap_or_else(|| numbered(0))
}

/// Writes what is kept. What it holds may be a secret, so it is for the user alone.
pub(super) fn keep(content: &[u8], kept_as: &Path) -> io::Result<()> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(kept_as)?.write_all(content)
}
