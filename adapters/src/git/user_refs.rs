//! The user's branches, tags, notes and stash: which of them a critic removed or moved, and putting
//! them back.
//!
//! They are read as files, so that no program is started where none changed. What was only added, a
//! branch that went forward too, is no loss, and what can be fetched again is not looked at. A repository that keeps its refs otherwise (reftable), or
//! has far too many, is not looked at either.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use super::announced::Announced;
use super::command::Git;
use super::error::GitError;
use super::fingerprint::Fingerprint;
use super::git_lock;
use super::path::RepoPath;

/// Folders below `refs` of what is the user's own.
const FOLDERS: [&str; 3] = ["refs/heads", "refs/tags", "refs/notes"];
const STASH: &str = "refs/stash";

/// Bytes of a file up to which it is read: a hundred thousand refs.
const FILE_LIMIT: u64 = 16 * 1024 * 1024;
/// Refs in files of their own up to which they are read.
const LOOSE_LIMIT: usize = 5_000;

/// The refs as they were at the last snapshot.
pub(super) struct UserRefs {
    common: PathBuf,
    git_dir: PathBuf,
    /// None where they are not looked at.
    last: Option<Look>,
}

/// A ref that does not point where it did, or the stash where an entry is gone.
pub(super) struct Loss {
    name: RepoPath,
    before: Vec<u8>,
    now: Option<Vec<u8>>,
}

#[derive(Clone)]
struct Look {
    packed: Held,
    loose: BTreeMap<RepoPath, Held>,
    /// Its entries but for the newest are in its reflog alone.
    stash_log: Held,
}

/// A file and what is in it; empty where there is none.
#[derive(Clone)]
struct Held {
    look: Fingerprint,
    bytes: Vec<u8>,
}

impl UserRefs {
    pub(super) fn begin(git: &Git) -> Result<Self, GitError> {
        let (common, git_dir) = (git.common_dir()?, git.git_dir().to_owned());
        let mut refs = Self { common, git_dir, last: None };
        refs.remember();
        Ok(refs)
    }

    /// Keeps them as they are now.
    pub(super) fn remember(&mut self) {
        self.last = self.look();
    }

    /// Those that were lost. `branch`, the full name of the one that HEAD was on, is HEAD's affair.
    pub(super) fn lost(&self, git: &Git, branch: Option<&str>) -> Vec<Loss> {
        let (Some(last), Some(now)) = (&self.last, self.look()) else { return Vec::new() };
        if last.is_same(&now) {
            return Vec::new();
        }
        let elsewhere = self.checked_out_elsewhere();
        let of_head = |name: &RepoPath| branch.is_some_and(|branch| name.0 == branch.as_bytes());
        let (before, is) = (last.all(), now.all());
        let moved = before.iter().filter(|(name, value)| {
            is.get(*name) != Some(*value) && !of_head(name) && !elsewhere.contains(*name)
        });
        let loss = |(name, value): (&RepoPath, &&[u8])| Loss {
            name: name.clone(),
            before: value.to_vec(),
            now: is.get(name).map(|value| value.to_vec()),
        };
        let mut lost: Vec<_> = moved.map(loss).filter(|loss| !loss.only_adds(git)).collect();
        lost.extend(last.lost_stash(&now));
        lost
    }

    /// Keeps what the lost ones point at now under refs that begin with `kept_as`.
    pub(super) fn keep(&self, git: &Git, kept_as: &str, lost: &[Loss]) -> Result<(), GitError> {
        let mut commits: BTreeSet<Vec<u8>> =
            lost.iter().filter_map(|loss| loss.now.clone()).collect();
        if let (true, Some(last), Some(now)) =
            (lost.iter().any(Loss::is_stash), &self.last, self.look())
        {
            let (before, now) = (last.stashed(), now.stashed());
            commits.extend(now.difference(&before).map(|commit| commit.to_vec()));
        }
        commits.retain(|commit| is_id(commit));
        for (number, commit) in commits.iter().enumerate() {
            let name = format!("{kept_as}-ref-{}", number + 1);
            let commit = String::from_utf8_lossy(commit);
            git.run(None, &["update-ref", "--no-deref", &name, &commit], b"")?;
        }
        Ok(())
    }

