//! Puts files back with the bytes and permissions that they had.
//!
//! They are made in a folder of the run's own first, as git checks them out. Only where all of them
//! are as they were is the working tree touched: git may have stored other bytes than a file had
//! (line ends, filters), and then nobody has them any more. What is there now is replaced only where
//! it is what was looked at.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, DirBuilder, File, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use codeloops_event::TreeId;

use super::command::Git;
use super::error::GitError;
use super::fingerprint::Fingerprint;
use super::path::RepoPath;
use super::present::Present;
use super::restore::told;
use super::restore_raw;

/// What is known of a file as it was.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known {
    /// In bytes, modulo 2^32 as git has it; none where git does not know it.
    size: Option<u32>,
    pub(super) inode: Inode,
    /// None where only git's word on them is known.
    permissions: Option<u32>,
}

impl Known {
    /// Of a file that was in another place: nothing is known but who may do what with it.
    pub(super) const fn by_permissions(permissions: u32) -> Self {
        Self { size: None, inode: Inode::new(0), permissions: Some(permissions) }
    }

    /// None for what is no file.
    #[expect(clippy::cast_possible_truncation, reason = "git keeps the lower half")]
    pub(super) fn from_look(look: &Fingerprint) -> Option<Self> {
        let (size, inode, permissions) = look.file()?;
        Some(Self {
            size: Some(size as u32),
            inode: Inode::new(inode),
            permissions: Some(permissions),
        })
    }
}

/// Which file it is, as git has it: modulo 2^32.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Inode(u32);

impl Inode {
    #[expect(clippy::cast_possible_truncation, reason = "git keeps the lower half")]
    const fn new(inode: u64) -> Self {
        Self(inode as u32)
    }

    pub(super) fn of(file: &fs::Metadata) -> Self {
        Self::new(file.ino())
    }
}

/// What an index says of its files.
pub(super) fn known_to_index(
    git: &Git,
    index: &Path,
) -> Result<BTreeMap<RepoPath, Known>, GitError> {
    let output = git.run(Some(index), &["ls-files", "-z", "--debug"], b"")?;
    let mut known = BTreeMap::new();
    let mut rest = &output[..];
    while !rest.is_empty() {
        let (path, below) = record(rest).ok_or(GitError::Unexpected { command: "ls-files" })?;
        let (file, after) = stat(below).ok_or(GitError::Unexpected { command: "ls-files" })?;
        known.insert(RepoPath(path.to_vec()), file);
        rest = after;
    }
    Ok(known)
}

/// A path up to its NUL, and the rest.
fn record(output: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = output.iter().position(|&b| b == 0)?;
    Some((&output[..end], &output[end + 1..]))
}

/// Five lines of `name: value`, two of them with a tab and a second such pair, and the rest.
fn stat(output: &[u8]) -> Option<(Known, &[u8])> {
    let ends = output.iter().enumerate().filter(|(_, b)| **b == b'\n').map(|(at, _)| at);
    let end = ends.take(5).nth(4)?;
    let text = std::str::from_utf8(&output[..end]).ok()?;
    let value = |name: &str| {
        let pair = text.split(['\n', '\t']).find_map(|pair| pair.trim().strip_prefix(name))?;
        pair.trim().parse::<u32>().ok()
    };
    // Zero also stands for "to be looked at".
    let size = Some(value("size:")?).filter(|size| *size != 0);
    Some((Known { size, inode: Inode(value("ino:")?), permissions: None }, &output[end + 1..]))
}

/// Files on their way back.
pub(super) struct Staged<'p> {
    folder: PathBuf,
    paths: Vec<&'p RepoPath>,
    /// Whether one of them went through a filter that may not give back what it took.
    is_filtered: bool,
}

