//! Working trees that begin with what a run left: a fork works in one of its own, on a branch of its
//! own, and the user's stays as it is.

use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use codeloops_event::TreeId;

use super::command::{self, Git};
use super::discover::discover;
use super::error::{ForkError, GitError};
use super::private_index;
use super::restore_plan::{Goal, gone_or, tree_of};

/// A number behind a name that is taken already is tried up to this one.
const LAST_TRIED: u32 = 1000;

/// What is to be made.
#[derive(Debug, Clone)]
pub struct Fork {
    /// The state that it begins with.
    pub goal: Goal,
    /// The commit that its branch begins at; none where the repository had none.
    pub commit: Option<String>,
    /// Its branch; else one is named after `name`.
    pub branch: Option<String>,
    /// Its folder; else one beside the repository, named after `name`. Absolute.
    pub place: Option<PathBuf>,
    /// What it is named after.
    pub name: String,
}

/// Where it comes to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForkPlan {
    /// The root of the working tree that the state is of.
    pub origin: PathBuf,
    /// The root of the new one.
    pub root: PathBuf,
    /// The folder in it that stands for the one that the run worked in.
    pub dir: PathBuf,
    /// Its branch.
    pub branch: String,
}

/// A working tree that was made.
pub struct ForkedTree {
    git: Git,
    own: Git,
    tree: TreeId,
    commit: Option<String>,
    plan: ForkPlan,
}

impl Fork {
    /// Finds where it would come to be. Nothing is written.
    ///
    /// # Errors
    ///
    /// Where it cannot be.
    pub fn plan(&self) -> Result<ForkPlan, ForkError> {
        let git = discover(&self.goal.dir)?;
        tree_of(&git, &self.goal)?;
        if let Some(commit) = &self.commit
            && git.ask(&["cat-file", "-e", &format!("{commit}^{{commit}}")])?.is_none()
        {
            return Err(ForkError::CommitGone(commit.clone()));
        }
        self.refuse_name(&git)?;
        let (branch, root) = self.free_names(&git)?;
        refuse_place(&git, &root)?;
        let below = real(&self.goal.dir);
        let below = below.strip_prefix(real(git.root())).unwrap_or(Path::new("")).to_owned();
        // A path joined to nothing ends in a slash.
        let dir = root.join(below).components().collect();
        Ok(ForkPlan { origin: git.root().to_owned(), dir, root, branch })
    }

    /// Makes it.
    ///
    /// # Errors
    ///
    /// Where it cannot be; what was begun is taken away again.
    pub fn make(&self) -> Result<ForkedTree, ForkError> {
        let plan = self.plan()?;
        let git = discover(&self.goal.dir)?;
        let tree = tree_of(&git, &self.goal)?;
        add(&git, &plan, self.commit.as_deref())?;
        let (commit, root) = (self.commit.clone(), plan.root.clone());
        let forked = match discover(&root) {
            Ok(own) => ForkedTree { git, own, tree, commit, plan },
            Err(error) => return Err(error.into()),
        };
        match forked.fill() {
            Ok(()) => Ok(forked),
            Err(error) => {
                forked.take_away()?;
                Err(gone_or(&forked.git, &forked.tree, &self.goal.name, error).into())
            }
        }
    }

    /// A branch that the user named must be one, and new.
    fn refuse_name(&self, git: &Git) -> Result<(), ForkError> {
        let Some(branch) = &self.branch else { return Ok(()) };
        if git.ask(&["check-ref-format", "--branch", branch])?.as_deref() != Some(branch) {
            return Err(ForkError::NoBranchName(branch.clone()));
        }
        if has_branch(git, branch)? {
            return Err(ForkError::BranchExists(branch.clone()));
        }
        Ok(())
    }

    /// The first names that are free, both with the same number.
    fn free_names(&self, git: &Git) -> Result<(String, PathBuf), ForkError> {
        let (beside, given) = (beside(git)?, self.place.as_deref().map(real));
        let numbered = |number: u32| match number {
            1 => self.name.clone(),
            number => format!("{}.{number}", self.name),
        };
        for name in (1..LAST_TRIED).map(numbered) {
            let branch = self.branch.clone().unwrap_or_else(|| format!("codeloops/{name}"));
            let place = given.clone().unwrap_or_else(|| beside.join(&name));
            let is_free = self.branch.is_some() || !has_branch(git, &branch)?;
            if is_free && (given.is_some() || place.symlink_metadata().is_err()) {
                return Ok((branch, place));
            }
        }
        Err(ForkError::BranchExists(format!("codeloops/{}", self.name)))
    }
}

impl ForkedTree {
    /// Where it is.
    #[must_use]
    pub const fn plan(&self) -> &ForkPlan {
        &self.plan
    }

    /// Takes it away where nothing was done in it; tells whether it is gone.
    ///
    /// # Errors
    ///
    /// Where it cannot be looked at, or taken away.
    pub fn remove_untouched(self) -> Result<bool, GitError> {
        if !self.is_untouched()? {
            return Ok(false);
        }
        self.take_away().map(|()| true)
    }

    /// The files of the state; the index as the commit has them, so that what was not committed shows as
    /// such.
    fn fill(&self) -> Result<(), GitError> {
        if let Some(commit) = &self.commit {
            self.own.run(None, &["read-tree", commit], b"")?;
        }
        let files = self.files();
        self.own.run(Some(&files), &["read-tree", &self.tree.0], b"")?;
        let checked_out = self.own.run(Some(&files), &["checkout-index", "--all", "--quiet"], b"");
        fs::remove_file(&files).ok();
        checked_out?;
        fs::create_dir_all(&self.plan.dir).map_err(GitError::io("create", &self.plan.dir))?;
        // So that git does not read all files at its first look; that some differ is no failure.
        self.own.ask(&["update-index", "-q", "--refresh"])?;
        if private_index::is_sparse(&self.own)? {
            // What differs from the commit stays, outside of what is wanted too.
            self.own.ask(&["sparse-checkout", "reapply"])?;
        }
        Ok(())
    }

