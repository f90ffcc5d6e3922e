//! Reads the process table from `/proc`. Elsewhere (macOS) it is empty.

use std::collections::BTreeMap;
use std::fs;
use std::sync::OnceLock;

use rustix::fs::{Mode, OFlags};

/// One line of the process table. A process is told from a later one with the same id by its start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Process {
    pub(super) pid: u32,
    pub(super) parent: u32,
    pub(super) group: u32,
    pub(super) session: u32,
    pub(super) state: u8,
    pub(super) threads: u32,
    /// Clock ticks since boot.
    pub(super) start: u64,
}

impl Process {
    /// Whether it has ended and only waits to be reaped. One whose first thread has ended looks the
    /// same by its state, while its other threads work on.
    pub(super) const fn is_zombie(&self) -> bool {
        matches!(self.state, b'Z' | b'X') && self.threads <= 1
    }
}

/// All processes.
pub(super) fn processes() -> Vec<Process> {
    numbers_in("/proc").into_iter().filter_map(process).collect()
}

/// `leader`, the orphans that we adopted, and all who descend from them; those of our children that
/// our first thread started are taken for adopted. All processes where the kernel has no lists of
/// children.
///
/// Whoever loses its parent while this is read may be missed, but not its parent: as living, or as
/// ended and not reaped.
pub(super) fn family(leader: u32) -> Vec<Process> {
    if !lists_children() {
        return processes();
    }
    let us = std::process::id();
    let mut found: BTreeMap<u32, Process> = BTreeMap::new();
    // The kernel gives orphans to our first thread that lives: main.
    let mut next = children_of_thread(us, us);
    next.push(leader);
    while let Some(pid) = next.pop() {
        if !found.contains_key(&pid)
            && let Some(process) = process(pid)
        {
            if !process.is_zombie() {
                next.extend(children_of(pid));
            }
            found.insert(pid, process);
        }
    }
    found.into_values().collect()
}

/// The ids of our own children, those that have ended and were not waited for included.
pub(super) fn children() -> Vec<u32> {
    let us = std::process::id();
    if lists_children() {
        return children_of(us);
    }
    let ours = |process: &Process| process.parent == us;
    processes().into_iter().filter(ours).map(|process| process.pid).collect()
}

/// Whether the kernel has lists of children (`CONFIG_PROC_CHILDREN`): far less to read than all
/// processes.
fn lists_children() -> bool {
    static LISTS: OnceLock<bool> = OnceLock::new();
    *LISTS.get_or_init(|| fs::exists("/proc/thread-self/children").unwrap_or(false))
}

/// The children of all threads of a process: each is listed with the thread that started it.
fn children_of(pid: u32) -> Vec<u32> {
    let threads = numbers_in(&format!("/proc/{pid}/task")).into_iter();
    threads.flat_map(|thread| children_of_thread(pid, thread)).collect()
}

/// None for a thread that has ended meanwhile.
fn children_of_thread(pid: u32, thread: u32) -> Vec<u32> {
    let list = fs::read_to_string(format!("/proc/{pid}/task/{thread}/children"));
    let ids =
        |list: String| list.split_ascii_whitespace().filter_map(|id| id.parse().ok()).collect();
    list.map(ids).unwrap_or_default()
}

/// The entries of a folder that are numbers; none where there is no such folder.
fn numbers_in(folder: &str) -> Vec<u32> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()).collect()
}

/// One process.
pub(super) fn process(pid: u32) -> Option<Process> {
    // One read, and nothing asked before it: the line is about 300 bytes.
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
    let [value] = variables(pid, [name]);
    value
}

/// The values of several.
pub(super) fn variables<const N: usize>(pid: u32, names: [&str; N]) -> [Option<Vec<u8>>; N] {
    let environ = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
    let value = |pair: &[u8], name: &str| {
        pair.strip_prefix(name.as_bytes())?.strip_prefix(b"=").map(<[u8]>::to_vec)
    };
    names.map(|name| environ.split(|&byte| byte == 0).find_map(|pair| value(pair, name)))
}

/// Whether a process counts process ids as we do. Where the kernel has no namespaces all do.
pub(super) fn is_in_our_namespace(pid: u32) -> bool {
    let namespace = |who: &str| fs::read_link(format!("/proc/{who}/ns/pid")).ok();
    namespace(&pid.to_string()) == namespace("self")
}

/// The words with which a process was started, or what it put in their place; none for one that has
/// ended, or is just ending: it has given its memory back by then.
pub(super) fn command_line(pid: u32) -> Option<Vec<Vec<u8>>> {
    let line = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    if line.is_empty() {
        return None;
    }
    let words = line.strip_suffix(b"\0").unwrap_or(&line).split(|&byte| byte == 0);
    Some(words.map(<[u8]>::to_vec).collect())
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
        threads: fields.nth(13)?.parse().ok()?,
        start: fields.nth(1)?.parse().ok()?,
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
    fn a_name_with_brackets_does_not_shift_the_fields() {
        let stat = b"42 (a) R 9 (b c) S 7 40 39 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 98765 1 2 3";
        let process = parse(42, stat).unwrap();
        assert_eq!(
            process,
            Process {
                pid: 42,
                parent: 7,
                group: 40,
                session: 39,
                state: b'S',
                threads: 1,
                start: 98765
            }
        );
    }
}
