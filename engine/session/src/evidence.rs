//! The evidence folder of a run.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Component, Path, PathBuf};

use codeloops_event::layout::{self, RUN_FILE};
use codeloops_event::{Evidence, RunId, SessionStart};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use crate::dirs::{create_new_private_dir, create_private_dir, create_private_file};
use crate::round_files::RoundFiles;
use crate::run_file::RunFile;
use crate::shown;

/// The folder that keeps a run's raw outputs: `<runs_dir>/<run_id>/`. Only the user can read it.
#[derive(Debug, Clone)]
pub struct RunFolder {
    path: PathBuf,
}

/// Where a recorded run keeps its evidence, and whether it is still there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KeptEvidence {
    /// The folder, lossily decoded.
    pub path: String,
    /// Whether there is such a folder.
    pub exists: bool,
}

/// Why evidence could not be kept or found.
#[derive(Debug, thiserror::Error)]
pub enum EvidenceError {
    /// A folder or file could not be made or written.
    #[error("could not write evidence `{}`: {source}", shown::path(path))]
    Write {
        /// The folder or file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file could not be read.
    #[error("could not read evidence `{}`: {source}", shown::path(path))]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file of ours is not what it should be.
    #[error("`{}` is damaged: {source}", shown::path(path))]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// A file is not what it was when the session named it.
    #[error("evidence `{}` is not what it was when it was recorded", shown::path(path))]
    Changed {
        /// The file.
        path: PathBuf,
    },
    /// A session names evidence outside of its folder.
    #[error("evidence `{}` lies outside of the run's folder", shown::text(path))]
    Outside {
        /// The path as the session has it.
        path: String,
    },
}

impl RunFolder {
    /// Makes the folder of a new run in `runs_dir` (made where it is missing); a folder that is
    /// there already is an error.
    pub fn create(runs_dir: &Path, run_id: &RunId) -> Result<Self, EvidenceError> {
        let folder = Self::at(runs_dir, run_id);
        create_private_dir(runs_dir).map_err(write_error(runs_dir))?;
        create_new_private_dir(&folder.path).map_err(write_error(&folder.path))?;
        Ok(folder)
    }

    /// The folder of a run, whether it is there or not.
    #[must_use]
    pub fn at(runs_dir: &Path, run_id: &RunId) -> Self {
        Self { path: runs_dir.join(run_id.as_str()) }
    }

    /// One that was found.
    pub(crate) const fn found(path: PathBuf) -> Self {
        Self { path }
    }

    /// The folder itself.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The file of a piece of evidence that a session names. Sessions come from anywhere, so a name
    /// that leads out of the folder is refused.
    pub fn file(&self, evidence: &Evidence) -> Result<PathBuf, EvidenceError> {
        let relative = Path::new(&evidence.path);
        let is_inside = relative.components().all(|part| matches!(part, Component::Normal(_)));
        if evidence.path.is_empty() || !is_inside {
            return Err(EvidenceError::Outside { path: evidence.path.clone() });
        }
        Ok(self.path.join(relative))
    }

    /// Opens a piece of evidence that a session names, if it is what it was then.
    pub fn open(&self, evidence: &Evidence) -> Result<File, EvidenceError> {
        let path = self.file(evidence)?;
        let unreadable = |source| EvidenceError::Read { path: path.clone(), source };
        if !fs::symlink_metadata(&path).map_err(unreadable)?.is_file() {
            return Err(EvidenceError::Changed { path });
        }
        let mut file = File::open(&path).map_err(unreadable)?;
        let bytes = file.metadata().map_err(unreadable)?.len();
        let is_same = bytes == evidence.bytes
            && is_hex_of(&hash_of(&mut file).map_err(unreadable)?, &evidence.sha256);
        file.seek(SeekFrom::Start(0)).map_err(unreadable)?;
        if !is_same {
            return Err(EvidenceError::Changed { path });
        }
        Ok(file)
    }

    /// Writes `run.json`, or replaces it, in one step: a reader sees the old or the new one, whole.
    pub fn write_run_file(&self, run: &RunFile) -> Result<(), EvidenceError> {
        let path = self.path.join(RUN_FILE);
        let draft = self.path.join(format!(".{RUN_FILE}.draft"));
        replace(&path, &draft, run).map_err(|source| EvidenceError::Write { path, source })
    }

