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

/// Our ends of the pipes of a program.
#[derive(Debug)]
pub(crate) struct Pipes {
    /// None where it was given nothing to read.
    pub(super) stdin: Option<OwnedFd>,
    pub(super) stdout: OwnedFd,
    pub(super) stderr: OwnedFd,
}

impl Pipes {
    /// Our ends of these pipes, in the order of their numbers, and in their place what a supervisor
    /// watches: it takes the output for open until the two files that are given with it are dropped.
    pub(crate) fn taken(self) -> io::Result<([OwnedFd; 3], [OwnedFd; 2], Self)> {
        let nothing = || io::Error::other("it was given nothing to read");
        let (out_open, out_held) = io::pipe()?;
        let (err_open, err_held) = io::pipe()?;
        let watched = Self { stdin: None, stdout: out_open.into(), stderr: err_open.into() };
        let ours = [self.stdin.ok_or_else(nothing)?, self.stdout, self.stderr];
        Ok((ours, [out_held.into(), err_held.into()], watched))
    }
}

/// Starts it with pipes on all three streams, or with nothing on stdin.
pub(super) fn spawn(invocation: &Invocation, with_input: bool) -> io::Result<(Pid, Pipes)> {
    #[cfg(target_os = "linux")]
    return spawn_by(posix::spawn, invocation, with_input);
    #[cfg(not(target_os = "linux"))]
    return spawn_by(fork::spawn, invocation, with_input);
}

/// The ends of the pipes that the program gets, in the order of their numbers.
type Streams = [OwnedFd; 3];

fn spawn_by(
    start: impl FnOnce(&Invocation, Streams) -> io::Result<Pid>,
    invocation: &Invocation,
    with_input: bool,
) -> io::Result<(Pid, Pipes)> {
    let (its_input, stdin) = if with_input {
        let (read, write) = io::pipe()?;
        (read.into(), Some(write.into()))
    } else {
        (File::open("/dev/null")?.into(), None)
    };
    let (stdout, its_output) = io::pipe()?;
    let (stderr, its_errors) = io::pipe()?;
    let pid = start(invocation, [its_input, its_output.into(), its_errors.into()])?;
    Ok((pid, Pipes { stdin, stdout: stdout.into(), stderr: stderr.into() }))
}

fn pid(raw: i32) -> io::Result<Pid> {
    Pid::from_raw(raw).ok_or_else(|| io::Error::other("the system gave an impossible process id"))
}

#[cfg(test)]
mod tests;
