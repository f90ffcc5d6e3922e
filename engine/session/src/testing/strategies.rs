//! Strategies for every event that a session file can hold.

use codeloops_event::{
    ActorCompleted, AgentOutcome, AgentSettings, AgentStarted, AnswerIgnored, ApprovalVetoed,
    Artifact, BudgetKind, CallId, CallKind, CriticAccess, CriticCompleted, CutOffKind, Decision,
    DiffCaptured, DiffFailed, DiffSide, EngineFailed, Event, Evidence, FORMAT_VERSION, Failure,
    FailureCategory, FoundTree, GateCompleted, GatePolicy, GateResult, GateSettings, GateStarted,
    GateStatus, GateTreeChecked, IterationEnd, IterationStarted, LimitKind, Limits, Nonce,
    OnGateFailure, Outcome, Parent, Permissions, ProcessInfo, ReadAsText, Refusal, ResumedAt, Role,
    Ruling, RunId, SessionEnd, SessionResumed, SessionStart, Settings, StateRepeated, StopReason,
    StopRequested, TamperKind, TamperPolicy, Tampering, Timestamp, TreeCheck, TreeChecked, TreeId,
    TreeUnverified, Usage, UsageByRole, Verdict, VerdictProblem, VerdictReached, WaitOver, Waiting,
};
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::Union;

/// A session: its start, some events, often an end.
pub fn any_session() -> impl Strategy<Value = Vec<Event>> {
    let start = any_session_start().boxed();
    let end = of(any_session_end().boxed());
    (start, vec(any_event(), 0..8), end).prop_map(|(start, middle, end)| {
        let start = Event::SessionStart(Box::new(start));
        let end = end.map(|end| Event::SessionEnd(Box::new(end)));
        std::iter::once(start).chain(middle).chain(end).collect()
    })
}

/// Any event that stands between start and end.
pub fn any_event() -> impl Strategy<Value = Event> {
    // Boxed one by one: the whole would be a value of many kilobytes on the stack.
    Union::new([
        iteration_started().prop_map(Event::IterationStarted).boxed(),
        agent_started(of(nonce()).boxed()).prop_map(Event::CriticStarted).boxed(),
        agent_started(Just(None).boxed()).prop_map(Event::ActorStarted).boxed(),
        actor_completed().prop_map(|e| Event::ActorCompleted(Box::new(e))).boxed(),
        read_as_text().prop_map(Event::ReadAsText).boxed(),
        diff_captured().prop_map(|e| Event::DiffCaptured(Box::new(e))).boxed(),
        diff_failed().prop_map(Event::DiffFailed).boxed(),
        gate_started().prop_map(Event::GateStarted).boxed(),
        gate_completed().prop_map(|e| Event::GateCompleted(Box::new(e))).boxed(),
        gate_tree_checked().prop_map(|e| Event::GateTreeChecked(Box::new(e))).boxed(),
        approval_vetoed().prop_map(|e| Event::ApprovalVetoed(Box::new(e))).boxed(),
        state_repeated().prop_map(Event::StateRepeated).boxed(),
        critic_completed().prop_map(|e| Event::CriticCompleted(Box::new(e))).boxed(),
        tree_checked().prop_map(|e| Event::TreeChecked(Box::new(e))).boxed(),
        tree_unverified().prop_map(Event::TreeUnverified).boxed(),
        verdict_reached().prop_map(|e| Event::VerdictReached(Box::new(e))).boxed(),
        waiting().prop_map(Event::Waiting).boxed(),
        wait_over().prop_map(Event::WaitOver).boxed(),
        stop_requested().prop_map(Event::StopRequested).boxed(),
        answer_ignored().prop_map(Event::AnswerIgnored).boxed(),
        engine_failed().prop_map(Event::EngineFailed).boxed(),
        session_resumed().prop_map(|e| Event::SessionResumed(Box::new(e))).boxed(),
        any_iteration().prop_map(|e| Event::Iteration(Box::new(e))).boxed(),
    ])
}

