//! A small world for tests: its own home, its own project, fixed time and ids.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::Mutex;

use codeloops_driver::ports::{Clock, Ids};
use codeloops_event::{Nonce, Stamp};

use crate::cmd::dispatch;
use crate::error::CliError;
use crate::world::{Ask, Choice, Environment, Preview, Stream, Terminal, World};

/// Home and project folders that go away at the end of the test.
pub(crate) struct Sandbox {
    root: tempfile::TempDir,
    pub(crate) terminal: Terminal,
    pub(crate) columns: usize,
    pub(crate) answers: Vec<Answer>,
    pub(crate) vars: Vec<(&'static str, String)>,
}

/// What the user answers, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    Select(usize),
    Confirm(bool),
    BreakOff,
}

/// What a command did. Paths of the sandbox are shown as `HOME` and `PROJECT`.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: u8,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Sandbox {
    pub(crate) fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        for dir in ["home/.config/codeloops", "project", "bin"] {
            std::fs::create_dir_all(root.path().join(dir)).unwrap();
        }
        let terminal = Terminal::default();
        Self { root, terminal, columns: 80, answers: Vec::new(), vars: Vec::new() }
    }

    pub(crate) fn path(&self, below: &str) -> PathBuf {
        self.root.path().canonicalize().unwrap().join(below)
    }

    pub(crate) fn write(&self, below: &str, text: impl AsRef<[u8]>) {
        let path = self.path(below);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub(crate) fn project(&self, text: &str) {
        self.write("project/codeloops.toml", text);
    }

    pub(crate) fn global(&self, text: &str) {
        self.write("home/.config/codeloops/config.toml", text);
    }

    /// Makes a repository of the project.
    pub(crate) fn repository(&self) {
        let mut git = std::process::Command::new("git");
        let made = git.args(["init", "--quiet"]).arg(self.path("project")).status().unwrap();
        assert!(made.success());
    }

    /// Puts an executable of this name into `PATH`.
    pub(crate) fn install(&self, program: &str) {
        use std::os::unix::fs::PermissionsExt;
        self.write(&format!("bin/{program}"), "#!/bin/sh\n");
        let path = self.path(&format!("bin/{program}"));
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    pub(crate) fn world(&self) -> (World, Output) {
        let (stdout, out) = Stream::memory();
        let (stderr, err) = Stream::memory();
        let world = World {
            clock: Arc::new(Fixed),
            ids: Arc::new(Fixed),
            run_ids: Arc::new(|| "01JJ0000000000000000000000".parse().unwrap()),
            env: self.env(),
            terminal: self.terminal,
            columns: Arc::new({
                let columns = self.columns;
                move || Some(columns)
            }),
            // Whatever the height, a test has no pager.
            rows: Arc::new(|| None),
            stdout,
            stderr,
            ask: Arc::new(Answers(Mutex::new(self.answers.clone()))),
        };
        (world, Output { out, err })
    }

    pub(crate) fn run(&self, args: &[&str]) -> Ran {
        let (world, output) = self.world();
        let args: Vec<OsString> =
            std::iter::once(&"codeloops").chain(args).map(Into::into).collect();
        let code = dispatch(&args, &world);
        let text = |bytes: &Mutex<Vec<u8>>| self.shown(&bytes.lock().unwrap());
        Ran { code, stdout: text(&output.out), stderr: text(&output.err) }
    }

    fn env(&self) -> Environment {
        let mut vars: Vec<(&str, String)> = vec![
            ("HOME", self.path("home").display().to_string()),
            ("PATH", self.path("bin").display().to_string()),
        ];
        vars.extend(self.vars.clone());
        Environment {
            vars: vars.into_iter().map(|(name, value)| (name.into(), value.into())).collect(),
            current_dir: Some(self.path("project")),
            redirected_to: Vec::new(),
        }
    }

    fn shown(&self, bytes: &[u8]) -> String {
        let replace =
            |text: String, path: &Path, by: &str| text.replace(path.to_str().unwrap(), by);
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        let text = replace(text, &self.path("home"), "HOME");
        let text = replace(text, &self.path("project"), "PROJECT");
        replace(text, &self.path(""), "ROOT/")
    }
}

pub(crate) struct Output {
    pub(crate) out: Arc<Mutex<Vec<u8>>>,
    pub(crate) err: Arc<Mutex<Vec<u8>>>,
}

impl std::fmt::Display for Ran {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "exit code: {}\n--- stdout\n{}--- stderr\n{}",
            self.code, self.stdout, self.stderr
        )
    }
}

struct Fixed;

impl Clock for Fixed {
    fn now(&self) -> Stamp {
        Stamp { at: chrono::DateTime::UNIX_EPOCH, elapsed_ms: 0 }
    }
}

impl Ids for Fixed {
    fn nonce(&self) -> Nonce {
        Nonce("00".into())
    }
}

struct Answers(Mutex<Vec<Answer>>);

impl Answers {
    fn next(&self) -> Answer {
        self.0.lock().unwrap().remove(0)
    }
}

impl Ask for Answers {
    fn select(&self, _: &str, options: &[Choice]) -> Result<usize, CliError> {
        match self.next() {
            Answer::Select(at) if at < options.len() => Ok(at),
            Answer::BreakOff => Err(CliError::interrupted()),
            answer => panic!("{answer:?} to a choice of {options:?}"),
        }
    }

    fn confirm(&self, question: &str) -> Result<bool, CliError> {
        match self.next() {
            Answer::Confirm(yes) => Ok(yes),
            answer => panic!("{answer:?} to {question}"),
        }
    }

    fn pick(&self, choices: &[Choice], preview: Preview<'_>) -> Result<usize, CliError> {
        for at in 0..choices.len() {
            assert!(!preview(at, 80).is_empty());
        }
        self.select("which", choices)
    }
}
