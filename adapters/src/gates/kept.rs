//! Results of gates that are kept for the next run on the same tree, so that a baseline costs nothing the
//! second time.
//!
//! Each is a small file of the user's own, named by a hash of all that it was found with: the tree, where
//! it lies, the command, its folder, and the names and values of its variables. One that cannot be read,
//! is damaged or too old was never there. Values of variables go into the hash and nowhere else. Whoever
//! can write to that folder can have a gate taken for red before a run begins, and so excused.

use std::ffi::OsStr;
use std::fs::{self, DirEntry, File};
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime};

use codeloops_event::{Failure, GateStatus, MAX_FAILURES, RunId, TreeId};
use codeloops_machine::GateReport;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::GateProgram;
use super::report::masked;
use crate::evidence::{create_new, hex};
use crate::redact::Redactor;

/// The form of a file; another one is another name.
const FORMAT: &[u8] = b"codeloops gate result 1";

/// How long a result is used: what a gate needs beside the tree changes too.
const LIFETIME: Duration = Duration::from_secs(30 * 24 * 3600);

/// Results that are kept.
const MAX_KEPT: usize = 500;

/// Bytes that are read of one.
const MAX_BYTES: u64 = 1024 * 1024;

/// How many results are written before the others are looked through again.
const PRUNED_EVERY: u32 = 50;

/// A folder of results.
#[derive(Debug, Clone)]
pub struct KeptResults {
    folder: PathBuf,
    /// How many this process has written.
    written: Arc<AtomicU32>,
}

/// What is kept.
#[derive(Debug, Serialize, Deserialize)]
struct Result {
    /// The run that found it.
    run_id: RunId,
    status: GateStatus,
    exit_code: Option<i32>,
    tail: String,
    attempts: u32,
    failures: Vec<Failure>,
    more_failures: u64,
}

/// The name of what a gate came to on a tree.
pub(super) fn key(working_dir: &Path, program: &GateProgram, tree: &TreeId) -> String {
    let mut hash = Sha256::new();
    let mut part = |bytes: &[u8]| {
        hash.update((bytes.len() as u64).to_le_bytes());
        hash.update(bytes);
    };
    let real = working_dir.canonicalize().unwrap_or_else(|_| working_dir.to_owned());
    let below = program.working_dir.as_deref().map_or(OsStr::new(""), Path::as_os_str);
    for bytes in [FORMAT, tree.0.as_bytes(), real.as_os_str().as_bytes(), below.as_bytes()] {
        part(bytes);
    }
    part(&(program.command.len() as u64).to_le_bytes());
    program.command.iter().for_each(|word| part(word.as_bytes()));
    for (name, value) in &program.env {
        part(name.as_bytes());
        part(value.as_bytes());
    }
    hex(&hash.finalize())
}

impl KeptResults {
    /// Those of a folder, which need not be there yet.
    #[must_use]
    pub fn new(folder: PathBuf) -> Self {
        Self { folder, written: Arc::default() }
    }

    /// What is known; none where nothing is. What was kept when nobody masked is masked now.
    pub(super) fn read(&self, key: &str, redactor: Option<&Redactor>) -> Option<GateReport> {
        let file = File::open(self.file(key)).ok()?;
        let meta = file.metadata().ok()?;
        if !meta.is_file() || is_old(meta.modified().ok()?) {
            return None;
        }
        let mut json = Vec::new();
        file.take(MAX_BYTES).read_to_end(&mut json).ok()?;
        serde_json::from_slice::<Result>(&json).ok()?.report(redactor)
    }

    /// Keeps what a gate came to. That it cannot be kept changes nothing about it.
    pub(super) fn write(&self, key: &str, run_id: &RunId, report: &GateReport) {
        let result = Result {
            run_id: run_id.clone(),
            status: report.status,
            exit_code: report.exit_code,
            tail: report.tail.clone(),
            attempts: report.attempts,
            failures: report.failures.clone(),
            more_failures: report.more_failures,
        };
        if let Err(error) = self.try_write(key, &result) {
            tracing::warn!(%error, folder = %self.folder.display(), "a gate's result is not kept");
        }
        // To look at all of them costs more than to write one.
        if self.written.fetch_add(1, Ordering::Relaxed).is_multiple_of(PRUNED_EVERY) {
            self.prune();
        }
    }

