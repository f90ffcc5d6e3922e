//! A session that another process recorded, to be gone on with.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, BufReader, Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use crate::line_log::LineLog;
use crate::names::SessionId;
use crate::parse::parse_line;
use crate::reader::{ReadError, SessionReader, check_regular};
use crate::shown;
use crate::writer::{SessionWriter, WriteError};

/// How long a look at the file may hold it: one that lists sessions asks whether it is held.
const PATIENCE: Duration = Duration::from_millis(500);

/// Until it is tried again.
const AGAIN: Duration = Duration::from_millis(5);

/// Bytes that are looked through at a time for the end of the last whole line.
const WINDOW: u64 = 64 * 1024;

/// A session's file, held so that nobody else goes on with it, and not changed yet.
pub struct ReopenedSession {
    id: SessionId,
    path: PathBuf,
    file: File,
}

/// Why a session cannot be gone on with.
#[derive(Debug, thiserror::Error)]
pub enum ReopenError {
    /// It cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// It may not be written to.
    #[error("could not open session file `{}` for writing: {source}", shown::path(path))]
    Open {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A codeloops has it.
    #[error("session `{id}` is running")]
    Running {
        /// The session.
        id: SessionId,
    },
}

impl ReopenedSession {
    /// Takes the session's file, as its writer does.
    pub fn open(id: SessionId, dir: &Path) -> Result<Self, ReopenError> {
        let path = id.file_in(dir);
        check_regular(&path)?;
        let opened = OpenOptions::new().read(true).append(true).open(&path);
        let file = opened.map_err(|source| ReopenError::Open { path: path.clone(), source })?;
        if is_taken(&file) {
            return Err(ReopenError::Running { id });
        }
        // Whoever had it may have removed it, and what is written then is nowhere.
        check_regular(&path)?;
        Ok(Self { id, path, file })
    }

    /// The session's id.
    #[must_use]
    pub const fn id(&self) -> &SessionId {
        &self.id
    }

    /// Its file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What is recorded, from the beginning.
    pub fn events(&self) -> Result<SessionReader<BufReader<&File>>, ReadError> {
        let mut file = &self.file;
        file.seek(SeekFrom::Start(0)).map_err(self.unreadable())?;
        Ok(SessionReader::new(&self.path, BufReader::new(file)))
    }

    /// Goes on after the last line. One that the process before wrote in part is cut off.
    pub fn into_writer(self) -> Result<SessionWriter, WriteError> {
        let Self { id, path, file } = self;
        let log = end_last_line(&file).and_then(|len| LineLog::after(file, len));
        match log {
            Ok(log) => Ok(SessionWriter::going_on(id, path, log)),
            Err(source) => Err(WriteError::Write { path, source }),
        }
    }

    fn unreadable(&self) -> impl FnOnce(io::Error) -> ReadError {
        let path = self.path.clone();
        |source| ReadError::Io { path, source }
    }
}

/// Whether somebody else has the file. Where there are no locks, nobody knows, which is no.
fn is_taken(file: &File) -> bool {
    let until = Instant::now() + PATIENCE;
    loop {
        match file.try_lock() {
            Err(TryLockError::WouldBlock) if Instant::now() < until => thread::sleep(AGAIN),
            locked => return matches!(locked, Err(TryLockError::WouldBlock)),
        }
    }
}

/// Where the lines end. A last one that is whole but for its line feed gets that.
fn end_last_line(mut file: &File) -> io::Result<u64> {
    let (start, len) = (last_line_start(file)?, file.metadata()?.len());
    let mut line = vec![0; usize::try_from(len - start).map_err(io::Error::other)?];
    file.read_exact_at(&mut line, start)?;
    if line.is_empty() || parse_line(&line).is_err() {
        return Ok(start);
    }
    file.write_all(b"\n")?;
    Ok(len + 1)
}

/// Where that begins which no line feed follows: the file's end, where there is nothing of that kind.
fn last_line_start(file: &File) -> io::Result<u64> {
    let mut end = file.metadata()?.len();
    while end > 0 {
        let start = end.saturating_sub(WINDOW);
        let mut bytes = vec![0; usize::try_from(end - start).map_err(io::Error::other)?];
        file.read_exact_at(&mut bytes, start)?;
        if let Some(at) = memchr::memrchr(b'\n', &bytes) {
            return Ok(start + at as u64 + 1);
        }
        end = start;
    }
    Ok(0)
}
