//! The user's checks with real processes: small shell scripts that play them.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use codeloops_adapters::gates::{
    Artifacts, CommandGates, GateProgram, GatesConfig, KeptResults, Printed,
};
use codeloops_adapters::redact::Redactor;
use codeloops_adapters::{Grace, end_processes_of_run};
use codeloops_driver::ports::Gates;
use codeloops_event::{
    CallId, CallKind, Failure, FailureCategory, GateSettings, GateStatus, Iteration, LimitKind,
    TreeId,
};
use codeloops_machine::{GateCall, GateReport, StopLevel};
use tokio::sync::watch;

/// Long enough never to be reached where nothing is wrong.
const NEVER: Duration = Duration::from_secs(300);

const KEY: &str = "AKIAIOSFODNN7EXAMPLE";

/// A folder with gates, and how they are called.
struct Bench {
    dir: tempfile::TempDir,
    gates: Vec<GateProgram>,
    retries: u32,
    iteration: Iteration,
    tree: &'static str,
    deadline: Option<(Duration, LimitKind)>,
    max_output: u64,
    grace: Grace,
    redactor: Option<Arc<Redactor>>,
    kept: Option<KeptResults>,
}

impl Bench {
    /// One gate, `test`, that is this shell script.
    fn new(script: &str) -> Self {
        let bench = Self {
            dir: tempfile::tempdir().unwrap(),
            gates: Vec::new(),
            retries: 0,
            iteration: 2,
            tree: "tree",
            deadline: None,
            max_output: u64::MAX,
            grace: Grace { stop: NEVER, terminate: NEVER, ..Grace::default() },
            redactor: None,
            kept: None,
        };
        fs::create_dir(bench.path("work")).unwrap();
        bench.and("test", script)
    }

    fn and(self, name: &str, script: &str) -> Self {
        self.running(name, &["sh", "-c", script])
    }

    fn running(mut self, name: &str, command: &[&str]) -> Self {
        self.gates.retain(|gate| gate.name != name);
        self.gates.push(GateProgram {
            name: name.to_owned(),
            command: command.iter().map(ToString::to_string).collect(),
            working_dir: None,
            env: BTreeMap::new(),
        });
        self
    }

    fn gate(&mut self) -> &mut GateProgram {
        &mut self.gates[0]
    }

    fn kept(mut self) -> Self {
        self.kept = Some(KeptResults::new(self.path("cache/gates")));
        Self { iteration: 0, ..self }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().canonicalize().unwrap().join(name)
    }

    /// A run id that no other test has.
    fn run_id(&self) -> String {
        let unique = self.dir.path().to_string_lossy();
        let hash = unique.bytes().fold(7u64, |h, b| h.wrapping_mul(1_000_003) ^ u64::from(b));
        format!("{hash:026}")
    }

    fn runner(&self) -> CommandGates {
        CommandGates::new(GatesConfig {
            gates: self.gates.clone(),
            working_dir: self.path("work"),
            evidence_root: self.path("evidence"),
            run_id: self.run_id().parse().unwrap(),
            commit_sha: Some("c0ffee".into()),
            branch: None,
            max_output: self.max_output,
            grace: self.grace,
            redactor: self.redactor.clone(),
            kept: self.kept.clone(),
            diagnose: first_line,
        })
    }

    fn call(&self, name: &str) -> GateCall {
        GateCall {
            call: CallId { iteration: self.iteration, kind: CallKind::Gate, attempt: 1 },
            gate: GateSettings {
                name: name.to_owned(),
                command: vec!["what is masked is not run".to_owned()],
                required: true,
                baseline: true,
                retries: self.retries,
                timeout_secs: None,
                working_dir: None,
                env: Vec::new(),
            },
            tree: Some(TreeId(self.tree.to_owned())),
            deadline: self.deadline,
        }
    }

    async fn run(&self) -> GateReport {
        let (_stop, stopped) = watch::channel(None);
        self.runner().run(self.call("test"), stopped).await
    }

    /// Runs it and asks it to stop as soon as `mark` exists.
    async fn run_and_stop(&self, mark: &str, level: StopLevel) -> GateReport {
        let (stop, stopped) = watch::channel(None);
        let (gates, call) = (self.runner(), self.call("test"));
        let task = tokio::spawn(async move { gates.run(call, stopped).await });
        until(|| self.path(mark).exists()).await;
        stop.send(Some(level)).unwrap();
        task.await.unwrap()
    }

