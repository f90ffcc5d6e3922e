//! What can be wrong with a configuration file, and where.

use std::borrow::Cow;
use std::fmt;
use std::path::{Path, PathBuf};
use std::string::FromUtf8Error;

use crate::error::CliError;

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// The file cannot be read; the system's words.
    Unreadable(String),
    /// The file is not UTF-8 from this byte on.
    NotUtf8 {
        /// Offset of the first byte that is wrong.
        offset: usize,
    },
    /// The file is not TOML; the parser's words.
    Malformed(String),
    /// There is no such key.
    UnknownKey {
        /// The key, with the tables it stands in.
        key: String,
        /// What to write instead.
        hint: String,
    },
    /// The value has another type.
    WrongType {
        /// The key.
        key: String,
        /// What it takes (`a string`), maybe with how to write it.
        expected: Cow<'static, str>,
        /// What is there (`integer`).
        found: &'static str,
    },
    /// The value is of the right type, but is not accepted.
    BadValue {
        /// The key.
        key: String,
        /// Why.
        reason: String,
    },
}

/// A place in a text, both counted from 1; the column in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
}

impl Position {
    /// The position of a byte offset.
    #[must_use]
    pub fn of(text: &str, offset: usize) -> Self {
        let before = &text[..text.floor_char_boundary(offset)];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Self {
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
        }
    }
}

/// Something is wrong with a configuration file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// The file.
    pub path: PathBuf,
    /// Where in it, where it could be read at all.
    pub position: Option<Position>,
    /// What.
    pub problem: Problem,
}

impl ConfigError {
    pub(super) fn unreadable(path: &Path, error: &std::io::Error) -> Self {
        let problem = Problem::Unreadable(error.to_string());
        Self { path: path.to_owned(), position: None, problem }
    }

    pub(super) fn not_utf8(path: &Path, error: &FromUtf8Error) -> Self {
        let offset = error.utf8_error().valid_up_to();
        Self { path: path.to_owned(), position: None, problem: Problem::NotUtf8 { offset } }
    }

    fn hint(&self) -> String {
        match &self.problem {
            Problem::Unreadable(_) => "check that it is a file that you may read".to_owned(),
            Problem::NotUtf8 { .. } => "save the file as UTF-8".to_owned(),
            Problem::Malformed(_) => "the file is TOML, see https://toml.io".to_owned(),
            Problem::UnknownKey { hint, .. } => hint.clone(),
            Problem::WrongType { key, expected, .. } => format!("`{key}` takes {expected}"),
            Problem::BadValue { key, .. } => format!("correct or remove `{key}`"),
        }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        match self.position {
            Some(Position { line, column }) => write!(f, "`{path}:{line}:{column}`: ")?,
            None => write!(f, "`{path}` ")?,
        }
        match &self.problem {
            Problem::Unreadable(why) => write!(f, "cannot be read: {why}"),
            Problem::NotUtf8 { offset } => write!(f, "is not UTF-8 at byte {offset}"),
            Problem::Malformed(why) => write!(f, "malformed TOML: {why}"),
            Problem::UnknownKey { key, .. } => write!(f, "unknown key `{key}`"),
            Problem::WrongType { key, found, .. } => {
                write!(f, "`{key}` has the wrong type ({found})")
            }
            Problem::BadValue { key, reason } => write!(f, "`{key}` is not accepted: {reason}"),
        }
    }
}

impl std::error::Error for ConfigError {}

impl From<ConfigError> for CliError {
    fn from(error: ConfigError) -> Self {
        Self::usage(error.to_string()).hint(error.hint())
    }
}
