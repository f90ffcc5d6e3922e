//! Which sessions go in a clean-up, and how one goes with its evidence. Runs that have no session, those
//! of gates alone, go by the same rules.
//!
//! The session file goes last. A clean-up that is killed leaves sessions that are listed as before
//! and go the next time; it never leaves evidence that no session names.

use std::collections::{HashMap, HashSet};
use std::fs::{self, File, TryLockError};
use std::io;
use std::iter::successors;
use std::path::{Path, PathBuf};

use codeloops_event::layout::RUN_FILE;
use codeloops_event::{RunId, Timestamp};

use crate::catalogue::Catalogue;
use crate::entry::SessionEntry;
use crate::evidence::KeptEvidence;
use crate::filter::SessionFilter;
use crate::listed::read_start_of;
use crate::names::SessionId;
use crate::progress::{SessionStatus, is_held};
use crate::prune_runs::PrunableRun;
use crate::reader::Warning;
use crate::run_file::RunFile;
use crate::shown;
use crate::store::{SessionStore, StoreError};

/// Forks of forks that are followed.
const LONGEST_LINE: usize = 64;

/// Which sessions go: those whose last line is too old, and the oldest ones of too many bytes. With
/// neither, all but those that `keep` names. A session that runs never goes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PruneRules {
    /// Those go whose last line is from before this.
    pub before: Option<Timestamp>,
    /// The newest so many stay, whatever the others say.
    pub keep: Option<usize>,
    /// The oldest go until all that stay take at most so many bytes, evidence included.
    pub max_size: Option<u64>,
}

/// What a clean-up would do.
#[derive(Debug, Default)]
pub struct PrunePlan {
    /// What goes, the oldest first.
    pub sessions: Vec<Prunable>,
    /// Runs of gates alone that go, the oldest first.
    pub runs: Vec<PrunableRun>,
    /// Files that could not be read, which stay.
    pub warnings: Vec<Warning>,
}

/// A session that goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prunable {
    /// Its id.
    pub id: SessionId,
    /// Its file.
    pub path: PathBuf,
    /// Its run, unless another session that stays is of the same one: a copy of its file.
    pub run_id: Option<RunId>,
    /// Where it worked, as its first line has it.
    pub working_dir: String,
    /// Where the runs worked that it is a fork of, the nearest first: their repository is its own too,
    /// and stays when its working tree is removed.
    pub origins: Vec<String>,
    /// Its evidence folder, where there is one that is its own.
    pub evidence: Option<PathBuf>,
    /// Bytes of the file.
    pub file_bytes: u64,
    /// Bytes of the evidence.
    pub evidence_bytes: u64,
}

/// Why a session stays that was to go.
#[derive(Debug, thiserror::Error)]
pub enum PruneError {
    /// Its process lives.
    #[error("session `{0}` is running")]
    Runs(SessionId),
    /// Somebody removed it first.
    #[error("session `{0}` is gone already")]
    Gone(SessionId),
    /// It has changed since the clean-up was planned.
    #[error("session `{0}` has changed since it was looked at")]
    Changed(SessionId),
    /// A file or folder cannot be removed.
    #[error("could not remove `{}`: {source}", shown::path(path))]
    Remove {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// A session that is held, so that nobody can take it up while it goes.
pub struct Claim<'a> {
    session: &'a Prunable,
    _held: File,
}

impl SessionStore {
    /// What goes by these rules, of the sessions and of these runs, the newest first. Nothing is changed.
    pub fn plan_prune(
        &self,
        rules: &PruneRules,
        runs: Vec<PrunableRun>,
    ) -> Result<PrunePlan, StoreError> {
        let mut sessions = self.catalogue(&SessionFilter::default())?;
        let (chosen, mut runs) = self.chosen(&sessions, runs, rules);
        let stay = sessions.iter().filter(|session| !chosen.contains(session.id));
        let staying: HashSet<&str> = stay.filter_map(|session| session.run_id).collect();
        let goes = sessions.iter().filter(|session| chosen.contains(session.id));
        let lineage = Lineage::of(&sessions);
        let mut plan: Vec<_> = goes
            .map(|session| {
                let id = SessionId::known(session.id);
                let mut found = Prunable::of(id, &self.path_of(&SessionId::known(session.id)));
                found.file_bytes = session.size;
                found.origins = lineage.origins(&session);
                if session.run_id.is_some_and(|run| staying.contains(run)) {
                    found.forget_run();
                }
                found
            })
            .collect();
        plan.reverse();
        runs.reverse();
        Ok(PrunePlan { sessions: plan, runs, warnings: sessions.take_warnings() })
    }

