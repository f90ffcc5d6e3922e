//! Which sessions a list shows.

use chrono::NaiveDate;
use codeloops_event::Outcome;
use memchr::memmem::Finder;

use crate::entry::SessionEntry;
use crate::progress::SessionStatus;

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

/// A filter made ready for many sessions.
pub(crate) struct Wanted<'a> {
    filter: &'a SessionFilter,
    search: Option<Search<'a>>,
}

impl<'a> Wanted<'a> {
    pub(crate) fn new(filter: &'a SessionFilter) -> Self {
        Self { filter, search: filter.search.as_deref().map(Search::new) }
    }

    pub(crate) fn is_everything(&self) -> bool {
        *self.filter == SessionFilter::default()
    }

    /// Whether a session matches, its prompt aside.
    pub(crate) fn is_met_by(&self, entry: &SessionEntry<'_>) -> bool {
        let filter = self.filter;
        let day = || entry.timestamp.date_naive();
        filter.outcome.is_none_or(|outcome| entry.outcome == Some(outcome))
            && filter.after.is_none_or(|after| after <= day())
            && filter.before.is_none_or(|before| day() <= before)
            && filter.project.as_ref().is_none_or(|project| *project == entry.project())
            && filter.status.is_none_or(|status| entry.status == status)
    }

    /// Whether prompts are searched.
    pub(crate) const fn searches(&self) -> bool {
        self.search.is_some()
    }

    /// Whether a prompt holds what is searched for.
    pub(crate) fn is_in(&self, prompt: &str) -> bool {
        self.search.as_ref().is_none_or(|search| search.is_in(prompt))
    }
}

struct Search<'a> {
    text: &'a str,
    lower: String,
    finder: Finder<'static>,
}

impl<'a> Search<'a> {
    fn new(text: &'a str) -> Self {
        let lower = text.to_lowercase();
        Self { text, finder: Finder::new(&lower).into_owned(), lower }
    }

    /// Some letters are another one or several in lower case, so what is found as it is counts too.
    fn is_in(&self, prompt: &str) -> bool {
        if prompt.is_ascii() {
            return self.finder.find(prompt.to_ascii_lowercase().as_bytes()).is_some();
        }
        prompt.contains(self.text) || prompt.to_lowercase().contains(&self.lower)
    }
}