prop_compose! {
    fn iteration_started()(
        (timestamp, elapsed_ms) in when(), iteration in number(),
    ) -> IterationStarted {
        IterationStarted { timestamp, elapsed_ms, iteration }
    }
}

prop_compose! {
    /// A first line.
    pub fn any_session_start()(
        (timestamp, prompt, working_dir) in (time(), text(), text()),
        (actor_agent, critic_agent) in (text(), text()),
        (actor_model, critic_model) in (of(text()), of(text())),
        (max_iterations, elapsed_ms) in (of(any::<u32>()), any::<u64>()),
        (format_version, codeloops_version) in (of(Just(FORMAT_VERSION)), of(text())),
        (run_id, commit_sha, branch) in (of(run_id()), of(text()), of(text())),
        (repository, base_tree) in (of(text()), of(tree())),
        parent in of(parent()),
        (trace_id, parent_span_id) in (of("[0-9a-f]{32}"), of("[0-9a-f]{16}")),
        trace_sampled in of(any::<bool>()),
        (evidence_dir, settings, redacted) in (of(text()), of(settings().boxed()), count()),
    ) -> SessionStart {
        SessionStart {
            timestamp, prompt, working_dir, actor_agent, critic_agent, actor_model, critic_model,
            max_iterations, elapsed_ms, format_version, codeloops_version, run_id, commit_sha,
            branch, repository, base_tree, parent, trace_id, parent_span_id, trace_sampled, evidence_dir,
            settings, redacted,
        }
    }
}

prop_compose! {
    /// The summary of a round.
    pub fn any_iteration()(
        (iteration_number, (timestamp, elapsed_ms)) in (number(), when()),
        (actor_output, actor_stderr, actor_exit_code) in (text(), text(), any::<i32>()),
        (actor_duration_secs, critic_duration_secs) in (amount(), of(amount())),
        (git_diff, git_files_changed) in (text(), any::<u64>()),
        (critic_decision, critic_verdict) in (decision(), of(decision())),
        (feedback, critic_output) in (of(text()), of(text())),
        critic_exit_code in of(any::<i32>()),
        (insertions, deletions) in (of(any::<u64>()), of(any::<u64>())),
        (tree, usage) in (of(tree()), of(usage_by_role().boxed())),
        gates in vec(gate_result().boxed(), 0..3),
        (tampering, more_tampering) in (vec(tampering(), 0..3), count()),
    ) -> IterationEnd {
        IterationEnd {
            iteration_number, actor_output, actor_stderr, actor_exit_code, actor_duration_secs,
            git_diff, git_files_changed, critic_decision, feedback, timestamp, elapsed_ms,
            critic_output, critic_verdict, critic_exit_code, critic_duration_secs, insertions,
            deletions, tree, usage, gates, tampering, more_tampering,
        }
    }
}

prop_compose! {
    /// A last line.
    pub fn any_session_end()(
        (outcome, iterations, summary) in (outcome(), any::<u32>(), of(text())),
        (confidence, duration_secs) in (of(amount()), amount()),
        (timestamp, elapsed_ms) in when(),
        (stop_reason, error, usage) in (of(stop_reason()), of(text()), of(usage_by_role().boxed())),
        redacted in count(),
    ) -> SessionEnd {
        SessionEnd {
            outcome, iterations, summary, confidence, duration_secs, timestamp, elapsed_ms,
            stop_reason, error, usage, redacted,
        }
    }
}

prop_compose! {
    fn agent_started(nonce: BoxedStrategy<Option<Nonce>>)(
        (timestamp, elapsed_ms) in when(), iteration in number(), attempt in number(),
        agent in text(), pid in any::<u32>(), start_ticks in of(any::<u64>()), program in of(text()),
        nonce in nonce,
    ) -> AgentStarted {
        let process = ProcessInfo { pid, start_ticks, program };
        AgentStarted { timestamp, elapsed_ms, iteration, attempt, agent, process, nonce }
    }
}

