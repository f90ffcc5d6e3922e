//! Every name that is exported: spans, events, attributes, metrics.
//!
//! `gen_ai.*` are those of the GenAI semantic conventions as of 1.41.1 (status: development),
//! `process.*`, `error.type` and `service.*` those of the general ones, `codeloops.*` our own. Kept
//! here because the crate of the conventions marks all of `gen_ai.*` as deprecated since they moved
//! to a repository of their own.

/// The conventions that the names are taken from.
pub const SCHEMA_URL: &str = "https://opentelemetry.io/schemas/1.41.1";

/// The name of the instrumentation scope, and of the workflow.
pub const SCOPE: &str = "codeloops";

/// A run, as one process carries it out.
pub const SPAN_SESSION: &str = "invoke_workflow codeloops";
/// A round.
pub const SPAN_ITERATION: &str = "codeloops.iteration";
/// The capture of the changes.
pub const SPAN_DIFF: &str = "codeloops.capture_diff";
/// What stands before an agent's name in the name of its call's span.
pub const SPAN_AGENT: &str = "invoke_agent";
/// What stands before a gate's name in the name of its span.
pub const SPAN_CHECK: &str = "codeloops.check";
/// What stands before a tool's name in the name of its call's span.
pub const SPAN_TOOL: &str = "execute_tool";

/// What is done: `invoke_workflow`, `invoke_agent`, `execute_tool`.
pub const OPERATION: &str = "gen_ai.operation.name";
/// `codeloops`.
pub const WORKFLOW: &str = "gen_ai.workflow.name";
/// Who provides the model.
pub const PROVIDER: &str = "gen_ai.provider.name";
/// The agent's id.
pub const AGENT: &str = "gen_ai.agent.name";
/// The version of its program.
pub const AGENT_VERSION: &str = "gen_ai.agent.version";
/// The model that was asked for.
pub const MODEL: &str = "gen_ai.request.model";
/// The agent's own name for the conversation.
pub const CONVERSATION: &str = "gen_ai.conversation.id";
/// Tokens sent, cached ones included.
pub const INPUT_TOKENS: &str = "gen_ai.usage.input_tokens";
/// Tokens received, reasoning included.
pub const OUTPUT_TOKENS: &str = "gen_ai.usage.output_tokens";
/// Part of the input read from a cache.
pub const CACHE_READ_TOKENS: &str = "gen_ai.usage.cache_read.input_tokens";
/// Part of the input written to a cache.
pub const CACHE_CREATION_TOKENS: &str = "gen_ai.usage.cache_creation.input_tokens";
/// Part of the output that was reasoning.
pub const REASONING_TOKENS: &str = "gen_ai.usage.reasoning.output_tokens";
/// The task, with content.
pub const INPUT_MESSAGES: &str = "gen_ai.input.messages";
/// An agent's answer, with content.
pub const OUTPUT_MESSAGES: &str = "gen_ai.output.messages";
/// A tool's name.
pub const TOOL: &str = "gen_ai.tool.name";
/// The agent's own id of the tool's use.
pub const TOOL_CALL_ID: &str = "gen_ai.tool.call.id";
/// What it is used on, with content: the argument that tells most.
pub const TOOL_ARGUMENTS: &str = "gen_ai.tool.call.arguments";
/// The beginning of what it gave, with content.
pub const TOOL_RESULT: &str = "gen_ai.tool.call.result";

/// The critic's verdict, on the round that it judges.
pub const EVENT_EVALUATION: &str = "gen_ai.evaluation.result";
/// What judges.
pub const EVALUATION: &str = "gen_ai.evaluation.name";
/// `done`, `continue` or `error`.
pub const EVALUATION_LABEL: &str = "gen_ai.evaluation.score.label";
/// The critic's confidence, 0 to 1.
pub const EVALUATION_SCORE: &str = "gen_ai.evaluation.score.value";
/// What the critic said, with content.
pub const EVALUATION_EXPLANATION: &str = "gen_ai.evaluation.explanation";

