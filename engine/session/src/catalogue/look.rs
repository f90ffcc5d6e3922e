//! Looks at every session file once: what the index knows of it still counts, or it is read.

use std::fs::Metadata;
use std::io;
use std::num::NonZero;
use std::path::Path;
use std::thread;

use super::Row;
use crate::entry::SessionEntry;
use crate::folder::{BATCH, FolderFile, Names};
use crate::index::{Block, Cost, Index, LateIndex};
use crate::listed::Listed;
use crate::progress::{SessionStatus, is_held};
use crate::reader::{ReadError, Warning};
use crate::stamp::FileStamp;

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

/// Looks at all files of a folder, several at once where they are many. The index is asked for when
/// there is something to look up.
pub(super) fn at_all(dir: &Path, index: &LateIndex<'_>) -> io::Result<Found> {
    let names = Names::open(dir)?;
    let mut first = Share::default();
    let is_all = first.look_at_some(&names, index)?;
    let cores = thread::available_parallelism().map_or(1, NonZero::get).min(MOST_THREADS);
    let others = if is_all { 0 } else { cores - 1 };
    thread::scope(|scope| {
        let others: Vec<_> =
            (0..others).map(|_| scope.spawn(|| Share::default().look(&names, index))).collect();
        let mut found = Found::default();
        found.add(if is_all { first } else { first.look(&names, index)? });
        for other in others {
            found.add(other.join().expect("looking does not panic")?);
        }
        // Also where nothing is left to look up: then all of it is out of date.
        let _all = index.get();
        found.warnings.sort_by_cached_key(ToString::to_string);
        Ok(found)
    })
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
    /// Looks at what the others leave, to the end.
    fn look(mut self, names: &Names, index: &LateIndex<'_>) -> io::Result<Self> {
        while !self.look_at_some(names, index)? {}
        Ok(self)
    }

    /// Looks at the next files; true at the end.
    fn look_at_some(&mut self, names: &Names, index: &LateIndex<'_>) -> io::Result<bool> {
        let mut batch = names.batch()?;
        self.warnings.append(&mut batch.warnings);
        let looks: Vec<_> = batch.files.iter().map(|file| (file, file.look())).collect();
        looks.into_iter().for_each(|(file, look)| self.take(file, look, index.get()));
        Ok(batch.seen < BATCH)
    }

    fn take(&mut self, file: &FolderFile, look: Option<io::Result<Metadata>>, index: &Index) {
        let stamp = match look {
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
