//! Reads a session file line by line; memory is bounded by the longest line.

use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

use codeloops_event::{Event, UnreadableVersion};
use serde::{Deserialize, Serialize, Serializer};

use crate::parse::{parse_line, peek_type};
use crate::progress::is_held;
use crate::shown;

/// Why a session file is not read, or not read on.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// It could not be opened or read.
    #[error("could not read session file `{}`: {source}", shown::path(path))]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is a folder, a pipe, a device or a socket: to read one could take for ever.
    #[error("`{}` is not a session file: it is not a regular file", shown::path(path))]
    NotAFile {
        /// What was to be read.
        path: PathBuf,
    },
    /// It holds nothing.
    #[error("session file `{}` is empty", shown::path(path))]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// It does not begin with a whole `session_start` line.
    #[error(
        "`{}` is not a session file: it does not begin with a session_start line",
        shown::path(path)
    )]
    NoStart {
        /// The file.
        path: PathBuf,
    },
    /// Its format is of another major version.
    #[error(
        "could not read session file `{}`: {}",
        shown::path(path),
        shown::text(&source.to_string())
    )]
    Version {
        /// The file.
        path: PathBuf,
        /// Which, and what reads it.
        source: UnreadableVersion,
    },
    /// A line that is not the torn end of the file cannot be read.
    #[error("session file `{}` is damaged at line {line}: {reason}", shown::path(path))]
    BadLine {
        /// The file.
        path: PathBuf,
        /// Number of the line, counted from 1.
        line: u64,
        /// What is wrong with it.
        reason: String,
    },
}

/// Something about a session that a user should know but that does not keep it from being read.
#[derive(Debug)]
pub enum Warning {
    /// The last line is incomplete, so it was left out; what stands before it was read.
    TornLine {
        /// The file.
        path: PathBuf,
        /// Number of the line, counted from 1.
        line: u64,
    },
    /// The file was left out of a list.
    Skipped(ReadError),
    /// A file in the folder whose name cannot be a session's.
    OddName {
        /// The file.
        path: PathBuf,
    },
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TornLine { path, line } => {
                let path = shown::path(path);
                write!(f, "session file `{path}`: line {line} is incomplete and was left out")
            }
            Self::Skipped(error) => write!(f, "{error}; left out"),
            Self::OddName { path } => {
                write!(f, "`{}` is not the name of a session; left out", shown::path(path))
            }
        }
    }
}

impl Serialize for Warning {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// The events of a session file, in order. The first is always its `session_start`; after an error
/// nothing follows. Lines of unknown types and blank lines are skipped.
///
/// After the last event, [`Self::into_warning`] tells whether an incomplete line was left out.
pub struct SessionReader<R> {
    path: PathBuf,
    input: R,
    buffer: Vec<u8>,
    line: u64,
    place: Place,
    warning: Option<Warning>,
}

/// Where a reader stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    BeforeStart,
    AfterStart,
    AtEnd,
}

impl SessionReader<BufReader<File>> {
    /// Opens a session file.
    pub fn open(path: &Path) -> Result<Self, ReadError> {
        Ok(Self::new(path, BufReader::new(open_file(path)?)))
    }

    /// Whether the run still goes on that writes the file: it holds its lock.
    #[must_use]
    pub fn is_being_written(&self) -> bool {
        is_held(self.input.get_ref())
    }
}

impl<R: BufRead> SessionReader<R> {
    /// Reads from `input`; `path` is what errors name.
    pub fn new(path: &Path, input: R) -> Self {
        Self {
            path: path.to_owned(),
            input,
            buffer: Vec::new(),
            line: 0,
            place: Place::BeforeStart,
            warning: None,
        }
    }

    /// Number of the line that the last event stands on, counted from 1.
    #[must_use]
    pub const fn line(&self) -> u64 {
        self.line
    }

    /// The warning, if there is one, once the events are through.
    #[must_use]
    pub fn into_warning(self) -> Option<Warning> {
        self.warning
    }

    /// The next event, `None` at the end.
    fn read_event(&mut self) -> Result<Option<Event>, ReadError> {
        while self.read_line()? {
            match parse_line(&self.buffer) {
                Ok(event) if self.place == Place::BeforeStart => return self.check_start(event),
                Ok(Some(event)) => return Ok(Some(event)),
                Ok(None) => {}
                Err(error) => return self.unreadable(&error),
            }
        }
        match self.place {
            Place::BeforeStart => Err(ReadError::Empty { path: self.path.clone() }),
            Place::AfterStart | Place::AtEnd => Ok(None),
        }
    }

