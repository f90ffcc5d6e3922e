//! The names in the folder of the session files.

use std::fs::{self, DirEntry, File, Metadata, ReadDir};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::names::SessionId;
use crate::reader::Warning;

/// The end of a session file's name.
const ENDING: &[u8] = b".jsonl";

/// A file that is a session's by its name.
pub(crate) struct FolderFile {
    pub(crate) id: SessionId,
    entry: DirEntry,
}

/// Names that are read at once.
pub(crate) const BATCH: usize = 256;

/// The names in a folder, to be read by several at once.
pub(crate) struct Names(Option<Mutex<ReadDir>>);

/// Some session files of a folder, in no order.
#[derive(Default)]
pub(crate) struct Batch {
    pub(crate) files: Vec<FolderFile>,
    /// Names that cannot be a session's.
    pub(crate) warnings: Vec<Warning>,
    /// How many names were looked at; fewer than [`BATCH`] at the end.
    pub(crate) seen: usize,
}

impl Names {
    /// Opens a folder; one that is missing holds none.
    pub(crate) fn open(dir: &Path) -> io::Result<Self> {
        match fs::read_dir(dir) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(Self(None)),
            entries => Ok(Self(Some(Mutex::new(entries?)))),
        }
    }

    /// The next names, those of session files.
    pub(crate) fn batch(&self) -> io::Result<Batch> {
        let mut batch = Batch::default();
        for entry in self.entries() {
            batch.add(entry?);
        }
        Ok(batch)
    }

    fn entries(&self) -> Vec<io::Result<DirEntry>> {
        let Some(entries) = &self.0 else { return Vec::new() };
        let mut entries = entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.by_ref().take(BATCH).collect()
    }
}

impl Batch {
    fn add(&mut self, entry: DirEntry) {
        self.seen += 1;
        let name = entry.file_name();
        let Some(stem) = name.as_encoded_bytes().strip_suffix(ENDING) else { return };
        if !stem.is_empty() {
            match str::from_utf8(stem).map(str::parse) {
                Ok(Ok(id)) => self.files.push(FolderFile { id, entry }),
                _ => self.warnings.push(Warning::OddName { path: entry.path() }),
            }
        }
    }
}

/// All session files of a folder.
pub(crate) fn files(dir: &Path) -> io::Result<Vec<FolderFile>> {
    let (names, mut files) = (Names::open(dir)?, Vec::new());
    loop {
        let mut batch = names.batch()?;
        files.append(&mut batch.files);
        if batch.seen < BATCH {
            return Ok(files);
        }
    }
}

impl FolderFile {
    pub(crate) fn path(&self) -> PathBuf {
        self.entry.path()
    }

    /// What there is, with links followed; none where there is nothing any more.
    pub(crate) fn look(&self) -> Option<io::Result<Metadata>> {
        let found = self.entry.metadata();
        let is_link = found.as_ref().is_ok_and(Metadata::is_symlink);
        match found {
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            // One that leads nowhere is worth telling.
            _ if is_link => Some(fs::metadata(self.path())),
            found => Some(found),
        }
    }

    /// Whether it can be read as a session: what is no file cannot.
    pub(crate) fn is_file(&self) -> bool {
        match self.entry.file_type() {
            Ok(kind) if !kind.is_symlink() => kind.is_file(),
            // What cannot be looked at is left to who reads it.
            _ => self.path().metadata().map_or(true, |found| found.is_file()),
        }
    }

    pub(crate) fn open(&self) -> io::Result<File> {
        File::open(self.path())
    }
}
