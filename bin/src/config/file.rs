//! The keys of a configuration file.

use std::collections::BTreeMap;
use std::num::{NonZeroU32, NonZeroU64};
use std::path::PathBuf;
use std::time::Duration;

use codeloops_adapters::redact::check_pattern;
use codeloops_adapters::spec::AgentConfig;
use codeloops_event::{CriticAccess, Permissions};
use toml::de::DeTable;

use super::Scope;
use super::error::{ConfigError, Problem};
use super::gates::{GateConfig, PolicyConfig, gates, policy};
use super::otel::{OtelConfig, otel};
use super::table::{Located, Raw, Section, Source};
use codeloops_sinks::Format;

use crate::units::{parse_duration, parse_size};
use crate::values::{Dollars, Patience, SinkSpec, StuckAfter, TimeLimit};

/// What a configuration file says. A key that is not there is none.
#[derive(Debug, Clone, PartialEq)]
pub struct ConfigFile {
    /// The file.
    pub path: PathBuf,
    /// Whose it is.
    pub scope: Scope,
    /// `agent` and `model`, for both roles.
    pub both: RoleConfig,
    /// `[actor]`.
    pub actor: RoleConfig,
    /// `[critic]`.
    pub critic: RoleConfig,
    /// `max_iterations`.
    pub max_iterations: Option<Located<NonZeroU32>>,
    /// `log_format`.
    pub log_format: Option<Located<Format>>,
    /// `runs_dir`, as written.
    pub runs_dir: Option<Located<PathBuf>>,
    /// `permissions`.
    pub permissions: Option<Located<Permissions>>,
    /// `critic_access`.
    pub critic_access: Option<Located<CriticAccess>>,
    /// `redact`.
    pub redact: Option<Located<bool>>,
    /// `redact_patterns`: regular expressions.
    pub redact_patterns: Option<Located<Vec<String>>>,
    /// `continue_session`.
    pub continue_session: Option<Located<bool>>,
    /// `[agents.NAME]`, by name: agents of the user's, and what is different about a built-in one.
    pub agents: BTreeMap<String, AgentEntry>,
    /// `[[gates]]`; an empty list is one too.
    pub gates: Option<Located<Vec<GateConfig>>>,
    /// `[gate_policy]`.
    pub gate_policy: PolicyConfig,
    /// `[limits]`.
    pub limits: LimitsConfig,
    /// `[sinks]`.
    pub sinks: SinksConfig,
}

/// An agent and its model.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RoleConfig {
    /// `agent`: the id of a built-in agent or the name of one of `[agents]`.
    pub agent: Option<Located<String>>,
    /// `model`.
    pub model: Option<Located<String>>,
}

/// One `[agents.NAME]`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct AgentEntry {
    /// What it says.
    pub config: AgentConfig,
    /// Where its keys stand, by their names in it; variables as `env.NAME`.
    pub places: BTreeMap<String, Located<()>>,
}

/// The limits that are set.
#[derive(Debug, Clone, Default, PartialEq)]
#[expect(missing_docs, reason = "each field is the key of the same name")]
pub struct LimitsConfig {
    pub max_duration: Option<Located<TimeLimit>>,
    pub max_tokens: Option<Located<NonZeroU64>>,
    pub max_cost_usd: Option<Located<Dollars>>,
    pub actor_timeout: Option<Located<TimeLimit>>,
    pub critic_timeout: Option<Located<TimeLimit>>,
    pub gate_timeout: Option<Located<TimeLimit>>,
    pub idle_timeout: Option<Located<TimeLimit>>,
    pub max_actor_failures: Option<Located<NonZeroU32>>,
    pub max_critic_failures: Option<Located<NonZeroU32>>,
    pub stuck_after: Option<Located<StuckAfter>>,
    pub max_output: Option<Located<u64>>,
    pub usage_limit_wait: Option<Located<Patience>>,
}

/// The sinks that are set.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SinksConfig {
    /// `enabled`.
    pub enabled: Option<Located<Vec<SinkSpec>>>,
    /// `close_timeout`: how long a sink may take at the end.
    pub close_timeout: Option<Located<Duration>>,
    /// `[sinks.otel]`.
    pub otel: OtelConfig,
}

impl ConfigFile {
    /// Parses the text of a file.
    ///
    /// # Errors
    /// Whatever [`Problem`] lists, at the first place where it is found.
    pub fn parse(text: &str, path: PathBuf, scope: Scope) -> Result<Self, ConfigError> {
        let source = Source { path: &path, text };
        let table = DeTable::parse(text).map_err(|error| malformed(source, &error))?;
        let mut root = Section::root(source, table.get_ref());
        let mut file = Self::empty(path.clone(), scope);
        match scope {
            Scope::Project => file.read(root)?,
            Scope::Global => {
                if let Some(defaults) = root.take("defaults") {
                    file.read(defaults.table()?)?;
                }
                root.finish().map_err(|error| beneath_defaults(error, table.get_ref()))?;
            }
        }
        Ok(file)
    }

