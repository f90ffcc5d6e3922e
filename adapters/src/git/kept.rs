//! Whether a ref of a run is still there.

use std::path::Path;

use super::command::bare_command;

/// git's exit code where all is well, but for the ref.
const MISSING: i32 = 1;

/// Whether the repository of a folder has no such ref. Where there is no repository, or it cannot be
/// asked, nobody knows, which is no.
#[must_use]
pub fn lacks_ref(dir: &Path, name: &str) -> bool {
    let mut git = bare_command(dir);
    git.args(["rev-parse", "--quiet", "--verify", "--end-of-options", name]);
    git.output().is_ok_and(|output| output.status.code() == Some(MISSING))
}
