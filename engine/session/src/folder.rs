//! The names in the folder of the session files.

use std::fs::{self, DirEntry, File, Metadata};
use std::io;
use std::path::{Path, PathBuf};

use crate::names::SessionId;
use crate::reader::Warning;

/// The end of a session file's name.
const ENDING: &[u8] = b".jsonl";

/// A file that is a session's by its name.
pub(crate) struct FolderFile {
    pub(crate) id: SessionId,
    entry: DirEntry,
}

/// The session files of a folder, in no order.
#[derive(Default)]
pub(crate) struct Folder {
    pub(crate) files: Vec<FolderFile>,
    /// Names that cannot be a session's.
    pub(crate) warnings: Vec<Warning>,
}

impl Folder {
    /// Reads the names; a folder that is missing holds none.
    pub(crate) fn read(dir: &Path) -> io::Result<Self> {
        let entries = match fs::read_dir(dir) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            entries => entries?,
        };
        let mut folder = Self::default();
        for entry in entries {
            folder.add(entry?);
        }
        Ok(folder)
    }

    fn add(&mut self, entry: DirEntry) {
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
