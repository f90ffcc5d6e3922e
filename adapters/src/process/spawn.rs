//! Starts a program in a session of its own: it has no terminal to be stopped by, and its group can
//! be signalled without touching ours.

#[cfg(any(test, not(target_os = "linux")))]
mod fork;
#[cfg(target_os = "linux")]
mod posix;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::PathBuf;

use rustix::process::Pid;

/// Variables that tie git to a repository (`git rev-parse --local-env-vars`). A hook that codeloops
/// was started by has them; a program that took them over would work on another repository, or with
/// another index, than the one that is looked at.
pub(crate) const OTHER_REPOSITORY: [&str; 11] = [
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_DIR",
    "GIT_GRAFT_FILE",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_NAMESPACE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_SHALLOW_FILE",
    "GIT_WORK_TREE",
];

/// What is to be started.
#[derive(Debug)]
pub(crate) struct Invocation {
    /// Looked up in `PATH` where it is a bare name.
    pub(crate) program: OsString,
    pub(crate) args: Vec<OsString>,
    pub(crate) dir: PathBuf,
    /// What is set, or taken out of, our own environment.
    pub(crate) env: BTreeMap<OsString, Option<OsString>>,
}

/// What the three streams of a program are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Streams {
    /// A pipe each.
    Piped,
    /// Nothing to read, and a pipe for each of the two others.
    NoInput,
    /// Nothing to read, and one pipe for both others: what comes out has the order in which it was
    /// printed.
    OneOutput,
}

/// Our ends of the pipes of a program.
#[derive(Debug)]
pub(crate) struct Pipes {
    /// None where it was given nothing to read.
    pub(super) stdin: Option<OwnedFd>,
    pub(super) stdout: OwnedFd,
    /// None where that goes where stdout goes.
    pub(super) stderr: Option<OwnedFd>,
}

impl Pipes {
    /// Our ends of these pipes, in the order of their numbers, and in their place what a supervisor
    /// watches: it takes the output for open until the two files that are given with it are dropped.
    pub(crate) fn taken(self) -> io::Result<([OwnedFd; 3], [OwnedFd; 2], Self)> {
        let lacks = || io::Error::other("a stream has no pipe of its own");
        let (out_open, out_held) = io::pipe()?;
        let (err_open, err_held) = io::pipe()?;
        let watched = Self { stdin: None, stdout: out_open.into(), stderr: Some(err_open.into()) };
        let ours = [self.stdin.ok_or_else(lacks)?, self.stdout, self.stderr.ok_or_else(lacks)?];
        Ok((ours, [out_held.into(), err_held.into()], watched))
    }
}

/// Starts it.
pub(super) fn spawn(invocation: &Invocation, streams: Streams) -> io::Result<(Pid, Pipes)> {
    #[cfg(target_os = "linux")]
    return spawn_by(posix::spawn, invocation, streams);
    #[cfg(not(target_os = "linux"))]
    return spawn_by(fork::spawn, invocation, streams);
}

/// What the program gets as its streams, in the order of their numbers.
type ItsEnds = [OwnedFd; 3];

fn spawn_by(
    start: impl FnOnce(&Invocation, ItsEnds) -> io::Result<Pid>,
    invocation: &Invocation,
    streams: Streams,
) -> io::Result<(Pid, Pipes)> {
    let (its_input, stdin) = if streams == Streams::Piped {
        let (read, write) = io::pipe()?;
        (read.into(), Some(write.into()))
    } else {
        (File::open("/dev/null")?.into(), None)
    };
    let (stdout, its_output) = io::pipe()?;
    let (its_errors, stderr) = if streams == Streams::OneOutput {
        (its_output.try_clone()?, None)
    } else {
        let (read, write) = io::pipe()?;
        (write, Some(read.into()))
    };
    let pid = start(invocation, [its_input, its_output.into(), its_errors.into()])?;
    Ok((pid, Pipes { stdin, stdout: stdout.into(), stderr }))
}

fn pid(raw: i32) -> io::Result<Pid> {
    Pid::from_raw(raw).ok_or_else(|| io::Error::other("the system gave an impossible process id"))
}

#[cfg(test)]
mod tests;