    /// Puts them back, all or none; tells which of the two. What they pointed at may be gone.
    pub(super) fn restore(
        &self,
        git: &Git,
        lost: &[Loss],
        announced: &Announced,
        draft: &Path,
    ) -> Result<bool, GitError> {
        let reason = "codeloops: put back after the critic";
        let args = ["update-ref", "-m", reason, "--no-deref", "--stdin", "-z"];
        let commands: Vec<u8> = lost.iter().flat_map(Loss::command).collect();
        let refs: Vec<_> = lost.iter().map(|loss| loss.name.lossy()).collect();
        match announced.write(&refs, || git.run(None, &args, &commands)) {
            Err(GitError::Refused { .. }) => return Ok(false),
            other => drop(other?),
        }
        let log = self.last.as_ref().map(|last| &last.stash_log.bytes);
        if let Some(log) = log.filter(|log| !log.is_empty() && lost.iter().any(Loss::is_stash)) {
            self.restore_stash_log(log, draft)?;
        }
        Ok(true)
    }

    fn restore_stash_log(&self, log: &[u8], draft: &Path) -> Result<(), GitError> {
        let path = self.stash_log();
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(GitError::io("create", folder))?;
        }
        let mut file = git_lock::create(draft)?;
        file.write_all(log).map_err(GitError::io("write", draft))?;
        git_lock::replace(&path, draft)
    }

    fn stash_log(&self) -> PathBuf {
        self.common.join("logs").join(STASH)
    }

    fn look(&self) -> Option<Look> {
        if self.common.join("reftable").exists() {
            return None;
        }
        let last = self.last.as_ref();
        let packed = self.common.join("packed-refs");
        let mut loose = BTreeMap::new();
        let known = last.map(|last| &last.loose);
        for folder in FOLDERS {
            self.read_folder(&RepoPath(folder.into()), known, &mut loose)?;
        }
        let stash = RepoPath(STASH.into());
        self.read_loose(stash, known, &mut loose)?;
        Some(Look {
            packed: Held::read(&packed, last.map(|last| &last.packed))?,
            loose,
            stash_log: Held::read(&self.stash_log(), last.map(|last| &last.stash_log))?,
        })
    }

    fn read_folder(
        &self,
        folder: &RepoPath,
        known: Option<&BTreeMap<RepoPath, Held>>,
        loose: &mut BTreeMap<RepoPath, Held>,
    ) -> Option<()> {
        for entry in fs::read_dir(folder.in_root(&self.common)).into_iter().flatten().flatten() {
            let name = folder.entry(&entry.file_name());
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                self.read_folder(&name, known, loose)?;
            } else if !name.0.ends_with(b".lock") {
                self.read_loose(name, known, loose)?;
            }
        }
        Some(())
    }

    fn read_loose(
        &self,
        name: RepoPath,
        known: Option<&BTreeMap<RepoPath, Held>>,
        loose: &mut BTreeMap<RepoPath, Held>,
    ) -> Option<()> {
        let file = Held::read(&name.in_root(&self.common), known.and_then(|all| all.get(&name)))?;
        if !file.bytes.is_empty() {
            loose.insert(name, file);
        }
        (loose.len() <= LOOSE_LIMIT).then_some(())
    }

    /// The branches of other working trees: who works there moves them.
    fn checked_out_elsewhere(&self) -> BTreeSet<RepoPath> {
        let linked = fs::read_dir(self.common.join("worktrees")).into_iter().flatten().flatten();
        let trees = linked.map(|entry| entry.path()).chain([self.common.clone()]);
        let heads = trees.filter(|tree| *tree != self.git_dir);
        let branch = |tree: PathBuf| {
            let head = fs::read(tree.join("HEAD")).ok()?;
            Some(RepoPath(head.strip_prefix(b"ref: ")?.trim_ascii().to_vec()))
        };
        heads.filter_map(branch).collect()
    }
}

impl Loss {
    /// How it is told.
    pub(super) fn shown(&self) -> String {
        format!(".git/{}", self.name.shown())
    }

