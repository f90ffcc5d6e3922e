//! What can go wrong with git.

use std::io;
use std::path::{Path, PathBuf};

use codeloops_event::TreeId;

/// Why a workspace could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Neither the folder nor one above it is a repository.
    #[error("Not a git repository")]
    NotARepository,
    /// The repository has no working tree.
    #[error("`{}` is a bare repository: codeloops needs a working tree", .0.display())]
    BareRepository(PathBuf),
    /// The `git` program is not installed.
    #[error("git not found in PATH")]
    GitMissing,
    /// The folder cannot be entered.
    #[error("cannot enter `{}`: {source}", .path.display())]
    Unreadable {
        /// The folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Git refuses a repository that belongs to another user; this is its root.
    #[error("`{}` belongs to another user, so git refuses it", .0.display())]
    ForeignOwner(PathBuf),
    /// A process that lives works on this very run.
    #[error("run {0} is still running in another process")]
    RunIsLive(String),
    /// The tree that a resumed run began with is gone.
    #[error("the tree {0} that the run began with is no longer in the repository")]
    BaseMissing(String),
    /// Anything else.
    #[error(transparent)]
    Git(#[from] GitError),
}

/// Why a working tree was not put to a state. Nothing of it was changed.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// The repository cannot be worked in.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// Runs work there.
    #[error("{} in `{}`", works(.runs), .root.display())]
    RunAtWork {
        /// The root of the working tree.
        root: PathBuf,
        /// The runs.
        runs: Vec<String>,
    },
    /// An agent that outlived its run works there.
    #[error("run {run} was killed in `{}`, and its agent still works there", .root.display())]
    AgentAtWork {
        /// The root of the working tree.
        root: PathBuf,
        /// The run.
        run: String,
        /// The processes.
        pids: Vec<String>,
    },
    /// Git is in the middle of something.
    #[error("a {what} is in progress in `{}`", .root.display())]
    InProgress {
        /// The root of the working tree.
        root: PathBuf,
        /// What.
        what: &'static str,
    },
    /// Nothing keeps that state any more.
    #[error("that state is gone from the repository: {0} was removed, or what it kept")]
    StateGone(String),
    /// What cannot be read cannot be saved.
    #[error("not all files can be read, so they could not be saved")]
    Unreadable,
    /// What no snapshot holds would be lost.
    #[error("{} ignored, so not saved, and would be overwritten", named(.0))]
    InTheWay(Vec<String>),
    /// A step failed.
    #[error(transparent)]
    Git(#[from] GitError),
}

/// Why a working tree was not made.
#[derive(Debug, thiserror::Error)]
pub enum ForkError {
    /// The state that it is to begin with cannot be had.
    #[error(transparent)]
    State(#[from] RestoreError),
    /// The commit that the run began at is gone.
    #[error("the commit {0} that the run began at is gone from the repository")]
    CommitGone(String),
    /// No branch can have that name.
    #[error("`{0}` is no name for a branch")]
    NoBranchName(String),
    /// There is a branch of that name.
    #[error("the branch `{0}` exists")]
    BranchExists(String),
    /// Something is there.
    #[error("`{}` is there, and not empty", .0.display())]
    PlaceUsed(PathBuf),
    /// It would be a change in another one.
    #[error("`{}` lies in a working tree of the repository", .0.display())]
    PlaceInTree(PathBuf),
    /// The folder above it cannot be made.
    #[error("`{}` cannot be made: {source}", .path.display())]
    Place {
        /// The folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

impl From<OpenError> for ForkError {
    fn from(error: OpenError) -> Self {
        Self::State(error.into())
    }
}

impl From<GitError> for ForkError {
    fn from(error: GitError) -> Self {
        Self::State(error.into())
    }
}

fn works(runs: &[String]) -> String {
    let verb = if runs.len() == 1 { "run" } else { "runs" };
    let works = if runs.len() == 1 { "works" } else { "work" };
    format!("{verb} {} {works}", runs.join(", "))
}

fn named(paths: &[String]) -> String {
    let some: Vec<_> = paths.iter().take(NAMED).map(|path| format!("`{path}`")).collect();
    let more = match paths.len() - some.len() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("{}{more} {}", some.join(", "), if paths.len() == 1 { "is" } else { "are" })
}

/// Paths that an error names; the rest is counted.
const NAMED: usize = 10;

/// A step that failed.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    /// The program could not be started.
    #[error("cannot run git: {0}")]
    NotStarted(io::Error),
    /// The program said no.
    #[error("`git {command}` failed: {reason}")]
    Refused {
        /// The subcommand.
        command: String,
        /// What it printed, in one line; how it ended, where it printed nothing.
        reason: String,
    },
    /// The program was ended by a signal, at whatever it was.
    #[error("`git {command}` failed: {by}")]
    Killed {
        /// The subcommand.
        command: String,
        /// The signal.
        by: String,
    },
    /// The library said no.
    #[error("cannot {action}: {}", .source.message())]
    Library {
        /// What was tried.
        action: &'static str,
        /// What it said.
        source: git2::Error,
    },
    /// The file system said no.
    #[error("cannot {action} `{}`: {source}", .path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// With what.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Git printed what it never should.
    #[error("cannot read what `git {command}` printed")]
    Unexpected {
        /// The subcommand.
        command: &'static str,
    },
    /// The working tree is gone.
    #[error("the working tree `{}` is gone", .0.display())]
    WorkTreeGone(PathBuf),
    /// The repository is gone from its working tree.
    #[error(
        "the git repository `{}` is gone: put it back, or begin anew with `git init`; your files are \
         as the agent left them",
        .0.display()
    )]
    RepositoryGone(PathBuf),
    /// An agent threw away what a snapshot is made of.
    #[error(
        "the snapshot {0} is gone from the repository: its refs (refs/codeloops) and then its objects \
         were deleted (`git gc` or `git prune`), so nobody can tell what changed since; your files \
         are as the agent left them: see what it did, then start the run anew"
    )]
    SnapshotGone(TreeId),
    /// A file of codeloops' own is not as codeloops left it.
    #[error(
        "`{}` was changed by something else, so work could be hidden from the diff: \
         see what the agent did there, then start the run anew",
        .0.display()
    )]
    Forged(PathBuf),
    /// A file of the user's git is locked.
    #[error("`{}` exists: another git is at work there, or was killed", .0.display())]
    Locked(PathBuf),
    /// A path whose state before the change cannot be put back.
    #[error("`{path}` cannot be put back: {reason}")]
    Stuck {
        /// The path, fit to be shown.
        path: String,
        /// Why.
        reason: &'static str,
    },
    /// What the critic or gates changed could not be put back.
    #[error(
        "{} changed the working tree (kept as {kept_as}), and putting it back failed: {source}",
        who_changed(.kept_as)
    )]
    NotPutBack {
        /// The ref that keeps the changed tree.
        kept_as: String,
        /// What failed.
        source: Box<Self>,
    },
    /// A look at the tree that nobody waits for any more.
    #[error("given up at the user's request")]
    GivenUp,
    /// The run ended before something was put back.
    #[error("the run is over")]
    RunIsOver,
    /// Something panicked under our feet.
    #[error("git work stopped unexpectedly: {0}")]
    Panicked(String),
}

/// Who made what a ref keeps.
pub(super) fn who_changed(kept_as: &str) -> &'static str {
    if kept_as.contains("/gates-") { "the gates" } else { "the critic" }
}

impl GitError {
    /// Whether a file was gone that had been there a moment before.
    pub(super) fn is_of_a_vanished_file(&self) -> bool {
        match self {
            Self::Io { source, .. } => source.kind() == io::ErrorKind::NotFound,
            Self::Library { source, .. } => source.code() == git2::ErrorCode::NotFound,
            Self::Refused { .. } => self.to_string().contains("No such file or directory"),
            _ => false,
        }
    }

    /// Makes an error of a file operation.
    pub(super) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { action, path, source }
    }

    /// Makes an error of a library call.
    pub(super) fn library(action: &'static str) -> impl FnOnce(git2::Error) -> Self {
        move |source| Self::Library { action, source }
    }
}
