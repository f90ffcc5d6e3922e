//! The user's branches, tags, notes and stash: which of them a critic or a gate removed or moved, and putting
//! them back.
//!
//! What was only added, a branch that went forward too, is no loss, and what can be fetched again is
//! not looked at. A repository that keeps its refs otherwise (reftable), or has far too many, is not
//! looked at either.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use super::announced::Announced;
use super::checked_out::OtherTrees;
use super::command::Git;
use super::error::GitError;
use super::git_lock;
use super::path::RepoPath;
use super::refs_look::{self, Look};
use super::restore;
use super::stash::{LostEntries, STASH};

/// The refs as they were at the last snapshot.
pub(super) struct UserRefs {
    common: PathBuf,
    other_trees: OtherTrees,
    /// None where they are not looked at.
    last: Option<Look>,
}

/// What of the refs is not as it was.
pub(super) enum Loss {
    /// It does not point where it did.
    Ref(Moved),
    Stash(LostEntries),
    /// They cannot be looked at any more.
    All,
}

pub(super) struct Moved {
    name: RepoPath,
    before: Vec<u8>,
    now: Option<Vec<u8>>,
}

impl UserRefs {
    pub(super) fn begin(git: &Git) -> Result<Self, GitError> {
        let mut refs =
            Self { common: git.common_dir()?, other_trees: OtherTrees::of(git)?, last: None };
        refs.remember();
        Ok(refs)
    }

    /// Keeps them as they are now.
    pub(super) fn remember(&mut self) {
        self.last = self.look();
    }

    /// Those that were lost. `branch`, the full name of the one that HEAD was on, is HEAD's affair.
    pub(super) fn lost(&self, git: &Git, branch: Option<&str>) -> Vec<Loss> {
        let Some(last) = &self.last else { return Vec::new() };
        let Some(now) = self.look() else { return vec![Loss::All] };
        if last.is_same(&now) {
            return Vec::new();
        }
        let (before, is) = (last.all(), now.all());
        let is_anothers = |name: &RepoPath| {
            branch.is_some_and(|branch| name.0 == branch.as_bytes())
                // It can make a working tree to work on any other.
                || last.elsewhere.contains(name)
        };
        let moved = before.iter().filter(|(name, value)| is.get(*name) != Some(*value));
        let moved = moved.filter(|(name, _)| !is_anothers(name)).map(|(name, value)| Moved {
            name: name.clone(),
            before: value.to_vec(),
            now: is.get(name).map(|value| value.to_vec()),
        });
        let lost = moved.filter(|moved| !moved.only_adds(git)).map(Loss::Ref);
        lost.chain(last.stash().lost_until(&now.stash()).map(Loss::Stash)).collect()
    }

    /// Keeps what the lost ones held, and what they hold now, under refs that begin with `kept_as`.
    pub(super) fn keep(git: &Git, kept_as: &str, lost: &[Loss]) -> Result<(), GitError> {
        let now: BTreeSet<_> = lost.iter().flat_map(Loss::now).filter(|id| is_id(id)).collect();
        let before = lost.iter().flat_map(Loss::before).filter(|id| is_id(id));
        let named = |what: &'static str| move |(n, id)| (format!("{kept_as}-{what}-{}", n + 1), id);
        let now = now.into_iter().enumerate().map(named("ref"));
        keep_all(git, now.chain(before.enumerate().map(named("lost"))).collect())
    }

    /// Puts them back, all or none; tells which of the two. What they pointed at may be gone.
    pub(super) fn restore(
        &self,
        git: &Git,
        lost: &[Loss],
        announced: &Announced,
        draft: &Path,
    ) -> Result<bool, GitError> {
        let (mut moved, mut stash) = (Vec::new(), None);
        for loss in lost {
            match loss {
                Loss::Ref(one) => moved.push(one),
                Loss::Stash(entries) => stash = Some(entries),
                Loss::All => return Ok(false),
            }
        }
        let refs = || put_back(git, &moved, announced);
        let done = match stash {
            Some(entries) => self.restore_stash(git, entries, draft, refs),
            None => refs(),
        };
        match done {
            Err(GitError::Refused { .. } | GitError::Locked(_)) => Ok(false),
            done => done,
        }
    }

    /// Under git's own lock, so that nobody stashes anything meanwhile; does `first` before.
    fn restore_stash(
        &self,
        git: &Git,
        lost: &LostEntries,
        draft: &Path,
        first: impl FnOnce() -> Result<bool, GitError>,
    ) -> Result<bool, GitError> {
        let tip = String::from_utf8_lossy(&lost.tip);
        let path = self.common.join(STASH);
        if path.is_dir() || !is_id(&lost.tip) || git.ask(&["cat-file", "-e", &tip])?.is_none() {
            return Ok(false);
        }
        written(draft, format!("{tip}\n").as_bytes())?;
        git_lock::replace_if(&path, draft, || {
            if !self.is_stash_at(lost.now.as_deref()) || !first()? {
                return Ok(false);
            }
            self.restore_stash_log(&lost.log, &draft.with_extension("stash")).map(|()| true)
        })
    }

