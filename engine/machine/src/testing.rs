//! A simulated world for the machine: the property tests, the exhaustive check and the fuzz target
//! all drive it with choices from here.

use std::collections::BTreeSet;

use codeloops_event::{
    AgentOutcome, AgentSettings, BudgetKind, CallId, CallKind, CapturedDiff, CriticAccess,
    CutOffKind, DEFAULT_STUCK_AFTER, Event, Evidence, Failure, FailureCategory, FoundTree,
    GatePolicy, GateSettings, GateStatus, LimitKind, Limits, Nonce, OnGateFailure, Permissions,
    ProcessInfo, Refusal, Settings, Stamp, StopReason, Timestamp, TreeCheck, TreeId,
};

use crate::prompts::Prompt;
use crate::{
    AgentCall, AgentReport, Effect, GateReport, Input, Machine, Move, Resume, Stamped, Start,
    TRANSITIONS,
};

/// What every run of the simulation must uphold was not.
#[derive(Debug, Clone, PartialEq)]
pub enum Broken {
    /// A move that the table does not list.
    IllegalMove(Move),
    /// A rejected input changed the machine.
    ChangedByRejection,
    /// See [`crate::invariants`].
    Invariant(crate::invariants::Violation),
    /// The recorded facts gave other decisions.
    Replay(Box<crate::replay::Divergence>),
    /// The machine awaits a call that it did not ask for.
    AwaitsNothing(CallId),
}

/// A run in a simulated world.
#[derive(Debug, Clone)]
pub struct Simulation {
    machine: Machine,
    events: Vec<Event>,
    moves: BTreeSet<Move>,
    asked: BTreeSet<CallId>,
    called: Option<AgentCall<Prompt>>,
    now_ms: u64,
}

impl Simulation {
    /// Begins a run.
    #[must_use]
    pub fn start(settings: Settings) -> Self {
        Self::of(start(settings))
    }

    /// Begins a run with this.
    #[must_use]
    pub fn of(start: Start) -> Self {
        let step = Machine::start(Stamped { stamp: stamp(0), nonce: nonce(0), input: start });
        let mut simulation = Self {
            machine: step.machine,
            events: step.events,
            moves: step.moves.into_iter().collect(),
            asked: BTreeSet::new(),
            called: None,
            now_ms: 0,
        };
        simulation.note_effects(&step.effects);
        simulation
    }

    /// The machine as it stands.
    #[must_use]
    pub const fn machine(&self) -> &Machine {
        &self.machine
    }

    /// Everything told so far.
    #[must_use]
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// The agent call that was asked for last.
    #[must_use]
    pub const fn called(&self) -> Option<&AgentCall<Prompt>> {
        self.called.as_ref()
    }

    /// The moves made so far.
    #[must_use]
    pub const fn moves(&self) -> &BTreeSet<Move> {
        &self.moves
    }

    /// Gives the machine an input, `ms` milliseconds after the last one.
    ///
    /// # Errors
    ///
    /// What was broken.
    pub fn give(&mut self, input: Input, ms: u64) -> Result<(), Broken> {
        self.now_ms += ms;
        let before = self.machine.clone();
        let stamped = Stamped { stamp: stamp(self.now_ms), nonce: nonce(self.now_ms), input };
        match before.clone().step(stamped) {
            Ok(step) => {
                if let Some(illegal) = step.moves.iter().find(|m| !TRANSITIONS.contains(m)) {
                    return Err(Broken::IllegalMove(*illegal));
                }
                self.note_effects(&step.effects);
                self.moves.extend(step.moves);
                self.events.extend(step.events);
                self.machine = step.machine;
            }
            Err(rejected) if rejected.machine != before => return Err(Broken::ChangedByRejection),
            Err(_) => {}
        }
        let awaited = self.machine.awaited_calls();
        match awaited.into_iter().find(|call| !self.asked.contains(call)) {
            Some(call) => Err(Broken::AwaitsNothing(call)),
            None => Ok(()),
        }
    }

    /// Checks what must hold of the record so far.
    ///
    /// # Errors
    ///
    /// What was broken.
    pub fn check(&self) -> Result<(), Broken> {
        crate::invariants::check(&self.events).map_err(Broken::Invariant)?;
        crate::replay::verify(&self.events).map_err(|d| Broken::Replay(Box::new(d)))
    }

    fn note_effects(&mut self, effects: &[Effect]) {
        self.asked.extend(effects.iter().filter_map(|effect| match effect {
            Effect::RunAgent(agent) => Some(agent.call),
            Effect::RunGate(gate) => Some(gate.call),
            Effect::CaptureDiff { call }
            | Effect::CheckTree { call, .. }
            | Effect::Wait { call, .. } => Some(*call),
            Effect::StopCall { .. } => None,
        }));
        self.called = effects.iter().rev().find_map(called).or(self.called.take());
    }
}

