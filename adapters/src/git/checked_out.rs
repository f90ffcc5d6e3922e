//! Names the branches that the other working trees of a repository work on: who works there moves
//! them.

use std::collections::BTreeSet;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::command::Git;
use super::error::GitError;
use super::index_copy;
use super::path::RepoPath;

/// Files of a git folder in which git names the branch of its working tree: the one that it is on, and
/// those that a rebase moves when it ends.
const NAMING: [&str; 4] =
    ["HEAD", "rebase-merge/head-name", "rebase-apply/head-name", "rebase-merge/update-refs"];

/// Bytes of such a file that are read.
const LIMIT: u64 = 1024 * 1024;

/// The working trees of a repository but for one.
pub(super) struct OtherTrees {
    common: PathBuf,
    /// The git folder of the one, without links and `..`.
    own: PathBuf,
    /// A bare repository has a HEAD, but nobody works on the branch that it names.
    is_bare: bool,
}

impl OtherTrees {
    pub(super) fn of(git: &Git) -> Result<Self, GitError> {
        let (common, own) = (git.common_dir()?, real(git.git_dir()));
        let is_bare = real(&common) != own && is_bare(git, &common)?;
        Ok(Self { common, own, is_bare })
    }

    /// The branches that they work on now.
    pub(super) fn branches(&self) -> BTreeSet<RepoPath> {
        let main = (!self.is_bare).then(|| self.common.clone());
        let trees = linked(&self.common).chain(main).filter(|tree| real(tree) != self.own);
        trees.flat_map(|tree| NAMING.map(|name| tree.join(name))).flat_map(named_in).collect()
    }
}

/// The git folders of the linked working trees.
pub(super) fn linked(common: &Path) -> impl Iterator<Item = PathBuf> {
    let entries = fs::read_dir(common.join("worktrees")).into_iter().flatten().flatten();
    entries.map(|entry| entry.path())
}

fn is_bare(git: &Git, common: &Path) -> Result<bool, GitError> {
    let answer =
        Git::new(common, git.root()).ask(&["config", "--type=bool", "--get", "core.bare"])?;
    Ok(answer.as_deref() == Some("true"))
}

/// The refs that lines of a file name.
fn named_in(file: PathBuf) -> Vec<RepoPath> {
    let mut bytes = Vec::new();
    if let Ok(file) = index_copy::open(&file) {
        file.take(LIMIT).read_to_end(&mut bytes).ok();
    }
    let names = bytes.split(|&b| b == b'\n').map(|line| line.strip_prefix(b"ref:").unwrap_or(line));
    let names = names.map(<[u8]>::trim_ascii).filter(|name| name.starts_with(b"refs/"));
    names.map(|name| RepoPath(name.to_vec())).collect()
}

fn real(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}
