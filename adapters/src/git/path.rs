//! Paths as git has them: bytes, relative to the root, with `/` between their parts.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Paths of a kind that are named in a note; the rest is counted.
const NAMED: usize = 10;

/// A path from the root of the working tree. Any bytes but NUL.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct RepoPath(pub(super) Vec<u8>);

impl RepoPath {
    /// The path in the file system.
    pub(super) fn in_root(&self, root: &Path) -> PathBuf {
        root.join(self.as_path())
    }

    /// What has this name in the folder of this path; the root is the empty one.
    pub(super) fn entry(&self, name: &OsStr) -> Self {
        let folder = if self.0.is_empty() { Vec::new() } else { [&self.0, &b"/"[..]].concat() };
        Self([&folder, name.as_bytes()].concat())
    }

    /// The folder that it lies in, as an argument for git.
    pub(super) fn folder(&self) -> Self {
        match self.0.iter().rposition(|&b| b == b'/') {
            Some(end) => Self(self.0[..end].to_vec()),
            None => Self(b".".to_vec()),
        }
    }

    pub(super) fn as_path(&self) -> &Path {
        Path::new(OsStr::from_bytes(&self.0))
    }

    /// The path, lossily decoded.
    pub(super) fn lossy(&self) -> String {
        String::from_utf8_lossy(&self.0).into_owned()
    }

    /// The path in one line that no terminal acts on.
    pub(super) fn shown(&self) -> String {
        codeloops_event::text::escaped(&self.lossy())
    }

    /// Whether the path is `folder` or lies in it.
    pub(super) fn is_within(&self, folder: &Self) -> bool {
        self.0.strip_prefix(folder.0.as_slice()).is_some_and(|rest| {
            rest.is_empty() || rest.starts_with(b"/") || folder.0.ends_with(b"/")
        })
    }
}

/// Paths in a note of one line.
pub(super) fn named(paths: &[RepoPath]) -> String {
    let names: Vec<_> = paths.iter().take(NAMED).map(|p| format!("`{}`", p.shown())).collect();
    match paths.len().saturating_sub(NAMED) {
        0 => names.join(", "),
        more => format!("{} and {more} more", names.join(", ")),
    }
}
