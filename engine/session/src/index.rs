//! What was read of the session files before, kept beside them as `.index`: so a list looks at each
//! file and opens only those that have changed.
//!
//! It is never the truth. An entry counts where the file's stamp is the one that it was read with; an
//! index that is missing, damaged or of another release counts for nothing, and one that cannot be
//! written is done without. Whether a session runs is not in it: that is asked each time.
//!
//! It is written aside and renamed, so a reader meets the old one or the new one, whole. Of two
//! writers at once the second gives up: what it read is read again by the next list.

mod block;
mod file;
mod record;

pub(crate) use block::Block;
pub(crate) use record::KnownPrompt;

use std::collections::HashSet;
use std::path::Path;
use std::sync::OnceLock;
use std::time::Duration;

use self::file::Loaded;
use crate::entry::SessionEntry;
use crate::stamp::FileStamp;

/// What reading must have cost for an index to be worth writing, in files; a long one counts as
/// several. With less, the files are read again: a folder of a few sessions gets no index.
const WORTH_WRITING: u64 = 32;
/// Bytes that count as a file.
const BYTES_OF_A_FILE: u64 = 64 * 1024;

/// What an index says, ready to be looked up.
#[derive(Default)]
pub(crate) struct Index {
    loaded: Option<Loaded>,
    /// The inode of each entry, sorted, with its place.
    places: Vec<(u64, usize)>,
}

impl Index {
    /// The index of a folder; an empty one where there is none that counts.
    pub(crate) fn load(dir: &Path) -> Self {
        let loaded = file::load(dir);
        let inodes = loaded.iter().flat_map(|loaded| loaded.block.inodes());
        let mut places: Vec<_> = inodes.zip(0..).collect();
        places.sort_unstable();
        Self { loaded, places }
    }

    /// The same with the prompts, which are a part of their own.
    pub(crate) fn with_prompts(mut self) -> Self {
        let can = self.loaded.as_mut().is_none_or(Loaded::load_prompts);
        if can { self } else { Self::default() }
    }

    /// Where the entry of a file stands that has not changed.
    pub(crate) fn find(&self, id: &str, stamp: &FileStamp) -> Option<(usize, SessionEntry<'_>)> {
        let block = &self.loaded.as_ref()?.block;
        let from = self.places.partition_point(|(inode, _)| *inode < stamp.inode);
        let same = self.places[from..].iter().take_while(|(inode, _)| *inode == stamp.inode);
        let mut its = same.filter(|(_, at)| block.key(*at) == Some((id, *stamp)));
        its.find_map(|(_, at)| Some((*at, block.entry(*at)?)))
    }

    /// The entries alone.
    pub(crate) fn into_block(self) -> Block {
        self.loaded.map(|loaded| loaded.block).unwrap_or_default()
    }

    /// Writes the index of a folder anew, if that is worth it: what there is of this one as far as it
    /// counts still, and what was read now. `looking` is for how long the files have been looked at.
    pub(crate) fn renew(
        &mut self,
        dir: &Path,
        kept: &[usize],
        fresh: &[Block],
        cost: Cost,
        looking: Duration,
    ) {
        if cost.is_worth_writing() || self.has_lost(kept, fresh) {
            // What cannot be written is read again.
            drop(file::save(dir, looking, |looked_at| self.renewed(kept, fresh, looked_at)));
        }
    }

    /// Whether a file is gone that has an entry. Its prompt must not outlive it here.
    fn has_lost(&self, kept: &[usize], fresh: &[Block]) -> bool {
        let Some(loaded) = self.loaded.as_ref().filter(|_| kept.len() < self.places.len()) else {
            return false;
        };
        let kept: HashSet<usize> = kept.iter().copied().collect();
        let read: HashSet<&str> = fresh.iter().flat_map(Block::ids).collect();
        let mut stale = (0..loaded.block.len()).filter(|at| !kept.contains(at));
        stale.any(|at| loaded.block.key(at).is_none_or(|(id, _)| !read.contains(id)))
    }

    fn renewed(&mut self, kept: &[usize], fresh: &[Block], looked_at: u64) -> Block {
        let mut block = Block::default();
        if let Some(old) = self.loaded.as_mut()
            && old.load_prompts()
        {
            kept.iter().for_each(|at| block.push_from(&old.block, *at));
        }
        for (from, at) in fresh.iter().flat_map(|from| (0..from.len()).map(move |at| (from, at))) {
            if from.key(at).is_some_and(|(_, stamp)| stamp.tells_later_changes(looked_at)) {
                block.push_from(from, at);
            }
        }
        block
    }
}

/// The index of a folder, which is read when the first asks for it.
pub(crate) struct LateIndex<'a> {
    dir: &'a Path,
    with_prompts: bool,
    index: OnceLock<Index>,
}

impl<'a> LateIndex<'a> {
    pub(crate) const fn of(dir: &'a Path, with_prompts: bool) -> Self {
        Self { dir, with_prompts, index: OnceLock::new() }
    }

    pub(crate) fn get(&self) -> &Index {
        self.index.get_or_init(|| {
            let index = Index::load(self.dir);
            if self.with_prompts { index.with_prompts() } else { index }
        })
    }

    /// The index; an empty one where nobody asked for it.
    pub(crate) fn into_index(self) -> Index {
        self.index.into_inner().unwrap_or_default()
    }
}

/// What it cost to read the files that the index did not have, in files.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Cost(u64);

impl Cost {
    /// A file of which so much was read.
    pub(crate) const fn add(&mut self, bytes: u64) {
        self.0 += 1 + bytes / BYTES_OF_A_FILE;
    }

    pub(crate) const fn plus(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }

    const fn is_worth_writing(self) -> bool {
        self.0 >= WORTH_WRITING
    }
}

#[cfg(test)]
mod tests;
