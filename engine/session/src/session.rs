//! A whole session in memory.

use std::io::BufReader;
use std::path::Path;

use codeloops_event::{
    AnswerIgnored, EngineFailed, Event, GateTreeChecked, IterationEnd, SessionEnd, SessionResumed,
    SessionStart, StopRequested, Timestamp, UsageByRole,
};
use serde::Serialize;

use crate::evidence::KeptEvidence;
use crate::gates::Gates;
use crate::history::History;
use crate::last_look::ChangesIn;
use crate::names::SessionId;
use crate::progress::{Progress, SessionStatus};
use crate::reader::{ReadError, SessionReader, Warning, open_file};
use crate::round::Round;

/// A session: its first line, its rounds, and its end. Its JSON is what the API and
/// `sessions show --json` give.
#[derive(Debug, Serialize)]
pub struct Session {
    /// Its id.
    pub id: SessionId,
    /// The first line.
    pub start: SessionStart,
    /// The summaries of the finished rounds.
    pub iterations: Vec<IterationEnd>,
    /// How it ended: its last `session_end`, unless it was resumed after that; null without one.
    pub end: Option<SessionEnd>,
    /// Whether it is over, and if it has no end, why.
    pub status: SessionStatus,
    /// What the gates came to before the first round, in the order of the settings.
    pub baseline: Gates,
    /// What the looks at the tree after them found.
    pub baseline_checks: Vec<GateTreeChecked>,
    /// All rounds, call by call, the unfinished ones as well.
    pub rounds: Vec<Round>,
    /// When somebody asked the run to stop.
    pub stops: Vec<StopRequested>,
    /// Answers that came to a call that was over.
    pub ignored: Vec<AnswerIgnored>,
    /// What failed in codeloops itself.
    pub failures: Vec<EngineFailed>,
    /// When another process went on with it.
    pub resumes: Vec<SessionResumed>,
    /// The time of the last line.
    pub last_line_at: Timestamp,
    /// Where all that it changed can be seen.
    #[serde(skip)]
    pub changes_in: ChangesIn,
    /// The run's evidence folder; null in files of other programs.
    pub evidence: Option<KeptEvidence>,
    /// What was left out; as text in JSON.
    pub warnings: Vec<Warning>,
}

impl Session {
    /// Reads a session file. `id` is the name it goes by.
    pub fn read(id: SessionId, path: &Path) -> Result<Self, ReadError> {
        let file = open_file(path)?;
        let mut reader = SessionReader::new(path, BufReader::new(&file));
        let mut progress = Progress::default();
        let mut history = None;
        for event in reader.by_ref() {
            let event = event?;
            progress.observe(&event);
            match (&mut history, event) {
                (None, Event::SessionStart(start)) => history = Some(History::begin(*start)),
                (None, _) => {}
                (Some(history), event) => history.observe(event),
            }
        }
        let history = history.ok_or_else(|| ReadError::Empty { path: path.to_owned() })?;
        Ok(Self {
            id,
            evidence: KeptEvidence::of(&history.start, path),
            start: history.start,
            iterations: history.iterations,
            status: progress.status(&file),
            end: progress.end,
            baseline: history.baseline,
            baseline_checks: history.baseline_checks,
            rounds: history.rounds,
            stops: history.stops,
            ignored: history.ignored,
            failures: history.failures,
            resumes: history.resumes,
            last_line_at: history.last_line_at,
            changes_in: history.look.changes(),
            warnings: reader.into_warning().into_iter().collect(),
        })
    }

    /// All rounds in order, the finished ones with their summaries.
    pub fn rounds(&self) -> impl Iterator<Item = (&Round, Option<&IterationEnd>)> {
        let mut summaries = self.iterations.iter();
        self.rounds
            .iter()
            .map(move |round| (round, if round.is_finished() { summaries.next() } else { None }))
    }

    /// What the run used: as its end tells, else the sum of what its calls told.
    #[must_use]
    pub fn usage(&self) -> Option<UsageByRole> {
        if let Some(end) = &self.end {
            return end.usage.clone();
        }
        let used = self.rounds.iter().map(Round::usage).reduce(|sum, round| sum.plus(&round))?;
        (used != UsageByRole::default()).then_some(used)
    }
}