/// The id of an agent's process.
pub const PID: &str = "process.pid";
/// The file name of its program.
pub const EXECUTABLE: &str = "process.executable.name";
/// Its exit code, 128 + n for a signal.
pub const EXIT_CODE: &str = "process.exit.code";
/// In one word what went wrong.
pub const ERROR_TYPE: &str = "error.type";

/// The name of the session file without `.jsonl`; the run id where none is written.
pub const SESSION_ID: &str = "codeloops.session.id";
/// The run's identity, over all its processes.
pub const RUN_ID: &str = "codeloops.run.id";
/// The commit that the run began at.
pub const REVISION: &str = "vcs.ref.head.revision";
/// The branch that it began on.
pub const BRANCH: &str = "vcs.ref.head.name";
/// The number of the round, counted from 1; 0 before the first.
pub const ITERATION: &str = "codeloops.iteration";
/// `actor` or `critic`.
pub const ROLE: &str = "codeloops.role";
/// Which try of a call, counted from 1 in each round.
pub const ATTEMPT: &str = "codeloops.attempt";
/// How many rounds the run may have.
pub const MAX_ITERATIONS: &str = "codeloops.max_iterations";
/// The actor's agent.
pub const ACTOR: &str = "codeloops.actor.agent";
/// The critic's agent.
pub const CRITIC: &str = "codeloops.critic.agent";
/// Bytes of the task.
pub const PROMPT_LENGTH: &str = "codeloops.prompt.length";
/// SHA-256 of the task, in hexadecimal digits.
pub const PROMPT_SHA256: &str = "codeloops.prompt.sha256";
/// How the run ended, as in the session file.
pub const OUTCOME: &str = "codeloops.outcome";
/// Why it ended.
pub const STOP_REASON: &str = "codeloops.stop_reason";
/// Finished rounds.
pub const ITERATIONS: &str = "codeloops.iterations";
/// Tokens sent in the whole run; not `gen_ai.usage`, so that a sum over spans counts none twice.
pub const TOTAL_INPUT_TOKENS: &str = "codeloops.total.input_tokens";
/// Tokens received in the whole run.
pub const TOTAL_OUTPUT_TOKENS: &str = "codeloops.total.output_tokens";
/// US dollars of the whole run.
pub const TOTAL_COST: &str = "codeloops.total.cost_usd";
/// US dollars of a call.
pub const COST: &str = "codeloops.usage.cost_usd";
/// Bytes that an agent printed.
pub const OUTPUT_BYTES: &str = "codeloops.agent.output_bytes";
/// Tool calls that an agent was denied by its own rules.
pub const DENIALS: &str = "codeloops.agent.denials";
/// Processes that an agent had left behind.
pub const LEFTOVERS: &str = "codeloops.agent.leftovers";
/// The decision that took effect: `done`, `continue` or `error`.
pub const DECISION: &str = "codeloops.decision";
/// What the critic said: the same words.
pub const VERDICT: &str = "codeloops.critic.verdict";
/// Files changed since the run began.
pub const FILES_CHANGED: &str = "codeloops.diff.files_changed";
/// Lines added since the run began.
pub const INSERTIONS: &str = "codeloops.diff.insertions";
/// Lines removed since the run began.
pub const DELETIONS: &str = "codeloops.diff.deletions";
/// The changes since the run began, with content.
pub const DIFF: &str = "codeloops.diff.text";
/// What the actor printed, with content.
pub const ACTOR_OUTPUT: &str = "codeloops.actor.output";
/// What the actor is told next, with content.
pub const FEEDBACK: &str = "codeloops.feedback";
/// A gate's name.
pub const CHECK: &str = "codeloops.check.name";
/// How it ended.
pub const CHECK_STATUS: &str = "codeloops.check.status";
/// Whether a red one blocks an approval.
pub const CHECK_REQUIRED: &str = "codeloops.check.required";
/// How it ended before the run began.
pub const CHECK_BASELINE: &str = "codeloops.check.baseline";
/// How often it ran.
pub const CHECK_ATTEMPTS: &str = "codeloops.check.attempts";
/// Whether it has a failure that it did not have before the run began.
pub const CHECK_WORSE: &str = "codeloops.check.worse";
/// Whether it keeps the work from being approved.
pub const CHECK_BLOCKS: &str = "codeloops.check.blocks";
/// The run that the result was kept from.
pub const CHECK_KEPT_FROM: &str = "codeloops.check.kept_from";
/// The end of what it printed, with content.
pub const CHECK_OUTPUT: &str = "codeloops.check.output";
/// `resumed_from` or `forked_from`.
pub const LINK_TYPE: &str = "codeloops.link.type";
/// Where a resumed run goes on.
pub const RESUMED_PHASE: &str = "codeloops.resumed.phase";
/// That a text of the span was cut.
pub const TRUNCATED: &str = "codeloops.truncated";

