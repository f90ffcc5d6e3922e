//! The way of the `git` program: every repository that git knows.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::Output;
use std::thread;

use codeloops_event::{FileChange, FileStatus, TreeId};

use super::backend::{Backend, FileList};
use super::command::{self, Git};
use super::error::GitError;
use super::folder_times;
use super::index_copy;
use super::patch::PatchWriter;
use super::path::RepoPath;
use super::scan::{Change, Now, STATUS, Scan};
use super::unreadable;

/// How a diff is written. `diff-tree` reads no diff settings of the user's; what is left is said here.
pub(super) const PATCH: [&str; 11] = [
    "-M",
    "-l1000",
    "-p",
    "--full-index",
    "--no-ext-diff",
    "--no-textconv",
    "--no-color",
    "--submodule=short",
    "--src-prefix=a/",
    "--dst-prefix=b/",
    "--end-of-options",
];

/// A diff, and before it what [`read_diff`] reads of each file.
const DIFF: [&str; 5] = ["diff-tree", "-r", "--raw", "--numstat", "-z"];

/// How often files are stored that change meanwhile: git refuses one that got shorter while it was
/// read, or is killed by it.
const TRIES: usize = 4;

/// Calls `git` for everything.
pub(super) struct Program {
    git: Git,
    /// The private index, never written to while the run goes on.
    index: PathBuf,
    /// A copy of it on which a snapshot is made.
    scratch: PathBuf,
}

impl Program {
    pub(super) fn new(git: Git, index: PathBuf) -> Self {
        let scratch = index.with_extension("scratch");
        Self { git, index, scratch }
    }

    /// Looks for the first time, and has git note in the private index what it learned: the times
    /// of files, and which folders hold nothing new. Later looks then read only the folders that
    /// changed, which is a third of the work in a large repository.
    pub(super) fn first_scan(&self) -> Result<Scan, GitError> {
        let root = self.git.root();
        let notes_folders = self.index.parent().is_some_and(|dir| folder_times::tell(dir, root));
        let cache = if notes_folders { "true" } else { "false" };
        let setting = format!("core.untrackedCache={cache}");
        self.seen(self.git.run_and_learn(&self.index, &setting, &STATUS)?)
    }

    fn seen(&self, output: Output) -> Result<Scan, GitError> {
        let mut scan = Scan::parse(self.git.root(), &output.stdout)?;
        scan.unreadable.extend(unreadable::folders(&output.stderr));
        Ok(scan)
    }

    /// Applies changes to an index file, and stores the files.
    pub(super) fn update(&self, index: &Path, changes: &[Change]) -> Result<(), GitError> {
        self.forget(index, changes)?;
        self.keep_unread(index, changes)?;
        let present = paths(changes, &Now::Present);
        if present.is_empty() {
            return Ok(());
        }
        for _ in 1..TRIES {
            if self.add(index, &present).is_ok() {
                return Ok(());
            }
            // A git that was killed leaves it.
            index_copy::remove(&lock_of(index))?;
        }
        self.add(index, &present)
    }

    fn add(&self, index: &Path, present: &[u8]) -> Result<(), GitError> {
        let args = ["update-index", "--add", "--remove", "--replace", "-z", "--stdin"];
        self.git.run(Some(index), &args, present).map(drop)
    }

    /// Writes the tree of an index file.
    pub(super) fn tree(&self, index: &Path) -> Result<TreeId, GitError> {
        let tree = self.git.run(Some(index), &["write-tree"], b"")?;
        Ok(TreeId(String::from_utf8_lossy(&tree).trim().to_owned()))
    }

    /// Takes paths out by name alone: one may now lie behind a symbolic link, where git does not
    /// look.
    fn forget(&self, index: &Path, changes: &[Change]) -> Result<(), GitError> {
        let gone = paths(changes, &Now::Absent);
        if gone.is_empty() {
            return Ok(());
        }
        let args = ["update-index", "--force-remove", "-z", "--stdin"];
        self.git.run(Some(index), &args, &gone).map(drop)
    }

    /// Puts in what cannot be read, as it is known.
    fn keep_unread(&self, index: &Path, changes: &[Change]) -> Result<(), GitError> {
        let known: Vec<u8> = changes.iter().filter_map(record).flatten().collect();
        if known.is_empty() {
            return Ok(());
        }
        let args = ["update-index", "--add", "--replace", "-z", "--index-info"];
        self.git.run(Some(index), &args, &known).map(drop)
    }
}

/// What is known of a path that cannot be read, as `--index-info -z` takes it.
fn record(change: &Change) -> Option<Vec<u8>> {
    let Now::Unread { mode, id } = &change.now else { return None };
    Some([format!("{mode} {id}\t").as_bytes(), &change.path.0, b"\0"].concat())
}

impl Backend for Program {
    fn scan(&mut self) -> Result<Scan, GitError> {
        self.seen(self.git.run_and_tell(&self.index, &STATUS)?)
    }

    fn write_tree(&mut self, changes: &[Change]) -> Result<TreeId, GitError> {
        index_copy::copy(&self.index, &self.scratch)?;
        let tree = self.update(&self.scratch, changes).and_then(|()| self.tree(&self.scratch));
        fs::remove_file(&self.scratch).ok();
        tree
    }

