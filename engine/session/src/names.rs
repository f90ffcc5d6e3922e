//! Session ids, which are file names without `.jsonl`.

use std::ffi::OsStr;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use codeloops_event::Timestamp;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::shown;

/// The ending of a session file.
pub(crate) const EXTENSION: &str = "jsonl";

/// The name of a session: `2025-01-27T15-30-45Z_a3f2c1`, the second in which it started and the
/// first six hexadecimal digits of the SHA-256 of its prompt. A second session of the same second
/// and prompt ends in `-2`, the next in `-3`.
///
/// Files that were given another name are read as well, so any file name is an id that holds no
/// separator and no control character and does not begin with a dot.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct SessionId(String);

/// A text that cannot be the name of a session.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is not a session id (such as `2025-01-27T15-30-45Z_a3f2c1`)", shown::text(.0))]
pub struct SessionIdError(String);

impl SessionId {
    /// The ids to try for a session that starts now, best first; without end.
    pub(crate) fn candidates(started: Timestamp, prompt: &str) -> impl Iterator<Item = Self> {
        let stem = format!("{}_{}", started.format("%Y-%m-%dT%H-%M-%SZ"), prompt_hash(prompt));
        let copies = (2u64..).map({
            let stem = stem.clone();
            move |n| Self(format!("{stem}-{n}"))
        });
        std::iter::once(Self(stem)).chain(copies)
    }

    /// One that was an id before it was written down.
    pub(crate) fn known(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// The id of the session in this file; its name must end in `.jsonl`.
    pub fn of_file(path: &Path) -> Result<Self, SessionIdError> {
        let name = path.file_name().unwrap_or_default();
        let no_id = || SessionIdError(name.to_string_lossy().into_owned());
        if path.extension() != Some(OsStr::new(EXTENSION)) {
            return Err(no_id());
        }
        path.file_stem().and_then(OsStr::to_str).ok_or_else(no_id)?.parse()
    }

    /// The session's file in `dir`.
    #[must_use]
    pub fn file_in(&self, dir: &Path) -> PathBuf {
        dir.join(format!("{}.{EXTENSION}", self.0))
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The second in which the session started, as the name has it; `None` for a file that was
    /// named otherwise. Texts of this form sort by time.
    pub(crate) fn second(&self) -> Option<&str> {
        const FORM: &[u8] = b"0000-00-00T00-00-00Z";
        let (second, _) = self.0.split_once('_')?;
        let fits = |(c, form): (u8, &u8)| {
            if *form == b'0' { c.is_ascii_digit() } else { c == *form }
        };
        (second.len() == FORM.len() && second.bytes().zip(FORM).all(fits)).then_some(second)
    }

    /// Which session of its second and prompt this is, counted from 1.
    pub(crate) fn copy(&self) -> u64 {
        copy(&self.0)
    }
}

/// Which session of its second and prompt has this id, counted from 1.
pub(crate) fn copy(id: &str) -> u64 {
    let after_hash = id.split_once('_').and_then(|(_, rest)| rest.split_once('-'));
    after_hash.and_then(|(_, n)| n.parse().ok()).unwrap_or(1)
}

impl FromStr for SessionId {
    type Err = SessionIdError;

    fn from_str(text: &str) -> Result<Self, SessionIdError> {
        let bad = |c: char| c == '/' || codeloops_event::text::acts(c);
        if text.is_empty() || text.starts_with('.') || text.contains(bad) {
            return Err(SessionIdError(text.to_owned()));
        }
        Ok(Self(text.to_owned()))
    }
}

impl AsRef<str> for SessionId {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// First six hexadecimal digits of the prompt's SHA-256.
fn prompt_hash(prompt: &str) -> String {
    let digest = Sha256::digest(prompt.as_bytes());
    format!("{:02x}{:02x}{:02x}", digest[0], digest[1], digest[2])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_carry_the_second_and_the_prompts_hash() {
        let started = "2025-01-27T15:30:45.987Z".parse().unwrap();
        let ids: Vec<_> = SessionId::candidates(started, "abc").take(3).collect();
        // SHA-256 of "abc" begins with ba7816 (FIPS 180-2, appendix B.1).
        assert_eq!(ids[0].as_str(), "2025-01-27T15-30-45Z_ba7816");
        assert_eq!(ids[1].as_str(), "2025-01-27T15-30-45Z_ba7816-2");
        assert_eq!(ids[2].as_str(), "2025-01-27T15-30-45Z_ba7816-3");
        assert_eq!(ids.iter().map(SessionId::copy).collect::<Vec<_>>(), [1, 2, 3]);
        assert_eq!(ids[2].second(), Some("2025-01-27T15-30-45Z"));
    }

    #[test]
    fn an_id_cannot_leave_its_folder() {
        for text in ["", ".", "..", "../x", "a/b", "a\nb", "a\u{1b}[2J", ".hidden"] {
            assert!(text.parse::<SessionId>().is_err(), "{text:?}");
        }
        assert!("my copy".parse::<SessionId>().is_ok());
    }

    #[test]
    fn only_jsonl_files_are_sessions() {
        let id = SessionId::of_file(Path::new("/x/2025-01-27T15-30-45Z_ba7816.jsonl")).unwrap();
        assert_eq!(id.file_in(Path::new("/x")), Path::new("/x/2025-01-27T15-30-45Z_ba7816.jsonl"));
        assert!(SessionId::of_file(Path::new("/x/notes.txt")).is_err());
        assert!(SessionId::of_file(Path::new("/x/.jsonl")).is_err());
    }
}
