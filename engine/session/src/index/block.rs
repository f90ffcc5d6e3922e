//! Records with their texts, in memory as in the file.

use std::collections::HashMap;

use super::record::{Key, KnownPrompt, RECORD, Record};
use crate::entry::SessionEntry;
use crate::listed::Listed;
use crate::stamp::FileStamp;

/// Bits of a text's place that are its length; the others are where it begins.
const LENGTH_BITS: u32 = 24;
/// Bytes of the longest text; a longer one is cut.
const LONGEST: usize = (1 << LENGTH_BITS) - 1;

/// Some entries.
#[derive(Default)]
pub(crate) struct Block {
    pub(super) records: Vec<u8>,
    pub(super) texts: Texts,
}

/// What records point to.
#[derive(Default)]
pub(super) struct Texts {
    pub(super) heap: String,
    pub(super) prompts: String,
    /// Where those stand that many records have in common.
    known: HashMap<Box<str>, u64>,
}

impl Block {
    /// How many entries there are.
    pub(crate) fn len(&self) -> usize {
        self.records.len() / RECORD
    }

    /// Adds what was read of a file.
    pub(crate) fn push(&mut self, listed: &Listed) {
        Record::of(listed, &mut self.texts).write(&mut self.records);
    }

    /// Adds an entry of another block. Nothing where that is damaged.
    pub(crate) fn push_from(&mut self, other: &Self, at: usize) {
        let record = other.record(at);
        if let Some(moved) = record.and_then(|r| r.moved(&other.texts, &mut self.texts)) {
            moved.write(&mut self.records);
        }
    }

    /// An entry, as that of a session that nobody holds.
    pub(crate) fn entry(&self, at: usize) -> Option<SessionEntry<'_>> {
        self.record(at)?.entry(&self.texts)
    }

    pub(crate) fn prompt(&self, at: usize) -> Option<KnownPrompt<'_>> {
        self.record(at)?.prompt(&self.texts)
    }

    /// The id and the stamp of an entry.
    pub(crate) fn key(&self, at: usize) -> Option<(&str, FileStamp)> {
        let Key { stamp, id } = self.record(at)?.key();
        Some((self.texts.get(id)?, stamp))
    }

    /// The id of each entry.
    pub(crate) fn ids(&self) -> impl Iterator<Item = &str> {
        (0..self.len()).filter_map(|at| Some(self.key(at)?.0))
    }

    /// The inode of each entry.
    pub(crate) fn inodes(&self) -> impl Iterator<Item = u64> {
        self.records.chunks_exact(RECORD).map(Record::inode)
    }

    #[cfg(test)]
    pub(super) const fn records_mut(&mut self) -> &mut Vec<u8> {
        &mut self.records
    }

    fn record(&self, at: usize) -> Option<Record> {
        let begin = at.checked_mul(RECORD)?;
        Record::read(self.records.get(begin..begin.checked_add(RECORD)?)?)
    }
}

impl Texts {
    /// Texts that were read; the prompts come later, if at all.
    pub(super) fn of(heap: String) -> Self {
        Self { heap, ..Self::default() }
    }

    pub(super) fn put(&mut self, text: &str) -> u64 {
        put(&mut self.heap, text)
    }

    /// Puts a text that other records are likely to have as well.
    pub(super) fn put_again(&mut self, text: &str) -> u64 {
        if let Some(place) = self.known.get(text) {
            return *place;
        }
        let place = self.put(text);
        self.known.insert(text.into(), place);
        place
    }

    pub(super) fn put_prompt(&mut self, text: &str) -> u64 {
        put(&mut self.prompts, text)
    }

    pub(super) fn get(&self, place: u64) -> Option<&str> {
        get(&self.heap, place)
    }

    pub(super) fn prompt(&self, place: u64) -> Option<&str> {
        get(&self.prompts, place)
    }
}

fn put(heap: &mut String, text: &str) -> u64 {
    let begin = heap.len() as u64;
    let text = &text[..text.floor_char_boundary(LONGEST)];
    heap.push_str(text);
    begin << LENGTH_BITS | text.len() as u64
}

fn get(heap: &str, place: u64) -> Option<&str> {
    let begin = usize::try_from(place >> LENGTH_BITS).ok()?;
    let length = usize::try_from(place & LONGEST as u64).ok()?;
    heap.get(begin..begin.checked_add(length)?)
}
