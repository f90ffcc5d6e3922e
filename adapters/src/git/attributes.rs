//! Tells without looking anything up that no attributes can apply to a path.

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

use git2::{AttrCheckFlags, Index, Repository};

/// Name of the files that give attributes to the files beside and below them.
const NAME: &str = ".gitattributes";

/// Looks attributes up. Most repositories have none, and a lookup costs more than hashing a file.
pub(super) struct Attributes<'r> {
    repo: &'r Repository,
    /// Whether there are some that do not come from the working tree.
    everywhere: bool,
    /// Whether a folder or one above it has a file of attributes.
    folders: RefCell<HashMap<PathBuf, bool>>,
}

impl<'r> Attributes<'r> {
    /// Begins a series of lookups during which the files of attributes stay as they are.
    pub(super) fn new(repo: &'r Repository, in_index: bool) -> Self {
        let everywhere = in_index || has_central(repo);
        Self { repo, everywhere, folders: RefCell::default() }
    }

    /// Whether `path` has one of the attributes, set, unset or with a value.
    pub(super) fn has_any(&self, path: &Path, names: &[&str]) -> Result<bool, git2::Error> {
        if !self.everywhere && !path.parent().is_some_and(|folder| self.is_given_in(folder)) {
            return Ok(false);
        }
        for name in names {
            let flags = AttrCheckFlags::FILE_THEN_INDEX;
            if self.repo.get_attr_bytes(path, name, flags)?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn is_given_in(&self, folder: &Path) -> bool {
        if let Some(known) = self.folders.borrow().get(folder) {
            return *known;
        }
        let here = self
            .repo
            .workdir()
            .is_none_or(|root| root.join(folder).join(NAME).symlink_metadata().is_ok());
        let given = here || folder.parent().is_some_and(|above| self.is_given_in(above));
        self.folders.borrow_mut().insert(folder.to_owned(), given);
        given
    }
}

/// Whether the index has files of attributes; they count where the working tree has none.
pub(super) fn in_index(index: &Index) -> bool {
    let is_one = |path: &[u8]| path.rsplit(|&b| b == b'/').next() == Some(NAME.as_bytes());
    index.iter().any(|entry| is_one(&entry.path))
}

/// Whether the repository, the user or the system has a file of attributes for all paths.
fn has_central(repo: &Repository) -> bool {
    let config = repo.config().and_then(|config| config.get_path("core.attributesFile"));
    let home = std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".config"));
    let user = std::env::var_os("XDG_CONFIG_HOME").map(PathBuf::from).or(home);
    config.is_ok()
        || repo.commondir().join("info/attributes").exists()
        || user.is_some_and(|folder| folder.join("git/attributes").exists())
        || Path::new("/etc/gitattributes").exists()
}
