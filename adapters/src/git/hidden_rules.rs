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
use super::path::{RepoPath, named};
use super::scan::{Change, Now, Scan};
use super::unreadable;

const NAME: &str = ".gitignore";

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
#[derive(Default)]
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

    /// What to tell the critic, a line each, with what could not be looked into. `seen` is what a look
    /// through `index` saw.
    pub(super) fn notes(
        &self,
        git: &Git,
        index: &Path,
        seen: &Scan,
        is_excluded: impl Fn(&RepoPath) -> bool,
    ) -> Result<Vec<String>, GitError> {
        let is_told = |path: &RepoPath| self.is_since(path) && !is_excluded(path);
        let Ignored { paths: mut rules, mut unreadable } =
            ignored(git, index, &self.suspects(&seen.changes))?;
        unreadable.retain(|path| is_told(path) && !seen.unreadable.contains(path));
        let unreadable = (!unreadable.is_empty()).then(|| unreadable::note(&unreadable));
        rules.retain(|path| is_told(path) && is_rule(path));
        if rules.is_empty() {
            return Ok(unreadable.into_iter().collect());
        }
        let folders: Vec<_> = rules.iter().map(RepoPath::folder).collect();
        let mut hidden = ignored(git, index, &folders)?.paths;
        hidden.retain(|path| is_told(path) && !is_rule(path));
        Ok(told(&rules, &hidden).into_iter().chain(unreadable).collect())
    }

    /// Where one may be: in the folders that git sees into, and in what is new there and shows no
    /// file. A folder tells by its times that something came into it.
    fn suspects(&self, changes: &[Change]) -> Vec<RepoPath> {
        let mut new = Folders::default();
        let present = changes.iter().filter(|change| change.now != Now::Absent);
        present.for_each(|change| new.add_those_of(&change.path));
        let is_seen = |path: &RepoPath| [&self.folders, &new].iter().any(|f| f.0.contains(&path.0));
        let mut found: Vec<_> =
            self.rules.iter().filter(|rules| self.is_since(rules)).cloned().collect();
        let all = self.folders.0.union(&new.0).map(|folder| RepoPath(folder.clone()));
        for folder in all.filter(|folder| self.is_since(folder)) {
            found.extend(Some(folder.entry(NAME.as_ref())).filter(|rules| self.is_since(rules)));
            found.extend(self.folders_in(&folder).filter(|inner| !is_seen(inner)));
        }
        found
    }

    fn folders_in<'a>(&'a self, folder: &'a RepoPath) -> impl Iterator<Item = RepoPath> + 'a {
        let entries = fs::read_dir(folder.in_root(&self.root)).into_iter().flatten().flatten();
        let folders = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
        let names = folders.map(|folder| folder.file_name()).filter(|name| name != ".git");
        names.map(|name| folder.entry(&name)).filter(|path| self.is_since(path))
    }

    fn is_since(&self, path: &RepoPath) -> bool {
        let file = fs::symlink_metadata(path.in_root(&self.root));
        file.is_ok_and(|file| Moment::of_change(&file) >= self.begun)
    }
}

/// What git finds in some paths.
#[derive(Default)]
struct Ignored {
    /// The ignored files; a folder that is ignored as a whole ends with `/`.
    paths: Vec<RepoPath>,
    /// The folders that cannot be opened.
    unreadable: Vec<RepoPath>,
}

fn ignored(git: &Git, index: &Path, paths: &[RepoPath]) -> Result<Ignored, GitError> {
    let mut found = Ignored::default();
    for paths in paths.chunks(AT_ONCE) {
        let output = git.run_on(index, &IGNORED, paths)?;
        let lines = output.stdout.split(|&b| b == 0);
        let ignored = lines.filter_map(|line| line.strip_prefix(b"!! "));
        found.paths.extend(ignored.map(|path| RepoPath(path.to_vec())));
        found.unreadable.extend(unreadable::folders(&output.stderr));
    }
    Ok(found)
}

fn is_rule(path: &RepoPath) -> bool {
    path.as_path().file_name() == Some(OsStr::new(NAME))
}

fn told(rules: &[RepoPath], hidden: &[RepoPath]) -> Vec<String> {
    let rules = format!(
        "{} came or changed since the run began, and git ignores it: neither it nor what it names is \
         in the diff",
        named(rules)
    );
    let hidden = (!hidden.is_empty())
        .then(|| format!("ignored beside it, and written since the run began: {}", named(hidden)));
    std::iter::once(rules).chain(hidden).collect()
}
