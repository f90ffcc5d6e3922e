//! The settings of a run, resolved and fixed when it starts.

use serde::{Deserialize, Serialize};

/// What agents may do without asking.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Permissions {
    /// Everything their own flags can grant.
    #[default]
    Full,
    /// Edits, but no commands beyond what their configuration allows.
    Edits,
}

/// What the critic may do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum CriticAccess {
    /// Read and run commands (tests, linters).
    #[default]
    RunCommands,
    /// Read only.
    ReadOnly,
}

/// One role's agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AgentSettings {
    /// The agent's id (`claude`).
    pub agent: String,
    /// Its title (`Claude Code`).
    pub title: String,
    /// The model asked for, null for the agent's own default.
    pub model: Option<String>,
    /// The version of its program, null where it was not asked.
    #[serde(default)]
    pub version: Option<String>,
    /// Bytes that a prompt for this agent may have.
    pub max_prompt_bytes: u64,
}

/// The limits of a run; null where there is none. Times in seconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Limits {
    /// Rounds.
    pub max_iterations: Option<u32>,
    /// Time of the whole run.
    pub max_duration_secs: Option<f64>,
    /// Tokens of the whole run, sent and received, of both roles.
    #[serde(default)]
    pub max_tokens: Option<u64>,
    /// US dollars of the whole run, of both roles.
    #[serde(default)]
    pub max_cost_usd: Option<f64>,
    /// Time of one actor call.
    pub actor_timeout_secs: Option<f64>,
    /// Time of one critic call.
    pub critic_timeout_secs: Option<f64>,
    /// Time of one gate.
    pub gate_timeout_secs: Option<f64>,
    /// Time without output of an actor call; null where the agent prints only at its end.
    pub actor_idle_timeout_secs: Option<f64>,
    /// The same of a critic call.
    pub critic_idle_timeout_secs: Option<f64>,
    /// Failed actor rounds in a row that end the run.
    pub max_actor_failures: u32,
    /// Failed critic calls or unreadable rounds in a row that end the run.
    pub max_critic_failures: u32,
    /// The how manyth time that a round ends in the same state ends the run; at least 2.
    #[serde(default = "stuck_after")]
    pub stuck_after: u32,
    /// How long to wait for a usage window to reset; null for as long as it takes.
    pub usage_limit_wait_secs: Option<f64>,
    /// Bytes of evidence that one stream may grow to.
    pub max_output_bytes: u64,
}

/// [`Limits::stuck_after`] where nobody sets it.
pub const DEFAULT_STUCK_AFTER: u32 = 5;

const fn stuck_after() -> u32 {
    DEFAULT_STUCK_AFTER
}

/// One gate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct GateSettings {
    /// Its name: letters, digits, `.`, `_` and `-`.
    pub name: String,
    /// The program and its arguments; credentials in them are masked.
    pub command: Vec<String>,
    /// Whether a red result blocks an approval.
    pub required: bool,
    /// Whether it blocks only if it was green before, or got worse.
    #[serde(default = "yes")]
    pub baseline: bool,
    /// How often it is repeated after a failure.
    #[serde(default = "one")]
    pub retries: u32,
    /// Its own time limit; null for that of all gates.
    #[serde(default)]
    pub timeout_secs: Option<f64>,
    /// Where it runs, from the run's working directory; null for there.
    #[serde(default)]
    pub working_dir: Option<String>,
    /// The names of the variables that are set for it.
    #[serde(default)]
    pub env: Vec<String>,
}

const fn yes() -> bool {
    true
}

const fn one() -> u32 {
    1
}

/// Who hears of a required gate that blocks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum OnGateFailure {
    /// The critic sees the result and judges.
    #[default]
    Critic,
    /// The actor, at once: the critic is not asked.
    Actor,
}

/// What signs of weakened checks lead to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum TamperPolicy {
    /// Nobody looks for them.
    Off,
    /// The critic and the user are told.
    #[default]
    Warn,
    /// They keep the work from being approved as well.
    Veto,
}

/// How gates are run, and what follows from them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct GatePolicy {
    /// Who hears of a required gate that blocks.
    pub on_failure: OnGateFailure,
    /// Whether all run at once.
    pub parallel: bool,
    /// What signs of weakened checks lead to.
    pub tamper: TamperPolicy,
    /// Whether required gates run once before the first round.
    pub baseline: bool,
}

impl Default for GatePolicy {
    fn default() -> Self {
        Self {
            on_failure: OnGateFailure::default(),
            parallel: false,
            tamper: TamperPolicy::default(),
            baseline: true,
        }
    }
}

/// Every setting that the engine acts on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Settings {
    /// The actor's agent.
    pub actor: AgentSettings,
    /// The critic's agent.
    pub critic: AgentSettings,
    /// Limits.
    pub limits: Limits,
    /// What agents may do without asking.
    pub permissions: Permissions,
    /// What the critic may do.
    pub critic_access: CriticAccess,
    /// Whether the actor's own conversation goes on from round to round.
    #[serde(default)]
    pub continue_session: bool,
    /// Whether a tree that the critic changed is put back.
    pub restore_tree: bool,
    /// The user's checks, in order.
    pub gates: Vec<GateSettings>,
    /// How they are run, and what follows from them.
    #[serde(default)]
    pub gate_policy: GatePolicy,
}
