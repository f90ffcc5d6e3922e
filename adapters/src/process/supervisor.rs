//! The loop that stands beside a running program.

use std::collections::BTreeSet;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use codeloops_event::LimitKind;
use codeloops_machine::StopLevel;
use rustix::buffer::spare_capacity;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::Signal;

use super::tree::{self, Mark, Tree};
use super::{Cause, Control, Ended, Leader, Output, Pipes, Times};

/// One read: as much as a pipe can hold on Linux once it is asked to.
const CHUNK: usize = 256 * 1024;
/// How often a process that was signalled is looked for again.
const RECHECK: Duration = Duration::from_millis(5);
/// After this long a process that does not even end by SIGKILL (it hangs in the kernel) is given
/// up.
const GIVE_UP: Duration = Duration::from_secs(10);

/// Stands beside one program from its start to its end.
pub(crate) struct Supervisor<'a, O> {
    leader: Leader,
    tree: Tree,
    control: Control,
    output: &'a mut O,
    times: Times,
    started: Instant,
    last_output: Instant,
    exit: Option<OwnedFd>,
    abandoned: bool,
    input: Option<Input>,
    stdout: Option<OwnedFd>,
    stderr: Option<OwnedFd>,
    buffer: Vec<u8>,
}

/// The rest of the prompt, and where it goes.
struct Input {
    pipe: OwnedFd,
    bytes: Vec<u8>,
    sent: usize,
}

/// What a poll found ready.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Source {
    Exit,
    Wake,
    Input,
    Stdout,
    Stderr,
}

impl<'a, O: Output> Supervisor<'a, O> {
    /// Takes over a program that was just started, with what goes into its stdin.
    ///
    /// Where that fails the program is ended.
    pub(crate) fn new(
        leader: Leader,
        mut pipes: Pipes,
        mark: Mark,
        input: Vec<u8>,
        control: Control,
        times: Times,
        output: &'a mut O,
    ) -> io::Result<Self> {
        let (exit, input) = match watch(&leader, pipes.stdin.take(), input) {
            Ok(watched) => watched,
            Err(error) => {
                leader.discard();
                return Err(error);
            }
        };
        let (stdout, stderr) = (pipes.stdout, pipes.stderr);
        widen(&stdout);
        let now = Instant::now();
        Ok(Self {
            tree: Tree::new(leader.info().clone(), mark),
            leader,
            control,
            output,
            times,
            started: now,
            last_output: now,
            exit: Some(exit),
            abandoned: false,
            input,
            stdout: Some(stdout),
            stderr,
            buffer: Vec::with_capacity(CHUNK),
        })
    }

    /// Stays until the program and everything it spawned has ended.
    pub(crate) fn run(mut self, stop_with: Signal) -> Ended {
        let cause = self.until_cause();
        if self.exit.is_some() {
            self.stop_leader(stop_with);
        } else {
            self.settle();
        }
        let leftovers = self.sweep();
        self.drain();
        let status = match self.exit {
            None => self.leader.reap(),
            // Waiting for it could take for ever.
            Some(_) => {
                self.leader.reap_late();
                Err(io::Error::other("the program does not end"))
            }
        };
        Ended { cause, status, leftovers }
    }

    /// Waits for the end, a stop or a limit, whichever comes first.
    fn until_cause(&mut self) -> Cause {
        while self.exit.is_some() {
            if self.level().is_some() {
                return Cause::Stopped;
            }
            if let Some(budget) = self.output.over_budget() {
                return Cause::OverBudget(budget);
            }
            let limit = self.next_limit();
            if let Some((at, kind, after)) = limit
                && at <= Instant::now()
            {
                return Cause::TimedOut(kind, after);
            }
            self.pump(limit.map(|(at, ..)| at));
        }
        Cause::Own
    }

    fn next_limit(&self) -> Option<(Instant, LimitKind, Duration)> {
        let idle = self.times.idle.map(|after| (self.last_output, LimitKind::Idle, after));
        let total = self.times.deadline.map(|(after, kind)| (self.started, kind, after));
        // A limit beyond the end of time is none.
        let ends =
            |(from, kind, after): (Instant, _, _)| Some((from.checked_add(after)?, kind, after));
        total.into_iter().chain(idle).filter_map(ends).min_by_key(|(at, ..)| *at)
    }

