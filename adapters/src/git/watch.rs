//! Notices a change of files that git obeys and no snapshot holds: those by which work can be hidden
//! from a snapshot or its diff, or git made to run programs, and those of a merge or the like in
//! progress. Puts back what a critic or gates changed of them.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, File, Permissions};
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::command::Git;
use super::error::GitError;
use super::git_lock;
use super::path::RepoPath;
use super::users_files;

/// Files of the git folder that git obeys and that no snapshot holds.
const WATCHED: [(&str, &str); 5] = [
    ("info/exclude", IGNORE),
    ("info/attributes", ATTRIBUTES),
    ("info/sparse-checkout", "files outside of it are not in the diff"),
    ("config", CONFIG),
    ("config.worktree", CONFIG),
];

/// What a change of settings can do: they name programs through which git reads each file, and
/// further files of rules.
pub(super) const CONFIG: &str =
    "files may be missing from the diff, and it may show another text than the one on disk";
pub(super) const ATTRIBUTES: &str = "the diff may show another text than the one on disk, or none";
pub(super) const IGNORE: &str = "files it names are not in the diff";

/// What git knows of a merge, a cherry-pick or a revert in progress, beside the index.
const OPERATION: [&str; 7] = [
    "CHERRY_PICK_HEAD",
    "MERGE_AUTOSTASH",
    "MERGE_HEAD",
    "MERGE_MODE",
    "MERGE_MSG",
    "MERGE_RR",
    "REVERT_HEAD",
];

/// What it knows of a bisection, beside refs. These are not looked after, so one that a critic or a gate ended
/// stays so.
const BISECTION: [&str; 8] = [
    "BISECT_ANCESTORS_OK",
    "BISECT_EXPECTED_REV",
    "BISECT_FIRST_PARENT",
    "BISECT_HEAD",
    "BISECT_LOG",
    "BISECT_NAMES",
    "BISECT_START",
    "BISECT_TERMS",
];

/// The same of a rebase, or of several commits to be picked: folders that are there meanwhile.
const OPERATION_FOLDERS: [&str; 3] = ["rebase-apply", "rebase-merge", "sequencer"];

/// What it knows too, without which nothing is lost; no sign of anything in progress by itself.
const BESIDE: [&str; 3] = ["AUTO_MERGE", "ORIG_HEAD", "REBASE_HEAD"];

/// Those of the rules that each linked working tree has for itself.
const OWN: [&str; 2] = ["info/sparse-checkout", "config.worktree"];

/// The name of the git folder, or of a file that says where it is.
const POINTER: &str = ".git";

/// Bytes of a file that are kept; what is larger is not put back.
const LIMIT: u64 = 1024 * 1024;

/// What those files held, and hold.
pub(super) struct Watch {
    files: Vec<Watched>,
    folders: Vec<Folder>,
    /// When the run began.
    begun: Held,
    /// At the last snapshot.
    last: Held,
}

/// A folder of the git folder all of whose files are watched.
struct Folder {
    path: PathBuf,
    name: &'static str,
    /// Whether git takes it for a sign that something is in progress, even without files.
    is_sign: bool,
}

struct Watched {
    path: PathBuf,
    /// How it is told.
    name: String,
    /// What a change of it can do.
    effect: &'static str,
    /// Whether it lies in the repository; one that does not is the user's, and never written to.
    is_ours: bool,
}

/// Files by the name they are told by.
pub(super) type Held = BTreeMap<String, Content>;

#[derive(Clone, PartialEq, Eq)]
pub(super) struct Content {
    path: PathBuf,
    /// None for what is too large or no file.
    bytes: Option<Vec<u8>>,
    mode: u32,
    /// Whether it may be replaced: in the repository, and no link.
    is_ours: bool,
}

