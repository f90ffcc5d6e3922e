//! A repository of a test, and a run on it.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use codeloops_adapters::git::{Base, GitWorkspace, Notice, OpenError, Options, Way};
use codeloops_driver::ports::Workspace;
use codeloops_event::{CallId, CallKind, CapturedDiff, FileStatus, RunId, TreeCheck, TreeId};
use codeloops_machine::StopLevel;
use tempfile::TempDir;
use tokio::sync::watch;

pub(crate) const RUN: &str = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
pub(crate) const OTHER_RUN: &str = "01BX5ZZKBKACTAV9WEVGEMMVRZ";
pub(crate) const WAYS: [Way; 3] = [Way::Auto, Way::Mixed, Way::Program];

/// A repository in a folder of its own, out of reach of this machine's settings.
pub(crate) struct Repo {
    folder: TempDir,
    pub(crate) root: PathBuf,
    pub(crate) way: Way,
}

impl Repo {
    /// With one commit of `a.txt`, `dir/b.txt` and `.gitignore`.
    pub(crate) fn new(way: Way) -> Self {
        let repo = Self::empty(way, &[]);
        repo.write("a.txt", "one\ntwo\nthree\n");
        repo.write("dir/b.txt", "bee\n");
        repo.write(".gitignore", "*.log\n");
        repo.commit("first");
        repo
    }

    pub(crate) fn empty(way: Way, init: &[&str]) -> Self {
        Self::try_empty(way, init).expect("git init works")
    }

    /// None where this git is too old for `init`.
    pub(crate) fn try_empty(way: Way, init: &[&str]) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap().join("repo");
        fs::create_dir(&root).unwrap();
        let repo = Self { folder, root, way };
        let args = [&["init", "-q", "-b", "main"], init].concat();
        if !repo.try_git(&args).status.success() {
            return None;
        }
        for setting in ["core.autocrlf=false", "core.excludesFile=/dev/null", "user.name=t"] {
            let (key, value) = setting.split_once('=').unwrap();
            repo.git(&["config", key, value]);
        }
        repo.git(&["config", "user.email", "t@example.org"]);
        Some(repo)
    }

    pub(crate) fn path(&self, name: impl AsRef<[u8]>) -> PathBuf {
        self.root.join(OsStr::from_bytes(name.as_ref()))
    }

    pub(crate) fn write(&self, name: impl AsRef<[u8]>, content: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// Waits until the file system gives what is written next a later time than all there is.
    pub(crate) fn wait_for_a_tick(&self) {
        let now = self.clock();
        while self.clock() == now {}
    }

    /// Waits until what is there by now is provably older than a look that follows: no file system
    /// ticks as rarely as that.
    pub(crate) fn wait_for_any_tick(&self) {
        let from = self.clock();
        while self.clock() < from + Duration::from_millis(25) {}
    }

    /// What the file system's clock shows.
    fn clock(&self) -> Duration {
        let probe = self.folder.path().join("probe");
        fs::write(&probe, "").unwrap();
        let probe = fs::metadata(&probe).unwrap();
        let number = |part: i64| u64::try_from(part).unwrap();
        Duration::from_secs(number(probe.ctime()))
            + Duration::from_nanos(number(probe.ctime_nsec()))
    }

    pub(crate) fn remove(&self, name: impl AsRef<[u8]>) {
        fs::remove_file(self.path(name)).unwrap();
    }

    pub(crate) fn chmod(&self, name: &str, mode: u32) {
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(mode)).unwrap();
    }

    pub(crate) fn try_git(&self, args: &[&str]) -> Output {
        git_command(&self.root, args).output().unwrap()
    }

    /// Runs git, which must succeed; gives its output without the line end.
    #[track_caller]
    pub(crate) fn git(&self, args: &[&str]) -> String {
        let output = self.try_git(args);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "git {args:?}: {stderr}");
        String::from_utf8_lossy(&output.stdout).trim_end_matches('\n').to_owned()
    }

    pub(crate) fn commit(&self, message: &str) {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-qm", message]);
    }

    pub(crate) fn evidence(&self) -> PathBuf {
        self.folder.path().join("evidence")
    }

    pub(crate) fn begin(&self) -> Run<'_> {
        self.begin_in(&self.root)
    }

    pub(crate) fn begin_another(&self) -> Run<'_> {
        self.open(&self.root, OTHER_RUN, &self.options()).unwrap()
    }

    #[track_caller]
    pub(crate) fn begin_in(&self, dir: &Path) -> Run<'_> {
        self.open(dir, RUN, &self.options()).unwrap()
    }

    pub(crate) fn options(&self) -> Options {
        Options { way: self.way, ..Options::default() }
    }

    pub(crate) fn open(
        &self,
        dir: &Path,
        run: &str,
        options: &Options,
    ) -> Result<Run<'_>, OpenError> {
        let id: RunId = run.parse().unwrap();
        let mut warnings = Vec::new();
        let mut warn = |warning: Notice| warnings.push(warning.to_string());
        let (workspace, base) = GitWorkspace::open(dir, &id, &self.evidence(), options, &mut warn)?;
        Ok(Run { repo: self, workspace, base, warnings })
    }

    /// What is in progress: the names of the files by which git knows, and their content.
    pub(crate) fn operation(&self) -> Vec<(String, Vec<u8>)> {
        let names = "AUTO_MERGE MERGE_HEAD MERGE_MODE MERGE_MSG CHERRY_PICK_HEAD REVERT_HEAD";
        let files = names.split(' ').map(|name| self.path(format!(".git/{name}")));
        let folders = ["rebase-merge", "rebase-apply", "sequencer"];
        let entries =
            folders.iter().filter_map(|name| fs::read_dir(self.path(format!(".git/{name}"))).ok());
        let within = entries.flatten().map(|entry| entry.unwrap().path());
        let content = |path: PathBuf| Some((path.display().to_string(), fs::read(path).ok()?));
        let mut held: Vec<_> = files.chain(within).filter_map(content).collect();
        held.sort();
        held
    }

    /// All that a run must leave alone: index bytes, HEAD, refs that are not ours, stash, status.
    pub(crate) fn users_state(&self) -> (Vec<u8>, String, String, String) {
        let index = fs::read(self.root.join(self.git(&["rev-parse", "--git-path", "index"])));
        let head = fs::read_to_string(self.git(&["rev-parse", "--absolute-git-dir"]) + "/HEAD");
        let refs = self.git(&["for-each-ref", "--format=%(refname) %(objectname)"]);
        let refs = refs.lines().filter(|line| !line.starts_with("refs/codeloops/"));
        (
            index.unwrap_or_default(),
            head.unwrap(),
            refs.collect::<Vec<_>>().join("\n"),
            self.git(&["status", "--porcelain", "-uall"]),
        )
    }
}

