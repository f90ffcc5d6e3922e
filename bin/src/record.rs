//! The record of a run: the session file and `run.json`, written while the engine waits.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use codeloops_driver::ports::{Record, RecordError};
use codeloops_event::{Event, SessionEnd, SessionStart};
use codeloops_session::{RunFile, RunFolder, SessionId, SessionWriter};

/// A session file that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Recorded {
    pub(crate) id: SessionId,
    pub(crate) path: PathBuf,
}

/// Tells, once the run is over, what was recorded.
#[derive(Debug, Clone, Default)]
pub(crate) struct RecordedLater(Arc<Mutex<Option<Recorded>>>);

impl RecordedLater {
    pub(crate) fn take(&self) -> Option<Recorded> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn set(&self, recorded: Recorded) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(recorded);
    }
}

/// Writes the record of one run.
pub(crate) struct SessionRecord {
    /// Where the session file goes; none under `--no-session`.
    sessions: Option<PathBuf>,
    folder: RunFolder,
    writer: Option<SessionWriter>,
    run_file: Option<RunFile>,
    recorded: RecordedLater,
}

impl SessionRecord {
    pub(crate) fn new(sessions: Option<PathBuf>, folder: RunFolder) -> (Self, RecordedLater) {
        let recorded = RecordedLater::default();
        let later = recorded.clone();
        (Self { sessions, folder, writer: None, run_file: None, recorded }, later)
    }

    fn begin(&mut self, start: &SessionStart) -> Result<(), RecordError> {
        if let Some(dir) = &self.sessions {
            let writer = SessionWriter::create(dir, start).map_err(failed)?;
            let (id, path) = (writer.id().clone(), writer.path().to_owned());
            self.recorded.set(Recorded { id, path });
            self.writer = Some(writer);
        }
        let run_file = RunFile::started(start, self.writer.as_ref().map(SessionWriter::id));
        self.folder.write_run_file(&run_file).map_err(failed)?;
        self.run_file = Some(run_file);
        Ok(())
    }

    fn line(&mut self, event: &Event) -> Result<(), RecordError> {
        match &mut self.writer {
            Some(writer) => writer.append(event).map_err(failed),
            None => Ok(()),
        }
    }

    fn end(&mut self, end: &SessionEnd) -> Result<(), RecordError> {
        let Some(run_file) = self.run_file.take() else { return Ok(()) };
        self.folder.write_run_file(&run_file.ended(end)).map_err(failed)
    }
}

impl Record for SessionRecord {
    fn append(&mut self, event: &Event) -> Result<(), RecordError> {
        match event {
            Event::SessionStart(start) => self.begin(start),
            Event::SessionEnd(end) => {
                self.line(event)?;
                self.end(end)
            }
            _ => self.line(event),
        }
    }
}

fn failed(error: impl std::error::Error) -> RecordError {
    RecordError(error.to_string())
}
