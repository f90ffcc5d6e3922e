//! Which sessions go in a clean-up, and what goes with them.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Barrier;
use std::thread;

use codeloops_event::{Event, Parent, RunId, SessionStart};
use codeloops_session::{
    PruneError, PruneRules, ReopenedSession, RunFile, RunFolder, RunKind, RunStore, SessionFilter,
    SessionId, SessionStore, SessionWriter,
};

use crate::support::{end, iteration, start_at, time};

const RUN: &str = "01KJP0000000000000000000A1";

/// A data directory with a store.
struct Data(tempfile::TempDir);

impl Data {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn sessions(&self) -> PathBuf {
        self.0.path().join("sessions")
    }

    fn store(&self) -> SessionStore {
        SessionStore::at(self.sessions())
    }

    /// A session that ended on this day of January.
    fn ended(&self, day: u32, prompt: &str) -> SessionId {
        let mut end = end("success", 0, 1.0);
        if let Event::SessionEnd(end) = &mut end {
            end.timestamp = time(&format!("2026-01-{day:02}T13:00:00Z"));
        }
        record(&self.sessions(), &on(day, prompt), &[end])
    }

    /// One with evidence, of so many bytes beside its `run.json`.
    fn with_evidence(&self, day: u32, run: &str, bytes: usize) -> (SessionId, PathBuf) {
        let run: RunId = run.parse().unwrap();
        let mut start = on(day, "with evidence");
        start.run_id = Some(run.clone());
        let id = record(&self.sessions(), &start, &[end("failed", 0, 1.0)]);
        let folder = RunFolder::create(&self.0.path().join("runs"), &run).unwrap();
        folder.write_run_file(&RunFile::started(&start, Some(&id))).unwrap();
        let dir = folder.path().join("iterations/1");
        fs::create_dir_all(&dir).unwrap();
        fs::write(dir.join("actor.stdout"), vec![b'x'; bytes]).unwrap();
        (id, folder.path().to_owned())
    }

    fn chosen(&self, rules: PruneRules) -> Vec<String> {
        let plan = self.store().plan_prune(&rules, Vec::new()).unwrap();
        plan.sessions.iter().map(|session| session.id.to_string()).collect()
    }

    fn left(&self) -> usize {
        self.store().list_sessions(&SessionFilter::default()).unwrap().sessions.len()
    }
}

fn on(day: u32, prompt: &str) -> SessionStart {
    start_at(&format!("2026-01-{day:02}T12:00:00Z"), prompt)
}

fn record(dir: &Path, start: &SessionStart, events: &[Event]) -> SessionId {
    let mut writer = SessionWriter::create(dir, start).unwrap();
    events.iter().for_each(|event| writer.append(event).unwrap());
    writer.id().clone()
}

const RULES: PruneRules = PruneRules { before: None, keep: None, max_size: None };

#[test]
fn age_and_size_say_what_goes_and_keep_what_stays() {
    let data = Data::new();
    let ids: Vec<_> = (1..=5).map(|day| data.ended(day, "x").to_string()).collect();
    let before = Some(time("2026-01-03T00:00:00Z"));
    assert_eq!(data.chosen(PruneRules { before, ..RULES }), ids[..2], "the oldest first");
    assert_eq!(data.chosen(PruneRules { before, keep: Some(4), ..RULES }), ids[..1]);
    assert_eq!(data.chosen(PruneRules { keep: Some(3), ..RULES }), ids[..2]);
    assert_eq!(data.chosen(PruneRules { keep: Some(9), ..RULES }), [""; 0]);

    let one = fs::metadata(data.store().path_of(&ids[0].parse().unwrap())).unwrap().len();
    let max_size = Some(2 * one + one / 2);
    assert_eq!(data.chosen(PruneRules { max_size, ..RULES }), ids[..3]);
    assert_eq!(data.chosen(PruneRules { max_size, keep: Some(4), ..RULES }), ids[..1]);
    let before = Some(time("2026-01-05T00:00:00Z"));
    assert_eq!(data.chosen(PruneRules { max_size, before, ..RULES }), ids[..4], "either is enough");
    assert_eq!(data.left(), 5, "a plan changes nothing");
}

