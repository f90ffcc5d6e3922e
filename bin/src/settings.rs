//! What a run goes by: flags, both configuration files and the built-in defaults put together, each
//! value with the place it came from.

mod agent_rows;
mod agents;
mod change;
mod exported;
pub mod gates;
mod limits;
mod origin;
pub mod otel;
mod recorded;
mod replayed;
mod rows;
mod sinks;
mod unheld;
mod unmeasured;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use codeloops_adapters::redact::{Redactor, may_find};
use codeloops_adapters::resolve::Host;
use codeloops_adapters::spec::{AgentSpec, MAX_PROMPT_BYTES, OutputFormat};
use codeloops_adapters::version::Version;
use codeloops_event::{AgentSettings, CriticAccess, Parent, Permissions, Role, Settings};
use codeloops_machine::prompt::KEPT_FROM_TASK;

pub use agents::{agent_error, agent_table};
pub use change::Change;
pub use exported::ExportSettings;
pub use limits::LimitSettings;
pub use origin::{Origin, Sourced};
pub use replayed::ReplaySettings;
pub use rows::Row;

use codeloops_sinks::Format;

use crate::app::RunArgs;
use crate::config::{Config, ProjectSetting};
use crate::error::CliError;
use crate::text::path_from;
use crate::values::SinkSpec;
use crate::world::{Environment, World};
use gates::{Gate, PolicySettings};
use origin::Layers;
use otel::Otel;

/// How long a sink may take at the end of a run.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

/// The agent of a run that names none.
const DEFAULT_AGENT: &str = "claude";

/// The resolved settings of a run.
#[derive(Debug, Clone)]
pub struct RunSettings {
    /// The directory that the run works in: absolute, without symbolic links.
    pub working_dir: Sourced<PathBuf>,
    /// The run and iteration whose state it begins with; none for any run but a fork.
    pub parent: Option<Parent>,
    /// The actor's agent.
    pub actor: RoleSettings,
    /// The critic's agent.
    pub critic: RoleSettings,
    /// What agents may do without asking.
    pub permissions: Sourced<Permissions>,
    /// What the critic may do.
    pub critic_access: Sourced<CriticAccess>,
    /// Whether credentials are masked in what is recorded and shown.
    pub redact: Sourced<bool>,
    /// What else is masked: regular expressions.
    pub redact_patterns: Sourced<Vec<String>>,
    /// Whether the actor's own conversation goes on from iteration to iteration, where its agent
    /// can do that.
    pub continue_session: Sourced<bool>,
    /// Whether a tree that the critic changed is put back.
    pub restore_tree: Sourced<bool>,
    /// The user's checks, in order.
    pub gates: Sourced<Vec<Gate>>,
    /// How they are run, and what follows from them.
    pub gate_policy: PolicySettings,
    /// The limits.
    pub limits: LimitSettings,
    /// How the console shows the run.
    pub log_format: Sourced<Format>,
    /// Where structured logs go, absolute.
    pub log_file: Option<Sourced<PathBuf>>,
    /// Which sinks the run has; `Jsonl` is the session file. Sorted, none twice, paths absolute.
    pub sinks: Sourced<Vec<SinkSpec>>,
    /// Where a path or a command of theirs begins.
    pub sinks_dir: PathBuf,
    /// How long a sink may take at the end.
    pub close_timeout: Sourced<Duration>,
    /// What the sink `otel` goes by, where there is one.
    pub otel: Option<Otel>,
    /// Where evidence folders are made, absolute.
    pub runs_dir: Sourced<PathBuf>,
    /// The data directory of codeloops, which holds `sessions/`.
    pub data_dir: PathBuf,
    /// Whether the result is printed as one JSON document, and everything else to standard error.
    pub json_output: bool,
    /// Whether what the agents print is shown.
    pub verbose: bool,
    /// Whether the stream that the console writes to (standard error under `--json-output`, else
    /// standard output) is a terminal.
    pub console_is_terminal: bool,
    /// Whether the console may use colours: it is a terminal, and nothing says otherwise.
    pub color: bool,
    /// What the project's file says that a user should know of this run.
    pub project_settings: Vec<ProjectSetting>,
    /// Files that were read, in the order of their precedence.
    pub config_files: Vec<PathBuf>,
}

/// One role's agent, resolved.
#[derive(Debug, Clone)]
pub struct RoleSettings {
    /// Whose.
    pub role: Role,
    /// The agent's row of the table, and what named it.
    pub agent: Sourced<AgentSpec>,
    /// The model asked for.
    pub model: Option<Sourced<String>>,
    /// The version of its program, once it was asked.
    pub version: Option<Version>,
    /// Where the keys of the agent's table are set; variables as `env.NAME`.
    pub set_by: BTreeMap<String, Origin>,
}