prop_compose! {
    fn actor_completed()(
        (timestamp, elapsed_ms) in when(), iteration in number(), attempt in number(),
        outcome in agent_outcome().boxed(), exit_code in of(any::<i32>()),
        duration_secs in amount(),
        stdout in of(evidence().boxed()), stderr in of(evidence().boxed()),
        agent_session in of(text()),
        (usage, conversation_usage) in (of(usage().boxed()), of(usage().boxed())),
        (leftovers, text_instead_of) in (any::<u32>(), of(text())),
    ) -> ActorCompleted {
        ActorCompleted {
            timestamp, elapsed_ms, iteration, attempt, outcome, exit_code, duration_secs, stdout,
            stderr, agent_session, usage, conversation_usage, leftovers, text_instead_of,
        }
    }
}

prop_compose! {
    fn critic_completed()(
        (timestamp, elapsed_ms) in when(), iteration in number(), attempt in number(),
        outcome in agent_outcome().boxed(), exit_code in of(any::<i32>()),
        duration_secs in amount(),
        text in text(), stdout in of(evidence().boxed()), stderr in of(evidence().boxed()),
        usage in of(usage().boxed()),
        (leftovers, text_instead_of) in (any::<u32>(), of(text())),
    ) -> CriticCompleted {
        CriticCompleted {
            timestamp, elapsed_ms, iteration, attempt, outcome, exit_code, duration_secs, text,
            stdout, stderr, usage, leftovers, text_instead_of,
        }
    }
}

prop_compose! {
    fn diff_captured()(
        (timestamp, elapsed_ms) in when(), iteration in number(), tree in tree(),
        files_changed in any::<u64>(), insertions in any::<u64>(), deletions in any::<u64>(),
        patch in evidence().boxed(), notes in vec(text(), 0..3),
        (tampering, more_tampering) in (vec(tampering(), 0..3), count()),
    ) -> DiffCaptured {
        DiffCaptured {
            timestamp, elapsed_ms, iteration, tree, files_changed, insertions, deletions, patch,
            notes, tampering, more_tampering,
        }
    }
}

prop_compose! {
    fn diff_failed()(
        (timestamp, elapsed_ms) in when(), iteration in number(), error in text(),
    ) -> DiffFailed {
        DiffFailed { timestamp, elapsed_ms, iteration, error }
    }
}

prop_compose! {
    fn gate_completed()(
        (timestamp, elapsed_ms) in when(), iteration in number(), gate in gate_result().boxed(),
    ) -> GateCompleted {
        GateCompleted { timestamp, elapsed_ms, iteration, gate }
    }
}

prop_compose! {
    fn tree_checked()(
        (timestamp, elapsed_ms) in when(), iteration in number(), attempt in number(),
        check in tree_check().boxed(),
    ) -> TreeChecked {
        TreeChecked { timestamp, elapsed_ms, iteration, attempt, check }
    }
}

prop_compose! {
    fn read_as_text()(
        (timestamp, elapsed_ms) in when(), iteration in number(), attempt in number(),
        role in role(), agent in text(), declared in text(),
    ) -> ReadAsText {
        ReadAsText { timestamp, elapsed_ms, iteration, attempt, role, agent, declared }
    }
}

prop_compose! {
    fn tree_unverified()(
        (timestamp, elapsed_ms) in when(), iteration in number(), attempt in number(),
        before in text(),
    ) -> TreeUnverified {
        TreeUnverified { timestamp, elapsed_ms, iteration, attempt, before }
    }
}

prop_compose! {
    fn verdict_reached()(
        (timestamp, elapsed_ms) in when(), iteration in number(), attempt in number(),
        ruling in ruling().boxed(),
    ) -> VerdictReached {
        VerdictReached { timestamp, elapsed_ms, iteration, attempt, ruling }
    }
}

prop_compose! {
    fn waiting()(
        (timestamp, elapsed_ms) in when(), iteration in number(), role in role(),
        attempt in number(), until in time(), reason in text(),
    ) -> Waiting {
        Waiting { timestamp, elapsed_ms, iteration, role, attempt, until, reason }
    }
}