impl<'p> Staged<'p> {
    /// Makes files of the tree `before` in `folder`. `scratch` is a path for a moment.
    pub(super) fn make(
        git: &Git,
        before: &TreeId,
        paths: Vec<&'p RepoPath>,
        scratch: &Path,
        folder: PathBuf,
    ) -> Result<Self, GitError> {
        remove_all(&folder)?;
        let mut staged = Self { folder, paths, is_filtered: false };
        if staged.paths.is_empty() {
            return Ok(staged);
        }
        let io = GitError::io("create", &staged.folder);
        DirBuilder::new().mode(0o700).create(&staged.folder).map_err(io)?;
        git.run(Some(scratch), &["read-tree", &before.0], b"")?;
        let list: Vec<u8> = staged.paths.iter().flat_map(|p| [&p.0[..], b"\0"].concat()).collect();
        // The attributes are those of `before` too: here git finds no others.
        let beside = Git::new(git.git_dir(), &staged.folder);
        let done = beside.run(Some(scratch), &["checkout-index", "-f", "-z", "--stdin"], &list);
        let filtered = is_filtered(&beside, scratch, &list);
        fs::remove_file(scratch).ok();
        done?;
        staged.is_filtered = filtered?;
        Ok(staged)
    }

    /// The objects of their bytes.
    pub(super) fn ids(&self, git: &Git, paths: &[&RepoPath]) -> Result<Vec<String>, GitError> {
        if paths.is_empty() {
            return Ok(Vec::new());
        }
        restore_raw::ids(&Git::new(git.git_dir(), &self.folder), paths)
    }

    /// Gives some of them other bytes than git checks out.
    pub(super) fn overwrite(&self, path: &RepoPath, bytes: &[u8]) -> Result<(), GitError> {
        let file = path.in_root(&self.folder);
        fs::write(&file, bytes).map_err(GitError::io("write", &file))
    }

    /// Whether each file has the size that it had: every conversion of git's own changes the size. A
    /// program that is set as a filter may do anything.
    pub(super) fn is_exact(&self, known: &BTreeMap<&RepoPath, Known>) -> Result<bool, GitError> {
        if self.is_filtered {
            return Ok(false);
        }
        for path in &self.paths {
            let (staged, known) = (path.in_root(&self.folder), known.get(path));
            let file = fs::symlink_metadata(&staged).map_err(GitError::io("look at", &staged))?;
            #[expect(clippy::cast_possible_truncation, reason = "git keeps the lower half")]
            let size = file.len() as u32;
            if file.is_file() && known.and_then(|k| k.size).is_some_and(|known| known != size) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Whether nothing is in the way but what is `added`, and goes.
    pub(super) fn has_way(&self, root: &Path, added: &BTreeSet<&RepoPath>) -> bool {
        self.paths.iter().all(|path| {
            let place = fs::symlink_metadata(path.in_root(root));
            !place.is_ok_and(|place| place.is_dir()) || holds_only(root, path, added)
        })
    }

    /// Lays those of the files that are `wanted` in place. What is there is replaced, but for folders
    /// with ignored files, for what is not as it was looked at, and for what cannot be. Tells whether
    /// there was none.
    pub(super) fn place(
        &self,
        root: &Path,
        known: &BTreeMap<&RepoPath, Known>,
        present: &Present,
        wanted: impl Fn(&RepoPath) -> bool,
    ) -> bool {
        let wanted: Vec<_> = self.paths.iter().filter(|path| wanted(path)).collect();
        let has_way = |path: &&RepoPath| {
            present.is_still(root, path) && make_way(root, path).inspect_err(told).is_ok()
        };
        let free: Vec<_> = wanted.iter().copied().filter(|path| has_way(path)).collect();
        let laid = free.iter().filter(|path| {
            let (from, to) = (path.in_root(&self.folder), path.in_root(root));
            let lay = || lay(&from, &to, known.get(**path)).map_err(GitError::io("put back", &to));
            make_folders(root, path).and_then(|()| lay()).inspect_err(told).is_ok()
        });
        laid.count() == wanted.len()
    }
}

impl Drop for Staged<'_> {
    fn drop(&mut self) {
        remove_all(&self.folder).ok();
    }
}

pub(super) fn holds_only(root: &Path, folder: &RepoPath, added: &BTreeSet<&RepoPath>) -> bool {
    let Ok(mut entries) = fs::read_dir(folder.in_root(root)) else { return false };
    entries.all(|entry| {
        let Ok(entry) = entry else { return false };
        let path = folder.entry(&entry.file_name());
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        if is_folder { holds_only(root, &path, added) } else { added.contains(&path) }
    })
}

/// Whether one of the paths goes through a program that is set as a filter. That of Git LFS gives
/// back what it took, by a digest. The attributes are those of the index `scratch`.
fn is_filtered(git: &Git, scratch: &Path, list: &[u8]) -> Result<bool, GitError> {
    let args = ["check-attr", "--cached", "-z", "--stdin", "filter"];
    let output = git.run(Some(scratch), &args, list)?;
    // `path`, `filter`, value.
    let values: BTreeSet<_> = output.split(|&b| b == 0).skip(2).step_by(3).collect();
    for value in values {
        let name = String::from_utf8_lossy(value);
        let is_driver = !["unspecified", "unset", "set", "lfs", ""].contains(&&*name);
        let is_set = |key: &str| git.ask(&["config", "--get", &format!("filter.{name}.{key}")]);
        if is_driver && (is_set("clean")?.is_some() || is_set("process")?.is_some()) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn remove_all(folder: &Path) -> Result<(), GitError> {
    match fs::remove_dir_all(folder) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            Err(GitError::io("remove", folder)(source))
        }
        _ => Ok(()),
    }
}

/// Removes a folder in the place of a file, where it holds nothing but folders.
fn make_way(root: &Path, path: &RepoPath) -> Result<(), GitError> {
    let place = path.in_root(root);
    if !fs::symlink_metadata(&place).is_ok_and(|meta| meta.is_dir()) {
        return Ok(());
    }
    remove_hollow(&place).map_err(|_| stuck(path, "a folder with ignored files is in its place"))
}

fn remove_hollow(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        // One that is no folder makes this fail.
        remove_hollow(&entry?.path())?;
    }
    fs::remove_dir(folder)
}

