//! Runs the `git` program so that neither the environment nor the repository's configuration can
//! bend what it does.

use std::ffi::OsStr;
use std::fs;
use std::io::{self, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::thread;

use codeloops_event::TreeId;
use codeloops_event::text::acts;
use rustix::process::Signal;

use super::error::GitError;
use super::path::RepoPath;

/// Settings that stand above every configuration file. Programs that a repository may name
/// (monitor, hooks) are off, and so is what would write to places that are not ours.
const PINNED: [&str; 16] = [
    "core.fsmonitor=false",
    "core.hooksPath=/dev/null",
    "core.splitIndex=false",
    // Only the private index gets one, see `Program::first_scan`.
    "core.untrackedCache=keep",
    // Without it git has no use for that where every untracked file is asked for.
    "status.showUntrackedFiles=all",
    // Neither a file nor a folder can be made to look unchanged by setting its times.
    "core.trustCtime=true",
    "core.checkStat=default",
    "core.fsync=none",
    "core.quotePath=true",
    "core.ignoreStat=false",
    "core.preloadIndex=true",
    "core.safecrlf=false",
    "index.skipHash=false",
    "diff.indentHeuristic=true",
    "diff.suppressBlankEmpty=false",
    "gc.auto=0",
];

/// Variables that say which configuration is the user's; every other `GIT_…` variable may come from
/// a hook or an alias that codeloops was started by, and means another repository.
const KEPT: [&str; 6] = [
    "GIT_CONFIG_GLOBAL",
    "GIT_CONFIG_SYSTEM",
    "GIT_CONFIG_NOSYSTEM",
    "GIT_CEILING_DIRECTORIES",
    "GIT_DISCOVERY_ACROSS_FILESYSTEM",
    "GIT_EXEC_PATH",
];

/// The variables by which a user's shell (not git itself) adds configuration.
fn is_kept(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    KEPT.contains(&name.as_ref())
        || name == "GIT_CONFIG_COUNT"
        || name.starts_with("GIT_CONFIG_KEY_")
        || name.starts_with("GIT_CONFIG_VALUE_")
}

/// A `git` command in `dir` that discovers its repository by itself.
pub(super) fn bare_command(dir: &Path) -> Command {
    let mut command = Command::new("git");
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("GIT_") && !is_kept(&name) {
            command.env_remove(name);
        }
    }
    command
        .arg("-C")
        .arg(dir)
        .args(["--no-pager", "--literal-pathspecs"])
        .args(PINNED.iter().flat_map(|setting| ["-c", setting]))
        .env("LC_ALL", "C")
        .env("GIT_OPTIONAL_LOCKS", "0")
        .env("GIT_TERMINAL_PROMPT", "0")
        // A replacement object could show the critic another content than the one in the tree.
        .env("GIT_NO_REPLACE_OBJECTS", "1")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        // Ctrl+C in the terminal is for codeloops to handle, not for a snapshot under way.
        .process_group(0);
    command
}

/// How often a command is begun that the terminal ends.
const TRIES: u32 = 3;

/// Runs `command`, feeds it `input`, and gives its output whatever its exit code.
///
/// A Ctrl+C that comes while the process is made, before it has a group of its own, still ends it.
/// What it was to do is not the terminal's to stop, so it is begun again.
pub(super) fn output(command: &mut Command, input: &[u8]) -> io::Result<Output> {
    let mut output = output_of_one(command, input)?;
    for _ in 1..TRIES {
        if !output.status.signal().is_some_and(is_of_the_terminal) {
            break;
        }
        output = output_of_one(command, input)?;
    }
    Ok(output)
}

fn is_of_the_terminal(signal: i32) -> bool {
    [Signal::INT, Signal::QUIT, Signal::HUP].iter().any(|of_it| of_it.as_raw() == signal)
}

fn output_of_one(command: &mut Command, input: &[u8]) -> io::Result<Output> {
    if input.is_empty() {
        return command.output();
    }
    let mut child = command.stdin(Stdio::piped()).spawn()?;
    let stdin = child.stdin.take();
    thread::scope(|scope| {
        scope.spawn(move || {
            if let Some(mut stdin) = stdin {
                // A program that stops reading tells why by its exit code.
                stdin.write_all(input).ok();
            }
        });
        child.wait_with_output()
    })
}

/// The `git` program on one working tree.
#[derive(Debug, Clone)]
pub(super) struct Git {
    git_dir: PathBuf,
    root: PathBuf,
    /// Where new objects go, if not into the repository.
    objects: Option<PathBuf>,
    /// The tree whose attributes count, if not those of the working tree.
    attributes: Option<TreeId>,
}

/// The git folder that all working trees share, for that of one of them.
pub(super) fn common_dir(git_dir: &Path) -> Result<PathBuf, GitError> {
    let pointer = git_dir.join("commondir");
    if !pointer.exists() {
        return Ok(git_dir.to_owned());
    }
    let text = fs::read_to_string(&pointer).map_err(GitError::io("read", &pointer))?;
    Ok(git_dir.join(text.trim_end_matches('\n')))
}

impl Git {
    pub(super) fn new(git_dir: &Path, root: &Path) -> Self {
        Self { git_dir: git_dir.to_owned(), root: root.to_owned(), objects: None, attributes: None }
    }

    /// The same repository, whose new objects go into `folder`.
    pub(super) fn storing_in(&self, folder: &Path) -> Self {
        Self { objects: Some(folder.to_owned()), ..self.clone() }
    }

