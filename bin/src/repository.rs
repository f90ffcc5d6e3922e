//! What the place of the working directory in its repository tells, without git.

use std::path::{Path, PathBuf};

/// The top of the repository that a folder lies in. What it means that there is none is told when the
/// repository is opened.
pub(crate) fn top(working_dir: &Path) -> Option<&Path> {
    working_dir.ancestors().find(|dir| has_git_folder(dir))
}

/// Whether a folder looks like the top of a working tree: its `.git` is a folder with a `HEAD`, or a
/// file that leads to one.
fn has_git_folder(dir: &Path) -> bool {
    let git = dir.join(".git");
    git.is_file() || git.join("HEAD").symlink_metadata().is_ok()
}

/// A file that codeloops would read if the top of the repository were the working directory, and that
/// the working directory, which is below it, does not have.
pub(crate) fn only_at_top(working_dir: &Path, name: &str) -> Option<PathBuf> {
    let top = top(working_dir).filter(|top| *top != working_dir)?;
    let file = top.join(name);
    (file.is_file() && !working_dir.join(name).exists()).then_some(file)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_file_at_the_top_is_found_from_below_where_no_other_is() {
        let dir = tempfile::tempdir().unwrap();
        let below = dir.path().join("a/b");
        fs::create_dir_all(&below).unwrap();
        fs::create_dir(dir.path().join(".git")).unwrap();
        fs::write(dir.path().join(".git/HEAD"), "").unwrap();
        assert_eq!(only_at_top(&below, "prompt.md"), None);
        fs::write(dir.path().join("prompt.md"), "").unwrap();
        assert_eq!(only_at_top(&below, "prompt.md"), Some(dir.path().join("prompt.md")));
        assert_eq!(only_at_top(dir.path(), "prompt.md"), None);
        fs::write(below.join("prompt.md"), "").unwrap();
        assert_eq!(only_at_top(&below, "prompt.md"), None);
    }
}
