//! What differs in the working tree from the private index.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::error::GitError;
use super::path::RepoPath;

/// Arguments of the one `git` call that looks at everything.
pub(super) const STATUS: [&str; 8] = [
    "status",
    "--porcelain=v2",
    "-z",
    "--branch",
    "--no-ahead-behind",
    "--untracked-files=all",
    "--ignore-submodules=none",
    "--no-renames",
];

/// Where HEAD stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Head {
    /// The branch, without `refs/heads/`; none when detached.
    pub(super) branch: Option<String>,
    /// The commit; none where the branch has none yet.
    pub(super) commit: Option<String>,
}

/// What a path is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Now {
    /// There, with other content, mode or type, or new.
    Present,
    /// Gone.
    Absent,
    /// Nobody can tell; it is taken to be what the last snapshot has there.
    Unread { mode: String, id: String },
}

/// A path that differs from the private index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) path: RepoPath,
    pub(super) now: Now,
    /// Whether the private index does not have it.
    pub(super) untracked: bool,
}

/// A look at the working tree.
#[derive(Debug, Default)]
pub(super) struct Scan {
    pub(super) head: Head,
    pub(super) changes: Vec<Change>,
    /// Repositories within this one that have, or may have, what is not committed there.
    pub(super) inner: Vec<RepoPath>,
    /// Files that cannot be read, and folders that cannot be looked into.
    pub(super) unreadable: Vec<RepoPath>,
    /// What the look could not see, in words.
    pub(super) notes: Vec<String>,
}

impl Head {
    /// Whether the name stands for one branch alone: not so where its bytes are no text, nor where it
    /// may be the full name of another.
    pub(super) fn is_exact(&self) -> bool {
        let is_text = |name: &str| !name.contains(char::REPLACEMENT_CHARACTER);
        self.branch.as_ref().is_none_or(|name| is_text(name) && !name.starts_with("refs/"))
    }
}

impl Scan {
    pub(super) fn add(&mut self, path: &[u8], now: Now, untracked: bool) {
        self.changes.push(Change { path: RepoPath(path.to_vec()), now, untracked });
    }

    /// Adds an untracked path. One that ends with `/` is a repository of its own: git records its
    /// commit and never looks into it, and cannot add one without a commit at all.
    pub(super) fn add_untracked(&mut self, root: &Path, path: &[u8]) {
        let Some(folder) = path.strip_suffix(b"/") else {
            return self.add(path, Now::Present, true);
        };
        self.inner.push(RepoPath(folder.to_vec()));
        let shown = RepoPath(folder.to_vec()).shown();
        if has_commit(&root.join(OsStr::from_bytes(folder))) {
            self.add(folder, Now::Present, true);
            self.notes.push(format!(
                "`{shown}` is a git repository of its own: only its commit is in the diff, not its files"
            ));
        } else {
            self.notes.push(format!(
                "`{shown}` is a git repository of its own without a commit: its files are not in the diff"
            ));
        }
    }

    /// Reads the output of [`STATUS`].
    pub(super) fn parse(root: &Path, output: &[u8]) -> Result<Self, GitError> {
        let mut scan = Self::default();
        for record in output.split(|&b| b == 0).filter(|record| !record.is_empty()) {
            scan.record(root, record).ok_or(GitError::Unexpected { command: "status" })?;
        }
        Ok(scan)
    }

    fn record(&mut self, root: &Path, record: &[u8]) -> Option<()> {
        match record.first()? {
            b'#' => self.header(&String::from_utf8_lossy(record)),
            b'1' => self.tracked(root, record)?,
            b'u' => self.unmerged(root, record.splitn(11, |&b| b == b' ').nth(10)?),
            b'?' => self.add_untracked(root, record.get(2..)?),
            _ => return None,
        }
        Some(())
    }

    fn header(&mut self, line: &str) {
        if let Some(commit) = line.strip_prefix("# branch.oid ") {
            self.head.commit = (commit != "(initial)").then(|| commit.to_owned());
        } else if let Some(branch) = line.strip_prefix("# branch.head ") {
            self.head.branch = (branch != "(detached)").then(|| branch.to_owned());
        }
    }

    /// `1 XY sub mH mI mW hH hI path`; only Y, index against working tree, concerns us.
    fn tracked(&mut self, root: &Path, record: &[u8]) -> Option<()> {
        let mut fields = record.splitn(9, |&b| b == b' ');
        let state = *fields.nth(1)?.get(1)?;
        let submodule = fields.next()?;
        let path = fields.nth(5)?;
        if submodule.first() == Some(&b'S') {
            return self.submodule(submodule, state, path);
        }
        match state {
            b'.' => {}
            b'D' => self.add(path, Now::Absent, false),
            _ if !can_be_stored(root, path) => self.add(path, Now::Absent, false),
            _ => self.add(path, Now::Present, false),
        }
        Some(())
    }

    /// `S<c><m><u>`: its commit moved, it has changed files, it has untracked files.
    fn submodule(&mut self, flags: &[u8], state: u8, path: &[u8]) -> Option<()> {
        if flags.get(2..4)? != b".." {
            self.inner.push(RepoPath(path.to_vec()));
            let shown = RepoPath(path.to_vec()).shown();
            self.notes.push(format!(
                "submodule `{shown}` has uncommitted changes that are not in the diff"
            ));
        }
        match (state, flags.get(1)?) {
            (b'D', _) => self.add(path, Now::Absent, false),
            (_, b'C') | (b'T', _) => self.add(path, Now::Present, false),
            _ => {}
        }
        Some(())
    }

    fn unmerged(&mut self, root: &Path, path: &[u8]) {
        self.add(path, if can_be_stored(root, path) { Now::Present } else { Now::Absent }, false);
    }
}

/// A pipe or a socket is nothing to git.
fn can_be_stored(root: &Path, path: &[u8]) -> bool {
    let place = fs::symlink_metadata(root.join(OsStr::from_bytes(path)));
    place.is_ok_and(|place| place.is_file() || place.is_symlink() || place.is_dir())
}

fn has_commit(nested: &Path) -> bool {
    let mut command = super::command::bare_command(nested);
    // Where its `.git` is broken, git must not climb to ours and answer for that.
    if let Some(parent) = nested.parent() {
        command.env("GIT_CEILING_DIRECTORIES", parent);
    }
    command.args(["rev-parse", "--quiet", "--verify", "HEAD^{commit}"]);
    command.output().is_ok_and(|output| output.status.success())
}
