//! A process of the program: started, waited for, and what it gave.

use std::fmt;
use std::path::Path;
use std::process::{Child, ExitStatus};
use std::time::{Duration, Instant};

use crate::redact::Redaction;
use rustix::process::{Pid, Signal, kill_process};

/// How long a test waits for what must come; a test that needs it has failed.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a process printed, with the workspace's place shown as `[ROOT]` and process numbers and the
/// varying part of run ids as zeros, and its exit code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
    /// Its exit code; 128 and the signal's number where a signal ended it.
    pub code: i32,
}

/// As a snapshot shows it.
impl fmt::Display for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "exit code: {}", self.code)?;
        for (name, text) in [("stdout", &self.stdout), ("stderr", &self.stderr)] {
            if !text.is_empty() {
                writeln!(f, "----- {name} -----\n{}", text.trim_end_matches('\n'))?;
            }
        }
        Ok(())
    }
}

impl Output {
    /// The same output, where the exit code is this one.
    ///
    /// # Panics
    /// Where it is another one.
    #[must_use]
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self}");
        self
    }

    /// Standard output as the one JSON document that it holds.
    ///
    /// # Panics
    /// Where it is not one.
    #[must_use]
    #[track_caller]
    pub fn document(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self}"))
    }
}

/// A process that runs.
#[derive(Debug)]
pub struct Running {
    child: Child,
    redaction: Redaction,
}

impl Running {
    pub(crate) const fn new(child: Child, redaction: Redaction) -> Self {
        Self { child, redaction }
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// Sends it a signal.
    ///
    /// # Panics
    /// Where the process is gone.
    #[track_caller]
    pub fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).unwrap();
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// Where its output is not UTF-8: whatever agents print, the program prints text.
    #[must_use]
    #[track_caller]
    pub fn wait(self) -> Output {
        let output = self.child.wait_with_output().unwrap();
        let text = |bytes| self.redaction.apply(&String::from_utf8(bytes).unwrap());
        Output {
            stdout: text(output.stdout),
            stderr: text(output.stderr),
            code: code(output.status),
        }
    }
}

fn code(status: ExitStatus) -> i32 {
    use std::os::unix::process::ExitStatusExt;
    status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap()
}

/// Waits until a file is there: an agent's `touch` tells that it has come so far.
///
/// # Panics
/// Where it does not come.
#[track_caller]
pub fn wait_for(file: &Path) {
    wait_until(&file.display().to_string(), || file.exists());
}

/// Waits until something holds.
///
/// # Panics
/// With these words where it never does.
#[track_caller]
pub fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < until, "`{what}` never came");
        std::thread::sleep(Duration::from_millis(2));
    }
}
