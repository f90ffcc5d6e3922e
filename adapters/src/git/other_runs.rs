//! Tells whether another run worked in the repository since the last look, and where: what it did is
//! not the critic's or the gates'.
//!
//! A run that lives holds its lock in the working tree that it works in. One that came and went in
//! between is known by its refs, which stay, and which it wrote to when it began.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, DirEntry};
use std::time::SystemTime;

use codeloops_event::RunId;

use super::lock::RunLock;

/// Where another run was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Others {
    /// Nowhere in the repository.
    Nowhere,
    /// In other working trees only.
    Elsewhere,
    /// In this one too, or nobody can tell where.
    Here,
}

/// The other runs of a repository at one moment.
pub(super) struct OtherRuns {
    /// Those that lived in this working tree, and in others.
    here: BTreeSet<String>,
    elsewhere: BTreeSet<String>,
    /// When the refs of each run were last written to, be it over or not.
    refs: BTreeMap<String, Option<SystemTime>>,
}

impl OtherRuns {
    pub(super) fn now(lock: &RunLock) -> Self {
        // First, so that one that begins meanwhile and ends at once is not taken for an old one.
        let refs = written(lock);
        Self { here: lock.others().into_iter().collect(), elsewhere: lock.elsewhere(), refs }
    }

    /// Where runs were at any moment between this one and `now`.
    pub(super) fn until(&self, now: &Self) -> Others {
        let lived = |run| [self, now].iter().any(|look| look.elsewhere.contains(run));
        let wrote = |(run, at)| (self.refs.get(run) != Some(at)).then_some(run);
        let mut began = now.refs.iter().filter_map(wrote);
        if !self.here.is_empty() || !now.here.is_empty() || began.any(|run| !lived(run)) {
            Others::Here
        } else if !self.elsewhere.is_empty() || !now.elsewhere.is_empty() {
            Others::Elsewhere
        } else {
            Others::Nowhere
        }
    }
}

/// The runs with refs but for one, and when these were last written to.
fn written(lock: &RunLock) -> BTreeMap<String, Option<SystemTime>> {
    let entries = fs::read_dir(lock.refs().folder()).into_iter().flatten().flatten();
    let run = |entry: DirEntry| {
        let name = entry.file_name().into_string().ok()?;
        let is_others = name != lock.run_id() && name.parse::<RunId>().is_ok();
        let at = entry.metadata().and_then(|meta| meta.modified()).ok();
        is_others.then_some((name, at))
    };
    entries.filter_map(run).collect()
}