/// Makes the folders above a path. One that is a link would lead out of the working tree.
fn make_folders(root: &Path, path: &RepoPath) -> Result<(), GitError> {
    let above: Vec<&Path> = path.as_path().ancestors().skip(1).collect();
    for folder in above.into_iter().rev().filter(|folder| !folder.as_os_str().is_empty()) {
        let folder = root.join(folder);
        match fs::symlink_metadata(&folder) {
            Ok(meta) if meta.is_dir() => {}
            Ok(_) => return Err(stuck(path, "an ignored file is in the place of its folder")),
            Err(_) => fs::create_dir(&folder).map_err(GitError::io("create", &folder))?,
        }
    }
    Ok(())
}

fn stuck(path: &RepoPath, reason: &'static str) -> GitError {
    GitError::Stuck { path: path.shown(), reason }
}

fn lay(from: &Path, to: &Path, known: Option<&Known>) -> io::Result<()> {
    let staged = fs::symlink_metadata(from)?;
    let now = fs::symlink_metadata(to).ok();
    if staged.is_symlink() {
        remove(to)?;
        return symlink(fs::read_link(from)?, to);
    }
    let there = now.filter(fs::Metadata::is_file);
    let mode = known.and_then(|known| known.permissions).unwrap_or_else(|| {
        // What the critic left says who else may read it; git says whether it is a program.
        let now =
            there.as_ref().map_or(staged.permissions().mode(), |now| now.permissions().mode());
        let reads = now & 0o444;
        if staged.permissions().mode() & 0o100 == 0 { now & !0o111 } else { now | (reads >> 2) }
    });
    let is_same =
        there.is_some_and(|now| known.is_some_and(|known| known.inode == Inode::of(&now)));
    if !(is_same && overwrite(from, to).is_ok()) {
        remove(to)?;
        fs::copy(from, to)?;
    }
    fs::set_permissions(to, Permissions::from_mode(mode & 0o7777))
}

/// Writes into the file that is there, so that its owner and other names of it stay. Only for the
/// very file that was there before: another one may have names outside of the working tree.
fn overwrite(from: &Path, to: &Path) -> io::Result<()> {
    let mut target = File::options().write(true).truncate(true).open(to)?;
    io::copy(&mut File::open(from)?, &mut target).map(drop)
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