    /// The same repository, with the attributes that a tree has.
    pub(super) fn obeying(&self, tree: &TreeId) -> Self {
        Self { attributes: Some(tree.clone()), ..self.clone() }
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    pub(super) fn git_dir(&self) -> &Path {
        &self.git_dir
    }

    /// The git folder that all working trees of the repository share.
    pub(super) fn common_dir(&self) -> Result<PathBuf, GitError> {
        common_dir(&self.git_dir)
    }

    /// A command on the user's repository; with `index`, through that index.
    ///
    /// The repository is named, never discovered: were `.git` removed, git would climb to a
    /// repository above.
    pub(super) fn command(&self, index: Option<&Path>, args: &[&str]) -> Command {
        let mut command = bare_command(&self.root);
        command.env("GIT_DIR", &self.git_dir).env("GIT_WORK_TREE", &self.root);
        if let Some(index) = index {
            command.env("GIT_INDEX_FILE", index);
        }
        if let Some(objects) = &self.objects {
            command.env("GIT_OBJECT_DIRECTORY", objects);
        }
        if let Some(tree) = &self.attributes {
            command.args(["--attr-source", &tree.0]);
        }
        command.args(args);
        command
    }

    /// Runs a command that may write to `index` what it merely learned, with one more setting.
    pub(super) fn run_and_learn(
        &self,
        index: &Path,
        setting: &str,
        args: &[&str],
    ) -> Result<Output, GitError> {
        self.check_root()?;
        let mut command = self.command(Some(index), &["-c", setting]);
        command.args(args).env("GIT_OPTIONAL_LOCKS", "1");
        finished(&mut command, args, b"")
    }

    /// Runs a command that must succeed; gives also what it warns of.
    pub(super) fn run_and_tell(&self, index: &Path, args: &[&str]) -> Result<Output, GitError> {
        self.check_root()?;
        finished(&mut self.command(Some(index), args), args, b"")
    }

    /// Runs a command that must succeed; gives its standard output.
    pub(super) fn run(
        &self,
        index: Option<&Path>,
        args: &[&str],
        input: &[u8],
    ) -> Result<Vec<u8>, GitError> {
        self.check_root()?;
        finished(&mut self.command(index, args), args, input).map(|output| output.stdout)
    }

    /// Runs a command on some paths through an index; gives also what it warns of.
    pub(super) fn run_on(
        &self,
        index: &Path,
        args: &[&str],
        paths: &[RepoPath],
    ) -> Result<Output, GitError> {
        self.check_root()?;
        let mut command = self.command(Some(index), args);
        command.arg("--").args(paths.iter().map(RepoPath::as_path));
        finished(&mut command, args, b"")
    }

    /// Runs a question that git answers with its exit code; `None` for no.
    pub(super) fn ask(&self, args: &[&str]) -> Result<Option<String>, GitError> {
        self.check_root()?;
        let output = output(&mut self.command(None, args), b"").map_err(GitError::NotStarted)?;
        let text = String::from_utf8_lossy(&output.stdout).trim_end_matches('\n').to_owned();
        Ok(output.status.success().then_some(text))
    }

    /// Starts a command whose output is read as it comes.
    pub(super) fn spawn(&self, index: &Path, args: &[&str]) -> Result<Child, GitError> {
        self.check_root()?;
        self.command(Some(index), args).spawn().map_err(GitError::NotStarted)
    }

    /// Says clearly that working tree or repository are gone, where every other error would be
    /// obscure.
    pub(super) fn check_root(&self) -> Result<(), GitError> {
        if !self.root.is_dir() {
            return Err(GitError::WorkTreeGone(self.root.clone()));
        }
        if !self.git_dir.is_dir() {
            return Err(GitError::RepositoryGone(self.git_dir.clone()));
        }
        Ok(())
    }
}

#[tracing::instrument(level = "debug", name = "git", skip_all, fields(command = args.first()))]
fn finished(command: &mut Command, args: &[&str], input: &[u8]) -> Result<Output, GitError> {
    let output = output(command, input).map_err(GitError::NotStarted)?;
    if output.status.success() {
        return Ok(output);
    }
    Err(refused(args, output.status, &output.stderr))
}

/// The error of a command that failed.
pub(super) fn refused(args: &[&str], status: ExitStatus, stderr: &[u8]) -> GitError {
    let command = args.first().copied().unwrap_or_default().to_owned();
    if status.signal().is_some() {
        return GitError::Killed { command, by: status.to_string() };
    }
    let told = one_line(stderr);
    let reason = if told.is_empty() { status.to_string() } else { told };
    GitError::Refused { command, reason }
}

/// What a program printed, in one line of at most 2,000 characters without characters that act.
pub(super) fn one_line(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    lines.join("; ").chars().map(|c| if acts(c) { '?' } else { c }).take(2000).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_terminal_ends_is_begun_again_and_nothing_else_is() {
        let dir = tempfile::tempdir().unwrap();
        let run = |signal: &str| {
            let once = dir.path().join(signal);
            let script = format!("[ -e {once:?} ] && exec cat; : > {once:?}; kill -{signal} $$");
            let mut command = Command::new("sh");
            command.args(["-c", &script]).stdout(Stdio::piped()).stderr(Stdio::piped());
            output(&mut command, b"all of it").unwrap().stdout
        };
        for signal in ["INT", "QUIT", "HUP"] {
            assert_eq!(run(signal), b"all of it", "{signal}");
        }
        assert_eq!(run("TERM"), b"");
    }
}