    fn is_stash(&self) -> bool {
        self.name.0 == STASH.as_bytes()
    }

    /// Whether nothing is gone from it: it points at a descendant of what it pointed at. A tag stands
    /// for what it pointed at.
    fn only_adds(&self, git: &Git) -> bool {
        let is_tag = self.name.is_within(&RepoPath("refs/tags".into()));
        let Some(now) = self.now.as_ref().filter(|now| !is_tag && is_id(now)) else { return false };
        let [before, now] = [&self.before, now].map(|id| String::from_utf8_lossy(id));
        let forward = git.ask(&["merge-base", "--is-ancestor", &before, &now]);
        forward.is_ok_and(|answer| answer.is_some())
    }

    /// As `update-ref --stdin -z` takes it. It fails where the ref moved on since it was looked at.
    fn command(&self) -> Vec<u8> {
        let (verb, now) = match &self.now {
            Some(now) if *now == self.before => return Vec::new(),
            Some(now) => (&b"update "[..], [&now[..], b"\0"].concat()),
            None => (&b"create "[..], Vec::new()),
        };
        [verb, &self.name.0, b"\0", &self.before, b"\0", &now].concat()
    }
}

/// Whether it is the id of an object; what is in the file of a ref may be anything.
fn is_id(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(u8::is_ascii_hexdigit)
}

impl Look {
    fn is_same(&self, other: &Self) -> bool {
        self.packed.bytes == other.packed.bytes
            && self.stash_log.bytes == other.stash_log.bytes
            && self.loose.len() == other.loose.len()
            && self
                .loose
                .iter()
                .zip(&other.loose)
                .all(|(a, b)| a.0 == b.0 && a.1.bytes == b.1.bytes)
    }

    /// Where each points; those that point at another ref, and the stash, are left out.
    fn all(&self) -> BTreeMap<RepoPath, &[u8]> {
        let lines = self.packed.bytes.split(|&b| b == b'\n');
        // `id name`; `#…` and `^id` are no refs.
        let packed = lines.filter_map(|line| {
            let end = line.iter().position(|&b| b == b' ')?;
            let name = RepoPath(line.get(end + 1..)?.to_vec());
            let is_watched = FOLDERS.iter().any(|of| name.is_within(&RepoPath((*of).into())));
            is_watched.then_some((name, &line[..end]))
        });
        let loose = self.loose.iter().map(|(name, file)| (name.clone(), file.bytes.trim_ascii()));
        let all = packed.chain(loose).filter(|(_, value)| !value.starts_with(b"ref:"));
        all.filter(|(name, _)| name.0 != STASH.as_bytes()).collect()
    }

    fn stash(&self) -> Option<&[u8]> {
        self.loose.get(&RepoPath(STASH.into())).map(|file| file.bytes.trim_ascii())
    }

    /// The commits of the stash. A line of a reflog is `old new …`.
    fn stashed(&self) -> BTreeSet<&[u8]> {
        let lines = self.stash_log.bytes.split(|&b| b == b'\n');
        lines.filter_map(|line| line.split(|&b| b == b' ').nth(1)).chain(self.stash()).collect()
    }

    fn lost_stash(&self, now: &Self) -> Option<Loss> {
        let before = self.stash()?;
        (!self.stashed().is_subset(&now.stashed())).then(|| Loss {
            name: RepoPath(STASH.into()),
            before: before.to_vec(),
            now: now.stash().map(<[u8]>::to_vec),
        })
    }
}

impl Held {
    /// None for a file that is too large. One that provably did not change is not read again.
    fn read(path: &Path, known: Option<&Self>) -> Option<Self> {
        let look = Fingerprint::of(path);
        if let Some(known) = known.filter(|known| known.look.proves_unchanged(&look)) {
            return Some(known.clone());
        }
        let mut bytes = Vec::new();
        // A link, or a pipe that would be waited for, is no ref.
        if look.file().is_some() {
            let file = fs::File::open(path).ok()?;
            file.take(FILE_LIMIT + 1).read_to_end(&mut bytes).ok()?;
        }
        (bytes.len() as u64 <= FILE_LIMIT).then_some(Self { look, bytes })
    }
}