    /// The ids of those that go, and the runs that do. The newest comes first in the catalogue.
    fn chosen<'a>(
        &self,
        sessions: &'a Catalogue,
        runs: Vec<PrunableRun>,
        rules: &PruneRules,
    ) -> (HashSet<&'a str>, Vec<PrunableRun>) {
        let (mut budget, mut chosen, mut gone) = (Budget::of(rules), HashSet::new(), Vec::new());
        let mut runs = runs.into_iter().enumerate().peekable();
        for (at, session) in sessions.iter().enumerate() {
            while let Some((at, run)) = runs.next_if(|(_, run)| run.began >= session.timestamp) {
                gone.extend(budget.goes(at, run.last_sign, || run.bytes).then_some(run));
            }
            let bytes = || {
                let path = self.path_of(&SessionId::known(session.id));
                let evidence = Prunable::of(SessionId::known(session.id), &path).evidence_bytes;
                session.size.saturating_add(evidence)
            };
            let goes = budget.goes(at, session.last_line_at, bytes);
            if goes && session.status != SessionStatus::Running {
                chosen.insert(session.id);
            }
        }
        for (at, run) in runs {
            gone.extend(budget.goes(at, run.last_sign, || run.bytes).then_some(run));
        }
        (chosen, gone)
    }
}

/// What the rules leave, counted from the newest on.
struct Budget<'a> {
    rules: &'a PruneRules,
    bytes: u64,
}

impl<'a> Budget<'a> {
    const fn of(rules: &'a PruneRules) -> Self {
        Self { rules, bytes: 0 }
    }

    /// Whether the next one goes: which one of its kind it is, when it last did something, and what it
    /// takes.
    fn goes(&mut self, at: usize, last_sign: Timestamp, bytes: impl FnOnce() -> u64) -> bool {
        let PruneRules { before, keep, max_size } = *self.rules;
        let is_old = before.is_some_and(|before| last_sign < before);
        let is_too_much = max_size.filter(|_| !is_old).is_some_and(|max| {
            self.bytes = self.bytes.saturating_add(bytes());
            self.bytes > max
        });
        let only_keep = before.is_none() && max_size.is_none();
        let stays = keep.is_some_and(|keep| at < keep);
        (is_old || is_too_much || only_keep) && !stays
    }
}

/// Where each run worked, and which it is a fork of.
struct Lineage<'a>(HashMap<&'a str, (&'a str, Option<&'a str>)>);

impl<'a> Lineage<'a> {
    fn of(sessions: &'a Catalogue) -> Self {
        let run = |session: SessionEntry<'a>| {
            let parent = session.parent.map(|(run, _)| run);
            Some((session.run_id?, (session.working_dir, parent)))
        };
        Self(sessions.iter().filter_map(run).collect())
    }

    /// Where the parent worked, and its own, and so on.
    fn origins(&self, fork: &SessionEntry<'_>) -> Vec<String> {
        let parent = |run: &str| self.0.get(run).copied();
        let first = fork.parent.and_then(|(run, _)| parent(run));
        let chain = successors(first, |(_, run)| run.and_then(parent));
        // A file can say anything, that it is its own parent too.
        chain.take(LONGEST_LINE).map(|(dir, _)| dir.to_owned()).collect()
    }
}

impl Prunable {
    /// The session in a file, with what else there is of it.
    fn of(id: SessionId, path: &Path) -> Self {
        let mut found = Self {
            id,
            path: path.to_owned(),
            run_id: None,
            working_dir: String::new(),
            origins: Vec::new(),
            evidence: None,
            file_bytes: 0,
            evidence_bytes: 0,
        };
        if let Ok(start) = read_start_of(path) {
            let kept = KeptEvidence::of(&start, path).filter(|kept| kept.exists);
            let folder = kept.map(|kept| PathBuf::from(kept.path));
            found.evidence =
                folder.filter(|dir| start.run_id.as_ref().is_some_and(|run| is_of(dir, run)));
            found.evidence_bytes = found.evidence.as_deref().map_or(0, size_of);
            found.working_dir = start.working_dir;
            found.run_id = start.run_id;
        }
        found
    }