prop_compose! {
    fn wait_over()(
        (timestamp, elapsed_ms) in when(), iteration in number(), role in role(),
        attempt in number(),
    ) -> WaitOver {
        WaitOver { timestamp, elapsed_ms, iteration, role, attempt }
    }
}

prop_compose! {
    fn stop_requested()(
        (timestamp, elapsed_ms) in when(), signal in text(), now in any::<bool>(),
    ) -> StopRequested {
        StopRequested { timestamp, elapsed_ms, signal, now }
    }
}

prop_compose! {
    fn answer_ignored()(
        (timestamp, elapsed_ms) in when(), iteration in number(), kind in call_kind(),
        attempt in number(),
    ) -> AnswerIgnored {
        AnswerIgnored { timestamp, elapsed_ms, call: CallId { iteration, kind, attempt } }
    }
}

prop_compose! {
    fn session_resumed()(
        (timestamp, elapsed_ms) in when(), iteration in number(),
        phase in select(vec![
            ResumedAt::ActorExecuting,
            ResumedAt::CapturingDiff,
            ResumedAt::RunningGates,
            ResumedAt::CriticEvaluating,
        ]),
        codeloops_version in text(), limits in limits(), tree in found_tree(),
        leftovers in any::<u32>(),
    ) -> SessionResumed {
        SessionResumed {
            timestamp, elapsed_ms, iteration, phase, codeloops_version, limits, tree, leftovers,
        }
    }
}

fn found_tree() -> impl Strategy<Value = FoundTree> {
    let changed = (tree(), text());
    prop_oneof![
        Just(FoundTree::AsLeft),
        changed.prop_map(|(tree, kept_as)| FoundTree::Changed { tree, kept_as }),
    ]
}

prop_compose! {
    fn engine_failed()(
        (timestamp, elapsed_ms) in when(), reason in stop_reason(), error in text(),
    ) -> EngineFailed {
        EngineFailed { timestamp, elapsed_ms, reason, error }
    }
}

fn agent_outcome() -> impl Strategy<Value = AgentOutcome> {
    let message = text;
    prop_oneof![
        select(vec![
            AgentOutcome::Completed,
            AgentOutcome::NoOutput,
            AgentOutcome::Interrupted,
            AgentOutcome::CutOff { how: CutOffKind::NoFinalEvent },
            AgentOutcome::CutOff { how: CutOffKind::Length },
        ]),
        any::<u32>().prop_map(|count| AgentOutcome::Denied { count }),
        (select(vec![Refusal::Auth, Refusal::Billing, Refusal::BadRequest]), message())
            .prop_map(|(refusal, message)| AgentOutcome::Refused { refusal, message }),
        (of(time()), message())
            .prop_map(|(resets_at, message)| AgentOutcome::UsageLimit { resets_at, message }),
        message().prop_map(|message| AgentOutcome::Transient { message }),
        (any::<i32>(), of(message()))
            .prop_map(|(exit_code, message)| AgentOutcome::Failed { exit_code, message }),
        (1..65i32).prop_map(|signal| AgentOutcome::Signaled { signal }),
        (select(vec![LimitKind::Total, LimitKind::Idle, LimitKind::RunBudget]), any::<u64>())
            .prop_map(|(limit, after_ms)| AgentOutcome::TimedOut { limit, after_ms }),
        select(vec![BudgetKind::Tokens, BudgetKind::Cost])
            .prop_map(|budget| AgentOutcome::OverBudget { budget }),
        message().prop_map(|message| AgentOutcome::ConversationLost { message }),
        message().prop_map(|message| AgentOutcome::NotStarted { message }),
    ]
}

fn ruling() -> impl Strategy<Value = Ruling> {
    prop_oneof![
        verdict().prop_map(|verdict| Ruling::Accepted { verdict }),
        problem().prop_map(|problem| Ruling::AskedAgain { problem }),
        problem().prop_map(|problem| Ruling::GivenUp { problem }),
    ]
}

fn verdict() -> impl Strategy<Value = Verdict> {
    prop_oneof![
        (text(), of(amount()))
            .prop_map(|(summary, confidence)| Verdict::Done { summary, confidence }),
        text().prop_map(|feedback| Verdict::Continue { feedback }),
        (text(), text()).prop_map(|(analysis, recovery)| Verdict::Error { analysis, recovery }),
    ]
}

