//! Writes a session file while the run lives.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use codeloops_event::{Class, Event, SessionStart};

use crate::dirs::{create_private_dir, create_private_file};
use crate::line_log::{AppendError, LineLog};
use crate::names::SessionId;
use crate::shown;

/// The session file of a live run.
///
/// While it lives it holds an advisory lock (`flock`) on the file, by which a reader tells a
/// running session from a crashed one; the system drops the lock with the process. Where the file
/// system knows no locks, the run goes on without.
pub struct SessionWriter {
    id: SessionId,
    path: PathBuf,
    log: LineLog<File>,
}

/// Why a session could not be recorded.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The folder of the session files could not be made.
    #[error("could not create sessions directory `{}`: {source}", shown::path(path))]
    CreateDir {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file could not be made.
    #[error("could not create session file `{}`: {source}", shown::path(path))]
    Create {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A line could not be written or synced. What stands in the file are whole lines.
    #[error("could not write session file `{}`: {source}", shown::path(path))]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// An earlier line stands in the file in part and could not be cut off, so no more is written.
    #[error("could not write session file `{}`: its last line is incomplete", shown::path(path))]
    Torn {
        /// The file.
        path: PathBuf,
    },
    /// A session starts once.
    #[error(
        "could not write session file `{}`: the session has already started",
        shown::path(path)
    )]
    SecondStart {
        /// The file.
        path: PathBuf,
    },
}

impl SessionWriter {
    /// Makes the folder of the session files where it is missing, so that a run that cannot be
    /// recorded can be refused before it begins.
    pub fn create_dir(dir: &Path) -> Result<(), WriteError> {
        create_private_dir(dir)
            .map_err(|source| WriteError::CreateDir { path: dir.to_owned(), source })
    }

    /// Creates the session's file in `dir` (made where it is missing) and writes its first line.
    /// Never overwrites: a name that is taken gets a suffix.
    pub fn create(dir: &Path, start: &SessionStart) -> Result<Self, WriteError> {
        Self::create_dir(dir)?;
        let (id, path, file) = create_file(dir, start)?;
        // A lock that cannot be had costs the reader's distinction, not the run. It is taken before
        // the first line, and readers ask for it after that line, so nobody can be in the way.
        drop(file.try_lock());
        let mut writer = Self { id, path, log: LineLog::new(file) };
        if let Err(error) = writer.begin(dir, start) {
            // Nothing but this attempt is lost; an empty file would be a riddle in every list.
            drop(std::fs::remove_file(&writer.path));
            return Err(error);
        }
        Ok(writer)
    }

    /// The session's id.
    #[must_use]
    pub const fn id(&self) -> &SessionId {
        &self.id
    }

    /// The session's file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Appends one fact or decision; chatter is left out. When it returns, the line has left the
    /// process by a single write; an `iteration` or `session_end` line is on the disk.
    pub fn append(&mut self, event: &Event) -> Result<(), WriteError> {
        if event.class() == Class::Chatter {
            return Ok(());
        }
        if let Event::SessionStart(_) = event {
            return Err(WriteError::SecondStart { path: self.path.clone() });
        }
        self.write(event)
    }

    fn begin(&mut self, dir: &Path, start: &SessionStart) -> Result<(), WriteError> {
        self.write(&Event::SessionStart(Box::new(start.clone())))?;
        self.sync_dir(dir)
    }

    fn write(&mut self, event: &Event) -> Result<(), WriteError> {
        let path = || self.path.clone();
        self.log.append(event).map_err(|error| match error {
            AppendError::Io(source) => WriteError::Write { path: path(), source },
            AppendError::Torn => WriteError::Torn { path: path() },
        })
    }

    /// Makes the new name survive a power cut.
    fn sync_dir(&self, dir: &Path) -> Result<(), WriteError> {
        match File::open(dir).and_then(|dir| dir.sync_all()) {
            // Some file systems cannot sync a folder; the name is then as safe as they make it.
            Err(e)
                if matches!(e.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) =>
            {
                Ok(())
            }
            result => {
                result.map_err(|source| WriteError::Create { path: self.path.clone(), source })
            }
        }
    }
}

fn create_file(dir: &Path, start: &SessionStart) -> Result<(SessionId, PathBuf, File), WriteError> {
    for id in SessionId::candidates(start.timestamp, &start.prompt) {
        let path = id.file_in(dir);
        match create_private_file(&path) {
            Ok(file) => return Ok((id, path, file)),
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
            Err(source) => return Err(WriteError::Create { path, source }),
        }
    }
    unreachable!("the candidates have no end")
}
