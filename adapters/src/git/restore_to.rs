//! Puts a working tree to a state, after it has saved the one that it is in.
//!
//! What is saved has its refs before anything is changed, so whoever is killed here loses nothing, and
//! the same command does the rest. The index, HEAD and all other refs stay as they are.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use codeloops_event::layout;

use super::backend::Backend;
use super::error::{GitError, RestoreError};
use super::index_copy;
use super::path::RepoPath;
use super::program::Program;
use super::restore::{self, told};
use super::restore_plan::{Restoring, gone_or};
use super::restore_saved::{self, Saved};
use super::snapshots::is_excluded;
use super::staged::{Known, Staged};

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// The paths that are not as they were to be, fit to be shown: somebody else wrote there meanwhile,
    /// or the system said no.
    pub left: Vec<String>,
    /// Files that were ignored before and are not now. They stay; fit to be shown.
    pub shows: Vec<String>,
}

impl Restoring {
    /// Does it. What was saved is told through `saved` before anything is changed.
    ///
    /// # Errors
    ///
    /// Where nothing was changed; and where it could not be looked at in the end.
    pub fn carry_out(self, saved: &mut dyn FnMut(&Saved)) -> Result<Restored, RestoreError> {
        let (scratch, staging) = (self.lock.scratch(), self.lock.staging());
        let paths = restore::earlier(&self.differences);
        let name = layout::saved_refs(&self.run_id);
        let staged = Staged::make(&self.git, &self.goal, paths, &scratch, staging)
            .map_err(|error| gone_or(&self.git, &self.goal, &name, error))?;
        self.give_own_bytes(&staged)?;
        let (run_id, now) = (&self.run_id, &self.now);
        saved(&restore_saved::save(&self.git, &self.lock, run_id, now, &self.differences)?);
        self.remove();
        let permissions = self.beside.permissions.iter();
        let known: BTreeMap<_, _> =
            permissions.map(|(path, mode)| (path, Known::by_permissions(*mode))).collect();
        // What cannot be is told by what is left.
        staged.place(self.git.root(), &known, &self.present, |_| true);
        drop(staged);
        self.result()
    }

    /// Where git checks out other bytes than a file had, gives it those that it had.
    fn give_own_bytes(&self, staged: &Staged<'_>) -> Result<(), GitError> {
        let raw = |path| Some((path, self.beside.raw.get(path)?));
        let known: Vec<_> =
            restore::earlier(&self.differences).into_iter().filter_map(raw).collect();
        let paths: Vec<_> = known.iter().map(|(path, _)| *path).collect();
        for ((path, own), id) in known.iter().zip(staged.ids(&self.git, &paths)?) {
            if **own != id {
                staged.overwrite(path, &self.git.run(None, &["cat-file", "blob", own], b"")?)?;
            }
        }
        Ok(())
    }

    /// Removes what is not there in the wanted state, then the folders that have nothing left in them.
    fn remove(&self) {
        let root = self.git.root();
        let mut folders = BTreeSet::new();
        for path in self.differences.iter().filter(|d| d.is_added()).map(|d| &d.path) {
            if self.present.is_still(root, path)
                && index_copy::remove(&path.in_root(root)).inspect_err(told).is_ok()
            {
                folders.extend(path.as_path().ancestors().skip(1));
            }
        }
        let stays = |folder: &Path| self.dir.starts_with(folder);
        for folder in folders.iter().rev().map(|folder| root.join(folder)) {
            if !stays(&folder) {
                // One that is not empty stays too.
                fs::remove_dir(folder).ok();
            }
        }
    }

    /// What is not as in the wanted state.
    fn result(&self) -> Result<Restored, RestoreError> {
        let index = self.lock.index();
        let mut program = Program::new(self.git.clone(), index.clone());
        let mut scan = program.scan()?;
        scan.changes.retain(|change| !is_excluded(&self.excluded, &change.path));
        let tree = program.write_tree(&scan.changes)?;
        let differ = restore::differences(&self.git, &index, &self.goal, &tree)?;
        let wanted: BTreeSet<_> = self.differences.iter().map(|d| &d.path).collect();
        let (left, others): (Vec<_>, Vec<_>) =
            differ.iter().map(|d| &d.path).partition(|path| wanted.contains(path));
        let is_told = |path: &&RepoPath| {
            self.ignored.contains(path) || self.submodules.iter().any(|of| path.is_within(of))
        };
        let others = others.into_iter().filter(|path| !is_told(path));
        Ok(Restored { left: shown(left), shows: shown(others) })
    }
}

fn shown<'p>(paths: impl IntoIterator<Item = &'p RepoPath>) -> Vec<String> {
    paths.into_iter().map(RepoPath::shown).collect()
}
