//! Everything that a command takes from its surroundings, in one value: clocks, random ids, the
//! environment, the terminal. A test builds its own.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError, mpsc};
use std::thread;
use std::time::Duration;

use codeloops_driver::SystemClock;
use codeloops_driver::ports::{Clock, Ids};
use codeloops_event::{Nonce, RunId};

use crate::error::CliError;

/// The surroundings of one command.
#[derive(Clone)]
pub struct World {
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Gives nonces.
    pub ids: Arc<dyn Ids>,
    /// Gives the identity of a new run.
    pub run_ids: Arc<dyn Fn() -> RunId + Send + Sync>,
    /// Environment variables, the current directory and where the output goes.
    pub env: Environment,
    /// What is connected to a terminal.
    pub terminal: Terminal,
    /// The width of that terminal, now; none where it does not tell.
    pub columns: Arc<dyn Fn() -> Option<usize> + Send + Sync>,
    /// Its height, now; none where it does not tell.
    pub rows: Arc<dyn Fn() -> Option<usize> + Send + Sync>,
    /// Standard output.
    pub stdout: Stream,
    /// Standard error.
    pub stderr: Stream,
    /// Asks the user.
    pub ask: Arc<dyn Ask>,
}

impl World {
    /// The real one.
    #[must_use]
    pub fn real() -> Self {
        Self {
            clock: Arc::new(SystemClock::start()),
            ids: Arc::new(RandomIds),
            run_ids: Arc::new(random_run_id),
            env: Environment::real(),
            terminal: Terminal::real(),
            columns: Arc::new(|| size().map(|(_, columns)| columns)),
            rows: Arc::new(|| size().map(|(rows, _)| rows)),
            stdout: Stream::new(io::stdout()),
            stderr: Stream::new(io::stderr()),
            ask: Arc::new(crate::ask::Prompts),
        }
    }
}

/// An output stream that several can write to; each write is whole.
#[derive(Clone)]
pub struct Stream(Arc<Mutex<dyn Write + Send>>);

impl Stream {
    /// A stream to this writer.
    #[must_use]
    pub fn new(writer: impl Write + Send + 'static) -> Self {
        Self(Arc::new(Mutex::new(writer)))
    }

    /// A stream to memory, and what was written to it.
    #[must_use]
    pub fn memory() -> (Self, Arc<Mutex<Vec<u8>>>) {
        let written = Arc::new(Mutex::new(Vec::new()));
        (Self(written.clone()), written)
    }

    /// The same stream for one who cannot wait for ever: the first write that has not come through in
    /// time is the last that is tried.
    pub(crate) fn within(&self, time: Duration) -> Self {
        Self::new(Impatient { stream: self.clone(), time, given_up: false })
    }

    /// Writes a text, and lets nobody write until the work is done. Where somebody is in the middle
    /// of a write that may take for ever, the work is all that is done.
    pub(crate) fn hold(&self, text: &str, work: impl FnOnce()) {
        let mut held = match self.0.try_lock() {
            Ok(held) => held,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return work(),
        };
        // A terminal that is gone needs no text.
        drop(held.write_all(text.as_bytes()).and_then(|()| held.flush()));
        work();
    }

    /// A writer that panicked left nothing broken behind, so its lock is taken all the same.
    fn lock(&self) -> MutexGuard<'_, dyn Write + Send + 'static> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.lock().write(bytes)
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.lock().write_all(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.lock().flush()
    }
}

/// A stream that is not waited for longer than this.
struct Impatient {
    stream: Stream,
    time: Duration,
    given_up: bool,
}

