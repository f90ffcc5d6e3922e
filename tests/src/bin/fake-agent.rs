//! An agent program that does what a script says; see `script` for the language.
//!
//! The script is the file named in `FAKE_AGENT_SCRIPT`, else in the first argument. The number of
//! calls so far is the size of `<script>.count`. An expectation that is not met, or a line that is
//! no command, ends it with code 97, a message on stderr, and the message in `<script>.failed`.

use std::ffi::c_int;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command as Process, ExitCode, Stdio};
use std::time::Duration;

use codeloops_tests::script::{Call, Command, Script};

/// The exit code of an unmet expectation.
const UNMET: u8 = 97;
/// How long processes that are left behind would live.
const LONG: &str = "100000";

fn main() -> ExitCode {
    let Some(path) = std::env::var_os("FAKE_AGENT_SCRIPT").or_else(|| std::env::args_os().nth(1))
    else {
        return unmet(Path::new("fake-agent"), "FAKE_AGENT_SCRIPT is not set");
    };
    let path = PathBuf::from(path);
    match play(&path) {
        Ok(code) => code,
        Err(message) => unmet(&path, &message),
    }
}

fn unmet(script: &Path, message: &str) -> ExitCode {
    let told = writeln!(io::stderr(), "fake-agent: {message}");
    let kept = fs::write(beside(script, "failed"), format!("{message}\n"));
    drop((told, kept));
    ExitCode::from(UNMET)
}

fn beside(script: &Path, ending: &str) -> PathBuf {
    let mut name = script.as_os_str().to_owned();
    name.push(".");
    name.push(ending);
    name.into()
}

