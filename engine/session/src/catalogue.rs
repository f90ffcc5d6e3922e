//! All sessions of a store at one moment, without a copy of what is known of each.

mod look;

use std::path::{Path, PathBuf};
use std::time::Instant;

use crate::entry::SessionEntry;
use crate::filter::{SessionFilter, Wanted};
use crate::index::{Block, KnownPrompt, LateIndex};
use crate::listed::read_start_of;
use crate::names::{EXTENSION, copy};
use crate::order::SessionOrder;
use crate::progress::SessionStatus;
use crate::reader::Warning;

/// The sessions that match a filter, newest first, as views. Ten thousand take a few megabytes.
///
/// ```
/// # let dir = tempfile::tempdir()?;
/// # let line = r#"{"type":"session_start","timestamp":"2025-01-27T15:30:45Z","prompt":"Fix the typo",
/// #   "working_dir":"/home/user/myapp","actor_agent":"Claude Code","critic_agent":"Codex CLI",
/// #   "actor_model":null,"critic_model":null,"max_iterations":null}"#;
/// # std::fs::write(dir.path().join("2025-01-27T15-30-45Z_a3f2c1.jsonl"), line.replace('\n', ""))?;
/// use codeloops_session::{SessionFilter, SessionOrder, SessionStore};
///
/// let store = SessionStore::at(dir.path());
/// let mut sessions = store.catalogue(&SessionFilter::default())?;
/// sessions.sort(SessionOrder::Iterations, false);
/// for session in sessions.iter().take(10) {
///     println!("{} {}: {}", session.id, session.project(), session.prompt_preview);
/// }
/// assert_eq!(sessions.len(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Default)]
pub struct Catalogue {
    dir: PathBuf,
    /// The first is that of the index.
    blocks: Vec<Block>,
    rows: Vec<Row>,
    warnings: Vec<Warning>,
}

/// Where an entry stands.
#[derive(Debug, Clone, Copy)]
struct Row {
    block: usize,
    at: usize,
    /// Whether it has no end and its process lives.
    runs: bool,
}

impl Catalogue {
    /// Looks at the files of a folder, opens those that the index does not know, and keeps what the
    /// filter lets through.
    pub(crate) fn read(dir: &Path, filter: &SessionFilter) -> std::io::Result<Self> {
        let began = Instant::now();
        let index = LateIndex::of(dir, filter.search.is_some());
        let mut found = look::at_all(dir, &index)?;
        let mut index = index.into_index();
        index.renew(dir, &found.kept, &found.fresh, found.cost, began.elapsed());
        let warnings = found.warnings;
        let mut blocks = vec![index.into_block()];
        blocks.append(&mut found.fresh);
        let mut sessions = Self { dir: dir.to_owned(), blocks, rows: found.rows, warnings };
        sessions.keep(&Wanted::new(filter));
        sessions.sort(SessionOrder::Date, false);
        Ok(sessions)
    }

    /// How many there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The sessions, in order.
    pub fn iter(&self) -> impl Iterator<Item = SessionEntry<'_>> {
        self.rows.iter().filter_map(|row| self.entry(row))
    }

    /// Files that could not be read, and why.
    #[must_use]
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// The same, to keep.
    pub(crate) fn take_warnings(&mut self) -> Vec<Warning> {
        std::mem::take(&mut self.warnings)
    }

    /// Puts the sessions in another order; among equals the newest comes first. Those of which what
    /// they are put in order by is not known come last, also where the order is reversed.
    pub fn sort(&mut self, order: SessionOrder, reverse: bool) {
        let mut rows = std::mem::take(&mut self.rows);
        order.sort(
            &mut rows,
            reverse,
            |row| self.entry(row),
            |a, b| {
                let copies = copy(b.id).cmp(&copy(a.id));
                b.timestamp.cmp(&a.timestamp).then(copies).then_with(|| b.id.cmp(a.id))
            },
        );
        self.rows = rows;
    }

    /// Leaves out all but the first so many.
    pub fn truncate(&mut self, count: usize) {
        self.rows.truncate(count);
    }

    fn keep(&mut self, wanted: &Wanted<'_>) {
        let mut rows = std::mem::take(&mut self.rows);
        if !wanted.is_everything() {
            rows.retain(|row| {
                let matches = |entry: SessionEntry<'_>| {
                    wanted.is_met_by(&entry) && self.is_found(wanted, row, &entry)
                };
                self.entry(row).is_some_and(matches)
            });
        }
        self.rows = rows;
    }

    fn is_found(&self, wanted: &Wanted<'_>, row: &Row, entry: &SessionEntry<'_>) -> bool {
        if !wanted.searches() {
            return true;
        }
        match self.blocks[row.block].prompt(row.at) {
            Some(KnownPrompt::Text(prompt)) => wanted.is_in(prompt),
            _ => {
                let path = self.dir.join(format!("{}.{EXTENSION}", entry.id));
                read_start_of(&path).is_ok_and(|start| wanted.is_in(&start.prompt))
            }
        }
    }

    fn entry(&self, row: &Row) -> Option<SessionEntry<'_>> {
        let mut entry = self.blocks[row.block].entry(row.at)?;
        if row.runs {
            entry.status = SessionStatus::Running;
        }
        Some(entry)
    }
}

#[cfg(test)]
mod tests;
