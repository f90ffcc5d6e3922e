//! The record of a run: the session file and the files of the run's folder that are made of the same
//! events, written while the engine waits.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use codeloops_driver::ports::{Record, RecordError};
use codeloops_event::{Event, SessionStart};
use codeloops_session::{ReopenedSession, RunFolder, RunNotes, SessionId, SessionWriter};

/// A session file that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Recorded {
    pub(crate) id: SessionId,
    pub(crate) path: PathBuf,
    /// Its lines.
    pub(crate) lines: u64,
}

/// Tells what is recorded: once the run is over, all of it.
#[derive(Debug, Clone, Default)]
pub(crate) struct RecordedLater(Arc<Mutex<Option<Recorded>>>);

impl RecordedLater {
    pub(crate) fn get(&self) -> Option<Recorded> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, recorded: Option<Recorded>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = recorded;
    }

    fn count_line(&self) {
        if let Some(recorded) = &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            recorded.lines += 1;
        }
    }
}

/// The session file of a run.
enum SessionFile {
    /// None, under `--no-session`.
    Without,
    /// To be made in this folder.
    ToMake(PathBuf),
    /// One that another process wrote, to be gone on with.
    ToGoOnWith(Box<ReopenedSession>),
    /// This.
    Open(Box<SessionWriter>),
}

impl SessionFile {
    const fn writer(&mut self) -> Option<&mut SessionWriter> {
        match self {
            Self::Open(writer) => Some(writer),
            Self::Without | Self::ToMake(_) | Self::ToGoOnWith(_) => None,
        }
    }
}

/// Writes the record of one run.
pub(crate) struct SessionRecord {
    file: SessionFile,
    folder: RunFolder,
    notes: Option<RunNotes>,
    recorded: RecordedLater,
}

impl SessionRecord {
    pub(crate) fn new(sessions: Option<PathBuf>, folder: RunFolder) -> (Self, RecordedLater) {
        let recorded = RecordedLater::default();
        let later = recorded.clone();
        let file = sessions.map_or(SessionFile::Without, SessionFile::ToMake);
        (Self { file, folder, notes: None, recorded }, later)
    }

    /// The record of a run that goes on, up to now of so many lines.
    pub(crate) fn resumed(
        session: ReopenedSession,
        lines: u64,
        folder: RunFolder,
        notes: RunNotes,
    ) -> (Self, RecordedLater) {
        let recorded = RecordedLater::default();
        let later = recorded.clone();
        let (id, path) = (session.id().clone(), session.path().to_owned());
        recorded.set(Some(Recorded { id, path, lines }));
        let file = SessionFile::ToGoOnWith(Box::new(session));
        (Self { file, folder, notes: Some(notes), recorded }, later)
    }

    fn begin(&mut self, start: &SessionStart) -> Result<(), RecordError> {
        if let SessionFile::ToMake(dir) = &self.file {
            let writer = SessionWriter::create(dir, start).map_err(failed)?;
            let (id, path) = (writer.id().clone(), writer.path().to_owned());
            self.recorded.set(Some(Recorded { id, path, lines: 1 }));
            self.file = SessionFile::Open(Box::new(writer));
        }
        let notes = RunNotes::begin(start, self.file.writer().map(|writer| writer.id()));
        self.folder.write_run_file(notes.run_file()).map_err(failed)?;
        self.notes = Some(notes);
        Ok(())
    }

    fn line(&mut self, event: &Event) -> Result<(), RecordError> {
        self.file = match std::mem::replace(&mut self.file, SessionFile::Without) {
            SessionFile::ToGoOnWith(session) => {
                SessionFile::Open(Box::new(session.into_writer().map_err(failed)?))
            }
            file => file,
        };
        let Some(writer) = self.file.writer() else { return Ok(()) };
        writer.append(event).map_err(failed)?;
        if writer.path().exists() {
            self.recorded.count_line();
            return Ok(());
        }
        // It could still be written to, and nobody would ever read it.
        self.recorded.set(None);
        let path = writer.path().display();
        Err(RecordError(format!("the session file `{path}` was deleted during the run")))
    }

    fn go_on(&mut self, event: &Event) -> Result<(), RecordError> {
        self.line(event)?;
        let Some(notes) = &mut self.notes else { return Ok(()) };
        notes.note(event);
        self.folder.write_run_file(notes.run_file()).map_err(failed)
    }

    /// What belongs to a line is written before it, so that what is recorded is there.
    fn note(&mut self, event: &Event) -> Result<(), RecordError> {
        let files = self.notes.as_mut().and_then(|notes| notes.note(event));
        if let Some(files) = files {
            self.folder.write_round(&files).map_err(failed)?;
        }
        self.line(event)
    }

    /// The end stands in both files or in neither: a run that is told to have failed for want of a
    /// record is nowhere recorded as a success.
    fn end(&mut self, event: &Event) -> Result<(), RecordError> {
        let Some(notes) = &self.notes else { return self.line(event) };
        let before = notes.run_file().clone();
        let mut ended = before.clone();
        ended.note(event);
        self.folder.write_run_file(&ended).map_err(failed)?;
        self.line(event).inspect_err(|_| {
            // Where not even this can be written, the error that is told has said why.
            drop(self.folder.write_run_file(&before));
        })
    }
}

impl Record for SessionRecord {
    fn append(&mut self, event: &Event) -> Result<(), RecordError> {
        match event {
            Event::SessionStart(start) => self.begin(start),
            Event::SessionResumed(_) => self.go_on(event),
            Event::SessionEnd(_) => self.end(event),
            _ => self.note(event),
        }
    }
}

fn failed(error: impl std::error::Error) -> RecordError {
    RecordError(error.to_string())
}
