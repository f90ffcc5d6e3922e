//! The programs of `exec:` sinks: how they are started, what becomes of what they print, and that
//! none of them outlives its run.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use codeloops_adapters::companion::{Command, Companion, CompanionEnd, Listener};
use codeloops_sinks::{
    CLEAR_STATUS, HowEnded, Hub, Program, ProgramEnd, SinkReport, StartProgram, sanitise,
};

use crate::world::{Stream, World};

/// The variable that names the run. It is not the one that agents have: by that a run ends what its
/// agents left behind.
pub(crate) const RUN_VARIABLE: &str = "CODELOOPS_SINK_RUN_ID";

/// The most time of closing that is kept for those that do not end by themselves.
const FORCE: Duration = Duration::from_secs(1);

/// What a program is waited for that does not even end by force.
const GIVE_UP: Duration = Duration::from_secs(1);

/// Bytes of an unfinished line that are kept back.
const LONGEST_LINE: usize = 64 * 1024;

/// The programs that sinks have started.
#[derive(Clone, Default)]
pub(crate) struct Programs(Arc<Mutex<Started>>);

#[derive(Default)]
struct Started {
    /// Whether there are sinks that may start one.
    may_be_some: bool,
    running: Vec<Arc<Companion>>,
    /// None is started any more.
    over: bool,
}

impl Programs {
    /// Starts this command when it is called.
    pub(crate) fn starter(&self, command: Command, outlets: Outlets) -> StartProgram {
        self.lock().may_be_some = true;
        let programs = self.clone();
        Box::new(move || programs.start(&command, outlets))
    }

    /// Closes the hub: its sinks have this time, and so have the programs. One that does not end by
    /// itself is asked to before it is over, then made to.
    pub(crate) fn close(&self, hub: &Hub, timeout: Duration) -> Vec<SinkReport> {
        if !self.lock().may_be_some {
            return hub.close(timeout);
        }
        let until = Instant::now() + timeout;
        let force = (timeout / 5).min(FORCE);
        let programs = self.clone();
        let in_time = move || {
            thread::sleep((until - force).saturating_duration_since(Instant::now()));
            programs.each(Companion::ask_to_end);
            thread::sleep((until - force / 2).saturating_duration_since(Instant::now()));
            programs.kill();
        };
        let timer = thread::Builder::new().name("sink-deadline".to_owned()).spawn(in_time);
        if let Err(error) = timer {
            tracing::warn!(%error, "the programs of sinks are ended at once");
            self.kill();
        }
        let reports = hub.close(timeout);
        self.end();
        reports
    }

    /// Ends them all, with everything that they started.
    pub(crate) fn end(&self) {
        self.kill();
        let until = Instant::now() + GIVE_UP;
        self.each(|program| {
            if !program.has_ended_by(until) {
                tracing::warn!("a program of a sink does not end");
            }
        });
    }

    fn start(&self, command: &Command, outlets: Outlets) -> io::Result<Box<dyn Program>> {
        let last_words = LastWords::default();
        let Outlets { stdout, stderr } = outlets;
        let stdout: Listener = stdout.listener(None);
        let stderr = stderr.listener(Some(last_words.clone()));
        let mut started = self.lock();
        if started.over {
            return Err(io::Error::other("the run is over"));
        }
        let (companion, stdin) = Companion::start(command, stdout, stderr)?;
        let companion = Arc::new(companion);
        started.running.push(Arc::clone(&companion));
        Ok(Box::new(Running { companion, stdin: Some(stdin), last_words }))
    }

    fn kill(&self) {
        self.lock().over = true;
        self.each(Companion::kill);
    }

    /// Outside the lock: it may take a while.
    fn each(&self, call: impl Fn(&Companion)) {
        let running = self.lock().running.clone();
        running.iter().for_each(|program| call(program));
    }

