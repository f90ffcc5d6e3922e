//! Opens a workspace: finds the repository, takes the lock and the base snapshot.

use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use codeloops_event::{RunId, TreeId};

use super::backend::Backend;
use super::command::Git;
use super::discover::discover;
use super::error::OpenError;
use super::library::{Library, ScanBy};
use super::lock::RunLock;
use super::path::RepoPath;
use super::private_index::{self, PrivateIndex};
use super::program::Program;
use super::scan::Change;
use super::snapshots::{Snapshot, Snapshots, is_excluded};
use super::user_index::UserIndex;
use super::watch::Watch;
use super::{Base, Options, Way};

/// Untracked files from which the user is warned that they are copied into `.git`.
const MANY_FILES: usize = 10_000;
const MANY_BYTES: u64 = 200 * 1024 * 1024;

pub(super) fn open(
    working_dir: &Path,
    run_id: &RunId,
    evidence: &Path,
    options: &Options,
) -> Result<(Snapshots, Base), OpenError> {
    let git = discover(working_dir)?;
    let lock = RunLock::take(git.git_dir(), run_id)?;
    let excluded = excluded(git.root(), evidence, &options.excluded);
    let index = lock.index();
    let made = private_index::make(&git, &index, |path| !is_excluded(&excluded, path))?;
    let base = base_tree(&git, &made, options.resume_from.as_ref())?;
    let mut backend = backend(&git, &index, &made.tree, options.way);
    backend.keep(&format!("refs/codeloops/{run_id}/0"), &base)?;
    let warnings = warnings(&git, &lock, &made);
    let mut user_index = UserIndex::new(&git, lock.kept_index());
    user_index.remember()?;
    let begin = Base {
        tree: base.clone(),
        now: made.tree.clone(),
        commit_sha: made.scan.head.commit.clone(),
        branch: made.scan.head.branch.clone(),
        warnings,
        root: git.root().to_owned(),
    };
    let snapshots = Snapshots {
        watch: Watch::begin(git.git_dir())?,
        backend,
        run_id: run_id.clone(),
        evidence: evidence.to_owned(),
        excluded,
        skipped: made.skipped,
        user_index,
        base,
        last: Snapshot { tree: made.tree, head: made.scan.head, files: None },
        git,
        lock,
    };
    Ok((snapshots, begin))
}

fn backend(git: &Git, index: &Path, tree: &TreeId, way: Way) -> Box<dyn Backend> {
    let library = match way {
        Way::Auto => Library::open(git, index, tree, ScanBy::Size).ok(),
        Way::Mixed => Library::open(git, index, tree, ScanBy::Program).ok(),
        Way::Program => None,
    };
    match library {
        Some(library) => Box::new(library),
        None => Box::new(Program::new(git.clone(), index.to_owned())),
    }
}

fn base_tree(
    git: &Git,
    made: &PrivateIndex,
    resume_from: Option<&TreeId>,
) -> Result<TreeId, OpenError> {
    let Some(base) = resume_from else { return Ok(made.tree.clone()) };
    let tree = format!("{base}^{{tree}}");
    match git.ask(&["rev-parse", "--quiet", "--verify", "--end-of-options", &tree])? {
        Some(_) => Ok(base.clone()),
        None => Err(OpenError::BaseMissing(base.to_string())),
    }
}

/// The evidence folder and others, as paths from the root; those outside it fall away.
fn excluded(root: &Path, evidence: &Path, folders: &[PathBuf]) -> Vec<RepoPath> {
    let real_root = root.canonicalize().unwrap_or_else(|_| root.to_owned());
    let within = |folder: &Path| {
        let folder = canonical(folder);
        let path = folder.strip_prefix(&real_root).ok()?;
        // The root itself would leave nothing to look at.
        (!path.as_os_str().is_empty()).then(|| RepoPath(path.as_os_str().as_bytes().to_vec()))
    };
    folders.iter().map(PathBuf::as_path).chain([evidence]).filter_map(within).collect()
}

/// The real path of a folder that may not exist yet.
fn canonical(folder: &Path) -> PathBuf {
    if let Ok(real) = folder.canonicalize() {
        return real;
    }
    match (folder.parent(), folder.file_name()) {
        (Some(parent), Some(name)) => canonical(parent).join(name),
        _ => folder.to_owned(),
    }
}

fn warnings(git: &Git, lock: &RunLock, made: &PrivateIndex) -> Vec<String> {
    let mut warnings = Vec::new();
    let others = lock.others();
    if !others.is_empty() {
        warnings.push(format!(
            "another run works in the same tree ({}): its changes will show in the diff, and what \
             a critic changes is not put back",
            others.join(", ")
        ));
    }
    warnings.extend(large_copy(git.root(), &made.scan.changes));
    warnings.extend(made.warnings.iter().chain(&made.scan.notes).cloned());
    warnings
}

fn large_copy(root: &Path, changes: &[Change]) -> Option<String> {
    let untracked = || changes.iter().filter(|change| change.untracked);
    let size =
        |change: &Change| change.path.in_root(root).symlink_metadata().map_or(0, |file| file.len());
    let (count, bytes) = (untracked().count(), untracked().map(size).sum::<u64>());
    (count > MANY_FILES || bytes > MANY_BYTES).then(|| {
        format!(
            "{count} untracked files ({} MB) were copied into the repository's object store: list \
             what is no source in .gitignore",
            bytes / (1024 * 1024)
        )
    })
}
