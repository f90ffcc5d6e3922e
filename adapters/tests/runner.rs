//! The runner with real processes: small shell scripts that play an agent.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use codeloops_adapters::Grace;
use codeloops_adapters::redact::Redactor;
use codeloops_adapters::resolve::{Host, resolve};
use codeloops_adapters::runner::{AgentsConfig, CliAgents, RoleAgent};
use codeloops_adapters::spec::{AgentSpec, MAX_ARGUMENT_BYTES, OutputFormat, PromptVia};
use codeloops_adapters::telemetry::{AgentTelemetry, Receiver, ReceiverProtocol, Telemetry};
use codeloops_driver::ports::{AgentNote, Agents};
use codeloops_event::trace::{SpanId, SpanPath, TraceContext, TraceId};
use codeloops_event::{
    AgentOutcome, AgentOutput, BudgetKind, CallId, CallKind, Conversation, CutOffKind, Item,
    LimitKind, OutputStream, Role, Usage,
};
use codeloops_machine::{AgentCall, AgentReport, Budget, StopLevel};
use tokio::sync::{mpsc, watch};

/// Long enough never to be reached where nothing is wrong.
const NEVER: Duration = Duration::from_secs(300);

/// A folder with an agent in it, and how it is called.
struct Bench {
    dir: tempfile::TempDir,
    spec: AgentSpec,
    role: Role,
    prompt: String,
    deadline: Option<(Duration, LimitKind)>,
    idle: Option<Duration>,
    budget: Budget,
    conversation: Option<Conversation>,
    max_output: u64,
    grace: Grace,
    redactor: Option<Arc<Redactor>>,
    telemetry: Option<Telemetry>,
}

impl Bench {
    /// An agent that is this shell script.
    fn new(script: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let program = dir.path().join("agent");
        fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        let spec = AgentSpec::new("test", "Test", &[program.to_str().unwrap()]);
        Self {
            dir,
            spec,
            role: Role::Actor,
            prompt: "the prompt".into(),
            deadline: None,
            idle: None,
            budget: Budget::default(),
            conversation: None,
            max_output: u64::MAX,
            grace: Grace { stop: NEVER, terminate: NEVER, ..Grace::default() },
            redactor: None,
            telemetry: None,
        }
    }

    fn critic(self) -> Self {
        Self { role: Role::Critic, ..self }
    }

    fn speaking(mut self, output: OutputFormat) -> Self {
        self.spec.output = output;
        self
    }

    /// A run id that no other test has.
    fn run_id(&self) -> String {
        let unique = self.dir.path().to_string_lossy();
        let hash = unique.bytes().fold(7u64, |h, b| h.wrapping_mul(1_000_003) ^ u64::from(b));
        format!("{:026}", hash)
    }

    fn agents(&self) -> CliAgents {
        let host = Host { root: false, ..Host::current(self.dir.path()) };
        let agent = RoleAgent {
            agent: resolve(&self.spec, &host).unwrap(),
            model: None,
            permissions: codeloops_event::Permissions::Full,
        };
        CliAgents::new(AgentsConfig {
            actor: agent.clone(),
            critic: agent,
            critic_access: codeloops_event::CriticAccess::RunCommands,
            working_dir: self.dir.path().to_owned(),
            evidence_root: self.path("evidence"),
            run_id: self.run_id().parse().unwrap(),
            commit_sha: Some("c0ffee".into()),
            branch: None,
            max_output: self.max_output,
            grace: self.grace,
            redactor: self.redactor.clone(),
            telemetry: self.telemetry.clone(),
        })
    }

    fn call(&self) -> AgentCall {
        let kind = if self.role == Role::Actor { CallKind::Actor } else { CallKind::Critic };
        AgentCall {
            call: CallId { iteration: 3, kind, attempt: 1 },
            role: self.role,
            prompt: self.prompt.clone(),
            conversation: self.conversation.clone(),
            deadline: self.deadline,
            idle: self.idle,
            budget: self.budget,
        }
    }

    async fn run(&self) -> AgentReport {
        self.run_noting().await.0
    }

    async fn run_noting(&self) -> (AgentReport, Vec<AgentNote>) {
        let (notes, mut received) = mpsc::channel(1000);
        let (_stop, stopped) = watch::channel(None);
        let report = self.agents().run(self.call(), notes, stopped).await;
        let mut all = Vec::new();
        while let Some(note) = received.recv().await {
            all.push(note);
        }
        (report, all)
    }