    fn empty(path: PathBuf, scope: Scope) -> Self {
        Self {
            path,
            scope,
            both: RoleConfig::default(),
            actor: RoleConfig::default(),
            critic: RoleConfig::default(),
            max_iterations: None,
            log_format: None,
            runs_dir: None,
            permissions: None,
            critic_access: None,
            redact: None,
            redact_patterns: None,
            continue_session: None,
            agents: BTreeMap::new(),
            gates: None,
            gate_policy: PolicyConfig::default(),
            limits: LimitsConfig::default(),
            sinks: SinksConfig::default(),
        }
    }

    fn read(&mut self, mut root: Section<'_>) -> Result<(), ConfigError> {
        self.both = role_keys(&mut root)?;
        self.max_iterations = root.get("max_iterations", Raw::positive)?;
        self.log_format = root.get("log_format", Raw::word)?;
        self.runs_dir = root.get("runs_dir", |raw| raw.name().map(PathBuf::from))?;
        self.permissions = root.get("permissions", Raw::word)?;
        self.critic_access = root.get("critic_access", Raw::word)?;
        self.redact = root.get("redact", Raw::bool)?;
        self.redact_patterns = root.get("redact_patterns", patterns)?;
        self.continue_session = root.get("continue_session", Raw::bool)?;
        self.actor = root.section("actor", role)?;
        self.critic = root.section("critic", role)?;
        self.agents = root.section("agents", agents)?;
        self.gates = root.get("gates", gates)?;
        self.gate_policy = root.section("gate_policy", policy)?;
        self.limits = root.section("limits", limits)?;
        self.sinks = root.section("sinks", sinks)?;
        root.finish()
    }
}

fn role(mut section: Section<'_>) -> Result<RoleConfig, ConfigError> {
    let role = role_keys(&mut section)?;
    section.finish()?;
    Ok(role)
}

fn role_keys(section: &mut Section<'_>) -> Result<RoleConfig, ConfigError> {
    Ok(RoleConfig {
        agent: section.get("agent", Raw::name)?,
        model: section.get("model", Raw::name)?,
    })
}

fn agents(section: Section<'_>) -> Result<BTreeMap<String, AgentEntry>, ConfigError> {
    section.entries().map(|(name, raw)| Ok((name, agent(&raw)?))).collect()
}

fn agent(raw: &Raw<'_>) -> Result<AgentEntry, ConfigError> {
    let mut keys = AgentKeys { section: raw.table()?, places: BTreeMap::new() };
    let config = AgentConfig {
        command: keys.get("command", command)?,
        title: keys.get("title", Raw::name)?,
        prompt: keys.get("prompt", Raw::word)?,
        output: keys.get("output", Raw::word)?,
        model_args: keys.get("model_args", Raw::strings)?,
        resume_args: keys.get("resume_args", Raw::strings)?,
        actor_args: keys.get("actor_args", Raw::strings)?,
        critic_args: keys.get("critic_args", Raw::strings)?,
        version_args: keys.get("version_args", Raw::strings)?,
        env: keys.env()?,
        stop_signal: keys.get("stop_signal", Raw::word)?,
        streams: keys.get("streams", Raw::bool)?,
        max_prompt_bytes: keys.get("max_prompt_bytes", prompt_bytes)?,
    };
    keys.section.finish()?;
    Ok(AgentEntry { config, places: keys.places })
}

/// Takes the values of an agent's table, and keeps where each stands.
struct AgentKeys<'a> {
    section: Section<'a>,
    places: BTreeMap<String, Located<()>>,
}