impl RunSettings {
    /// Puts everything together. `working_dir` is what [`working_dir`] gave.
    ///
    /// # Errors
    /// Where a file or a flag says something that is not accepted, or an agent has no name that is
    /// known.
    pub fn resolve(
        args: &RunArgs,
        no_color: bool,
        working_dir: Sourced<PathBuf>,
        world: &World,
    ) -> Result<Self, CliError> {
        let settings = Self::put_together(args, no_color, working_dir, world)?;
        settings.refuse_unmeasured()?;
        Ok(settings)
    }

    fn put_together(
        args: &RunArgs,
        no_color: bool,
        working_dir: Sourced<PathBuf>,
        world: &World,
    ) -> Result<Self, CliError> {
        let config = Config::load(&working_dir.value, &world.env.config_dir()?)?;
        let layers = Layers { config: &config };
        let table = agent_table(&config)?;
        let actor = agents::role(Role::Actor, args, layers, &table)?;
        let critic = agents::role(Role::Critic, args, layers, &table)?;
        let current_dir = world.env.current_dir()?;
        let data_dir = world.env.data_dir()?;
        let output = &args.output;
        let agents = [&actor.agent.value, &critic.agent.value];
        let project_settings = config.project_settings(agents).into_iter();
        let sinks = sinks::of_run(args, layers, current_dir)?;
        let otel = Otel::resolve(&sinks.specs.value, &output.otel, layers, &world.env)?;
        let of_otel: Vec<_> = otel.iter().flat_map(Otel::project_settings).collect();
        let console_is_terminal =
            if output.json_output { world.terminal.stderr } else { world.terminal.stdout };
        Ok(Self {
            permissions: layers.value("--permissions", args.permissions, |f| &f.permissions),
            critic_access: layers
                .value("--critic-access", args.critic_access, |f| &f.critic_access),
            redact: layers.or("", None, |f| &f.redact, true),
            redact_patterns: layers.or("", None, |f| &f.redact_patterns, Vec::new()),
            continue_session: layers.or("", None, |f| &f.continue_session, true),
            restore_tree: Sourced::flag_or(args.no_restore_tree, "--no-restore-tree", false, true),
            gates: gates::resolve(&args.gates, layers)?,
            gate_policy: PolicySettings::resolve(&args.gates, layers),
            limits: LimitSettings::resolve(&args.limits, layers),
            log_format: layers.value("--log-format", output.log_format, |f| &f.log_format),
            log_file: output.log_file.as_ref().map(|path| Sourced {
                value: path_from(current_dir, path),
                origin: Origin::Flag("--log-file"),
            }),
            sinks: sinks.specs,
            sinks_dir: sinks.dir,
            close_timeout: layers.or("", None, |f| &f.sinks.close_timeout, CLOSE_TIMEOUT),
            otel,
            runs_dir: runs_dir(args, layers, current_dir, &working_dir.value, &data_dir),
            data_dir,
            json_output: output.json_output,
            verbose: output.verbose,
            console_is_terminal,
            color: console_is_terminal && !no_color && world.env.var("NO_COLOR").is_none(),
            project_settings: project_settings.chain(sinks.of_project).chain(of_otel).collect(),
            config_files: config.layers().map(|file| file.path.clone()).collect(),
            working_dir,
            parent: None,
            actor,
            critic,
        })
    }

    /// What the engine acts on. `permissions` is what agents really get, which may be less than was
    /// asked for (see [`codeloops_adapters::resolve::granted`]).
    #[must_use]
    pub fn engine(&self, permissions: Permissions) -> Settings {
        Settings {
            actor: self.actor.engine(),
            critic: self.critic.engine(),
            limits: self
                .limits
                .engine(self.actor.agent.value.streams, self.critic.agent.value.streams),
            permissions,
            critic_access: self.critic_access.value,
            continue_session: self.continue_session.value
                && !self.actor.agent.value.resume_args.is_empty(),
            restore_tree: self.restore_tree.value,
            gates: self.gates.value.iter().map(Gate::engine).collect(),
            gate_policy: self.gate_policy.engine(),
        }
    }

    /// What masks credentials; none where the user wants them to be seen. The variables are those
    /// that agents and gates get.
    pub(crate) fn redactor(&self, env: &Environment) -> Result<Option<Redactor>, CliError> {
        if !self.redact.value {
            return Ok(None);
        }
        self.masks(env).map(Some)
    }

    /// What would mask credentials, whether the user wants them to be seen or not.
    pub(crate) fn masks(&self, env: &Environment) -> Result<Redactor, CliError> {
        let redactor = Redactor::new(&self.redact_patterns.value, self.variables(env));
        redactor.map_err(|error| CliError::usage(format!("`redact_patterns`: {error}")))
    }

