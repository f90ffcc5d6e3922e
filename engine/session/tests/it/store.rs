//! Listing, finding and counting sessions.

use std::path::Path;
use std::process::Command;

use chrono::NaiveDate;
use codeloops_event::{Event, Outcome, SessionStart};
use codeloops_session::{
    ReadError, SessionFilter, SessionId, SessionStatus, SessionStore, SessionWriter, StoreError,
};

use crate::support::{end, iteration, start, start_at, stop_requested};

fn record(dir: &Path, start: &SessionStart, events: &[Event]) -> SessionId {
    let mut writer = SessionWriter::create(dir, start).unwrap();
    for event in events {
        writer.append(event).unwrap();
    }
    writer.id().clone()
}

fn ids(store: &SessionStore, filter: &SessionFilter) -> Vec<String> {
    store.list_sessions(filter).unwrap().into_iter().map(|s| s.id.to_string()).collect()
}

#[test]
fn a_store_without_a_folder_is_empty() {
    let dir = tempfile::tempdir().unwrap();
    let store = SessionStore::at(dir.path().join("sessions"));
    assert!(ids(&store, &SessionFilter::default()).is_empty());
    assert_eq!(store.get_stats().unwrap().total_sessions, 0);
    assert!(matches!(store.resolve("latest"), Err(StoreError::NoSessions { .. })));
    assert!(matches!(store.resolve("2026"), Err(StoreError::NotFound { .. })));
}

#[test]
fn the_newest_session_comes_first() {
    let dir = tempfile::tempdir().unwrap();
    let at = |time, prompt| record(dir.path(), &start_at(time, prompt), &[]).to_string();
    let second = at("2026-03-02T09:00:00.900Z", "a");
    let third = at("2026-03-02T09:00:00.100Z", "b");
    let first = at("2026-03-03T00:00:00Z", "c");
    let last = at("2025-12-31T23:59:59Z", "d");
    let store = SessionStore::at(dir.path());
    assert_eq!(ids(&store, &SessionFilter::default()), [&*first, &*second, &*third, &*last]);
    assert_eq!(store.resolve("latest").unwrap().as_str(), first);

    std::fs::remove_file(store.path_of(&first.parse().unwrap())).unwrap();
    assert_eq!(store.resolve("latest").unwrap().as_str(), second);
}

/// To open a pipe would wait for ever.
#[test]
fn what_is_no_file_is_told_and_not_read() {
    let dir = tempfile::tempdir().unwrap();
    let session = record(dir.path(), &start("a"), &[]);
    let (folder, pipe) = ("2026-03-04T00-00-00Z_aaaaaa", "2026-03-05T00-00-00Z_aaaaaa");
    std::fs::create_dir(dir.path().join(format!("{folder}.jsonl"))).unwrap();
    let made = Command::new("mkfifo").arg(dir.path().join(format!("{pipe}.jsonl"))).status();
    assert!(made.unwrap().success());

    let store = SessionStore::at(dir.path());
    let list = store.list_sessions(&SessionFilter::default()).unwrap();
    let mut warnings: Vec<String> = list.warnings.iter().map(ToString::to_string).collect();
    warnings.sort();
    for (warning, name) in warnings.iter().zip([folder, pipe]) {
        assert!(warning.contains(name), "{warning}");
        assert!(warning.ends_with("it is not a regular file; left out"), "{warning}");
    }
    assert_eq!((list.sessions.len(), warnings.len()), (1, 2));
    assert_eq!(store.resolve("latest").unwrap(), session);
    assert!(matches!(store.load_session(pipe), Err(StoreError::Read(ReadError::NotAFile { .. }))));
}

#[test]
fn of_twelve_copies_the_last_is_the_latest() {
    let dir = tempfile::tempdir().unwrap();
    let copies: Vec<_> = (0..12).map(|_| record(dir.path(), &start("same"), &[])).collect();
    let store = SessionStore::at(dir.path());
    assert_eq!(store.resolve("latest").unwrap(), copies[11]);
    assert_eq!(ids(&store, &SessionFilter::default())[0], copies[11].as_str());
}

