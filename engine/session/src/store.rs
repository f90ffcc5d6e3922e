//! All sessions of a machine.

use std::io;
use std::path::{Path, PathBuf};

use codeloops_event::RunId;

use crate::catalogue::Catalogue;
use crate::dirs::{DataDir, NoHome};
use crate::filter::SessionFilter;
use crate::folder::{self, FolderFile};
use crate::listed::Listed;
use crate::names::{SessionId, SessionIdError};
use crate::reader::{ReadError, Warning};
use crate::session::Session;
use crate::shown;
use crate::stats::SessionStats;
use crate::summary::SessionSummary;

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
    ///
    /// ```
    /// # let dir = tempfile::tempdir()?;
    /// use codeloops_session::{SessionFilter, SessionStore};
    ///
    /// let store = SessionStore::at(dir.path());
    /// let filter = SessionFilter { search: Some("typo".to_owned()), ..Default::default() };
    /// let found = store.list_sessions(&filter)?;
    /// assert!(found.sessions.is_empty() && found.warnings.is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn list_sessions(&self, filter: &SessionFilter) -> Result<SessionList, StoreError> {
        let mut found = self.catalogue(filter)?;
        let sessions = found.iter().map(SessionSummary::from).collect();
        Ok(SessionList { sessions, warnings: found.take_warnings() })
    }

    /// The same as views: what to take where there are many.
    pub fn catalogue(&self, filter: &SessionFilter) -> Result<Catalogue, StoreError> {
        Catalogue::read(&self.dir, filter).map_err(|source| self.dir_error(source))
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
    /// or `latest`. A file name with `.jsonl` is understood as well, and the id of its run, which is
    /// asked for last: it stands in the files alone.
    pub fn resolve(&self, text: &str) -> Result<SessionId, StoreError> {
        if text == LATEST {
            return self.latest();
        }
        let wanted = text.strip_suffix(".jsonl").unwrap_or(text);
        if let Some(exact) = self.exact(wanted) {
            return Ok(exact);
        }
        let begins = |id: &SessionId| !wanted.is_empty() && id.as_str().starts_with(wanted);
        let files = self.files()?.into_iter();
        let found = files.filter(|file| begins(&file.id) && file.is_file());
        let mut found: Vec<_> = found.map(|file| file.id).collect();
        found.sort_by(|a, b| b.cmp(a));
        match found.len() {
            0 => self.of_run(text),
            1 => Ok(found.remove(0)),
            _ => Err(StoreError::Ambiguous { text: text.to_owned(), candidates: found }),
        }
    }

    /// The session of a run; the newest, where its file was copied.
    fn of_run(&self, text: &str) -> Result<SessionId, StoreError> {
        let not_found = || StoreError::NotFound { text: text.to_owned() };
        let run: RunId = text.parse().map_err(|_| not_found())?;
        let sessions = self.catalogue(&SessionFilter::default())?;
        let id = sessions.iter().find(|session| session.run_id == Some(run.as_str()));
        Ok(id.ok_or_else(not_found)?.id.parse()?)
    }

    /// Figures over all sessions.
    pub fn get_stats(&self) -> Result<SessionStats, StoreError> {
        Ok(SessionStats::of(&mut self.catalogue(&SessionFilter::default())?))
    }

    /// The session of this very id, without a look at the others.
    fn exact(&self, text: &str) -> Option<SessionId> {
        let id: SessionId = text.parse().ok()?;
        self.path_of(&id).metadata().is_ok_and(|found| found.is_file()).then_some(id)
    }

    /// The newest session. Names tell the second; only those of the same second are opened. A file
    /// that was given another name is not considered.
    fn latest(&self) -> Result<SessionId, StoreError> {
        let mut files = self.files()?;
        files.retain(|file| file.id.second().is_some());
        files.sort_unstable_by(|a, b| b.id.second().cmp(&a.id.second()));
        let mut seconds = files.chunk_by(|a, b| a.id.second() == b.id.second());
        let newest = seconds.find_map(|files| self.newest(files));
        newest.ok_or_else(|| StoreError::NoSessions { path: self.dir.clone() })
    }

    /// The newest of sessions that began in the same second; none where there is no file.
    fn newest(&self, files: &[FolderFile]) -> Option<SessionId> {
        let files: Vec<_> = files.iter().filter(|file| file.is_file()).collect();
        if let [only] = files[..] {
            return Some(only.id.clone());
        }
        let began = |id: &SessionId| {
            let listed = Listed::read(id, &self.path_of(id)).ok();
            listed.map(|listed| listed.start.timestamp)
        };
        let ids = files.into_iter().map(|file| file.id.clone());
        ids.max_by_key(|id| (began(id), id.copy(), id.clone()))
    }

    fn files(&self) -> Result<Vec<FolderFile>, StoreError> {
        folder::files(&self.dir).map_err(|source| self.dir_error(source))
    }

    fn dir_error(&self, source: io::Error) -> StoreError {
        StoreError::Dir { path: self.dir.clone(), source }
    }
}

impl IntoIterator for SessionList {
    type Item = SessionSummary;
    type IntoIter = std::vec::IntoIter<SessionSummary>;

    fn into_iter(self) -> Self::IntoIter {
        self.sessions.into_iter()
    }
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
