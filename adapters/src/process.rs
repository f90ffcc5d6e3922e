//! Runs one program in a session of its own, feeds it, drains it, ends it in time, and leaves
//! nothing of it behind.
//!
//! One thread does all of it in one `poll` loop ([`Supervisor`]): no pipe can block another, a
//! program that does not read or does not stop printing cannot hang the call. The program is reaped
//! last of all, so that its process id, and its group's, cannot become somebody else's while there
//! is anything left to signal.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use codeloops_driver::ports::StopSignal;
use codeloops_event::{BudgetKind, LimitKind, ProcessInfo, RunId};
use codeloops_machine::StopLevel;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, WaitOptions};

mod not_started;
mod proc_fs;
mod spawn;
mod stand_by;
mod supervisor;
mod tree;

pub(crate) use not_started::why_not_started;
pub(crate) use spawn::{Invocation, OTHER_REPOSITORY, Pipes, Streams};
pub(crate) use stand_by::{NoResult, stand_by};
pub(crate) use supervisor::Supervisor;
use tree::Kind;
pub(crate) use tree::{Mark, OWNER_VARIABLE, RUN_ID_VARIABLE, end_marked, processes_of_run};

/// How long the steps of an end may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grace {
    /// From the program's own stop signal to SIGTERM.
    pub stop: Duration,
    /// From SIGTERM to SIGKILL.
    pub terminate: Duration,
    /// What is given, after the program's own end, to those that still print for it.
    pub settle: Duration,
    /// From SIGTERM to SIGKILL for processes that were left behind.
    pub leftovers: Duration,
    /// How long a pipe that nobody known holds open is listened to.
    pub leak: Duration,
}

impl Default for Grace {
    fn default() -> Self {
        Self {
            stop: Duration::from_secs(5),
            terminate: Duration::from_secs(3),
            settle: Duration::from_millis(250),
            leftovers: Duration::from_millis(500),
            leak: Duration::from_secs(2),
        }
    }
}

/// The limits of one call.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Times {
    pub(crate) deadline: Option<(Duration, LimitKind)>,
    pub(crate) idle: Option<Duration>,
    pub(crate) grace: Grace,
}

/// Why a program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    /// By itself.
    Own,
    /// A stop was asked for.
    Stopped,
    /// A limit was reached.
    TimedOut(LimitKind, Duration),
    /// It told that a budget is used up.
    OverBudget(BudgetKind),
}

/// What remains of a program.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) cause: Cause,
    pub(crate) status: io::Result<ExitStatus>,
    /// Processes that it left behind, which were ended.
    pub(crate) leftovers: u32,
}

/// Takes what the program prints.
pub(crate) trait Output {
    fn stdout(&mut self, bytes: &[u8]);
    fn stderr(&mut self, bytes: &[u8]);
    /// The budget that is used up by what it has told so far, if any.
    fn over_budget(&self) -> Option<BudgetKind>;
    /// The program has ended: what comes now, others printed who hold its pipes.
    fn ended(&mut self);
}

/// Who may end the program from outside: the stop signal, and a pipe that wakes the loop when it
/// changed. A pipe that is closed means that nobody waits for the call any more.
pub(crate) struct Control {
    pub(crate) stop: StopSignal,
    pub(crate) wake: OwnedFd,
}

impl Control {
    fn level(&self) -> Option<StopLevel> {
        *self.stop.borrow()
    }

    /// Whether a stop was asked for.
    pub(crate) fn is_stopped(&self) -> bool {
        self.level().is_some()
    }

    /// The same for another program of the call, after this one.
    pub(crate) fn again(&self) -> io::Result<Self> {
        Ok(Self { stop: self.stop.clone(), wake: self.wake.try_clone()? })
    }
}

/// The exit code of a program that has ended; 128 + n for a signal.
pub(crate) fn exit_code(status: &ExitStatus) -> Option<i32> {
    status.code().or_else(|| status.signal().map(|signal| 128 + signal))
}

fn file_name(program: &OsStr) -> Option<String> {
    Some(Path::new(program).file_name()?.to_string_lossy().into_owned())
}

/// A started program that has not been reaped.
pub(crate) struct Leader {
    pid: Pid,
    info: ProcessInfo,
}

impl Leader {
    /// Starts what answers one call.
    #[tracing::instrument(level = "debug", name = "process.start", skip_all)]
    pub(crate) fn spawn(invocation: &Invocation, streams: Streams) -> io::Result<(Self, Pipes)> {
        Self::spawn_as(Kind::Call, invocation, streams)
    }

    /// Starts what accompanies the whole run, with pipes on all three streams.
    pub(crate) fn spawn_companion(invocation: &Invocation) -> io::Result<(Self, Pipes)> {
        Self::spawn_as(Kind::Companion, invocation, Streams::Piped)
    }

