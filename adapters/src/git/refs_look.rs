//! A look at the user's branches, tags, notes and stash.
//!
//! They are read as files, so that no program is started where none changed.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::fingerprint::Fingerprint;
use super::path::RepoPath;
use super::stash::{STASH, Stash};

/// Folders below `refs` of what is the user's own.
const FOLDERS: [&str; 3] = ["refs/heads", "refs/tags", "refs/notes"];

/// Bytes of a file up to which it is read: a hundred thousand refs.
const FILE_LIMIT: u64 = 16 * 1024 * 1024;
/// Refs in files of their own up to which they are read.
const LOOSE_LIMIT: usize = 5_000;

/// The refs at one moment.
pub(super) struct Look {
    packed: Held,
    loose: Loose,
    stash_log: Held,
    /// The branches that other working trees worked on.
    pub(super) elsewhere: BTreeSet<RepoPath>,
}

type Loose = BTreeMap<RepoPath, Held>;

/// A file and what is in it; empty where there is none.
#[derive(Clone)]
struct Held {
    look: Fingerprint,
    bytes: Vec<u8>,
}

/// Where the reflog of the stash is.
pub(super) fn stash_log(common: &Path) -> PathBuf {
    common.join("logs").join(STASH)
}

impl Look {
    /// None where they are kept otherwise (reftable), or are far too many. What is in `last` and did
    /// not change is not read again.
    pub(super) fn at(
        common: &Path,
        elsewhere: BTreeSet<RepoPath>,
        last: Option<&Self>,
    ) -> Option<Self> {
        if common.join("reftable").exists() {
            return None;
        }
        let mut reading =
            Reading { common, known: last.map(|last| &last.loose), loose: Loose::new() };
        for folder in FOLDERS {
            reading.folder(&RepoPath(folder.into()))?;
        }
        reading.file(RepoPath(STASH.into()))?;
        Some(Self {
            packed: Held::read(&common.join("packed-refs"), last.map(|last| &last.packed))?,
            loose: reading.loose,
            stash_log: Held::read(&stash_log(common), last.map(|last| &last.stash_log))?,
            elsewhere,
        })
    }

    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.packed.bytes == other.packed.bytes
            && self.stash_log.bytes == other.stash_log.bytes
            && self.loose.len() == other.loose.len()
            && self
                .loose
                .iter()
                .zip(&other.loose)
                .all(|(a, b)| a.0 == b.0 && a.1.bytes == b.1.bytes)
    }

    /// What each holds, but for the stash: the id of an object, or `ref:` and the name of another.
    pub(super) fn all(&self) -> BTreeMap<RepoPath, &[u8]> {
        let is_watched = |name: &RepoPath| {
            FOLDERS.iter().any(|folder| name.is_within(&RepoPath((*folder).into())))
        };
        let loose = self.loose.iter().map(|(name, file)| (name.clone(), file.bytes.trim_ascii()));
        self.packed().chain(loose).filter(|(name, _)| is_watched(name)).collect()
    }

    pub(super) fn stash(&self) -> Stash<'_> {
        let name = RepoPath(STASH.into());
        let loose = self.loose.get(&name).map(|file| file.bytes.trim_ascii());
        let packed = || self.packed().find(|(packed, _)| *packed == name).map(|(_, id)| id);
        Stash { tip: loose.or_else(packed), log: &self.stash_log.bytes }
    }

    /// Lines of `id name`; `#…` and `^id` are no refs.
    fn packed(&self) -> impl Iterator<Item = (RepoPath, &[u8])> {
        self.packed.bytes.split(|&b| b == b'\n').filter_map(|line| {
            let end = line.iter().position(|&b| b == b' ')?;
            Some((RepoPath(line.get(end + 1..)?.to_vec()), &line[..end]))
        })
    }
}

/// Reads the refs that are files of their own.
struct Reading<'a> {
    common: &'a Path,
    known: Option<&'a Loose>,
    loose: Loose,
}

impl Reading<'_> {
    fn folder(&mut self, folder: &RepoPath) -> Option<()> {
        for entry in fs::read_dir(folder.in_root(self.common)).into_iter().flatten().flatten() {
            let name = folder.entry(&entry.file_name());
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                self.folder(&name)?;
            } else if !name.0.ends_with(b".lock") {
                self.file(name)?;
            }
        }
        Some(())
    }

    fn file(&mut self, name: RepoPath) -> Option<()> {
        let known = self.known.and_then(|all| all.get(&name));
        let file = Held::read(&name.in_root(self.common), known)?;
        if !file.bytes.is_empty() {
            self.loose.insert(name, file);
        }
        (self.loose.len() <= LOOSE_LIMIT).then_some(())
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
