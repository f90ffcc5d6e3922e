//! A whole session in memory.

use std::io::BufReader;
use std::path::Path;

use codeloops_event::{Event, IterationEnd, SessionEnd, SessionStart};
use serde::Serialize;

use crate::names::SessionId;
use crate::progress::{Progress, SessionStatus};
use crate::reader::{ReadError, SessionReader, Warning, open_file};

/// A session: its first line, the summaries of its rounds, and its end. Its JSON is what the API
/// and `sessions show --json` give.
#[derive(Debug, Serialize)]
pub struct Session {
    /// Its id.
    pub id: SessionId,
    /// The first line.
    pub start: SessionStart,
    /// The finished rounds.
    pub iterations: Vec<IterationEnd>,
    /// How it ended: its last `session_end`, unless it was resumed after that; null without one.
    pub end: Option<SessionEnd>,
    /// Whether it is over, and if it has no end, why.
    pub status: SessionStatus,
    /// What was left out; as text in JSON.
    pub warnings: Vec<Warning>,
}

impl Session {
    /// Reads a session file. `id` is the name it goes by.
    pub fn read(id: SessionId, path: &Path) -> Result<Self, ReadError> {
        let file = open_file(path)?;
        let mut reader = SessionReader::new(path, BufReader::new(&file));
        let mut progress = Progress::default();
        let mut start = None;
        let mut iterations = Vec::new();
        for event in reader.by_ref() {
            let event = event?;
            progress.observe(&event);
            match event {
                Event::SessionStart(first) if start.is_none() => start = Some(*first),
                Event::Iteration(iteration) => iterations.push(*iteration),
                _ => {}
            }
        }
        let start = start.ok_or_else(|| ReadError::Empty { path: path.to_owned() })?;
        let warnings = reader.into_warning().into_iter().collect();
        let status = progress.status(&file);
        Ok(Self { id, start, iterations, end: progress.end, status, warnings })
    }
}