#[test]
fn a_session_that_runs_never_goes() {
    let data = Data::new();
    let mut live = SessionWriter::create(&data.sessions(), &on(1, "live")).unwrap();
    data.ended(2, "x");
    assert_eq!(data.chosen(PruneRules { keep: Some(1), ..RULES }), [""; 0]);

    // Nor does one that is taken up between the plan and its end.
    let id = data.ended(1, "taken up");
    let plan = data.store().plan_prune(&PruneRules { keep: Some(1), ..RULES }, Vec::new()).unwrap();
    let path = data.store().path_of(&id);
    let held = fs::File::open(&path).unwrap();
    held.lock().unwrap();
    assert!(matches!(plan.sessions[0].claim(), Err(PruneError::Runs(runs)) if runs == id));
    drop(held);
    fs::write(&path, fs::read_to_string(&path).unwrap() + "\n").unwrap();
    assert!(matches!(plan.sessions[0].claim(), Err(PruneError::Changed(_))));
    fs::remove_file(&path).unwrap();
    assert!(matches!(plan.sessions[0].claim(), Err(PruneError::Gone(_))));
    live.append(&iteration(1, "still writing")).unwrap();
}

#[test]
fn whoever_only_looks_does_not_keep_a_session() {
    let data = Data::new();
    data.ended(1, "x");
    let plan = data.store().plan_prune(&PruneRules { keep: Some(0), ..RULES }, Vec::new()).unwrap();
    let reader = fs::File::open(&plan.sessions[0].path).unwrap();
    reader.lock_shared().unwrap();
    let claimed = thread::scope(|scope| {
        let claim = scope.spawn(|| plan.sessions[0].claim().and_then(|claim| claim.remove()));
        reader.unlock().unwrap();
        claim.join().unwrap()
    });
    claimed.unwrap();
    assert_eq!(data.left(), 0);
}

#[test]
fn evidence_goes_with_its_session_and_counts() {
    let data = Data::new();
    let (id, folder) = data.with_evidence(1, RUN, 5000);
    let (_, other) = data.with_evidence(2, "01KJP0000000000000000000A2", 5000);
    let plan =
        data.store().plan_prune(&PruneRules { max_size: Some(9000), ..RULES }, Vec::new()).unwrap();
    let [session] = &plan.sessions[..] else { panic!("{plan:?}") };
    assert_eq!((&session.id, session.evidence.as_ref()), (&id, Some(&folder)));
    assert_eq!(session.run_id.as_ref().map(RunId::as_str), Some(RUN));
    assert!((5000..6500).contains(&session.evidence_bytes), "{session:?}");
    session.claim().unwrap().remove().unwrap();
    assert!(!folder.exists() && other.exists());
    assert_eq!(data.left(), 1);
}

/// A session file comes from anywhere, and names its evidence.
#[test]
fn what_is_not_the_evidence_of_the_run_stays() {
    let run: RunId = RUN.parse().unwrap();
    let named = |make: &dyn Fn(&Path) -> PathBuf| {
        let data = Data::new();
        let folder = make(data.0.path());
        let mut start = on(1, "x");
        start.run_id = Some(run.clone());
        start.evidence_dir = Some(folder.to_str().unwrap().to_owned());
        record(&data.sessions(), &start, &[end("failed", 0, 1.0)]);
        let plan =
            data.store().plan_prune(&PruneRules { keep: Some(0), ..RULES }, Vec::new()).unwrap();
        let evidence = plan.sessions[0].evidence.clone();
        plan.sessions[0].claim().unwrap().remove().unwrap();
        (evidence, folder.exists())
    };
    let of_user = |dir: &Path| {
        fs::create_dir(dir.join("home")).unwrap();
        dir.join("home")
    };
    let like_ours = |dir: &Path| {
        fs::create_dir(dir.join(RUN)).unwrap();
        fs::write(dir.join(RUN).join("thesis.txt"), "").unwrap();
        dir.join(RUN)
    };
    let link = |dir: &Path| {
        let kept = of_user(dir);
        std::os::unix::fs::symlink(kept, dir.join(RUN)).unwrap();
        dir.join(RUN)
    };
    let empty = |dir: &Path| {
        fs::create_dir(dir.join(RUN)).unwrap();
        dir.join(RUN)
    };
    assert_eq!(named(&of_user), (None, true));
    assert_eq!(named(&like_ours), (None, true));
    assert_eq!(named(&link), (None, true));
    let (evidence, is_there) = named(&empty);
    assert!(evidence.is_some() && !is_there, "what a clean-up that was killed left");
}

