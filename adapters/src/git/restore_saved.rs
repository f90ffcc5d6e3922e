//! The states in which a working tree was before it was put to another one, each under refs of its own:
//! `<n>` is its tree, `<n>-index` that of the user's index, `<n>-raw` and `<n>-modes` what no tree says
//! of its files.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use codeloops_event::{RunId, TreeId, layout};

use super::command::Git;
use super::discover::discover;
use super::error::{GitError, OpenError};
use super::lock::RunLock;
use super::path::RepoPath;
use super::restore::Difference;
use super::restore_raw;
use super::user_index::UserIndex;

/// A state that was saved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Saved {
    /// Its number, from 1.
    pub number: u32,
    /// The ref that keeps its tree.
    pub name: String,
}

/// What no tree says of the files of a state.
#[derive(Default)]
pub(super) struct Beside {
    /// The objects that hold the own bytes of files.
    pub(super) raw: BTreeMap<RepoPath, String>,
    /// Who may do what with a file.
    pub(super) permissions: BTreeMap<RepoPath, u32>,
}

/// The numbers of the states that were saved before the working tree of `dir` was put to one of this
/// run, in order.
///
/// # Errors
///
/// Where there is no repository.
pub fn saved_states(dir: &Path, run: &RunId) -> Result<Vec<u32>, OpenError> {
    let git = discover(dir)?;
    let mut numbers: Vec<u32> = names(&git, run)?.iter().filter_map(|n| n.parse().ok()).collect();
    numbers.sort_unstable();
    Ok(numbers)
}

/// What stands behind [`layout::saved_refs`] in the names of a run.
fn names(git: &Git, run: &RunId) -> Result<Vec<String>, GitError> {
    let prefix = format!("{}/", layout::saved_refs(run));
    let output = git.run(None, &["for-each-ref", "--format=%(refname)", &prefix], b"")?;
    let names = String::from_utf8_lossy(&output).into_owned();
    Ok(names.lines().filter_map(|name| name.strip_prefix(&prefix)).map(str::to_owned).collect())
}

/// Keeps a tree, and all that is to be known to have these files again, under a number of its own.
/// Either all of its refs come to be or none.
pub(super) fn save(
    git: &Git,
    lock: &RunLock,
    run: &RunId,
    tree: &TreeId,
    differences: &[Difference],
) -> Result<Saved, GitError> {
    let scratch = &lock.scratch();
    let used = names(git, run)?.into_iter();
    let used = used.filter_map(|name| name.split('-').next()?.parse::<u32>().ok()).max();
    let number = used.unwrap_or(0) + 1;
    let name = layout::saved_ref(run, number);
    let mut refs = vec![(name.clone(), tree.0.clone())];
    let index = UserIndex::new(git, scratch.to_owned()).store(git, scratch)?;
    refs.extend(index.map(|id| (format!("{name}-index"), id)));
    // What git would check out for them nobody knows before it does.
    let raw = restore_raw::tree(git, scratch, &restore_raw::store(git, differences)?)?;
    refs.extend(raw.map(|id| (format!("{name}-raw"), id)));
    let modes = modes(git.root(), differences);
    if !modes.is_empty() {
        refs.push((format!("{name}-modes"), store(git, &modes)?));
    }
    let create = |(name, id): &(String, String)| format!("create {name}\0{id}\0");
    let commands: String = refs.iter().map(create).collect();
    let names: Vec<_> = refs.into_iter().map(|(name, _)| name).collect();
    let args = ["update-ref", "--no-deref", "--stdin", "-z"];
    lock.announced().write(&names, || git.run(None, &args, commands.as_bytes()))?;
    Ok(Saved { number, name })
}

fn store(git: &Git, bytes: &[u8]) -> Result<String, GitError> {
    let id = git.run(None, &["hash-object", "-w", "--stdin"], bytes)?;
    Ok(String::from_utf8_lossy(&id).trim().to_owned())
}

/// `mode path NUL` for each file of the later tree.
fn modes(root: &Path, differences: &[Difference]) -> Vec<u8> {
    let mut list = Vec::new();
    for path in differences.iter().filter(|d| d.file.is_some()).map(|d| &d.path) {
        let meta = fs::symlink_metadata(path.in_root(root)).ok().filter(fs::Metadata::is_file);
        if let Some(meta) = meta {
            let mode = meta.permissions().mode() & 0o7777;
            list.extend([format!("{mode:o} ").as_bytes(), &path.0, b"\0"].concat());
        }
    }
    list
}

/// What is known beside the tree of a saved state. `index` is one that git can read meanwhile.
pub(super) fn beside(git: &Git, index: &Path, name: &str) -> Result<Beside, GitError> {
    let mut beside = Beside::default();
    let raw = format!("{name}-raw");
    if is_there(git, &raw)? {
        let list = git.run(Some(index), &["ls-tree", "-r", "-z", "--full-tree", &raw], b"")?;
        beside.raw = list.split(|&b| b == 0).filter_map(raw_file).collect();
    }
    let modes = format!("{name}-modes");
    if is_there(git, &modes)? {
        let list = git.run(None, &["cat-file", "blob", &modes], b"")?;
        beside.permissions = list.split(|&b| b == 0).filter_map(mode).collect();
    }
    Ok(beside)
}

pub(super) fn is_there(git: &Git, name: &str) -> Result<bool, GitError> {
    Ok(git.ask(&["rev-parse", "--quiet", "--verify", "--end-of-options", name])?.is_some())
}

/// `mode type id<TAB>path`.
fn raw_file(entry: &[u8]) -> Option<(RepoPath, String)> {
    let tab = entry.iter().position(|&b| b == b'\t')?;
    let id = std::str::from_utf8(&entry[..tab]).ok()?.split(' ').nth(2)?;
    Some((RepoPath(entry[tab + 1..].to_vec()), id.to_owned()))
}

fn mode(entry: &[u8]) -> Option<(RepoPath, u32)> {
    let end = entry.iter().position(|&b| b == b' ')?;
    let mode = u32::from_str_radix(std::str::from_utf8(&entry[..end]).ok()?, 8).ok()?;
    Some((RepoPath(entry[end + 1..].to_vec()), mode))
}
