//! Finds and ends what a program spawned, wherever it moved.
//!
//! On Linux codeloops is the "subreaper" of its descendants: whoever loses its parent becomes its
//! child, so all that the leader spawned is found below the leader and below what was adopted. An
//! adopted process belongs to a call if it was seen below the leader before, is in the leader's
//! session or group, carries its mark in its environment, or (where it can be nobody else's) is
//! in another session than we are. The mark of an agent call is the run's id. Gates, of which several
//! may run at once, and what accompanies the whole run (the program of a sink) have a mark each, a
//! word of their own. Adopted processes are also reaped here, each by its own id: a wait for any child
//! would take the exit status from those who wait for theirs.
//!
//! What a program has started by somebody else (`at`, a container's daemon) is not found.
//!
//! An orphan can be nobody else's where no other call runs in this process and codeloops had no
//! other child when the call began. It has one where a shell became codeloops by `exec` and had
//! started something before, or where `git` left a daemon behind: what these leave to be adopted
//! looks like an agent's orphan, so in doubt nothing is ended for being one. Whatever else codeloops
//! starts in a session of its own while a call runs must be started by [`start`].
//!
//! Of calls that run at once, an orphan that threw its mark away may be any one's. It lives until the
//! last of them is over, which ends it, and it is nobody's leftover.
//!
//! On macOS there is no `/proc` and no subreaper: the leader's process group is ended, and a process
//! that moved to a group of its own is not found.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::{Mutex, MutexGuard, Once, PoisonError};
use std::time::{Duration, Instant};

use codeloops_event::{ProcessInfo, RunId};
use rustix::process::{Pid, Signal, WaitOptions};

use super::proc_fs::{self, Process};
use super::spawn::{self, Invocation, Pipes, Streams};

/// The variable that marks the processes of a run.
pub(crate) const RUN_ID_VARIABLE: &str = "CODELOOPS_RUN_ID";

/// The variable that names the process that started them, so that it can be told whether that lives.
pub(crate) const OWNER_VARIABLE: &str = "CODELOOPS_PID";

/// The variable that marks the processes of one call of a gate.
pub(crate) const GATE_CALL_VARIABLE: &str = "CODELOOPS_GATE_CALL";

/// The variable that marks the processes of a companion.
pub(crate) const COMPANION_VARIABLE: &str = "CODELOOPS_SINK";

/// What a program is to the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// It answers one call, and nothing of it is left when the call is over.
    Call,
    /// It accompanies the whole run, and no call ends it.
    Companion,
}

/// Programs that run right now and are waited for by their own supervisor. Locked while one is
/// started and while the process table is read, so that nobody takes another's newborn for an
/// orphan.
static LEADERS: Mutex<Leaders> = Mutex::new(BTreeMap::new());

/// By process id.
type Leaders = BTreeMap<u32, Running>;

/// What is known of a program that runs.
#[derive(Debug, Clone, Copy)]
struct Running {
    kind: Kind,
    /// Whether codeloops had children that it did not start as leaders, when this program began or the
    /// first of those that it ran with.
    has_strangers: bool,
    /// When that was, by the process table; none where there is none.
    since: Option<u64>,
    /// Whether another call ran at the same time, at any moment of its life.
    had_company: bool,
}

fn leaders() -> MutexGuard<'static, Leaders> {
    LEADERS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Starts a program as a leader.
pub(super) fn start(
    invocation: &Invocation,
    streams: Streams,
    kind: Kind,
) -> io::Result<(Pid, Pipes)> {
    let mut leaders = leaders();
    let company = leaders.values().find(|other| kind == Kind::Call && other.is_call()).copied();
    // Asked before, or an orphan of the program's could be seen already. Where another call runs, it
    // may be that one's.
    let has_strangers =
        company.map_or_else(|| has_strangers(&leaders), |other| other.has_strangers);
    let (pid, pipes) = spawn::spawn(invocation, streams)?;
    let since = company.map_or_else(|| proc_fs::start_ticks(number(pid)), |other| other.since);
    if company.is_some() {
        let calls = leaders.values_mut().filter(|other| other.is_call());
        calls.for_each(|other| other.had_company = true);
    }
    let had_company = company.is_some();
    leaders.insert(number(pid), Running { kind, has_strangers, since, had_company });
    Ok((pid, pipes))
}

