//! The stash: which of its entries a critic or a gate removed, and the list in which they are back.
//!
//! The ref names the newest entry. The others are in its reflog alone: a line `old new …` for each,
//! the oldest first, whose `old` is the entry before it.

use std::collections::BTreeSet;

pub(super) const STASH: &str = "refs/stash";

/// The stash at one moment.
pub(super) struct Stash<'a> {
    /// What the ref points at.
    pub(super) tip: Option<&'a [u8]>,
    pub(super) log: &'a [u8],
}

/// A stash where entries are gone.
pub(super) struct LostEntries {
    /// Their commits.
    pub(super) gone: Vec<Vec<u8>>,
    /// The commits of those that were not there before.
    pub(super) added: Vec<Vec<u8>>,
    /// What the ref points at, and is to point at.
    pub(super) now: Option<Vec<u8>>,
    pub(super) tip: Vec<u8>,
    /// What is to be its reflog; empty where there was none.
    pub(super) log: Vec<u8>,
}

impl Stash<'_> {
    /// None where no entry is gone.
    pub(super) fn lost_until(&self, now: &Self) -> Option<LostEntries> {
        let tip = self.tip?;
        let (before, is) = (self.commits(), now.commits());
        let only = |of: &BTreeSet<&[u8]>, other: &BTreeSet<&[u8]>| -> Vec<Vec<u8>> {
            of.difference(other).map(|commit| commit.to_vec()).collect()
        };
        let (gone, added) = (only(&before, &is), only(&is, &before));
        let merged = self.merged(now);
        let (_, newest, _) = merged.last().copied().unwrap_or((b"", tip, b""));
        (!gone.is_empty()).then(|| LostEntries {
            gone,
            added,
            now: now.tip.map(<[u8]>::to_vec),
            tip: newest.to_vec(),
            log: chained(&merged),
        })
    }

    fn commits(&self) -> BTreeSet<&[u8]> {
        self.entries().map(|(_, commit, _)| commit).chain(self.tip).collect()
    }

    /// Old, new, and the rest of the line.
    fn entries(&self) -> impl Iterator<Item = (&[u8], &[u8], &[u8])> {
        self.log.split(|&b| b == b'\n').filter_map(|line| {
            let mut parts = line.splitn(3, |&b| b == b' ');
            Some((parts.next()?, parts.next()?, parts.next()?))
        })
    }

    /// All that there were, then those that were added: they may be the user's.
    fn merged<'s>(&'s self, now: &'s Self) -> Vec<(&'s [u8], &'s [u8], &'s [u8])> {
        let before = self.commits();
        let added = now.entries().filter(|(_, commit, _)| !before.contains(commit));
        let entries: Vec<_> = self.entries().collect();
        // Without a reflog there was one entry, which no line of it can name.
        let added = added.filter(|_| !entries.is_empty());
        entries.iter().copied().chain(added).collect()
    }
}

/// The reflog of these entries, with no gap between one and the next.
fn chained(entries: &[(&[u8], &[u8], &[u8])]) -> Vec<u8> {
    let mut log = Vec::new();
    let mut old = entries.first().map_or_else(Vec::new, |(_, new, _)| vec![b'0'; new.len()]);
    for (_, new, rest) in entries {
        log.extend([&old, &b" "[..], new, b" ", rest, b"\n"].concat());
        old = new.to_vec();
    }
    log
}
