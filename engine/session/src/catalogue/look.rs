//! Looks at every session file once: what the index knows of it still counts, or it is read.

use std::io;
use std::num::NonZero;
use std::thread;

use super::Row;
use crate::entry::SessionEntry;
use crate::folder::FolderFile;
use crate::index::{Block, Cost, Index};
use crate::listed::Listed;
use crate::progress::{SessionStatus, is_held};
use crate::reader::{ReadError, Warning};
use crate::stamp::FileStamp;

/// Files that are worth a thread of their own.
const FILES_A_THREAD: usize = 1000;
/// More threads wait for each other more than they get done.
const MOST_THREADS: usize = 4;

/// What there was to see.
#[derive(Default)]
pub(super) struct Found {
    pub(super) rows: Vec<Row>,
    /// The places of the index's entries that count still.
    pub(super) kept: Vec<usize>,
    /// What was read.
    pub(super) fresh: Vec<Block>,
    pub(super) cost: Cost,
    pub(super) warnings: Vec<Warning>,
}

/// Looks at all files, several at once where they are many.
pub(super) fn at_all(files: &[FolderFile], index: &Index) -> Found {
    let cores = thread::available_parallelism().map_or(1, NonZero::get).min(MOST_THREADS);
    let threads = cores.min(files.len() / FILES_A_THREAD).max(1);
    let mut shares = files.chunks(files.len().div_ceil(threads).max(1));
    let own = shares.next().unwrap_or_default();
    let shares: Vec<Share> = thread::scope(|scope| {
        let others: Vec<_> =
            shares.map(|files| scope.spawn(move || Share::of(files, index))).collect();
        let own = Share::of(own, index);
        let others = others.into_iter().map(|share| share.join().expect("looking does not panic"));
        std::iter::once(own).chain(others).collect()
    });
    let mut found = Found::default();
    shares.into_iter().for_each(|share| found.add(share));
    found
}

impl Found {
    fn add(&mut self, share: Share) {
        // That of the index comes first.
        let block = self.fresh.len() + 1;
        let kept = share.kept.iter().map(|(at, runs)| Row { block: 0, at: *at, runs: *runs });
        let fresh = share.runs.iter().enumerate().map(|(at, runs)| Row { block, at, runs: *runs });
        self.rows.extend(kept.chain(fresh));
        self.kept.extend(share.kept.iter().map(|(at, _)| *at));
        self.fresh.push(share.fresh);
        self.cost = self.cost.plus(share.cost);
        self.warnings.extend(share.warnings);
    }
}

/// What one thread sees.
#[derive(Default)]
struct Share {
    /// The place in the index of each that has not changed, and whether it runs.
    kept: Vec<(usize, bool)>,
    fresh: Block,
    /// Of each that was read, whether it runs.
    runs: Vec<bool>,
    cost: Cost,
    warnings: Vec<Warning>,
}

impl Share {
    fn of(files: &[FolderFile], index: &Index) -> Self {
        let mut share = Self::default();
        files.iter().for_each(|file| share.look(file, index));
        share
    }

    fn look(&mut self, file: &FolderFile, index: &Index) {
        let stamp = match file.look() {
            None => return,
            Some(Ok(found)) if !found.is_file() => return self.warn(not_a_file(file)),
            Some(Ok(found)) => FileStamp::of(&found),
            Some(Err(source)) => {
                return self.warn(ReadError::Io { path: file.path(), source });
            }
        };
        let known = index.find(file.id.as_str(), &stamp);
        match known.and_then(|(at, entry)| Some((at, runs(file, &entry, &stamp)?))) {
            Some(known) => self.kept.push(known),
            None => self.read(file),
        }
    }

    fn read(&mut self, file: &FolderFile) {
        match Listed::read(&file.id, &file.path()) {
            Ok(listed) => {
                self.cost.add(if listed.stamp == FileStamp::UNKNOWN { 0 } else { listed.cost });
                self.fresh.push(&listed);
                self.runs.push(listed.runs);
            }
            Err(ReadError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {}
            Err(error) => self.warn(error),
        }
    }

    fn warn(&mut self, error: ReadError) {
        self.warnings.push(Warning::Skipped(error));
    }
}

/// Whether a session runs that has not changed since it was read; none where it has by now, or that
/// cannot be told. Its process may have ended it just before it let go of the file.
fn runs(file: &FolderFile, entry: &SessionEntry<'_>, stamp: &FileStamp) -> Option<bool> {
    if entry.status == SessionStatus::Ended {
        return Some(false);
    }
    let opened = file.open().ok()?;
    let runs = is_held(&opened);
    let is_same = FileStamp::of(&opened.metadata().ok()?) == *stamp;
    is_same.then_some(runs)
}

fn not_a_file(file: &FolderFile) -> ReadError {
    ReadError::NotAFile { path: file.path() }
}
