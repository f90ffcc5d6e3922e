//! Watches a run from outside: the lines of its session file as they come, and its processes, which
//! are found by `/proc`.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use codeloops_event::{Event, RunId};

use crate::Workspace;

/// How long a test waits for what must come; a test that needs it has failed.
const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until there is something.
#[track_caller]
pub fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let until = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < until, "{what}: waited in vain");
        std::thread::sleep(Duration::from_micros(500));
    }
}

/// Waits until the session file has a line that fits. A line that is being written is left alone.
#[track_caller]
pub fn line_where(place: &Workspace, what: &str, fits: impl Fn(&Event) -> bool) -> Event {
    eventually(what, || whole_lines(place).into_iter().find(&fits))
}

/// The whole lines of the newest session file so far; none where there is no file.
pub fn whole_lines(place: &Workspace) -> Vec<Event> {
    let text = place.session_files().pop().map(|file| fs::read(file).unwrap_or_default());
    let text = String::from_utf8(text.unwrap_or_default()).unwrap();
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    whole.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Whether a process lives. One that has ended and that nobody has waited for does not.
pub fn lives(pid: u32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| {
        let state = stat.rsplit(')').next().unwrap_or_default().trim_start();
        !state.starts_with(['Z', 'X'])
    })
}

/// The living processes with this run's id in their environment.
pub fn processes_of(run: &RunId) -> Vec<u32> {
    let entry = format!("CODELOOPS_RUN_ID={run}");
    processes_with(entry.as_bytes())
}

/// The living processes that were started in this place, whoever started them.
pub fn processes_in(place: &Workspace) -> Vec<u32> {
    let entry = format!("HOME={}", place.at("home").display());
    processes_with(entry.as_bytes())
}

fn processes_with(entry: &[u8]) -> Vec<u32> {
    let pids = fs::read_dir("/proc").unwrap().filter_map(|entry| {
        entry.ok()?.file_name().to_str()?.parse::<u32>().ok().filter(|pid| lives(*pid))
    });
    let carries = |pid: &u32| {
        let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environment.split(|&byte| byte == 0).any(|variable| variable == entry)
    };
    pids.filter(carries).collect()
}

/// Lock files and half-written files that somebody left in the repository's own folder.
fn left_in_git(place: &Workspace) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![place.at("project/.git")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let path = entry.path();
            if entry.file_type().unwrap().is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "lock")
                || path.parent().is_some_and(|folder| folder.ends_with(".git/codeloops"))
            {
                found.push(path);
            }
        }
    }
    found
}

/// Fails where a run that is over left a process or a file that only a living run has.
#[track_caller]
pub fn assert_nothing_is_left(place: &Workspace) {
    assert_eq!(processes_in(place), [0; 0], "processes are left");
    assert_eq!(left_in_git(place), [""; 0].map(PathBuf::from), "files are left in .git");
}
