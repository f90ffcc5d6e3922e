//! `kill -9` at every point of a run: what is recorded stays readable, what the agent did stays as
//! it is, and the next run finds nothing in its way.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use codeloops_event::{Event, ProcessInfo};
use codeloops_machine::{invariants, replay};
use codeloops_session::SessionReader;
use codeloops_tests::{Workspace, wait_for};
use rustix::process::Signal;

use crate::rough::{
    assert_nothing_is_left, eventually, line_where, lives, noted_pid, place_with_shell_agent,
    processes_in, processes_of, whole_lines,
};

/// Two rounds. What the actor does in each stands in `turn-1.sh` and `turn-2.sh`, so that a test
/// can do the same without codeloops. Nobody may read what it prints any more, and it does not care.
const TWO_ROUNDS: &str = r#"
trap '' PIPE
cat > /dev/null
case "$CODELOOPS_ROLE $CODELOOPS_ITERATION" in
"actor 1") sh ../turn-1.sh ;;
"actor 2") sh ../turn-2.sh ;;
"critic 1") printf 'DECISION: CONTINUE\n\nFEEDBACK: There is no second part.\n' ;;
"critic 2") printf 'DECISION: DONE\n\nSUMMARY: Both parts are there.\n' ;;
esac
"#;

/// Changes the tree and the history, and nothing when it is done once more.
const TURN_1: &str = "
echo first > part-1.txt
git add part-1.txt
git commit --quiet --message first -- part-1.txt > /dev/null
echo by the actor > README.md
";
const TURN_2: &str = "
mkdir -p parts
echo second > parts/2.txt
git rm --quiet --cached part-1.txt 2> /dev/null
true
";

pub(crate) fn two_rounds() -> Workspace {
    let place = place_with_shell_agent("text", TWO_ROUNDS);
    fs::write(place.at("turn-1.sh"), TURN_1).unwrap();
    fs::write(place.at("turn-2.sh"), TURN_2).unwrap();
    place.write("staged.txt", "staged by the user\n");
    place.git(&["add", "staged.txt"]);
    place.write("staged.txt", "staged by the user, and edited since\n");
    place.write("untracked.txt", "of the user\n");
    place
}

/// All that a user would miss.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct State {
    files: BTreeMap<PathBuf, Vec<u8>>,
    index: String,
    heads: String,
    head: String,
}

impl State {
    pub(crate) fn of(place: &Workspace) -> Self {
        let mut files = BTreeMap::new();
        read_all(&place.project(), Path::new(""), &mut files);
        Self {
            files,
            index: place.git(&["ls-files", "--stage", "-v"]),
            heads: place.git(&["for-each-ref", "refs/heads", "refs/stash"]),
            head: place.git(&["symbolic-ref", "HEAD"]),
        }
    }

    /// Before the actor, and after each of its turns: what it did, done without codeloops.
    pub(crate) fn expected() -> Vec<Self> {
        let place = two_rounds();
        let mut states = vec![Self::of(&place)];
        for turn in ["turn-1.sh", "turn-2.sh"] {
            assert!(place.program("sh").arg(place.at(turn)).status().unwrap().success());
            states.push(Self::of(&place));
        }
        states
    }
}

/// All files of a folder below `root`, except those of git.
fn read_all(root: &Path, folder: &Path, files: &mut BTreeMap<PathBuf, Vec<u8>>) {
    for entry in fs::read_dir(root.join(folder)).unwrap().map(Result::unwrap) {
        let name = folder.join(entry.file_name());
        if entry.file_type().unwrap().is_file() {
            files.insert(name, fs::read(entry.path()).unwrap());
        } else if entry.file_name() != ".git" {
            read_all(root, &name, files);
        }
    }
}