    /// Bytes of all that goes.
    #[must_use]
    pub const fn bytes(&self) -> u64 {
        self.file_bytes.saturating_add(self.evidence_bytes)
    }

    /// Takes the session, unless its process lives.
    pub fn claim(&self) -> Result<Claim<'_>, PruneError> {
        let remove = |source| PruneError::Remove { path: self.path.clone(), source };
        let file = match File::open(&self.path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                return Err(PruneError::Gone(self.id.clone()));
            }
            file => file.map_err(remove)?,
        };
        self.lock(&file)?;
        let found = file.metadata().map_err(remove)?;
        if found.len() != self.file_bytes {
            return Err(PruneError::Changed(self.id.clone()));
        }
        Ok(Claim { session: self, _held: file })
    }

    /// Locks the file. Who only looks at a session holds it as well, for a moment.
    fn lock(&self, file: &File) -> Result<(), PruneError> {
        loop {
            match file.try_lock() {
                Err(TryLockError::WouldBlock) if is_held(file) => {
                    return Err(PruneError::Runs(self.id.clone()));
                }
                Err(TryLockError::WouldBlock) => std::thread::yield_now(),
                // Where the file system knows no locks nobody can tell, as in a list.
                Ok(()) | Err(TryLockError::Error(_)) => return Ok(()),
            }
        }
    }

    /// Leaves alone what another session needs.
    fn forget_run(&mut self) {
        self.run_id = None;
        self.evidence = None;
        self.evidence_bytes = 0;
    }
}

impl Claim<'_> {
    /// Removes the evidence, and then the session file.
    pub fn remove(self) -> Result<(), PruneError> {
        if let Some(folder) = &self.session.evidence {
            remove_evidence(folder).map_err(|source| remove_error(folder, source))?;
        }
        let path = &self.session.path;
        fs::remove_file(path).map_err(|source| remove_error(path, source))
    }
}

pub(crate) fn remove_error(path: &Path, source: io::Error) -> PruneError {
    PruneError::Remove { path: path.to_owned(), source }
}

/// Whether a folder that a session names is the evidence of its run. Sessions come from anywhere, and
/// what they name is about to be removed.
fn is_of(folder: &Path, run_id: &RunId) -> bool {
    let is_folder = fs::symlink_metadata(folder).is_ok_and(|found| found.is_dir());
    let is_named = folder.file_name().is_some_and(|name| name == run_id.as_str());
    is_folder && is_named && says_so(folder, run_id)
}

fn says_so(folder: &Path, run_id: &RunId) -> bool {
    match fs::read(folder.join(RUN_FILE)) {
        Ok(text) => serde_json::from_slice::<RunFile>(&text)
            .is_ok_and(|run| run.run_id.as_ref() == Some(run_id)),
        // A clean-up that was killed between its last two steps leaves nothing in it.
        Err(_) => fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_none()),
    }
}

/// Removes a folder of evidence. What tells whose it is goes last, so that one that was removed in
/// part is known again.
pub(crate) fn remove_evidence(folder: &Path) -> io::Result<()> {
    let entries = match fs::read_dir(folder) {
        // It went with a copy of the session.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        if entry.file_name() == RUN_FILE {
            continue;
        }
        if entry.file_type()?.is_dir() {
            fs::remove_dir_all(entry.path())?;
        } else {
            fs::remove_file(entry.path())?;
        }
    }
    match fs::remove_file(folder.join(RUN_FILE)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    fs::remove_dir(folder)
}

/// Bytes of the files below a folder, as far as they can be seen.
pub(crate) fn size_of(folder: &Path) -> u64 {
    let mut folders = vec![folder.to_owned()];
    let mut size = 0u64;
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            match entry.metadata() {
                Ok(found) if found.is_dir() => folders.push(entry.path()),
                Ok(found) => size = size.saturating_add(found.len()),
                Err(_) => {}
            }
        }
    }
    size
}
