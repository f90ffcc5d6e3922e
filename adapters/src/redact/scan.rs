//! Goes through a text with several searches at once.

use std::cmp::Reverse;
use std::ops::Range;

use super::Search;

/// A credential in a text.
pub(super) struct Found<'a> {
    pub(super) at: Range<usize>,
    /// What stands for it.
    pub(super) mask: &'a str,
}

/// What each search finds next. None looks twice at what it has passed.
pub(super) struct Scan<'a> {
    bytes: &'a [u8],
    heads: Vec<Head<'a>>,
}

struct Head<'a> {
    search: &'a Search,
    next: Option<Found<'a>>,
}

impl<'a> Scan<'a> {
    pub(super) fn new(searches: &'a [Search], bytes: &'a [u8]) -> Self {
        let head = |search: &'a Search| Head { search, next: search.first(bytes, 0) };
        Self { bytes, heads: searches.iter().map(head).collect() }
    }

    /// The next credential that begins from `from` on and before `end`. What begins within it and ends
    /// behind it is masked with it: of two that overlap nothing stays.
    pub(super) fn next(&mut self, from: usize, end: usize) -> Option<Found<'a>> {
        let mut found = self.first(from, end)?;
        let mut from = found.at.start + 1;
        while let Some(next) = self.first(from, found.at.end) {
            from = if next.at.end > found.at.end { found.at.end } else { next.at.end };
            found.at.end = found.at.end.max(next.at.end);
        }
        Some(found)
    }

    /// The first that begins there; of several, the longest.
    fn first(&mut self, from: usize, end: usize) -> Option<Found<'a>> {
        for Head { search, next } in &mut self.heads {
            if next.as_ref().is_some_and(|next| next.at.start < from) {
                *next = search.first(self.bytes, from);
            }
        }
        let nexts = self.heads.iter().filter_map(|head| head.next.as_ref());
        let next = nexts.min_by_key(|next| (next.at.start, Reverse(next.at.end)))?;
        (next.at.start < end).then(|| Found { at: next.at.clone(), mask: next.mask })
    }
}
