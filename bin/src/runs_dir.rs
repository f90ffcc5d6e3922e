//! The folder for the evidence of runs, where it lies in the repository that a run works in. There
//! it is left out of every diff, so it must hold nothing else, and no `git add` may take it in.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use codeloops_adapters::git::tracks_files_in;
use codeloops_event::RunId;

use crate::error::CliError;
use crate::repository;

/// What keeps a folder out of git, its own file included.
const IGNORE_ALL: &str = "*\n";

const FOLDER_OF_ITS_OWN: &str = "the evidence is left out of every diff: give it a folder of its \
    own with `--runs-dir` or `runs_dir`, `.codeloops/runs` for example";

/// Refuses a folder that holds the work itself. `working_dir` is a real path.
///
/// # Errors
/// Where the folder is the working directory or one above it in its repository, git tracks files in
/// it, or it is a part of git's own folder.
pub(crate) fn refuse_project_files(runs_dir: &Path, working_dir: &Path) -> Result<(), CliError> {
    if real(runs_dir).components().any(|part| part.as_os_str() == ".git") {
        let what = format!("`{}` lies in a `.git`, which is git's alone", runs_dir.display());
        return Err(CliError::usage(what).hint(FOLDER_OF_ITS_OWN));
    }
    let Some((root, dir)) = within_repository(runs_dir, working_dir) else { return Ok(()) };
    if dir.is_file() {
        // That it cannot be written to is told when it is made.
        return Ok(());
    }
    // A repository that cannot be asked cannot be opened either, which says why.
    if working_dir.starts_with(&dir) || tracks_files_in(root, &dir).unwrap_or(false) {
        return Err(refused(runs_dir));
    }
    Ok(())
}

/// Keeps git away from a folder that lies in the repository and holds nothing but runs.
///
/// # Errors
/// Where that cannot be written.
pub(crate) fn keep_out_of_git(runs_dir: &Path, working_dir: &Path) -> io::Result<()> {
    match within_repository(runs_dir, working_dir) {
        Some((_, dir)) if holds_only_runs(&dir) => fs::write(dir.join(".gitignore"), IGNORE_ALL),
        _ => Ok(()),
    }
}

/// The root of the repository and the real path of the folder, where that lies in it.
fn within_repository<'a>(runs_dir: &Path, working_dir: &'a Path) -> Option<(&'a Path, PathBuf)> {
    let root = repository::top(working_dir)?;
    let dir = real(runs_dir);
    dir.starts_with(root).then_some((root, dir))
}

fn refused(runs_dir: &Path) -> CliError {
    let shown = runs_dir.display();
    CliError::usage(format!("`{shown}` holds files of the project, not only evidence of runs"))
        .hint(FOLDER_OF_ITS_OWN)
}

fn holds_only_runs(dir: &Path) -> bool {
    let Ok(entries) = fs::read_dir(dir) else { return false };
    let is_run = |name: &str| name.parse::<RunId>().is_ok();
    entries.flatten().all(|entry| entry.file_name().to_str().is_some_and(is_run))
}

/// The real path of a folder that may not exist yet.
fn real(folder: &Path) -> PathBuf {
    if let Ok(real) = folder.canonicalize() {
        return real;
    }
    match (folder.parent(), folder.file_name()) {
        (Some(parent), Some(name)) => real(parent).join(name),
        _ => folder.to_owned(),
    }
}
