//! Trees that differ from another one in a few paths: writes them, and finds these paths.

use std::collections::BTreeMap;

use git2::{Error, FileMode, ObjectType, Oid, Repository, Tree, TreeEntry};

/// What a path is to be: a blob with its mode, or nothing.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) path: Vec<u8>,
    pub(super) blob: Option<(Oid, i32)>,
}

/// The entries of one folder, by name.
#[derive(Default)]
struct Folder(BTreeMap<Vec<u8>, Node>);

#[derive(Default)]
struct Node {
    /// What the name itself becomes, where that is said.
    own: Option<Option<(Oid, i32)>>,
    below: Folder,
}

/// Writes the tree `base` with `entries` put over it. A file takes the place of a folder and the
/// other way round; a folder without files is no folder.
pub(super) fn update(repo: &Repository, base: Oid, entries: &[Entry]) -> Result<Oid, Error> {
    let mut root = Folder::default();
    for entry in entries {
        root.insert(&entry.path, entry.blob);
    }
    match root.write(repo, Some(base))? {
        Some(tree) => Ok(tree),
        None => repo.treebuilder(None)?.write(),
    }
}

/// The paths in which two trees differ: files, and folders that only one of them has. A folder
/// that is equal in both is not looked into.
pub(super) fn differing(
    repo: &Repository,
    old: &Tree<'_>,
    new: &Tree<'_>,
) -> Result<Vec<Vec<u8>>, Error> {
    let mut found = Vec::new();
    differing_below(repo, b"", [old, new], &mut found)?;
    Ok(found)
}

fn differing_below(
    repo: &Repository,
    folder: &[u8],
    [old, new]: [&Tree<'_>; 2],
    found: &mut Vec<Vec<u8>>,
) -> Result<(), Error> {
    let path = |name: &[u8]| [folder, name].concat();
    for entry in new {
        let name = entry.name_bytes();
        match old.get_name_bytes(name) {
            Some(other) if is_same(&entry, &other) => {}
            Some(other) if is_folder(&entry) && is_folder(&other) => {
                let trees = [repo.find_tree(other.id())?, repo.find_tree(entry.id())?];
                let below = [&path(name)[..], b"/"].concat();
                differing_below(repo, &below, [&trees[0], &trees[1]], found)?;
            }
            _ => found.push(path(name)),
        }
    }
    let gone = old.iter().filter(|entry| new.get_name_bytes(entry.name_bytes()).is_none());
    found.extend(gone.map(|entry| path(entry.name_bytes())));
    Ok(())
}

fn is_same(a: &TreeEntry<'_>, b: &TreeEntry<'_>) -> bool {
    a.id() == b.id() && a.filemode_raw() == b.filemode_raw()
}

fn is_folder(entry: &TreeEntry<'_>) -> bool {
    entry.kind() == Some(ObjectType::Tree)
}

impl Folder {
    fn insert(&mut self, path: &[u8], blob: Option<(Oid, i32)>) {
        let mut parts = path.splitn(2, |&b| b == b'/');
        let node = self.0.entry(parts.next().unwrap_or_default().to_vec()).or_default();
        match parts.next() {
            Some(rest) => node.below.insert(rest, blob),
            None => node.own = Some(blob),
        }
    }

    /// Writes the folder over `old`; gives none where it is empty.
    fn write(self, repo: &Repository, old: Option<Oid>) -> Result<Option<Oid>, Error> {
        let old = old.map(|id| repo.find_tree(id)).transpose()?;
        let mut builder = repo.treebuilder(old.as_ref())?;
        for (name, node) in self.0 {
            match node.write(repo, folder_id(&builder, &name)?)? {
                Some((id, mode)) => drop(builder.insert(&name[..], id, mode)?),
                None if builder.get(&name[..])?.is_some() => builder.remove(&name[..])?,
                None => {}
            }
        }
        if builder.is_empty() { Ok(None) } else { builder.write().map(Some) }
    }
}

impl Node {
    fn write(self, repo: &Repository, old: Option<Oid>) -> Result<Option<(Oid, i32)>, Error> {
        match self.own {
            Some(Some(blob)) => Ok(Some(blob)),
            own => {
                // A name that was a file cannot have been a folder.
                let old = old.filter(|_| own.is_none());
                let tree = self.below.write(repo, old)?;
                Ok(tree.map(|id| (id, i32::from(FileMode::Tree))))
            }
        }
    }
}

fn folder_id(builder: &git2::TreeBuilder<'_>, name: &[u8]) -> Result<Option<Oid>, Error> {
    let entry = builder.get(name)?;
    Ok(entry.filter(|entry| entry.kind() == Some(ObjectType::Tree)).map(|entry| entry.id()))
}