#[test]
fn what_another_session_needs_stays() {
    let data = Data::new();
    let (id, folder) = data.with_evidence(1, RUN, 10);
    let copy = data.sessions().join("my-copy.jsonl");
    fs::copy(data.store().path_of(&id), copy).unwrap();
    let plan = data.store().plan_prune(&PruneRules { keep: Some(1), ..RULES }, Vec::new()).unwrap();
    assert_eq!(plan.sessions.len(), 1);
    assert_eq!((&plan.sessions[0].run_id, &plan.sessions[0].evidence), (&None, &None));
    plan.sessions[0].claim().unwrap().remove().unwrap();
    assert!(folder.exists());
}

#[test]
fn copies_of_a_session_go_together() {
    let data = Data::new();
    let (id, folder) = data.with_evidence(1, RUN, 10);
    let copy = data.sessions().join("my-copy.jsonl");
    fs::copy(data.store().path_of(&id), copy).unwrap();
    let plan = data.store().plan_prune(&PruneRules { keep: Some(0), ..RULES }, Vec::new()).unwrap();
    assert_eq!(plan.sessions.len(), 2);
    plan.sessions.iter().for_each(|session| session.claim().unwrap().remove().unwrap());
    assert!(!folder.exists());
    assert_eq!(data.left(), 0);
}

/// A file can claim to be its own parent.
#[test]
fn where_a_fork_comes_from_is_known_as_far_as_there_are_sessions() {
    let data = Data::new();
    let fork = |day: u32, run: u32, parent: u32| {
        let id = |n: u32| RUN.replace("A1", &format!("B{n}")).parse::<RunId>().unwrap();
        let mut start = on(day, "fork");
        start.working_dir = format!("/tree-{run}");
        start.run_id = Some(id(run));
        start.parent = Some(Parent { run_id: id(parent), iteration: 1, trace_id: None });
        record(&data.sessions(), &start, &[end("failed", 0, 1.0)]);
    };
    fork(1, 1, 9);
    fork(2, 2, 1);
    fork(3, 3, 2);
    fork(4, 4, 4);
    let plan = data.store().plan_prune(&PruneRules { keep: Some(0), ..RULES }, Vec::new()).unwrap();
    let origins: Vec<_> = plan.sessions.iter().map(|session| session.origins.join(" ")).collect();
    assert_eq!(origins[..3], ["", "/tree-1", "/tree-2 /tree-1"]);
    assert!(origins[3].starts_with("/tree-4"));
}

/// Who waits for the file while it goes must not go on with what has no name any more.
#[test]
fn a_session_that_goes_is_not_taken_up() {
    for turns in 0..40 {
        let data = Data::new();
        let id = data.ended(1, "x");
        let plan =
            data.store().plan_prune(&PruneRules { keep: Some(0), ..RULES }, Vec::new()).unwrap();
        let claim = plan.sessions[0].claim().unwrap();
        let (dir, both) = (data.sessions(), Barrier::new(2));
        thread::scope(|scope| {
            let taken = scope.spawn(|| {
                both.wait();
                ReopenedSession::open(id.clone(), &dir).is_ok()
            });
            both.wait();
            (0..turns * 50).for_each(|_| thread::yield_now());
            claim.remove().unwrap();
            assert!(!taken.join().unwrap());
        });
    }
}

/// Here a file has taken the place of the folder.
#[test]
fn a_session_whose_evidence_cannot_be_removed_stays() {
    let data = Data::new();
    let (_, folder) = data.with_evidence(1, RUN, 10);
    let plan = data.store().plan_prune(&PruneRules { keep: Some(0), ..RULES }, Vec::new()).unwrap();
    fs::rename(&folder, folder.with_file_name("moved")).unwrap();
    fs::write(&folder, "").unwrap();
    let refused = plan.sessions[0].claim().unwrap().remove().unwrap_err();
    assert!(refused.to_string().contains(RUN), "{refused}");
    assert_eq!(data.left(), 1);
}

