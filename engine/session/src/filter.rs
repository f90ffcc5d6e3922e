//! Which sessions a list shows.

use chrono::NaiveDate;
use codeloops_event::Outcome;

use crate::progress::SessionStatus;
use crate::summary::Listed;

/// What a session must match to be listed; the default lets every session through.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SessionFilter {
    /// It ended so. A peer's `user_interrupted` is read as, and matches, `interrupted`.
    pub outcome: Option<Outcome>,
    /// It started on this UTC day or later.
    pub after: Option<NaiveDate>,
    /// It started on this UTC day or earlier.
    pub before: Option<NaiveDate>,
    /// Its prompt holds this text; upper and lower case are the same.
    pub search: Option<String>,
    /// The last part of its working directory is this.
    pub project: Option<String>,
    /// It stands so.
    pub status: Option<SessionStatus>,
}

impl SessionFilter {
    pub(crate) fn matches(&self, listed: &Listed) -> bool {
        let summary = &listed.summary;
        let day = summary.timestamp.date_naive();
        self.outcome.is_none_or(|outcome| summary.outcome == Some(outcome))
            && self.after.is_none_or(|after| after <= day)
            && self.before.is_none_or(|before| day <= before)
            && self.project.as_ref().is_none_or(|project| *project == summary.project)
            && self.status.is_none_or(|status| summary.status == status)
            && self.search.as_ref().is_none_or(|search| contains(&listed.prompt, search))
    }
}

fn contains(text: &str, part: &str) -> bool {
    text.contains(part) || text.to_lowercase().contains(&part.to_lowercase())
}
