//! Opens a workspace: finds the repository, takes the lock and the base snapshot.

use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use codeloops_event::{RunId, TreeId, layout};

use super::backend::Backend;
use super::command::Git;
use super::discover::discover;
use super::error::OpenError;
use super::hidden_rules::HiddenRules;
use super::library::{Library, ScanBy};
use super::lock::RunLock;
use super::notice::Notice;
use super::other_runs::OtherRuns;
use super::path::RepoPath;
use super::private_index::{self, PrivateIndex};
use super::program::Program;
use super::put_backs::PutBacks;
use super::seal::Seal;
use super::snapshots::{Snapshot, Snapshots, is_excluded};
use super::user_index::UserIndex;
use super::user_refs::UserRefs;
use super::watch::Watch;
use super::{Base, Options, Way};
use crate::process::processes_of_run;

#[tracing::instrument(level = "debug", name = "git.open", skip_all)]
pub(super) fn open(
    working_dir: &Path,
    run_id: &RunId,
    evidence: &Path,
    options: &Options,
    warn: &mut dyn FnMut(Notice),
) -> Result<(Snapshots, Base), OpenError> {
    let git = discover(working_dir)?;
    let lock = locked(&git, run_id, warn)?;
    let other_runs = OtherRuns::now(&lock);
    let excluded = excluded(git.root(), evidence, &options.excluded);
    let index = lock.index();
    let made = private_index::make(&git, &index, |path| !is_excluded(&excluded, path), warn)?;
    let base = base_tree(&git, &made, options.resume_from.as_ref())?;
    let mut backend = backend(&git, &index, &made, options.way);
    backend.keep(&layout::snapshot_ref(run_id, 0), &base)?;
    let mut user_index = UserIndex::new(&git, lock.kept_index());
    user_index.remember()?;
    let began = began(&git, &made, &base);
    let snapshots = Snapshots {
        is_resumed: options.resume_from.is_some(),
        rules: Watch::rules(&git)?,
        operation: Watch::operation(&git),
        beside: Watch::beside(&git),
        user_refs: UserRefs::begin(&git)?,
        hidden_rules: HiddenRules::begin(git.root(), made.folders, lock.taken()?),
        backend,
        run_id: run_id.clone(),
        evidence: evidence.to_owned(),
        redactor: options.redactor.clone(),
        tamper: options.tamper.clone(),
        excluded,
        skipped: made.skipped,
        submodules: made.submodules,
        seal: Seal::of(&index)?,
        put_backs: PutBacks::default(),
        other_runs,
        user_index,
        base,
        begun_with: made.files,
        last: Snapshot::unlooked_at(made.tree, made.head),
        git,
        lock,
    };
    Ok((snapshots, began))
}

/// Takes the lock of the run, and tells who else may change the tree.
fn locked(git: &Git, run_id: &RunId, warn: &mut dyn FnMut(Notice)) -> Result<RunLock, OpenError> {
    let lock = RunLock::take(git, run_id)?;
    warn_of_others(&lock, warn);
    lock.broken_off().iter().cloned().for_each(&mut *warn);
    lock.dead().iter().for_each(|run| warn_of_survivors(run, warn));
    Ok(lock)
}

/// What the run began with.
fn began(git: &Git, made: &PrivateIndex, base: &TreeId) -> Base {
    Base {
        tree: base.clone(),
        now: made.tree.clone(),
        commit_sha: made.head.commit.clone(),
        branch: made.head.branch.clone(),
        root: git.root().to_owned(),
    }
}

fn warn_of_others(lock: &RunLock, warn: &mut dyn FnMut(Notice)) {
    let others = lock.others();
    if !others.is_empty() {
        warn(Notice::of(format!(
            "another run works in the same tree ({}): its changes will show in the diff, and what \
             a critic or a gate changes is not put back",
            others.join(", ")
        )));
    }
}

/// A codeloops that was killed could not end its agent.
fn warn_of_survivors(run: &RunId, warn: &mut dyn FnMut(Notice)) {
    let pids: Vec<String> = processes_of_run(run).iter().map(ToString::to_string).collect();
    if !pids.is_empty() {
        let text = format!(
            "run {run} was killed in this tree, and its agent still works: its changes will show in \
             the diff; to end it:"
        );
        warn(Notice { text, to_copy: Some(format!("kill {}", pids.join(" "))) });
    }
}

fn backend(git: &Git, index: &Path, made: &PrivateIndex, way: Way) -> Box<dyn Backend> {
    let tree = &made.tree;
    let library = match way {
        // In process, a folder that cannot be opened is passed over.
        Way::Auto if made.sees_all => Library::open(git, index, tree, ScanBy::Size).ok(),
        Way::Auto | Way::Mixed => Library::open(git, index, tree, ScanBy::Program).ok(),
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
pub(super) fn excluded(root: &Path, evidence: &Path, folders: &[PathBuf]) -> Vec<RepoPath> {
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