    /// Reads the next line that is not blank into the buffer; false at the end.
    fn read_line(&mut self) -> Result<bool, ReadError> {
        loop {
            self.buffer.clear();
            let read = self.input.read_until(b'\n', &mut self.buffer);
            let read = read.map_err(|source| ReadError::Io { path: self.path.clone(), source })?;
            self.line += 1;
            if read == 0 {
                return Ok(false);
            }
            if !self.buffer.trim_ascii().is_empty() {
                return Ok(true);
            }
        }
    }

    fn check_start(&mut self, event: Option<Event>) -> Result<Option<Event>, ReadError> {
        let Some(Event::SessionStart(start)) = event else {
            return Err(ReadError::NoStart { path: self.path.clone() });
        };
        if let Some(version) = start.format_version {
            version.check_readable().map_err(|source| self.refused(source))?;
        }
        self.place = Place::AfterStart;
        Ok(Some(Event::SessionStart(start)))
    }

    fn unreadable(&mut self, error: &serde_json::Error) -> Result<Option<Event>, ReadError> {
        let path = self.path.clone();
        if self.place == Place::BeforeStart {
            // A file of another major version may not even look like a start of this one.
            return Err(match foreign_version(&self.buffer) {
                Some(source) => self.refused(source),
                None => self.no_start(error),
            });
        }
        if self.buffer.ends_with(b"\n") {
            return Err(ReadError::BadLine { path, line: self.line, reason: reason(error) });
        }
        self.warning = Some(Warning::TornLine { path, line: self.line });
        Ok(None)
    }

    /// A first line that is a `session_start` with something wrong is worth its reason; a torn one is
    /// none yet.
    fn no_start(&self, error: &serde_json::Error) -> ReadError {
        let path = self.path.clone();
        let is_whole = self.buffer.ends_with(b"\n") || !error.is_eof();
        match peek_type(&self.buffer) {
            Ok(tag) if is_whole && tag == "session_start" => {
                ReadError::BadLine { path, line: self.line, reason: reason(error) }
            }
            _ => ReadError::NoStart { path },
        }
    }

    fn refused(&self, source: UnreadableVersion) -> ReadError {
        ReadError::Version { path: self.path.clone(), source }
    }
}

impl<R: BufRead> Iterator for SessionReader<R> {
    type Item = Result<Event, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.place == Place::AtEnd {
            return None;
        }
        let item = self.read_event().transpose();
        if !matches!(item, Some(Ok(_))) {
            self.place = Place::AtEnd;
        }
        item
    }
}

/// Opens a session file for reading.
pub(crate) fn open_file(path: &Path) -> Result<File, ReadError> {
    check_regular(path)?;
    File::open(path).map_err(|source| ReadError::Io { path: path.to_owned(), source })
}

/// To be asked before a file is opened: to open a pipe waits for its other end.
pub(crate) fn check_regular(path: &Path) -> Result<(), ReadError> {
    match path.metadata() {
        Ok(found) if found.is_file() => Ok(()),
        Ok(_) => Err(ReadError::NotAFile { path: path.to_owned() }),
        Err(source) => Err(ReadError::Io { path: path.to_owned(), source }),
    }
}

/// Why a start line's version is not read, if that is what is wrong with it.
fn foreign_version(line: &[u8]) -> Option<UnreadableVersion> {
    #[derive(Deserialize)]
    struct Versioned {
        format_version: String,
    }

    let text = serde_json::from_slice::<Versioned>(line).ok()?.format_version;
    match text.parse::<codeloops_event::FormatVersion>() {
        Ok(version) => version.check_readable().err(),
        Err(malformed) => Some(malformed),
    }
}

/// The error's words. serde counts lines within the line, which would mislead; its second is the line's
/// end.
fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let words = text.rsplit_once(" at line ").map_or(text.as_str(), |(words, _)| words);
    let place = match (error.line(), error.column()) {
        (1, column) => format!("column {column}"),
        _ => "at its end".to_owned(),
    };
    shown::text(&format!("{words} ({place})"))
}