    fn lock(&self) -> MutexGuard<'_, Started> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A program that was started.
struct Running {
    companion: Arc<Companion>,
    /// None once it is closed.
    stdin: Option<std::fs::File>,
    last_words: LastWords,
}

impl Write for Running {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stdin.as_mut().ok_or(io::ErrorKind::BrokenPipe)?.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Program for Running {
    fn end(&mut self) -> ProgramEnd {
        self.stdin = None;
        let how = match self.companion.wait() {
            CompanionEnd::Exited(code) => HowEnded::Exited(code),
            CompanionEnd::Signalled(signal) => HowEnded::Signalled(signal),
            CompanionEnd::Ended => HowEnded::OutOfTime,
            CompanionEnd::Unknown(why) => HowEnded::Unknown(why),
        };
        ProgramEnd { how, last_words: self.last_words.get() }
    }
}

/// The last line that says something.
#[derive(Clone, Default)]
struct LastWords(Arc<Mutex<Option<String>>>);

impl LastWords {
    fn get(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn hear(&self, lines: &[u8]) {
        let mut lines = lines.rsplit(|&byte| byte == b'\n');
        if let Some(line) = lines.find(|line| !line.trim_ascii().is_empty()) {
            let line = String::from_utf8_lossy(line).into_owned();
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(line);
        }
    }
}

/// Where goes what a program prints.
#[derive(Clone)]
pub(crate) struct Outlets {
    stdout: Outlet,
    stderr: Outlet,
}

/// A stream of ours that takes whole lines of a program's.
#[derive(Clone)]
struct Outlet {
    stream: Stream,
    is_terminal: bool,
    /// What takes a live status off the terminal; empty where there is none.
    before: &'static str,
}

impl Outlets {
    /// Its standard output goes to ours, where nothing else does, else where its standard error goes.
    pub(crate) fn new(world: &World, has_stdout: bool, has_status: bool) -> Self {
        let clear = |is_terminal: bool| if is_terminal && has_status { CLEAR_STATUS } else { "" };
        let outlet = |stream: &Stream, is_terminal: bool| Outlet {
            stream: stream.clone(),
            is_terminal,
            before: clear(is_terminal),
        };
        let stderr = outlet(&world.stderr, world.terminal.stderr);
        let stdout =
            if has_stdout { outlet(&world.stdout, world.terminal.stdout) } else { stderr.clone() };
        Self { stdout, stderr }
    }
}

impl Outlet {
    fn listener(self, last_words: Option<LastWords>) -> Listener {
        let mut lines = Lines { outlet: self, unfinished: Vec::new(), last_words };
        Box::new(move |bytes| lines.hear(bytes))
    }

    /// Writes whole lines in one go. On a terminal they are made harmless: they may quote an agent.
    fn write(&mut self, lines: &[u8]) {
        let harmless = || {
            let text = String::from_utf8_lossy(lines);
            let text = sanitise(&text);
            format!("{}{}\n", self.before, text.trim_end_matches('\n')).into_bytes()
        };
        let bytes = if self.is_terminal { harmless() } else { lines.to_vec() };
        // Where nobody reads it there is nobody to tell.
        drop(self.stream.write_all(&bytes).and_then(|()| self.stream.flush()));
    }
}

/// What a program printed and was not written yet.
struct Lines {
    outlet: Outlet,
    unfinished: Vec<u8>,
    last_words: Option<LastWords>,
}

impl Lines {
    fn hear(&mut self, bytes: &[u8]) {
        self.unfinished.extend_from_slice(bytes);
        let whole = self.unfinished.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
        let ready =
            if self.unfinished.len() > LONGEST_LINE { self.unfinished.len() } else { whole };
        self.write(ready);
    }

    fn write(&mut self, ready: usize) {
        if ready == 0 {
            return;
        }
        let lines: Vec<u8> = self.unfinished.drain(..ready).collect();
        if let Some(last_words) = &self.last_words {
            last_words.hear(&lines);
        }
        self.outlet.write(&lines);
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        self.write(self.unfinished.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Sandbox;

    /// What is written of these pieces.
    fn written(pieces: &[&str], is_terminal: bool) -> (String, Option<String>) {
        let (stream, written) = Stream::memory();
        let outlet = Outlet { stream, is_terminal, before: if is_terminal { "<" } else { "" } };
        let words = LastWords::default();
        let mut listener = outlet.listener(Some(words.clone()));
        pieces.iter().for_each(|piece| listener(piece.as_bytes()));
        drop(listener);
        (String::from_utf8(written.lock().unwrap().clone()).unwrap(), words.get())
    }

    #[test]
    fn whole_lines_are_handed_on_and_the_last_that_says_something_is_kept() {
        let pieces = ["a li", "ne\nanother\n", " \n", "the rest \u{1b}[31m"];
        let as_it_is = "a line\nanother\n \nthe rest \u{1b}[31m";
        let last = Some("the rest \u{1b}[31m".to_owned());
        assert_eq!(written(&pieces, false), (as_it_is.to_owned(), last));
        assert_eq!(written(&["a\n \n"], false).1.as_deref(), Some("a"));
    }

    #[test]
    fn on_a_terminal_nothing_acts_and_the_status_makes_room() {
        let (shown, _) = written(&["a \u{1b}[2Jline\n", "rest"], true);
        assert_eq!(shown, "<a line\n<rest\n");
    }

    #[test]
    fn what_it_prints_goes_to_standard_output_only_where_nothing_else_does() {
        let (world, output) = Sandbox::new().world();
        for has_stdout in [true, false] {
            let Outlets { stdout, stderr } = Outlets::new(&world, has_stdout, false);
            stdout.listener(None)(b"out\n");
            stderr.listener(None)(b"err\n");
        }
        let text = |bytes: &Mutex<Vec<u8>>| String::from_utf8(bytes.lock().unwrap().clone());
        assert_eq!(text(&output.out).unwrap(), "out\n");
        assert_eq!(text(&output.err).unwrap(), "err\nout\nerr\n");
    }
}
