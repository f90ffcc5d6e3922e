//! Marks that something is being put back, so that who is killed at it is told of by the next run.

use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use codeloops_event::{RunId, layout};

use super::error::{GitError, who_changed};
use super::git_lock;
use super::index_copy;
use super::notice::Notice;

/// A mark, which goes when this is dropped.
pub(super) struct PutBackMark(PathBuf);

impl PutBackMark {
    /// Leaves the mark of a put-back. What was changed is kept under refs that begin with `kept_as`.
    pub(super) fn leave(path: PathBuf, kept_as: &str) -> Result<Self, GitError> {
        // Nothing is written through a link that an agent put there.
        let mut file = git_lock::create(&path)?;
        file.write_all(kept_as.as_bytes()).map_err(GitError::io("write", &path))?;
        Ok(Self(path))
    }
}

impl Drop for PutBackMark {
    fn drop(&mut self) {
        fs::remove_file(&self.0).ok();
    }
}

/// What the mark that a dead run left tells; it goes.
pub(super) fn told(path: &Path, run: &RunId) -> Option<Notice> {
    let mut file = index_copy::open(path).ok()?;
    let mut kept_as = String::new();
    file.read_to_string(&mut kept_as).ok()?;
    fs::remove_file(path).ok();
    // An agent can write one too.
    let of_run = format!("refs/codeloops/{run}/");
    let call = kept_as.strip_prefix(&of_run)?.split_once('-')?.1;
    let is_plain = call.bytes().all(|b| b.is_ascii_digit() || b == b'-');
    let before = layout::before_change(&kept_as).filter(|_| is_plain)?;
    let who = who_changed(&kept_as);
    let text = format!(
        "run {run} was killed while it put the tree back after {who}, so not all may be as it was: the \
         changed tree is kept as {kept_as}, that before {who} as {before}; to see what differs:"
    );
    Some(Notice { text, to_copy: Some(format!("git diff {before}")) })
}
