//! Tells whether a folder of a repository is git's.

use std::path::Path;

use super::command::{self, bare_command};
use super::error::GitError;

/// Whether git tracks a file in `folder`, both absolute and real paths, the folder below `root`.
///
/// # Errors
///
/// Where git cannot be asked, or has no repository there.
pub fn tracks_files_in(root: &Path, folder: &Path) -> Result<bool, GitError> {
    let args = ["ls-files", "-z", "--"];
    let mut command = bare_command(root);
    let output = command.args(args).arg(folder).output().map_err(GitError::NotStarted)?;
    if output.status.success() {
        Ok(!output.stdout.is_empty())
    } else {
        Err(command::refused(&args, output.status, &output.stderr))
    }
}