    fn try_write(&self, key: &str, result: &Result) -> io::Result<()> {
        let json = serde_json::to_vec(result)?;
        // Another process may write the same one, and so may another thread.
        let thread = std::thread::current().id();
        let draft = self.folder.join(format!("{key}.{}.{thread:?}", std::process::id()));
        let written = create_new(&draft).and_then(|mut file| file.write_all(&json));
        let placed = written.and_then(|()| fs::rename(&draft, self.file(key)));
        placed.inspect_err(|_| drop(fs::remove_file(&draft)))
    }

    /// Removes what is too old, and of too many the oldest.
    fn prune(&self) {
        let Ok(entries) = fs::read_dir(&self.folder) else { return };
        let mut files: Vec<_> = entries.filter_map(|entry| written(&entry.ok()?)).collect();
        files.sort_unstable_by(|a, b| b.cmp(a));
        let recent = files.iter().take(MAX_KEPT).take_while(|(at, _)| !is_old(*at)).count();
        for (_, file) in &files[recent..] {
            fs::remove_file(file).ok();
        }
    }

    fn file(&self, key: &str) -> PathBuf {
        self.folder.join(format!("{key}.json"))
    }
}

impl Result {
    /// None where it is none that is kept.
    fn report(self, redactor: Option<&Redactor>) -> Option<GateReport> {
        let is_kept =
            matches!(self.status, GateStatus::Passed | GateStatus::Failed | GateStatus::Flaky);
        if !is_kept || self.failures.len() > MAX_FAILURES {
            return None;
        }
        let tail = match redactor {
            Some(redactor) => redactor.text(&self.tail).0.into_owned(),
            None => self.tail,
        };
        let failures = self.failures.into_iter().map(|failure| masked(failure, redactor));
        Some(GateReport {
            status: self.status,
            exit_code: self.exit_code,
            duration_secs: 0.0,
            tail,
            output: None,
            attempts: self.attempts,
            failures: failures.collect(),
            more_failures: self.more_failures,
            kept_from: Some(self.run_id),
            ..GateReport::not_started(String::new())
        })
    }
}

/// When a file was written, and which it is.
fn written(entry: &DirEntry) -> Option<(SystemTime, PathBuf)> {
    let meta = entry.metadata().ok().filter(fs::Metadata::is_file)?;
    Some((meta.modified().ok()?, entry.path()))
}

