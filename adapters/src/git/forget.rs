//! Removes what keeps the snapshots of a run.

use std::path::Path;

use codeloops_event::RunId;

use super::command::{bare_command, output, refused};
use super::error::GitError;

/// Where the refs of a run were.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Forgotten {
    /// So many refs were removed.
    Refs(usize),
    /// There is no repository any more.
    NoRepository,
}

/// Removes all refs of a run in the repository of a folder, in one step: all of them or none.
///
/// # Errors
///
/// Where git cannot be run or refuses, as it does while another program holds one of them.
pub fn forget_run(dir: &Path, run_id: &RunId) -> Result<Forgotten, GitError> {
    if !dir.is_dir() {
        return Ok(Forgotten::NoRepository);
    }
    let pattern = format!("refs/codeloops/{run_id}/");
    let Some(names) = git(dir, &["for-each-ref", "--format=%(refname)", &pattern], b"")? else {
        return Ok(Forgotten::NoRepository);
    };
    let names: Vec<&str> = names.lines().filter(|name| name.starts_with(&pattern)).collect();
    let deletions: String = names.iter().map(|name| format!("delete {name}\0\0")).collect();
    if !names.is_empty() {
        git(dir, &["update-ref", "--no-deref", "--stdin", "-z"], deletions.as_bytes())?;
    }
    Ok(Forgotten::Refs(names.len()))
}

/// What a command prints; none where there is no repository.
fn git(dir: &Path, args: &[&str], input: &[u8]) -> Result<Option<String>, GitError> {
    let output = output(bare_command(dir).args(args), input).map_err(GitError::NotStarted)?;
    if output.status.success() {
        return Ok(Some(String::from_utf8_lossy(&output.stdout).into_owned()));
    }
    if String::from_utf8_lossy(&output.stderr).contains("not a git repository") {
        return Ok(None);
    }
    Err(refused(args, output.status, &output.stderr))
}