fn problem() -> impl Strategy<Value = VerdictProblem> {
    prop_oneof![
        select(vec![
            VerdictProblem::NoDecision,
            VerdictProblem::NoFeedback,
            VerdictProblem::NoSummary,
            VerdictProblem::NoAnalysis,
            VerdictProblem::Contradiction,
            VerdictProblem::DoneInFence,
            VerdictProblem::DoneFromFailedCall,
            VerdictProblem::TreeChanged,
            VerdictProblem::AnswerTooLong,
        ]),
        text().prop_map(|found| VerdictProblem::UnknownDecision { found }),
    ]
}

fn tree_check() -> impl Strategy<Value = TreeCheck> {
    prop_oneof![
        Just(TreeCheck::Unchanged),
        (text(), of(tree()), vec(text(), 0..3), any::<bool>(), any::<bool>(), any::<bool>())
            .prop_map(|(kept_as, tree, files, head_moved, index_changed, restored)| {
                TreeCheck::Changed { kept_as, tree, files, head_moved, index_changed, restored }
            }),
        text().prop_map(|error| TreeCheck::Failed { error }),
    ]
}

prop_compose! {
    fn gate_result()(
        name in text(), status in gate_status(), required in any::<bool>(),
        baseline in of(gate_status()), exit_code in of(any::<i32>()), duration_secs in amount(),
        tail in text(), output in of(evidence().boxed()), attempts in 1..4u32,
        (failures, more_failures) in (vec(failure(), 0..3), count()),
        (worse, blocks, interrupted) in any::<(bool, bool, bool)>(),
        kept_from in of(run_id()), leftovers in 0..3u32,
        (artifacts, more_artifacts) in (vec(artifact(), 0..3), count()),
    ) -> GateResult {
        GateResult {
            name, status, required, baseline, exit_code, duration_secs, tail, output, attempts,
            failures, more_failures, worse, blocks, kept_from, interrupted, leftovers,
            artifacts, more_artifacts,
        }
    }
}

prop_compose! {
    fn artifact()(
        path in text(), bytes in any::<u64>(), sha256 in "[0-9a-f]{64}", media_type in of(text()),
        (width, height) in (of(any::<u32>()), of(any::<u32>())),
    ) -> Artifact {
        Artifact { path, bytes, sha256, media_type, width, height }
    }
}

prop_compose! {
    fn failure()(
        category in select(vec![
            FailureCategory::Build, FailureCategory::Test, FailureCategory::Lint,
            FailureCategory::Type, FailureCategory::Format, FailureCategory::Runtime,
            FailureCategory::Timeout,
        ]),
        file in of(text()), (line, column) in (of(any::<u32>()), of(any::<u32>())),
        code in of(text()), message in text(),
    ) -> Failure {
        Failure { category, file, line, column, code, message }
    }
}

prop_compose! {
    fn tampering()(
        kind in select(vec![
            TamperKind::TestDeleted, TamperKind::TestSkipped, TamperKind::AssertionRemoved,
            TamperKind::LintLoosened, TamperKind::CiChanged, TamperKind::ConfigChanged,
            TamperKind::GateChanged, TamperKind::Custom,
        ]),
        file in text(), line in of(any::<u32>()),
        side in select(vec![DiffSide::Removed, DiffSide::Added]), text in text(),
    ) -> Tampering {
        Tampering { kind, file, line, side, text }
    }
}

prop_compose! {
    fn gate_started()(
        (timestamp, elapsed_ms) in when(), iteration in number(), gate in text(),
    ) -> GateStarted {
        GateStarted { timestamp, elapsed_ms, iteration, gate }
    }
}

prop_compose! {
    fn gate_tree_checked()(
        (timestamp, elapsed_ms) in when(), (iteration, attempt) in (number(), number()),
        gates in vec(text(), 0..3), check in tree_check(),
    ) -> GateTreeChecked {
        GateTreeChecked { timestamp, elapsed_ms, iteration, attempt, gates, check }
    }
}

