//! Before a run: an agent whose version is not understood works by the text path.

use std::cell::LazyCell;
use std::path::Path;

use codeloops_adapters::end_processes_of_run;
use codeloops_adapters::resolve::{Host, ResolvedAgent, resolve, table_of};
use codeloops_adapters::spec::AgentSpec;
use codeloops_adapters::version::VersionState;
use codeloops_event::RunId;
use tokio::sync::mpsc::Receiver;

use crate::engine::masked;
use crate::error::CliError;
use crate::output::Printer;
use crate::settings::{RoleSettings, RunSettings};
use crate::start_notes::Note;
use crate::versions::{self, VersionCache};
use crate::waiting::{self, Waiting};
use crate::world::World;

/// The settings of a run once the versions of its agents are known, and what is to be told of that.
pub(crate) struct Checked {
    pub(crate) settings: RunSettings,
    pub(crate) notes: Vec<Note>,
}

/// What is checked.
pub(crate) struct Preflight<'a> {
    pub(crate) settings: &'a RunSettings,
    pub(crate) host: &'a Host,
    pub(crate) world: &'a World,
    pub(crate) run_id: &'a RunId,
}

impl Preflight<'_> {
    /// Asks the agents for their versions where these are not known yet. One that is not there is told
    /// of by whoever starts it.
    ///
    /// # Errors
    /// Where a stop was asked for, or a limit cannot be held by text; that one tells why.
    pub(crate) async fn check(
        &self,
        stops: &mut Receiver<String>,
        printer: &mut Printer,
    ) -> Result<Checked, CliError> {
        let waiting = Waiting::begin(waiting::AGENTS, self.settings, self.world);
        let stopped = tokio::select! {
            biased;
            checked = waiting.until(self.ask(), printer) => Ok(checked),
            Some(_) = stops.recv() => Err(CliError::interrupted_early()),
        };
        let checked = stopped.inspect_err(|_| {
            // Who stands by the program may not live as long as that takes.
            let _ended = end_processes_of_run(self.run_id);
        })?;
        match checked.settings.refuse_unmeasured() {
            Ok(()) => Ok(checked),
            Err(error) => {
                let redactor = checked.settings.redactor(&self.world.env)?;
                let masked = |text: &str| masked(text, redactor.as_ref());
                Err(checked.notes.iter().fold(error, |error, note| error.hint(masked(note.text()))))
            }
        }
    }

    async fn ask(&self) -> Checked {
        let mut checked = Checked { settings: self.settings.clone(), notes: Vec::new() };
        let dir = &self.settings.working_dir.value;
        let cache = LazyCell::new(|| VersionCache::of(self.world));
        let mut asking = Asking { cache, asked: Vec::new(), dir, run_id: self.run_id };
        for role in [&mut checked.settings.actor, &mut checked.settings.critic] {
            if let Ok(agent) = resolve(&role.agent.value, self.host)
                && versions::matters(&agent)
            {
                let state = asking.state(&agent).await;
                checked.notes.extend(taken_as_text(&role.agent.value, &state).map(Note::warning));
                role.take_version(&state);
            }
        }
        checked.notes.dedup();
        checked
    }
}

/// Who has been asked.
struct Asking<'a, F: FnOnce() -> VersionCache> {
    /// Read only where somebody is to be asked.
    cache: LazyCell<VersionCache, F>,
    asked: Vec<(ResolvedAgent, VersionState)>,
    dir: &'a Path,
    run_id: &'a RunId,
}

impl<F: FnOnce() -> VersionCache> Asking<'_, F> {
    /// What is known of an agent's version, asked only once.
    async fn state(&mut self, agent: &ResolvedAgent) -> VersionState {
        if let Some(state) = self.cache.get(agent, self.dir) {
            return state;
        }
        if let Some((_, state)) = self.asked.iter().find(|(other, _)| other == agent) {
            return state.clone();
        }
        let state = versions::ask(agent, self.dir, self.run_id).await;
        self.cache.put(agent, self.dir, &state);
        self.asked.push((agent.clone(), state.clone()));
        state
    }
}

impl RoleSettings {
    /// Takes over what is known of its agent's version.
    fn take_version(&mut self, state: &VersionState) {
        self.version = state.version();
        if state.trouble().is_some() {
            self.agent.value = self.agent.value.clone().in_text();
        }
    }
}

/// What it means that an agent's version is not understood, and what to do about it.
pub(crate) fn taken_as_text(spec: &AgentSpec, state: &VersionState) -> Option<String> {
    let trouble = state.trouble()?;
    let otherwise = match state {
        VersionState::TooOld { .. } => "update it".to_owned(),
        _ => format!(
            "to have it read all the same, set `output = \"{}\"` under {}",
            spec.output.as_str(),
            table_of(&spec.id)
        ),
    };
    Some(format!(
        "{} {trouble}; what it prints is taken as text, without tokens, cost and a conversation that \
         goes on; {otherwise}",
        spec.title
    ))
}