impl<'a> AgentKeys<'a> {
    fn get<T>(
        &mut self,
        key: &'static str,
        parse: impl FnOnce(&Raw<'a>) -> Result<T, ConfigError>,
    ) -> Result<Option<T>, ConfigError> {
        let located = self.section.get(key, parse)?;
        Ok(located.map(|located| self.keep(key, located)))
    }

    fn env(&mut self) -> Result<Option<BTreeMap<String, String>>, ConfigError> {
        let Some(table) = self.section.take("env") else { return Ok(None) };
        let variables = table.table()?.entries().map(|(name, raw)| {
            let name = variable_name(name, &raw)?;
            let value = self.keep(&format!("env.{name}"), raw.located(Raw::string)?);
            Ok((name, value))
        });
        variables.collect::<Result<_, _>>().map(Some)
    }

    fn keep<T>(&mut self, name: &str, Located { value, key, line }: Located<T>) -> T {
        self.places.insert(name.to_owned(), Located { value: (), key, line });
        value
    }
}

pub(super) fn variable_name(name: String, of: &Raw<'_>) -> Result<String, ConfigError> {
    if name.is_empty() || name.contains(['=', '\0']) {
        return Err(of.bad_value("no variable can be called that"));
    }
    Ok(name)
}

pub(super) fn command(raw: &Raw<'_>) -> Result<Vec<String>, ConfigError> {
    let words = raw.strings()?;
    match words.first() {
        Some(program) if !program.is_empty() => Ok(words),
        _ => Err(raw.bad_value("it must begin with a program")),
    }
}

fn limits(mut section: Section<'_>) -> Result<LimitsConfig, ConfigError> {
    let limits = LimitsConfig {
        max_duration: section.get("max_duration", time_limit)?,
        max_tokens: section.get("max_tokens", Raw::positive)?,
        max_cost_usd: section.get("max_cost_usd", dollars)?,
        actor_timeout: section.get("actor_timeout", time_limit)?,
        critic_timeout: section.get("critic_timeout", time_limit)?,
        gate_timeout: section.get("gate_timeout", time_limit)?,
        idle_timeout: section.get("idle_timeout", time_limit)?,
        max_actor_failures: section.get("max_actor_failures", Raw::positive)?,
        max_critic_failures: section.get("max_critic_failures", Raw::positive)?,
        stuck_after: section.get("stuck_after", |raw| raw.integer(str::parse::<StuckAfter>))?,
        max_output: section.get("max_output", |raw| raw.quantity("a size", parse_size))?,
        usage_limit_wait: section.get("usage_limit_wait", patience)?,
    };
    section.finish()?;
    Ok(limits)
}

fn sinks(mut section: Section<'_>) -> Result<SinksConfig, ConfigError> {
    let enabled = section.get("enabled", sink_specs)?;
    let close_timeout = section.get("close_timeout", duration)?;
    let otel = section.section("otel", otel)?;
    section.finish()?;
    Ok(SinksConfig { enabled, close_timeout, otel })
}

fn sink_specs(raw: &Raw<'_>) -> Result<Vec<SinkSpec>, ConfigError> {
    let spec = |item: &Raw<'_>| {
        item.string()?.parse::<SinkSpec>().map_err(|error| item.bad_value(&error.to_string()))
    };
    raw.list()?.iter().map(spec).collect()
}

/// A prompt that is shorter has no room for a task beside what the critic judges.
const MIN_PROMPT_BYTES: u32 = 40_000;

fn prompt_bytes(raw: &Raw<'_>) -> Result<u64, ConfigError> {
    match raw.positive::<NonZeroU32>()?.get() {
        bytes @ MIN_PROMPT_BYTES.. => Ok(bytes.into()),
        _ => Err(raw.bad_value(&format!("it takes {MIN_PROMPT_BYTES} or more"))),
    }
}

fn time_limit(raw: &Raw<'_>) -> Result<TimeLimit, ConfigError> {
    raw.quantity("a duration", str::parse::<TimeLimit>)
}

fn patterns(raw: &Raw<'_>) -> Result<Vec<String>, ConfigError> {
    let patterns = raw.strings()?;
    for (item, pattern) in raw.list()?.iter().zip(&patterns) {
        check_pattern(pattern).map_err(|error| item.bad_value(&error.to_string()))?;
    }
    Ok(patterns)
}

fn dollars(raw: &Raw<'_>) -> Result<Dollars, ConfigError> {
    raw.quantity("a number", str::parse::<Dollars>)
}

fn patience(raw: &Raw<'_>) -> Result<Patience, ConfigError> {
    raw.quantity("a duration", str::parse::<Patience>)
}

fn duration(raw: &Raw<'_>) -> Result<Duration, ConfigError> {
    raw.quantity("a duration", parse_duration)
}

fn malformed(source: Source<'_>, error: &toml::de::Error) -> ConfigError {
    let offset = error.span().map_or(0, |span| span.start);
    source.error(offset, Problem::Malformed(error.message().to_owned()))
}

/// In the user's file everything stands beneath `[defaults]`; the usual mistake is to forget it.
fn beneath_defaults(mut error: ConfigError, table: &DeTable<'_>) -> ConfigError {
    if let Problem::UnknownKey { key, hint } = &mut error.problem {
        *hint = "in your file every key stands beneath `[defaults]`".to_owned();
        if let Some(value) = table.get(key.as_str()).and_then(|value| value.get_ref().as_table()) {
            let agent = value.keys().next().filter(|_| key == "agents");
            let agent = agent.map(|name| format!(".{}", name.get_ref())).unwrap_or_default();
            *hint = format!("{hint}: write `[defaults.{key}{agent}]`");
        }
    }
    error
}