    /// An index for a moment.
    fn files(&self) -> PathBuf {
        self.own.git_dir().join("codeloops-files")
    }

    fn is_untouched(&self) -> Result<bool, GitError> {
        let head = self.own.ask(&["rev-parse", "--quiet", "--verify", "HEAD"])?;
        if head != self.commit {
            return Ok(false);
        }
        let files = self.files();
        self.own.run(Some(&files), &["read-tree", &self.tree.0], b"")?;
        let args = ["status", "--porcelain", "--untracked-files=all", "--no-renames", "-z"];
        let looked = self.own.run(Some(&files), &args, b"");
        fs::remove_file(&files).ok();
        // `XY path`: X is the index against HEAD, Y the working tree against the index.
        let is_same = |entry: &[u8]| entry.is_empty() || (entry[0] != b'?' && entry[1] == b' ');
        Ok(looked?.split(|&b| b == 0).all(is_same))
    }

    fn take_away(&self) -> Result<(), GitError> {
        let root = self.plan.root.to_string_lossy();
        self.git.run(None, &["worktree", "remove", "--force", &root], b"")?;
        let branch = format!("refs/heads/{}", self.plan.branch);
        if let Some(commit) = &self.commit {
            self.git.run(None, &["update-ref", "-d", &branch, commit], b"")?;
        }
        leave_no_folder(&self.plan.root);
        Ok(())
    }
}

/// Registers the new working tree, without files.
fn add(git: &Git, plan: &ForkPlan, commit: Option<&str>) -> Result<(), ForkError> {
    if let Some(folder) = plan.root.parent() {
        fs::create_dir_all(folder)
            .map_err(|source| ForkError::Place { path: plan.root.clone(), source })?;
    }
    let root = plan.root.to_string_lossy();
    let args: &[&str] = match commit {
        Some(commit) => &["--no-checkout", "--no-track", "-b", &plan.branch, &root, commit],
        None => &["--orphan", "-b", &plan.branch, &root],
    };
    let added = git.run(None, &[&["worktree", "add", "--quiet"], args].concat(), b"");
    if added.is_err() {
        leave_no_folder(&plan.root);
    }
    Ok(added.map(drop)?)
}

/// Removes the folder that a working tree was in. With others in it, it stays.
fn leave_no_folder(root: &Path) {
    if let Some(folder) = root.parent() {
        fs::remove_dir(folder).ok();
    }
}

fn has_branch(git: &Git, branch: &str) -> Result<bool, GitError> {
    let name = format!("refs/heads/{branch}");
    Ok(git.ask(&["show-ref", "--verify", "--quiet", &name])?.is_some())
}

/// The folder for forks beside the main working tree; of a bare repository, beside that.
fn beside(git: &Git) -> Result<PathBuf, GitError> {
    let common = real(&git.common_dir()?);
    let main = match common.file_name() {
        Some(name) if name == ".git" => common.parent().unwrap_or(&common).to_owned(),
        _ if common == real(git.git_dir()) => real(git.root()),
        _ => common,
    };
    let mut folder = main.into_os_string();
    folder.push("-forks");
    Ok(folder.into())
}

/// Within a working tree of the repository it would be a change there, unless it is ignored.
fn refuse_place(git: &Git, place: &Path) -> Result<(), ForkError> {
    let used = || ForkError::PlaceUsed(place.to_owned());
    match fs::read_dir(place).map(|mut entries| entries.next().is_some()) {
        Ok(true) => return Err(used()),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => return Err(used()),
        _ => {}
    }
    let in_tree = || ForkError::PlaceInTree(place.to_owned());
    let place_now = real(place);
    let common = real(&git.common_dir()?);
    // A bare repository may well have its working trees within it.
    if common.file_name().is_some_and(|name| name == ".git") && place_now.starts_with(&common) {
        return Err(in_tree());
    }
    let Some(around) = tree_around(git, &place_now)? else { return Ok(()) };
    let root = real(around.root());
    let below = place_now.strip_prefix(&root).unwrap_or(&place_now);
    let input = [b"./", below.as_os_str().as_bytes(), b"/\0"].concat();
    let mut ask =
        around.command(None, &["--no-literal-pathspecs", "check-ignore", "-z", "--stdin"]);
    let output = command::output(&mut ask, &input).map_err(GitError::NotStarted)?;
    if output.status.success() { Ok(()) } else { Err(in_tree()) }
}

/// The working tree of this repository that a path lies in; none where it lies in none.
fn tree_around(git: &Git, path: &Path) -> Result<Option<Git>, GitError> {
    let Some(there) = path.ancestors().find(|folder| folder.is_dir()) else { return Ok(None) };
    // What is in no repository is no change anywhere.
    let Ok(around) = discover(there) else { return Ok(None) };
    let is_same = real(&around.common_dir()?) == real(&git.common_dir()?);
    Ok(is_same.then_some(around))
}

/// The real path of what may not exist yet.
fn real(path: &Path) -> PathBuf {
    if let Ok(real) = path.canonicalize() {
        return real;
    }
    match (path.parent(), path.file_name()) {
        (Some(parent), Some(name)) => real(parent).join(name),
        _ => path.to_owned(),
    }
}
