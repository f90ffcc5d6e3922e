//! Reads the process table from `/proc`. Elsewhere (macOS) it is empty.

use std::fs;
use std::os::unix::fs::MetadataExt;

use rustix::fs::{Mode, OFlags};

/// One line of the process table. A process is told from a later one with the same id by its start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Process {
    pub(super) pid: u32,
    pub(super) parent: u32,
    pub(super) group: u32,
    pub(super) session: u32,
    pub(super) state: u8,
    /// Clock ticks since boot.
    pub(super) start: u64,
}

impl Process {
    /// Whether it has ended and only waits to be reaped.
    pub(super) const fn is_zombie(&self) -> bool {
        matches!(self.state, b'Z' | b'X')
    }
}

/// All processes.
pub(super) fn processes() -> Vec<Process> {
    ids().into_iter().filter_map(process).collect()
}

/// All processes but those that are certainly older than the one born then.
pub(super) fn processes_since(birth: Birth) -> Vec<Process> {
    ids().into_iter().filter(|&pid| !birth.is_after(pid)).filter_map(process).collect()
}

fn ids() -> Vec<u32> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()).collect()
}

/// Tells older processes from newer ones without reading their lines: a line costs ten times as much,
/// and nearly all processes of a machine are older than the agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Birth {
    pid: u32,
    /// When the kernel first showed its folder in `/proc`: at its start at the earliest.
    shown: Option<(i64, i64)>,
}

impl Birth {
    /// Of a process that was just started.
    pub(super) fn of(pid: u32) -> Self {
        Self { pid, shown: shown(pid) }
    }

    /// Whether another process certainly started before this one. Ids begin anew at some time, and
    /// a clock may be put back, so neither alone is believed.
    fn is_after(&self, other: u32) -> bool {
        other < self.pid && shown(other).is_some_and(|other| Some(other) < self.shown)
    }
}

fn shown(pid: u32) -> Option<(i64, i64)> {
    let folder = fs::metadata(format!("/proc/{pid}")).ok()?;
    Some((folder.ctime(), folder.ctime_nsec()))
}

/// One process.
pub(super) fn process(pid: u32) -> Option<Process> {
    // Done for every process of the system at the end of every call: one read, and nothing asked
    // before it. The line is about 300 bytes.
    let mut line = [0; 1024];
    let path = format!("/proc/{pid}/stat");
    let file = rustix::fs::open(path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()).ok()?;
    let count = rustix::io::read(file, &mut line[..]).ok()?;
    parse(pid, &line[..count])
}

/// When a process started.
pub(super) fn start_ticks(pid: u32) -> Option<u64> {
    process(pid).map(|process| process.start)
}

/// The value of a variable in the environment with which a process was started. `None` for a
/// process that has none, has ended, or is somebody else's.
pub(super) fn variable(pid: u32, name: &str) -> Option<Vec<u8>> {
    let environ = fs::read(format!("/proc/{pid}/environ")).ok()?;
    let mut pairs = environ.split(|&byte| byte == 0);
    pairs
        .find_map(|pair| pair.strip_prefix(name.as_bytes())?.strip_prefix(b"=").map(<[u8]>::to_vec))
}

/// Fields by proc_pid_stat(5). The name of the program may hold spaces and brackets, so what counts
/// comes after the last bracket.
fn parse(pid: u32, stat: &[u8]) -> Option<Process> {
    let after_name = stat.iter().rposition(|&byte| byte == b')')? + 1;
    let text = std::str::from_utf8(&stat[after_name..]).ok()?;
    let mut fields = text.split_ascii_whitespace();
    Some(Process {
        pid,
        state: *fields.next()?.as_bytes().first()?,
        parent: fields.next()?.parse().ok()?,
        group: fields.next()?.parse().ok()?,
        session: fields.next()?.parse().ok()?,
        start: fields.nth(15)?.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_certainly_older_is_left_out() {
        let born = |pid, secs| Birth { pid, shown: Some((secs, 0)) };
        let us = std::process::id();
        let now = shown(us).unwrap().0;
        for (birth, left_out) in [
            (born(us + 1, now + 1), true),
            (born(us, now + 1), false),
            (born(us - 1, now + 1), false),
            (born(us + 1, now - 1), false),
            (Birth { pid: us + 1, shown: None }, false),
        ] {
            let found = processes_since(birth).iter().any(|process| process.pid == us);
            assert_eq!(found, !left_out, "{birth:?}");
        }
    }

    #[test]
    fn a_name_with_brackets_does_not_shift_the_fields() {
        let stat = b"42 (a) R 9 (b c) S 7 40 39 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 98765 1 2 3";
        let process = parse(42, stat).unwrap();
        assert_eq!(
            process,
            Process { pid: 42, parent: 7, group: 40, session: 39, state: b'S', start: 98765 }
        );
    }
}