impl Write for Impatient {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.given_up {
            return Err(io::ErrorKind::TimedOut.into());
        }
        let (tell, told) = mpsc::channel();
        let (mut stream, text) = (self.stream.clone(), bytes.to_vec());
        // It may hang in this write for good, and then it goes with the process.
        thread::Builder::new().name("last-lines".to_owned()).spawn(move || {
            let written = stream.write_all(&text).and_then(|()| stream.flush());
            drop(tell.send(written));
        })?;
        match told.recv_timeout(self.time) {
            Ok(written) => written.map(|()| bytes.len()),
            Err(_) => {
                self.given_up = true;
                Err(io::ErrorKind::TimedOut.into())
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Which standard streams are terminals.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Terminal {
    /// Standard input.
    pub stdin: bool,
    /// Standard output.
    pub stdout: bool,
    /// Standard error.
    pub stderr: bool,
}

impl Terminal {
    fn real() -> Self {
        Self {
            stdin: io::stdin().is_terminal(),
            stdout: io::stdout().is_terminal(),
            stderr: io::stderr().is_terminal(),
        }
    }
}

/// Rows and columns of the terminal that one of the streams goes to; there is hardly ever more than
/// one.
fn size() -> Option<(usize, usize)> {
    let terminals = [console::Term::stdout(), console::Term::stderr()];
    let size = terminals.into_iter().find_map(|terminal| terminal.size_checked());
    size.map(|(rows, columns)| (usize::from(rows), usize::from(columns)))
}

/// Environment variables and what else a process inherits, read once.
#[derive(Debug, Clone, Default)]
pub struct Environment {
    /// The variables.
    pub vars: BTreeMap<OsString, OsString>,
    /// The current directory; none where it no longer exists.
    pub current_dir: Option<PathBuf>,
    /// The files that standard output and error are redirected to, as far as the system tells.
    pub redirected_to: Vec<PathBuf>,
}

impl Environment {
    fn real() -> Self {
        Self {
            vars: std::env::vars_os().collect(),
            current_dir: std::env::current_dir().ok(),
            redirected_to: redirected_to(),
        }
    }

    /// A variable that is set and not empty.
    #[must_use]
    pub fn var(&self, name: &str) -> Option<&OsStr> {
        self.vars.get(OsStr::new(name)).map(OsString::as_os_str).filter(|value| !value.is_empty())
    }

    /// The names of all variables.
    pub fn names(&self) -> impl Iterator<Item = &OsString> {
        self.vars.keys()
    }

    /// Every variable that is text.
    pub fn texts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.vars.iter().filter_map(|(name, value)| Some((name.to_str()?, value.to_str()?)))
    }

    /// The current directory.
    ///
    /// # Errors
    /// Where it no longer exists or may not be read.
    pub fn current_dir(&self) -> Result<&Path, CliError> {
        self.current_dir.as_deref().ok_or_else(|| {
            CliError::failed("the current directory cannot be read")
                .hint("change into a directory that exists")
        })
    }

    /// The folder of codeloops beneath `$XDG_CONFIG_HOME`, default `~/.config`.
    ///
    /// # Errors
    /// Where neither the variable nor `HOME` is set.
    pub fn config_dir(&self) -> Result<PathBuf, CliError> {
        self.xdg_dir("XDG_CONFIG_HOME", ".config")
    }

    /// The folder of codeloops beneath `$XDG_DATA_HOME`, default `~/.local/share`.
    ///
    /// # Errors
    /// Where neither the variable nor `HOME` is set.
    pub fn data_dir(&self) -> Result<PathBuf, CliError> {
        self.xdg_dir("XDG_DATA_HOME", ".local/share")
    }

    /// The folder of codeloops beneath `$XDG_CACHE_HOME`, default `~/.cache`.
    ///
    /// # Errors
    /// Where neither the variable nor `HOME` is set.
    pub fn cache_dir(&self) -> Result<PathBuf, CliError> {
        self.xdg_dir("XDG_CACHE_HOME", ".cache")
    }

    /// The XDG rule: a path that is not absolute is as good as none.
    fn xdg_dir(&self, variable: &str, below_home: &str) -> Result<PathBuf, CliError> {
        let named = self.var(variable).map(PathBuf::from).filter(|path| path.is_absolute());
        let base = named.or_else(|| self.var("HOME").map(|home| Path::new(home).join(below_home)));
        base.map(|base| base.join("codeloops")).ok_or_else(|| {
            CliError::failed("the home directory is not known")
                .hint(format!("set `HOME` or `{variable}`"))
        })
    }
}

/// Linux tells the path of an open file; elsewhere there is nothing to read.
fn redirected_to() -> Vec<PathBuf> {
    let files = ["/proc/self/fd/1", "/proc/self/fd/2"].map(std::fs::read_link);
    files.into_iter().flatten().filter(|path| path.is_file()).collect()
}

/// One of several things to choose from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// Its name, by which it is found first.
    pub name: String,
    /// The line that shows it.
    pub line: String,
}

/// Asks the user a question. Only used where standard input and error are a terminal.
pub trait Ask: Send + Sync {
    /// One of several, by its position; the first is marked.
    ///
    /// # Errors
    /// Where the user broke off, or the terminal failed.
    fn select(&self, question: &str, choices: &[Choice]) -> Result<usize, CliError>;

    /// Yes or no; no is the default.
    ///
    /// # Errors
    /// As [`Ask::select`].
    fn confirm(&self, question: &str) -> Result<bool, CliError>;

    /// One of many, by its position; what is typed narrows them, and the one that is marked is shown.
    ///
    /// # Errors
    /// As [`Ask::select`].
    fn pick(&self, choices: &[Choice], preview: Preview<'_>) -> Result<usize, CliError>;
}

/// Shows a choice, by its position, on so many columns.
pub type Preview<'a> = &'a mut dyn FnMut(usize, usize) -> String;

/// Random words of the operating system.
struct RandomIds;

impl Ids for RandomIds {
    fn nonce(&self) -> Nonce {
        Nonce(random_bytes::<16>().iter().map(|byte| format!("{byte:02x}")).collect())
    }
}

fn random_run_id() -> RunId {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let millis = now.map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(0));
    let ulid = ulid::Ulid::from_parts(millis, u128::from_be_bytes(random_bytes()));
    ulid.to_string().parse().expect("a ULID is a run id")
}

fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    bytes
}
