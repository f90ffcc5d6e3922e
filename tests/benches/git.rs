//! Measures a snapshot, and a whole iteration, against `git status` on the same repository.
//!
//! `cargo xtask bench git` prints medians, also of the ratio within each round, for other work on the
//! machine slows both. `cargo bench -p codeloops-tests --bench git -- 15 50000` says how many rounds,
//! and how many files the large repository has. The repositories are made in `TMPDIR`.

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
use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;

use support::cpu_time;

mod support;

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
        // Spread over the folders.
        let names: Vec<String> = (0..changed).map(|n| name(n * files / changed)).collect();
        for way in [Way::Auto, Way::Mixed, Way::Program] {
            measure(&root, way, rounds, &names);
            git(&root, &["checkout", "-q", "."]);
            sleep(Duration::from_millis(1500));
        }
    }
}

/// Makes a repository that is old enough for git to trust the times of its files.
fn make(root: &Path, files: usize) {
    fs::create_dir_all(root).unwrap();
    git(root, &["init", "-q"]);
    // Or the commit starts one, which packs and deletes as many objects while it is measured.
    git(root, &["config", "gc.auto", "0"]);
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

/// Ten files to a folder, as in most sources.
fn name(n: usize) -> String {
    format!("d{}/s{}/file{n}.txt", n / 500, n / 10 % 50)
}

fn measure(root: &Path, way: Way, rounds: usize, changed: &[String]) {
    let runtime = Builder::new_current_thread().build().unwrap();
    let run_id = "01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap();
    let evidence = tempfile::tempdir().unwrap();
    let options = Options { way, ..Options::default() };
    let start = Instant::now();
    let (workspace, base) =
        GitWorkspace::open(root, &run_id, evidence.path(), &options, &mut |_| {}).unwrap();
    let open = start.elapsed();
    let rounds: Vec<Round> = (0..rounds)
        .map(|number| {
            for name in changed {
                // Named, so that no way finds what another one stored.
                let text = format!("{name}\n{way:?}, round {number}\n").repeat(15);
                fs::write(root.join(name), text).unwrap();
            }
            // An agent takes seconds to end its turn.
            sleep(Duration::from_millis(150));
            let status = timed(|| git(root, &["status", "--porcelain", "-uall"]));
            let cpu = cpu_time();
            let (capture, check) = iteration(&runtime, &workspace, number, changed.len());
            let whole = capture + check;
            Round { status, snapshot: capture, whole, cpu: cpu_time() - cpu }
        })
        .collect();
    report(&base.root, way, open, &rounds);
}

/// What one iteration took.
struct Round {
    status: Duration,
    snapshot: Duration,
    whole: Duration,
    /// Of the threads of this process during `whole`.
    cpu: Duration,
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
    // So does a critic.
    sleep(Duration::from_millis(150));
    let start = Instant::now();
    assert_eq!(
        runtime.block_on(workspace.check(call, true, watch::channel(None).1)),
        TreeCheck::Unchanged
    );
    (capture, start.elapsed())
}

fn timed(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}

fn median(rounds: &[Round], of: impl Fn(&Round) -> f64) -> f64 {
    let mut values: Vec<f64> = rounds.iter().map(of).collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn report(root: &Path, way: Way, open: Duration, rounds: &[Round]) {
    let files = Command::new("git").arg("-C").arg(root).args(["ls-files"]).output().unwrap();
    let files = files.stdout.split(|&b| b == b'\n').count() - 1;
    let ms = |time: Duration| time.as_secs_f64() * 1000.0;
    let line = |what: &str, of: fn(&Round) -> Duration| {
        let time = median(rounds, |round| ms(of(round)));
        let ratio = median(rounds, |round| ms(of(round)) / ms(round.status));
        println!("  {what:18}{time:8.1} ms ({ratio:.2} x status)");
        time
    };
    println!("{files} files, {way:?}: opened in {:.1} ms", ms(open));
    let status = line("git status", |round| round.status);
    line("snapshot and diff", |round| round.snapshot);
    line("whole iteration", |round| round.whole);
    line("its own CPU time", |round| round.cpu);
    println!("  allowed: {:.1} and {:.1} ms", 1.2 * status + 10.0, 2.2 * status + 10.0);
}

fn git(root: &Path, args: &[&str]) {
    let mut command = Command::new("git");
    command.arg("-C").arg(root).args(args).stdin(Stdio::null()).stdout(Stdio::null());
    assert!(command.status().unwrap().success());
}
