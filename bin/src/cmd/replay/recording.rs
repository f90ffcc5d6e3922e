//! The session file that is meant, and what stands in it, line by line.

use std::fs::File;
use std::io::BufReader;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use codeloops_event::Event;
use codeloops_session::{ReadError, SessionReader, SessionStore, StoreError, Warning};

use crate::cmd::sessions::store_error;
use crate::error::CliError;
use crate::recorded_trace::Ahead;
use crate::text::path_from;
use crate::values::otel::Times;
use crate::world::World;

/// A session file that is being read.
pub(super) struct Recording {
    /// The file.
    pub(super) path: PathBuf,
    reader: SessionReader<BufReader<File>>,
}

/// A recorded event.
pub(super) struct Recorded {
    /// The number of its line, counted from 1.
    pub(super) line: u64,
    pub(super) event: Event,
}

impl Recording {
    /// Opens the file that a user means: by its path, or by what finds a session in the store.
    pub(super) fn open(wanted: &str, world: &World) -> Result<Self, CliError> {
        let path = find(wanted, world)?;
        let reader = SessionReader::open(&path).map_err(|error| unreadable(&error))?;
        Ok(Self { path, reader })
    }

    /// Whether a path leads to the file that is read, whatever its name.
    pub(super) fn is_same_file(&self, other: &Path) -> bool {
        let identity = |path: &Path| path.metadata().ok().map(|file| (file.dev(), file.ino()));
        identity(other).is_some_and(|other| identity(&self.path) == Some(other))
    }

    /// Whether the run that writes it still goes on.
    pub(super) fn is_being_written(&self) -> bool {
        self.reader.is_being_written()
    }

    /// What an export of it begins with.
    pub(super) fn ahead(&self, times: Times) -> Result<Ahead, CliError> {
        Ahead::read(&self.path, times).map_err(|error| unreadable(&error))
    }

    /// The event on a line that was read before.
    pub(super) fn event_at(&self, line: u64) -> Result<Event, CliError> {
        let reader = SessionReader::open(&self.path).map_err(|error| unreadable(&error))?;
        let mut again = Self { path: self.path.clone(), reader };
        let is_it = |recorded: &Result<Recorded, CliError>| {
            recorded.as_ref().map_or(true, |recorded| recorded.line == line)
        };
        let found = again.find(is_it).unwrap_or_else(|| Err(self.changed()));
        found.map(|recorded| recorded.event)
    }

    fn changed(&self) -> CliError {
        CliError::failed(format!("`{}` was changed while it was read", self.path.display()))
    }

    /// The recording is another program's, or lacks what the machine begins with.
    pub(super) fn not_replayable(&self, missing: &str) -> CliError {
        let path = self.path.display();
        let message = format!("`{path}` cannot be verified: its first line has no `{missing}`");
        CliError::failed(message).hint(
            "another program wrote it; without options, `codeloops replay` shows what it tells",
        )
    }

    /// What was left out at its end, once all was read.
    pub(super) fn into_warning(self) -> Option<Warning> {
        self.reader.into_warning()
    }
}

impl Iterator for Recording {
    type Item = Result<Recorded, CliError>;

    fn next(&mut self) -> Option<Self::Item> {
        let event = self.reader.next()?;
        let line = self.reader.line();
        Some(event.map(|event| Recorded { line, event }).map_err(|error| unreadable(&error)))
    }
}

/// What has a separator in it is a path. A name is looked for in the store, and then here.
fn find(wanted: &str, world: &World) -> Result<PathBuf, CliError> {
    let here = world.env.current_dir().map(|dir| path_from(dir, Path::new(wanted)));
    if wanted.contains('/') {
        return here;
    }
    let store = SessionStore::at(world.env.data_dir()?.join("sessions"));
    match store.resolve(wanted) {
        Ok(id) => Ok(store.path_of(&id)),
        Err(error @ StoreError::NotFound { .. }) => {
            here.ok().filter(|path| path.is_file()).ok_or_else(|| store_error(&error))
        }
        Err(error) => Err(store_error(&error)),
    }
}

fn unreadable(error: &ReadError) -> CliError {
    let shown = CliError::failed(error.to_string());
    match error {
        ReadError::Io { .. } => shown.hint("name a file that you may read"),
        ReadError::NoStart { .. } | ReadError::NotAFile { .. } | ReadError::Empty { .. } => {
            shown.hint("`codeloops sessions list` shows the sessions that there are")
        }
        // What reads it is said already.
        ReadError::Version { .. } => shown,
        ReadError::BadLine { .. } => {
            shown.hint("correct or remove that line; a copy of the file keeps what it says")
        }
    }
}
