//! What it takes to put a working tree to a state that a run left, found before anything is changed.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use codeloops_event::{FileChange, FileStatus, RunId, TreeId};

use super::command::{self, Git};
use super::discover::discover;
use super::error::{GitError, RestoreError};
use super::lock::RunLock;
use super::notice::Notice;
use super::open::excluded;
use super::path::RepoPath;
use super::present::Present;
use super::private_index;
use super::restore::{self, Difference};
use super::restore_saved::{self, Beside};
use super::restore_way::{self, Way};
use super::snapshots::is_excluded;
use super::staged::Staged;
use crate::process::{processes_of_run, runs_left_behind};

/// What is wanted, and where.
#[derive(Debug, Clone)]
pub struct Goal {
    /// A folder of the working tree. It stays, even where nothing is left in it.
    pub dir: PathBuf,
    /// The run whose state it is.
    pub run_id: RunId,
    /// The ref that keeps the state.
    pub name: String,
    /// Its tree, where that is recorded: nobody can have moved this.
    pub tree: Option<TreeId>,
    /// Folders that are in no snapshot. Absolute.
    pub excluded: Vec<PathBuf>,
}

/// A working tree that is about to be put to a state. As long as this lives, a run that begins there is
/// warned.
pub struct Restoring {
    pub(super) git: Git,
    pub(super) run_id: RunId,
    /// The folder that stays.
    pub(super) dir: PathBuf,
    pub(super) goal: TreeId,
    pub(super) beside: Beside,
    /// The working tree as it is.
    pub(super) now: TreeId,
    pub(super) present: Present,
    pub(super) excluded: Vec<RepoPath>,
    /// What is written and removed.
    pub(super) differences: Vec<Difference>,
    /// What differs and stays: ignored in that state, and so in no snapshot of it.
    pub(super) ignored: BTreeSet<RepoPath>,
    /// What differs and stays: repositories of their own.
    pub(super) submodules: BTreeSet<RepoPath>,
    head: Option<String>,
    files: Vec<FileChange>,
    /// Last, so that it is let go of when all else is gone.
    pub(super) lock: RunLock,
}

/// What stands before a path that is to be none but that.
const HERE: &[u8] = b"./";

/// What git keeps while it is in the middle of something.
const IN_PROGRESS: [(&str, &str); 6] = [
    ("rebase-merge", "rebase"),
    ("rebase-apply", "rebase"),
    ("MERGE_HEAD", "merge"),
    ("CHERRY_PICK_HEAD", "cherry-pick"),
    ("REVERT_HEAD", "revert"),
    ("sequencer", "cherry-pick or revert"),
];

impl Restoring {
    /// Looks at the working tree and at what is wanted. Writes nothing but objects that no ref names.
    /// `own` is an identity for this, as a run has one. Blocks.
    ///
    /// # Errors
    ///
    /// Where it cannot be, or something would be lost.
    pub fn prepare(
        goal: &Goal,
        own: &RunId,
        warn: &mut dyn FnMut(Notice),
    ) -> Result<Self, RestoreError> {
        let git = discover(&goal.dir)?;
        let lock = RunLock::take(&git, own)?;
        refuse_others(&git, &lock)?;
        let tree = tree_of(&git, goal)?;
        let at = SystemTime::now();
        let (index, left_out) = (lock.index(), excluded(git.root(), git.root(), &goal.excluded));
        let is_seen = |path: &RepoPath| !is_excluded(&left_out, path);
        let made = private_index::make(&git, &index, is_seen, warn)?;
        if !made.sees_all {
            return Err(RestoreError::Unreadable);
        }
        let found = restore::differences(&git, &index, &tree, &made.tree)
            .map_err(|error| gone_or(&git, &tree, &goal.name, error))?;
        let mut restoring = Self {
            run_id: goal.run_id.clone(),
            dir: goal.dir.clone(),
            beside: restore_saved::beside(&git, &index, &goal.name)?,
            goal: tree,
            now: made.tree,
            present: Present::new(made.files, at),
            head: made.head.commit,
            differences: found.into_iter().filter(|d| is_seen(&d.path)).collect(),
            excluded: left_out,
            ignored: BTreeSet::new(),
            submodules: BTreeSet::new(),
            files: Vec::new(),
            git,
            lock,
        };
        restoring.leave_submodules();
        restoring.leave_ignored()?;
        restoring.clear_the_way()?;
        restoring.files = restoring.count()?;
        Ok(restoring)
    }

