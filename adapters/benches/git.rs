//! Measures a snapshot, and a whole iteration, against `git status` on the same repository.
//!
//! `cargo bench -p codeloops-adapters --bench git` prints medians. Arguments after `--`: number of
//! rounds (default 15), number of files of the large repository (default 50,000).

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot run has no figures")]

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use codeloops_adapters::git::{GitWorkspace, Options, Way};
use codeloops_driver::ports::Workspace;
use codeloops_event::{CallId, CallKind, TreeCheck};
use codeloops_machine::CriticTree;
use tokio::runtime::{Builder, Runtime};

/// Files that the actor changed.
const CHANGED: usize = 100;

fn main() {
    let mut numbers = std::env::args().skip(1).filter_map(|arg| arg.parse::<usize>().ok());
    let rounds = numbers.next().unwrap_or(15);
    let files = numbers.next().unwrap_or(50_000);
    // Kept to the end: ext4 is slow to make files just after many were deleted.
    let folder = tempfile::tempdir().unwrap();
    for (files, changed) in [(100, 5), (files, CHANGED)] {
        let root = folder.path().join(files.to_string());
        make(&root, files);
        for way in [Way::Auto, Way::Mixed, Way::Program] {
            measure(&root, way, rounds, changed);
            git(&root, &["checkout", "-q", "."]);
            sleep(Duration::from_millis(1500));
        }
    }
}

/// Makes a repository that is old enough for git to trust the times of its files.
fn make(root: &Path, files: usize) {
    fs::create_dir_all(root).unwrap();
    git(root, &["init", "-q"]);
    for n in 0..files {
        let path = root.join(name(n));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, format!("line {n}\n").repeat(30)).unwrap();
    }
    git(root, &["add", "-A"]);
    git(root, &["-c", "user.name=b", "-c", "user.email=b@b", "commit", "-qm", "base"]);
    sleep(Duration::from_millis(2100));
    git(root, &["status"]);
}

fn name(n: usize) -> String {
    format!("d{}/s{}/file{n}.txt", n % 50, n % 1000 / 50)
}

fn measure(root: &Path, way: Way, rounds: usize, changed: usize) {
    let runtime = Builder::new_current_thread().build().unwrap();
    let run_id = "01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap();
    let evidence = tempfile::tempdir().unwrap();
    let options = Options { way, ..Options::default() };
    let start = Instant::now();
    let (workspace, base) = GitWorkspace::open(root, &run_id, evidence.path(), &options).unwrap();
    let open = start.elapsed();
    let (mut status, mut snapshot, mut whole) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..rounds {
        for n in 0..changed {
            fs::write(root.join(name(n)), format!("line {n}\nround {round}\n").repeat(15)).unwrap();
        }
        // An agent takes seconds to end its turn.
        sleep(Duration::from_millis(150));
        status.push(timed(|| git(root, &["status", "--porcelain", "-uall"])));
        let (capture, check) = iteration(&runtime, &workspace, round, changed);
        snapshot.push(capture);
        whole.push(capture + check);
    }
    report(&base.root, way, open, [median(status), median(snapshot), median(whole)]);
}

/// One capture and one check that finds nothing.
fn iteration(
    runtime: &Runtime,
    workspace: &GitWorkspace,
    round: usize,
    changed: usize,
) -> (Duration, Duration) {
    let iteration = u32::try_from(round).unwrap() + 1;
    let start = Instant::now();
    let diff = runtime.block_on(workspace.capture(iteration)).unwrap();
    let capture = start.elapsed();
    assert_eq!(diff.files_changed, changed as u64);
    let call = CallId { iteration, kind: CallKind::TreeCheck, attempt: 1 };
    let before = CriticTree { tree: diff.tree, restore: true };
    // So does a critic.
    sleep(Duration::from_millis(150));
    let start = Instant::now();
    assert_eq!(runtime.block_on(workspace.check(call, before)), TreeCheck::Unchanged);
    (capture, start.elapsed())
}

fn timed(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}

fn median(mut times: Vec<Duration>) -> f64 {
    times.sort();
    times[times.len() / 2].as_secs_f64() * 1000.0
}

fn report(root: &Path, way: Way, open: Duration, [status, snapshot, whole]: [f64; 3]) {
    let files = Command::new("git").arg("-C").arg(root).args(["ls-files"]).output().unwrap();
    let files = files.stdout.split(|&b| b == b'\n').count() - 1;
    println!("{files} files, {way:?}: opened in {:.1} ms", open.as_secs_f64() * 1000.0);
    println!("  git status        {status:8.1} ms");
    println!("  snapshot and diff {snapshot:8.1} ms ({:.2} x status)", snapshot / status);
    println!("  whole iteration   {whole:8.1} ms ({:.2} x status)", whole / status);
    println!("  allowed: {:.1} and {:.1} ms", 1.2 * status + 10.0, 2.2 * status + 10.0);
}

fn git(root: &Path, args: &[&str]) {
    let mut command = Command::new("git");
    command.arg("-C").arg(root).args(args).stdin(Stdio::null()).stdout(Stdio::null());
    assert!(command.status().unwrap().success());
}
