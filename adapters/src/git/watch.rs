//! Notices a change of the files by which work can be hidden from a snapshot or its diff.

use std::fs;
use std::path::{Path, PathBuf};

use super::error::GitError;

/// Files of the git folder that git obeys and that no snapshot holds.
const WATCHED: [(&str, &str); 4] = [
    ("info/exclude", "files it names are not in the diff"),
    ("info/attributes", "it can make git show a text as binary"),
    ("info/sparse-checkout", "files outside of it are not in the diff"),
    ("config", "it can name more files to be ignored"),
];

/// What those files held when the run began.
pub(super) struct Watch(Vec<(PathBuf, Option<Vec<u8>>)>);

impl Watch {
    pub(super) fn begin(git_dir: &Path) -> Result<Self, GitError> {
        let common = common_dir(git_dir)?;
        let read = |(name, _): &(&str, &str)| {
            let path = common.join(name);
            let content = fs::read(&path).ok();
            (path, content)
        };
        Ok(Self(WATCHED.iter().map(read).collect()))
    }

    /// One line for each that changed.
    pub(super) fn notes(&self) -> Vec<String> {
        let changed = self.0.iter().zip(WATCHED);
        changed
            .filter(|((path, before), _)| fs::read(path).ok() != *before)
            .map(|(_, (name, effect))| {
                format!("`.git/{name}` changed since the run began: {effect}")
            })
            .collect()
    }
}

/// The folder that a linked working tree shares with the others.
fn common_dir(git_dir: &Path) -> Result<PathBuf, GitError> {
    let pointer = git_dir.join("commondir");
    if !pointer.exists() {
        return Ok(git_dir.to_owned());
    }
    let text = fs::read_to_string(&pointer).map_err(GitError::io("read", &pointer))?;
    Ok(git_dir.join(text.trim_end_matches('\n')))
}
