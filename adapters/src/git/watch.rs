//! Notices a change of the files by which work can be hidden from a snapshot or its diff, or by
//! which git is made to run programs; puts back what a critic changed of them.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, File, Permissions};
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::command::Git;
use super::error::GitError;
use super::path::RepoPath;

/// Files of the git folder that git obeys and that no snapshot holds.
const WATCHED: [(&str, &str); 5] = [
    ("info/exclude", "files it names are not in the diff"),
    ("info/attributes", "it can make git show a text as binary"),
    ("info/sparse-checkout", "files outside of it are not in the diff"),
    ("config", "it can name more files to be ignored"),
    ("config.worktree", "it can name more files to be ignored"),
];

/// Those of them that each linked working tree has for itself.
const OWN: [&str; 2] = ["info/sparse-checkout", "config.worktree"];

/// Bytes of a file that are kept; what is larger is not put back.
const LIMIT: u64 = 1024 * 1024;

/// What those files held, and hold.
pub(super) struct Watch {
    files: Vec<(PathBuf, String)>,
    hooks: PathBuf,
    /// When the run began.
    begun: Held,
    /// At the last snapshot.
    last: Held,
}

/// Files by the name they are told by.
type Held = BTreeMap<String, Content>;

#[derive(Clone, PartialEq, Eq)]
struct Content {
    path: PathBuf,
    /// None for what is too large or no file.
    bytes: Option<Vec<u8>>,
    mode: u32,
    is_link: bool,
}

impl Watch {
    pub(super) fn begin(git: &Git) -> Result<Self, GitError> {
        let common = common_dir(git.git_dir())?;
        let place = |(name, effect): &(&str, &str)| {
            let folder = if OWN.contains(name) { git.git_dir() } else { &common };
            (folder.join(name), format!("`.git/{name}` changed since the run began: {effect}"))
        };
        let files = WATCHED.iter().map(place).collect();
        let hooks = common.join("hooks");
        let mut watch = Self { files, hooks, begun: Held::new(), last: Held::new() };
        watch.begun = watch.look();
        watch.remember();
        Ok(watch)
    }

    /// One line for each that changed since the run began.
    pub(super) fn notes(&self) -> Vec<String> {
        let now = self.look();
        let bytes =
            |held: &Held, name: &str| held.get(&shown(name)).and_then(|file| file.bytes.clone());
        let named = self.files.iter().zip(WATCHED);
        named
            .filter(|(_, (name, _))| bytes(&now, name) != bytes(&self.begun, name))
            .map(|((_, note), _)| note.clone())
            .collect()
    }

    /// Keeps all as it is now.
    pub(super) fn remember(&mut self) {
        self.last = self.look();
    }

    /// The names of those that are not as they were at the last snapshot.
    pub(super) fn changed(&self) -> Vec<String> {
        let now = self.look();
        let names =
            self.last.keys().chain(now.keys().filter(|name| !self.last.contains_key(*name)));
        names.filter(|name| self.last.get(*name) != now.get(*name)).cloned().collect()
    }

    /// Keeps what `changed` holds now under refs that begin with `kept_as`.
    pub(super) fn keep(
        &self,
        git: &Git,
        kept_as: &str,
        changed: &[String],
    ) -> Result<(), GitError> {
        let now = self.look();
        for (number, name) in changed.iter().enumerate() {
            if let Some(bytes) = now.get(name).and_then(|file| file.bytes.as_ref()) {
                let blob = git.run(None, &["hash-object", "-w", "--stdin"], bytes)?;
                let id = String::from_utf8_lossy(&blob);
                let name = format!("{kept_as}-git-{}", number + 1);
                git.run(None, &["update-ref", "--no-deref", &name, id.trim()], b"")?;
            }
        }
        Ok(())
    }

    /// Puts back what changed. Tells whether it was possible; nothing is touched where it was not.
    pub(super) fn restore(&self, changed: &[String]) -> Result<bool, GitError> {
        let now = self.look();
        let states = |name| [self.last.get(name), now.get(name)].into_iter().flatten();
        if !changed.iter().all(|name| states(name).all(Content::can_be_replaced)) {
            return Ok(false);
        }
        for name in changed {
            match (self.last.get(name), now.get(name)) {
                (Some(before), _) => before.put_back()?,
                (None, Some(added)) => super::index_copy::remove(&added.path)?,
                (None, None) => {}
            }
        }
        Ok(true)
    }

    fn look(&self) -> Held {
        let files = self
            .files
            .iter()
            .zip(WATCHED)
            .map(|((path, _), (name, _))| (path.clone(), shown(name)));
        let hooks = fs::read_dir(&self.hooks).into_iter().flatten().flatten().map(|entry| {
            let name = RepoPath(entry.file_name().into_encoded_bytes()).shown();
            (entry.path(), shown(&format!("hooks/{name}")))
        });
        files.chain(hooks).filter_map(|(path, name)| Some((name, Content::of(path)?))).collect()
    }
}

fn shown(name: &str) -> String {
    format!(".git/{name}")
}

impl Content {
    /// None where there is nothing.
    fn of(path: PathBuf) -> Option<Self> {
        let is_link = fs::symlink_metadata(&path).ok()?.is_symlink();
        let meta = fs::metadata(&path).ok();
        let mode = meta.as_ref().map_or(0, |meta| meta.permissions().mode() & 0o7777);
        let bytes = meta.filter(fs::Metadata::is_file).and_then(|_| read(&path));
        Some(Self { path, bytes, mode, is_link })
    }

    /// A link may lead out of the repository, whoever made it.
    fn can_be_replaced(&self) -> bool {
        let folder = self.path.parent().and_then(|folder| fs::symlink_metadata(folder).ok());
        !self.is_link && self.bytes.is_some() && folder.is_none_or(|folder| folder.is_dir())
    }

    /// Replaces the file: what is there now may have another name outside of the repository.
    fn put_back(&self) -> Result<(), GitError> {
        let Some(bytes) = &self.bytes else { return Ok(()) };
        if let Some(folder) = self.path.parent() {
            let made = DirBuilder::new().recursive(true).create(folder);
            made.map_err(GitError::io("create", folder))?;
        }
        // Git takes this name too, so nobody else writes the file meanwhile.
        let mut new = self.path.clone().into_os_string();
        new.push(".lock");
        let new = PathBuf::from(new);
        let file = File::create_new(&new).map_err(GitError::io("create", &new))?;
        let put = write(file, bytes, self.mode).and_then(|()| fs::rename(&new, &self.path));
        if put.is_err() {
            fs::remove_file(&new).ok();
        }
        put.map_err(GitError::io("put back", &self.path))
    }
}

fn write(mut file: File, bytes: &[u8], mode: u32) -> std::io::Result<()> {
    file.write_all(bytes)?;
    file.set_permissions(Permissions::from_mode(mode))
}

fn read(path: &Path) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path).ok()?.take(LIMIT + 1).read_to_end(&mut bytes).ok()?;
    (bytes.len() as u64 <= LIMIT).then_some(bytes)
}

/// The folder that a linked working tree shares with the others.
fn common_dir(git_dir: &Path) -> Result<PathBuf, GitError> {
    let pointer = git_dir.join("commondir");
    if !pointer.exists() {
        return Ok(git_dir.to_owned());
    }
    let text = fs::read_to_string(&pointer).map_err(GitError::io("read", &pointer))?;
    Ok(git_dir.join(text.trim_end_matches('\n')))
}
