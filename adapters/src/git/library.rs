//! The way of libgit2, in process: no program is started for a small repository.
//!
//! Where libgit2 would give another answer than git (filters, attributes, renames, odd names, a
//! large working tree) the program is asked instead, for that step alone.

use std::cell::RefCell;
use std::fs::{self, File, Metadata};
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use codeloops_event::TreeId;
use git2::{
    Delta, DiffOptions, ErrorClass, ErrorCode, Index, ObjectType, Oid, Repository,
    RepositoryOpenFlags,
};

use super::attributes::{self, Attributes};
use super::backend::{Backend, FileList};
use super::command::Git;
use super::error::GitError;
use super::library_diff::{self, Sizes};
use super::patch::PatchWriter;
use super::program::Program;
use super::scan::{Change, Head, Now, Scan};
use super::tree::{self, Entry};

/// Entries of an index up to which libgit2 looks at the working tree faster than `git status`, which
/// has to be started but then uses several threads.
const SMALL_INDEX: usize = 5_000;

/// Files up to this size are read whole.
const SMALL_FILE: u64 = 1024 * 1024;

const MODE_COMMIT: u32 = 0o160_000;
const MODE_LINK: i32 = 0o120_000;
const MODE_FILE: i32 = 0o100_644;
const MODE_PROGRAM: i32 = 0o100_755;

/// Attributes by which the content that git stores differs from the one in the working tree.
const CONVERTING: [&str; 6] = ["text", "crlf", "eol", "ident", "filter", "working-tree-encoding"];

/// Which working trees are looked at in process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ScanBy {
    /// Those with a small index.
    Size,
    /// None.
    Program,
}

/// Works in process.
pub(super) struct Library {
    repo: Repository,
    git: Git,
    /// The tree of the private index.
    tree: Oid,
    /// The tree that was written last, and how it differs from that of the index.
    written: Option<(Vec<Entry>, Oid)>,
    program: Program,
    /// Whether libgit2 looks at the working tree.
    scans: bool,
    /// Whether files are stored as they are, short of attributes.
    is_plain: bool,
    /// Whether the private index has files of attributes.
    has_attributes: bool,
    sizes: RefCell<Sizes>,
}

impl Library {
    /// Opens the repository, or says why libgit2 cannot.
    pub(super) fn open(
        git: &Git,
        index: &Path,
        tree: &TreeId,
        scan_by: ScanBy,
    ) -> Result<Self, git2::Error> {
        // Each object that is named by another one was just stored, or is named already.
        git2::opts::strict_object_creation(false);
        let none: [&Path; 0] = [];
        let repo = Repository::open_ext(git.git_dir(), RepositoryOpenFlags::NO_SEARCH, none)?;
        if repo.config()?.get_bool("core.sparseCheckout").unwrap_or(false) {
            return Err(git2::Error::from_str("sparse checkout"));
        }
        repo.set_workdir(git.root(), false)?;
        let mut index_file = Index::open(index)?;
        // So that attributes are looked up in, and lines counted by, the private index.
        repo.set_index(&mut index_file)?;
        let tree = Oid::from_str(&tree.0)?;
        repo.find_tree(tree)?;
        let is_plain = is_plain(&repo)?;
        let has_attributes = attributes::in_index(&index_file);
        let scans = scan_by == ScanBy::Size && is_plain && is_simple(&index_file);
        let program = Program::new(git.clone(), index.to_owned());
        let (git, sizes) = (git.clone(), RefCell::default());
        let written = None;
        Ok(Self { repo, git, tree, written, program, scans, is_plain, has_attributes, sizes })
    }

    fn scan_in_process(&self) -> Result<Option<Scan>, git2::Error> {
        let mut options = DiffOptions::new();
        options.include_untracked(true).recurse_untracked_dirs(true).include_typechange(true);
        // A folder that cannot be looked into is then told, and not passed over.
        options.include_unreadable(true);
        let diff = self.repo.diff_index_to_workdir(None, Some(&mut options))?;
        let mut scan = Scan { head: self.head()?, ..Scan::default() };
        for delta in diff.deltas() {
            let path = delta.new_file().path_bytes().or(delta.old_file().path_bytes());
            let path = path.unwrap_or_default();
            match delta.status() {
                Delta::Deleted => scan.add(path, Now::Absent, false),
                Delta::Modified | Delta::Typechange => scan.add(path, Now::Present, false),
                Delta::Untracked if !path.ends_with(b"/") => scan.add(path, Now::Present, true),
                _ => return Ok(None),
            }
        }
        Ok(Some(scan))
    }