impl Watch {
    /// The rules of git.
    pub(super) fn rules(git: &Git) -> Result<Self, GitError> {
        let common = git.common_dir()?;
        let place = |&(name, effect): &(&str, &'static str)| {
            let folder = if OWN.contains(&name) { git.git_dir() } else { &common };
            Watched { path: folder.join(name), name: shown(name), effect, is_ours: true }
        };
        let mut files: Vec<_> = WATCHED.iter().map(place).chain(pointer(git)).collect();
        let root = real(git.root());
        for (path, effect) in users_files::find(git)? {
            let place = real(&path);
            if files.iter().all(|known| real(&known.path) != place) {
                let within = place.strip_prefix(&root).ok();
                let name = within.unwrap_or(&path).as_os_str().as_encoded_bytes().to_vec();
                let (name, is_ours) = (RepoPath(name).shown(), within.is_some());
                files.push(Watched { path, name, effect, is_ours });
            }
        }
        let hooks = Folder { path: common.join("hooks"), name: "hooks", is_sign: false };
        Ok(Self::begin(files, vec![hooks]))
    }

    /// An operation in progress.
    pub(super) fn operation(git: &Git) -> Self {
        let folder = |name| Folder { path: git.git_dir().join(name), name, is_sign: true };
        let files = OPERATION.iter().chain(&BISECTION).map(|name| Watched::operation(git, name));
        Self::begin(files.collect(), OPERATION_FOLDERS.map(folder).into())
    }

    /// What git notes beside other work, a stash that is taken and given back among it.
    pub(super) fn beside(git: &Git) -> Self {
        Self::begin(BESIDE.map(|name| Watched::operation(git, name)).into(), Vec::new())
    }

    fn begin(files: Vec<Watched>, folders: Vec<Folder>) -> Self {
        let mut watch = Self { files, folders, begun: Held::new(), last: Held::new() };
        watch.begun = watch.look();
        watch.last = watch.begun.clone();
        watch
    }

    /// Keeps all as it is now.
    pub(super) fn remember(&mut self) {
        self.last = self.look();
    }

    /// One line for each that, when last kept, was not as when the run began.
    pub(super) fn notes(&self) -> Vec<String> {
        let bytes = |held: &Held, name: &str| held.get(name).and_then(|file| file.bytes.clone());
        let changed =
            |file: &&Watched| bytes(&self.begun, &file.name) != bytes(&self.last, &file.name);
        let note = |file: &Watched| {
            format!("`{}` changed since the run began: {}", file.name, file.effect)
        };
        self.files.iter().filter(changed).map(note).collect()
    }

    /// The names of those that are not as they were at the last snapshot.
    pub(super) fn changed(&self) -> Vec<String> {
        let now = self.look();
        let names =
            self.last.keys().chain(now.keys().filter(|name| !self.last.contains_key(*name)));
        names.filter(|name| self.last.get(*name) != now.get(*name)).cloned().collect()
    }

    /// Keeps what `changed` holds `now` under refs that begin with `kept_as`, after the first `before`
    /// of them.
    pub(super) fn keep(
        &self,
        git: &Git,
        kept_as: &str,
        changed: &[String],
        now: &Held,
        before: usize,
    ) -> Result<(), GitError> {
        for (number, name) in changed.iter().enumerate() {
            // The user's own settings are none of the repository's, and may hold secrets.
            let ours = now.get(name).filter(|file| !self.is_users(&file.path));
            if let Some(bytes) = ours.and_then(|file| file.bytes.as_ref()) {
                let blob = git.run(None, &["hash-object", "-w", "--stdin"], bytes)?;
                let id = String::from_utf8_lossy(&blob);
                let name = format!("{kept_as}-git-{}", before + number + 1);
                git.run(None, &["update-ref", "--no-deref", &name, id.trim()], b"")?;
            }
        }
        Ok(())
    }

    /// Puts back what changed. Tells whether it was possible; nothing is touched where it was not.
    /// `draft` is a path for a moment.
    pub(super) fn restore(&self, changed: &[String], draft: &Path) -> Result<bool, GitError> {
        if !self.can_restore(changed) {
            return Ok(false);
        }
        let now = self.look();
        for name in changed {
            match (self.last.get(name), now.get(name)) {
                (Some(before), _) => before.put_back(draft)?,
                (None, Some(added)) => super::index_copy::remove(&added.path)?,
                (None, None) => {}
            }
        }
        for folder in self.folders.iter().filter(|folder| folder.is_sign) {
            // One that is not empty stays.
            fs::remove_dir(&folder.path).ok();
        }
        Ok(true)
    }

