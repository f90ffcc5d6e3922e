//! Events for this crate's tests: the run of the user guide, and one of every other kind.

pub(crate) mod gates;

use codeloops_event::{
    ActorCompleted, AgentOutcome, AgentOutput, AgentSettings, AgentStarted, CriticAccess,
    CriticCompleted, Decision, DiffCaptured, Event, Evidence, FoundTree, GatePolicy, GateSettings,
    Item, Iteration, IterationEnd, IterationStarted, Limits, Nonce, Outcome, OutputStream,
    Permissions, ProcessInfo, ReadAsText, ResumedAt, Role, Ruling, SessionEnd, SessionResumed,
    SessionStart, Settings, StopReason, Timestamp, TreeCheck, TreeChecked, TreeId, TreeUnverified,
    Usage, Verdict, VerdictReached,
};

const FEEDBACK: &str = "The email validation is implemented but the password\n\
    validation only checks length. Missing: uppercase letter check\n\
    and number requirement. Also, error messages are generic -\n\
    please provide specific feedback for each validation rule.";

const SUMMARY: &str = "Input validation is now complete. Email format is\n\
    validated using regex. Password validation checks: minimum\n\
    8 characters, at least one uppercase letter (A-Z), at least\n\
    one digit (0-9). Error messages are specific and helpful.";

const PROMPT: &str = "Add input validation to the user registration endpoint in src/api/users.rs:\n\n\
    Requirements:\n- Email must be a valid email format\n";

/// `ms` after the run began.
pub(crate) fn at(ms: u64) -> Timestamp {
    let start: Timestamp = "2025-01-27T15:30:45Z".parse().unwrap();
    start + std::time::Duration::from_millis(ms)
}

/// The session that the user guide walks through, as the machine tells it.
pub(crate) fn first_session() -> Vec<Event> {
    let mut events = vec![session_start()];
    events.extend(round(
        1,
        0,
        (45.2, 2, 47, 3),
        Verdict::Continue { feedback: FEEDBACK.to_owned() },
    ));
    let done = Verdict::Done { summary: SUMMARY.to_owned(), confidence: Some(0.95) };
    events.extend(round(2, 50_000, (32.1, 1, 28, 12), done));
    events.push(Event::SessionEnd(Box::new(SessionEnd {
        outcome: Outcome::Success,
        iterations: 2,
        summary: Some(SUMMARY.to_owned()),
        confidence: Some(0.95),
        duration_secs: 89.4,
        timestamp: at(89_400),
        elapsed_ms: 89_400,
        stop_reason: Some(StopReason::Approved),
        error: None,
        usage: None,
        redacted: 0,
    })));
    events
}

pub(crate) fn session_start() -> Event {
    Event::SessionStart(Box::new(SessionStart {
        elapsed_ms: 0,
        timestamp: at(0),
        prompt: PROMPT.to_owned(),
        working_dir: "/home/user/projects/myapp".to_owned(),
        actor_agent: "Claude Code".to_owned(),
        critic_agent: "Claude Code".to_owned(),
        actor_model: None,
        critic_model: None,
        max_iterations: None,
        format_version: None,
        codeloops_version: None,
        run_id: None,
        commit_sha: None,
        branch: None,
        repository: Some("/home/user/project".to_owned()),
        base_tree: None,
        parent: None,
        trace_id: None,
        parent_span_id: None,
        trace_sampled: None,
        evidence_dir: None,
        settings: None,
        redacted: 0,
    }))
}

pub(crate) fn session_resumed(phase: ResumedAt, tree: FoundTree, leftovers: u32) -> Event {
    Event::SessionResumed(Box::new(SessionResumed {
        timestamp: at(2),
        elapsed_ms: 2,
        iteration: 2,
        phase,
        codeloops_version: "0.1.0".to_owned(),
        limits: settings(None).limits,
        tree,
        leftovers,
    }))
}

pub(crate) fn changed_meanwhile() -> FoundTree {
    FoundTree::Changed {
        tree: TreeId("c".repeat(40)),
        kept_as: "refs/codeloops/01JJMZ0000000000000000TEST/resumed-1".to_owned(),
    }
}