    /// The root of the working tree.
    #[must_use]
    pub fn root(&self) -> &Path {
        self.git.root()
    }

    /// The working tree as it is.
    #[must_use]
    pub const fn present(&self) -> &TreeId {
        &self.now
    }

    /// The commit of HEAD, which stays.
    #[must_use]
    pub fn head(&self) -> Option<&str> {
        self.head.as_deref()
    }

    /// The files that are written, come and go.
    #[must_use]
    pub fn files(&self) -> &[FileChange] {
        &self.files
    }

    /// The files that stay because that state ignores them, fit to be shown.
    #[must_use]
    pub fn ignored(&self) -> Vec<String> {
        self.ignored.iter().map(RepoPath::shown).collect()
    }

    /// The repositories within this one that differ, and stay as they are; fit to be shown.
    #[must_use]
    pub fn submodules(&self) -> Vec<String> {
        self.submodules.iter().map(RepoPath::shown).collect()
    }

    /// What they were at, and what was changed in them, no tree tells.
    fn leave_submodules(&mut self) {
        let of_it = self.differences.iter().filter(|d| d.is_submodule());
        self.submodules = of_it.map(|d| d.path.clone()).collect();
        let submodules = &self.submodules;
        let is_within = |path: &RepoPath| submodules.iter().any(|folder| path.is_within(folder));
        self.differences.retain(|d| !is_within(&d.path));
    }

    /// A file that git sees now and ignores then may have been there then.
    fn leave_ignored(&mut self) -> Result<(), GitError> {
        let added: Vec<_> =
            self.differences.iter().filter(|d| d.is_added()).map(|d| &d.path).collect();
        self.ignored = self.ignored_then(&added)?;
        let ignored = &self.ignored;
        self.differences.retain(|d| !(d.is_added() && ignored.contains(&d.path)));
        Ok(())
    }

    /// Those of the paths that the rules of the wanted state ignore, and the user's index does not have.
    fn ignored_then(&self, paths: &[&RepoPath]) -> Result<BTreeSet<RepoPath>, GitError> {
        if paths.is_empty() {
            return Ok(BTreeSet::new());
        }
        let args = ["ls-tree", "-r", "-z", "--full-tree", "--name-only", &self.goal.0];
        let list = self.git.run(Some(&self.lock.index()), &args, b"")?;
        let all = list.split(|&b| b == 0).map(|path| RepoPath(path.to_vec()));
        let rules: Vec<_> = all.filter(|path| path.as_path().ends_with(".gitignore")).collect();
        let (scratch, folder) = (self.lock.scratch(), self.lock.staging());
        let _rules =
            Staged::make(&self.git, &self.goal, rules.iter().collect(), &scratch, folder.clone())?;
        fs::create_dir_all(&folder).map_err(GitError::io("create", &folder))?;
        // It takes no literal paths, and this way none has a meaning.
        let input = paths.iter().flat_map(|p| [HERE, &p.0[..], b"\0"].concat());
        let input: Vec<u8> = input.collect();
        let args = ["check-ignore", "-z", "--stdin"];
        let mut ask =
            Git::new(self.git.git_dir(), &folder).command(None, &["--no-literal-pathspecs"]);
        ask.args(args);
        let output = command::output(&mut ask, &input).map_err(GitError::NotStarted)?;
        match output.status.code() {
            // None of them.
            Some(1) => Ok(BTreeSet::new()),
            Some(0) => {
                let paths = output.stdout.split(|&b| b == 0);
                Ok(paths
                    .filter_map(|path| path.strip_prefix(HERE))
                    .map(|path| RepoPath(path.to_vec()))
                    .collect())
            }
            _ => Err(command::refused(&args, output.status, &output.stderr)),
        }
    }

    /// Refuses where something that no snapshot holds is in the way.
    fn clear_the_way(&mut self) -> Result<(), RestoreError> {
        let Way { blocked, there } = restore_way::look(&self.git, &self.differences)?;
        if !blocked.is_empty() {
            return Err(RestoreError::InTheWay(blocked.iter().map(RepoPath::shown).collect()));
        }
        self.differences.retain(|d| !there.contains(&d.path));
        Ok(())
    }