    fn spawn_as(
        kind: Kind,
        invocation: &Invocation,
        streams: Streams,
    ) -> io::Result<(Self, Pipes)> {
        tree::adopt_orphans();
        let (pid, pipes) = tree::start(invocation, streams, kind)?;
        let number = tree::number(pid);
        let info = ProcessInfo {
            pid: number,
            start_ticks: proc_fs::start_ticks(number),
            program: file_name(&invocation.program),
        };
        Ok((Self { pid, info }, pipes))
    }

    pub(crate) const fn info(&self) -> &ProcessInfo {
        &self.info
    }

    /// Signals its group, and itself in case it moved to another one.
    fn signal(&self, signal: Signal) {
        let group = rustix::process::kill_process_group(self.pid, signal);
        if group.is_err() {
            // Not there any more is what is wanted.
            let _gone = rustix::process::kill_process(self.pid, signal);
        }
    }

    /// What becomes readable when the leader has ended. It stays a zombie until it is reaped.
    fn exit_signal(&self) -> io::Result<OwnedFd> {
        #[cfg(target_os = "linux")]
        if let Ok(handle) =
            rustix::process::pidfd_open(self.pid, rustix::process::PidfdFlags::empty())
        {
            return Ok(handle);
        }
        self.exit_pipe()
    }

    /// The same where the system has no handles of processes: a pipe, closed by a thread.
    fn exit_pipe(&self) -> io::Result<OwnedFd> {
        let (read, write) = io::pipe()?;
        let pid = self.pid;
        std::thread::Builder::new().name("program-exit".to_owned()).spawn(move || {
            let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
            let interrupted = Some(rustix::io::Errno::INTR);
            while rustix::process::waitid(WaitId::Pid(pid), options).err() == interrupted {}
            drop(write);
        })?;
        Ok(read.into())
    }

    /// Ends it unseen, where it cannot be stood by.
    pub(crate) fn discard(self) {
        self.signal(Signal::KILL);
        let _status = self.reap();
    }

    /// Leaves it to a thread of its own to wait for one that does not even end by SIGKILL. Until it
    /// does it counts as running, then it is forgotten.
    fn reap_late(self) {
        let pid = self.info.pid;
        let wait = move || drop(self.reap());
        let thread = std::thread::Builder::new().name("late-end".to_owned());
        if let Err(error) = thread.spawn(wait) {
            tracing::warn!(%error, pid, "a program that does not end is not waited for");
            tree::forget(pid);
        }
    }

    fn reap(self) -> io::Result<ExitStatus> {
        let status = wait_for(self.pid);
        tree::forget(self.info.pid);
        status
    }
}

fn wait_for(pid: Pid) -> io::Result<ExitStatus> {
    loop {
        match rustix::process::waitpid(Some(pid), WaitOptions::empty()) {
            Ok(Some((_, status))) => return Ok(ExitStatus::from_raw(status.as_raw())),
            Ok(None) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Tells the programs that this process has started to end, or kills them, each with its group. Meant
/// for `git` commands: a child without a group of its own was started by nobody here, and what
/// accompanies the whole run is left alone. Only where there is a `/proc`.
pub fn end_children(kill: bool) {
    let us = std::process::id();
    let signal = if kill { Signal::KILL } else { Signal::TERM };
    for child in proc_fs::processes() {
        let ours = child.parent == us && child.group == child.pid && !child.is_zombie();
        if ours
            && !tree::is_companion(child.pid)
            && proc_fs::start_ticks(child.pid) == Some(child.start)
        {
            let pid = i32::try_from(child.pid).ok().and_then(Pid::from_raw);
            // Gone already is as good.
            let _gone = pid.map(|pid| rustix::process::kill_process_group(pid, signal));
        }
    }
}

/// Ends every process of a run that an earlier codeloops left behind, by the run id in its
/// environment: asked to first, so that a git among them takes its lock files away, and killed when it
/// does not. Returns how many there were. Only where there is a `/proc`.
#[must_use]
pub fn end_processes_of_run(run: &RunId) -> u32 {
    end_processes_with(&Mark::Run(run.clone()))
}

/// The same of any mark.
pub(crate) fn end_processes_with(mark: &Mark) -> u32 {
    let now = Instant::now();
    end_marked(mark, now + Duration::from_secs(1), now + Duration::from_secs(6))
}

/// The runs that were killed while their agents or gates worked, and whose processes live on. Only where there
/// is a `/proc`.
#[must_use]
pub fn runs_left_behind() -> BTreeSet<RunId> {
    tree::runs_left_behind()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn a_leader_that_was_given_up_is_forgotten_once_it_ends() {
        let invocation = Invocation {
            program: "sleep".into(),
            args: vec!["1000".into()],
            dir: "/".into(),
            env: BTreeMap::new(),
        };
        let (leader, _pipes) = Leader::spawn(&invocation, Streams::NoInput).unwrap();
        let (pid, number) = (leader.pid, leader.info.pid);
        leader.reap_late();
        assert!(tree::is_leader(number), "it runs");
        rustix::process::kill_process(pid, Signal::KILL).unwrap();
        while tree::is_leader(number) {
            std::thread::yield_now();
        }
        assert_eq!(proc_fs::process(number), None, "it was reaped");
    }
}