/// Starts a run, and kills it when `moment` returns.
fn kill_at(states: &[State], what: &str, moment: impl FnOnce(&Workspace)) {
    let place = two_rounds();
    let run = place.start(&["--prompt", "Write both parts"]);
    moment(&place);
    run.signal(Signal::KILL);
    let _output = run.wait();
    // An agent that was at work finishes its turn.
    eventually("the agent's end", || processes_in(&place).is_empty().then_some(()));

    assert!(states.contains(&State::of(&place)), "{what}: {:#?}", State::of(&place));
    place.git(&["fsck", "--no-dangling"]);
    let killed = assert_readable(&place, what);

    // Whatever the killed run left in `.git`, the next one takes away.
    let _output = place.run(&["--prompt", "Write both parts again", "-n", "2"]).exits(0);
    assert_nothing_is_left(&place);
    assert_eq!(place.session_files().len(), killed + 1);
}

/// What stands in the session file is the beginning of a run. Gives the number of files.
fn assert_readable(place: &Workspace, what: &str) -> usize {
    let files = place.session_files();
    let output = place.run(&["sessions", "list", "--json"]).exits(0);
    let listed = output.document();
    let listed = listed.as_array().unwrap();
    assert_eq!((listed.len(), output.stderr.as_str()), (files.len(), ""), "{what}: {output}");
    for file in &files {
        let mut reader = SessionReader::open(file).unwrap();
        let events: Vec<Event> = reader.by_ref().map(Result::unwrap).collect();
        assert_eq!(invariants::check(&events), Ok(()), "{what}");
        assert_eq!(replay::verify(&events), Ok(()), "{what}");
        let ended = matches!(events.last(), Some(Event::SessionEnd(_)));
        assert_eq!(listed[0]["status"], if ended { "ended" } else { "crashed" }, "{what}");
    }
    files.len()
}

#[test]
fn at_every_line_of_the_session() {
    let states = State::expected();
    let whole = two_rounds();
    let _output = whole.run(&["--prompt", "Write both parts"]).exits(0);
    for lines in 1..=whole_lines(&whole).len() {
        let what = format!("killed at line {lines}");
        kill_at(&states, &what, |place| {
            eventually(&what, || (whole_lines(place).len() >= lines).then_some(()));
        });
    }
}

/// The moments between the lines, and those before the first.
#[test]
fn at_every_moment_of_a_grid() {
    let states = State::expected();
    for step in 0..25 {
        let moment = Duration::from_millis(6) * step;
        kill_at(&states, &format!("killed after {moment:?}"), |_| std::thread::sleep(moment));
    }
}

/// Whoever cleans up later finds it by its id and start time, or by the run's id.
#[test]
fn an_agent_that_lives_on_can_be_found() {
    let place = place_with_shell_agent(
        "text",
        "trap '' PIPE\ncat > /dev/null\necho $$ > ../pid.tmp && mv ../pid.tmp ../agent.pid\n\
         while ! [ -e ../go ]; do sleep 0.01; done\n",
    );
    let run = place.start(&["--prompt", "Fix the typo"]);
    wait_for(&place.at("agent.pid"));
    let started = line_where(&place, "its start", |e| matches!(e, Event::ActorStarted(_)));
    run.signal(Signal::KILL);
    let _output = run.wait();

    let pid = noted_pid(&place.at("agent.pid"));
    assert!(lives(pid), "the test is about an agent that lives on");
    let Event::ActorStarted(started) = started else { unreachable!() };
    let ProcessInfo { program, .. } = &started.process;
    assert_eq!((started.process.pid, started.process.start_ticks), (pid, Some(start_ticks(pid))));
    assert!(program.is_some(), "{started:?}");
    let run_id = place.session().start.run_id.unwrap();
    assert!(processes_of(&run_id).contains(&pid));

    fs::write(place.at("go"), "").unwrap();
    eventually("its end", || (!lives(pid)).then_some(()));
}

/// Field 22 of the process's line; the second one, its name, may hold spaces.
fn start_ticks(pid: u32) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let (_, fields) = stat.rsplit_once(')').unwrap();
    fields.split_whitespace().nth(19).unwrap().parse().unwrap()
}