    fn head(&self) -> Result<Head, git2::Error> {
        let head = self.repo.find_reference("HEAD")?;
        let branch = head.symbolic_target_bytes().map(|name| {
            let name = name.strip_prefix(b"refs/heads/").unwrap_or(name);
            String::from_utf8_lossy(name).into_owned()
        });
        let commit = match head.resolve() {
            Ok(reference) => reference.target().map(|id| id.to_string()),
            Err(error) if error.code() == ErrorCode::NotFound => None,
            Err(error) => return Err(error),
        };
        Ok(Head { branch, commit })
    }

    /// The entries of all changed paths; none where git itself has to make one of them.
    fn entries(&self, changes: &[Change]) -> Result<Option<Vec<Entry>>, GitError> {
        let attributes = Attributes::new(&self.repo, self.has_attributes);
        let mut entries = Vec::with_capacity(changes.len());
        for change in changes {
            let blob = match &change.now {
                Now::Absent => None,
                Now::Unread { mode, id } => Some(blob_of(mode, id)?),
                Now::Present => match self.blob(change, &attributes)? {
                    Stored::As(id, mode) => Some((id, mode)),
                    Stored::Gone => None,
                    Stored::ByGit => return Ok(None),
                },
            };
            entries.push(Entry { path: change.path.0.clone(), blob });
        }
        Ok(Some(entries))
    }

    /// Whether an object is there: an agent can have thrown it away.
    fn has(&self, object: Oid) -> bool {
        self.repo.odb().is_ok_and(|odb| odb.exists(object))
    }

    fn blob(&self, change: &Change, attributes: &Attributes<'_>) -> Result<Stored, GitError> {
        let path = change.path.in_root(self.git.root());
        let meta = match fs::symlink_metadata(&path) {
            Ok(meta) => meta,
            Err(error) if is_missing(&error) => return Ok(Stored::Gone),
            Err(source) => return Err(GitError::io("look at", &path)(source)),
        };
        if meta.is_symlink() {
            let target = fs::read_link(&path).map_err(GitError::io("read", &path))?;
            let id = self.repo.blob(target.as_os_str().as_bytes());
            return Ok(Stored::As(id.map_err(GitError::library("store a link"))?, MODE_LINK));
        }
        let converted = attributes.has_any(change.path.as_path(), &CONVERTING);
        if !meta.is_file() || converted.map_err(GitError::library("read attributes"))? {
            return Ok(Stored::ByGit);
        }
        let is_program = meta.permissions().mode() & 0o100 != 0;
        let mode = if is_program { MODE_PROGRAM } else { MODE_FILE };
        Ok(Stored::As(self.store(&path, &meta)?, mode))
    }

    fn store(&self, path: &Path, meta: &Metadata) -> Result<Oid, GitError> {
        if meta.len() <= SMALL_FILE {
            let content = fs::read(path).map_err(GitError::io("read", path))?;
            // Unlike `Repository::blob`, it writes no file for content that is stored already.
            let odb = self.repo.odb();
            let id = odb.and_then(|odb| odb.write(ObjectType::Blob, &content));
            let id = id.map_err(GitError::library("store a file"))?;
            self.sizes.borrow_mut().learn(id, content.len());
            return Ok(id);
        }
        match self.store_stream(path)? {
            Some(id) => Ok(id),
            None => self.store_whole(path),
        }
    }

    /// Stores as many bytes as the file has now, however it grows meanwhile. None where it shrinks:
    /// the size of an object is told first.
    fn store_stream(&self, path: &Path) -> Result<Option<Oid>, GitError> {
        let failed = "store a file";
        let file = File::open(path).map_err(GitError::io("read", path))?;
        let size = file.metadata().map_err(GitError::io("read", path))?.len();
        let odb = self.repo.odb().map_err(GitError::library(failed))?;
        let told = usize::try_from(size).unwrap_or(usize::MAX);
        let mut writer = odb.writer(told, ObjectType::Blob).map_err(GitError::library(failed))?;
        let stored = io::copy(&mut file.take(size), &mut writer);
        if stored.map_err(GitError::io("store", path))? < size {
            return Ok(None);
        }
        writer.flush().map_err(GitError::io("store", path))?;
        writer.finalize().map(Some).map_err(GitError::library(failed))
    }

