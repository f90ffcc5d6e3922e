//! Reads the process table from `/proc`. Elsewhere (macOS) it is empty.

use std::fs;
use std::sync::OnceLock;
use std::time::{Duration, Instant, SystemTime};

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

/// All processes but those that were certainly there before.
pub(super) fn processes_since(moment: Moment) -> Vec<Process> {
    let clock_is_sound = !moment.clock_was_put_back();
    let is_older = |&pid: &u32| clock_is_sound && moment.is_after(shown(pid));
    ids().into_iter().filter(|pid| !is_older(pid)).filter_map(process).collect()
}

fn ids() -> Vec<u32> {
    numbers_in("/proc")
}

/// The ids of our own children, those that have ended and were not waited for included.
pub(super) fn children() -> Vec<u32> {
    if fs::exists("/proc/thread-self/children").unwrap_or(false) {
        // Listed with the thread that started or adopted them; far less to read than all processes.
        let threads = numbers_in("/proc/self/task").into_iter();
        let lists = threads.map(|id| fs::read_to_string(format!("/proc/self/task/{id}/children")));
        // A thread that has ended meanwhile has none.
        let lists: String = lists.filter_map(Result::ok).collect();
        return lists.split_ascii_whitespace().filter_map(|id| id.parse().ok()).collect();
    }
    // A kernel without these lists.
    let ours = |process: &Process| process.parent == std::process::id();
    processes().into_iter().filter(ours).map(|process| process.pid).collect()
}

/// The entries of a folder that are numbers; none where there is no such folder.
fn numbers_in(folder: &str) -> Vec<u32> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()).collect()
}

/// Tells older processes from newer ones without reading their lines: a line costs ten times as much,
/// and nearly all processes of a machine are older than the agent.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment {
    wall: SystemTime,
    steady: Instant,
}

impl Moment {
    pub(super) fn now() -> Self {
        Self { wall: SystemTime::now(), steady: Instant::now() }
    }

    fn is_after(&self, shown: Option<SystemTime>) -> bool {
        shown.is_some_and(|shown| shown + TICK < self.wall)
    }

    /// Both clocks run at the same pace, so only a clock that was set tells them apart.
    fn clock_was_put_back(&self) -> bool {
        let wall = SystemTime::now().duration_since(self.wall).unwrap_or_default();
        wall + Duration::from_millis(1) < self.steady.elapsed()
    }
}

/// How far the times of files lag behind the clock, with room to spare.
const TICK: Duration = Duration::from_millis(20);

/// When the kernel first showed the folder of a process, which it did not before its start.
fn shown(pid: u32) -> Option<SystemTime> {
    fs::metadata(format!("/proc/{pid}")).ok()?.modified().ok()
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

/// The session that codeloops is in, for the whole of its life.
///
/// Not by getsid(2): in a container whose first process came from outside the session is 0, which
/// rustix takes for impossible (it panics, or gives an id that is none).
pub(super) fn own_session() -> Option<u32> {
    static SESSION: OnceLock<Option<u32>> = OnceLock::new();
    *SESSION.get_or_init(|| process(std::process::id()).map(|us| us.session))
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
    use std::process::Command;

    use super::*;

    #[test]
    fn children_are_known_whichever_thread_started_them() {
        let start = || Command::new("sleep").arg("1000").spawn().unwrap();
        let mut here = start();
        let mut elsewhere = std::thread::spawn(start).join().unwrap();
        let known = children();
        for child in [&mut here, &mut elsewhere] {
            assert!(known.contains(&child.id()));
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    #[test]
    fn only_what_is_certainly_older_is_left_out() {
        let now = Moment::now();
        let hour = Duration::from_secs(3600);
        let later = Moment { wall: now.wall + hour, steady: now.steady + hour };
        let put_back = Moment { steady: now.steady - Duration::from_secs(1), ..later };
        for (what, moment, left_out) in [
            ("before us", Moment { wall: now.wall - hour, ..now }, false),
            ("after us", later, true),
            ("after us by a clock that was put back", put_back, false),
        ] {
            let us = |process: &Process| process.pid == std::process::id();
            assert_eq!(!processes_since(moment).iter().any(us), left_out, "{what}");
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
