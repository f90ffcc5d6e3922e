//! One session in a list.

use std::io::BufReader;
use std::path::Path;

use codeloops_event::{Event, Outcome, Parent, RunId, SessionStart, StopReason, Timestamp};
use serde::Serialize;

use crate::names::SessionId;
use crate::progress::{Progress, SessionStatus};
use crate::reader::{ReadError, SessionReader, open_file};
use crate::tail;

/// Characters of the prompt that a summary holds.
const PREVIEW_CHARS: usize = 256;

/// One session in a list. Its JSON is what the API and `sessions list --json` give.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SessionSummary {
    /// Its id.
    pub id: SessionId,
    /// When it started.
    pub timestamp: Timestamp,
    /// The first 256 characters of the prompt.
    pub prompt_preview: String,
    /// Absolute path, lossily decoded.
    pub working_dir: String,
    /// The last part of the working directory.
    pub project: String,
    /// How it ended; null without an end.
    pub outcome: Option<Outcome>,
    /// Finished rounds.
    pub iterations: u32,
    /// How long it took; null without an end.
    pub duration_secs: Option<f64>,
    /// The critic's confidence, 0 to 1; null where there is none.
    pub confidence: Option<f64>,
    /// Title of the actor's agent.
    pub actor_agent: String,
    /// Title of the critic's agent.
    pub critic_agent: String,
    /// Whether it is over, and if it has no end, why.
    pub status: SessionStatus,
    /// The run's identity; null in files of other programs.
    pub run_id: Option<RunId>,
    /// Where a fork began; null for any other run.
    pub parent: Option<Parent>,
    /// Why it ended; null without an end and in files of other programs.
    pub stop_reason: Option<StopReason>,
}

/// A summary with what a filter looks at beside it.
pub(crate) struct Listed {
    pub(crate) summary: SessionSummary,
    pub(crate) prompt: String,
}

impl Listed {
    /// Reads head and tail of the file; the whole of it only where the tail shows no end. So a list
    /// does not notice damage in the middle of a session that has ended.
    pub(crate) fn read(id: SessionId, path: &Path) -> Result<Self, ReadError> {
        let file = open_file(path)?;
        let mut reader = SessionReader::new(path, BufReader::new(&file));
        let start = read_start(&mut reader, path)?;
        let io_error = |source| ReadError::Io { path: path.to_owned(), source };
        let mut progress = match tail::find_end(&file).map_err(io_error)? {
            Some(end) => Progress::ended(end),
            None => Progress::after(reader)?,
        };
        let status = progress.status(&file);
        let end = progress.end.take();
        let summary = SessionSummary {
            id,
            timestamp: start.timestamp,
            prompt_preview: start.prompt.chars().take(PREVIEW_CHARS).collect(),
            project: project_of(&start.working_dir).to_owned(),
            working_dir: start.working_dir,
            outcome: end.as_ref().map(|end| end.outcome),
            iterations: progress.iterations,
            duration_secs: end.as_ref().map(|end| end.duration_secs),
            confidence: end.as_ref().and_then(|end| end.confidence),
            actor_agent: start.actor_agent,
            critic_agent: start.critic_agent,
            status,
            run_id: start.run_id,
            parent: start.parent,
            stop_reason: end.and_then(|end| end.stop_reason),
        };
        Ok(Self { summary, prompt: start.prompt })
    }
}

fn read_start(
    reader: &mut impl Iterator<Item = Result<Event, ReadError>>,
    path: &Path,
) -> Result<SessionStart, ReadError> {
    match reader.next().transpose()? {
        Some(Event::SessionStart(start)) => Ok(*start),
        _ => Err(ReadError::NoStart { path: path.to_owned() }),
    }
}

/// The last part of a working directory; the whole of it where it has none (`/`).
fn project_of(working_dir: &str) -> &str {
    let name = working_dir.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    if name.is_empty() { working_dir } else { name }
}