fn called(effect: &Effect) -> Option<AgentCall<Prompt>> {
    match effect {
        Effect::RunAgent(call) => Some((**call).clone()),
        _ => None,
    }
}

/// Drives a run with choices taken from bytes, and checks everything: the body of the fuzz target.
///
/// # Panics
///
/// When something is broken.
pub fn run_ops(bytes: &[u8]) {
    let Some((shape, ops)) = bytes.split_first() else { return };
    let mut simulation = Simulation::start(settings_from(*shape));
    for op in ops.chunks(2).take(400) {
        let choice = usize::from(op[0]);
        let ms = op.get(1).map_or(0, |b| u64::from(*b) * 50);
        let inputs = alphabet(simulation.machine());
        let input = inputs[choice % inputs.len()].clone();
        if let Err(broken) = simulation.give(input, ms) {
            panic!("{broken:?}");
        }
    }
    if let Err(broken) = simulation.check() {
        panic!("{broken:?}");
    }
}

/// Every kind of input that may reach the machine now: all answers to the awaited call, requests to
/// stop, and answers that are late, early or of the wrong kind.
#[must_use]
pub fn alphabet(machine: &Machine) -> Vec<Input> {
    let mut inputs = vec![
        Input::StopRequested { signal: "SIGINT".to_owned() },
        Input::EngineFailed { reason: StopReason::RecordFailed, error: "disk full".to_owned() },
        resumed(FoundTree::AsLeft, None),
        resumed(changed_meanwhile(), Some(3)),
    ];
    let first = CallId { iteration: 1, kind: CallKind::Actor, attempt: 1 };
    let awaited = machine.awaited_calls();
    let calls = if awaited.is_empty() { vec![first] } else { awaited };
    inputs.extend(calls.into_iter().flat_map(answers));
    // Late: the first call of all, once it is over.
    inputs.push(finished(first, AgentOutcome::Completed, "late"));
    // Early: a call that was never made.
    let never = CallId { iteration: 99, kind: CallKind::Diff, attempt: 1 };
    inputs.push(Input::DiffFailed { call: never, error: "never asked".to_owned() });
    // Wrong: a wait's end for something that is no wait.
    inputs.push(Input::WaitOver { call: first });
    inputs
}

/// Every answer to a call of this kind.
#[must_use]
pub fn answers(call: CallId) -> Vec<Input> {
    match call.kind {
        CallKind::Actor => actor_answers(call),
        CallKind::Critic => critic_answers(call),
        CallKind::Diff => vec![
            Input::DiffCaptured { call, diff: Box::new(diff(call.iteration)) },
            Input::DiffCaptured { call, diff: Box::new(as_in_round_1(diff(call.iteration))) },
            Input::DiffFailed { call, error: "no space left on device".to_owned() },
        ],
        CallKind::Gate => gate_reports()
            .into_iter()
            .map(|report| Input::GateFinished { call, report: Box::new(report) })
            .collect(),
        CallKind::TreeCheck | CallKind::GateTreeCheck => {
            tree_checks().into_iter().map(|check| Input::TreeChecked { call, check }).collect()
        }
        CallKind::ActorWait | CallKind::CriticWait => vec![Input::WaitOver { call }],
    }
}

fn actor_answers(call: CallId) -> Vec<Input> {
    let mut inputs = vec![Input::AgentStarted { call, process: process() }];
    inputs.extend(outcomes().into_iter().map(|outcome| finished(call, outcome, "I did it")));
    inputs.push(as_text(finished(call, AgentOutcome::Completed, "I did it")));
    inputs
}

/// The answer, read as text though events were declared.
fn as_text(input: Input) -> Input {
    match input {
        Input::AgentFinished { call, mut report } => {
            report.text_instead_of = Some("claude-stream-json".to_owned());
            Input::AgentFinished { call, report }
        }
        other => other,
    }
}

fn critic_answers(call: CallId) -> Vec<Input> {
    let mut inputs = actor_answers(call);
    let failed = || AgentOutcome::Failed { exit_code: 1, message: None };
    for text in [
        "DECISION: DONE\nSUMMARY: all of it\nCONFIDENCE: 0.9",
        "DECISION: CONTINUE\nFEEDBACK: not yet",
        "DECISION: ERROR\nANALYSIS: broken\nRECOVERY: mend it",
        "This task is complete nonsense",
    ] {
        inputs.push(finished(call, AgentOutcome::Completed, text));
        inputs.push(finished(call, failed(), text));
    }
    inputs
}

