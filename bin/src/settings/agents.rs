//! Which agent plays which role.

use std::collections::BTreeMap;

use codeloops_adapters::agents::AgentTable;
use codeloops_adapters::resolve::AgentError;
use codeloops_adapters::spec::{AgentConfig, AgentSpec};
use codeloops_event::Role;

use super::origin::{Layers, Origin, Sourced, of_file};
use super::{DEFAULT_AGENT, RoleSettings};
use crate::app::RunArgs;
use crate::config::{Config, ConfigFile, Located, RoleConfig};
use crate::error::CliError;

/// The built-in agents with both files' `[agents]` applied, the project's on top, key by key.
///
/// # Errors
/// Where an agent says nothing of its program.
pub fn agent_table(config: &Config) -> Result<AgentTable, CliError> {
    let mut configured: BTreeMap<String, AgentConfig> = BTreeMap::new();
    for file in config.layers() {
        for (name, agent) in &file.agents {
            let beneath = agent.config.clone();
            let merged = match configured.remove(name) {
                Some(above) => overlay(above, beneath),
                None => beneath,
            };
            configured.insert(name.clone(), merged);
        }
    }
    AgentTable::new(configured).map_err(agent_error)
}

/// The agent and model of a role. In each place what is said for the role stands before what is
/// said for both.
pub(super) fn role(
    role: Role,
    args: &RunArgs,
    layers: Layers<'_>,
    table: &AgentTable,
) -> Result<RoleSettings, CliError> {
    let (own_agent, own_model) = match role {
        Role::Actor => (("--actor-agent", &args.actor_agent), ("--actor-model", &args.actor_model)),
        Role::Critic => {
            (("--critic-agent", &args.critic_agent), ("--critic-model", &args.critic_model))
        }
    };
    let name = pick(own_agent, ("--agent", &args.agent), layers, role, |keys| &keys.agent)
        .unwrap_or(Sourced { value: DEFAULT_AGENT.to_owned(), origin: Origin::Default });
    let spec = table.get(&name.value).map_err(|error| named_by(error, &name.origin))?;
    Ok(RoleSettings {
        role,
        version: None,
        set_by: set_by(spec, layers.config),
        agent: Sourced { value: spec.clone(), origin: name.origin },
        model: pick(own_model, ("--model", &args.model), layers, role, |keys| &keys.model),
    })
}

/// Where the keys of an agent are set, each in the first place that has it.
fn set_by(spec: &AgentSpec, config: &Config) -> BTreeMap<String, Origin> {
    let mut set_by = BTreeMap::new();
    for file in config.layers() {
        let tables = file.agents.iter().filter(|(name, _)| spec.answers_to(name));
        for (key, place) in tables.flat_map(|(_, table)| &table.places) {
            set_by.entry(key.clone()).or_insert_with(|| of_file(file, place).origin);
        }
    }
    set_by
}

type Flag<'a> = (&'static str, &'a Option<String>);

fn pick(
    own: Flag<'_>,
    both: Flag<'_>,
    layers: Layers<'_>,
    role: Role,
    key: impl Fn(&RoleConfig) -> &Option<Located<String>>,
) -> Option<Sourced<String>> {
    let of_flag = |(flag, given): Flag<'_>| {
        given.clone().map(|value| Sourced { value, origin: Origin::Flag(flag) })
    };
    let in_file = |file: &ConfigFile| {
        let own = match role {
            Role::Actor => &file.actor,
            Role::Critic => &file.critic,
        };
        let located = key(own).as_ref().or(key(&file.both).as_ref())?;
        Some(of_file(file, located))
    };
    of_flag(own).or_else(|| of_flag(both)).or_else(|| layers.config.layers().find_map(in_file))
}

/// What `above` says, else what `beneath` says; variables are put together.
fn overlay(above: AgentConfig, beneath: AgentConfig) -> AgentConfig {
    let env = match (above.env, beneath.env) {
        (Some(above), Some(mut beneath)) => {
            beneath.extend(above);
            Some(beneath)
        }
        (above, beneath) => above.or(beneath),
    };
    AgentConfig {
        command: above.command.or(beneath.command),
        title: above.title.or(beneath.title),
        prompt: above.prompt.or(beneath.prompt),
        output: above.output.or(beneath.output),
        model_args: above.model_args.or(beneath.model_args),
        resume_args: above.resume_args.or(beneath.resume_args),
        actor_args: above.actor_args.or(beneath.actor_args),
        critic_args: above.critic_args.or(beneath.critic_args),
        env,
        version_args: above.version_args.or(beneath.version_args),
        stop_signal: above.stop_signal.or(beneath.stop_signal),
        streams: above.streams.or(beneath.streams),
        max_prompt_bytes: above.max_prompt_bytes.or(beneath.max_prompt_bytes),
    }
}

/// An unknown name, with the place that gave it.
fn named_by(error: AgentError, origin: &Origin) -> CliError {
    let mut shown = agent_error(error);
    if let Origin::File { path, line, .. } = origin {
        shown.message = format!("`{}:{line}`: {}", path.display(), shown.message);
    }
    shown
}

/// An agent's error as the user sees it.
#[must_use]
pub fn agent_error(error: AgentError) -> CliError {
    let hint = error.hint();
    let shown = match error {
        AgentError::NotFound { .. }
        | AgentError::Missing { .. }
        | AgentError::NotExecutable { .. } => CliError::failed(error.to_string()),
        AgentError::Unknown { .. } | AgentError::NoCommand { .. } => {
            CliError::usage(error.to_string())
        }
    };
    hint.into_iter().fold(shown, CliError::hint)
}