    /// Writes what a round came to beside its outputs: `gate.json`, and `diagnose.json` where something
    /// is to be mended.
    pub fn write_round(&self, round: &RoundFiles) -> Result<(), EvidenceError> {
        let iteration = round.gate.iteration;
        self.write_json(&layout::gate_file(iteration), &round.gate)?;
        let diagnose = layout::diagnose_file(iteration);
        if round.diagnose.tasks.is_empty() {
            // A round may be judged anew after a resume.
            return match fs::remove_file(self.path.join(&diagnose)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    Err(write_error(&self.path.join(diagnose))(error))
                }
                _ => Ok(()),
            };
        }
        self.write_json(&diagnose, &round.diagnose)
    }

    fn write_json(&self, relative: &str, value: &impl Serialize) -> Result<(), EvidenceError> {
        let path = self.path.join(relative);
        let write = || {
            // Where the folder was removed, what it held is lost, and a new one would hide that.
            fs::metadata(&self.path)?;
            let dir = path.parent().unwrap_or(&self.path);
            // One that is gone with all that was in it is not made again.
            fs::symlink_metadata(&self.path)?;
            fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
            match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            create_private_file(&path)?.write_all(&json(value)?)
        };
        write().map_err(write_error(&path))
    }

    /// Reads `run.json`.
    pub fn read_run_file(&self) -> Result<RunFile, EvidenceError> {
        self.read_json(RUN_FILE)
    }

    /// Reads a file of ours. Agents can write here too, so that what is no file is not waited for.
    pub(crate) fn read_json<T: DeserializeOwned>(&self, name: &str) -> Result<T, EvidenceError> {
        let path = self.path.join(name);
        let read = || match fs::symlink_metadata(&path)?.is_file() {
            true => fs::read(&path),
            false => Err(io::Error::other("it is no file")),
        };
        match read() {
            Ok(text) => serde_json::from_slice(&text)
                .map_err(|source| EvidenceError::Damaged { path, source }),
            Err(source) => Err(EvidenceError::Read { path, source }),
        }
    }
}

impl KeptEvidence {
    /// The folder that the first line names; where that is not there or not named, the run's folder
    /// in `runs` beside the folder of the session file: its place by default, also after a move of
    /// both. None for a run without an id: another program's.
    #[must_use]
    pub fn of(start: &SessionStart, session_file: &Path) -> Option<Self> {
        let run_id = start.run_id.as_ref()?;
        let data_dir = session_file.parent().and_then(Path::parent);
        let beside = data_dir.map(|dir| RunFolder::at(&dir.join("runs"), run_id).path);
        let candidates = || start.evidence_dir.iter().map(PathBuf::from).chain(beside.clone());
        let there = candidates().find(|path| path.is_dir());
        let exists = there.is_some();
        let path = there.or_else(|| candidates().next())?;
        Some(Self { path: path.to_string_lossy().into_owned(), exists })
    }
}

fn hash_of(from: &mut impl Read) -> io::Result<[u8; 32]> {
    let (mut hash, mut chunk) = (Sha256::new(), vec![0; 64 * 1024]);
    loop {
        match from.read(&mut chunk) {
            Ok(0) => return Ok(hash.finalize().into()),
            Ok(count) => hash.update(&chunk[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

fn is_hex_of(digest: &[u8], text: &str) -> bool {
    let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16);
    let digits = digest.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]);
    digits.eq(text.chars().map(Some))
}

fn write_error(path: &Path) -> impl FnOnce(io::Error) -> EvidenceError {
    let path = path.to_owned();
    |source| EvidenceError::Write { path, source }
}

fn json(value: &impl Serialize) -> io::Result<Vec<u8>> {
    let mut text = serde_json::to_vec_pretty(value)?;
    text.push(b'\n');
    Ok(text)
}

/// Writes a draft beside the file and puts it in the file's place. Synced before that, or a power
/// cut could leave an empty file under the old name.
fn replace(path: &Path, draft: &Path, run: &RunFile) -> io::Result<()> {
    let text = json(run)?;
    match fs::remove_file(draft) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
        _ => {}
    }
    let mut file = create_private_file(draft)?;
    file.write_all(&text)?;
    file.sync_data()?;
    fs::rename(draft, path)
}
