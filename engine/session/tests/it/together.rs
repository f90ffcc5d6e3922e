//! A store that several use at once.

use std::collections::HashSet;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use codeloops_session::{
    PruneError, PruneRules, SessionFilter, SessionStatus, SessionStore, SessionWriter,
};

use crate::support::{end, iteration, start_at};

/// Sessions that each writer records.
const SESSIONS: usize = 150;

fn record_all(dir: &Path, prompt: &str) {
    for n in 0..SESSIONS {
        let second = format!("2026-01-01T{:02}:{:02}:{:02}Z", n / 3600, n / 60 % 60, n % 60);
        let mut writer = SessionWriter::create(dir, &start_at(&second, prompt)).unwrap();
        writer.append(&iteration(1, "did it")).unwrap();
        writer.append(&end("success", 1, 1.0)).unwrap();
    }
}

/// Removes all but the newest few, again and again; gives how many went.
fn prune_all(store: &SessionStore, done: &AtomicBool) -> usize {
    let rules = PruneRules { keep: Some(60), ..PruneRules::default() };
    let mut removed = 0;
    while !done.load(Ordering::Relaxed) {
        for session in &store.plan_prune(&rules, Vec::new()).unwrap().sessions {
            match session.claim().and_then(|claim| claim.remove()) {
                Ok(()) => removed += 1,
                Err(PruneError::Runs(_) | PruneError::Changed(_)) => {}
                Err(error) => panic!("{error}"),
            }
        }
    }
    removed
}

/// Lists again and again: every session is whole, each once, and none that somebody writes looks
/// crashed.
fn list_all(store: &SessionStore, done: &AtomicBool) {
    while !done.load(Ordering::Relaxed) {
        let list = store.list_sessions(&SessionFilter::default()).unwrap();
        assert!(list.warnings.is_empty(), "{:?}", list.warnings);
        let ids: HashSet<_> = list.sessions.iter().map(|session| &session.id).collect();
        assert_eq!(ids.len(), list.sessions.len());
        for session in &list.sessions {
            let is_whole = match session.status {
                SessionStatus::Ended => session.outcome.is_some() && session.iterations == 1,
                SessionStatus::Running => session.outcome.is_none(),
                SessionStatus::Crashed | SessionStatus::Interrupted => false,
            };
            assert!(is_whole, "{session:?}");
        }
    }
}

#[test]
fn two_writers_two_readers_and_a_pruner_do_not_disturb_each_other() {
    let dir = tempfile::tempdir().unwrap();
    let store = SessionStore::at(dir.path());
    let (done, removed) = (AtomicBool::new(false), AtomicUsize::new(0));
    thread::scope(|scope| {
        let readers = [(); 2].map(|()| scope.spawn(|| list_all(&store, &done)));
        let pruner = scope.spawn(|| removed.store(prune_all(&store, &done), Ordering::Relaxed));
        let writers = ["a", "b"].map(|prompt| {
            let dir = dir.path();
            scope.spawn(move || record_all(dir, prompt))
        });
        let wrote = writers.map(|writer| writer.join());
        done.store(true, Ordering::Relaxed);
        wrote.into_iter().for_each(|writer| writer.unwrap());
        readers.into_iter().for_each(|reader| reader.join().unwrap());
        pruner.join().unwrap();
    });
    let left = store.list_sessions(&SessionFilter::default()).unwrap().sessions.len();
    assert_eq!(left + removed.load(Ordering::Relaxed), 2 * SESSIONS);
    let drafts = std::fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name());
    let drafts: Vec<_> = drafts.filter(|name| name.to_string_lossy().ends_with(".draft")).collect();
    assert!(drafts.is_empty(), "{drafts:?}");
}
