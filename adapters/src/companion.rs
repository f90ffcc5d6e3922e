//! A command of the user's that accompanies a whole run: started once, in a session of its own, and
//! ended with everything that it started. No agent call ends it, and it ends none.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::sync::mpsc;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use codeloops_event::BudgetKind;
use codeloops_machine::StopLevel;
use rustix::process::Signal;
use tokio::sync::watch;

use crate::process::{
    Cause, Control, Ended, Grace, Invocation, Leader, Mark, Output, Supervisor, Times,
};

/// Whoever asks for its end says when it must have come, so that no step has a time of its own.
const GRACE: Grace = Grace {
    stop: Duration::from_secs(3600),
    terminate: Duration::ZERO,
    settle: Duration::from_millis(250),
    leftovers: Duration::from_millis(250),
    leak: Duration::from_millis(250),
};

/// Bytes of one read of what it prints.
const CHUNK: usize = 16 * 1024;

/// What is to be run.
#[derive(Debug, Clone)]
pub struct Command {
    /// For `sh -c`.
    pub script: String,
    /// The folder that it is started in.
    pub dir: PathBuf,
    /// Variables beside our own.
    pub env: BTreeMap<String, String>,
}

/// Takes what it prints on one of its streams, on a thread of its own.
pub type Listener = Box<dyn FnMut(&[u8]) + Send>;

/// How it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CompanionEnd {
    /// By itself, with this exit code.
    Exited(i32),
    /// By a signal that we did not send.
    Signalled(i32),
    /// Because it was asked or made to.
    Ended,
    /// Nobody knows; the system's words.
    Unknown(String),
}

/// A command that runs, or has run. Where this is dropped, it is ended at once.
pub struct Companion {
    stop: watch::Sender<Option<StopLevel>>,
    /// Wakes its supervisor.
    wake: OwnedFd,
    ended: Arc<(Mutex<Option<CompanionEnd>>, Condvar)>,
}

impl Companion {
    /// Starts it. The file is its standard input: it ends when that is dropped.
    ///
    /// # Errors
    /// Where no process, pipe or thread can be had, or the folder is gone.
    pub fn start(
        command: &Command,
        stdout: Listener,
        stderr: Listener,
    ) -> io::Result<(Self, File)> {
        let mark = Mark::of_new_companion()?;
        let (wake, woken) = wake_pipe()?;
        let (leader, pipes) = Leader::spawn_companion(&command.invocation(&mark))?;
        let ([stdin, its_output, its_errors], [out_held, err_held], watched) = match pipes.taken() {
            Ok(taken) => taken,
            Err(error) => {
                leader.discard();
                return Err(error);
            }
        };
        let (stop, stopped) = watch::channel(None);
        let control = Control { stop: stopped, wake: woken };
        let ended = Arc::new((Mutex::new(None), Condvar::new()));
        let companion = Self { stop, wake, ended: Arc::clone(&ended) };
        // The supervisor may stay without a thread, and then the leader is still there to be ended.
        let (hand, handed) = mpsc::channel();
        let spawned = spawn("sink-command", move || {
            let Ok(leader) = handed.recv() else { return };
            let times = Times { deadline: None, idle: None, grace: GRACE };
            let mut unheard = Unheard;
            let supervisor =
                Supervisor::new(leader, watched, mark, Vec::new(), control, times, &mut unheard);
            let end = match supervisor {
                Ok(supervisor) => CompanionEnd::of(supervisor.run(Signal::TERM)),
                Err(error) => CompanionEnd::Unknown(error.to_string()),
            };
            *lock(&ended.0) = Some(end);
            ended.1.notify_all();
        });
        if let Err(error) = spawned {
            leader.discard();
            return Err(error);
        }
        if let Err(mpsc::SendError(leader)) = hand.send(leader) {
            leader.discard();
            return Err(io::Error::other("its supervisor is gone"));
        }
        listen(its_output, out_held, stdout)?;
        listen(its_errors, err_held, stderr)?;
        Ok((companion, stdin.into()))
    }

    /// Asks it to end (SIGTERM).
    pub fn ask_to_end(&self) {
        self.tell(StopLevel::Graceful);
    }

    /// Ends it, with everything that it started.
    pub fn kill(&self) {
        self.tell(StopLevel::Now);
    }