#[test]
fn filters_narrow_the_list() {
    let dir = tempfile::tempdir().unwrap();
    let mut shop = start_at("2026-01-10T23:59:59Z", "Fix the LOGIN page");
    shop.working_dir = "/home/ada/shop/".to_owned();
    let shop = record(dir.path(), &shop, &[end("success", 1, 10.0)]).to_string();
    let notes = start_at("2026-01-11T00:00:00Z", "Sort notes");
    let notes = record(dir.path(), &notes, &[end("failed", 1, 10.0)]).to_string();
    let killed = start_at("2026-01-12T12:00:00Z", "Sort tags");
    let killed = record(dir.path(), &killed, &[]).to_string();

    let store = SessionStore::at(dir.path());
    let day = |d| NaiveDate::from_ymd_opt(2026, 1, d);
    let check = |filter: SessionFilter, expected: &[&String]| {
        let found = ids(&store, &filter);
        assert_eq!(found.iter().collect::<Vec<_>>(), expected, "{filter:?}");
    };
    let all = SessionFilter::default;
    check(SessionFilter { after: day(11), ..all() }, &[&killed, &notes]);
    check(SessionFilter { before: day(11), ..all() }, &[&notes, &shop]);
    check(SessionFilter { after: day(10), before: day(10), ..all() }, &[&shop]);
    check(SessionFilter { search: Some("login".into()), ..all() }, &[&shop]);
    check(SessionFilter { project: Some("shop".into()), ..all() }, &[&shop]);
    check(SessionFilter { project: Some("sho".into()), ..all() }, &[]);
    check(SessionFilter { outcome: Some(Outcome::Failed), ..all() }, &[&notes]);
    check(SessionFilter { status: Some(SessionStatus::Crashed), ..all() }, &[&killed]);
    check(SessionFilter { status: Some(SessionStatus::Ended), after: day(11), ..all() }, &[&notes]);
}

#[test]
fn a_live_session_runs_and_a_dropped_one_crashed() {
    let dir = tempfile::tempdir().unwrap();
    let store = SessionStore::at(dir.path());
    let mut writer = SessionWriter::create(dir.path(), &start("x")).unwrap();
    let id = writer.id().clone();
    let seen = || {
        let listed = store.list_sessions(&SessionFilter::default()).unwrap().sessions.remove(0);
        let loaded = store.load_session(&id).unwrap();
        assert_eq!(loaded.status, listed.status);
        assert_eq!(loaded.iterations.len(), listed.iterations as usize);
        assert_eq!(loaded.end.map(|end| end.outcome), listed.outcome);
        (listed.status, listed.iterations)
    };
    assert_eq!(seen(), (SessionStatus::Running, 0));
    writer.append(&iteration(1, "did it")).unwrap();
    assert_eq!(seen(), (SessionStatus::Running, 1));
    // Looking does not disturb the lock.
    assert_eq!(seen(), (SessionStatus::Running, 1));
    drop(writer);
    assert_eq!(seen(), (SessionStatus::Crashed, 1));
}

#[test]
fn what_was_asked_to_stop_and_has_no_end_was_interrupted() {
    let dir = tempfile::tempdir().unwrap();
    let store = SessionStore::at(dir.path());
    let status = |events: &[Event]| {
        let id = record(dir.path(), &start("x"), events);
        let loaded = store.load_session(&id).unwrap();
        let list = store.list_sessions(&SessionFilter::default()).unwrap();
        let listed = list.sessions.into_iter().find(|s| s.id == id).unwrap();
        assert_eq!(loaded.status, listed.status);
        assert_eq!(loaded.end.map(|end| end.iterations), listed.outcome.map(|_| listed.iterations));
        listed.status
    };
    let (stop, end, round) = (stop_requested(), end("interrupted", 1, 2.0), iteration(1, ""));
    assert_eq!(status(std::slice::from_ref(&stop)), SessionStatus::Interrupted);
    assert_eq!(status(&[stop.clone(), end.clone()]), SessionStatus::Ended);
    // Resumed after its end, then killed: neither the old end nor the old request counts.
    assert_eq!(status(&[stop.clone(), end.clone(), round.clone()]), SessionStatus::Crashed);
    assert_eq!(status(&[stop, end.clone(), round, end]), SessionStatus::Ended);
}

