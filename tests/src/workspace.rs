//! A place of its own for one test: a home, a project under git, a scripted agent.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use codeloops_event::{Event, RunId};
use codeloops_session::{Session, SessionId};

use crate::counted::RUN_ID;
use crate::record::{checked_events, session_files};
use crate::redact::{RUN_ID_TIME, Redaction};
use crate::run::{Output, Running};
use crate::terminal::OnTerminal;

/// The programs of this package; only a test target is told where they are.
#[derive(Debug, Clone, Copy)]
pub struct Programs {
    /// `codeloops-under-test`.
    pub codeloops: &'static str,
    /// `fake-agent`.
    pub fake_agent: &'static str,
}

/// Makes git the same on every machine, and commits have the same ids in every run.
const GIT: [(&str, &str); 8] = [
    ("GIT_CONFIG_GLOBAL", "/dev/null"),
    ("GIT_CONFIG_NOSYSTEM", "1"),
    ("GIT_AUTHOR_NAME", "A. U. Thor"),
    ("GIT_AUTHOR_EMAIL", "author@example.com"),
    ("GIT_AUTHOR_DATE", "2025-01-01T00:00:00Z"),
    ("GIT_COMMITTER_NAME", "C. O. Mitter"),
    ("GIT_COMMITTER_EMAIL", "committer@example.com"),
    ("GIT_COMMITTER_DATE", "2025-01-01T00:00:00Z"),
];

/// The place. Below it: `home` (`$HOME`), `project` (the current directory), `tmp`, and the agent's
/// `script`.
pub struct Workspace {
    root: tempfile::TempDir,
    path: PathBuf,
    programs: Programs,
    vars: BTreeMap<OsString, OsString>,
    /// What the ids of its runs begin with.
    run_ids: String,
    runs: AtomicU32,
}

impl Workspace {
    /// A project that is a repository with one commit on `main` (`README.md`), and no agent.
    ///
    /// # Panics
    /// Where it cannot be made, as all that follows here.
    #[must_use]
    pub fn new(programs: Programs) -> Self {
        let workspace = Self::without_repository(programs);
        workspace.git(&["init", "--quiet", "--initial-branch=main"]);
        workspace.write("README.md", "A project.\n");
        workspace.commit_all("first");
        workspace
    }

    /// A project that is an empty folder.
    #[must_use]
    pub fn without_repository(programs: Programs) -> Self {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().canonicalize().unwrap();
        for dir in ["home", "project", "tmp"] {
            fs::create_dir(path.join(dir)).unwrap();
        }
        let vars = hermetic(&path);
        Self { root, path, programs, vars, run_ids: unique_run_ids(), runs: AtomicU32::new(0) }
    }

    /// Lets the fake agent play this script, as the actor and as the critic of every run: the
    /// user's configuration names it.
    pub fn script(&self, script: &str) {
        fs::write(self.at("script"), script).unwrap();
        self.global_config(&format!("[defaults]\nagent = \"fake\"\n\n{}", self.fake_agent()));
    }

    /// The table that makes the fake agent known in the user's configuration.
    #[must_use]
    pub fn fake_agent(&self) -> String {
        format!(
            "[defaults.agents.fake]\ntitle = \"Fake Agent\"\ncommand = [{:?}, {:?}]\n",
            self.programs.fake_agent,
            self.at("script")
        )
    }

    /// Fails where the fake agent met something that its script did not expect. The end of the
    /// workspace sees to that too; a test that would fail of it otherwise asks first.
    #[track_caller]
    pub fn assert_script_held(&self) {
        if let Ok(failed) = fs::read_to_string(self.at("script.failed")) {
            panic!("the script did not hold: {failed}");
        }
    }

    /// Writes `~/.config/codeloops/config.toml`.
    pub fn global_config(&self, text: &str) {
        self.write("../home/.config/codeloops/config.toml", text);
    }

    /// A path below the place (`home/…`, `project/…`).
    #[must_use]
    pub fn at(&self, below: &str) -> PathBuf {
        self.path.join(below)
    }

    /// The project's folder.
    #[must_use]
    pub fn project(&self) -> PathBuf {
        self.at("project")
    }

    /// The data directory of codeloops.
    #[must_use]
    pub fn data_dir(&self) -> PathBuf {
        self.at("home/.local/share/codeloops")
    }