/// The run waits before the next call.
pub const EVENT_WAITING: &str = "codeloops.waiting";
/// Until when, RFC 3339.
pub const WAITING_UNTIL: &str = "codeloops.waiting.until";
/// The critic's answer could not be relied on.
pub const EVENT_UNREADABLE: &str = "codeloops.verdict_unreadable";
/// Whether it is asked again.
pub const ASKED_AGAIN: &str = "codeloops.verdict.asked_again";
/// The critic changed what it judged.
pub const EVENT_TREE_CHANGED: &str = "codeloops.tree_changed";
/// Whether that was put back.
pub const TREE_RESTORED: &str = "codeloops.tree.restored";
/// Gates changed the tree that they ran on.
pub const EVENT_GATES_TREE_CHANGED: &str = "codeloops.gates.tree_changed";
/// The names of gates.
pub const CHECKS: &str = "codeloops.checks";
/// The critic's DONE does not take effect.
pub const EVENT_VETOED: &str = "codeloops.approval.vetoed";
/// Signs of weakened checks.
pub const TAMPERING: &str = "codeloops.tampering";
/// The round ended as an earlier one did.
pub const EVENT_STATE_REPEATED: &str = "codeloops.state.repeated";
/// Which.
pub const STATE_EARLIER: &str = "codeloops.state.earlier";
/// What the critic left could not be compared with what it was given.
pub const EVENT_TREE_UNVERIFIED: &str = "codeloops.tree_unverified";
/// The user asked to stop.
pub const EVENT_STOP: &str = "codeloops.stop_requested";
/// By which signal.
pub const SIGNAL: &str = "codeloops.signal";
/// codeloops itself could not go on.
pub const EVENT_ENGINE_FAILED: &str = "codeloops.engine_failed";

/// Time of a run, of each process that carried it out.
pub const METRIC_RUN_DURATION: &str = "gen_ai.workflow.duration";
/// Time of an agent's call.
pub const METRIC_CALL_DURATION: &str = "gen_ai.invoke_agent.duration";
/// Tokens of an agent's call.
pub const METRIC_TOKENS: &str = "gen_ai.client.token.usage";
/// `input` or `output`.
pub const TOKEN_TYPE: &str = "gen_ai.token.type";
/// Rounds of a run.
pub const METRIC_ITERATIONS: &str = "codeloops.session.iterations";
/// Ends of runs.
pub const METRIC_OUTCOMES: &str = "codeloops.session.outcomes";
/// US dollars.
pub const METRIC_COST: &str = "codeloops.usage.cost";

/// Who provides the model of an agent, in the words of the conventions; the agent's own id where
/// they have none, or where the user chooses.
pub(crate) fn provider(agent: &str) -> &str {
    match agent {
        "claude" => "anthropic",
        "codex" => "openai",
        "gemini" => "gcp.gemini",
        other => other,
    }
}
