//! Configuration files: found, read and parsed into typed values that know where they stand.
//!
//! There are two, with the same keys: `codeloops.toml` in the working directory, and
//! `config.toml` in the configuration directory, where the keys stand beneath `[defaults]`.
//! Everything is checked while it is parsed: an unknown key, a wrong type and a value out of range are
//! errors with file, line and column.

mod error;
mod file;
mod gates;
mod otel;
mod table;

use std::fmt;
use std::io::{self, ErrorKind};
use std::path::{Component, Path, PathBuf};

use codeloops_adapters::spec::{AgentConfig, AgentSpec};
use codeloops_event::{CriticAccess, Permissions, TamperPolicy};

pub use error::{ConfigError, Position, Problem};
pub use file::{AgentEntry, ConfigFile, LimitsConfig, RoleConfig, SinksConfig};
pub use gates::{GateConfig, PolicyConfig, TamperPattern};
pub use otel::OtelConfig;
pub use table::Located;

use crate::error::CliError;
use crate::secrets::{shown_command, shown_script};
use crate::settings::gates::shown;
use crate::values::{SinkSpec, Words};

/// The name of the project's file, in the working directory.
pub const PROJECT_FILE: &str = "codeloops.toml";

/// The name of the global file, in the configuration directory.
pub const GLOBAL_FILE: &str = "config.toml";

/// Which of the two files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// The project's.
    Project,
    /// The user's.
    Global,
}

impl Scope {
    /// The scope as one word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Project => "project",
            Self::Global => "your file",
        }
    }
}

/// The configuration of a command: what both files say, each where it exists.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Config {
    /// The project's file.
    pub project: Option<ConfigFile>,
    /// The user's file.
    pub global: Option<ConfigFile>,
}

impl Config {
    /// Reads both files; one that does not exist is none.
    ///
    /// # Errors
    /// Where a file exists and cannot be read, or says something that is not accepted.
    pub fn load(working_dir: &Path, config_dir: &Path) -> Result<Self, CliError> {
        Ok(Self {
            project: load_file(&working_dir.join(PROJECT_FILE), Scope::Project)?,
            global: load_file(&config_dir.join(GLOBAL_FILE), Scope::Global)?,
        })
    }

    /// The user's file alone, for what concerns more than one project.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn of_user(config_dir: &Path) -> Result<Self, CliError> {
        let global = load_file(&config_dir.join(GLOBAL_FILE), Scope::Global)?;
        Ok(Self { project: None, global })
    }

    /// The files in the order of their precedence.
    pub fn layers(&self) -> impl Iterator<Item = &ConfigFile> {
        self.project.iter().chain(&self.global)
    }

    /// What the project's file says of the programs of these agents and of folders, for the opening
    /// lines: the user did not write it on the command line and may not know it.
    #[must_use]
    pub fn project_settings(&self, used: [&AgentSpec; 2]) -> Vec<ProjectSetting> {
        let Some(file) = &self.project else { return Vec::new() };
        let is_used = |name: &str| used.iter().any(|agent| agent.answers_to(name));
        let agents = file.agents.iter().filter(|(name, _)| is_used(name));
        let of_agents = agents.flat_map(|(name, agent)| of_agent(name, &agent.config));
        let runs_dir = file.runs_dir.iter().map(|dir| dir.value.clone());
        of_agents
            .chain(runs_dir.filter(|dir| leads_out(dir)).map(ProjectSetting::RunsDir))
            .chain(self.widened(file))
            .chain(self.unmasked(file))
            .chain(self.left_out(file))
            .collect()
    }

    /// Whether the project has credentials recorded that the user's own file does not.
    fn unmasked(&self, project: &ConfigFile) -> Option<ProjectSetting> {
        let is_off = |file: &ConfigFile| file.redact.as_ref().is_some_and(|redact| !redact.value);
        let users = self.global.as_ref().is_some_and(is_off);
        (is_off(project) && !users).then_some(ProjectSetting::Unmasked)
    }

    /// The user's gates that the project's list, which stands for theirs, does not have.
    fn left_out(&self, project: &ConfigFile) -> Option<ProjectSetting> {
        let listed = &project.gates.as_ref()?.value;
        let users = &self.global.as_ref()?.gates.as_ref()?.value;
        let is_listed = |name: &str| listed.iter().any(|gate| gate.name.is(name));
        let names = users.iter().map(|gate| gate.name.as_str()).filter(|name| !is_listed(name));
        let names: Vec<String> = names.map(str::to_owned).collect();
        (!names.is_empty()).then_some(ProjectSetting::GatesLeftOut(names))
    }

    /// The keys by which a project lets agents do more than the user's own file does.
    fn widened(&self, project: &ConfigFile) -> impl Iterator<Item = ProjectSetting> {
        let global = self.global.as_ref();
        let permissions = widens(
            "permissions",
            (&project.permissions, Permissions::Full),
            (global.and_then(|file| file.permissions.as_ref()), Permissions::Edits),
        );
        let critic_access = widens(
            "critic_access",
            (&project.critic_access, CriticAccess::RunCommands),
            (global.and_then(|file| file.critic_access.as_ref()), CriticAccess::ReadOnly),
        );
        permissions.into_iter().chain(critic_access).chain(self.looks_away(project))
    }

    /// Whether the project makes less of weakened checks than the user's own file does.
    fn looks_away(&self, project: &ConfigFile) -> Option<ProjectSetting> {
        let strictness = [TamperPolicy::Off, TamperPolicy::Warn, TamperPolicy::Veto];
        let rank = |policy| strictness.iter().position(|it| *it == policy);
        let to = project.gate_policy.tamper.as_ref()?.value;
        let from = self.global.as_ref()?.gate_policy.tamper.as_ref()?.value;
        let (key, widens) = ("gate_policy.tamper", rank(to) < rank(from));
        widens.then(|| ProjectSetting::Widens { key, to: to.word(), from: from.word() })
    }
}