prop_compose! {
    fn approval_vetoed()(
        (timestamp, elapsed_ms) in when(), iteration in number(),
        gates in vec(text(), 0..3), tampering in any::<u64>(),
    ) -> ApprovalVetoed {
        ApprovalVetoed { timestamp, elapsed_ms, iteration, gates, tampering }
    }
}

prop_compose! {
    fn state_repeated()(
        (timestamp, elapsed_ms) in when(), iteration in number(),
        earlier in vec(number(), 1..4),
    ) -> StateRepeated {
        StateRepeated { timestamp, elapsed_ms, iteration, earlier }
    }
}

fn count() -> impl Strategy<Value = u64> {
    prop_oneof![Just(0), any::<u64>()]
}

prop_compose! {
    fn evidence()(
        path in "[a-z0-9./]{1,20}", bytes in any::<u64>(), sha256 in "[0-9a-f]{64}",
        (dropped_bytes, redacted) in (count(), count()),
    ) -> Evidence {
        Evidence { path, bytes, sha256, dropped_bytes, redacted }
    }
}

prop_compose! {
    fn usage()(
        input_tokens in of(any::<u64>()), output_tokens in of(any::<u64>()),
        cache_read_tokens in of(any::<u64>()), cache_creation_tokens in of(any::<u64>()),
        reasoning_tokens in of(any::<u64>()), cost_usd in of(amount()),
    ) -> Usage {
        Usage {
            input_tokens, output_tokens, cache_read_tokens, cache_creation_tokens,
            reasoning_tokens, cost_usd,
        }
    }
}

fn usage_by_role() -> impl Strategy<Value = UsageByRole> {
    (of(usage().boxed()), of(usage().boxed()), of(usage().boxed()))
        .prop_map(|(actor, critic, total)| UsageByRole { actor, critic, total })
}

prop_compose! {
    fn settings()(
        actor in agent_settings(), critic in agent_settings(), limits in limits().boxed(),
        permissions in select(vec![Permissions::Full, Permissions::Edits]),
        critic_access in select(vec![CriticAccess::RunCommands, CriticAccess::ReadOnly]),
        (continue_session, restore_tree) in any::<(bool, bool)>(), gates in vec(gate_settings(), 0..3),
        gate_policy in gate_policy(),
    ) -> Settings {
        Settings {
            actor, critic, limits, permissions, critic_access, continue_session, restore_tree, gates,
            gate_policy,
        }
    }
}

prop_compose! {
    fn agent_settings()(
        agent in text(), title in text(), (model, version) in (of(text()), of(text())),
        max_prompt_bytes in any::<u64>(),
    ) -> AgentSettings {
        AgentSettings { agent, title, model, version, max_prompt_bytes }
    }
}

prop_compose! {
    fn gate_settings()(
        name in text(), command in vec(text(), 0..3), (required, baseline) in any::<(bool, bool)>(),
        retries in any::<u32>(), timeout_secs in of(amount()), working_dir in of(text()),
        env in vec(text(), 0..3),
    ) -> GateSettings {
        GateSettings { name, command, required, baseline, retries, timeout_secs, working_dir, env }
    }
}

prop_compose! {
    fn gate_policy()(
        on_failure in select(vec![OnGateFailure::Critic, OnGateFailure::Actor]),
        (parallel, baseline) in any::<(bool, bool)>(),
        tamper in select(vec![TamperPolicy::Off, TamperPolicy::Warn, TamperPolicy::Veto]),
    ) -> GatePolicy {
        GatePolicy { on_failure, parallel, tamper, baseline }
    }
}