fn outcomes() -> Vec<AgentOutcome> {
    let at = |secs: i64| Timestamp::from_timestamp_millis(EPOCH_MS + secs * 1000);
    let message = || "in the agent's words".to_owned();
    vec![
        AgentOutcome::Completed,
        AgentOutcome::Denied { count: 2 },
        AgentOutcome::Refused { refusal: Refusal::Auth, message: message() },
        AgentOutcome::UsageLimit { resets_at: at(30), message: message() },
        AgentOutcome::UsageLimit { resets_at: None, message: message() },
        AgentOutcome::UsageLimit { resets_at: at(1_000_000), message: message() },
        AgentOutcome::Transient { message: message() },
        AgentOutcome::CutOff { how: CutOffKind::NoFinalEvent },
        AgentOutcome::Failed { exit_code: 3, message: Some(message()) },
        AgentOutcome::Signaled { signal: 9 },
        AgentOutcome::NoOutput,
        AgentOutcome::TimedOut { limit: LimitKind::Idle, after_ms: 1000 },
        AgentOutcome::TimedOut { limit: LimitKind::RunBudget, after_ms: 1000 },
        AgentOutcome::OverBudget { budget: BudgetKind::Tokens },
        AgentOutcome::ConversationLost { message: message() },
        AgentOutcome::Interrupted,
        AgentOutcome::NotStarted { message: message() },
    ]
}

fn tree_checks() -> Vec<TreeCheck> {
    vec![
        TreeCheck::Unchanged,
        changed_tree('a', true),
        changed_tree('a', false),
        changed_tree('b', false),
        TreeCheck::Failed { error: "index.lock exists".to_owned() },
    ]
}

/// What a look finds after the critic made the tree named by the digit.
#[must_use]
pub fn changed_tree(digit: char, restored: bool) -> TreeCheck {
    TreeCheck::Changed {
        kept_as: "refs/codeloops/x/critic-1-1".to_owned(),
        tree: Some(TreeId(digit.to_string().repeat(40))),
        files: vec!["a.txt".to_owned()],
        head_moved: false,
        index_changed: false,
        restored,
    }
}

/// Another process goes on with the run.
#[must_use]
pub fn resumed(tree: FoundTree, max_iterations: Option<u32>) -> Input {
    Input::Resumed(Box::new(Resume {
        task: None,
        verify: None,
        codeloops_version: "0.0.0".to_owned(),
        limits: Limits { max_iterations, ..settings().limits },
        tree,
        leftovers: 0,
    }))
}

/// A tree that somebody changed while nobody had the run.
#[must_use]
pub fn changed_meanwhile() -> FoundTree {
    FoundTree::Changed {
        tree: TreeId("c".repeat(40)),
        kept_as: "refs/codeloops/x/resumed-1".to_owned(),
    }
}

fn finished(call: CallId, outcome: AgentOutcome, text: &str) -> Input {
    let exit_code = match &outcome {
        AgentOutcome::Failed { exit_code, .. } => Some(*exit_code),
        AgentOutcome::Signaled { signal } => Some(128 + signal),
        AgentOutcome::NotStarted { .. } => None,
        _ => Some(0),
    };
    let report = AgentReport { exit_code, text: text.to_owned(), ..AgentReport::bare(outcome) };
    Input::AgentFinished { call, report: Box::new(report) }
}

/// A small captured diff of an iteration.
#[must_use]
pub fn diff(iteration: u32) -> CapturedDiff {
    CapturedDiff {
        tree: TreeId(format!("{iteration:040}")),
        diff: "diff --git a/a.txt b/a.txt\n+one\n".to_owned(),
        files: Vec::new(),
        files_changed: 1,
        insertions: 1,
        deletions: 0,
        patch: Evidence {
            path: codeloops_event::layout::diff_patch(iteration),
            bytes: 32,
            sha256: "0".repeat(64),
            dropped_bytes: 0,
            redacted: 0,
        },
        notes: Vec::new(),
        tampering: Vec::new(),
        more_tampering: 0,
    }
}

/// What a gate may come to.
fn gate_reports() -> Vec<GateReport> {
    let failing =
        |name: &str| GateReport { failures: vec![test_failure(name)], ..gate(GateStatus::Failed) };
    vec![
        gate(GateStatus::Passed),
        gate(GateStatus::Failed),
        failing("a"),
        failing("b"),
        gate(GateStatus::Flaky),
        gate(GateStatus::TimedOut),
        GateReport::not_started("no such file".to_owned()),
        GateReport { interrupted: true, exit_code: None, ..gate(GateStatus::Failed) },
        GateReport { kept_from: Some(start(settings()).run_id), ..gate(GateStatus::Passed) },
    ]
}