impl Running {
    fn is_call(&self) -> bool {
        self.kind == Kind::Call
    }
}

/// Whether codeloops has children that it did not start as leaders. One that has ended has no children
/// any more: they are ours by now.
fn has_strangers(leaders: &Leaders) -> bool {
    let strangers = proc_fs::children().into_iter().filter(|pid| !leaders.contains_key(pid));
    strangers.filter_map(proc_fs::process).any(|process| !process.is_zombie())
}

/// Tells that a leader has been reaped.
pub(super) fn forget(pid: u32) {
    leaders().remove(&pid);
}

/// Whether a leader has been started and not reaped.
#[cfg(test)]
pub(super) fn is_leader(pid: u32) -> bool {
    leaders().contains_key(&pid)
}

/// Whether a process is a companion of the run.
pub(super) fn is_companion(pid: u32) -> bool {
    leaders().get(&pid).is_some_and(|running| running.kind == Kind::Companion)
}

/// Makes us the parent of every descendant whose parent ends, instead of the system's first
/// process.
pub(super) fn adopt_orphans() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        #[cfg(target_os = "linux")]
        if let Err(error) = rustix::process::set_child_subreaper(Some(rustix::process::getpid())) {
            tracing::warn!(%error, "orphans cannot be adopted");
        }
    });
}

/// What the processes of a program have in their environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Mark {
    /// Those of a run's agents: its id.
    Run(RunId),
    /// Those of one call of a gate: a word that no other has.
    Gate(String),
    /// Those of a companion: a word that no other has.
    Companion(String),
}

/// What a process carries of the marks that this process gave out.
enum Carried {
    Run(Vec<u8>),
    Gate(Vec<u8>),
    Companion(Vec<u8>),
    Nothing,
}

impl Mark {
    const fn kind(&self) -> Kind {
        match self {
            Self::Run(_) | Self::Gate(_) => Kind::Call,
            Self::Companion(_) => Kind::Companion,
        }
    }

    /// The variable that it is, and its value.
    pub(crate) fn variable(&self) -> (&'static str, &str) {
        match self {
            Self::Run(run) => (RUN_ID_VARIABLE, run.as_str()),
            Self::Gate(word) => (GATE_CALL_VARIABLE, word),
            Self::Companion(word) => (COMPANION_VARIABLE, word),
        }
    }

    /// A mark for a new call of a gate.
    pub(crate) fn of_new_gate_call() -> io::Result<Self> {
        new_word().map(Self::Gate)
    }

    /// A mark for a new companion.
    pub(crate) fn of_new_companion() -> io::Result<Self> {
        new_word().map(Self::Companion)
    }

    /// Whether a process carries this mark; none where it carries neither this nor another that tells
    /// whose it is.
    fn is_on(&self, pid: u32) -> Option<bool> {
        match (self, Carried::by(pid)) {
            (_, Carried::Nothing) => None,
            (Self::Run(own), Carried::Run(run)) => (run == own.as_str().as_bytes()).then_some(true),
            // It has the run's id as well, so it may be one's of whom nothing else is known.
            (Self::Gate(_), Carried::Run(_)) => None,
            (Self::Gate(own), Carried::Gate(word))
            | (Self::Companion(own), Carried::Companion(word)) => Some(word == own.as_bytes()),
            _ => Some(false),
        }
    }
}

impl Carried {
    fn by(pid: u32) -> Self {
        let names = [GATE_CALL_VARIABLE, COMPANION_VARIABLE, RUN_ID_VARIABLE];
        let [gate, companion, run] = proc_fs::variables(pid, names);
        let is_known = |word: &Vec<u8>| words().contains(word);
        let gate = gate.filter(is_known).map(Self::Gate);
        let word = gate.or_else(|| companion.filter(is_known).map(Self::Companion));
        word.or_else(|| run.map(Self::Run)).unwrap_or(Self::Nothing)
    }
}