    pub(super) fn can_restore(&self, changed: &[String]) -> bool {
        let now = self.look();
        let states = |name| [self.last.get(name), now.get(name)].into_iter().flatten();
        let can_begin_again =
            |name: &String| !(self.last.contains_key(name) && BISECTION.map(shown).contains(name));
        changed.iter().all(|name| states(name).all(Content::can_be_replaced))
            && changed.iter().all(can_begin_again)
    }

    fn is_users(&self, path: &Path) -> bool {
        self.files.iter().any(|file| file.path == path && !file.is_ours)
    }

    pub(super) fn look(&self) -> Held {
        let files =
            self.files.iter().map(|file| (file.path.clone(), file.name.clone(), file.is_ours));
        let within = self.folders.iter().flat_map(Folder::files);
        let content = |(path, name, is_ours)| Some((name, Content::of(path, is_ours)?));
        files.chain(within).filter_map(content).collect()
    }
}

/// What leads from a linked working tree, or that of a submodule, to its git folder.
fn pointer(git: &Git) -> Option<Watched> {
    let path = git.root().join(POINTER);
    let effect = "git in the working tree works on another repository, or on none";
    let is_one = fs::symlink_metadata(&path).is_ok_and(|file| file.is_file());
    is_one.then(|| Watched { path, name: POINTER.to_owned(), effect, is_ours: true })
}

impl Watched {
    fn operation(git: &Git, name: &str) -> Self {
        Self {
            path: git.git_dir().join(name),
            name: shown(name),
            effect: "it belongs to a merge or the like in progress",
            is_ours: true,
        }
    }
}

impl Folder {
    /// What is in it, with the name that it is told by, and whether it is ours.
    fn files(&self) -> impl Iterator<Item = (PathBuf, String, bool)> {
        let entries = fs::read_dir(&self.path).into_iter().flatten().flatten();
        // Git comes with samples of hooks, and does not run them.
        let entries = entries.filter(|entry| entry.path().extension() != Some("sample".as_ref()));
        entries.map(|entry| {
            let name = RepoPath(entry.file_name().into_encoded_bytes()).shown();
            (entry.path(), shown(&format!("{}/{name}", self.name)), true)
        })
    }
}

fn shown(name: &str) -> String {
    format!(".git/{name}")
}

impl Content {
    /// None where there is nothing.
    fn of(path: PathBuf, is_ours: bool) -> Option<Self> {
        let is_ours = is_ours && !fs::symlink_metadata(&path).ok()?.is_symlink();
        let meta = fs::metadata(&path).ok();
        let mode = meta.as_ref().map_or(0, |meta| meta.permissions().mode() & 0o7777);
        let bytes = meta.filter(fs::Metadata::is_file).and_then(|_| read(&path));
        Some(Self { path, bytes, mode, is_ours })
    }

    /// A link may lead out of the repository, whoever made it.
    fn can_be_replaced(&self) -> bool {
        let folder = self.path.parent().and_then(|folder| fs::symlink_metadata(folder).ok());
        self.is_ours && self.bytes.is_some() && folder.is_none_or(|folder| folder.is_dir())
    }

    /// Replaces the file, under git's own lock: what is there now may have another name outside of the repository.
    fn put_back(&self, draft: &Path) -> Result<(), GitError> {
        let Some(bytes) = &self.bytes else { return Ok(()) };
        if let Some(folder) = self.path.parent() {
            let made = DirBuilder::new().recursive(true).create(folder);
            made.map_err(GitError::io("create", folder))?;
        }
        let file = git_lock::create(draft)?;
        write(file, bytes, self.mode).map_err(GitError::io("write", draft))?;
        git_lock::replace(&self.path, draft)
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

/// The path of a file without links and `..` above it, so that two names of one file are equal.
fn real(path: &Path) -> PathBuf {
    let folder = path.parent().and_then(|folder| folder.canonicalize().ok());
    match (folder, path.file_name()) {
        (Some(folder), Some(name)) => folder.join(name),
        _ => path.to_owned(),
    }
}
