//! Names the files outside of the repository by which a user sets git up.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::command::Git;
use super::error::GitError;
use super::watch::{ATTRIBUTES, CONFIG, IGNORE};

/// Where git and libgit2 look, whatever is set.
const SYSTEM: [(&str, &str); 2] = [("/etc/gitconfig", CONFIG), ("/etc/gitattributes", ATTRIBUTES)];

/// A setting, and the file it stands in; none for one of the command line or the environment.
struct Setting {
    file: Option<PathBuf>,
    key: String,
    value: PathBuf,
}

/// The files, there or not, and what a change of each can do. A file that none of them names now can
/// come into play only by a change of one of them.
pub(super) fn find(git: &Git) -> Result<Vec<(PathBuf, &'static str)>, GitError> {
    let list = git.run(None, &["config", "--list", "-z", "--show-origin", "--includes"], b"")?;
    let mut fields = list.split(|&b| b == 0);
    let mut settings = Vec::new();
    while let (Some(origin), Some(entry)) = (fields.next(), fields.next()) {
        settings.push(Setting::parse(git.root(), origin, entry));
    }
    let named = |key| settings.iter().filter(move |set| set.key == key);
    let mut files: Vec<_> = SYSTEM.map(|(path, effect)| (path.into(), effect)).into();
    files.extend(global().into_iter().map(|path| (path, CONFIG)));
    files.extend(settings.iter().filter_map(|set| Some((set.file.clone()?, CONFIG))));
    files.extend(settings.iter().filter_map(|set| Some((set.included()?, CONFIG))));
    for (key, default, effect) in [
        ("core.attributesfile", "git/attributes", ATTRIBUTES),
        ("core.excludesfile", "git/ignore", IGNORE),
    ] {
        // A relative one begins where git runs.
        let path = named(key).next_back().map(|set| git.root().join(&set.value));
        files
            .extend(path.or_else(|| Some(config_home()?.join(default))).map(|path| (path, effect)));
    }
    Ok(files)
}

impl Setting {
    /// `file:<path>` and `key<LF>value`.
    fn parse(root: &Path, origin: &[u8], entry: &[u8]) -> Self {
        let end = entry.iter().position(|&b| b == b'\n').unwrap_or(entry.len());
        let (key, value) = entry.split_at(end);
        let file = origin.strip_prefix(b"file:").map(|path| root.join(OsStr::from_bytes(path)));
        Self {
            file,
            key: String::from_utf8_lossy(key).into_owned(),
            value: in_home(OsStr::from_bytes(value.get(1..).unwrap_or_default())),
        }
    }

    /// The file of further settings that it names, whether or not its condition holds.
    fn included(&self) -> Option<PathBuf> {
        let is_one = self.key == "include.path"
            || (self.key.starts_with("includeif.") && self.key.ends_with(".path"));
        let folder = self.file.as_deref().and_then(Path::parent).unwrap_or(Path::new("/"));
        is_one.then(|| folder.join(&self.value))
    }
}

/// The files of settings for all of the user's repositories.
fn global() -> Vec<PathBuf> {
    let set = ["GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM"].into_iter().filter_map(folder);
    let usual =
        [config_home().map(|folder| folder.join("git/config")), in_home_folder(".gitconfig")];
    set.chain(usual.into_iter().flatten()).collect()
}

fn config_home() -> Option<PathBuf> {
    folder("XDG_CONFIG_HOME").or_else(|| in_home_folder(".config"))
}

fn in_home_folder(name: &str) -> Option<PathBuf> {
    Some(folder("HOME")?.join(name))
}

/// Git takes `~/` for the home folder.
fn in_home(path: &OsStr) -> PathBuf {
    let path = Path::new(path);
    let below = path.strip_prefix("~").ok().and_then(|path| Some(folder("HOME")?.join(path)));
    below.unwrap_or_else(|| path.to_owned())
}

fn folder(variable: &str) -> Option<PathBuf> {
    std::env::var_os(variable).filter(|value| !value.is_empty()).map(PathBuf::from)
}
