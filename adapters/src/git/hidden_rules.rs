//! Finds ignore rules that a snapshot does not hold: a `.gitignore` that is ignored itself.
//!
//! An agent could hide its work by one, so the critic is told of those that were written during the
//! run. They stay out of snapshots: test suites and package managers write such files too, for
//! caches, and no critic who ran one has changed anything.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::command::Git;
use super::error::GitError;
use super::path::RepoPath;
use super::scan::{Change, Now};

const NAME: &str = ".gitignore";

/// Files that are named to the critic; the rest is counted.
const NAMED: usize = 10;

/// Paths that git is asked about at once.
const AT_ONCE: usize = 500;

/// Names every ignored file below some paths; of a folder that a rule names, the folder alone.
const IGNORED: [&str; 6] = [
    "status",
    "--porcelain=v1",
    "-z",
    "--untracked-files=all",
    "--ignored=matching",
    "--ignore-submodules=all",
];

/// Where such files are looked for.
pub(super) struct HiddenRules {
    root: PathBuf,
    /// The folders in which git saw files when the run began.
    folders: Folders,
    /// The files of rules in them, hidden or not. A folder does not tell when one of them changes.
    rules: Vec<RepoPath>,
    begun: Moment,
}

/// A time of the file system's clock, which nobody can set for a file.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Moment(i64, i64);

impl Moment {
    /// When a file was last changed, its name and permissions included.
    pub(super) fn of_change(file: &Metadata) -> Self {
        Self(file.ctime(), file.ctime_nsec())
    }
}

/// The folders of some files, and those above; as git has them, so the root is empty.
#[derive(Clone, Default)]
pub(super) struct Folders(BTreeSet<Vec<u8>>);

impl Folders {
    pub(super) fn add_those_of(&mut self, file: &RepoPath) {
        let mut path = &file.0[..];
        while let Some(end) = path.iter().rposition(|&b| b == b'/') {
            path = &path[..end];
            if self.0.contains(path) {
                return;
            }
            self.0.insert(path.to_owned());
        }
        self.0.insert(Vec::new());
    }
}

impl HiddenRules {
    pub(super) fn begin(root: &Path, mut folders: Folders, begun: Moment) -> Self {
        folders.add_those_of(&RepoPath(NAME.into()));
        let rules = folders.0.iter().map(|folder| RepoPath(folder.clone()).entry(NAME.as_ref()));
        let is_there = |rules: &RepoPath| rules.in_root(root).symlink_metadata().is_ok();
        let rules = rules.filter(is_there).collect();
        Self { root: root.to_owned(), folders, rules, begun }
    }

    /// What to tell the critic, if there are any. `changes` is what a look through `index` saw.
    pub(super) fn note(
        &self,
        git: &Git,
        index: &Path,
        changes: &[Change],
        is_excluded: impl Fn(&RepoPath) -> bool,
    ) -> Result<Option<String>, GitError> {
        let asked = self.suspects(changes);
        let mut found = Vec::new();
        for paths in asked.chunks(AT_ONCE) {
            let ignored = git.run_on(index, &IGNORED, paths)?;
            let ignored = ignored.split(|&b| b == 0).filter_map(|line| line.strip_prefix(b"!! "));
            found.extend(ignored.map(|path| RepoPath(path.to_vec())));
        }
        found.retain(|path| self.is_new_rule(path) && !is_excluded(path));
        Ok((!found.is_empty()).then(|| told(&found)))
    }

    /// Where one may be: in the folders that git sees into, and in what is new there and shows no
    /// file. A folder tells by its times that something came into it.
    fn suspects(&self, changes: &[Change]) -> Vec<RepoPath> {
        let mut folders = self.folders.clone();
        let present = changes.iter().filter(|change| change.now == Now::Present);
        present.for_each(|change| folders.add_those_of(&change.path));
        let mut found: Vec<_> =
            self.rules.iter().filter(|rules| self.is_since(rules)).cloned().collect();
        let all = folders.0.iter().map(|folder| RepoPath(folder.clone()));
        for folder in all.filter(|folder| self.is_since(folder)) {
            found.extend(Some(folder.entry(NAME.as_ref())).filter(|rules| self.is_since(rules)));
            found.extend(self.folders_in(&folder).filter(|inner| !folders.0.contains(&inner.0)));
        }
        found
    }

    fn folders_in<'a>(&'a self, folder: &'a RepoPath) -> impl Iterator<Item = RepoPath> + 'a {
        let entries = fs::read_dir(folder.in_root(&self.root)).into_iter().flatten().flatten();
        let folders = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
        let names = folders.map(|folder| folder.file_name()).filter(|name| name != ".git");
        names.map(|name| folder.entry(&name)).filter(|path| self.is_since(path))
    }

    fn is_new_rule(&self, path: &RepoPath) -> bool {
        path.as_path().file_name() == Some(OsStr::new(NAME)) && self.is_since(path)
    }

    fn is_since(&self, path: &RepoPath) -> bool {
        let file = fs::symlink_metadata(path.in_root(&self.root));
        file.is_ok_and(|file| Moment::of_change(&file) >= self.begun)
    }
}

fn told(found: &[RepoPath]) -> String {
    let names: Vec<_> = found.iter().take(NAMED).map(|p| format!("`{}`", p.shown())).collect();
    let more = found.len().saturating_sub(NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!(
        "{}{more} came or changed since the run began, and git ignores it: neither it nor what it \
         names is in the diff",
        names.join(", ")
    )
}
