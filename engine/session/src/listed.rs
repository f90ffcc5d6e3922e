//! What a list needs of a session file, read from it.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use codeloops_event::{Event, SessionStart};

use crate::names::SessionId;
use crate::progress::{Progress, is_held};
use crate::reader::{ReadError, SessionReader, open_file};
use crate::stamp::FileStamp;
use crate::tail;

/// Characters of the prompt that a list shows.
const PREVIEW_CHARS: usize = 256;
/// How often a file is read that is being written to.
const TRIES: u32 = 5;

/// A session file, as far as a list needs it.
pub(crate) struct Listed {
    pub(crate) id: SessionId,
    pub(crate) start: SessionStart,
    pub(crate) progress: Progress,
    /// Whether it has no end yet and its process lives.
    pub(crate) runs: bool,
    /// The file as it was before it was read, and still is.
    pub(crate) stamp: FileStamp,
    /// Bytes of it that were read, roughly.
    pub(crate) cost: u64,
}

impl Listed {
    /// Reads head and tail of the file; the whole of it only where the tail shows no end. So a list
    /// does not notice damage in the middle of a session that has ended.
    ///
    /// A file without an end that nobody holds any more may have got one since it was read, and is
    /// read again.
    pub(crate) fn read(id: &SessionId, path: &Path) -> Result<Self, ReadError> {
        let mut listed = Self::read_once(id, path)?;
        for _ in 1..TRIES {
            if listed.stamp != FileStamp::UNKNOWN || listed.runs {
                break;
            }
            listed = Self::read_once(id, path)?;
        }
        Ok(listed)
    }

    fn read_once(id: &SessionId, path: &Path) -> Result<Self, ReadError> {
        let file = open_file(path)?;
        let before = stamp_of(&file, path)?;
        let mut reader = SessionReader::new(path, BufReader::new(&file));
        let start = read_start(&mut reader, path)?;
        let end = tail::find_end(&file).map_err(|source| io_error(path, source))?;
        let cost = if end.is_some() { 0 } else { before.size };
        let progress = match end {
            Some(end) => Progress::ended(end),
            None => Progress::after(reader)?,
        };
        let runs = progress.end.is_none() && is_held(&file);
        let is_same = stamp_of(&file, path)? == before;
        let stamp = if is_same { before } else { FileStamp::UNKNOWN };
        Ok(Self { id: id.clone(), start, progress, runs, stamp, cost })
    }

    /// The beginning of the prompt.
    pub(crate) fn preview(&self) -> &str {
        let prompt = &self.start.prompt;
        let end = prompt.char_indices().nth(PREVIEW_CHARS).map_or(prompt.len(), |(at, _)| at);
        &prompt[..end]
    }
}

/// The first line of a session alone.
pub(crate) fn read_start_of(path: &Path) -> Result<SessionStart, ReadError> {
    read_start(&mut SessionReader::new(path, BufReader::new(open_file(path)?)), path)
}

fn read_start(
    reader: &mut impl Iterator<Item = Result<Event, ReadError>>,
    path: &Path,
) -> Result<SessionStart, ReadError> {
    match reader.next().transpose()? {
        Some(Event::SessionStart(start)) => Ok(*start),
        _ => Err(ReadError::NoStart { path: path.to_owned() }),
    }
}

fn stamp_of(file: &File, path: &Path) -> Result<FileStamp, ReadError> {
    file.metadata().map(|file| FileStamp::of(&file)).map_err(|source| io_error(path, source))
}

fn io_error(path: &Path, source: std::io::Error) -> ReadError {
    ReadError::Io { path: path.to_owned(), source }
}