/// What is of another time than it can be is not old.
fn is_old(written: SystemTime) -> bool {
    SystemTime::now().duration_since(written).is_ok_and(|age| age > LIFETIME)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use codeloops_event::FailureCategory;

    use super::{key as name, *};

    const RUN: &str = "01ARZ3NDEKTSV4RRFFQ69G5FAV";

    fn place() -> (tempfile::TempDir, KeptResults) {
        let dir = tempfile::tempdir().unwrap();
        let kept = KeptResults::new(dir.path().join("codeloops/gates"));
        (dir, kept)
    }

    fn report(tail: &str) -> GateReport {
        let message = tail.to_owned();
        let failure = Failure {
            category: FailureCategory::Test,
            file: None,
            line: None,
            column: None,
            code: None,
            message,
        };
        GateReport {
            status: GateStatus::Failed,
            exit_code: Some(1),
            duration_secs: 3.0,
            attempts: 2,
            failures: vec![failure],
            leftovers: 1,
            ..GateReport::not_started(tail.to_owned())
        }
    }

    #[test]
    fn what_was_kept_is_known_again() {
        let (_dir, kept) = place();
        assert_eq!(kept.read("a", None), None);
        kept.write("a", &RUN.parse().unwrap(), &report("red"));
        let expect = GateReport {
            kept_from: Some(RUN.parse().unwrap()),
            duration_secs: 0.0,
            leftovers: 0,
            ..report("red")
        };
        assert_eq!(kept.read("a", None), Some(expect));
        assert_eq!(kept.read("b", None), None);
        let mode = |path: PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(kept.file("a")), 0o600);
        assert_eq!(mode(kept.folder.clone()), 0o700);
    }

    #[test]
    fn what_is_damaged_was_never_there_and_is_replaced() {
        let (_dir, kept) = place();
        let run = RUN.parse().unwrap();
        kept.write("a", &run, &report("red"));
        let whole = fs::read_to_string(kept.file("a")).unwrap();
        let timed_out = whole.replace("failed", "timed_out");
        for damaged in ["", "{}", &whole[..whole.len() / 2], "\u{0}", &timed_out] {
            fs::write(kept.file("a"), damaged).unwrap();
            assert_eq!(kept.read("a", None), None, "{damaged}");
        }
        kept.write("a", &run, &report("red"));
        assert!(kept.read("a", None).is_some());
        fs::remove_file(kept.file("a")).unwrap();
        fs::create_dir(kept.file("a")).unwrap();
        assert_eq!(kept.read("a", None), None, "a folder");
        kept.write("a", &run, &report("red"));
    }

    #[test]
    fn what_was_kept_unmasked_is_masked_when_it_is_read() {
        let (_dir, kept) = place();
        kept.write("a", &RUN.parse().unwrap(), &report("key AKIAIOSFODNN7EXAMPLE"));
        let redactor = Redactor::new(&[], []).unwrap();
        let read = kept.read("a", Some(&redactor)).unwrap();
        assert_eq!(read.tail, "key [redacted: AWS access key]");
        assert_eq!(read.failures[0].message, read.tail);
    }

    #[test]
    fn what_is_old_is_not_used_and_goes() {
        let (_dir, kept) = place();
        let run = RUN.parse().unwrap();
        kept.write("old", &run, &report("red"));
        let file = File::options().write(true).open(kept.file("old")).unwrap();
        file.set_modified(SystemTime::now() - LIFETIME - Duration::from_secs(60)).unwrap();
        assert_eq!(kept.read("old", None), None);
        let kept = KeptResults::new(kept.folder);
        kept.write("new", &run, &report("red"));
        assert!(!kept.file("old").exists(), "the next run looks");
        assert!(kept.read("new", None).is_some());
    }

    #[test]
    fn only_so_many_are_kept() {
        let (_dir, kept) = place();
        fs::create_dir_all(&kept.folder).unwrap();
        let long_ago = SystemTime::now() - Duration::from_secs(3600);
        for n in 0..MAX_KEPT + 5 {
            let file = File::create(kept.file(&n.to_string())).unwrap();
            file.set_modified(long_ago).unwrap();
        }
        kept.write("new", &RUN.parse().unwrap(), &report("red"));
        assert_eq!(fs::read_dir(&kept.folder).unwrap().count(), MAX_KEPT);
        assert!(kept.read("new", None).is_some());
    }

    #[test]
    fn all_that_a_result_rests_on_is_in_its_name() {
        let program = GateProgram {
            name: "test".to_owned(),
            command: ["sh", "-c", "x"].map(str::to_owned).to_vec(),
            working_dir: None,
            env: [("A".to_owned(), "1".to_owned())].into(),
        };
        let key = |program: &GateProgram, dir: &str, tree: &str| {
            name(Path::new(dir), program, &TreeId(tree.to_owned()))
        };
        let own = key(&program, "/", "t");
        assert_eq!(own, key(&program.clone(), "/", "t"));
        let other_name = GateProgram { name: "other".to_owned(), ..program.clone() };
        assert_eq!(own, key(&other_name, "/", "t"), "a name means nothing");
        let joined = ["sh", "-cx"].map(str::to_owned).to_vec();
        let others = [
            key(&program, "/", "u"),
            key(&program, "/usr", "t"),
            key(&GateProgram { command: joined, ..program.clone() }, "/", "t"),
            key(&GateProgram { working_dir: Some("usr".into()), ..program.clone() }, "/", "t"),
            key(
                &GateProgram { env: [("A".into(), "2".into())].into(), ..program.clone() },
                "/",
                "t",
            ),
            key(&GateProgram { env: [("B".into(), "1".into())].into(), ..program }, "/", "t"),
        ];
        let all: std::collections::BTreeSet<_> = others.iter().chain([&own]).collect();
        assert_eq!(all.len(), 7);
    }
}