/// Settings with a gate, and no limit but on the number of rounds.
pub(crate) fn settings(max_iterations: Option<u32>) -> Settings {
    let agent = AgentSettings {
        agent: "claude".to_owned(),
        title: "Claude Code".to_owned(),
        model: None,
        version: None,
        max_prompt_bytes: 400_000,
    };
    Settings {
        actor: agent.clone(),
        critic: agent,
        limits: Limits {
            max_iterations,
            max_duration_secs: None,
            max_tokens: None,
            max_cost_usd: None,
            actor_timeout_secs: None,
            critic_timeout_secs: None,
            gate_timeout_secs: None,
            actor_idle_timeout_secs: None,
            critic_idle_timeout_secs: None,
            max_actor_failures: 3,
            max_critic_failures: 3,
            stuck_after: 5,
            usage_limit_wait_secs: Some(0.0),
            max_output_bytes: 1_000_000_000,
        },
        permissions: Permissions::Full,
        critic_access: CriticAccess::RunCommands,
        continue_session: true,
        restore_tree: true,
        gates: vec![GateSettings {
            name: "test".to_owned(),
            command: ["sh", "-c", "cargo test"].map(str::to_owned).to_vec(),
            required: true,
            baseline: true,
            retries: 1,
            timeout_secs: None,
            working_dir: None,
            env: Vec::new(),
        }],
        gate_policy: GatePolicy::default(),
    }
}

/// Actor seconds, changed files, insertions, deletions.
type Work = (f64, u64, u64, u64);

fn round(n: Iteration, start: u64, work: Work, verdict: Verdict) -> Vec<Event> {
    let (actor_secs, files, insertions, deletions) = work;
    let feedback = verdict.feedback();
    let decision = verdict.decision();
    vec![
        iteration_started(n),
        Event::ActorStarted(agent_started(n, start, None)),
        actor_completed(n, AgentOutcome::Completed, Some(0), actor_secs),
        Event::DiffCaptured(Box::new(DiffCaptured {
            timestamp: at(start + 46_000),
            elapsed_ms: start + 46_000,
            iteration: n,
            tree: TreeId("4b825dc642cb6eb9a060e54bf8d69288fbee4904".to_owned()),
            files_changed: files,
            insertions,
            deletions,
            patch: evidence("iterations/1/diff.patch"),
            notes: Vec::new(),
            tampering: Vec::new(),
            more_tampering: 0,
        })),
        Event::CriticStarted(agent_started(n, start + 46_000, Some(Nonce("5eed".to_owned())))),
        critic_completed(n, AgentOutcome::Completed, Some(0)),
        tree_checked(TreeCheck::Unchanged),
        verdict_reached(Ruling::Accepted { verdict }),
        Event::Iteration(Box::new(IterationEnd {
            iteration_number: n,
            actor_output: "Done.".to_owned(),
            actor_stderr: String::new(),
            actor_exit_code: 0,
            actor_duration_secs: actor_secs,
            git_diff: String::new(),
            git_files_changed: files,
            critic_decision: decision,
            feedback,
            timestamp: at(start + 49_000),
            elapsed_ms: start + 49_000,
            critic_output: None,
            critic_verdict: Some(decision),
            critic_exit_code: Some(0),
            critic_duration_secs: Some(3.0),
            insertions: Some(insertions),
            deletions: Some(deletions),
            tree: None,
            usage: None,
            gates: Vec::new(),
            tampering: Vec::new(),
            more_tampering: 0,
        })),
    ]
}

/// A round as a recording of another program has it.
pub(crate) fn bare_iteration(n: Iteration, decision: Decision, feedback: Option<&str>) -> Event {
    Event::Iteration(Box::new(IterationEnd {
        iteration_number: n,
        actor_output: "Done.".to_owned(),
        actor_stderr: String::new(),
        actor_exit_code: 0,
        actor_duration_secs: 12.3,
        git_diff: String::new(),
        git_files_changed: 2,
        critic_decision: decision,
        feedback: feedback.map(str::to_owned),
        timestamp: at(49_000),
        elapsed_ms: 0,
        critic_output: None,
        critic_verdict: None,
        critic_exit_code: None,
        critic_duration_secs: None,
        insertions: None,
        deletions: None,
        tree: None,
        usage: None,
        gates: Vec::new(),
        tampering: Vec::new(),
        more_tampering: 0,
    }))
}

pub(crate) fn iteration_started(iteration: Iteration) -> Event {
    Event::IterationStarted(IterationStarted { timestamp: at(0), elapsed_ms: 0, iteration })
}

pub(crate) fn agent_started(iteration: Iteration, ms: u64, nonce: Option<Nonce>) -> AgentStarted {
    AgentStarted {
        timestamp: at(ms),
        elapsed_ms: ms,
        iteration,
        attempt: 1,
        agent: "Claude Code".to_owned(),
        process: ProcessInfo { pid: 4711, start_ticks: Some(99), program: None },
        nonce,
    }
}

