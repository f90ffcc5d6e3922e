//! Each agent: found or not, its version, logged in or not.

use std::path::{Path, PathBuf};

use codeloops_adapters::agents::AgentTable;
use codeloops_adapters::ask::Question;
use codeloops_adapters::login::{Login, LoginCheck};
use codeloops_adapters::resolve::{Host, ResolvedAgent, resolve};
use codeloops_adapters::spec::AgentSpec;
use codeloops_adapters::version::VersionState;
use codeloops_event::RunId;
use codeloops_sinks::commands::shell_quoted;
use serde::Serialize;
use tokio::task::JoinSet;

use crate::config::{Config, PROJECT_FILE};
use crate::preflight::taken_as_text;
use crate::versions::{self, PATIENCE, VersionCache};

/// What was found of one agent.
#[derive(Debug, Clone, Serialize)]
pub(super) struct AgentFound {
    pub(super) agent: String,
    pub(super) title: String,
    /// The roles that it would play in a run here.
    pub(super) roles: Vec<&'static str>,
    /// Its program; null where there is none.
    pub(super) program: Option<PathBuf>,
    /// Why there is none, or why it was not asked; null where it was.
    pub(super) not_asked: Option<String>,
    /// How to get it; null where it is there, or nobody says.
    pub(super) install: Option<String>,
    /// Its version; null where it does not tell, or was not asked.
    pub(super) version: Option<String>,
    /// Whether its version is understood: `understood`, `too old`, `too new` or
    /// `unknown`; null where it was not asked.
    pub(super) version_state: Option<&'static str>,
    /// Why a run would take its output as text, and what to do about it; null where it would not for
    /// its version.
    pub(super) version_trouble: Option<String>,
    /// Whether it is logged in; null where it does not tell, or was not asked.
    pub(super) logged_in: Option<bool>,
    /// How it is logged in, in its own words; null where it does not say.
    pub(super) login: Option<String>,
    /// The command that tells whether it is logged in; null where there is none.
    pub(super) login_command: Option<String>,
}

impl AgentFound {
    fn new(spec: &AgentSpec) -> Self {
        Self {
            agent: spec.id.clone(),
            title: spec.title.clone(),
            roles: Vec::new(),
            program: None,
            not_asked: None,
            install: None,
            version: None,
            version_state: None,
            version_trouble: None,
            logged_in: None,
            login: None,
            login_command: None,
        }
    }

    /// What its program or its table said.
    pub(super) fn quotes(&mut self) -> impl Iterator<Item = &mut String> {
        let told = [&mut self.not_asked, &mut self.version_trouble, &mut self.login];
        let asked = [&mut self.install, &mut self.login_command];
        told.into_iter().chain(asked).flatten().chain([&mut self.title])
    }

    /// What a run with it should know. That it is missing keeps a run from starting, and is told so.
    pub(super) fn warnings(&self) -> Vec<String> {
        let login = match (self.logged_in, &self.login_command) {
            (Some(false), Some(command)) => Some(format!(
                "{} is not logged in, says `{command}`; that is well where it reaches its provider \
                 another way",
                self.title
            )),
            _ => None,
        };
        self.version_trouble.clone().into_iter().chain(login).collect()
    }
}

/// Asks all of them side by side.
pub(super) async fn look(
    table: &AgentTable,
    config: &Config,
    host: &Host,
    run_id: &RunId,
    mut cache: VersionCache,
) -> Vec<AgentFound> {
    let mut found: Vec<AgentFound> = table.rows().iter().map(AgentFound::new).collect();
    let mut asked = JoinSet::new();
    for (at, spec) in table.rows().iter().enumerate() {
        match resolve(spec, host) {
            Ok(agent) => {
                found[at].program = Some(agent.program.clone());
                found[at].not_asked = not_trusted(&agent, config, host);
                if found[at].not_asked.is_none() {
                    let (dir, run_id) = (host.dir.clone(), run_id.clone());
                    asked.spawn(async move { (at, ask(&agent, &dir, &run_id).await, agent) });
                }
            }
            Err(error) => {
                found[at].not_asked = Some(error.reason());
                found[at].install = spec.install.clone();
            }
        }
    }
    while let Some(answer) = asked.join_next().await {
        let Ok((at, told, agent)) = answer else { continue };
        if let Some(state) = &told.version {
            cache.put(&agent, &host.dir, state);
        }
        told.onto(&agent.spec, &mut found[at]);
    }
    found
}

/// Why a program is not started: whoever asks after a repository need not trust it yet.
fn not_trusted(agent: &ResolvedAgent, config: &Config, host: &Host) -> Option<String> {
    let project = config.project.as_ref();
    let is_of_project =
        project.is_some_and(|file| file.agents.keys().any(|name| agent.spec.answers_to(name)));
    // By a folder of `PATH` that begins at the working directory, say.
    let is_named = agent.spec.command.first().is_some_and(|program| program.contains('/'));
    if is_of_project {
        Some(format!("{PROJECT_FILE} says how it is started"))
    } else if !is_named && agent.program.starts_with(&host.dir) {
        Some("it is in this directory".to_owned())
    } else {
        None
    }
}

/// What a program told.
struct Told {
    version: Option<VersionState>,
    login: Option<(String, Login)>,
}

impl Told {
    fn onto(self, spec: &AgentSpec, found: &mut AgentFound) {
        if let Some(state) = self.version {
            found.version = state.version().map(|version| version.to_string());
            found.version_state = Some(state.as_str());
            found.version_trouble = taken_as_text(spec, &state);
        }
        if let Some((command, login)) = self.login {
            found.login_command = Some(command);
            (found.logged_in, found.login) = match login {
                Login::Yes { how } => (Some(true), how),
                Login::No => (Some(false), None),
                Login::Unclear => (None, None),
            };
        }
    }
}

async fn ask(agent: &ResolvedAgent, dir: &Path, run_id: &RunId) -> Told {
    let version = async {
        if agent.spec.version_args.is_empty() {
            return None;
        }
        Some(versions::ask(agent, dir, run_id).await)
    };
    let login = async {
        let check = agent.spec.login.as_ref()?;
        // Away from the project, whose settings a program might act on.
        let apart = tempfile::tempdir().ok()?;
        Some((command(agent, check), login(agent, check, apart.path(), run_id).await))
    };
    let (version, login) = tokio::join!(version, login);
    Told { version, login }
}

async fn login(agent: &ResolvedAgent, check: &LoginCheck, dir: &Path, run_id: &RunId) -> Login {
    let first = agent.spec.command.iter().skip(1);
    let question = Question {
        program: agent.program.clone(),
        args: first.chain(&check.args).cloned().collect(),
        dir: dir.to_owned(),
        env: agent.spec.env.clone(),
        run_id: run_id.clone(),
        patience: PATIENCE,
    };
    let answer = question.ask().await;
    answer.map_or(Login::Unclear, |answer| check.answer.read(&answer))
}

/// The status command as a user would type it.
fn command(agent: &ResolvedAgent, check: &LoginCheck) -> String {
    let words = agent.spec.command.iter().chain(&check.args);
    words.map(|word| shell_quoted(Path::new(word))).collect::<Vec<_>>().join(" ")
}