/// The folder of a run of gates alone, which began on this day of January, of so many bytes beside its
/// `run.json`.
fn verified(data: &Data, day: u32, run: &str, bytes: usize) -> PathBuf {
    let run: RunId = run.parse().unwrap();
    let mut start = on(day, "");
    start.run_id = Some(run.clone());
    let folder = RunFolder::create(&runs(data), &run).unwrap();
    let mut file = of_gates(&start);
    file.ended_at = Some(start.timestamp);
    folder.write_run_file(&file).unwrap();
    fs::write(folder.path().join("output.log"), vec![b'x'; bytes]).unwrap();
    folder.path().to_owned()
}

fn of_gates(start: &SessionStart) -> RunFile {
    RunFile { kind: RunKind::Verify, ..RunFile::started(start, None) }
}

fn runs(data: &Data) -> PathBuf {
    data.0.path().join("runs")
}

/// What goes of sessions, and of runs of gates alone.
fn both(data: &Data, rules: PruneRules) -> (Vec<String>, Vec<PathBuf>) {
    let found = RunStore::at([runs(data)]).prunable(time("2026-02-01T00:00:00Z")).unwrap();
    let plan = data.store().plan_prune(&rules, found).unwrap();
    let sessions = plan.sessions.iter().map(|session| session.id.to_string()).collect();
    (sessions, plan.runs.into_iter().map(|run| run.folder).collect())
}

const CHECKS: [&str; 3] =
    ["01KJP0000000000000000000V1", "01KJP0000000000000000000V2", "01KJP0000000000000000000V3"];

#[test]
fn runs_of_gates_alone_go_by_the_same_rules() {
    let data = Data::new();
    let (session, _) = data.with_evidence(2, RUN, 5000);
    let session = session.to_string();
    let [first, second, third] =
        [1, 3, 5].map(|day| verified(&data, day, CHECKS[day as usize / 2], 5000));
    let before = Some(time("2026-01-04T00:00:00Z"));
    let old = both(&data, PruneRules { before, ..RULES });
    assert_eq!(
        old,
        (vec![], vec![first.clone(), second.clone()]),
        "the session went on for longer"
    );
    let kept = both(&data, PruneRules { keep: Some(1), ..RULES });
    assert_eq!(kept, (vec![], vec![first.clone(), second]), "each kind is counted for itself");
    // The two newest runs take more than 10000 bytes, the session is the next, then the oldest run.
    let large = both(&data, PruneRules { max_size: Some(15_000), ..RULES });
    assert_eq!(large, (vec![session], vec![first]));
    assert!(third.exists());
}

#[test]
fn only_a_folder_that_is_a_run_of_gates_alone_goes() {
    let data = Data::new();
    let (_, of_session) = data.with_evidence(1, RUN, 10);
    let folder = verified(&data, 2, CHECKS[0], 10);
    let renamed = runs(&data).join(CHECKS[1]);
    fs::rename(verified(&data, 2, CHECKS[2], 10), &renamed).unwrap();
    let outside = data.0.path().join("outside");
    fs::create_dir(&outside).unwrap();
    std::os::unix::fs::symlink(&outside, folder.join("link")).unwrap();
    let plan = RunStore::at([runs(&data)]).prunable(time("2026-02-01T00:00:00Z")).unwrap();
    assert_eq!(plan.iter().map(|run| &run.folder).collect::<Vec<_>>(), [&folder]);
    plan[0].remove().unwrap();
    assert!(!folder.exists() && renamed.exists() && of_session.exists() && outside.exists());
}

#[test]
fn one_that_may_still_be_at_work_stays() {
    let data = Data::new();
    let mut start = on(2, "");
    start.run_id = Some(RUN.parse().unwrap());
    let folder = RunFolder::create(&runs(&data), &RUN.parse().unwrap()).unwrap();
    folder.write_run_file(&of_gates(&start)).unwrap();
    let store = RunStore::at([runs(&data)]);
    assert!(store.prunable(time("2026-01-02T00:00:00Z")).unwrap().is_empty());
    assert_eq!(store.prunable(time("2026-01-03T00:00:00Z")).unwrap().len(), 1);
}
