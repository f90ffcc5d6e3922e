//! The fake model server (`fake_model.py`), and what it was asked.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};

use serde::Deserialize;

/// A server that runs; it ends with this value.
pub(crate) struct FakeModel {
    child: Child,
    /// The server ends when this is closed.
    stdin: Option<ChildStdin>,
    port: u16,
    log: PathBuf,
}

/// A request, as its log has it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Request {
    pub(crate) path: String,
    pub(crate) model: String,
    /// The rule of the scenario that answers it.
    pub(crate) rule: usize,
    /// Which of its turns.
    pub(crate) turn: usize,
}

impl FakeModel {
    /// Starts one that plays a file of `scenarios`, for agents that work in this project.
    pub(crate) fn start(scenario: &str, project: &Path, log: PathBuf) -> Self {
        let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("agents");
        let mut command = Command::new("python3");
        command.arg(here.join("fake_model.py"));
        command.arg(here.join("scenarios").join(scenario).with_extension("json"));
        command.arg(project).arg(&log);
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("python3 starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let port = line.trim().parse().expect("the fake model tells its port");
        Self { stdin: child.stdin.take(), child, port, log }
    }

    /// Where it listens.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// What it was asked so far, but for titles.
    pub(crate) fn requests(&self) -> Vec<Request> {
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        let whole = log.rfind('\n').map_or("", |end| &log[..end]);
        whole.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

impl Drop for FakeModel {
    fn drop(&mut self) {
        drop(self.stdin.take());
        drop(self.child.wait());
    }
}