    /// What masks credentials in this text; none where there is nothing to mask.
    pub(crate) fn redactor_for(
        &self,
        text: &str,
        env: &Environment,
    ) -> Result<Option<Redactor>, CliError> {
        if may_find(text, &self.redact_patterns.value, self.variables(env)) {
            return self.redactor(env);
        }
        Ok(None)
    }

    /// The variables that agents and gates get, as far as they are text.
    fn variables<'a>(&'a self, env: &'a Environment) -> impl Iterator<Item = (&'a str, &'a str)> {
        let gates = self.gates.value.iter().flat_map(|gate| &gate.env);
        let of_gates = gates.map(|(name, value)| (name.as_str(), value.value.as_str()));
        let agents = [&self.actor, &self.critic].map(|role| &role.agent.value.env);
        let set = agents.into_iter().flatten().map(|(name, value)| (name.as_str(), value.as_str()));
        env.texts().chain(set).chain(of_gates)
    }

    /// Bytes that the task may have: no prompt of ours is longer, nor than either agent takes, and
    /// the critic's has room for what it judges.
    #[must_use]
    pub fn max_task_bytes(&self) -> u64 {
        let [actor, critic] = [&self.actor, &self.critic]
            .map(|role| role.agent.value.max_prompt_bytes.min(MAX_PROMPT_BYTES));
        actor.min(critic.saturating_sub(KEPT_FROM_TASK))
    }

    /// Whether codeloops itself writes to standard output: the console, or the one document.
    #[must_use]
    pub fn owns_stdout(&self) -> bool {
        self.json_output || self.has_sink(&SinkSpec::Console)
    }

    /// The files that its sinks write.
    pub(crate) fn files_of_sinks(&self) -> impl Iterator<Item = &PathBuf> {
        let log_file = self.log_file.iter().map(|file| &file.value);
        log_file.chain(self.sinks.value.iter().filter_map(SinkSpec::path))
    }

    /// Whether the run has this sink.
    #[must_use]
    pub fn has_sink(&self, sink: &SinkSpec) -> bool {
        self.sinks.value.contains(sink)
    }
}

impl RoleSettings {
    const fn output(&self) -> OutputFormat {
        self.agent.value.output
    }

    fn engine(&self) -> AgentSettings {
        let spec = &self.agent.value;
        AgentSettings {
            agent: spec.id.clone(),
            title: spec.title.clone(),
            model: self.model.as_ref().map(|model| model.value.clone()),
            version: self.version.map(|version| version.to_string()),
            max_prompt_bytes: spec.max_prompt_bytes,
        }
    }
}

/// The directory that a run works in: absolute, without symbolic links.
///
/// # Errors
/// Where it does not exist, is no directory, or cannot be reached.
pub fn working_dir(flag: Option<&Path>, env: &Environment) -> Result<Sourced<PathBuf>, CliError> {
    let current_dir = env.current_dir()?;
    let Some(dir) = flag else {
        return Ok(Sourced { value: existing(current_dir)?, origin: Origin::Default });
    };
    let value = existing(&current_dir.join(dir))?;
    Ok(Sourced { value, origin: Origin::Flag("--working-dir") })
}

/// Where an agent's program is looked for.
#[must_use]
pub fn host(env: &Environment, working_dir: &Path) -> Host {
    Host {
        path: env.var("PATH").unwrap_or_default().to_owned(),
        vars: env.vars.clone(),
        ..Host::current(working_dir)
    }
}

fn existing(dir: &Path) -> Result<PathBuf, CliError> {
    let path = dir.canonicalize().map_err(|error| {
        let shown = dir.display();
        let hint = "name a directory that exists with `--working-dir`";
        match error.kind() {
            std::io::ErrorKind::NotFound => {
                CliError::usage(format!("the working directory `{shown}` does not exist"))
            }
            _ => {
                CliError::usage(format!("the working directory `{shown}` cannot be used: {error}"))
            }
        }
        .hint(hint)
    })?;
    if path.is_dir() {
        Ok(path)
    } else {
        let message = format!("the working directory `{}` is not a directory", dir.display());
        Err(CliError::usage(message).hint("name a directory with `--working-dir`"))
    }
}

/// A path of the command line begins at the current directory, one of a file at the working
/// directory.
fn runs_dir(
    args: &RunArgs,
    layers: Layers<'_>,
    current_dir: &Path,
    working_dir: &Path,
    data_dir: &Path,
) -> Sourced<PathBuf> {
    let flag = args.output.runs_dir.as_ref().map(|path| current_dir.join(path));
    let mut dir = layers.or("--runs-dir", flag, |f| &f.runs_dir, data_dir.join("runs"));
    dir.value = path_from(working_dir, &dir.value);
    dir
}

#[cfg(test)]
mod tests;
