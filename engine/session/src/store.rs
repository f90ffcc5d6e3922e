//! All sessions of a machine.

use std::cmp::Reverse;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::dirs::{DataDir, NoHome};
use crate::filter::SessionFilter;
use crate::names::{EXTENSION, SessionId, SessionIdError};
use crate::reader::{ReadError, Warning};
use crate::session::Session;
use crate::shown;
use crate::stats::SessionStats;
use crate::summary::{Listed, SessionSummary};

/// The word that stands for the newest session.
const LATEST: &str = "latest";

/// Candidates that an error names.
const NAMED_CANDIDATES: usize = 5;

/// The folder of the session files.
#[derive(Debug, Clone)]
pub struct SessionStore {
    dir: PathBuf,
}

/// Sessions, newest first, and what was left out. Goes through a `for` loop as the sessions.
#[derive(Debug, Default)]
pub struct SessionList {
    /// The sessions.
    pub sessions: Vec<SessionSummary>,
    /// Files that could not be read, and why.
    pub warnings: Vec<Warning>,
}

/// Why the store cannot answer.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// It is not known where sessions stand.
    #[error(transparent)]
    NoHome(#[from] NoHome),
    /// The folder cannot be read.
    #[error("could not read sessions directory `{}`: {source}", shown::path(path))]
    Dir {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// There is no session yet.
    #[error("no sessions in `{}`", shown::path(path))]
    NoSessions {
        /// The folder.
        path: PathBuf,
    },
    /// No session has this id, or begins with it.
    #[error("no session `{}`", shown::text(text))]
    NotFound {
        /// What was asked for.
        text: String,
    },
    /// Several sessions begin with this.
    #[error("`{}` could be {}", shown::text(text), name_some(candidates))]
    Ambiguous {
        /// What was asked for.
        text: String,
        /// All of them, newest first.
        candidates: Vec<SessionId>,
    },
    /// A text that cannot be an id.
    #[error(transparent)]
    Id(#[from] SessionIdError),
    /// The session's file cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
}

impl SessionStore {
    /// The store of the user, by the environment.
    pub fn new() -> Result<Self, StoreError> {
        Ok(Self::at(DataDir::from_env()?.sessions()))
    }

    /// The store in a folder, which need not exist.
    #[must_use]
    pub fn at(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into() }
    }

    /// The folder.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The file of a session.
    #[must_use]
    pub fn path_of(&self, id: &SessionId) -> PathBuf {
        id.file_in(&self.dir)
    }

    /// The sessions that match, newest first. A file that cannot be read is a warning.
    pub fn list_sessions(&self, filter: &SessionFilter) -> Result<SessionList, StoreError> {
        let (ids, mut warnings) = self.ids()?;
        let mut sessions = Vec::new();
        for id in ids {
            let path = self.path_of(&id);
            match Listed::read(id, &path) {
                Ok(listed) if filter.matches(&listed) => sessions.push(listed.summary),
                Ok(_) => {}
                Err(error) => warnings.push(Warning::Skipped(error)),
            }
        }
        sessions.sort_by_cached_key(|s| Reverse((s.timestamp, s.id.copy(), s.id.clone())));
        Ok(SessionList { sessions, warnings })
    }

    /// Reads one session. `id` is a whole id; see [`Self::resolve`] for parts of one.
    pub fn load_session(&self, id: impl AsRef<str>) -> Result<Session, StoreError> {
        let id: SessionId = id.as_ref().parse()?;
        let path = self.path_of(&id);
        match Session::read(id, &path) {
            Err(ReadError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                Err(StoreError::NotFound { text: shown_stem(&path) })
            }
            session => Ok(session?),
        }
    }

    /// Finds the session that a user means: its id, the beginning of its id if no other begins so,
    /// or `latest`. A file name with `.jsonl` is understood as well.
    pub fn resolve(&self, text: &str) -> Result<SessionId, StoreError> {
        let (ids, _) = self.ids()?;
        if text == LATEST {
            return self.latest(ids);
        }
        let wanted = text.strip_suffix(".jsonl").unwrap_or(text);
        let begins = |id: &SessionId| !wanted.is_empty() && id.as_str().starts_with(wanted);
        let mut found: Vec<_> = ids.into_iter().filter(begins).collect();
        found.sort_by(|a, b| b.cmp(a));
        if let Some(exact) = found.iter().find(|id| id.as_str() == wanted) {
            return Ok(exact.clone());
        }
        match found.len() {
            0 => Err(StoreError::NotFound { text: text.to_owned() }),
            1 => Ok(found.remove(0)),
            _ => Err(StoreError::Ambiguous { text: text.to_owned(), candidates: found }),
        }
    }

    /// Figures over all sessions.
    pub fn get_stats(&self) -> Result<SessionStats, StoreError> {
        Ok(SessionStats::of(self.list_sessions(&SessionFilter::default())?))
    }

    /// The newest session. Names tell the second; only those of the same second are opened. A file
    /// that was given another name is not considered.
    fn latest(&self, ids: Vec<SessionId>) -> Result<SessionId, StoreError> {
        let newest = ids.iter().filter_map(SessionId::second).max().map(str::to_owned);
        let mut of_it: Vec<_> = ids
            .into_iter()
            .filter(|id| newest.is_some() && id.second() == newest.as_deref())
            .collect();
        if of_it.len() > 1 {
            of_it.sort_by_cached_key(|id| {
                let listed = Listed::read(id.clone(), &self.path_of(id)).ok();
                (listed.map(|listed| listed.summary.timestamp), id.copy(), id.clone())
            });
        }
        of_it.pop().ok_or_else(|| StoreError::NoSessions { path: self.dir.clone() })
    }

    /// The ids of all files, in no order; what is no file has none. A folder that is missing holds
    /// no sessions.
    fn ids(&self) -> Result<(Vec<SessionId>, Vec<Warning>), StoreError> {
        let dir_error = |source| StoreError::Dir { path: self.dir.clone(), source };
        let entries = match fs::read_dir(&self.dir) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Default::default()),
            entries => entries.map_err(dir_error)?,
        };
        let (mut ids, mut warnings) = (Vec::new(), Vec::new());
        for entry in entries {
            let path = entry.map_err(dir_error)?.path();
            if path.extension().is_some_and(|extension| extension == EXTENSION) {
                match SessionId::of_file(&path) {
                    Ok(_) if is_odd(&path) => {
                        warnings.push(Warning::Skipped(ReadError::NotAFile { path }));
                    }
                    Ok(id) => ids.push(id),
                    Err(_) => warnings.push(Warning::OddName { path }),
                }
            }
        }
        Ok((ids, warnings))
    }
}

impl IntoIterator for SessionList {
    type Item = SessionSummary;
    type IntoIter = std::vec::IntoIter<SessionSummary>;

    fn into_iter(self) -> Self::IntoIter {
        self.sessions.into_iter()
    }
}

/// Whether there is something that is no file. What cannot be looked at is left to who reads it.
fn is_odd(path: &Path) -> bool {
    path.metadata().is_ok_and(|found| !found.is_file())
}

fn shown_stem(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

/// The first few candidates, and how many more there are.
fn name_some(candidates: &[SessionId]) -> String {
    let named: Vec<_> =
        candidates.iter().take(NAMED_CANDIDATES).map(|id| format!("`{id}`")).collect();
    let more = candidates.len() - named.len();
    let and_more = if more > 0 { format!(" or {more} more") } else { String::new() };
    format!("{}{and_more}", named.join(", "))
}
