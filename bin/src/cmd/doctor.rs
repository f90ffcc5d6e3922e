//! `codeloops doctor`: what a run would find on this machine, asked of the programs themselves. It
//! starts no agent on anything, and ends what killed runs have left behind.

mod agents;
mod git;
mod left_behind;
mod page;

use std::path::{Path, PathBuf};

use codeloops_adapters::redact::Redactor;
use codeloops_driver::stop_requests;
use rustix::fs::Access;
use serde::Serialize;

use self::agents::AgentFound;
use self::git::GitFound;
use self::left_behind::LeftBehind;
use crate::app::{DoctorArgs, RunArgs};
use crate::config::Config;
use crate::engine::{masked, obstacles, runtime};
use crate::error::CliError;
use crate::exit_code;
use crate::output::Printer;
use crate::secrets::shown_words;
use crate::settings::{RoleSettings, RunSettings, agent_table, host, working_dir};
use crate::start_notes::{Note, start_notes};
use crate::versions::VersionCache;
use crate::waiting::{self, Waiting};
use crate::world::World;

/// All that was found. Its JSON is what `--json` prints.
#[derive(Debug, Serialize)]
struct Diagnosis {
    /// Our own version.
    codeloops: &'static str,
    /// The directory that a run would work in.
    working_dir: PathBuf,
    git: GitFound,
    agents: Vec<AgentFound>,
    /// What a run here would start; empty where its settings are in error.
    would_run: Vec<WouldRun>,
    /// What killed runs had left behind, and was ended.
    left_behind: Vec<LeftBehind>,
    /// What would keep a run from starting.
    problems: Vec<Finding>,
    /// What may go otherwise than it was meant.
    warnings: Vec<String>,
    /// What a start would tell beside that.
    notes: Vec<String>,
}

/// The call of one role.
#[derive(Debug, Serialize)]
struct WouldRun {
    role: &'static str,
    agent: String,
    /// Program and arguments, with what may be a secret hidden.
    command: Vec<String>,
}

/// Something that is wrong, and what to do about it.
#[derive(Debug, PartialEq, Serialize)]
struct Finding {
    message: String,
    hints: Vec<String>,
}

impl From<&CliError> for Finding {
    fn from(error: &CliError) -> Self {
        Self { message: error.message.clone(), hints: error.hints.clone() }
    }
}

/// Looks and tells; gives the exit code.
pub(crate) fn doctor(
    args: &DoctorArgs,
    world: &World,
    printer: &mut Printer,
) -> Result<u8, CliError> {
    let dir = working_dir(args.working_dir.as_deref(), &world.env)?.value;
    let runtime = runtime()
        .map_err(|error| CliError::failed(format!("the runtime cannot be started: {error}")))?;
    let waiting = Waiting::beside(waiting::AGENTS, world);
    let diagnosis = runtime.block_on(async {
        let mut stops = stop_requests()
            .map_err(|error| CliError::failed(format!("signals cannot be listened to: {error}")))?;
        tokio::select! {
            biased;
            diagnosis = waiting.until(diagnose(dir, world), printer) => diagnosis,
            Some(_) = stops.recv() => Err(CliError::interrupted()),
        }
    });
    // Programs that are still asked end when nobody waits for them any more.
    drop(runtime);
    let diagnosis = diagnosis?;
    if args.json {
        printer.json(&diagnosis)?;
    } else {
        printer.data(&page::page(&diagnosis, printer.stdout_columns(), printer.stdout_color))?;
    }
    Ok(if diagnosis.problems.is_empty() { exit_code::SUCCESS } else { exit_code::FAILED })
}