/// A word that nobody can guess: what carries another may be an agent's that hides.
fn new_word() -> io::Result<String> {
    let mut random = [0; 16];
    getrandom::fill(&mut random).map_err(io::Error::other)?;
    let word = format!("{}.{:032x}", std::process::id(), u128::from_ne_bytes(random));
    words().insert(word.clone().into_bytes());
    Ok(word)
}

/// All words that were given out.
fn words() -> MutexGuard<'static, BTreeSet<Vec<u8>>> {
    static WORDS: Mutex<BTreeSet<Vec<u8>>> = Mutex::new(BTreeSet::new());
    WORDS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The processes of one call, or of one companion.
pub(super) struct Tree {
    leader: ProcessInfo,
    mark: Mark,
    /// Those seen, by process id.
    known: BTreeMap<u32, Known>,
}

/// A process that was seen.
#[derive(Clone, Copy)]
struct Known {
    start: u64,
    /// Whether it may be of another call that ran at the same time.
    is_doubtful: bool,
}

impl Tree {
    /// Those of a leader that was just started.
    pub(super) const fn new(leader: ProcessInfo, mark: Mark) -> Self {
        Self { leader, mark, known: BTreeMap::new() }
    }

    /// The living members beside the leader. Remembers them, and reaps those that we adopted and
    /// that have ended.
    pub(super) fn living(&mut self) -> Vec<Process> {
        loop {
            let (zombies, living): (Vec<_>, Vec<_>) =
                self.members().into_iter().partition(Process::is_zombie);
            let reaped = zombies.iter().filter(|zombie| reap_adopted(zombie)).count();
            // One that ended while the table was read may have left children to us unseen.
            if reaped == 0 || !living.is_empty() {
                return living;
            }
        }
    }

    /// Whether a member may be of another call that ran at the same time.
    pub(super) fn is_doubtful(&self, process: &Process) -> bool {
        self.knows(process) && self.known.get(&process.pid).is_some_and(|known| known.is_doubtful)
    }

    /// The members beside the leader. Remembers them.
    fn members(&mut self) -> Vec<Process> {
        let leaders = leaders();
        let Some(running) = leaders.get(&self.leader.pid) else { return Vec::new() };
        let Some(since) = running.since else { return Vec::new() };
        let mut table = proc_fs::family(self.leader.pid);
        table.retain(|p| p.start >= since && !leaders.contains_key(&p.pid) && !is_us(p.pid));
        let alone = self.is_alone(&leaders) && !running.has_strangers;
        for process in table.iter().filter(|process| !self.knows(process)).collect::<Vec<_>>() {
            let is_doubtful = match self.is_ours(process) {
                Some(true) => false,
                None if alone && is_adopted(process) => running.had_company,
                _ => continue,
            };
            self.known.insert(process.pid, Known { start: process.start, is_doubtful });
        }
        while self.add_children(&table) {}
        table.retain(|process| self.knows(process));
        table
    }

    /// Whether no other program runs whose orphans could be taken for ours. What a companion leaves
    /// behind carries its mark, so that a call need not mind it.
    fn is_alone(&self, leaders: &Leaders) -> bool {
        let mut others = leaders.iter().filter(|(pid, _)| **pid != self.leader.pid);
        match self.mark.kind() {
            Kind::Call => !others.any(|(_, other)| other.is_call()),
            Kind::Companion => others.next().is_none(),
        }
    }

    fn knows(&self, process: &Process) -> bool {
        self.known.get(&process.pid).is_some_and(|known| known.start == process.start)
    }

    /// Whether a process belongs here whoever its parent is; none where nobody can tell.
    fn is_ours(&self, process: &Process) -> Option<bool> {
        let leader = self.leader.pid;
        let by_leader =
            process.parent == leader || process.session == leader || process.group == leader;
        if by_leader { Some(true) } else { self.mark.is_on(process.pid) }
    }

