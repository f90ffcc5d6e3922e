//! The user's index: what it was at the last snapshot, whether it changed, and putting it back.

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
}

impl UserIndex {
    pub(super) fn new(git: &Git, kept: PathBuf) -> Self {
        Self { index: git.git_dir().join("index"), kept, seen: None }
    }

    /// Keeps the index as it is now.
    pub(super) fn remember(&mut self) -> Result<(), GitError> {
        let now = Fingerprint::of(&self.index);
        if !self.is_as_seen(&now) {
            index_copy::copy(&self.index, &self.kept)?;
            self.seen = Some(Seen { look: now, seal: Seal::of(&self.kept)? });
        }
        Ok(())
    }

    /// Whether it holds something else now. What git remembers of file times does not count: a mere
    /// `git status` renews that.
    pub(super) fn changed(&mut self, git: &Git) -> Result<bool, GitError> {
        if self.is_as_seen(&Fingerprint::of(&self.index)) {
            return Ok(false);
        }
        self.verify_copy()?;
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
        // Git locks an index to write its tree.
        index_copy::copy(&self.index, scratch)?;
        if !scratch.exists() {
            return Ok(());
        }
        let tree = git.run(Some(scratch), &["write-tree"], b"");
        let bytes = fs::read(scratch).map_err(GitError::io("read", scratch));
        fs::remove_file(scratch).ok();
        let kept = match tree {
            Ok(tree) => tree,
            Err(_) => git.run(None, &["hash-object", "-w", "--stdin"], &bytes?)?,
        };
        let id = String::from_utf8_lossy(&kept);
        git.run(None, &["update-ref", "--no-deref", name, id.trim()], b"").map(drop)
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

    fn verify_copy(&mut self) -> Result<(), GitError> {
        self.seen.as_mut().map_or(Ok(()), |seen| seen.seal.verify())
    }
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

fn open(path: &Path) -> io::Result<Option<File>> {
    match File::open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
