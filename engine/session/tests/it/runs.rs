//! Runs, found by id, commit and branch.

use codeloops_event::{Event, GateResult, Outcome};
use codeloops_session::{
    Lineage, RoundFiles, RunFile, RunFilter, RunFolder, RunKind, RunStore, RunsError,
};

use crate::support::{session_end, start_at};

const OLD: &str = "01KJP0000000000000000000A1";
const NEW: &str = "01KJP0000000000000000000B2";

fn keep(dir: &std::path::Path, id: &str, at: &str, commit: &str, branch: &str) {
    let mut start = start_at(at, "x");
    start.run_id = Some(id.parse().unwrap());
    start.commit_sha = Some(commit.to_owned());
    start.branch = Some(branch.to_owned());
    let folder = RunFolder::create(dir, &id.parse().unwrap()).unwrap();
    let mut run = RunFile::started(&start, None);
    run.note(&Event::SessionEnd(Box::new(session_end("success", 1, 1.0))));
    folder.write_run_file(&run).unwrap();
}

/// Two runs in two folders.
fn store() -> (tempfile::TempDir, RunStore) {
    let dir = tempfile::tempdir().unwrap();
    let [here, there] = ["here", "there"].map(|name| dir.path().join(name));
    keep(&here, OLD, "2026-03-02T09:00:00Z", "abc123f", "main");
    keep(&there, NEW, "2026-03-02T10:00:00Z", "abd999f", "topic/x");
    (dir, RunStore::at([here.clone(), there, here]))
}

fn ids(store: &RunStore, filter: &RunFilter) -> Vec<String> {
    let found = store.find(filter).unwrap();
    found.runs.iter().map(|found| found.run.run_id.as_ref().unwrap().to_string()).collect()
}

#[test]
fn runs_are_found_by_what_they_began_with() {
    let (_dir, store) = store();
    let with = |change: fn(&mut RunFilter)| {
        let mut filter = RunFilter::default();
        change(&mut filter);
        ids(&store, &filter)
    };
    assert_eq!(with(|_| {}), [NEW, OLD], "newest first, each folder once");
    assert_eq!(with(|f| f.commit = Some("ABC".into())), [OLD]);
    assert_eq!(with(|f| f.commit = Some("ab".into())), [NEW, OLD]);
    assert_eq!(with(|f| f.branch = Some("topic/x".into())), [NEW]);
    assert_eq!(with(|f| f.branch = Some("topic".into())), [""; 0], "a branch is not cut");
    assert_eq!(with(|f| f.run = Some("01kjp0000000000000000000b".into())), [NEW]);
    assert_eq!(with(|f| f.outcome = Some(Outcome::Stuck)), [""; 0]);
    assert_eq!(with(|f| f.kind = Some(RunKind::Verify)), [""; 0]);
}

#[test]
fn a_run_is_named_by_its_id_or_the_beginning_of_it() {
    let (_dir, store) = store();
    let resolved = |wanted: &str| store.resolve(wanted).map(|found| found.run.run_id.unwrap());
    assert_eq!(resolved(OLD).unwrap().as_str(), OLD);
    assert_eq!(resolved("latest").unwrap().as_str(), NEW);
    assert!(matches!(resolved("01KJP"), Err(RunsError::Ambiguous { count: 2, .. })));
    assert!(matches!(resolved("01KJQ"), Err(RunsError::NotFound(_))));
    assert!(matches!(resolved("ä"), Err(RunsError::NotFound(_))));
}

#[test]
fn what_cannot_be_read_is_told_and_the_others_stand() {
    let (dir, store) = store();
    std::fs::write(dir.path().join("here").join(OLD).join("run.json"), "{").unwrap();
    std::fs::create_dir(dir.path().join("here/not-a-run")).unwrap();
    let found = store.find(&RunFilter::default()).unwrap();
    assert_eq!((found.runs.len(), found.unreadable.len()), (1, 1));
}

#[test]
fn where_nothing_ran_there_is_nothing() {
    let store = RunStore::at([std::path::PathBuf::from("/nowhere/at/all")]);
    assert!(store.find(&RunFilter::default()).unwrap().runs.is_empty());
}

#[test]
fn a_folder_with_nothing_in_it_is_no_run() {
    let (dir, store) = store();
    let id = "01KJP0000000000000000000C3".parse().unwrap();
    let begun = RunFolder::create(&dir.path().join("here"), &id).unwrap();
    let found = store.find(&RunFilter::default()).unwrap();
    assert_eq!((found.runs.len(), found.unreadable.len()), (2, 0));
    std::fs::write(begun.path().join("something"), "").unwrap();
    assert_eq!(store.find(&RunFilter::default()).unwrap().unreadable.len(), 1);
}

#[test]
fn the_rounds_of_a_run_are_read_back_and_a_damaged_one_is_told() {
    let (dir, store) = store();
    let lineage = Lineage { run_id: Some(OLD.parse().unwrap()), ..Lineage::default() };
    let folder = RunFolder::at(&dir.path().join("here"), &OLD.parse().unwrap());
    let red = GateResult::not_started("test".to_owned(), true);
    let mut written = Vec::new();
    for (iteration, gates) in [(2, vec![]), (10, vec![red])] {
        let files = RoundFiles::of_gates(&lineage, iteration, None, gates);
        folder.write_round(&files).unwrap();
        written.push(files);
    }
    std::fs::create_dir_all(folder.path().join("iterations/11")).unwrap();
    let rounds = store.resolve(OLD).unwrap().rounds();
    assert!(rounds.unreadable.is_empty(), "one that is not finished is no trouble");
    let read: Vec<_> = rounds.rounds.iter().map(|round| &round.gate).collect();
    assert_eq!(read, [&written[0].gate, &written[1].gate], "in their order");
    let tasks: Vec<_> = rounds.rounds.iter().map(|round| round.diagnose.as_ref()).collect();
    assert_eq!(tasks, [None, Some(&written[1].diagnose)]);

    std::fs::write(folder.path().join("iterations/2/gate.json"), "{").unwrap();
    std::fs::create_dir(folder.path().join("iterations/11/gate.json")).unwrap();
    let rounds = store.resolve(OLD).unwrap().rounds();
    assert_eq!((rounds.rounds.len(), rounds.unreadable.len()), (1, 2));
}