    /// Adds the children of members; says whether there were any.
    fn add_children(&mut self, table: &[Process]) -> bool {
        let members = table.iter().filter(|p| self.knows(p));
        let members: BTreeMap<u32, bool> = members.map(|p| (p.pid, self.is_doubtful(p))).collect();
        let new = table.iter().filter(|p| !self.knows(p)).filter_map(|p| {
            let is_doubtful = *members.get(&p.parent)?;
            Some((p.pid, Known { start: p.start, is_doubtful }))
        });
        let new: Vec<_> = new.collect();
        let grown = !new.is_empty();
        self.known.extend(new);
        grown
    }
}

/// Ends what carries a mark, ourselves and our ancestors excepted, until nothing is left or `until`
/// has passed; up to `gently` each is only asked to end, once. Returns how many there were. What a
/// call of a gate left carries the mark of its run as well.
pub(crate) fn end_marked(mark: &Mark, gently: Instant, until: Instant) -> u32 {
    let mut ended = BTreeSet::new();
    loop {
        let living = living_with(mark.variable());
        if living.is_empty() || Instant::now() > until {
            return u32::try_from(ended.len()).unwrap_or(u32::MAX);
        }
        for process in living {
            let is_new = ended.insert((process.pid, process.start));
            if Instant::now() > gently {
                signal(&process, Signal::KILL);
            } else if is_new {
                signal(&process, Signal::TERM);
            }
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// What has a variable with this value, ourselves and our ancestors excepted.
fn living_with((name, value): (&str, &str)) -> Vec<Process> {
    let mut table = proc_fs::processes();
    let spared = ancestors(&table);
    table.retain(|process| {
        !process.is_zombie()
            && !spared.contains(&process.pid)
            && proc_fs::variable(process.pid, name).as_deref() == Some(value.as_bytes())
    });
    table
}

/// The processes that an earlier codeloops left behind, by the run id in their environment.
pub(crate) fn processes_of_run(run: &RunId) -> Vec<u32> {
    let living = living_with((RUN_ID_VARIABLE, run.as_str()));
    living.iter().map(|process| process.pid).collect()
}

/// The runs whose codeloops is gone while processes of theirs live, ourselves and our ancestors
/// excepted, and the run that we ourselves belong to: an agent's sandbox may hide its codeloops.
pub(crate) fn runs_left_behind() -> BTreeSet<RunId> {
    let table = proc_fs::processes();
    let spared = ancestors(&table);
    let candidates = table.iter().filter(|p| !p.is_zombie() && !spared.contains(&p.pid));
    let our_own = std::env::var(RUN_ID_VARIABLE).ok();
    let others = |run: &RunId| our_own.as_deref() != Some(run.as_str());
    candidates.filter_map(run_of_orphan).filter(others).collect()
}

/// The run of a process whose codeloops is gone. What is in its place by now, under the same id, began
/// after it. In another namespace of process ids (a container) the number means another process, and
/// nothing is known of its owner.
fn run_of_orphan(process: &Process) -> Option<RunId> {
    if !proc_fs::is_in_our_namespace(process.pid) {
        return None;
    }
    let text = |name| String::from_utf8(proc_fs::variable(process.pid, name)?).ok();
    let run = text(RUN_ID_VARIABLE)?.parse().ok()?;
    let owner: u32 = text(OWNER_VARIABLE)?.parse().ok()?;
    let lives = |owner: Process| !owner.is_zombie() && owner.start <= process.start;
    (!proc_fs::process(owner).is_some_and(lives)).then_some(run)
}

/// Signals exactly this process: one that only has the same id is left alone.
pub(super) fn signal(process: &Process, signal: Signal) {
    let Some(pid) = pid(process.pid) else { return };
    #[cfg(target_os = "linux")]
    if let Ok(handle) = rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty()) {
        // The handle is taken first: what has the right start time now is what the handle means.
        if proc_fs::start_ticks(process.pid) == Some(process.start) {
            let _gone = rustix::process::pidfd_send_signal(handle, signal);
        }
        return;
    }
    if proc_fs::start_ticks(process.pid) == Some(process.start) {
        let _gone = rustix::process::kill_process(pid, signal);
    }
}

/// Whether a process is none that somebody left behind: it has ended by itself, or it is the upkeep
/// that git starts unasked behind a commit, a fetch and the like, and that goes on in the background
/// (`git maintenance run --auto`, before that `git gc --auto`).
pub(super) fn ends_unasked(process: &Process) -> bool {
    let is_same = proc_fs::start_ticks(process.pid) == Some(process.start);
    match proc_fs::command_line(process.pid) {
        Some(command) if is_same => is_git_upkeep(&command),
        _ => true,
    }
}

fn is_git_upkeep(command: &[Vec<u8>]) -> bool {
    let mut words = command.iter().map(|word| String::from_utf8_lossy(word));
    let program = words.next().unwrap_or_default();
    let is_git = program == "git" || program.ends_with("/git");
    let words: Vec<_> = words.collect();
    let is_upkeep = words.iter().any(|word| word == "maintenance" || word == "gc");
    is_git && is_upkeep && words.iter().any(|word| word == "--auto")
}

/// A child of ours out of another session that nobody here started.
fn is_adopted(process: &Process) -> bool {
    is_us(process.parent) && Some(process.session) != proc_fs::own_session()
}

/// Whether there was something to reap.
fn reap_adopted(process: &Process) -> bool {
    let reap = |pid| rustix::process::waitpid(Some(pid), WaitOptions::NOHANG);
    is_adopted(process) && pid(process.pid).is_some_and(|pid| matches!(reap(pid), Ok(Some(_))))
}

fn ancestors(table: &[Process]) -> BTreeSet<u32> {
    let mut spared = BTreeSet::new();
    let mut next = Some(std::process::id());
    while let Some(pid) = next.filter(|pid| spared.insert(*pid)) {
        next = table.iter().find(|p| p.pid == pid).map(|p| p.parent);
    }
    spared
}

fn is_us(pid: u32) -> bool {
    pid == std::process::id()
}

/// The id as the process table has it.
pub(super) const fn number(pid: Pid) -> u32 {
    pid.as_raw_pid().unsigned_abs()
}

fn pid(raw: u32) -> Option<Pid> {
    i32::try_from(raw).ok().and_then(Pid::from_raw)
}

#[cfg(test)]
mod tests {
    use std::process::{Child, Command, Stdio};

    use super::*;

    /// A process of a run whose codeloops is process 4194305: a number that no process has here.
    fn left_behind(run: &str, before: &[&str]) -> Option<Child> {
        let mut words = before.iter().copied().chain(["env"]);
        let mut command = Command::new(words.next()?);
        command.args(words).arg(format!("{RUN_ID_VARIABLE}={run}"));
        command.arg(format!("{OWNER_VARIABLE}=4194305")).args([
            "sh",
            "-c",
            "echo; exec sleep 1000",
        ]);
        let mut child = command.stdout(Stdio::piped()).spawn().ok()?;
        let read = io::Read::read(child.stdout.as_mut()?, &mut [0]).ok()?;
        (read == 1).then_some(child)
    }

    fn is_told(run: &str, mut child: Child) -> bool {
        let told = runs_left_behind().contains(&run.parse().unwrap());
        child.kill().unwrap();
        child.wait().unwrap();
        told
    }

    /// A number of another namespace says nothing of who lives here: a container that shares the data
    /// directory may be at work.
    #[test]
    fn who_lives_in_another_namespace_is_not_judged() {
        let (here, there) = ("01ARZ3NDEKTSV4RRFFQ69G5FA1", "01ARZ3NDEKTSV4RRFFQ69G5FA2");
        let child = left_behind(here, &[]).unwrap();
        assert!(is_told(here, child));
        let Some(child) = left_behind(there, &["unshare", "--fork", "--pid", "--kill-child"])
        else {
            return eprintln!("nobody may make a namespace here");
        };
        assert!(!is_told(there, child));
    }
}