    /// Writes a file of the project, and the folders above it.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.project().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    /// A file of the project.
    #[must_use]
    #[track_caller]
    pub fn read(&self, name: &str) -> String {
        let path = self.project().join(name);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("`{}`: {error}", path.display()))
    }

    /// Sets a variable for all that runs here.
    pub fn set_var(&mut self, name: &str, value: impl AsRef<OsStr>) {
        self.vars.insert(name.into(), value.as_ref().to_owned());
    }

    /// Takes a variable away from all that runs here.
    pub fn unset_var(&mut self, name: &str) {
        self.vars.remove(OsStr::new(name));
    }

    /// The names of the variables.
    #[must_use]
    pub fn var_names(&self) -> Vec<String> {
        self.vars.keys().map(|name| name.to_str().unwrap().to_owned()).collect()
    }

    /// What git says in the project.
    #[track_caller]
    pub fn git(&self, args: &[&str]) -> String {
        let mut git = self.program("git");
        let output = git.args(args).output().unwrap();
        assert!(output.status.success(), "git {args:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Commits all there is.
    pub fn commit_all(&self, message: &str) {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--message", message]);
    }

    /// Any program in this place: in the project, with this environment and nothing else.
    #[must_use]
    pub fn program(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.env_clear().envs(&self.vars).current_dir(self.project()).stdin(Stdio::null());
        command
    }

    /// codeloops in this place. Each call is a run of its own.
    #[must_use]
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = self.program(self.programs.codeloops);
        let run = self.runs.fetch_add(1, Ordering::Relaxed);
        command.args(args).env(RUN_ID, self.run_id(run).as_str());
        command
    }

    /// The id of the `nth` run of this workspace, from 0.
    #[must_use]
    pub fn run_id(&self, nth: u32) -> RunId {
        format!("{}{nth:03}", self.run_ids).parse().unwrap()
    }

    /// Starts codeloops.
    #[must_use]
    #[track_caller]
    pub fn start(&self, args: &[&str]) -> Running {
        self.spawn(self.command(args))
    }

    /// Starts a command, its output kept.
    #[must_use]
    #[track_caller]
    pub fn spawn(&self, mut command: Command) -> Running {
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        Running::new(child, self.redaction())
    }

    /// Runs codeloops to its end.
    #[track_caller]
    pub fn run(&self, args: &[&str]) -> Output {
        self.start(args).wait()
    }

    /// Runs codeloops on a short task with these options.
    #[track_caller]
    pub fn task(&self, options: &[&str]) -> Output {
        self.run(&[&["--prompt", "Fix the typo"], options].concat())
    }

    /// Starts codeloops with its standard output on a terminal.
    #[must_use]
    pub fn start_on_terminal(&self, args: &[&str]) -> OnTerminal {
        OnTerminal::start(self.command(args), self.redaction())
    }

    /// The session files, in the order of their names.
    #[must_use]
    pub fn session_files(&self) -> Vec<PathBuf> {
        session_files(&self.data_dir())
    }

    /// The one session file.
    ///
    /// # Panics
    /// Where there is none, or more than one.
    #[must_use]
    #[track_caller]
    pub fn session_file(&self) -> PathBuf {
        let mut files = self.session_files();
        assert_eq!(files.len(), 1, "{files:?}");
        files.remove(0)
    }

    /// The one session.
    #[must_use]
    #[track_caller]
    pub fn session(&self) -> Session {
        let file = self.session_file();
        Session::read(SessionId::of_file(&file).unwrap(), &file).unwrap()
    }

    /// The events of the one session.
    #[must_use]
    #[track_caller]
    pub fn events(&self) -> Vec<Event> {
        checked_events(&self.session_file())
    }

    /// A file of the evidence of the one session's run.
    #[must_use]
    #[track_caller]
    pub fn evidence(&self, below: &str) -> PathBuf {
        let run_id = self.session().start.run_id.unwrap();
        self.data_dir().join("runs").join(run_id.as_str()).join(below)
    }

    /// A text with what differs from one test run to the next taken out.
    #[must_use]
    pub fn redact(&self, text: &str) -> String {
        self.redaction().apply(text)
    }

    /// What stands behind a text that was redacted, as far as it names places and runs.
    #[must_use]
    pub fn unredacted(&self, text: &str) -> String {
        self.redaction().undo(text)
    }

    fn redaction(&self) -> Redaction {
        let programs = Path::new(self.programs.codeloops).parent().unwrap();
        Redaction::new(&self.path, programs, &self.run_ids)
    }
}

/// Whatever a test was about: its script held, and every session file that it left is checked.
impl Drop for Workspace {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        self.assert_script_held();
        for file in self.session_files() {
            drop(checked_events(&file));
        }
        assert!(self.root.path().exists(), "the workspace went away during the test");
    }
}

/// Nothing of the environment of the tests but the search path.
fn hermetic(place: &Path) -> BTreeMap<OsString, OsString> {
    let below = |name: &str| place.join(name).into_os_string();
    let mut vars: BTreeMap<OsString, OsString> = BTreeMap::new();
    vars.insert("PATH".into(), std::env::var_os("PATH").unwrap_or_default());
    vars.insert("LANG".into(), "C.UTF-8".into());
    vars.insert("HOME".into(), below("home"));
    vars.insert("TMPDIR".into(), below("tmp"));
    vars.extend(GIT.map(|(name, value)| (name.into(), value.into())));
    vars
}

/// What no other workspace's run ids begin with; 23 characters, so that three are left to number
/// the runs.
fn unique_run_ids() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let nth = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("{RUN_ID_TIME}{:08}{nth:05}", std::process::id())
}
