//! Tells where a repository comes from.

use std::path::Path;

use super::command::bare_command;

/// The address of the remote `origin` of the repository around `dir`, as its configuration has it: not
/// rewritten by `url.*.insteadOf`, which may put credentials into it. It need not be trusted, and may
/// hold credentials all the same. None where there is no such remote, or git does not tell.
#[must_use]
pub fn origin_of(dir: &Path) -> Option<String> {
    let mut command = bare_command(dir);
    let output = command.args(["config", "--get", "remote.origin.url"]).output().ok()?;
    let url = String::from_utf8(output.stdout).ok()?;
    let url = url.trim_end_matches('\n');
    (output.status.success() && !url.is_empty()).then(|| url.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_remote_is_told_as_it_is_configured() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(origin_of(&dir.path().join("none")), None);
        let git = |args: &[&str]| {
            assert!(bare_command(dir.path()).args(args).status().unwrap().success());
        };
        git(&["init", "--quiet"]);
        assert_eq!(origin_of(dir.path()), None);
        git(&["config", "url.https://token@host/.insteadOf", "https://host/"]);
        git(&["remote", "add", "origin", "https://host/o/r.git"]);
        assert_eq!(origin_of(dir.path()).as_deref(), Some("https://host/o/r.git"));
    }
}
