//! What a list shows beside an index, whatever became of the files since that was written.

use std::fs::{self, File, FileTimes};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::thread;
use std::time::{Duration, SystemTime};

use super::*;
use crate::stamp::FileStamp;
use crate::summary::SessionSummary;

/// As many files as are worth an index.
const MANY: usize = 40;

const START: &str = r#"{"type":"session_start","timestamp":"2025-01-27T15:30:45Z","prompt":"PROMPT","working_dir":"/home/user/myapp","actor_agent":"Claude Code","critic_agent":"Codex CLI","actor_model":"opus","critic_model":null,"max_iterations":10}"#;
const ROUND: &str = r#"{"type":"iteration","iteration_number":1,"actor_output":"","actor_stderr":"","actor_exit_code":0,"actor_duration_secs":1.0,"git_diff":"","git_files_changed":0,"critic_decision":"CONTINUE","feedback":"more","timestamp":"2025-01-27T15:31:00Z"}"#;
const END: &str = r#"{"type":"session_end","outcome":"success","iterations":1,"summary":null,"confidence":0.9,"duration_secs":89.4,"timestamp":"2025-01-27T15:32:14Z"}"#;

/// A folder of sessions.
struct Sessions(tempfile::TempDir);

impl Sessions {
    /// Many sessions with an index that knows all of them.
    fn indexed() -> Self {
        let sessions = Self::new();
        sessions.settle();
        assert_eq!(sessions.list().len(), MANY);
        assert_eq!(sessions.kept(), MANY, "all of them are in the index");
        sessions
    }