    fn is_stash_at(&self, commit: Option<&[u8]>) -> bool {
        self.look().is_some_and(|now| now.stash().tip == commit)
    }

    /// Who writes it holds the lock of the ref.
    fn restore_stash_log(&self, log: &[u8], draft: &Path) -> Result<(), GitError> {
        let path = refs_look::stash_log(&self.common);
        if log.is_empty() {
            return Ok(());
        }
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(GitError::io("create", folder))?;
        }
        written(draft, log)?;
        fs::rename(draft, &path).map_err(GitError::io("replace", &path))
    }

    fn look(&self) -> Option<Look> {
        Look::at(&self.common, self.other_trees.branches(), self.last.as_ref())
    }
}

/// Has git put refs back, all or none; tells which of the two.
fn put_back(git: &Git, moved: &[&Moved], announced: &Announced) -> Result<bool, GitError> {
    let commands: Option<Vec<_>> = moved.iter().map(|moved| moved.command()).collect();
    let Some(commands) = commands else { return Ok(false) };
    if commands.is_empty() {
        return Ok(true);
    }
    let args = ["update-ref", "-m", restore::REASON, "--no-deref", "--stdin", "-z"];
    let refs: Vec<_> = moved.iter().map(|moved| moved.name.lossy()).collect();
    announced.write(&refs, || git.run(None, &args, &commands.concat())).map(|_| true)
}

fn written(draft: &Path, bytes: &[u8]) -> Result<(), GitError> {
    let mut file = git_lock::create(draft)?;
    file.write_all(bytes).map_err(GitError::io("write", draft))
}

/// Points refs at objects. One that is gone cannot be kept.
fn keep_all(git: &Git, refs: Vec<(String, &[u8])>) -> Result<(), GitError> {
    if refs.is_empty() {
        return Ok(());
    }
    let ids: Vec<u8> = refs.iter().flat_map(|(_, id)| [id, &b"\n"[..]].concat()).collect();
    let found = git.run(None, &["cat-file", "--batch-check"], &ids)?;
    let is_there = |line: &[u8]| !line.ends_with(b" missing");
    let there = refs.iter().zip(found.split(|&b| b == b'\n')).filter(|(_, line)| is_there(line));
    let update = |name: &str, id: &[u8]| [b"update ", name.as_bytes(), b"\0", id, b"\0\0"].concat();
    let updates: Vec<u8> = there.flat_map(|((name, id), _)| update(name, id)).collect();
    git.run(None, &["update-ref", "--no-deref", "--stdin", "-z"], &updates).map(drop)
}

impl Loss {
    /// How it is told.
    pub(super) fn shown(&self) -> String {
        format!(".git/{}", self.name().shown())
    }

    fn name(&self) -> RepoPath {
        match self {
            Self::Ref(moved) => moved.name.clone(),
            Self::Stash(_) => RepoPath(STASH.into()),
            Self::All => RepoPath(b"refs".to_vec()),
        }
    }

    /// What it held and does not hold any more.
    fn before(&self) -> Vec<&[u8]> {
        match self {
            Self::Ref(moved) => vec![&moved.before],
            Self::Stash(lost) => lost.gone.iter().map(Vec::as_slice).collect(),
            Self::All => Vec::new(),
        }
    }

    /// What it holds instead.
    fn now(&self) -> Vec<&[u8]> {
        match self {
            Self::Ref(moved) => moved.now.iter().map(Vec::as_slice).collect(),
            Self::Stash(lost) => lost.now.iter().chain(&lost.added).map(Vec::as_slice).collect(),
            Self::All => Vec::new(),
        }
    }
}

impl Moved {
    /// Whether nothing is gone from it: it points at a descendant of what it pointed at. A tag stands
    /// for what it pointed at.
    fn only_adds(&self, git: &Git) -> bool {
        let is_tag = self.name.is_within(&RepoPath("refs/tags".into()));
        let Some(now) = self.now.as_ref().filter(|_| !is_tag) else { return false };
        if !is_id(&self.before) || !is_id(now) {
            return false;
        }
        let [before, now] = [&self.before, now].map(|id| String::from_utf8_lossy(id));
        let forward = git.ask(&["merge-base", "--is-ancestor", &before, &now]);
        forward.is_ok_and(|answer| answer.is_some())
    }

    /// As `update-ref --stdin -z` takes it; none where that cannot put it back. It fails where the
    /// ref moved on since it was looked at.
    fn command(&self) -> Option<Vec<u8>> {
        let (name, before) = (&self.name.0[..], &self.before[..]);
        let ids = [Some(before), self.now.as_deref()];
        ids.into_iter().flatten().all(is_id).then(|| match &self.now {
            Some(now) => [b"update ", name, b"\0", before, b"\0", now, b"\0"].concat(),
            None => [b"create ", name, b"\0", before, b"\0"].concat(),
        })
    }
}

/// Whether it is the id of an object; what is in the file of a ref may be anything.
fn is_id(text: &[u8]) -> bool {
    [40, 64].contains(&text.len()) && text.iter().all(u8::is_ascii_hexdigit)
}