prop_compose! {
    fn limits()(
        (max_iterations, max_duration_secs) in (of(any::<u32>()), of(amount())),
        (max_tokens, max_cost_usd) in (of(any::<u64>()), of(amount())),
        (actor_timeout_secs, critic_timeout_secs) in (of(amount()), of(amount())),
        gate_timeout_secs in of(amount()),
        (actor_idle_timeout_secs, critic_idle_timeout_secs) in (of(amount()), of(amount())),
        (max_actor_failures, max_critic_failures) in (any::<u32>(), any::<u32>()),
        stuck_after in any::<u32>(),
        usage_limit_wait_secs in of(amount()), max_output_bytes in any::<u64>(),
    ) -> Limits {
        Limits {
            max_iterations, max_duration_secs, max_tokens, max_cost_usd, actor_timeout_secs, critic_timeout_secs,
            gate_timeout_secs, actor_idle_timeout_secs, critic_idle_timeout_secs,
            max_actor_failures, max_critic_failures, stuck_after, usage_limit_wait_secs,
            max_output_bytes,
        }
    }
}

fn parent() -> impl Strategy<Value = Parent> {
    (run_id(), number(), of("[0-9a-f]{32}")).prop_map(|(run_id, iteration, trace_id)| Parent {
        run_id,
        iteration,
        trace_id,
    })
}

fn run_id() -> impl Strategy<Value = RunId> {
    "[0-9A-HJKMNP-TV-Z]{26}"
        .prop_map(|text| text.parse().expect("26 characters of Crockford's base 32"))
}

fn tree() -> impl Strategy<Value = TreeId> {
    "[0-9a-f]{40}".prop_map(TreeId)
}

fn nonce() -> impl Strategy<Value = Nonce> {
    "[0-9a-f]{32}".prop_map(Nonce)
}

fn role() -> impl Strategy<Value = Role> {
    select(vec![Role::Actor, Role::Critic])
}

fn decision() -> impl Strategy<Value = Decision> {
    select(vec![Decision::Done, Decision::Continue, Decision::Error])
}

fn outcome() -> impl Strategy<Value = Outcome> {
    stop_reason().prop_map(StopReason::outcome)
}

fn stop_reason() -> impl Strategy<Value = StopReason> {
    select(vec![
        StopReason::Approved,
        StopReason::MaxIterations,
        StopReason::MaxDuration,
        StopReason::MaxTokens,
        StopReason::MaxCost,
        StopReason::Stuck,
        StopReason::ActorFailed,
        StopReason::CriticFailed,
        StopReason::ProviderRefused,
        StopReason::UsageLimit,
        StopReason::DiffFailed,
        StopReason::RecordFailed,
        StopReason::Interrupted,
        StopReason::InternalError,
    ])
}

fn gate_status() -> impl Strategy<Value = GateStatus> {
    select(vec![
        GateStatus::Passed,
        GateStatus::Failed,
        GateStatus::Flaky,
        GateStatus::TimedOut,
        GateStatus::NotStarted,
    ])
}

fn call_kind() -> impl Strategy<Value = CallKind> {
    select(vec![
        CallKind::Actor,
        CallKind::Diff,
        CallKind::Gate,
        CallKind::Critic,
        CallKind::TreeCheck,
        CallKind::ActorWait,
        CallKind::CriticWait,
    ])
}

/// A number of an iteration or attempt.
fn number() -> impl Strategy<Value = u32> {
    1..100u32
}

/// A finite number of seconds or dollars.
fn amount() -> impl Strategy<Value = f64> {
    prop_oneof![0.0..1e6, proptest::num::f64::NORMAL]
}

/// Text as agents print it: any characters, control characters and line feeds included.
fn text() -> impl Strategy<Value = String> {
    vec(prop_oneof![any::<char>(), select(vec!['\n', '"', '\\', '\u{1b}', '\0'])], 0..12)
        .prop_map(|chars| chars.into_iter().collect())
}

/// Wall clock and monotonic clock.
fn when() -> impl Strategy<Value = (Timestamp, u64)> {
    (time(), any::<u64>())
}

/// A time from 1970 to 2100, to the nanosecond.
fn time() -> impl Strategy<Value = Timestamp> {
    (0..4_102_444_800i64, 0..1_000_000_000u32).prop_map(|(secs, nanos)| {
        Timestamp::from_timestamp(secs, nanos).expect("a time within range")
    })
}