#[test]
fn a_damaged_file_is_named_and_the_rest_is_listed() {
    let dir = tempfile::tempdir().unwrap();
    let good = record(dir.path(), &start("x"), &[end("success", 0, 1.0)]);
    std::fs::write(dir.path().join("2026-03-02T09-00-00Z_bad000.jsonl"), "nonsense\n").unwrap();
    std::fs::write(dir.path().join("odd\u{1b}[2J.jsonl"), "").unwrap();
    std::fs::write(dir.path().join("notes.txt"), "").unwrap();
    std::fs::create_dir(dir.path().join("folder.jsonl")).unwrap();

    let store = SessionStore::at(dir.path());
    let list = store.list_sessions(&SessionFilter::default()).unwrap();
    assert_eq!(list.sessions.len(), 1);
    assert_eq!(list.sessions[0].id, good);
    let warnings: Vec<_> = list.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(warnings.len(), 3, "{warnings:?}");
    for name in ["_bad000.jsonl", "odd\\u{1b}[2J.jsonl", "folder.jsonl"] {
        assert!(warnings.iter().any(|w| w.contains(name)), "{name}: {warnings:?}");
    }
    assert!(!warnings.concat().contains('\u{1b}'));
    assert_eq!(store.get_stats().unwrap().total_sessions, 1);
}

#[test]
fn a_session_is_found_by_the_beginning_of_its_id() {
    let dir = tempfile::tempdir().unwrap();
    let one = record(dir.path(), &start("same"), &[]);
    let two = record(dir.path(), &start("same"), &[]);
    let other = record(dir.path(), &start_at("2026-03-03T09:00:00Z", "x"), &[]);
    let store = SessionStore::at(dir.path());

    assert_eq!(store.resolve("2026-03-03").unwrap(), other);
    assert_eq!(store.resolve(two.as_str()).unwrap(), two);
    assert_eq!(store.resolve(one.as_str()).unwrap(), one);
    assert_eq!(store.resolve(&format!("{one}.jsonl")).unwrap(), one);

    let ambiguous = store.resolve("2026-03-0").unwrap_err();
    assert!(ambiguous.to_string().contains(other.as_str()), "{ambiguous}");
    match ambiguous {
        StoreError::Ambiguous { candidates, .. } => assert_eq!(candidates, [other, two, one]),
        error => panic!("{error}"),
    }
    for text in ["", "2027", "../x"] {
        let error = store.resolve(text).unwrap_err();
        assert!(matches!(error, StoreError::NotFound { .. }), "{text}: {error}");
    }
    assert!(matches!(store.load_session("../../etc/passwd"), Err(StoreError::Id(_))));
    assert!(matches!(store.load_session("2026-03-0"), Err(StoreError::NotFound { .. })));
}

#[test]
fn a_session_is_found_by_its_run() {
    let dir = tempfile::tempdir().unwrap();
    let of_run = |run: &str, at: &str| {
        let start = SessionStart { run_id: Some(run.parse().unwrap()), ..start_at(at, "x") };
        record(dir.path(), &start, &[])
    };
    let (one, two) = ("01KJP0000000000000000000A1", "01KJP0000000000000000000A2");
    let found = [of_run(one, "2026-03-02T09:00:00Z"), of_run(two, "2026-03-03T09:00:00Z")];
    let store = SessionStore::at(dir.path());
    assert_eq!([one, two].map(|run| store.resolve(run).unwrap()), found);
    for text in ["01KJP0000000000000000000A3", "01KJP000", &one.to_lowercase()] {
        let error = store.resolve(text).unwrap_err();
        assert!(matches!(error, StoreError::NotFound { .. }), "{text}: {error}");
    }
}

#[test]
fn a_preview_counts_characters() {
    let dir = tempfile::tempdir().unwrap();
    record(dir.path(), &start(&"ä".repeat(300)), &[]);
    let list = SessionStore::at(dir.path()).list_sessions(&SessionFilter::default()).unwrap();
    assert_eq!(list.sessions[0].prompt_preview, "ä".repeat(256));
    assert_eq!(list.sessions[0].project, "notes");
}

#[test]
fn statistics_count_what_is_over() {
    let dir = tempfile::tempdir().unwrap();
    let at = |day: u32, project: &str| {
        let mut start = start_at(&format!("2026-01-{day:02}T12:00:00Z"), project);
        start.working_dir = format!("/home/ada/{project}");
        start
    };
    record(dir.path(), &at(1, "notes"), &[end("success", 2, 10.0)]);
    record(dir.path(), &at(1, "shop"), &[end("success", 4, 30.0)]);
    record(dir.path(), &at(2, "shop"), &[end("failed", 3, 20.0)]);
    record(dir.path(), &at(3, "shop"), &[iteration(1, "")]);
    let _live = SessionWriter::create(dir.path(), &at(3, "notes")).unwrap();
    let stats = SessionStore::at(dir.path()).get_stats().unwrap();
    insta::assert_json_snapshot!(stats);
}