    /// The lines of each file.
    fn count(&self) -> Result<Vec<FileChange>, GitError> {
        let args =
            ["diff-tree", "-r", "--numstat", "-z", "--no-renames", &self.now.0, &self.goal.0];
        let output = self.git.run(Some(&self.lock.index()), &args, b"")?;
        let counts: BTreeMap<&[u8], _> =
            output.split(|&b| b == 0).filter_map(|record| numstat(record)).collect();
        let change = |d: &Difference| {
            let lines = counts.get(&d.path.0[..]).copied().flatten();
            let status = match (d.is_added(), &d.file) {
                (true, _) => FileStatus::Deleted,
                (false, None) => FileStatus::Added,
                (false, Some(_)) => FileStatus::Modified,
            };
            let (insertions, deletions) = lines.unwrap_or_default();
            let binary = lines.is_none();
            FileChange { path: d.path.lossy(), status, insertions, deletions, binary }
        };
        Ok(self.differences.iter().map(change).collect())
    }
}

/// Lines that come and go; none of a binary file.
type Lines = Option<(u64, u64)>;

/// `added<TAB>removed<TAB>path`.
fn numstat(record: &[u8]) -> Option<(&[u8], Lines)> {
    let mut fields = record.splitn(3, |&b| b == b'\t');
    let mut number = || std::str::from_utf8(fields.next()?).ok().map(|text| text.parse().ok());
    let (insertions, deletions) = (number()?, number()?);
    Some((fields.next()?, insertions.zip(deletions)))
}

/// Whoever works there would see its own work go.
fn refuse_others(git: &Git, lock: &RunLock) -> Result<(), RestoreError> {
    let root = || git.root().to_owned();
    let runs = lock.others();
    if !runs.is_empty() {
        return Err(RestoreError::RunAtWork { root: root(), runs });
    }
    if let Some((run, pids)) = agent_at_work(git.root(), lock) {
        return Err(RestoreError::AgentAtWork { root: root(), run: run.to_string(), pids });
    }
    let is_there = |(file, _): &&(&str, &str)| git.git_dir().join(file).exists();
    match IN_PROGRESS.iter().find(is_there) {
        Some((_, what)) => Err(RestoreError::InProgress { root: root(), what }),
        None => Ok(()),
    }
}

/// An agent of a killed run. That a run died here is told once; after that it shows by where its
/// processes are.
fn agent_at_work(root: &Path, lock: &RunLock) -> Option<(RunId, Vec<String>)> {
    let root = root.canonicalize().unwrap_or_else(|_| root.to_owned());
    let told = |run: &RunId| (run.clone(), processes_of_run(run));
    let mut died_here = lock.dead().iter().map(told);
    let mut left_behind = runs_left_behind().into_iter().map(|run| {
        let mut pids = processes_of_run(&run);
        pids.retain(|pid| is_within(*pid, &root));
        (run, pids)
    });
    let lives = |(_, pids): &(RunId, Vec<u32>)| !pids.is_empty();
    let (run, pids) = died_here.find(lives).or_else(|| left_behind.find(lives))?;
    Some((run, pids.iter().map(ToString::to_string).collect()))
}

/// Whether a process works in a folder, as far as the system tells.
fn is_within(pid: u32, folder: &Path) -> bool {
    fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|dir| dir.starts_with(folder))
}

/// The tree that is wanted.
pub(super) fn tree_of(git: &Git, goal: &Goal) -> Result<TreeId, RestoreError> {
    let gone = || RestoreError::StateGone(goal.name.clone());
    let tree = format!("{}^{{tree}}", goal.name);
    let kept = git.ask(&["rev-parse", "--quiet", "--verify", "--end-of-options", &tree])?;
    let kept = TreeId(kept.ok_or_else(gone)?);
    let tree = goal.tree.clone().unwrap_or(kept);
    match git.ask(&["cat-file", "-e", &format!("{tree}^{{tree}}")])? {
        Some(_) => Ok(tree),
        None => Err(gone()),
    }
}

/// Says what happened where git does not find an object of a tree.
pub(super) fn gone_or(git: &Git, tree: &TreeId, name: &str, error: GitError) -> RestoreError {
    let whole = git.ask(&["rev-list", "--objects", "--quiet", &tree.0]);
    match (&error, whole) {
        (GitError::Refused { .. }, Ok(None)) => RestoreError::StateGone(name.to_owned()),
        _ => error.into(),
    }
}
