//! A recording that is exported: what of it is known before its first event is told, and what became of
//! it.

use std::path::Path;

use chrono::TimeDelta;
use codeloops_event::{Event, SessionStart, Timestamp};
use codeloops_session::{ReadError, SessionReader};
use serde::Serialize;

use crate::exported::Recording;
use crate::values::otel::Times;

/// What was read of a recording ahead of its export.
pub(crate) struct Ahead {
    start: Box<SessionStart>,
    /// The session's name.
    name: Option<String>,
    /// The latest time that stands in it, as far as it was read.
    latest: Timestamp,
    is_being_written: bool,
}

/// What became of a recording.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Sent {
    pub(crate) trace_id: String,
    /// How many the receiver took.
    pub(crate) spans: u64,
    /// A link to the trace; null where none is set up.
    pub(crate) url: Option<String>,
    /// What it did not take, and why.
    #[serde(skip)]
    pub(crate) lost: Option<String>,
}

impl Ahead {
    /// Reads no further than is needed to put the times off so.
    ///
    /// # Errors
    /// Where there is no first line. What else cannot be read is found where it is exported.
    pub(crate) fn read(path: &Path, times: Times) -> Result<Self, ReadError> {
        match times {
            Times::Original => Self::first_line(path).map(|(ahead, _)| ahead),
            Times::Now => {
                let (mut ahead, reader) = Self::first_line(path)?;
                reader.map_while(Result::ok).for_each(|event| ahead.take(&event));
                Ok(ahead)
            }
        }
    }

    /// Reads all of it.
    ///
    /// # Errors
    /// Where some line cannot be read.
    pub(crate) fn read_whole(path: &Path) -> Result<Self, ReadError> {
        let (mut ahead, mut reader) = Self::first_line(path)?;
        reader.try_for_each(|event| event.map(|event| ahead.take(&event)))?;
        Ok(ahead)
    }

    fn first_line(
        path: &Path,
    ) -> Result<(Self, impl Iterator<Item = Result<Event, ReadError>>), ReadError> {
        let mut reader = SessionReader::open(path)?;
        let is_being_written = reader.is_being_written();
        let Some(Event::SessionStart(start)) = reader.next().transpose()? else {
            return Err(ReadError::NoStart { path: path.to_owned() });
        };
        let name = path.file_name().map(|name| name.to_string_lossy());
        let name = name.map(|name| name.strip_suffix(".jsonl").unwrap_or(&name).to_owned());
        let latest = start.timestamp;
        Ok((Self { start, name, latest, is_being_written }, reader))
    }

    fn take(&mut self, event: &Event) {
        self.latest = event.timestamp().map_or(self.latest, |at| at.max(self.latest));
    }

    /// What the export goes by.
    pub(crate) fn recording(&self, times: Times, now: Timestamp) -> Recording<'_> {
        Recording {
            start: &self.start,
            name: self.name.clone(),
            shift: match times {
                Times::Original => TimeDelta::zero(),
                Times::Now => now - self.latest,
            },
            is_over: !self.is_being_written,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: [&str; 3] = ["2025-01-27T15:30:45Z", "2025-01-27T15:40:45Z", "2025-01-27T15:35:45Z"];

    fn session(dir: &Path, last: &str) -> std::path::PathBuf {
        let start = format!(
            r#"{{"type":"session_start","timestamp":"{}","prompt":"p","working_dir":"/","actor_agent":"A",
            "critic_agent":"C","actor_model":null,"critic_model":null,"max_iterations":null}}"#,
            AT[0]
        );
        let stop = |at: &str| {
            format!(
                r#"{{"type":"stop_requested","timestamp":"{at}","elapsed_ms":1,"signal":"SIGINT","now":false}}"#
            )
        };
        let lines = [start.replace('\n', ""), stop(AT[1]), stop(AT[2]), last.to_owned()];
        let path = dir.join("2025-01-27T15-30-45Z_a3f2c1.jsonl");
        std::fs::write(&path, lines.join("\n") + "\n").unwrap();
        path
    }

    /// A clock that was set back must not put anything into the future.
    #[test]
    fn a_trace_that_ends_now_has_no_time_after_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = session(dir.path(), "");
        let now: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let shifted = |times| Ahead::read(&path, times).unwrap().recording(times, now).shift;
        assert_eq!(shifted(Times::Original), TimeDelta::zero());
        let latest: Timestamp = AT[1].parse().unwrap();
        assert_eq!(shifted(Times::Now), now - latest);
        let ahead = Ahead::read(&path, Times::Now).unwrap();
        let recording = ahead.recording(Times::Now, now);
        assert_eq!(recording.name.as_deref(), Some("2025-01-27T15-30-45Z_a3f2c1"));
        assert!(recording.is_over, "nobody writes it");
    }

    #[test]
    fn a_bad_line_is_found_where_all_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = session(dir.path(), r#"{"type":"session_end"}"#);
        assert!(Ahead::read(&path, Times::Now).is_ok());
        assert!(matches!(Ahead::read_whole(&path), Err(ReadError::BadLine { line: 4, .. })));
    }
}