    fn new() -> Self {
        let sessions = Self(tempfile::tempdir().unwrap());
        (0..MANY).for_each(|n| sessions.write(&name(n), &ended(&format!("task {n}"))));
        sessions
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    /// Waits until the file system's clock has gone on so far that later changes show in the stamps.
    fn settle(&self) {
        let stamps = || {
            let entries = fs::read_dir(self.0.path()).unwrap();
            entries.map(|entry| FileStamp::of(&entry.unwrap().metadata().unwrap()))
        };
        let probe = self.path("probe");
        loop {
            fs::write(&probe, "").unwrap();
            let now = FileStamp::of(&fs::metadata(&probe).unwrap()).ctime;
            fs::remove_file(&probe).unwrap();
            if stamps().all(|stamp| stamp.tells_later_changes(now)) {
                return;
            }
            thread::sleep(Duration::from_millis(5));
        }
    }

    fn list(&self) -> Vec<SessionSummary> {
        self.find(&SessionFilter::default())
    }

    fn find(&self, filter: &SessionFilter) -> Vec<SessionSummary> {
        let list = Catalogue::read(self.0.path(), filter).unwrap();
        assert!(list.warnings().is_empty(), "{:?}", list.warnings());
        list.iter().map(SessionSummary::from).collect()
    }

    /// How many files the index answers for.
    fn kept(&self) -> usize {
        let index = LateIndex::of(self.0.path(), false);
        look::at_all(self.0.path(), &index).unwrap().kept.len()
    }

    /// The list, which must be the one that there is without an index.
    #[track_caller]
    fn true_list(&self) -> Vec<SessionSummary> {
        let list = self.list();
        fs::remove_file(self.path(".index")).unwrap();
        assert!(list == self.list(), "another list without an index");
        list
    }
}

fn name(n: usize) -> String {
    format!("2025-01-27T15-30-{:02}Z_a3f2c1.jsonl", n % 60)
}

fn ended(prompt: &str) -> String {
    format!("{}\n{ROUND}\n{END}\n", START.replace("PROMPT", prompt))
}

#[test]
fn an_index_is_the_users_alone_and_holds_what_was_read() {
    let sessions = Sessions::indexed();
    let index = fs::metadata(sessions.path(".index")).unwrap();
    assert_eq!(index.permissions().mode() & 0o777, 0o600);
    assert!(!sessions.path(".index.draft").exists());
    let list = sessions.true_list();
    let first = &list[0];
    assert_eq!(first.actor_model.as_deref(), Some("opus"));
    assert_eq!((first.iterations, first.duration_secs), (1, Some(89.4)));
}

#[test]
fn what_a_prompt_said_does_not_outlive_its_session() {
    let sessions = Sessions::indexed();
    let holds = |text: &str| {
        let index = fs::read(sessions.path(".index")).unwrap();
        index.windows(text.len()).any(|window| window == text.as_bytes())
    };
    assert!(holds("task 17"));
    fs::remove_file(sessions.path(&name(17))).unwrap();
    assert_eq!(sessions.list().len(), MANY - 1);
    assert!(!holds("task 17") && holds("task 18"));
    (0..MANY).for_each(|n| drop(fs::remove_file(sessions.path(&name(n)))));
    assert_eq!(sessions.list().len(), 0);
    assert!(!holds("task"));
}

#[test]
fn a_few_sessions_get_no_index() {
    let sessions = Sessions(tempfile::tempdir().unwrap());
    sessions.write(&name(1), &ended("x"));
    sessions.settle();
    assert_eq!(sessions.list().len(), 1);
    assert!(!sessions.path(".index").exists());
}

#[test]
fn a_file_that_was_just_written_is_not_trusted() {
    let sessions = Sessions::new();
    let _first = sessions.list();
    // Its length and, to a coarse clock, its times are the same.
    sessions.write(&name(7), &ended("TASK 7"));
    assert!(sessions.list().iter().any(|session| session.prompt_preview == "TASK 7"));
    for n in 0..100 {
        let prompt = format!("task {:02}", n % 100);
        sessions.write(&name(7), &ended(&prompt));
        let list = sessions.list();
        assert!(list.iter().any(|session| session.prompt_preview == prompt), "{prompt}");
    }
}

#[test]
fn every_change_of_a_file_is_noticed() {
    type Change = fn(&Sessions);
    let changes: [(&str, Change, usize); 8] = [
        ("grown", |s| s.write(&name(3), &format!("{}{ROUND}\n", ended("task 3"))), MANY),
        (
            "ended again",
            |s| {
                s.write(
                    &name(3),
                    &format!("{}{ROUND}\n{}\n", ended("task 3"), END.replace("89.4", "99.5")),
                );
            },
            MANY,
        ),
        ("removed", |s| fs::remove_file(s.path(&name(3))).unwrap(), MANY - 1),
        ("new", |s| s.write("2026-01-01T00-00-00Z_ffffff.jsonl", &ended("new")), MANY + 1),
        ("replaced by one of the same size", replace, MANY),
        ("renamed", |s| fs::rename(s.path(&name(3)), s.path("mine.jsonl")).unwrap(), MANY),
        (
            "renamed onto another",
            |s| fs::rename(s.path(&name(3)), s.path(&name(4))).unwrap(),
            MANY - 1,
        ),
        ("written to, its time set back", set_back, MANY),
    ];
    for (what, change, count) in changes {
        let sessions = Sessions::indexed();
        let before = sessions.list();
        change(&sessions);
        let list = sessions.true_list();
        assert_eq!(list.len(), count, "{what}");
        assert!(list != before, "{what}");
    }
}

/// A rename aside keeps the time and the size of what is put in the place.
fn replace(sessions: &Sessions) {
    let (path, aside) = (sessions.path(&name(3)), sessions.path("aside"));
    let modified = fs::metadata(&path).unwrap().modified().unwrap();
    fs::write(&aside, ended("TASK 3")).unwrap();
    File::options().write(true).open(&aside).unwrap().set_modified(modified).unwrap();
    assert_eq!(fs::metadata(&aside).unwrap().size(), fs::metadata(&path).unwrap().size());
    fs::rename(aside, path).unwrap();
}

fn set_back(sessions: &Sessions) {
    let path = sessions.path(&name(3));
    let found = fs::metadata(&path).unwrap();
    fs::write(&path, ended("TASK 3")).unwrap();
    let times = FileTimes::new().set_modified(found.modified().unwrap());
    let file = File::options().write(true).open(&path).unwrap();
    file.set_times(times.set_accessed(SystemTime::UNIX_EPOCH)).unwrap();
    let now = fs::metadata(&path).unwrap();
    assert_eq!((now.mtime_nsec(), now.size()), (found.mtime_nsec(), found.size()));
}

#[test]
fn whether_a_session_runs_is_asked_each_time() {
    let sessions = Sessions::new();
    let path = sessions.path(&name(5));
    fs::write(&path, format!("{}\n{ROUND}\n", START.replace("PROMPT", "live"))).unwrap();
    sessions.settle();
    let status = || {
        let list = sessions.list();
        list.into_iter().find(|s| s.prompt_preview == "live").unwrap().status
    };
    assert_eq!(status(), SessionStatus::Crashed);
    assert_eq!(sessions.kept(), MANY);
    let held = File::open(&path).unwrap();
    held.lock().unwrap();
    assert_eq!(status(), SessionStatus::Running);
    drop(held);
    assert_eq!(status(), SessionStatus::Crashed);
    assert_eq!(sessions.kept(), MANY, "nothing of it was written");
}

#[test]
fn prompts_are_searched_in_the_index_and_where_it_has_none() {
    let sessions = Sessions::new();
    let long = |needle: &str, length: usize| format!("{} {needle} end", "x ".repeat(length / 2));
    sessions.write(&name(0), &ended(&long("Needle in a long one", 1000)));
    sessions.write(&name(1), &ended(&long("needle in a very long one", 40_000)));
    sessions.write(&name(2), &ended("\u{4e2d} \u{39d}EEDLE \u{39f}\u{3a3}"));
    sessions.settle();
    let found = |text: &str| {
        let filter = SessionFilter { search: Some(text.to_owned()), ..Default::default() };
        sessions.find(&filter).len()
    };
    let counts =
        || ["NEEDLE", "very long", "\u{3bd}eedle", "\u{3a3}", "task", "nothing"].map(found);
    let read = counts();
    assert_eq!(read, [2, 1, 1, 1, MANY - 3, 0]);
    assert_eq!(sessions.kept(), MANY);
    assert_eq!(counts(), read);
}

#[test]
fn an_index_that_cannot_be_written_or_read_is_done_without() {
    type Obstacle = fn(&Sessions);
    let obstacles: [Obstacle; 5] = [
        |s| fs::create_dir(s.path(".index.draft")).unwrap(),
        |s| fs::create_dir(s.path(".index")).unwrap(),
        |s| s.write(".index", "something else"),
        |s| pipe(&s.path(".index")),
        |s| pipe(&s.path(".index.draft")),
    ];
    for obstacle in obstacles {
        let sessions = Sessions::new();
        obstacle(&sessions);
        sessions.settle();
        assert_eq!(sessions.list().len(), MANY);
        assert_eq!(sessions.list().len(), MANY);
    }
}

fn pipe(path: &Path) {
    assert!(std::process::Command::new("mkfifo").arg(path).status().unwrap().success());
}

#[test]
fn what_has_another_name_is_not_written_over() {
    let sessions = Sessions::new();
    sessions.settle();
    sessions.write("mine", "mine");
    fs::hard_link(sessions.path("mine"), sessions.path(".index.draft")).unwrap();
    assert_eq!(sessions.list().len(), MANY);
    assert_eq!(fs::read(sessions.path("mine")).unwrap(), b"mine");
}

#[test]
fn of_two_writers_of_the_index_one_gives_up() {
    let sessions = Sessions::new();
    sessions.settle();
    let draft = File::create(sessions.path(".index.draft")).unwrap();
    draft.lock().unwrap();
    assert_eq!(sessions.list().len(), MANY);
    assert!(!sessions.path(".index").exists());
    drop(draft);
    // What a killed writer left is used again.
    assert_eq!(sessions.list().len(), MANY);
    assert!(sessions.path(".index").exists() && !sessions.path(".index.draft").exists());
}

#[test]
fn a_damaged_file_is_told_with_and_without_an_index() {
    let sessions = Sessions::indexed();
    let whole = ended("task 3");
    let seen = || {
        let list = Catalogue::read(sessions.0.path(), &SessionFilter::default()).unwrap();
        let warnings: Vec<_> = list.warnings().iter().map(ToString::to_string).collect();
        (list.iter().map(SessionSummary::from).collect::<Vec<_>>(), warnings)
    };
    for at in 0..whole.len() {
        let mut bytes = whole.clone().into_bytes();
        bytes[at] ^= 0x15;
        fs::write(sessions.path(&name(3)), bytes).unwrap();
        let (list, warnings) = seen();
        assert_eq!(list.len() + warnings.len(), MANY, "byte {at}: {warnings:?}");
    }
    let last = seen();
    fs::remove_file(sessions.path(".index")).unwrap();
    assert_eq!(seen(), last);
}