    fn keep(&mut self, name: &str, tree: &TreeId) -> Result<(), GitError> {
        self.git.run(None, &["update-ref", "--no-deref", name, &tree.0], b"").map(drop)
    }

    fn diff(
        &mut self,
        old: &TreeId,
        new: &TreeId,
        patch: &mut PatchWriter,
    ) -> Result<FileList, GitError> {
        let args = [&DIFF[..], &PATCH, &[&old.0, &new.0]].concat();
        let mut child = self.git.spawn(&self.index, &args)?;
        let (Some(stdout), Some(mut stderr)) = (child.stdout.take(), child.stderr.take()) else {
            return Err(GitError::Unexpected { command: "diff-tree" });
        };
        let (files, errors) = thread::scope(|scope| {
            let errors = scope.spawn(move || {
                let mut text = Vec::new();
                stderr.read_to_end(&mut text).map(|_| text).unwrap_or_default()
            });
            let files = read_diff(BufReader::with_capacity(64 * 1024, stdout), patch);
            (files, errors.join().unwrap_or_default())
        });
        // A reader that gave up has closed the pipe, so the program ends by itself.
        let status = child.wait().map_err(GitError::NotStarted)?;
        match files {
            Err(error @ GitError::Io { .. }) => Err(error),
            _ if !status.success() => Err(command::refused(&args, status, &errors)),
            files => files,
        }
    }

    fn reload(&mut self) -> Result<(), GitError> {
        Ok(())
    }
}

/// Git's lock of an index file.
fn lock_of(index: &Path) -> PathBuf {
    let mut lock = index.as_os_str().to_owned();
    lock.push(".lock");
    lock.into()
}

/// Paths of changes of one kind, as `--stdin -z` takes them.
fn paths(changes: &[Change], now: &Now) -> Vec<u8> {
    let of_kind = changes.iter().filter(|change| change.now == *now);
    of_kind.flat_map(|change| [&change.path.0[..], b"\0"].concat()).collect()
}

const UNREADABLE: GitError = GitError::Unexpected { command: "diff-tree" };

/// Reads what [`DIFF`] prints: raw records, as many numstat records, a NUL, the patch.
fn read_diff(mut from: impl BufRead, patch: &mut PatchWriter) -> Result<FileList, GitError> {
    let mut raw = Vec::new();
    while peek(&mut from)? == Some(b':') {
        raw.push(read_raw(&mut from)?);
    }
    let mut files = FileList::default();
    for (path, status) in raw {
        files.push(read_numstat(&mut from, path, status)?);
    }
    if peek(&mut from)? == Some(0) {
        from.consume(1);
    }
    loop {
        let chunk = from.fill_buf().map_err(GitError::NotStarted)?;
        if chunk.is_empty() {
            return Ok(files);
        }
        patch.write(chunk)?;
        let length = chunk.len();
        from.consume(length);
    }
}

fn peek(from: &mut impl BufRead) -> Result<Option<u8>, GitError> {
    from.fill_buf().map(|chunk| chunk.first().copied()).map_err(GitError::NotStarted)
}

fn field(from: &mut impl BufRead) -> Result<Vec<u8>, GitError> {
    let mut bytes = Vec::new();
    from.read_until(0, &mut bytes).map_err(GitError::NotStarted)?;
    if bytes.pop() == Some(0) { Ok(bytes) } else { Err(UNREADABLE) }
}

/// `:mode mode id id X` and one path, or two for a rename.
fn read_raw(from: &mut impl BufRead) -> Result<(RepoPath, FileStatus), GitError> {
    let record = field(from)?;
    let letter = record.split(|&b| b == b' ').nth(4).and_then(|word| word.first());
    let status = match letter {
        Some(b'A') => FileStatus::Added,
        Some(b'D') => FileStatus::Deleted,
        Some(b'M') => FileStatus::Modified,
        Some(b'T') => FileStatus::TypeChanged,
        Some(b'R') => {
            field(from)?;
            FileStatus::Renamed
        }
        _ => return Err(UNREADABLE),
    };
    Ok((RepoPath(field(from)?), status))
}

/// `added<TAB>removed<TAB>path`; a rename has an empty path, then the old and the new one.
fn read_numstat(
    from: &mut impl BufRead,
    path: RepoPath,
    status: FileStatus,
) -> Result<FileChange, GitError> {
    let record = field(from)?;
    let mut fields = record.splitn(3, |&b| b == b'\t');
    let mut count = || {
        let digits = fields.next().ok_or(UNREADABLE)?;
        Ok::<_, GitError>(std::str::from_utf8(digits).ok().and_then(|text| text.parse().ok()))
    };
    let (insertions, deletions): (Option<u64>, Option<u64>) = (count()?, count()?);
    if fields.next().ok_or(UNREADABLE)?.is_empty() {
        field(from)?;
        field(from)?;
    }
    Ok(FileChange {
        path: path.lossy(),
        status,
        insertions: insertions.unwrap_or(0),
        deletions: deletions.unwrap_or(0),
        binary: insertions.is_none(),
    })
}
