//! Commands for a user to copy.

use std::path::Path;

/// Compares two snapshots; `dir` is the repository, where the user stands somewhere else.
#[must_use]
pub fn diff(dir: Option<&Path>, from: &str, to: &str) -> String {
    let git = dir.map_or("git".to_owned(), |dir| format!("git -C {}", shell_quoted(dir)));
    format!("{git} diff {from} {to}")
}

/// Shows what a recorded run changed.
#[must_use]
pub fn session_diff(id: &str) -> String {
    format!("codeloops sessions diff {}", shell_quoted(Path::new(id)))
}

/// Compares a snapshot with the working tree. The command leaves the user's index alone, and shows
/// new files too; a repository without a commit among them does not keep the others from being shown.
#[must_use]
pub fn diff_with_tree(dir: Option<&Path>, from: &str) -> String {
    let (enter, dir) = match dir {
        Some(dir) => ("cd \"$0\" && ", format!(" {}", shell_quoted(dir))),
        None => ("", String::new()),
    };
    let compare = format!("git read-tree {from} && (git add -N --ignore-errors :/; git diff)");
    format!("GIT_INDEX_FILE=$(mktemp -u) sh -c '{enter}{compare}'{dir}")
}

/// Puts a file back as a snapshot holds it.
pub(crate) fn restore(from: &str) -> String {
    format!("git restore --source={from} -- <path>")
}

/// A path, or another word of a command, as a shell takes it: in quotes only where it needs them.
#[must_use]
pub fn shell_quoted(path: &Path) -> String {
    let path = path.to_string_lossy();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+@%:,=".contains(c);
    if !path.is_empty() && path.chars().all(plain) {
        return path.into_owned();
    }
    format!("'{}'", path.replace('\'', r"'\''"))
}