/// The tree of round 1, come back to.
fn as_in_round_1(diff: CapturedDiff) -> CapturedDiff {
    CapturedDiff { tree: TreeId(format!("{:040}", 1)), ..diff }
}

/// A test that fails.
#[must_use]
pub fn test_failure(name: &str) -> Failure {
    Failure {
        category: FailureCategory::Test,
        file: None,
        line: None,
        column: None,
        code: Some(name.to_owned()),
        message: "assertion failed".to_owned(),
    }
}

/// A gate's report with this status.
#[must_use]
pub fn gate(status: GateStatus) -> GateReport {
    GateReport {
        status,
        exit_code: Some(i32::from(!status.is_green())),
        duration_secs: 0.5,
        ..GateReport::not_started("1 failed".to_owned())
    }
}

const fn process() -> ProcessInfo {
    ProcessInfo { pid: 4242, start_ticks: Some(1), program: None }
}

/// What a run of the simulation begins with.
///
/// # Panics
///
/// Never: the id is well-formed.
#[must_use]
pub fn start(settings: Settings) -> Start {
    Start {
        prompt: "Fix the typo".to_owned(),
        task: "Fix the typo".to_owned(),
        redacted: 0,
        working_dir: "/home/user/project".to_owned(),
        run_id: "01JJMZ0000000000000000TEST".parse().expect("a well-formed id"),
        commit_sha: None,
        branch: Some("main".to_owned()),
        repository: Some("/home/user/project".to_owned()),
        base_tree: TreeId("0".repeat(40)),
        parent: None,
        codeloops_version: "0.0.0".to_owned(),
        trace_id: None,
        parent_span_id: None,
        trace_sampled: None,
        evidence_dir: None,
        verify: None,
        settings,
    }
}

/// Settings with everything at its default and no limit.
#[must_use]
pub fn settings() -> Settings {
    let agent = |title: &str| AgentSettings {
        agent: "fake".to_owned(),
        title: title.to_owned(),
        model: None,
        version: None,
        max_prompt_bytes: 400_000,
    };
    Settings {
        actor: agent("Fake Actor"),
        critic: agent("Fake Critic"),
        limits: Limits {
            max_iterations: None,
            max_duration_secs: None,
            max_tokens: None,
            max_cost_usd: None,
            actor_timeout_secs: None,
            critic_timeout_secs: None,
            gate_timeout_secs: Some(600.0),
            actor_idle_timeout_secs: None,
            critic_idle_timeout_secs: None,
            max_actor_failures: 3,
            max_critic_failures: 3,
            stuck_after: DEFAULT_STUCK_AFTER,
            usage_limit_wait_secs: Some(21_600.0),
            max_output_bytes: 1_000_000_000,
        },
        permissions: Permissions::Full,
        critic_access: CriticAccess::RunCommands,
        continue_session: true,
        restore_tree: true,
        gates: Vec::new(),
        gate_policy: GatePolicy::default(),
    }
}

/// One of many shapes of settings: a bit each.
#[must_use]
pub fn settings_from(shape: u8) -> Settings {
    let mut settings = settings();
    let limits = &mut settings.limits;
    limits.max_iterations = (shape & 1 == 1).then_some(2);
    limits.max_duration_secs = (shape & 2 == 2).then_some(60.0);
    if shape & 8 == 8 {
        limits.max_actor_failures = 1;
        limits.max_critic_failures = 1;
        limits.stuck_after = 2;
    }
    if shape & 4 == 4 {
        let gate = |name: &str| GateSettings {
            name: name.to_owned(),
            command: vec!["true".to_owned()],
            required: true,
            baseline: true,
            retries: 1,
            timeout_secs: None,
            working_dir: None,
            env: Vec::new(),
        };
        settings.gates = vec![gate("lint"), gate("test")];
        settings.gates[0].required = shape & 128 == 0;
        settings.gate_policy.parallel = shape & 16 == 16;
        if shape & 32 == 32 {
            settings.gate_policy.on_failure = OnGateFailure::Actor;
        }
        settings.gate_policy.baseline = shape & 64 == 64;
    }
    settings
}

/// 2025-01-27T15:30:45Z.
const EPOCH_MS: i64 = 1_737_991_845_000;

fn stamp(elapsed_ms: u64) -> Stamp {
    let ms = EPOCH_MS + i64::try_from(elapsed_ms).unwrap_or(0);
    Stamp { at: Timestamp::from_timestamp_millis(ms).unwrap_or_default(), elapsed_ms }
}

fn nonce(elapsed_ms: u64) -> Nonce {
    Nonce(format!("{elapsed_ms:016x}"))
}
