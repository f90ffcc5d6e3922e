//! Writes a session file while the run lives.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use codeloops_event::{Class, Event, SessionStart};

use crate::dirs::create_private_dir;
use crate::draft::Draft;
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

    /// Creates the session's file in `dir` (made where it is missing), with its first line in it.
    /// Never overwrites: a name that is taken gets a suffix.
    pub fn create(dir: &Path, start: &SessionStart) -> Result<Self, WriteError> {
        Self::create_dir(dir)?;
        let ids = || SessionId::candidates(start.timestamp, &start.prompt);
        // Until it has a name, it is told by the one that it would get.
        let path = ids().next().map_or_else(|| dir.to_owned(), |id| id.file_in(dir));
        let created = |source| WriteError::Create { path: path.clone(), source };
        let (draft, file) = Draft::create(dir, ids()).map_err(created)?;
        let mut log = LineLog::new(file);
        append(&mut log, &path, &Event::SessionStart(Box::new(start.clone())))?;
        let (id, path) = name(&draft, dir, ids())?;
        drop(draft);
        sync_dir(dir).map_err(|source| {
            // Nothing but this attempt is lost; a session of one line would be a riddle in every list.
            drop(std::fs::remove_file(&path));
            WriteError::Create { path: path.clone(), source }
        })?;
        Ok(Self { id, path, log })
    }

    /// Goes on with a session that another process recorded.
    pub(crate) const fn going_on(id: SessionId, path: PathBuf, log: LineLog<File>) -> Self {
        Self { id, path, log }
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
        append(&mut self.log, &self.path, event)
    }
}

fn append(log: &mut LineLog<File>, path: &Path, event: &Event) -> Result<(), WriteError> {
    log.append(event).map_err(|error| match error {
        AppendError::Io(source) => WriteError::Write { path: path.to_owned(), source },
        AppendError::Torn => WriteError::Torn { path: path.to_owned() },
    })
}

/// Gives the file the first name that is free.
fn name(
    draft: &Draft,
    dir: &Path,
    ids: impl Iterator<Item = SessionId>,
) -> Result<(SessionId, PathBuf), WriteError> {
    for id in ids {
        let path = id.file_in(dir);
        match draft.publish(&path) {
            Ok(()) => return Ok((id, path)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(source) => return Err(WriteError::Create { path, source }),
        }
    }
    unreachable!("the candidates have no end")
}

/// Makes the new name survive a power cut.
fn sync_dir(dir: &Path) -> io::Result<()> {
    match File::open(dir).and_then(|dir| dir.sync_all()) {
        // Some file systems cannot sync a folder; the name is then as safe as they make it.
        Err(e) if matches!(e.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) => {
            Ok(())
        }
        result => result,
    }
}