    fn store_whole(&self, path: &Path) -> Result<Oid, GitError> {
        let file = File::open(path).map_err(GitError::io("read", path))?;
        let size = file.metadata().map_err(GitError::io("read", path))?.len();
        let mut content = Vec::new();
        file.take(size).read_to_end(&mut content).map_err(GitError::io("read", path))?;
        self.repo.blob(&content).map_err(GitError::library("store a file"))
    }
}

impl Backend for Library {
    fn scan(&mut self) -> Result<Scan, GitError> {
        if self.scans {
            match self.scan_in_process() {
                Ok(Some(scan)) => return Ok(scan),
                Ok(None) => {}
                // It gives up where a file cannot be read; git does not.
                Err(error) => tracing::debug!(%error, "looked at by git"),
            }
        }
        self.program.scan()
    }

    fn write_tree(&mut self, changes: &[Change]) -> Result<TreeId, GitError> {
        let entries = if self.is_plain { self.entries(changes)? } else { None };
        let Some(entries) = entries else { return self.program.write_tree(changes) };
        let tree = match &self.written {
            Some((last, tree)) if *last == entries && self.has(*tree) => *tree,
            _ => match tree::update(&self.repo, self.tree, &entries) {
                Ok(tree) => tree,
                // A name that git does not take, which it then leaves out.
                Err(error) if error.class() == ErrorClass::Tree => {
                    return self.program.write_tree(changes);
                }
                Err(error) => return Err(GitError::library("write a tree")(error)),
            },
        };
        self.written = Some((entries, tree));
        Ok(TreeId(tree.to_string()))
    }

    fn keep(&mut self, name: &str, tree: &TreeId) -> Result<(), GitError> {
        let id = Oid::from_str(&tree.0);
        id.and_then(|id| self.repo.reference(name, id, true, "codeloops snapshot").map(drop))
            .map_err(GitError::library("keep a snapshot"))
    }

    fn diff(
        &mut self,
        old: &TreeId,
        new: &TreeId,
        patch: &mut PatchWriter,
    ) -> Result<FileList, GitError> {
        let attributes = Attributes::new(&self.repo, self.has_attributes);
        match library_diff::write(&self.repo, &attributes, self.sizes.get_mut(), [old, new], patch)?
        {
            Some(files) => Ok(files),
            None => self.program.diff(old, new, patch),
        }
    }

    fn reload(&mut self) -> Result<(), GitError> {
        let index = self.repo.index();
        index
            .and_then(|mut index| index.read(true))
            .map_err(GitError::library("read the private index"))
    }
}

/// How a changed path gets into the object store.
enum Stored {
    As(Oid, i32),
    Gone,
    ByGit,
}

/// Submodules have rules of their own, which git knows best.
fn is_simple(index: &Index) -> bool {
    index.len() <= SMALL_INDEX && !index.iter().any(|entry| entry.mode == MODE_COMMIT)
}

fn is_plain(repo: &Repository) -> Result<bool, git2::Error> {
    let config = repo.config()?;
    let converts = config.get_string("core.autocrlf").is_ok_and(|value| {
        !["false", "no", "off", "0", ""].contains(&value.to_lowercase().as_str())
    });
    Ok(!converts
        && config.get_bool("core.fileMode").unwrap_or(true)
        && config.get_bool("core.symlinks").unwrap_or(true)
        && !config.get_bool("core.ignoreCase").unwrap_or(false)
        && !config.get_bool("core.precomposeUnicode").unwrap_or(false))
}

/// What `ls-tree` says of a file.
fn blob_of(mode: &str, id: &str) -> Result<(Oid, i32), GitError> {
    let mode = i32::from_str_radix(mode, 8).ok();
    let blob = Oid::from_str(id).ok().zip(mode);
    blob.ok_or(GitError::Unexpected { command: "ls-tree" })
}

fn is_missing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}
