//! Notices that a file of codeloops' own in the git folder was written to by somebody else.
//!
//! Agents can write there. An index that they prepared would hide their work from every look.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::error::GitError;
use super::fingerprint::Fingerprint;
use super::index_copy;

/// What a file held when it was sealed. Kept in memory, out of the reach of agents.
pub(super) struct Seal {
    path: PathBuf,
    look: Fingerprint,
    /// None where there was no file.
    digest: Option<Digested>,
}

type Digested = [u8; 32];

impl Seal {
    /// Seals a file as it is; one that is not there must not come.
    pub(super) fn of(path: &Path) -> Result<Self, GitError> {
        let look = Fingerprint::of(path);
        Ok(Self { path: path.to_owned(), look, digest: digest(path)? })
    }

    /// Fails where the file is another one now. One that provably did not change is not read.
    pub(super) fn verify(&mut self) -> Result<(), GitError> {
        let look = Fingerprint::of(&self.path);
        if self.look.proves_unchanged(&look) {
            return Ok(());
        }
        if digest(&self.path)? != self.digest {
            return Err(GitError::Forged(self.path.clone()));
        }
        self.look = look;
        Ok(())
    }
}

fn digest(path: &Path) -> Result<Option<Digested>, GitError> {
    let mut file = match index_copy::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(GitError::io("read", path)(source)),
    };
    let (mut digest, mut chunk) = (Sha256::new(), vec![0; 256 * 1024]);
    loop {
        match file.read(&mut chunk).map_err(GitError::io("read", path))? {
            0 => return Ok(Some(digest.finalize().into())),
            length => digest.update(&chunk[..length]),
        }
    }
}