fn widens<T: Words>(
    key: &'static str,
    (project, wide): (&Option<Located<T>>, T),
    (global, narrow): (Option<&Located<T>>, T),
) -> Option<ProjectSetting> {
    let both = project.as_ref()?.value == wide && global?.value == narrow;
    both.then(|| ProjectSetting::Widens { key, to: wide.word(), from: narrow.word() })
}

/// What a project's file says that its user should know. Not trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProjectSetting {
    /// `agents.NAME.command`: a program that is started.
    Program {
        /// The agent's name.
        agent: String,
        /// The program and its arguments.
        command: Vec<String>,
    },
    /// Further arguments of an agent's program.
    Arguments {
        /// The agent's name.
        agent: String,
        /// The key that gives them (`actor_args`).
        key: &'static str,
        /// The arguments.
        arguments: Vec<String>,
    },
    /// `agents.NAME.env`: variables of an agent's program.
    Variables {
        /// The agent's name.
        agent: String,
        /// Their names.
        names: Vec<String>,
    },
    /// `agents.NAME.env.PATH`: where an agent's program is looked up, and every program that it starts.
    SearchPath {
        /// The agent's name.
        agent: String,
        /// The folders.
        path: String,
    },
    /// `gates`: a command that is run before the first iteration and after each actor turn.
    Gate {
        /// The gate's name.
        gate: String,
        /// The program and its arguments.
        command: Vec<String>,
    },
    /// `gates.env`: variables of a gate's program.
    GateVariables {
        /// The gate's name.
        gate: String,
        /// Their names.
        names: Vec<String>,
    },
    /// Gates of the user's own file that the project's list does not have.
    GatesLeftOut(Vec<String>),
    /// A command of `sinks.enabled` that gets the events of each run.
    SinkCommand(String),
    /// A file of `sinks.enabled` that is not below the project.
    SinkFile(PathBuf),
    /// `runs_dir`, where it is not below the project.
    RunsDir(PathBuf),
    /// A key by which agents may do more than the user's own file lets them.
    Widens {
        /// The key.
        key: &'static str,
        /// What the project says.
        to: &'static str,
        /// What the user's own file says.
        from: &'static str,
    },
    /// `redact = false`, where the user's own file does not say so.
    Unmasked,
    /// A key of `[sinks.otel]` by which the run is told to somebody else.
    Export {
        /// The key.
        key: &'static str,
        /// What the project says, without secrets.
        value: String,
    },
}

