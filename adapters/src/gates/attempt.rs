//! One attempt of a gate: its program is started, stood by and ended.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use codeloops_event::{Artifact, LimitKind, MAX_ARTIFACTS, layout};
use codeloops_machine::GateCall;
use rustix::process::Signal;

use super::capture::{Capture, Captured};
use super::{ARTIFACTS_FILE, Artifacts, GateProgram, GatesConfig, Printed, artifacts};
use crate::lineage;
use crate::process::{
    Control, Ended, Invocation, Leader, Mark, OTHER_REPOSITORY, Streams, Supervisor, Times,
    why_not_started,
};

/// What it takes to run a gate once.
pub(super) struct Attempt<'a> {
    pub(super) config: &'a GatesConfig,
    pub(super) call: &'a GateCall,
    pub(super) program: &'a GateProgram,
    pub(super) mark: &'a Mark,
    pub(super) control: &'a Control,
    pub(super) deadline: Option<(Duration, LimitKind)>,
}

/// An attempt that is over.
pub(super) struct Ran {
    pub(super) ended: Ended,
    pub(super) captured: Captured,
    pub(super) took: Duration,
}

impl Attempt<'_> {
    /// Runs it. The error says why it could not be started.
    pub(super) fn run(&self) -> Result<Ran, String> {
        let artifacts = self.artifacts();
        make_folder(&artifacts)
            .map_err(|error| format!("could not create `{}`: {error}", artifacts.display()))?;
        let ran = self.run_with_artifacts();
        // One that is not empty stays.
        fs::remove_dir(&artifacts).ok();
        ran
    }

    fn run_with_artifacts(&self) -> Result<Ran, String> {
        let invocation = self.invocation()?;
        let control = self.control.again().map_err(|error| error.to_string())?;
        let mut capture = Capture::create(self.config, &self.folder())?;
        let began = Instant::now();
        let (leader, pipes) = Leader::spawn(&invocation, Streams::OneOutput)
            .map_err(|error| why_not_started(&invocation, &error))?;
        let times = Times { deadline: self.deadline, idle: None, grace: self.config.grace };
        let (mark, input) = (self.mark.clone(), Vec::new());
        let supervisor = Supervisor::new(leader, pipes, mark, input, control, times, &mut capture)
            .map_err(|error| format!("could not watch it: {error}"))?;
        let ended = supervisor.run(Signal::TERM);
        Ok(Ran { ended, took: began.elapsed(), captured: capture.finish() })
    }

    /// Lists what the attempts left, in a file beside it. Gives the first of them, by their paths in the
    /// run's folder, and how many more there are.
    pub(super) fn keep_artifacts(&self) -> (Vec<Artifact>, u64) {
        let folder = self.artifacts();
        if !folder.is_dir() {
            return (Vec::new(), 0);
        }
        let file = self.config.evidence_root.join(self.folder()).join(ARTIFACTS_FILE);
        let is_stopped = || self.control.is_stopped();
        let listed = artifacts::list(&folder, &is_stopped);
        match listed.and_then(|list| list.write(&file).map(|()| list)) {
            Ok(list) => self.first_of(list),
            Err(error) => {
                tracing::warn!(%error, folder = %folder.display(), "what a gate left is not listed");
                (Vec::new(), 0)
            }
        }
    }

    fn first_of(&self, list: Artifacts) -> (Vec<Artifact>, u64) {
        let more = list.more + list.files.len().saturating_sub(MAX_ARTIFACTS) as u64;
        let folder = format!("{}/{}", self.folder(), layout::ARTIFACTS_DIR);
        let first = list.files.into_iter().take(MAX_ARTIFACTS);
        let within = |file: Artifact| Artifact { path: format!("{folder}/{}", file.path), ..file };
        (first.map(within).collect(), more)
    }

    /// What it printed, for whoever reads it.
    pub(super) fn diagnosed(&self, captured: &Captured) -> (Vec<codeloops_event::Failure>, u64) {
        (self.config.diagnose)(Printed {
            command: &self.program.command,
            dir: &self.dir(),
            log: &self.config.evidence_root.join(&captured.file.path),
            artifacts: &self.artifacts(),
        })
    }

    fn folder(&self) -> String {
        layout::gate_dir(self.call.call.iteration, &self.call.gate.name)
    }

    fn artifacts(&self) -> PathBuf {
        self.config.evidence_root.join(self.folder()).join(layout::ARTIFACTS_DIR)
    }

    fn dir(&self) -> PathBuf {
        let below = self.program.working_dir.as_deref().unwrap_or(Path::new(""));
        self.config.working_dir.join(below)
    }

    fn invocation(&self) -> Result<Invocation, String> {
        let dir = self.dir();
        if !dir.is_dir() {
            return Err(format!("the folder `{}` that it is to run in is missing", dir.display()));
        }
        let mut words = self.program.command.iter();
        let Some(first) = words.next() else { return Err("its command is empty".to_owned()) };
        let program = match self.program.env.get("PATH") {
            Some(path) if !first.contains('/') => in_path(first, path, &dir)?,
            _ => first.into(),
        };
        Ok(Invocation {
            program,
            args: words.map(Into::into).collect(),
            dir,
            env: self.variables(),
        })
    }

    /// What is set, or taken out of, our own environment. The gate's own settings win over what it is
    /// told, not over what its processes are known by.
    fn variables(&self) -> BTreeMap<OsString, Option<OsString>> {
        let mut env: BTreeMap<OsString, Option<OsString>> = BTreeMap::new();
        let mut set = |name: &str, value: Option<OsString>| env.insert(name.into(), value);
        for name in OTHER_REPOSITORY {
            set(name, None);
        }
        let config = self.config;
        let told = lineage::variables(
            config.commit_sha.as_deref(),
            config.branch.as_deref(),
            self.call.call.iteration,
            "gate",
        );
        for (name, value) in told {
            set(name, value);
        }
        set(lineage::GATE_VARIABLE, Some((&self.call.gate.name).into()));
        set(lineage::ARTIFACTS_VARIABLE, Some(self.artifacts().into()));
        for (name, value) in &self.program.env {
            set(name, Some(value.into()));
        }
        for (name, value) in lineage::marks(&config.run_id) {
            set(name, Some(value));
        }
        let (name, word) = self.mark.variable();
        set(name, Some(word.into()));
        env
    }
}

/// A program by the `PATH` that is set for it: the system would look in ours.
fn in_path(name: &str, path: &str, dir: &Path) -> Result<OsString, String> {
    let candidates = std::env::split_paths(OsStr::new(path)).map(|folder| folder.join(name));
    let is_program = |file: &PathBuf| {
        let meta = fs::metadata(dir.join(file));
        meta.is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
    };
    let found = candidates.into_iter().find(is_program);
    let lacks = || format!("`{name}`: not found in the PATH that is set for it");
    found.map(PathBuf::into_os_string).ok_or_else(lacks)
}

/// Makes a folder for the user alone. A link in its place is not followed.
fn make_folder(path: &Path) -> io::Result<()> {
    if fs::symlink_metadata(path).is_ok_and(|meta| !meta.is_dir()) {
        fs::remove_file(path)?;
    }
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}