pub(crate) fn actor_completed(
    iteration: Iteration,
    outcome: AgentOutcome,
    exit_code: Option<i32>,
    duration_secs: f64,
) -> Event {
    Event::ActorCompleted(Box::new(ActorCompleted {
        timestamp: at(45_200),
        elapsed_ms: 45_200,
        iteration,
        attempt: 1,
        outcome,
        exit_code,
        duration_secs,
        stdout: None,
        stderr: None,
        agent_session: None,
        conversation_usage: None,
        usage: None,
        leftovers: 0,
        text_instead_of: None,
    }))
}

pub(crate) fn critic_completed(
    iteration: Iteration,
    outcome: AgentOutcome,
    exit_code: Option<i32>,
) -> Event {
    Event::CriticCompleted(Box::new(CriticCompleted {
        timestamp: at(48_200),
        elapsed_ms: 48_200,
        iteration,
        attempt: 1,
        outcome,
        exit_code,
        duration_secs: 3.0,
        text: "DECISION: DONE".to_owned(),
        stdout: None,
        stderr: None,
        usage: None,
        leftovers: 0,
        text_instead_of: None,
    }))
}

pub(crate) fn tree_checked(check: TreeCheck) -> Event {
    Event::TreeChecked(Box::new(TreeChecked {
        timestamp: at(48_300),
        elapsed_ms: 48_300,
        iteration: 1,
        attempt: 1,
        check,
    }))
}

pub(crate) fn read_as_text(agent: &str) -> Event {
    Event::ReadAsText(ReadAsText {
        timestamp: at(42_100),
        elapsed_ms: 42_100,
        iteration: 1,
        attempt: 1,
        role: Role::Critic,
        agent: agent.to_owned(),
        declared: "claude-stream-json".to_owned(),
    })
}

pub(crate) fn tree_unverified(before: &str) -> Event {
    Event::TreeUnverified(TreeUnverified {
        timestamp: at(48_300),
        elapsed_ms: 48_300,
        iteration: 1,
        attempt: 1,
        before: before.to_owned(),
    })
}

pub(crate) fn verdict_reached(ruling: Ruling) -> Event {
    Event::VerdictReached(Box::new(VerdictReached {
        timestamp: at(48_300),
        elapsed_ms: 48_300,
        iteration: 1,
        attempt: 1,
        ruling,
    }))
}

pub(crate) fn actor_output(text: &str) -> Event {
    output(Role::Actor, OutputStream::Stdout, text, 0)
}

pub(crate) fn output(role: Role, stream: OutputStream, text: &str, skipped_bytes: u64) -> Event {
    let items = vec![Item::Printed { text: text.to_owned() }];
    Event::AgentOutput(AgentOutput { role, stream, skipped_bytes, items })
}

/// What the actor's stream tells.
pub(crate) fn told(items: Vec<Item>) -> Event {
    let (role, stream) = (Role::Actor, OutputStream::Stdout);
    Event::AgentOutput(AgentOutput { role, stream, skipped_bytes: 0, items })
}

/// A turn with tools, one that fails, and a provider that is slow.
pub(crate) fn items() -> Vec<Item> {
    let text = |text: &str| Item::Text { text: text.to_owned() };
    let call = |name: &str, argument: &str| Item::ToolCall {
        id: None,
        name: name.to_owned(),
        argument: argument.to_owned(),
    };
    let result = |failed, text: &str| Item::ToolResult { id: None, failed, text: text.to_owned() };
    vec![
        Item::Reasoning { text: "The tests first.\n".to_owned() },
        text("I will run"),
        text(" the tests.\nNow"),
        call("Bash", "cargo test\u{1b}[2J"),
        result(false, "running 3 tests\ntest result: ok. 3 passed"),
        call("Read", "src/lib.rs"),
        result(true, "no such file"),
        result(false, ""),
        Item::Retry { reason: "overloaded, try 1 in 2 s".to_owned() },
        Item::Limit { resets_at: Some(at(16_155_000)), message: "five hour limit, 91%".to_owned() },
        Item::Usage { usage: Usage { input_tokens: Some(1550), ..Usage::default() } },
        text("Done."),
    ]
}

pub(crate) fn evidence(path: &str) -> Evidence {
    Evidence {
        path: path.to_owned(),
        bytes: 1234,
        sha256: "0".repeat(64),
        dropped_bytes: 0,
        redacted: 0,
    }
}