async fn diagnose(dir: PathBuf, world: &World) -> Result<Diagnosis, CliError> {
    let host = host(&world.env, &dir);
    let run_id = (world.run_ids)();
    let mut settings = settings(&dir, world);
    let config = Config::load(&dir, &world.env.config_dir()?).unwrap_or_default();
    let table = agent_table(&config).or_else(|_| agent_table(&Config::default()))?;
    let (git, agents) = tokio::join!(
        git::look(&dir, &host, &run_id),
        agents::look(&table, &config, &host, &run_id, VersionCache::of(world)),
    );
    let mut diagnosis = Diagnosis {
        codeloops: env!("CARGO_PKG_VERSION"),
        git,
        agents,
        would_run: Vec::new(),
        left_behind: left_behind::end(settings.as_ref().ok(), world)?,
        problems: Vec::new(),
        warnings: Vec::new(),
        notes: Vec::new(),
        working_dir: dir,
    };
    let redactor = match &settings {
        Ok(settings) => settings.redactor(&world.env)?,
        Err(_) => Redactor::new(&[], world.env.texts()).ok(),
    };
    match &mut settings {
        Ok(settings) => {
            diagnosis.problems = obstacles(settings, &host).iter().map(Finding::from).collect();
            diagnosis.problems.extend(unwritable(settings));
            diagnosis.take_notes(start_notes(settings, &host));
            diagnosis.take_role(&mut settings.actor);
            diagnosis.take_role(&mut settings.critic);
            let calls = [&settings.actor, &settings.critic].map(|of| WouldRun {
                role: of.role.as_str(),
                agent: of.agent.value.id.clone(),
                command: shown_words(&settings.call_of(of, &host)),
            });
            diagnosis.would_run = calls.into();
        }
        Err(error) => diagnosis.problems.push(Finding::from(&*error)),
    }
    diagnosis.change(&|text| masked(text, redactor.as_ref()));
    Ok(diagnosis)
}

/// The settings of a run here without any option.
fn settings(dir: &Path, world: &World) -> Result<RunSettings, CliError> {
    let args = RunArgs::default();
    RunSettings::resolve(&args, true, working_dir(Some(dir), &world.env)?, world)
}

/// The folders of the record that could not be made or written: a run that cannot be recorded does not
/// begin.
fn unwritable(settings: &RunSettings) -> Option<Finding> {
    let folders = [&settings.data_dir, &settings.runs_dir.value].into_iter();
    let there = |dir: &PathBuf| dir.ancestors().find(|dir| dir.exists()).map(Path::to_owned);
    let needs = Access::WRITE_OK | Access::EXEC_OK;
    let refused = folders
        .filter_map(there)
        .find(|dir| !dir.is_dir() || rustix::fs::access(dir, needs).is_err())?;
    Some(Finding {
        message: format!(
            "no run can be recorded below `{}`: it cannot be written",
            refused.display()
        ),
        hints: vec![
            "make it a directory that you may write, or name others with `XDG_DATA_HOME` and \
             `--runs-dir`"
                .to_owned(),
        ],
    })
}

impl Diagnosis {
    /// Changes whatever quotes a setting or a program.
    fn change(&mut self, change: &impl Fn(&str) -> String) {
        let findings =
            self.problems.iter_mut().flat_map(|it| it.hints.iter_mut().chain([&mut it.message]));
        let calls = self.would_run.iter_mut().flat_map(|call| &mut call.command);
        let agents = self.agents.iter_mut().flat_map(AgentFound::quotes);
        let told = self.warnings.iter_mut().chain(&mut self.notes);
        for text in findings.chain(calls).chain(agents).chain(told) {
            *text = change(text);
        }
    }

    fn take_notes(&mut self, notes: Vec<Note>) {
        for note in notes {
            let told = if note.is_warning() { &mut self.warnings } else { &mut self.notes };
            told.push(note.text().to_owned());
        }
    }

    /// What is wrong with an agent that a run here would start, and how it would then be started. What
    /// is wrong with others is seen in their rows.
    fn take_role(&mut self, of: &mut RoleSettings) {
        let id = &of.agent.value.id;
        let Some(found) = self.agents.iter_mut().find(|found| found.agent == *id) else { return };
        if found.roles.is_empty() {
            self.warnings.extend(found.warnings());
        }
        found.roles.push(of.role.as_str());
        if found.version_trouble.is_some() {
            of.agent.value = of.agent.value.clone().in_text();
        }
    }
}