pub(crate) fn git_command(dir: &Path, args: &[&str]) -> Command {
    let mut command = Command::new("git");
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("GIT_") {
            command.env_remove(name);
        }
    }
    command
        .arg("-C")
        .arg(dir)
        .args(["-c", "protocol.file.allow=always", "-c", "commit.gpgSign=false"])
        .args(args)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_OPTIONAL_LOCKS", "0")
        .env("LC_ALL", "C")
        .stdin(Stdio::null());
    command
}

/// A run on a repository.
pub(crate) struct Run<'r> {
    pub(crate) repo: &'r Repo,
    pub(crate) workspace: GitWorkspace,
    pub(crate) base: Base,
    /// What was told while it was opened.
    pub(crate) warnings: Vec<String>,
}

impl Run<'_> {
    pub(crate) fn try_capture(&self, iteration: u32) -> Result<CapturedDiff, String> {
        wait(self.workspace.capture(iteration))
    }

    #[track_caller]
    pub(crate) fn capture(&self, iteration: u32) -> CapturedDiff {
        let diff = self.try_capture(iteration).unwrap();
        let tree = self.repo.git(&["rev-parse", &format!("refs/codeloops/{RUN}/{iteration}")]);
        assert_eq!(tree, diff.tree.0, "the ref keeps the snapshot");
        diff
    }

    /// What the diff says in short: `A new.txt +1 -0`.
    #[track_caller]
    pub(crate) fn files(&self) -> Vec<String> {
        summary(&self.capture(1))
    }

    pub(crate) fn check(&self) -> TreeCheck {
        self.check_with(true)
    }

    pub(crate) fn check_with(&self, restore: bool) -> TreeCheck {
        let call = CallId { iteration: 1, kind: CallKind::TreeCheck, attempt: 2 };
        wait(self.workspace.check(call, restore, watch::channel(None).1))
    }

    /// The `attempt`th look after gates of an iteration.
    pub(crate) fn check_gates(&self, iteration: u32, attempt: u32, restore: bool) -> TreeCheck {
        let call = CallId { iteration, kind: CallKind::GateTreeCheck, attempt };
        wait(self.workspace.check(call, restore, watch::channel(None).1))
    }

    /// A check that is to be ended at once as soon as `is_time`; then `go_on` is called.
    pub(crate) fn check_until(
        &self,
        is_time: impl Fn() -> bool,
        go_on: impl FnOnce(),
    ) -> TreeCheck {
        let call = CallId { iteration: 1, kind: CallKind::TreeCheck, attempt: 2 };
        let (stop, stopped) = watch::channel(None);
        let check = self.workspace.check(call, true, stopped);
        let stopping = async {
            while !is_time() {
                tokio::task::yield_now().await;
            }
            stop.send_replace(Some(StopLevel::Now));
            // So the check has heard of it before the rest of it can go on.
            tokio::task::yield_now().await;
            go_on();
        };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let check = runtime.block_on(async { tokio::join!(check, stopping).0 });
        // What was given up works on.
        runtime.shutdown_background();
        check
    }

    /// The content of a path in a tree.
    #[track_caller]
    pub(crate) fn in_tree(&self, tree: &TreeId, path: &str) -> String {
        self.repo.git(&["cat-file", "blob", &format!("{tree}:{path}")])
    }
}

pub(crate) fn summary(diff: &CapturedDiff) -> Vec<String> {
    let letter = |status| match status {
        FileStatus::Added => 'A',
        FileStatus::Deleted => 'D',
        FileStatus::Modified => 'M',
        FileStatus::Renamed => 'R',
        FileStatus::TypeChanged => 'T',
    };
    let line = |file: &codeloops_event::FileChange| {
        let binary = if file.binary { " binary" } else { "" };
        let counts = format!("+{} -{}", file.insertions, file.deletions);
        format!("{} {} {counts}{binary}", letter(file.status), file.path)
    };
    diff.files.iter().map(line).collect()
}

fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}