    /// Asks the leader to end, then tells it, then makes it.
    #[tracing::instrument(level = "debug", name = "process.stop", skip_all)]
    fn stop_leader(&mut self, stop_with: Signal) {
        let grace = self.times.grace;
        for (signal, grace) in [(stop_with, grace.stop), (Signal::TERM, grace.terminate)] {
            if self.level() == Some(StopLevel::Now) {
                break;
            }
            // Whoever loses its parent now can be traced no more.
            self.tree.living();
            self.leader.signal(signal);
            // One that is stopped (Ctrl+Z) would not hear it.
            self.leader.signal(Signal::CONT);
            self.wait_for_exit(grace, false);
            if self.exit.is_none() {
                return;
            }
        }
        self.kill_leader();
    }

    fn kill_leader(&mut self) {
        let since = Instant::now();
        while self.exit.is_some() && since.elapsed() < GIVE_UP {
            self.tree.living();
            self.leader.signal(Signal::KILL);
            self.wait_for_exit(RECHECK * 10, true);
        }
    }

    fn wait_for_exit(&mut self, at_most: Duration, even_if_now: bool) {
        let until = Instant::now() + at_most;
        while self.exit.is_some()
            && Instant::now() < until
            && (even_if_now || self.level() != Some(StopLevel::Now))
        {
            self.pump(Some(until));
        }
    }

    /// After an end of its own: those that still print for it (`tee`) may finish.
    fn settle(&mut self) {
        let until = Instant::now() + self.times.grace.settle;
        while self.is_open() && self.level().is_none() && Instant::now() < until {
            self.pump(Some(until));
        }
    }

    /// Ends what was left behind, and looks again until nothing is. Tells how many there were; the
    /// upkeep that git starts by itself is ended too, but nobody has left that behind, and of what is
    /// another call's as likely nobody knows who has.
    #[tracing::instrument(level = "debug", name = "process.sweep", skip_all)]
    fn sweep(&mut self) -> u32 {
        let since = Instant::now();
        let mut asked = BTreeSet::new();
        let mut uncounted = 0;
        loop {
            let living = self.tree.living();
            if living.is_empty() || since.elapsed() > GIVE_UP {
                for process in &living {
                    tracing::warn!(pid = process.pid, "a process of the call does not end");
                }
                break;
            }
            let hurry = self.level() == Some(StopLevel::Now)
                || since.elapsed() >= self.times.grace.leftovers;
            for process in &living {
                let first = asked.insert((process.pid, process.start));
                let is_nobodys = self.tree.is_doubtful(process) || tree::ends_unasked(process);
                uncounted += u32::from(first && is_nobodys);
                if hurry {
                    tree::signal(process, Signal::KILL);
                } else if first {
                    tree::signal(process, Signal::TERM);
                }
            }
            self.rest(RECHECK);
        }
        // For systems without a process table: the group at least. The leader is not reaped, so the
        // group's id is still ours; where nobody else is in it, nothing happens.
        self.leader.signal(Signal::KILL);
        u32::try_from(asked.len()).unwrap_or(u32::MAX).saturating_sub(uncounted)
    }

    /// Reads what is still in the pipes. They end at once where nobody holds them.
    fn drain(&mut self) {
        let until = Instant::now() + self.times.grace.leak;
        while self.is_open() && Instant::now() < until {
            self.pump(Some(until));
        }
    }

    fn rest(&mut self, time: Duration) {
        let until = Instant::now() + time;
        while Instant::now() < until {
            self.pump(Some(until));
        }
    }

    const fn is_open(&self) -> bool {
        self.stdout.is_some() || self.stderr.is_some()
    }

    fn level(&self) -> Option<StopLevel> {
        if self.abandoned { Some(StopLevel::Now) } else { self.control.level() }
    }

    /// Waits until something happens, at most until `until`, and deals with it.
    fn pump(&mut self, until: Option<Instant>) {
        for source in self.ready(until) {
            match source {
                // It reads what the others of this look have found: they are looked for again.
                Source::Exit => return self.exited(),
                Source::Wake => self.woken(),
                Source::Input => self.feed(),
                Source::Stdout | Source::Stderr => self.read(source),
            }
        }
    }