fn play(path: &Path) -> Result<ExitCode, String> {
    let text = fs::read_to_string(path).map_err(|e| format!("`{}`: {e}", path.display()))?;
    let script = Script::parse(&text)?;
    let role = std::env::var("CODELOOPS_ROLE").unwrap_or_default();
    let iteration = std::env::var("CODELOOPS_ITERATION").ok().and_then(|n| n.parse().ok());
    let commands = match script.on(Call { role: &role, iteration }) {
        Some(commands) => commands,
        None => script.invocation(count_call(path)?),
    };
    let mut prompt = Vec::new();
    if !commands.contains(&&Command::NoReadStdin) {
        io::stdin().read_to_end(&mut prompt).map_err(|e| format!("stdin: {e}"))?;
    }
    let prompt = String::from_utf8_lossy(&prompt);
    for command in commands {
        if let Some(code) = perform(command, &prompt).map_err(|e| format!("{command:?}: {e}"))? {
            return Ok(code);
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Counts this call; says how many there were before it.
fn count_call(script: &Path) -> Result<usize, String> {
    let path = beside(script, "count");
    let count = || {
        let mut file = File::options().create(true).append(true).open(&path)?;
        let before = file.metadata()?.len();
        file.write_all(b"x")?;
        Ok::<_, io::Error>(before)
    };
    let before = count().map_err(|e| format!("`{}`: {e}", path.display()))?;
    usize::try_from(before).map_err(|e| e.to_string())
}

/// Does one thing; an exit code ends the script.
fn perform(command: &Command, prompt: &str) -> Result<Option<ExitCode>, io::Error> {
    match command {
        Command::Print(text) => print(format!("{text}\n").as_bytes())?,
        Command::PrintHex(bytes) => print(bytes)?,
        Command::PrintFile(file) => print(&fs::read(file)?)?,
        Command::Stderr(text) => writeln!(io::stderr(), "{text}")?,
        Command::Flood(bytes, line) => flood(*bytes, *line)?,
        Command::Edit(file, text) => write(file, false, text)?,
        Command::Append(file, text) => write(file, true, text)?,
        Command::Delete(file) => fs::remove_file(file)?,
        Command::Run(line) => run(line)?,
        Command::Sleep(time) => std::thread::sleep(*time),
        Command::Hang => loop {
            std::thread::park();
        },
        Command::IgnoreTerm => ignore_term(),
        Command::SpawnOrphan(file) => note_pid(file, &Process::new("sleep").arg(LONG).spawn()?)?,
        Command::SetsidChild(file) => note_pid(file, &daemon()?)?,
        Command::Touch(file) => write(file, false, "")?,
        Command::WaitFile(file) => wait_for(Path::new(file)),
        Command::Exit(code) => return Ok(Some(ExitCode::from(*code))),
        Command::SignalSelf(signal) => raise_signal(*signal),
        Command::ExpectPromptContains(text) => {
            expect(prompt.contains(text), || format!("the prompt is: {prompt}"))?;
        }
        Command::ExpectPromptLacks(text) => {
            expect(!prompt.contains(text), || format!("the prompt is: {prompt}"))?;
        }
        Command::ExpectEnv(name, value) => {
            let is = std::env::var_os(name).unwrap_or_default();
            expect(is == value.as_str(), || format!("it is `{}`", is.display()))?;
        }
        Command::SavePrompt(file) => fs::write(file, prompt)?,
        Command::SaveArgs(file) => {
            fs::write(file, std::env::args().skip(1).map(|arg| arg + "\n").collect::<String>())?;
        }
        Command::CloseStdout => close_stdout()?,
        Command::NoReadStdin => {}
    }
    Ok(None)
}

fn expect(met: bool, message: impl FnOnce() -> String) -> io::Result<()> {
    if met { Ok(()) } else { Err(io::Error::other(message())) }
}

fn print(bytes: &[u8]) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(bytes)?;
    stdout.flush()
}

/// Writes many lines at once: a line at a time would measure this program.
fn flood(bytes: u64, line: usize) -> io::Result<()> {
    let mut block = Vec::with_capacity(256 * 1024 + line);
    while block.len() < 256 * 1024 {
        block.resize(block.len() + line - 1, b'x');
        block.push(b'\n');
    }
    let mut stdout = io::stdout().lock();
    let mut left = bytes;
    while left > 0 {
        let count = usize::try_from(left).unwrap_or(usize::MAX).min(block.len());
        stdout.write_all(&block[..count])?;
        left -= count as u64;
    }
    stdout.flush()
}

fn write(file: &str, append: bool, line: &str) -> io::Result<()> {
    if let Some(dir) = Path::new(file).parent() {
        fs::create_dir_all(dir)?;
    }
    let mut options = File::options();
    options.create(true).append(append).write(true).truncate(!append);
    let mut file = options.open(file)?;
    if line.is_empty() { Ok(()) } else { writeln!(file, "{line}") }
}

fn run(line: &str) -> io::Result<()> {
    let status = Process::new("sh").arg("-c").arg(line).stdin(Stdio::null()).status()?;
    expect(status.success(), || status.to_string())
}

fn wait_for(file: &Path) {
    while !file.exists() {
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Written aside and moved, so that whoever sees the file sees the number.
fn note_pid(file: &str, child: &Child) -> io::Result<()> {
    let aside = format!("{file}.tmp");
    fs::write(&aside, format!("{}\n", child.id()))?;
    fs::rename(aside, file)
}

#[expect(unsafe_code, reason = "the standard library has no safe way to call these")]
unsafe extern "C" {
    fn signal(number: c_int, handler: usize) -> usize;
    fn raise(number: c_int) -> c_int;
    fn setsid() -> c_int;
    fn dup2(from: c_int, to: c_int) -> c_int;
}

fn daemon() -> io::Result<Child> {
    let mut command = Process::new("sleep");
    command.arg(LONG).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    // SAFETY: between fork and exec only setsid(2) is called, which is async-signal-safe.
    #[expect(unsafe_code, reason = "the standard library has no safe way to call setsid")]
    unsafe {
        command.pre_exec(|| if setsid() < 0 { Err(io::Error::last_os_error()) } else { Ok(()) });
    }
    command.spawn()
}

fn ignore_term() {
    const SIGINT: c_int = 2;
    const SIGTERM: c_int = 15;
    const SIG_IGN: usize = 1;
    for number in [SIGINT, SIGTERM] {
        // SAFETY: SIG_IGN is a valid disposition; no handler of ours is installed.
        #[expect(unsafe_code, reason = "the standard library cannot ignore a signal")]
        let _before = unsafe { signal(number, SIG_IGN) };
    }
}

fn raise_signal(number: c_int) {
    // SAFETY: raise(3) takes any number and touches no memory of ours.
    #[expect(unsafe_code, reason = "the standard library cannot send a signal")]
    let _status = unsafe { raise(number) };
}

/// Puts /dev/null in its place: a free number 1 would be given to the next file that is opened.
fn close_stdout() -> io::Result<()> {
    let null = File::options().write(true).open("/dev/null")?;
    let number = std::os::fd::AsRawFd::as_raw_fd(&null);
    // SAFETY: both numbers are open descriptors of this process.
    #[expect(unsafe_code, reason = "the standard library cannot redirect its own stdout")]
    let status = unsafe { dup2(number, 1) };
    if status < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
