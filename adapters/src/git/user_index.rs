//! The user's index: what it was at the last snapshot, whether it changed, and putting it back.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::command::Git;
use super::error::GitError;
use super::fingerprint::Fingerprint;
use super::git_lock;
use super::index_copy;
use super::seal::Seal;

/// A copy of the user's index as it was at the last snapshot.
pub(super) struct UserIndex {
    git: Git,
    index: PathBuf,
    kept: PathBuf,
    /// What is known of both; none before the first snapshot.
    seen: Option<Seen>,
}

struct Seen {
    /// The index.
    look: Fingerprint,
    /// The copy.
    seal: Seal,
    /// Of a split index the file that holds the most of it; git can read neither without it.
    shared: Option<PathBuf>,
}

impl UserIndex {
    pub(super) fn new(git: &Git, kept: PathBuf) -> Self {
        Self { git: git.clone(), index: git.git_dir().join("index"), kept, seen: None }
    }

    /// Keeps the index as it is now.
    pub(super) fn remember(&mut self) -> Result<(), GitError> {
        let now = Fingerprint::of(&self.index);
        if !self.is_as_seen(&now) || self.is_cut() {
            index_copy::copy(&self.index, &self.kept)?;
            let shared = shared_index(&self.git)?;
            self.seen = Some(Seen { look: now, seal: Seal::of(&self.kept)?, shared });
        }
        Ok(())
    }

    /// Whether it holds something else now. What git remembers of file times does not count: a mere
    /// `git status` renews that.
    pub(super) fn changed(&mut self, git: &Git) -> Result<bool, GitError> {
        if self.is_cut() {
            return Ok(true);
        }
        if self.is_as_seen(&Fingerprint::of(&self.index)) {
            return Ok(false);
        }
        self.verify_copy()?;
        if is_no_file(&self.index) {
            return Ok(true);
        }
        if same_bytes(&self.index, &self.kept).map_err(GitError::io("read", &self.index))? {
            return Ok(false);
        }
        // One that git cannot read is not as it was.
        let Ok(now) = entries(git, &self.index) else { return Ok(true) };
        Ok(entries(git, &self.kept).is_ok_and(|kept| kept != now))
    }

    /// Keeps what it holds now under a ref: its tree, or, where it has conflicts, the file itself.
    /// `scratch` is a path for a moment.
    pub(super) fn keep(&self, git: &Git, name: &str, scratch: &Path) -> Result<(), GitError> {
        let Some(id) = self.store(git, scratch)? else { return Ok(()) };
        git.run(None, &["update-ref", "--no-deref", name, &id], b"").map(drop)
    }

    /// Stores what it holds now, as [`Self::keep`] keeps it; none where there is none.
    pub(super) fn store(&self, git: &Git, scratch: &Path) -> Result<Option<String>, GitError> {
        if is_no_file(&self.index) {
            return Ok(None);
        }
        // Git locks an index to write its tree.
        index_copy::copy(&self.index, scratch)?;
        if !scratch.exists() {
            return Ok(None);
        }
        let tree = git.run(Some(scratch), &["write-tree"], b"");
        let bytes = fs::read(scratch).map_err(GitError::io("read", scratch));
        fs::remove_file(scratch).ok();
        let kept = match tree {
            Ok(tree) => tree,
            Err(_) => git.run(None, &["hash-object", "-w", "--stdin"], &bytes?)?,
        };
        Ok(Some(String::from_utf8_lossy(&kept).trim().to_owned()))
    }

    /// Whether all that it held is still there: what was only staged, git throws away once no index
    /// names it.
    pub(super) fn can_restore(&self, git: &Git) -> Result<bool, GitError> {
        let Ok(before) = entries(git, &self.kept) else { return Ok(!self.kept.exists()) };
        let now = if is_no_file(&self.index) { Ok(Vec::new()) } else { entries(git, &self.index) };
        let now = now.unwrap_or_default();
        let now: BTreeSet<&[u8]> = now.split(|&b| b == 0).collect();
        let gone = before.split(|&b| b == 0).filter(|entry| !now.contains(entry));
        let ids: Vec<u8> = gone.filter_map(id).flat_map(|id| [id, b"\n"].concat()).collect();
        let found = git.run(None, &["cat-file", "--batch-check"], &ids)?;
        Ok(!found.split(|&b| b == b'\n').any(|line| line.ends_with(b" missing")))
    }

    /// Puts it back byte for byte, under git's own lock. `draft` is a path for a moment.
    pub(super) fn restore(&mut self, draft: &Path) -> Result<(), GitError> {
        self.verify_copy()?;
        if !self.kept.exists() {
            return git_lock::remove(&self.index, draft);
        }
        git_lock::create(draft)?;
        index_copy::copy(&self.kept, draft)?;
        git_lock::replace(&self.index, draft)
    }

    fn is_as_seen(&self, now: &Fingerprint) -> bool {
        self.seen.as_ref().is_some_and(|seen| seen.look.proves_unchanged(now))
    }

    /// Whether the shared part of what was seen is gone.
    fn is_cut(&self) -> bool {
        let shared = self.seen.as_ref().and_then(|seen| seen.shared.as_deref());
        shared.is_some_and(|shared| shared.symlink_metadata().is_err())
    }

    fn verify_copy(&mut self) -> Result<(), GitError> {
        self.seen.as_mut().map_or(Ok(()), |seen| seen.seal.verify())
    }
}

/// The shared part of a split index. Git is asked only where there are files of that kind.
fn shared_index(git: &Git) -> Result<Option<PathBuf>, GitError> {
    let entries = fs::read_dir(git.git_dir()).into_iter().flatten().flatten();
    let mut names = entries.map(|entry| entry.file_name());
    if !names.any(|name| name.as_encoded_bytes().starts_with(b"sharedindex.")) {
        return Ok(None);
    }
    // Else git would not tell, and for an index that is not split it names a file that is not there.
    let path = git.ask(&["-c", "core.splitIndex=true", "rev-parse", "--shared-index-path"])?;
    Ok(path.map(|path| git.root().join(path)).filter(|path| path.is_file()))
}

/// The object of an entry; none for a submodule, whose commits are not ours.
fn id(entry: &[u8]) -> Option<&[u8]> {
    let mut fields = entry.split(|&b| b == b' ');
    let mode = fields.nth(1)?;
    fields.next().filter(|_| mode != b"160000")
}

/// All entries with mode, id, stage, and the bits that hide changes.
fn entries(git: &Git, index: &Path) -> Result<Vec<u8>, GitError> {
    git.run(Some(index), &["ls-files", "--stage", "-v", "-z"], b"")
}

fn same_bytes(a: &Path, b: &Path) -> io::Result<bool> {
    let (Some(mut a), Some(mut b)) = (open(a)?, open(b)?) else {
        return Ok(open(a)?.is_none() && open(b)?.is_none());
    };
    if a.metadata()?.len() != b.metadata()?.len() {
        return Ok(false);
    }
    let (mut left, mut right) = (vec![0; 256 * 1024], vec![0; 256 * 1024]);
    loop {
        let length = a.read(&mut left)?;
        if length == 0 {
            return Ok(true);
        }
        match b.read_exact(&mut right[..length]) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(false),
            other => other?,
        }
        if left[..length] != right[..length] {
            return Ok(false);
        }
    }
}

/// Whether there is what nobody can read, or would wait for.
fn is_no_file(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|there| !there.is_file())
}

fn open(path: &Path) -> io::Result<Option<File>> {
    match index_copy::open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
