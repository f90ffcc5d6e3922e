//! Finds the repository that a folder belongs to.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use std::process::Output;

use super::command::{self, Git, bare_command};
use super::error::{GitError, OpenError};

/// Finds root and git folder of the working tree around `dir`.
pub(super) fn discover(dir: &Path) -> Result<Git, OpenError> {
    fs::read_dir(dir).map_err(|source| OpenError::Unreadable { path: dir.to_owned(), source })?;
    let git_dir = ask(dir, "--absolute-git-dir")?;
    let bare = ask(dir, "--is-bare-repository")?;
    if bare.as_os_str() == "true" {
        return Err(OpenError::BareRepository(git_dir));
    }
    let root = ask(dir, "--show-toplevel")?;
    Ok(Git::new(&git_dir, &root))
}

/// Looks for the repository of a working tree that a run could work in.
///
/// # Errors
///
/// As where a workspace is opened there.
pub fn find_repository(dir: &Path) -> Result<(), OpenError> {
    discover(dir).map(drop)
}

/// One answer at a time: a path may hold line ends.
fn ask(dir: &Path, question: &str) -> Result<PathBuf, OpenError> {
    let args = ["rev-parse", question];
    let mut output = bare_command(dir).args(args).output().map_err(not_started)?;
    if !output.status.success() {
        return Err(refusal(dir, &args, &output));
    }
    if output.stdout.last() == Some(&b'\n') {
        output.stdout.pop();
    }
    Ok(PathBuf::from(OsString::from_vec(output.stdout)))
}

fn not_started(error: io::Error) -> OpenError {
    match error.kind() {
        io::ErrorKind::NotFound => OpenError::GitMissing,
        _ => GitError::NotStarted(error).into(),
    }
}

fn refusal(dir: &Path, args: &[&str], output: &Output) -> OpenError {
    let text = String::from_utf8_lossy(&output.stderr);
    if text.contains("not a git repository") || text.contains("must be run in a work tree") {
        OpenError::NotARepository
    } else if text.contains("dubious ownership") || text.contains("safe.directory") {
        OpenError::ForeignOwner(root_around(dir).to_owned())
    } else {
        command::refused(args, output.status, &output.stderr).into()
    }
}

/// The root of the working tree, as far as a look tells: git said no.
fn root_around(dir: &Path) -> &Path {
    dir.ancestors().find(|dir| dir.join(".git").exists()).unwrap_or(dir)
}
