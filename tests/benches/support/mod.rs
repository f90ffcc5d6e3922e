//! What the benches share: the released program in a place of its own, and what a run of it used.

// Each bench is a program of its own and uses a part of this.
#![allow(dead_code, reason = "each bench uses a part of this")]
#![expect(clippy::unwrap_used, reason = "a bench that cannot run has no figures")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, WaitId, WaitIdOptions};

/// The fake agent, built with the bench.
pub(crate) const FAKE_AGENT: &str = env!("CARGO_BIN_EXE_fake-agent");

/// Builds the program as it is released, and gives its path.
pub(crate) fn released() -> PathBuf {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let build = ["build", "--quiet", "--release", "--locked", "--package", "codeloops"];
    assert!(Command::new(cargo).args(build).current_dir(root).status().unwrap().success());
    Path::new(FAKE_AGENT).with_file_name("codeloops")
}

/// A folder with a repository, an agent that plays a script, and nothing of the user's.
pub(crate) struct Place(tempfile::TempDir);

impl Place {
    /// A repository of so many small files, and the script that both roles play.
    pub(crate) fn new(files: usize, script: &str) -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        fs::create_dir_all(place.path("config/codeloops")).unwrap();
        let config = format!(
            "[defaults]\nagent = \"fake\"\n[defaults.agents.fake]\ncommand = [{FAKE_AGENT:?}]\n"
        );
        fs::write(place.path("config/codeloops/config.toml"), config).unwrap();
        fs::write(place.path("script"), script).unwrap();
        fs::create_dir(place.repo()).unwrap();
        for n in 0..files {
            fs::write(place.repo().join(format!("{n}.txt")), "a line\n".repeat(30)).unwrap();
        }
        place.git(&["init", "-q"]);
        place.git(&["add", "-A"]);
        place.git(&["-c", "user.name=b", "-c", "user.email=b@b", "commit", "-qm", "base"]);
        place
    }

    /// Lets the agent print this `output`.
    pub(crate) fn speak(&self, output: &str) {
        let path = self.path("config/codeloops/config.toml");
        let config = fs::read_to_string(&path).unwrap();
        fs::write(path, format!("{config}output = {output:?}\n")).unwrap();
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn repo(&self) -> PathBuf {
        self.path("repo")
    }

    /// A command in the repository, hidden from the user's settings.
    pub(crate) fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(self.repo())
            .env("HOME", self.0.path())
            .env("XDG_CONFIG_HOME", self.path("config"))
            .env("XDG_DATA_HOME", self.path("data"))
            .env("FAKE_AGENT_SCRIPT", self.path("script"))
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        command
    }

    pub(crate) fn git(&self, args: &[&str]) {
        assert!(self.command("git").args(args).status().unwrap().success());
    }
}

/// What each recorded call of an agent printed.
pub(crate) fn recordings(agent: &str) -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../adapters/tests/transcripts");
    let entries = fs::read_dir(folder.join(agent)).unwrap();
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|ending| ending == "stdout"));
    paths.sort();
    let printed = paths.iter().map(|path| fs::read_to_string(path).unwrap());
    printed.map(|text| text.trim_end().to_owned() + "\n").collect()
}

/// What one run used.
pub(crate) struct Used {
    pub(crate) wall: Duration,
    /// Processor time without that of its children.
    pub(crate) cpu: Duration,
    /// Peak memory in KiB, of it or of its largest child.
    pub(crate) peak: u64,
}

/// Runs a command to its end, whatever its exit code.
#[expect(clippy::zombie_processes, reason = "it is reaped by its id, with what it used")]
pub(crate) fn measure(command: &mut Command) -> Used {
    let started = Instant::now();
    let child = command.spawn().unwrap();
    let pid = Pid::from_raw(child.id().try_into().unwrap()).unwrap();
    rustix::process::waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT)
        .unwrap();
    let wall = started.elapsed();
    let cpu = own_cpu(child.id());
    Used { wall, cpu, peak: reap(child.id()) }
}

/// Processor time of a process that has ended and is not reaped. A kernel tells it in ticks of
/// 10 ms, so a run has to be long.
fn own_cpu(pid: u32) -> Duration {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    let ticks = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
    Duration::from_millis(ticks * 10)
}

/// Processor time of all threads of this process.
pub(crate) fn cpu_time() -> Duration {
    let tasks = fs::read_dir("/proc/self/task").unwrap().flatten();
    let nanos = tasks.filter_map(|task| -> Option<u64> {
        let text = fs::read_to_string(task.path().join("schedstat")).ok()?;
        text.split(' ').next()?.parse::<u64>().ok()
    });
    Duration::from_nanos(nanos.sum())
}

/// Reaps a process; gives its peak memory in KiB.
fn reap(pid: u32) -> u64 {
    // SAFETY: all zeroes is a value of this structure of integers.
    #[expect(unsafe_code, reason = "the system call fills a structure of the caller's")]
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    let mut status = 0;
    // SAFETY: both pointers are to values that live until the call returns.
    #[expect(unsafe_code, reason = "nothing in the standard library tells what a child used")]
    let reaped =
        unsafe { libc::wait4(pid.try_into().unwrap(), &raw mut status, 0, &raw mut usage) };
    assert!(reaped > 0, "{}", std::io::Error::last_os_error());
    usage.ru_maxrss.try_into().unwrap()
}

/// The middle one.
pub(crate) fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// The lowest: what it takes where nobody else disturbs.
pub(crate) fn lowest(times: &[f64]) -> f64 {
    times.iter().copied().fold(f64::INFINITY, f64::min)
}

pub(crate) fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

#[expect(clippy::print_stdout, reason = "a bench prints its figures")]
pub(crate) fn say(line: &str) {
    println!("{line}");
}