    fn ready(&self, until: Option<Instant>) -> Vec<Source> {
        let wake = (!self.abandoned).then_some(&self.control.wake);
        let input = self.input.as_ref().map(|input| input.pipe.as_fd());
        let sources = [
            (Source::Exit, self.exit.as_ref().map(AsFd::as_fd), PollFlags::IN),
            (Source::Wake, wake.map(AsFd::as_fd), PollFlags::IN),
            (Source::Input, input, PollFlags::OUT),
            (Source::Stdout, self.stdout.as_ref().map(AsFd::as_fd), PollFlags::IN),
            (Source::Stderr, self.stderr.as_ref().map(AsFd::as_fd), PollFlags::IN),
        ];
        let open: Vec<_> = sources
            .into_iter()
            .filter_map(|(source, fd, flags)| Some((source, fd?, flags)))
            .collect();
        let mut fds: Vec<PollFd<'_>> =
            open.iter().map(|(_, fd, flags)| PollFd::from_borrowed_fd(*fd, *flags)).collect();
        let timeout = until.map(|until| timespec(until.saturating_duration_since(Instant::now())));
        if let Err(error) = poll(&mut fds, timeout.as_ref()) {
            // Limits and stop requests hold all the same, so it is tried again, but not in a hurry.
            if error != Errno::INTR {
                tracing::debug!(%error, "the program's pipes cannot be watched");
                std::thread::sleep(RECHECK);
            }
            return Vec::new();
        }
        let happened = fds.iter().map(|fd| !fd.revents().is_empty());
        open.iter().zip(happened).filter(|(_, yes)| *yes).map(|((source, ..), _)| *source).collect()
    }

    /// What is in the pipe at this moment is still counted as the program's.
    fn exited(&mut self) {
        self.exit = None;
        let waiting = self.stdout.as_ref().map(rustix::io::ioctl_fionread);
        let mut left = waiting.and_then(Result::ok).unwrap_or(0);
        while let (Some(pipe), true) = (&self.stdout, left > 0) {
            let mut chunk = vec![0; CHUNK.min(usize::try_from(left).unwrap_or(CHUNK))];
            let Ok(count) = rustix::io::read(pipe, &mut chunk[..]) else { break };
            self.output.stdout(&chunk[..count]);
            left = if count == 0 { 0 } else { left.saturating_sub(count as u64) };
        }
        self.output.ended();
    }

    fn woken(&mut self) {
        let mut byte = [0; 16];
        // A pipe that cannot be read would be ready for ever, and nobody could be heard through it.
        self.abandoned = match rustix::io::read(&self.control.wake, &mut byte) {
            Ok(count) => count == 0,
            Err(error) => !matches!(error, Errno::INTR | Errno::AGAIN),
        };
    }

    /// Writes what the pipe takes. A program that closed its stdin has had enough.
    fn feed(&mut self) {
        let Some(input) = &mut self.input else { return };
        match rustix::io::write(&input.pipe, &input.bytes[input.sent..]) {
            Ok(count) => {
                input.sent += count;
                if input.sent == input.bytes.len() {
                    self.input = None;
                }
            }
            Err(Errno::AGAIN | Errno::INTR) => {}
            Err(_) => self.input = None,
        }
    }

    /// Takes one chunk, so that neither stream starves the other.
    fn read(&mut self, source: Source) {
        let pipe = if source == Source::Stdout { &mut self.stdout } else { &mut self.stderr };
        let Some(fd) = pipe else { return };
        self.buffer.clear();
        match rustix::io::read(fd, spare_capacity(&mut self.buffer)) {
            Ok(0) => *pipe = None,
            Ok(_) => {
                self.last_output = Instant::now();
                let bytes = &self.buffer;
                if source == Source::Stdout {
                    self.output.stdout(bytes);
                } else {
                    self.output.stderr(bytes);
                }
            }
            Err(Errno::INTR) => {}
            Err(_) => *pipe = None,
        }
    }
}

impl Input {
    /// Makes our end non-blocking, so that a program which does not read cannot hold us up.
    fn new(pipe: OwnedFd, bytes: Vec<u8>) -> io::Result<Self> {
        let flags = rustix::fs::fcntl_getfl(&pipe)?;
        rustix::fs::fcntl_setfl(&pipe, flags | rustix::fs::OFlags::NONBLOCK)?;
        Ok(Self { pipe, bytes, sent: 0 })
    }
}

fn watch(
    leader: &Leader,
    stdin: Option<OwnedFd>,
    bytes: Vec<u8>,
) -> io::Result<(OwnedFd, Option<Input>)> {
    let input = stdin.map(|pipe| Input::new(pipe, bytes)).transpose()?;
    Ok((leader.exit_signal()?, input))
}

/// A wider pipe means fewer turns; where it is refused (a quota), the usual one does.
fn widen(pipe: &OwnedFd) {
    #[cfg(target_os = "linux")]
    let _refused = rustix::pipe::fcntl_setpipe_size(pipe, CHUNK);
    #[cfg(not(target_os = "linux"))]
    let _ = pipe;
}

fn timespec(duration: Duration) -> Timespec {
    let secs = i64::try_from(duration.as_secs()).unwrap_or(i64::MAX);
    Timespec { tv_sec: secs, tv_nsec: duration.subsec_nanos().into() }
}