    fn evidence(&self, name: &str) -> String {
        let file = self.path("evidence/iterations/2/gates/test").join(name);
        String::from_utf8_lossy(&fs::read(file).unwrap()).into_owned()
    }

    /// The process whose id a script wrote to a file.
    fn is_gone(&self, file: &str) -> bool {
        is_gone(&self.path("work").join(file))
    }
}

fn is_gone(file: &Path) -> bool {
    let pid = fs::read_to_string(file).unwrap();
    !fs::exists(format!("/proc/{}", pid.trim())).unwrap()
}

async fn until(condition: impl Fn() -> bool) {
    while !condition() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Takes the first line for what fails, and what stands in a report; tells that there is more.
fn first_line(printed: Printed<'_>) -> (Vec<Failure>, u64) {
    assert!(printed.dir.is_dir() && !printed.command.is_empty());
    let log = fs::read(printed.log).unwrap();
    let line = String::from_utf8_lossy(&log).lines().next().unwrap_or_default().to_owned();
    let report = fs::read_to_string(printed.artifacts.join("report")).ok();
    let told = [line].into_iter().chain(report);
    (told.map(|told| failure(FailureCategory::Test, &told)).collect(), 7)
}

fn failure(category: FailureCategory, message: &str) -> Failure {
    let message = message.to_owned();
    Failure { category, file: None, line: None, column: None, code: None, message }
}

#[tokio::test]
async fn what_it_prints_is_kept_in_order_and_its_exit_code_tells() {
    let bench = Bench::new("echo out; echo err >&2; echo out; exit 3");
    let report = bench.run().await;
    assert_eq!((report.status, report.exit_code), (GateStatus::Failed, Some(3)));
    assert_eq!(report.tail, "out\nerr\nout");
    assert_eq!(bench.evidence("output.log"), "out\nerr\nout\n");
    let output = report.output.unwrap();
    assert_eq!(output.path, "iterations/2/gates/test/output.log");
    assert_eq!((output.bytes, output.dropped_bytes), (12, 0));
    assert_eq!(report.failures, [failure(FailureCategory::Test, "out")]);
    assert_eq!((report.more_failures, report.attempts, report.leftovers), (7, 1, 0));

    let report = Bench::new("echo fine").run().await;
    assert_eq!((report.status, report.exit_code), (GateStatus::Passed, Some(0)));
    assert_eq!(report.failures, []);
}

#[tokio::test]
async fn before_the_first_round_it_has_a_folder_of_its_own() {
    let bench = Bench { iteration: 0, ..Bench::new("echo $CODELOOPS_ITERATION") };
    let report = bench.run().await;
    assert_eq!(report.output.unwrap().path, "baseline/gates/test/output.log");
    assert_eq!(report.tail, "0");
}

#[tokio::test]
async fn it_knows_what_it_belongs_to() {
    let told = "echo $CODELOOPS_RUN_ID $CODELOOPS_COMMIT_SHA ${CODELOOPS_BRANCH-none} \
        $CODELOOPS_ITERATION $CODELOOPS_ROLE $CODELOOPS_GATE $CODELOOPS_ARTIFACTS $OWN; \
        pwd; ls -ld $CODELOOPS_ARTIFACTS | cut -c1-10";
    let mut bench = Bench::new(told);
    fs::create_dir(bench.path("work/sub")).unwrap();
    bench.gate().working_dir = Some("sub".into());
    bench.gate().env = [
        ("OWN".to_owned(), "a b".to_owned()),
        ("CODELOOPS_RUN_ID".to_owned(), "hidden".to_owned()),
    ]
    .into();
    let artifacts = bench.path("evidence/iterations/2/gates/test/artifacts");
    let expect = format!(
        "{} c0ffee none 2 gate test {} a b\n{}\ndrwx------",
        bench.run_id(),
        artifacts.display(),
        bench.path("work/sub").display()
    );
    assert_eq!(bench.run().await.tail, expect);
    assert!(!artifacts.exists(), "nothing was left there");
}

#[tokio::test]
async fn a_program_is_looked_for_in_the_path_that_is_set_for_it() {
    let mut bench = Bench::new("").running("test", &["mine"]);
    let program = bench.path("work/bin/mine");
    fs::create_dir(program.parent().unwrap()).unwrap();
    fs::write(&program, "#!/bin/sh\necho mine\n").unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(&program, mode).unwrap();
    let path = format!("{}:/usr/bin:/bin", program.parent().unwrap().display());
    bench.gate().env = [("PATH".to_owned(), path)].into();
    assert_eq!(bench.run().await.tail, "mine");
    bench.gate().env = [("PATH".to_owned(), "/nowhere".to_owned())].into();
    let report = bench.run().await;
    assert_eq!(report.tail, "`mine`: not found in the PATH that is set for it");
}

#[tokio::test]
async fn what_cannot_be_started_says_why() {
    let elsewhere = |bench: &mut Bench| bench.gate().working_dir = Some("no/such".into());
    let nothing: fn(&mut Bench) = |bench| bench.gate().command.clear();
    let missing: fn(&mut Bench) = |bench| bench.gate().command = vec!["no-such-program".into()];
    let unknown: fn(&mut Bench) = |bench| bench.gate().name = "other".into();
    for (change, why) in [
        (elsewhere as fn(&mut Bench), "no/such` that it is to run in is missing"),
        (nothing, "its command is empty"),
        (missing, "`no-such-program`: No such file or directory (os error 2)"),
        (unknown, "no command is known for the gate `test`"),
    ] {
        let mut bench = Bench::new("true");
        change(&mut bench);
        let report = bench.run().await;
        assert_eq!(report.status, GateStatus::NotStarted);
        assert!(report.tail.ends_with(why), "{}", report.tail);
        assert_eq!(report.failures, [failure(FailureCategory::Runtime, &report.tail)]);
        assert_eq!((report.exit_code, report.output, report.interrupted), (None, None, false));
    }
}

#[tokio::test]
async fn one_that_hangs_is_ended_with_all_that_it_started() {
    let script = "sleep 1000 & echo $! >one; setsid sleep 1000 & echo $! >two; wait";
    let mut bench = Bench::new(script);
    bench.grace = Grace::default();
    bench.retries = 3;
    bench.deadline = Some((Duration::from_millis(300), LimitKind::Total));
    let report = bench.run().await;
    assert_eq!((report.status, report.exit_code), (GateStatus::TimedOut, None));
    assert_eq!((report.interrupted, report.attempts, report.leftovers), (false, 1, 0));
    let message = "did not end within 0.3 s";
    assert_eq!(report.failures, [failure(FailureCategory::Timeout, message)]);
    assert!(bench.is_gone("one") && bench.is_gone("two"));

    bench.deadline = Some((Duration::from_millis(300), LimitKind::RunBudget));
    let report = bench.run().await;
    assert_eq!((report.status, report.interrupted), (GateStatus::TimedOut, true));
    assert_eq!(report.failures, []);
}

#[tokio::test]
async fn a_stop_ends_it_and_it_says_nothing() {
    let script = "trap 'echo asked; exit 1' TERM; sleep 1000 & touch ../runs; wait";
    let bench = Bench { retries: 3, ..Bench::new(script) };
    let report = bench.run_and_stop("runs", StopLevel::Graceful).await;
    assert!(report.interrupted);
    assert_eq!((report.status, report.exit_code), (GateStatus::Failed, None));
    assert_eq!((report.attempts, report.failures), (1, Vec::new()));
    assert_eq!(report.tail, "asked");

    let script = "trap '' TERM; echo $$ >pid; touch ../runs; while :; do sleep 0.01; done";
    let bench = Bench::new(script);
    assert!(bench.run_and_stop("runs", StopLevel::Now).await.interrupted);
    assert!(bench.is_gone("pid"));
}

#[tokio::test]
async fn none_begins_after_a_stop() {
    let bench = Bench::new("touch began");
    let (_stop, stopped) = watch::channel(Some(StopLevel::Graceful));
    let report = bench.runner().run(bench.call("test"), stopped).await;
    assert_eq!((report.status, report.interrupted), (GateStatus::NotStarted, true));
    assert!(!bench.path("work/began").exists());
}

#[tokio::test]
async fn whoever_drops_the_call_leaves_nothing_running() {
    let bench = Bench::new("echo $$ >pid; exec sleep 1000");
    let (_stop, stopped) = watch::channel(None);
    let (gates, call) = (bench.runner(), bench.call("test"));
    let task = tokio::spawn(async move { gates.run(call, stopped).await });
    let pid = || fs::read_to_string(bench.path("work/pid")).is_ok_and(|pid| pid.ends_with('\n'));
    until(pid).await;
    task.abort();
    until(|| bench.is_gone("pid")).await;
}

#[tokio::test]
async fn a_flood_is_cut_and_counted_and_its_end_is_shown() {
    let script = "yes 'a line of a flood' | head -c 50000000; echo; echo the end; exit 1";
    let bench = Bench { max_output: 1_000_000, ..Bench::new(script) };
    let before = peak_memory();
    let report = bench.run().await;
    let output = report.output.unwrap();
    assert_eq!((output.bytes, output.dropped_bytes), (1_000_000, 49_000_009));
    assert!(report.tail.ends_with("\nthe end") && report.tail.len() <= 8 * 1024);
    assert!(report.tail.starts_with("a line of a flood\n"), "whole lines");
    assert!(peak_memory() - before < 30_000, "{} KiB", peak_memory() - before);
}

/// Of this process, in KiB.
fn peak_memory() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[tokio::test]
async fn what_is_no_text_is_kept_and_shown_as_text() {
    let bench = Bench::new(r#"printf '\033[31mred\033[0m \377\n\033]0;t\007'; exit 1"#);
    let report = bench.run().await;
    assert_eq!(report.tail, "red \u{fffd}");
    let file = bench.path("evidence").join(report.output.unwrap().path);
    assert_eq!(fs::read(file).unwrap(), b"\x1b[31mred\x1b[0m \xff\n\x1b]0;t\x07");
}

#[tokio::test]
async fn a_credential_is_masked_wherever_it_is_printed() {
    let script = format!("echo {KEY}; printf 'AKIAIOSF\\033[0mODNN7EXAMPLE\\n'; exit 1");
    let mut bench = Bench::new(&script);
    bench.redactor = Some(Arc::new(Redactor::new(&[], []).unwrap()));
    let report = bench.run().await;
    assert_eq!(report.tail, "[redacted: AWS access key]\n[redacted: AWS access key]");
    assert_eq!(report.output.unwrap().redacted, 1);
    assert!(!bench.evidence("output.log").contains(KEY));
    assert_eq!(report.failures[0].message, "[redacted: AWS access key]");
}

/// What a gate leaves stays as it is; what is read out of it is recorded.
#[tokio::test]
async fn a_credential_in_a_report_is_masked_where_it_is_told() {
    let script = format!("echo red; printf {KEY} >$CODELOOPS_ARTIFACTS/report; exit 1");
    let mut bench = Bench::new(&script);
    bench.redactor = Some(Arc::new(Redactor::new(&[], []).unwrap()));
    let failures = bench.run().await.failures;
    let told: Vec<_> = failures.iter().map(|failure| &*failure.message).collect();
    assert_eq!(told, ["red", "[redacted: AWS access key]"]);
}

#[tokio::test]
async fn its_output_can_be_followed_while_it_runs() {
    let bench = Bench::new("echo first; while [ ! -e ../go ]; do sleep 0.01; done");
    let log = bench.path("evidence/iterations/2/gates/test/output.log");
    let (_stop, stopped) = watch::channel(None);
    let (gates, call) = (bench.runner(), bench.call("test"));
    let task = tokio::spawn(async move { gates.run(call, stopped).await });
    until(|| fs::read_to_string(&log).is_ok_and(|log| log == "first\n")).await;
    fs::write(bench.path("go"), "").unwrap();
    assert_eq!(task.await.unwrap().status, GateStatus::Passed);
}

#[tokio::test]
async fn one_that_wants_a_terminal_or_input_gets_none_and_does_not_hang() {
    let bench = Bench::new("read line || echo no input; exec </dev/tty");
    let report = bench.run().await;
    assert_eq!(report.status, GateStatus::Failed);
    assert!(report.tail.starts_with("no input\n") && report.tail.contains("/dev/tty"));
}

/// The shell that the gate was started by.
#[tokio::test]
async fn one_that_kills_its_parent_has_failed_and_does_not_survive() {
    let script = "sh -c 'echo $$ >pid; kill -9 $PPID; echo I live; exec sleep 1000'; echo never";
    let bench = Bench::new(script);
    let report = bench.run().await;
    assert_eq!((report.status, report.exit_code), (GateStatus::Failed, Some(137)));
    assert_eq!(report.leftovers, 1);
    assert!(bench.is_gone("pid"));
}

#[tokio::test]
async fn daemons_that_it_leaves_are_ended_and_counted() {
    let script = "(setsid sh -c 'echo $$ >one.tmp; mv one.tmp one; exec sleep 1000' &)
        (setsid sh -c 'trap \"\" TERM; echo $$ >two.tmp; mv two.tmp two
            while :; do sleep 0.01; done' >/dev/null 2>&1 </dev/null &)
        while [ ! -e one ] || [ ! -e two ]; do sleep 0.01; done";
    let bench = Bench::new(script);
    let report = bench.run().await;
    assert_eq!(report.status, GateStatus::Passed);
    assert!(report.leftovers >= 2, "{}", report.leftovers);
    assert!(bench.is_gone("one") && bench.is_gone("two"));
}

#[tokio::test]
async fn the_end_of_one_is_not_the_end_of_another() {
    let daemon = "(setsid sh -c 'echo $$ >DAEMON.tmp; mv DAEMON.tmp DAEMON; exec sleep 1000' \
        >/dev/null 2>&1 </dev/null &)
        while [ ! -e DAEMON ]; do sleep 0.01; done";
    let quick = daemon.replace("DAEMON", "quick");
    let slow = daemon.replace("DAEMON", "slow")
        + "
        touch ../slow-runs
        while [ ! -e ../go ]; do sleep 0.01; done
        kill -0 $(cat slow) && echo it lives";
    let bench = Bench::new(&quick).and("slow", &slow);
    let gates = bench.runner();
    let (_stop, stopped) = watch::channel(None);
    let (slow_gates, slow_call, slow_stop) = (gates.clone(), bench.call("slow"), stopped.clone());
    let slow = tokio::spawn(async move { slow_gates.run(slow_call, slow_stop).await });
    until(|| bench.path("slow-runs").exists()).await;
    let quick = gates.run(bench.call("test"), stopped).await;
    assert_eq!((quick.status, quick.leftovers), (GateStatus::Passed, 1));
    assert!(bench.is_gone("quick") && !bench.is_gone("slow"));
    fs::write(bench.path("go"), "").unwrap();
    let slow = slow.await.unwrap();
    assert_eq!((slow.status, &*slow.tail, slow.leftovers), (GateStatus::Passed, "it lives", 1));
    assert!(bench.is_gone("slow"));
}

/// Counts how often it ran; red the first time.
const FLAKY: &str = "echo run >>../runs; echo this is run $(wc -l <../runs)
    [ $(wc -l <../runs) -gt RED ]";

#[tokio::test]
async fn red_then_green_is_flaky_and_shows_what_failed() {
    let bench = Bench { retries: 1, ..Bench::new(&FLAKY.replace("RED", "1")) };
    let report = bench.run().await;
    assert_eq!((report.status, report.exit_code), (GateStatus::Flaky, Some(0)));
    assert_eq!((report.attempts, &*report.tail), (2, "this is run 1"));
    assert_eq!((report.failures, report.more_failures), (Vec::new(), 0));
    assert_eq!(report.output.unwrap().path, "iterations/2/gates/test/output-2.log");
    assert_eq!(bench.evidence("output.log"), "this is run 1\n");
    assert_eq!(bench.evidence("output-2.log"), "this is run 2\n");
}

#[tokio::test]
async fn one_that_stays_red_is_repeated_as_often_as_is_set() {
    let bench = Bench { retries: 2, ..Bench::new(&FLAKY.replace("RED", "9")) };
    let report = bench.run().await;
    assert_eq!((report.status, report.attempts), (GateStatus::Failed, 3));
    assert_eq!(report.tail, "this is run 3");
    assert_eq!(report.failures[0].message, "this is run 3");
    // As after a resume.
    let output = bench.run().await.output.unwrap();
    assert_eq!(output.path, "iterations/2/gates/test/output-6.log");
}

#[tokio::test]
async fn of_the_time_of_the_run_each_attempt_leaves_less() {
    let script = "echo run >>../runs; [ $(wc -l <../runs) -gt 1 ] && exec sleep 1000; exit 1";
    let mut bench = Bench { retries: 1, ..Bench::new(script) };
    bench.deadline = Some((Duration::from_secs(1), LimitKind::RunBudget));
    bench.grace = Grace::default();
    let report = bench.run().await;
    assert_eq!((report.status, report.attempts), (GateStatus::TimedOut, 2));
    assert!(report.interrupted);
}

#[tokio::test]
async fn what_it_leaves_is_listed() {
    let script =
        "cd $CODELOOPS_ARTIFACTS; mkdir shots; printf 'GIF89a\\005\\0\\004\\0\\0\\0\\0' >shots/a.png
        ln -s /etc/passwd link";
    let bench = Bench::new(script);
    assert_eq!(bench.run().await.status, GateStatus::Passed);
    let list: Artifacts = serde_json::from_str(&bench.evidence("artifacts.json")).unwrap();
    assert_eq!(list.files.len(), 1);
    let file = &list.files[0];
    assert_eq!((&*file.path, file.media_type.as_deref()), ("shots/a.png", Some("image/gif")));
    assert_eq!((file.bytes, file.width, file.height), (13, Some(5), Some(4)));
    assert_eq!(list.skipped[0].path, "link");
}

/// Somebody may put a link where what it leaves goes.
#[tokio::test]
async fn a_link_in_place_of_its_folder_is_not_followed() {
    let bench = Bench::new("echo mine >$CODELOOPS_ARTIFACTS/file");
    let folder = bench.path("evidence/iterations/2/gates/test");
    fs::create_dir_all(&folder).unwrap();
    std::os::unix::fs::symlink(bench.path("work"), folder.join("artifacts")).unwrap();
    bench.run().await;
    assert!(!bench.path("work/file").exists());
    assert!(folder.join("artifacts/file").exists());
}

#[tokio::test]
async fn a_result_is_kept_for_the_next_run_on_the_same_tree() {
    let bench = Bench::new("echo run >>../runs; echo green").kept();
    let runs = || fs::read_to_string(bench.path("runs")).unwrap().lines().count();
    let first = bench.run().await;
    assert_eq!((first.status, first.kept_from.as_ref(), runs()), (GateStatus::Passed, None, 1));
    let again = bench.run().await;
    let expect = GateReport {
        duration_secs: 0.0,
        output: None,
        kept_from: Some(bench.run_id().parse().unwrap()),
        ..first
    };
    assert_eq!((again, runs()), (expect, 1));

    let bench = Bench { iteration: 1, ..bench };
    assert_eq!(bench.run().await.kept_from, None, "the run's own rounds are not guessed at");
    let mut bench = Bench { iteration: 0, tree: "another", ..bench };
    assert_eq!(bench.run().await.kept_from, None, "another tree");
    assert!(bench.run().await.kept_from.is_some());
    bench.gate().env = [("A".to_owned(), "secret value".to_owned())].into();
    assert_eq!(bench.run().await.kept_from, None, "another environment");
    assert!(bench.run().await.kept_from.is_some());
    for entry in fs::read_dir(bench.path("cache/gates")).unwrap() {
        let text = fs::read_to_string(entry.unwrap().path()).unwrap();
        assert!(!text.contains("secret value"));
    }
    bench.gate().command.push("argument".into());
    assert_eq!(bench.run().await.kept_from, None, "another command");
    for entry in fs::read_dir(bench.path("cache/gates")).unwrap() {
        fs::write(entry.unwrap().path(), "no JSON").unwrap();
    }
    assert_eq!(bench.run().await.kept_from, None, "a damaged file");
    assert!(bench.run().await.kept_from.is_some());
}

/// It would excuse a later run, though what was missing may be there by then.
#[tokio::test]
async fn a_red_result_is_not_kept() {
    let bench = Bench::new("exit 1").kept();
    for _ in 0..2 {
        let report = bench.run().await;
        assert_eq!((report.status, report.kept_from), (GateStatus::Failed, None));
    }
}

#[tokio::test]
async fn what_came_to_no_end_of_its_own_is_not_kept() {
    let mut bench = Bench::new("touch ../runs; exec sleep 1000").kept();
    bench.grace = Grace::default();
    bench.run_and_stop("runs", StopLevel::Now).await;
    bench.deadline = Some((Duration::from_millis(50), LimitKind::Total));
    bench.run().await;
    bench.gate().command = vec!["no-such-program".into()];
    bench.run().await;
    assert!(!bench.path("cache").exists());
}

/// As a codeloops that was killed leaves it.
#[tokio::test]
async fn its_processes_are_found_by_the_run() {
    let bench = Bench::new("echo $$ >pid.tmp; mv pid.tmp pid; exec sleep 1000");
    let (_stop, stopped) = watch::channel(None);
    let (gates, call) = (bench.runner(), bench.call("test"));
    let task = tokio::spawn(async move { gates.run(call, stopped).await });
    until(|| bench.path("work/pid").exists()).await;
    let run = bench.run_id().parse().unwrap();
    let ended = tokio::task::spawn_blocking(move || end_processes_of_run(&run)).await.unwrap();
    assert_eq!(ended, 1);
    assert_eq!(task.await.unwrap().exit_code, Some(143));
}