impl ProjectSetting {
    /// What a sink that the project names does beyond the project.
    pub(crate) fn of_sink(sink: &SinkSpec) -> Option<Self> {
        match sink {
            SinkSpec::Exec(command) => Some(Self::SinkCommand(command.clone())),
            SinkSpec::File(path) if leads_out(path) => Some(Self::SinkFile(path.clone())),
            SinkSpec::File(_) | SinkSpec::Jsonl | SinkSpec::Console | SinkSpec::Otel => None,
        }
    }
}

impl fmt::Display for ProjectSetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Program { agent, command } => {
                write!(f, "starts a program, agent {agent}: {}", shown_command(command))
            }
            Self::Arguments { agent, key, arguments } => {
                write!(f, "adds arguments, agent {agent}, {key}: {}", shown_command(arguments))
            }
            Self::Variables { agent, names } => {
                write!(f, "sets variables, agent {agent}: {}", names.join(", "))
            }
            Self::SearchPath { agent, path } => {
                write!(f, "says where programs are looked up, agent {agent}: {path}")
            }
            Self::Gate { gate, command } => {
                write!(f, "runs a gate, {gate}: {}", shown(command))
            }
            Self::GateVariables { gate, names } => {
                write!(f, "sets variables, gate {gate}: {}", names.join(", "))
            }
            Self::GatesLeftOut(names) => {
                write!(f, "has a list of gates in which yours are not: {}", names.join(", "))
            }
            Self::SinkCommand(command) => {
                write!(
                    f,
                    "starts a command that gets all that is recorded: {}",
                    shown_script(command)
                )
            }
            Self::SinkFile(path) => {
                write!(f, "has all that is recorded written to {}", path.display())
            }
            Self::RunsDir(dir) => write!(f, "keeps the evidence of runs in {}", dir.display()),
            Self::Unmasked => {
                f.write_str("has credentials recorded and shown as they are: redact = false")
            }
            Self::Export { key, value } => {
                write!(f, "decides what is sent where, sinks.otel.{key}: {value}")
            }
            Self::Widens { key, to, from } => {
                write!(f, "lets agents do more than you do: {key} = \"{to}\" (yours: \"{from}\")")
            }
        }
    }
}

fn of_agent(name: &str, config: &AgentConfig) -> Vec<ProjectSetting> {
    let agent = || name.to_owned();
    let program = config.command.clone();
    let arguments = [
        ("model_args", &config.model_args),
        ("actor_args", &config.actor_args),
        ("critic_args", &config.critic_args),
        ("resume_args", &config.resume_args),
        ("version_args", &config.version_args),
    ];
    let arguments = arguments.into_iter().filter_map(|(key, arguments)| {
        let arguments = arguments.clone().filter(|arguments| !arguments.is_empty())?;
        Some(ProjectSetting::Arguments { agent: agent(), key, arguments })
    });
    let others = |name: &&String| *name != "PATH";
    let names = config.env.iter().map(|env| env.keys().filter(others).cloned().collect::<Vec<_>>());
    let variables = names.filter(|names| !names.is_empty());
    let program = program.map(|command| ProjectSetting::Program { agent: agent(), command });
    let path = config.env.as_ref().and_then(|env| env.get("PATH"));
    let path = path.map(|path| ProjectSetting::SearchPath { agent: agent(), path: path.clone() });
    program
        .into_iter()
        .chain(path)
        .chain(arguments)
        .chain(variables.map(|names| ProjectSetting::Variables { agent: agent(), names }))
        .collect()
}

fn leads_out(dir: &Path) -> bool {
    !dir.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir))
}

/// Bytes of the largest file of a configuration that is read: a project's file is not trusted.
const MAX_BYTES: u64 = 1024 * 1024;

fn load_file(path: &Path, scope: Scope) -> Result<Option<ConfigFile>, CliError> {
    let bytes = match read_file(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(ConfigError::unreadable(path, &error).into()),
    };
    let text = String::from_utf8(bytes).map_err(|error| ConfigError::not_utf8(path, &error))?;
    Ok(Some(ConfigFile::parse(&text, PathBuf::from(path), scope)?))
}

/// A pipe would be waited for, and some devices never end.
pub(crate) fn read_file(path: &Path) -> io::Result<Vec<u8>> {
    let meta = std::fs::metadata(path)?;
    if !meta.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    if meta.len() > MAX_BYTES {
        return Err(io::Error::other("it is larger than 1 MB"));
    }
    std::fs::read(path)
}

#[cfg(test)]
mod tests;
