//! The folders of runs: listed, and found by run id, commit or branch. Their `run.json` files are all
//! there is to it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use codeloops_event::{Outcome, RunId, Timestamp};

use crate::evidence::{EvidenceError, RunFolder};
use crate::run_file::{RunFile, RunKind};
use crate::shown;

/// Which runs are meant; nothing set means all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunFilter {
    /// Those whose id begins so, without regard to case.
    pub run: Option<String>,
    /// Those that began at a commit whose id begins so.
    pub commit: Option<String>,
    /// Those that began on this branch.
    pub branch: Option<String>,
    /// Those of this kind.
    pub kind: Option<RunKind>,
    /// Those that ended so.
    pub outcome: Option<Outcome>,
}

impl RunFilter {
    fn has(&self, run: &RunFile) -> bool {
        let begins = |with: &Option<String>, text: Option<&str>| {
            with.as_ref().is_none_or(|with| {
                text.is_some_and(|text| {
                    text.get(..with.len()).is_some_and(|t| t.eq_ignore_ascii_case(with))
                })
            })
        };
        begins(&self.run, run.run_id.as_ref().map(RunId::as_str))
            && begins(&self.commit, run.commit_sha.as_deref())
            && self.branch.as_ref().is_none_or(|branch| run.branch.as_ref() == Some(branch))
            && self.kind.is_none_or(|kind| run.kind == kind)
            && self.outcome.is_none_or(|outcome| run.outcome == Some(outcome))
    }
}

/// A run with its folder.
#[derive(Debug, Clone, PartialEq)]
pub struct FoundRun {
    /// Where its files are.
    pub folder: PathBuf,
    /// Its `run.json`.
    pub run: RunFile,
}

/// What was found, and what could not be read.
#[derive(Debug, Default)]
pub struct FoundRuns {
    /// The runs, newest first.
    pub runs: Vec<FoundRun>,
    /// Folders whose `run.json` cannot be read.
    pub unreadable: Vec<EvidenceError>,
}

/// Why a run cannot be found.
#[derive(Debug, thiserror::Error)]
pub enum RunsError {
    /// A folder of runs cannot be read.
    #[error("could not read the runs directory `{}`: {source}", shown::path(path))]
    Dir {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// There is no such run.
    #[error("there is no run `{}`", shown::text(.0))]
    NotFound(String),
    /// There are several.
    #[error("`{}` stands for {count} runs", shown::text(wanted))]
    Ambiguous {
        /// What was asked for.
        wanted: String,
        /// How many there are.
        count: usize,
    },
}

/// The runs of some folders, those of a project and those of the user.
#[derive(Debug, Clone)]
pub struct RunStore {
    dirs: Vec<PathBuf>,
}

impl RunStore {
    /// The runs in these folders; one that is missing holds none.
    #[must_use]
    pub fn at(dirs: impl IntoIterator<Item = PathBuf>) -> Self {
        let mut known: Vec<PathBuf> = Vec::new();
        for dir in dirs {
            if !known.contains(&dir) {
                known.push(dir);
            }
        }
        Self { dirs: known }
    }

    /// All that match, newest first.
    pub fn find(&self, filter: &RunFilter) -> Result<FoundRuns, RunsError> {
        let mut found = FoundRuns::default();
        for dir in &self.dirs {
            for folder in folders(dir)? {
                match folder.read_run_file() {
                    Ok(run) if filter.has(&run) => {
                        found.runs.push(FoundRun { folder: folder.path().to_owned(), run });
                    }
                    Ok(_) => {}
                    // Nothing is there yet, or nothing any more: a run that begins, or one that was removed.
                    Err(_) if is_empty(folder.path()) => {}
                    Err(error) => found.unreadable.push(error),
                }
            }
        }
        found.runs.sort_by(|one, other| newest_first(&one.run).cmp(&newest_first(&other.run)));
        Ok(found)
    }

    /// The run whose id, session or beginning of one this is, or the newest for `latest`.
    pub fn resolve(&self, wanted: &str) -> Result<FoundRun, RunsError> {
        let all = self.find(&RunFilter::default())?.runs;
        let not_found = || RunsError::NotFound(wanted.to_owned());
        if wanted == "latest" {
            return all.into_iter().next().ok_or_else(not_found);
        }
        let of_session = |found: &FoundRun| found.run.session_id.as_deref() == Some(wanted);
        let filter = RunFilter { run: Some(wanted.to_owned()), ..RunFilter::default() };
        let mut fitting: Vec<FoundRun> =
            all.into_iter().filter(|found| filter.has(&found.run) || of_session(found)).collect();
        match fitting.len() {
            1 => Ok(fitting.remove(0)),
            0 => Err(not_found()),
            count => Err(RunsError::Ambiguous { wanted: wanted.to_owned(), count }),
        }
    }
}

/// Later runs come first, those of one moment by their ids.
fn newest_first(run: &RunFile) -> (std::cmp::Reverse<Timestamp>, Option<&str>) {
    (std::cmp::Reverse(run.started_at), run.run_id.as_ref().map(RunId::as_str))
}

/// The folders that are a run's by their names.
fn folders(dir: &Path) -> Result<Vec<RunFolder>, RunsError> {
    let unreadable = |source| RunsError::Dir { path: dir.to_owned(), source };
    let entries = match fs::read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(unreadable)?,
    };
    let mut folders = Vec::new();
    for entry in entries {
        let entry = entry.map_err(unreadable)?;
        let run: Option<RunId> = entry.file_name().to_str().and_then(|name| name.parse().ok());
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        folders.extend(run.filter(|_| is_folder).map(|run| RunFolder::at(dir, &run)));
    }
    Ok(folders)
}

fn is_empty(folder: &Path) -> bool {
    fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_none())
}