    /// How it ended, once it and everything that it started has.
    #[must_use]
    pub fn wait(&self) -> CompanionEnd {
        let mut end = lock(&self.ended.0);
        loop {
            match &*end {
                Some(end) => return end.clone(),
                None => end = self.ended.1.wait(end).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }

    /// Whether it has ended, waited for until then.
    #[must_use]
    pub fn has_ended_by(&self, until: Instant) -> bool {
        let left = until.saturating_duration_since(Instant::now());
        let waited =
            self.ended.1.wait_timeout_while(lock(&self.ended.0), left, |end| end.is_none());
        waited.unwrap_or_else(PoisonError::into_inner).0.is_some()
    }

    fn tell(&self, level: StopLevel) {
        self.stop.send_if_modified(|told| {
            let is_more = told.is_none() || level == StopLevel::Now;
            *told = if is_more { Some(level) } else { *told };
            is_more
        });
        // A supervisor that does not read any more has nothing left to end.
        let _gone = rustix::io::write(&self.wake, &[0]);
    }
}

impl Command {
    fn invocation(&self, mark: &Mark) -> Invocation {
        let set = |(name, value): (&String, &String)| (name.into(), Some(value.into()));
        let mut env: BTreeMap<OsString, Option<OsString>> = self.env.iter().map(set).collect();
        let (name, word) = mark.variable();
        env.insert(name.into(), Some(word.into()));
        let args = ["-c", &self.script].map(Into::into).to_vec();
        Invocation { program: "sh".into(), args, dir: self.dir.clone(), env }
    }
}

impl CompanionEnd {
    fn of(ended: Ended) -> Self {
        match (ended.cause, ended.status) {
            (Cause::Own, Ok(status)) => Self::of_status(status),
            (Cause::Own, Err(error)) => Self::Unknown(error.to_string()),
            _ => Self::Ended,
        }
    }

    fn of_status(status: ExitStatus) -> Self {
        match (status.code(), status.signal()) {
            (Some(code), _) => Self::Exited(code),
            (None, Some(signal)) => Self::Signalled(signal),
            (None, None) => Self::Unknown(status.to_string()),
        }
    }
}

/// A pipe whose writer never waits.
fn wake_pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    let (read, write) = io::pipe()?;
    let flags = rustix::fs::fcntl_getfl(&write)?;
    rustix::fs::fcntl_setfl(&write, flags | rustix::fs::OFlags::NONBLOCK)?;
    Ok((write.into(), read.into()))
}

/// Hands on what is printed until nobody can print there any more.
fn listen(stream: OwnedFd, held: OwnedFd, listener: Listener) -> io::Result<()> {
    spawn("sink-output", move || {
        // Let go last of all: when the listener has heard of the end, too.
        let _held = held;
        let mut listener = listener;
        let mut stream = File::from(stream);
        let mut chunk = vec![0; CHUNK];
        loop {
            match stream.read(&mut chunk) {
                Ok(count) if count > 0 => listener(&chunk[..count]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Ok(_) | Err(_) => return,
            }
        }
    })
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    thread::Builder::new().name(name.to_owned()).spawn(work).map(drop)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a companion prints is heard elsewhere.
struct Unheard;

impl Output for Unheard {
    fn stdout(&mut self, _: &[u8]) {}

    fn stderr(&mut self, _: &[u8]) {}

    fn over_budget(&self) -> Option<BudgetKind> {
        None
    }

    fn ended(&mut self) {}
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn start(script: &str) -> (Companion, File, Arc<Mutex<Vec<u8>>>) {
        let printed = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&printed);
        let listener: Listener = Box::new(move |bytes| lock(&heard).extend_from_slice(bytes));
        let env = [("GREETING".to_owned(), "hello".to_owned())].into();
        let command = Command { script: script.to_owned(), dir: "/".into(), env };
        let (companion, stdin) = Companion::start(&command, listener, Box::new(|_| {})).unwrap();
        (companion, stdin, printed)
    }

    fn text(printed: &Mutex<Vec<u8>>) -> String {
        String::from_utf8(lock(printed).clone()).unwrap()
    }

    /// Waits until it has printed so much.
    fn until_printed(printed: &Mutex<Vec<u8>>, lines: usize) -> String {
        while text(printed).lines().count() < lines {
            thread::yield_now();
        }
        text(printed)
    }

    #[test]
    fn it_reads_until_its_input_ends_and_all_that_it_printed_is_heard() {
        let (companion, mut stdin, printed) = start("echo $GREETING; pwd; cat; exit 3");
        stdin.write_all(b"a line\n").unwrap();
        drop(stdin);
        assert_eq!(companion.wait(), CompanionEnd::Exited(3));
        assert_eq!(text(&printed), "hello\n/\na line\n");
    }

    #[test]
    fn it_ends_when_asked_to_and_so_does_what_it_started() {
        let (companion, _stdin, printed) = start("setsid sleep 1000 & echo $!; wait");
        let sleeper = until_printed(&printed, 1);
        companion.ask_to_end();
        assert_eq!(companion.wait(), CompanionEnd::Ended);
        assert!(!std::path::Path::new(&format!("/proc/{}", sleeper.trim())).exists());
    }

    #[test]
    fn what_does_not_end_when_asked_to_is_killed() {
        let (companion, _stdin, printed) = start("trap '' TERM; echo; sleep 1000 & wait; wait");
        until_printed(&printed, 1);
        companion.ask_to_end();
        companion.kill();
        assert_eq!(companion.wait(), CompanionEnd::Ended);
    }

    #[test]
    fn what_it_leaves_behind_ends_with_it() {
        let deaf = r#"setsid sh -c 'trap "" TERM; echo $$; exec sleep 1000' & read line; exit 0"#;
        let (companion, stdin, printed) = start(deaf);
        let sleeper = until_printed(&printed, 1);
        drop(stdin);
        assert_eq!(companion.wait(), CompanionEnd::Exited(0));
        assert!(!std::path::Path::new(&format!("/proc/{}", sleeper.trim())).exists());
    }
}