    /// Runs it and asks it to stop as soon as `mark` exists.
    async fn run_and_stop(&self, mark: &str, level: StopLevel) -> AgentReport {
        let (notes, mut received) = mpsc::channel(1000);
        let (stop, stopped) = watch::channel(None);
        let (agents, call) = (self.agents(), self.call());
        let task = tokio::spawn(async move { agents.run(call, notes, stopped).await });
        tokio::spawn(async move { while received.recv().await.is_some() {} });
        until(|| self.path(mark).exists()).await;
        stop.send(Some(level)).unwrap();
        task.await.unwrap()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }
}

/// What an agent that prints text printed.
fn printed(output: &AgentOutput) -> &str {
    match &*output.items {
        [Item::Printed { text }] => text,
        other => panic!("{other:?}"),
    }
}

/// Waits for something that will happen.
async fn until(mut happened: impl FnMut() -> bool) {
    let give_up = Instant::now() + Duration::from_secs(60);
    while !happened() {
        assert!(Instant::now() < give_up, "it did not happen");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Whether the process whose id stands in the file has ended.
fn is_gone(pid_file: &Path) -> bool {
    let pid = fs::read_to_string(pid_file).unwrap();
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
    stat.is_empty() || stat.contains(") Z ")
}

#[tokio::test]
async fn a_turn_gives_its_text_its_evidence_and_its_notes() {
    let bench = Bench::new("echo \"got: $(cat)\"; echo oops >&2");
    let (report, notes) = bench.run_noting().await;
    assert_eq!(report.outcome, AgentOutcome::Completed);
    assert_eq!((report.exit_code, report.leftovers), (Some(0), 0));
    assert_eq!((report.text.as_str(), report.stderr.as_str()), ("got: the prompt\n", "oops\n"));
    let stdout = report.stdout_file.unwrap();
    assert_eq!((stdout.path.as_str(), stdout.bytes), ("iterations/3/actor.stdout", 16));
    assert_eq!(bench.read("evidence/iterations/3/actor.stdout"), report.text);
    assert_eq!(bench.read("evidence/iterations/3/actor.stderr"), report.stderr);
    assert!(matches!(&notes[0], AgentNote::Started(process) if process.start_ticks.is_some()));
    let said = notes.iter().filter_map(|note| match note {
        AgentNote::Output(output) if output.stream == OutputStream::Stdout => Some(printed(output)),
        _ => None,
    });
    assert_eq!(said.collect::<String>(), report.text);
}

#[tokio::test]
async fn a_prompt_can_go_by_argument_or_by_file() {
    let mut bench = Bench::new("echo \"$1\"; cat; cat \"$1\" 2>/dev/null");
    bench.spec.prompt = PromptVia::Argument;
    bench.spec.prompt_args = vec!["{prompt}".into()];
    assert_eq!(bench.run().await.text, "the prompt\n");
    let longest = "x".repeat(usize::try_from(MAX_ARGUMENT_BYTES).unwrap());
    let usual = std::mem::replace(&mut bench.prompt, longest);
    assert_eq!(bench.run().await.text.len(), bench.prompt.len() + 1);
    bench.prompt = usual;
    bench.spec.prompt = PromptVia::File;
    let text = bench.run().await.text;
    assert!(text.ends_with("iterations/3/actor.prompt\nthe prompt"), "{text}");
}

#[tokio::test]
async fn a_program_that_reads_nothing_or_late_blocks_nobody() {
    let big = "p".repeat(300 * 1024);
    let ignoring = Bench { prompt: big.clone(), ..Bench::new("echo done") };
    assert_eq!(ignoring.run().await.outcome, AgentOutcome::Completed);
    let late =
        Bench { prompt: big, ..Bench::new("head -c 3000000 /dev/zero | tr '\\0' x; echo; wc -c") };
    let report = late.run().await;
    assert_eq!(report.outcome, AgentOutcome::Completed);
    assert!(report.text.trim_end().ends_with("307200"));
}

#[tokio::test]
async fn much_output_is_kept_whole_in_evidence_and_at_both_ends_in_the_report() {
    let bench = Bench::new(
        "echo begin; (head -c 5000000 /dev/zero | tr '\\0' x) & head -c 3000000 /dev/zero >&2; wait; echo; echo end",
    );
    let report = bench.run().await;
    assert_eq!(report.outcome, AgentOutcome::Completed);
    assert_eq!(report.stdout_file.unwrap().bytes, 5_000_011);
    assert_eq!(report.stderr_file.unwrap().bytes, 3_000_000);
    assert!(report.text.starts_with("begin\nxxx") && report.text.ends_with("xxx\nend\n"));
    assert!(report.text.len() < 1_100_000);
    assert!(report.text.contains("bytes omitted"));
}

#[tokio::test]
async fn evidence_stops_at_its_limit_and_the_program_does_not() {
    let bench = Bench {
        max_output: 1000,
        ..Bench::new("head -c 3000000 /dev/zero; touch reached-the-end")
    };
    let report = bench.run().await;
    let stdout = report.stdout_file.unwrap();
    assert_eq!((stdout.bytes, stdout.dropped_bytes), (1000, 2_999_000));
    assert!(bench.path("reached-the-end").exists());
}

#[tokio::test]
async fn invalid_utf8_is_kept_in_evidence_and_shown_lossily() {
    let bench = Bench::new("printf 'a\\377b'");
    let (report, notes) = bench.run_noting().await;
    assert_eq!(report.text, "a\u{fffd}b");
    assert_eq!(fs::read(bench.path("evidence/iterations/3/actor.stdout")).unwrap(), b"a\xffb");
    assert!(matches!(&notes[1], AgentNote::Output(output) if printed(output) == "a\u{fffd}b"));
}

#[tokio::test]
async fn exit_codes_and_signals_are_told_apart() {
    let report = Bench::new("echo bad >&2; exit 7").run().await;
    let failed = AgentOutcome::Failed { exit_code: 7, message: Some("bad".into()) };
    assert_eq!((report.outcome, report.exit_code), (failed, Some(7)));
    let report = Bench::new("kill -9 $$").run().await;
    assert_eq!(
        (report.outcome, report.exit_code),
        (AgentOutcome::Signaled { signal: 9 }, Some(137))
    );
}

#[tokio::test]
async fn silence_is_an_end_for_a_text_actor_only() {
    assert_eq!(Bench::new("exit 0").run().await.outcome, AgentOutcome::Completed);
    assert_eq!(Bench::new("exit 0").critic().run().await.outcome, AgentOutcome::NoOutput);
    let stream = Bench::new("exit 0").speaking(OutputFormat::ClaudeStreamJson);
    assert_eq!(stream.run().await.outcome, AgentOutcome::NoOutput);
    let stream = Bench::new("printf '{\"ty'").speaking(OutputFormat::ClaudeStreamJson);
    let cut_off = AgentOutcome::CutOff { how: CutOffKind::NoFinalEvent };
    assert_eq!(stream.run().await.outcome, cut_off);
}

/// An agent whose stream has changed still works, and what it was taken for is told.
#[tokio::test]
async fn text_where_events_were_declared_is_read_as_text_and_told_as_such() {
    let bench = Bench::new("echo I did it.").speaking(OutputFormat::ClaudeStreamJson);
    let report = bench.run().await;
    assert_eq!(report.outcome, AgentOutcome::Completed);
    assert_eq!(report.text, "I did it.\n");
    assert_eq!(report.text_instead_of.as_deref(), Some("claude-stream-json"));
    let declared = Bench::new("echo I did it.").run().await;
    assert_eq!((declared.text.as_str(), declared.text_instead_of), ("I did it.\n", None));
    let failing = Bench::new("echo I did it.; exit 3").speaking(OutputFormat::ClaudeStreamJson);
    let report = failing.run().await;
    assert_eq!(report.outcome, AgentOutcome::Failed { exit_code: 3, message: None });
    assert_eq!(report.text_instead_of, None);
}

#[tokio::test]
async fn a_success_in_the_stream_needs_exit_code_0_as_well() {
    let result = r#"echo '{"type":"result","subtype":"success","is_error":false,"result":"ok","session_id":"s1"}'"#;
    let report = Bench::new(result).speaking(OutputFormat::ClaudeStreamJson).run().await;
    assert_eq!(report.outcome, AgentOutcome::Completed);
    assert_eq!((report.text.as_str(), report.agent_session.as_deref()), ("ok", Some("s1")));
    let crashing = Bench::new(&format!("{result}; exit 3"));
    let report = crashing.speaking(OutputFormat::ClaudeStreamJson).run().await;
    assert_eq!(report.outcome, AgentOutcome::Failed { exit_code: 3, message: None });
}

#[tokio::test]
async fn both_limits_end_a_program() {
    let limit = Duration::from_millis(50);
    let mut bench = Bench::new("while :; do echo busy; sleep 0.01; done");
    bench.deadline = Some((limit, LimitKind::RunBudget));
    bench.idle = Some(Duration::MAX);
    let report = bench.run().await;
    assert_eq!(
        report.outcome,
        AgentOutcome::TimedOut { limit: LimitKind::RunBudget, after_ms: 50 }
    );
    assert!(report.text.starts_with("busy\n"));
    let mut bench = Bench::new("echo once; sleep 300");
    bench.idle = Some(limit);
    bench.deadline = Some((NEVER, LimitKind::Total));
    let report = bench.run().await;
    assert_eq!(report.outcome, AgentOutcome::TimedOut { limit: LimitKind::Idle, after_ms: 50 });
    assert_eq!((report.text.as_str(), report.exit_code), ("once\n", Some(143)));
}

#[tokio::test]
async fn output_on_either_stream_is_a_sign_of_life() {
    let mut bench = Bench::new(
        "i=0; while [ $i -lt 9 ]; do i=$((i+1)); echo x >&2; sleep 0.25; done; echo end",
    );
    bench.idle = Some(Duration::from_secs(2));
    assert_eq!(bench.run().await.outcome, AgentOutcome::Completed);
}

#[tokio::test]
async fn a_program_that_ends_when_asked_may_say_so() {
    let bench =
        Bench::new("trap 'echo bye; exit 0' TERM; touch ready; while :; do sleep 0.01; done");
    let report = bench.run_and_stop("ready", StopLevel::Graceful).await;
    assert_eq!(report.outcome, AgentOutcome::Interrupted);
    assert_eq!((report.text.as_str(), report.exit_code), ("bye\n", Some(0)));
}

#[tokio::test]
async fn a_program_that_ignores_every_request_is_killed() {
    let mut bench = Bench::new("trap '' INT TERM; touch ready; while :; do sleep 0.01; done");
    bench.grace.stop = Duration::from_millis(20);
    bench.grace.terminate = Duration::from_millis(20);
    let report = bench.run_and_stop("ready", StopLevel::Graceful).await;
    assert_eq!((report.outcome, report.exit_code), (AgentOutcome::Interrupted, Some(137)));
}

#[tokio::test]
async fn a_program_that_has_stopped_itself_hears_the_request() {
    let bench = Bench::new(
        "trap 'touch asked; exit 1' TERM\ntouch ready\nkill -STOP $$\nwhile :; do sleep 0.01; done",
    );
    let report = bench.run_and_stop("ready", StopLevel::Graceful).await;
    assert_eq!(report.outcome, AgentOutcome::Interrupted);
    assert!(bench.path("asked").exists());
}

#[tokio::test]
async fn now_does_not_wait_for_the_grace() {
    let bench = Bench::new("trap '' INT TERM; touch ready; while :; do sleep 0.01; done");
    let report = bench.run_and_stop("ready", StopLevel::Now).await;
    assert_eq!((report.outcome, report.exit_code), (AgentOutcome::Interrupted, Some(137)));
}

#[tokio::test]
async fn an_orphan_that_holds_the_pipe_neither_hangs_the_call_nor_survives_it() {
    let bench = Bench::new("sleep 300 & echo $! >orphan; echo done");
    let report = bench.run().await;
    assert_eq!(report.outcome, AgentOutcome::Completed);
    assert_eq!((report.text.as_str(), report.leftovers), ("done\n", 1));
    assert!(is_gone(&bench.path("orphan")));
}

#[tokio::test]
async fn a_daemon_in_a_session_of_its_own_does_not_survive() {
    let daemon = "setsid sh -c 'echo $$ >daemon.tmp; mv daemon.tmp daemon; exec sleep 300' \
                  >/dev/null 2>&1 </dev/null &";
    let wait = "while [ ! -e daemon ]; do sleep 0.01; done";
    let bench = Bench::new(&format!("({daemon}); {wait}"));
    let report = bench.run().await;
    assert_eq!(report.outcome, AgentOutcome::Completed);
    assert!(report.leftovers >= 1 && is_gone(&bench.path("daemon")));
}

/// Nobody has asked for it: each `git commit` may leave some.
#[tokio::test]
async fn the_upkeep_that_git_starts_by_itself_is_ended_and_not_counted() {
    let upkeep = "setsid ./git -c 'echo $$ >upkeep.tmp; mv upkeep.tmp upkeep; read x <held' \
                  maintenance run --auto >/dev/null 2>&1 </dev/null &";
    let wait = "while [ ! -e upkeep ]; do sleep 0.01; done";
    let bench =
        Bench::new(&format!("ln -s \"$(command -v sh)\" git; mkfifo held; ({upkeep}); {wait}"));
    let report = bench.run().await;
    assert_eq!((report.outcome, report.leftovers), (AgentOutcome::Completed, 0));
    assert!(is_gone(&bench.path("upkeep")));
}

#[tokio::test]
async fn a_tool_in_a_session_of_its_own_ends_with_a_stop() {
    for level in [StopLevel::Graceful, StopLevel::Now] {
        let bench =
            Bench::new("setsid sh -c 'echo $$ >tool; touch ready; exec sleep 300'; echo no");
        let report = bench.run_and_stop("ready", level).await;
        assert_eq!(report.outcome, AgentOutcome::Interrupted);
        assert!(report.leftovers >= 1 && is_gone(&bench.path("tool")));
    }
}

#[tokio::test]
async fn a_call_that_nobody_waits_for_is_ended() {
    let bench = Bench::new("echo $$ >pid.tmp; mv pid.tmp pid; sleep 300");
    let (notes, _received) = mpsc::channel(10);
    let (_stop, stopped) = watch::channel(None);
    let (agents, call) = (bench.agents(), bench.call());
    let task = tokio::spawn(async move { agents.run(call, notes, stopped).await });
    until(|| bench.path("pid").exists()).await;
    task.abort();
    until(|| is_gone(&bench.path("pid"))).await;
}

#[tokio::test]
async fn what_a_killed_codeloops_left_running_is_found_by_its_run() {
    let bench = Bench::new("");
    let start = |run: &str| {
        let mut command = std::process::Command::new("setsid");
        command.args(["sleep", "300"]).env("CODELOOPS_RUN_ID", run).spawn().unwrap()
    };
    let (mut ours, mut other) = (start(&bench.run_id()), start("01ARZ3NDEKTSV4RRFFQ69G5FAV"));
    // Until it has become the program that carries the variable.
    until(|| is_running(&ours, "sleep") && is_running(&other, "sleep")).await;
    assert_eq!(codeloops_adapters::end_processes_of_run(&bench.run_id().parse().unwrap()), 1);
    assert!(!ours.wait().unwrap().success());
    assert_eq!(other.try_wait().unwrap(), None);
    other.kill().unwrap();
    other.wait().unwrap();
}

fn is_running(child: &std::process::Child, program: &str) -> bool {
    fs::read_to_string(format!("/proc/{}/comm", child.id())).is_ok_and(|c| c.trim() == program)
}

#[tokio::test]
async fn what_cannot_be_started_says_why() {
    let bench = Bench::new("exit 0");
    let agents = bench.agents();
    fs::remove_file(bench.path("agent")).unwrap();
    let (notes, _received) = mpsc::channel(10);
    let (_stop, stopped) = watch::channel(None);
    let report = agents.run(bench.call(), notes, stopped).await;
    let AgentOutcome::NotStarted { message } = report.outcome else { panic!("{report:?}") };
    assert!(message.ends_with("/agent`: No such file or directory (os error 2)"), "{message}");

    let bench = Bench::new("exit 0");
    fs::write(bench.path("agent"), "exit 0").unwrap();
    let report = bench.run().await;
    let AgentOutcome::NotStarted { message } = report.outcome else { panic!("{report:?}") };
    assert!(message.contains("`#!/bin/sh`"), "{message}");

    let bench = Bench::new("exit 0");
    fs::write(bench.path("agent"), "#! /bin/sh\r\nexit 0\r\n").unwrap();
    let report = bench.run().await;
    let AgentOutcome::NotStarted { message } = report.outcome else { panic!("{report:?}") };
    let missing = r"/agent`: its first line names `/bin/sh\r`, which is missing";
    assert!(message.ends_with(missing), "{message}");

    let bench = Bench::new("exit 0");
    fs::write(bench.path("evidence"), "in the way").unwrap();
    let report = bench.run().await;
    let AgentOutcome::NotStarted { message } = report.outcome else { panic!("{report:?}") };
    assert!(message.contains("iterations/3/actor.stdout`"), "{message}");
}

#[tokio::test]
async fn the_program_knows_its_run_and_not_an_outer_one() {
    let mut bench = Bench::new("env | grep -E '^(CODELOOPS|OWN)_' | sort; pwd");
    bench.spec.env = [("OWN_KEY".to_owned(), "value".to_owned())].into();
    let text = bench.critic_text().await;
    let expected = format!(
        "CODELOOPS_COMMIT_SHA=c0ffee\nCODELOOPS_ITERATION=3\nCODELOOPS_PID={}\nCODELOOPS_ROLE=critic\nCODELOOPS_RUN_ID={}\nOWN_KEY=value\n{}\n",
        std::process::id(),
        bench.run_id(),
        bench.dir.path().canonicalize().unwrap().display()
    );
    assert_eq!(text, expected);
}

fn telemetry(bench: &Bench) -> Telemetry {
    let trace_id = TraceId::of_run(&bench.run_id().parse().unwrap());
    let receiver = Receiver {
        url: "http://127.0.0.1:4317".to_owned(),
        protocol: ReceiverProtocol::Grpc,
        headers: Vec::new(),
        certificate: None,
        client: None,
    };
    let trace = TraceContext { trace_id, sampled: true };
    Telemetry::new(trace, false, AgentTelemetry::Off, receiver, [])
}

#[tokio::test]
async fn the_program_knows_the_span_of_its_call() {
    let mut bench = Bench::new("env | grep -E '^(TRACE|OTEL_)' | sort").critic();
    assert_eq!(bench.run().await.text, "", "without a trace it is told of none");
    bench.telemetry = Some(telemetry(&bench));
    let run = bench.run_id().parse().unwrap();
    let path = SpanPath::Agent { iteration: 3, role: Role::Critic, attempt: 1 };
    let trace = TraceContext { trace_id: TraceId::of_run(&run), sampled: true };
    let expected = format!("TRACEPARENT={}\n", trace.traceparent(SpanId::of_run(&run, path)));
    assert_eq!(bench.run().await.text, expected);
    bench.spec.env = [("OTEL_SERVICE_NAME".to_owned(), "mine".to_owned())].into();
    let text = bench.run().await.text;
    assert_eq!(text, format!("OTEL_SERVICE_NAME=mine\n{expected}"), "the user's own word counts");
}

/// Prints when it is told to end: it is left behind, so that is after the program's own end.
const LATE: &str = "(trap 'echo late; exit' TERM; : > ready; while :; do sleep 0.01; done) &\n\
                    until [ -e ready ]; do :; done\n\
                    echo answer";

#[tokio::test]
async fn what_is_printed_after_the_critics_end_is_not_its_answer() {
    let mut bench = Bench::new(LATE);
    assert_eq!(bench.critic_text().await, "answer\n");
    let evidence = fs::read_to_string(bench.path("evidence/iterations/3/critic.stdout")).unwrap();
    assert_eq!(evidence, "answer\nlate\n");
    assert_eq!(Bench::new(LATE).run().await.text, "answer\nlate\n", "an actor may use `tee`");
    // What is held back, for a credential may end in it, was printed in time all the same.
    let mut bench = Bench::new(&LATE.replace("echo answer", "printf answer"));
    bench.redactor = Some(Arc::new(Redactor::new(&[], []).unwrap()));
    assert_eq!(bench.critic_text().await, "answer");
}

impl Bench {
    async fn critic_text(&mut self) -> String {
        self.role = Role::Critic;
        self.run().await.text
    }
}

#[tokio::test]
async fn nobody_listening_costs_no_memory_and_is_counted() {
    let bench = Bench::new("head -c 5000000 /dev/zero | tr '\\0' x");
    let (notes, mut received) = mpsc::channel(2);
    let (_stop, stopped) = watch::channel(None);
    let (agents, call) = (bench.agents(), bench.call());
    let task = tokio::spawn(async move { agents.run(call, notes, stopped).await });
    until(|| {
        bench
            .path("evidence/iterations/3/actor.stdout")
            .metadata()
            .is_ok_and(|m| m.len() == 5_000_000)
    })
    .await;
    let (mut told, mut skipped) = (0, 0);
    while let Some(note) = received.recv().await {
        if let AgentNote::Output(output) = note {
            told += output.bytes() as u64;
            skipped += output.skipped_bytes;
        }
    }
    assert_eq!(task.await.unwrap().outcome, AgentOutcome::Completed);
    assert!(told <= 5_000_000 - skipped && told > 0);
}

/// An agent that works on for as long as it may, at 1,000 tokens a step.
const SPENDER: &str = r#"
step() {
    echo '{"type":"step_start","sessionID":"s1","part":{}}'
    echo '{"type":"step_finish","sessionID":"s1","part":{"reason":"tool-calls","tokens":{"input":900,"output":100},"cost":0.5}}'
}
step; step; step; sleep 600"#;

#[tokio::test]
async fn a_call_ends_as_soon_as_its_stream_tells_that_a_budget_is_used_up() {
    for (budget, spent) in [
        (Budget { tokens: Some(2500), cost_usd: None }, BudgetKind::Tokens),
        (Budget { tokens: Some(9000), cost_usd: Some(1.5) }, BudgetKind::Cost),
    ] {
        let mut bench = Bench::new(SPENDER).speaking(OutputFormat::OpencodeJson);
        bench.budget = budget;
        let report = bench.run().await;
        assert_eq!(report.outcome, AgentOutcome::OverBudget { budget: spent });
        let usage = report.usage.unwrap();
        assert_eq!((usage.tokens(), usage.cost_usd), (3000, Some(1.5)));
    }
}

/// An agent that goes on with a conversation it knows as `t1`, and tells what all of that has used.
async fn go_on_with(id: &str, used: u64) -> (AgentReport, String) {
    let mut bench = Bench::new(
        r#"printf '%s ' "$@" > args
        echo '{"type":"thread.started","thread_id":"t1"}'
        echo '{"type":"item.completed","item":{"type":"agent_message","text":"ok"}}'
        echo '{"type":"turn.completed","usage":{"input_tokens":500,"output_tokens":40}}'"#,
    )
    .speaking(OutputFormat::CodexJson);
    bench.spec.resume_args = vec!["resume".into(), "{session}".into()];
    let used = Usage { input_tokens: Some(used), output_tokens: Some(10), ..Usage::default() };
    bench.conversation = Some(Conversation { id: id.to_owned(), used: Some(used) });
    (bench.run().await, bench.read("args"))
}

#[tokio::test]
async fn a_conversation_is_gone_on_with_and_what_it_had_used_before_is_taken_off() {
    let tokens = |usage: Option<&Usage>| usage.map(|u| (u.input_tokens, u.output_tokens));
    for (id, used, of_call) in [
        ("t1", 300, (Some(200), Some(30))),
        // A new conversation, and a count that began anew: all of it is the call's.
        ("t0", 300, (Some(500), Some(40))),
        ("t1", 900, (Some(500), Some(40))),
    ] {
        let (report, args) = go_on_with(id, used).await;
        assert_eq!(args, format!("resume {id} "));
        assert_eq!(tokens(report.usage.as_ref()), Some(of_call), "{id} after {used}");
        let all = report.conversation_usage.as_ref();
        assert_eq!(tokens(all), Some((Some(500), Some(40))));
    }
}

#[tokio::test]
async fn a_conversation_that_is_not_there_is_told_as_that() {
    for (format, script) in [
        (OutputFormat::CodexJson, "echo 'Error: no rollout found for thread id t1' >&2; exit 1"),
        (OutputFormat::OpencodeJson, "echo 'Error: Session not found' >&2; exit 1"),
        (OutputFormat::GeminiStreamJson, "echo 'Error resuming session' >&2; exit 42"),
        (
            OutputFormat::ClaudeStreamJson,
            r#"echo '{"type":"result","subtype":"error_during_execution","is_error":true,
            "errors":["No conversation found with session ID: t1"]}' | tr -d '\n'; exit 1"#,
        ),
    ] {
        let outcome = Bench::new(script).speaking(format).run().await.outcome;
        assert!(matches!(outcome, AgentOutcome::Failed { .. }), "asked for none: {outcome:?}");
        let mut bench = Bench::new(script).speaking(format);
        bench.conversation = Some(Conversation { id: "t1".into(), used: None });
        let outcome = bench.run().await.outcome;
        assert!(matches!(outcome, AgentOutcome::ConversationLost { .. }), "{outcome:?}");
    }
}

/// What a key looks like; nobody's.
const KEY: &str = "AKIAIOSFODNN7EXAMPLE";

#[tokio::test]
async fn a_credential_is_masked_wherever_it_goes_and_costs_no_success() {
    let text = format!("cat; echo 'the key {KEY}'; echo '{KEY}'; echo '{KEY}' >&2");
    let events = format!(
        r#"echo '{{"type":"thread.started","thread_id":"t1"}}'
        echo '{{"type":"item.completed","item":{{"type":"agent_message","text":"the key {KEY}\\n{KEY}"}}}}'
        echo '{{"type":"turn.completed","usage":{{"input_tokens":5}}}}'; echo '{KEY}' >&2"#
    );
    for (script, format) in [(text, OutputFormat::Text), (events, OutputFormat::CodexJson)] {
        let mut bench = Bench::new(&script).speaking(format);
        bench.redactor = Some(Arc::new(Redactor::new(&[], []).unwrap()));
        let (report, notes) = bench.run_noting().await;
        assert_eq!(report.outcome, AgentOutcome::Completed);
        assert!(report.text.contains("the key [redacted: AWS access key]"), "{}", report.text);
        let counts =
            [&report.stdout_file, &report.stderr_file].map(|f| f.as_ref().unwrap().redacted);
        assert_eq!(counts, [2, 1]);
        let seen = format!("{report:?}{notes:?}");
        let kept = bench.read("evidence/iterations/3/actor.stdout")
            + &bench.read("evidence/iterations/3/actor.stderr");
        assert!(!seen.contains(KEY) && !kept.contains(KEY), "{seen}{kept}");
    }
}

#[tokio::test]
async fn a_prompts_file_is_masked_once_the_agent_has_read_it() {
    let mut bench = Bench::new("cat \"$1\"");
    bench.spec.prompt = PromptVia::File;
    bench.spec.prompt_args = vec!["{prompt}".into()];
    bench.prompt = format!("use {KEY}");
    bench.redactor = Some(Arc::new(Redactor::new(&[], []).unwrap()));
    let report = bench.run().await;
    assert_eq!(report.text, "use [redacted: AWS access key]");
    let files = fs::read_dir(bench.path("evidence/iterations/3")).unwrap();
    let mut kept = files.map(|file| fs::read_to_string(file.unwrap().path()).unwrap());
    assert!(kept.all(|text| !text.contains(KEY)));
}

/// It is masked before the text is cut, wherever the cut falls.
#[tokio::test]
async fn a_credential_at_the_cut_of_a_long_answer_leaves_no_part() {
    let half = codeloops_event::layout::TEXT_LIMIT / 2;
    for into in [0, 1, 7, KEY.len() - 1] {
        let script = format!(
            r#"echo '{{"type":"thread.started","thread_id":"t1"}}'
            printf '%s' '{{"type":"item.completed","item":{{"type":"agent_message","text":"'
            head -c {} /dev/zero | tr '\0' x; printf ' {KEY} '; head -c 2000000 /dev/zero | tr '\0' x
            echo '"}}}}'; echo '{{"type":"turn.completed","usage":{{"input_tokens":5}}}}'"#,
            half - 1 - into
        );
        let mut bench = Bench::new(&script).speaking(OutputFormat::CodexJson);
        bench.redactor = Some(Arc::new(Redactor::new(&[], []).unwrap()));
        let report = bench.run().await;
        assert_eq!(report.outcome, AgentOutcome::Completed);
        let (head, rest) = report.text.split_once("\n[... ").unwrap();
        assert_eq!(
            head.trim_start_matches('x').trim(),
            &"[redacted: AWS access key]"[..into.min(26)]
        );
        let (omitted, tail) = rest.split_once(" bytes omitted ...]\n").unwrap();
        let printed = half - 1 - into + KEY.len() + 2 + 2_000_000;
        assert_eq!(omitted.parse(), Ok(printed - head.len() - tail.len()));
    }
}

#[tokio::test]
async fn a_prompts_file_is_masked_though_no_program_has_read_it() {
    let mut bench = Bench::new("true");
    bench.spec.prompt = PromptVia::File;
    bench.spec.prompt_args = vec!["{prompt}".into()];
    bench.prompt = format!("use {KEY}");
    bench.redactor = Some(Arc::new(Redactor::new(&[], []).unwrap()));
    fs::write(bench.path("agent"), "#!/no/such/interpreter\n").unwrap();
    let report = bench.run().await;
    assert!(matches!(report.outcome, AgentOutcome::NotStarted { .. }), "{report:?}");
    let prompt = bench.read("evidence/iterations/3/actor.prompt");
    assert_eq!(prompt, "use [redacted: AWS access key]");
}
