//! Puts a run together from its settings, and drives it to its end.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use codeloops_adapters::gates::CommandGates;
use codeloops_adapters::git::{Base, GitWorkspace, find_repository};
use codeloops_adapters::redact::Redactor;
use codeloops_adapters::resolve::{Host, granted, resolve};
use codeloops_adapters::runner::{AgentsConfig, CliAgents, RoleAgent};
use codeloops_adapters::{Grace, end_processes_of_run};
use codeloops_driver::ports::Clock;
use codeloops_driver::{Begin, Outlets, Ports, RunResult, outlive_file_size_limit, stop_requests};
use codeloops_event::{GateSettings, RunId, SessionStart};
use codeloops_machine::Start;
use codeloops_session::{ChangesIn, Lineage, RunFolder, SessionWriter};
use codeloops_sinks::{Hub, HubOptions, Sink, SinkReport};
use tokio::runtime::Runtime;

use crate::checks::{Checks, tamper_rules};
use crate::error::CliError;
use crate::exported;
use crate::inherited_trace::InheritedTrace;
use crate::last_round::LastRound;
use crate::lost_console::{CONSOLE, Told, WatchedConsole};
use crate::opening::{Opening, workspace_error};
use crate::output::Printer;
use crate::preflight::{Checked, Preflight};
use crate::programs::Programs;
use crate::prompt::Prompt;
use crate::publisher::{EndedCall, Publisher, SeenLater};
use crate::record::{Recorded, RecordedLater, SessionRecord};
use crate::repository;
use crate::resume::{Consent, GoingOn, Recording};
use crate::runs_dir;
use crate::settings::gates;
use crate::settings::otel::Otel;
use crate::settings::{RoleSettings, RunSettings, agent_error, host};
use crate::sinks::{live_terminal, sinks_of};
use crate::start_notes::{Note, start_notes, tell};
use crate::suspend::clear_when_suspended;
use crate::values::SinkSpec;
use crate::verify_command::verify_command;
use crate::world::World;

/// A run that is over.
pub(crate) struct Finished {
    pub(crate) run_id: RunId,
    /// The commit that it began at, and the branch.
    pub(crate) lineage: Lineage,
    /// Where what it changed can be seen.
    pub(crate) changes_in: ChangesIn,
    /// What a reader of its result should know.
    pub(crate) notes: Vec<String>,
    /// The agent call that ended last, if there was one.
    pub(crate) last_call: Option<EndedCall>,
    /// What the gates of the last round came to.
    pub(crate) last_round: LastRound,
    pub(crate) result: RunResult,
    /// The session file, where there is one.
    pub(crate) recorded: Option<Recorded>,
    pub(crate) sinks: Vec<SinkReport>,
    /// Whether the console was lost, and that was told when it happened.
    pub(crate) lost_console: Told,
}

impl Finished {
    /// The sinks' reports come when they are closed.
    fn of(
        (run_id, lineage): (RunId, Lineage),
        result: RunResult,
        seen: &SeenLater,
        recorded: Option<Recorded>,
        lost_console: Told,
    ) -> Self {
        Self {
            run_id,
            lineage,
            changes_in: seen.changes(),
            notes: seen.notes(),
            last_call: seen.last_call(),
            last_round: seen.last_round(),
            result,
            recorded,
            sinks: Vec::new(),
            lost_console,
        }
    }
}

/// What is to be done.
pub(crate) enum Task {
    /// This, from the beginning.
    New(Prompt),
    /// What is left of a session.
    GoOn(Box<Recording>, Consent),
}

impl Task {
    const fn recording(&self) -> Option<&Recording> {
        match self {
            Self::New(_) => None,
            Self::GoOn(recording, _) => Some(recording),
        }
    }
}

/// Checks everything that can be checked before an agent starts, then runs. Signals are listened to
/// from the beginning to the end.
pub(crate) fn execute(
    settings: &RunSettings,
    task: Task,
    world: &World,
    printer: &mut Printer,
) -> Result<Finished, CliError> {
    let runtime = runtime()
        .map_err(|error| CliError::failed(format!("the runtime cannot be started: {error}")))?;
    let run_id = match task.recording() {
        None => (world.run_ids)(),
        Some(recording) => recording.run_id()?.clone(),
    };
    let programs = Programs::default();
    let finished = catch_unwind(AssertUnwindSafe(|| {
        runtime.block_on(run(settings, task, &run_id, world, &programs, printer))
    }));
    // A call that was given up may still hold a blocking thread; nobody waits for it.
    runtime.shutdown_timeout(Duration::ZERO);
    let finished = finished.unwrap_or_else(|panic| {
        let _ended = end_processes_of_run(&run_id);
        programs.end();
        resume_unwind(panic)
    });
    let exit_code = match &finished {
        Ok((finished, _)) => finished.result.end.outcome.exit_code(),
        Err(error) => error.kind.exit_code(),
    };
    let hub = finished.as_ref().ok().map(|(_, hub)| Arc::clone(hub));
    end_when_asked(exit_code, programs.clone(), hub);
    let (mut finished, hub) = finished?;
    finished.sinks = programs.close(&hub, settings.close_timeout.value);
    Ok(finished)
}

/// The run, and the hub whose sinks still have to be closed.
async fn run(
    settings: &RunSettings,
    task: Task,
    run_id: &RunId,
    world: &World,
    programs: &Programs,
    printer: &mut Printer,
) -> Result<(Finished, Arc<Hub>), CliError> {
    let mut stops = outlive_file_size_limit()
        .and_then(|()| stop_requests())
        .map_err(|error| CliError::failed(format!("signals cannot be listened to: {error}")))?;
    let host = host(&world.env, &settings.working_dir.value);
    let preflight = Preflight { settings, host: &host, world, run_id };
    let Checked { settings, notes } = preflight.check(&mut stops, printer).await?;
    let settings = &settings;
    let Prepared { agents, mut sinks, export, sessions, folder } =
        Prepared::new(settings, &task, run_id, &host, world, programs, printer)?;
    if let Some(terminal) = live_terminal(settings, world) {
        clear_when_suspended(terminal);
    }
    let redactor = settings.redactor(&world.env)?.map(Arc::new);
    let evidence = folder.path();
    let resume_from = task.recording().and_then(|recording| recording.start.base_tree.clone());
    let left_behind = task.recording().map_or(0, |_| end_processes_of_run(run_id));
    let redaction = redactor.clone();
    let tamper = tamper_rules(settings)?;
    let opening =
        Opening { settings, world, run_id, evidence, tamper, redactor: redaction, resume_from };
    let (workspace, base) = opening.open(&mut stops, printer).await?;
    let recorded = task.recording().map(|recording| &recording.start);
    let lineage = lineage_of(run_id, &base, recorded);
    let subject = exported::Opened { settings, run_id, base: &base, recorded };
    let export = export.of(subject, world)?;
    let told = start_notes(settings, &host).into_iter().chain(notes).chain(export.notes(settings));
    tell_masked(told, redactor.as_deref(), printer);
    let mut agents = agents.config(settings, run_id, &base, evidence, redactor.clone());
    agents.telemetry = export.telemetry();
    let checks = redactor.clone();
    let (commit_sha, branch) = (base.commit_sha.clone(), base.branch.clone());
    let checks = Checks { settings, world, run_id, commit_sha, branch, evidence, redactor: checks };
    let gates = checks.gates();
    let opened = Opened { settings, world, workspace: &workspace, base, redactor, left_behind };
    let Begun { begin, clock, record, recorded } = match task {
        Task::New(prompt) => opened.begin(prompt, run_id, sessions, folder),
        Task::GoOn(recording, consent) => opened.go_on(*recording, consent, printer)?,
    };
    let ports = ports(agents, &workspace, gates, clock, world);
    sinks.extend(export.sink(&recorded, settings.close_timeout.value)?);
    let (sinks, lost_console) = watched(sinks, settings, &recorded, printer);
    let hub = Arc::new(Hub::new(sinks, &HubOptions::default()));
    let (publisher, seen) = Publisher::new(Arc::clone(&hub));
    let outlets = Outlets { record: Some(Box::new(record)), publish: Box::new(publisher) };
    let result = codeloops_driver::run(begin, ports, outlets, stops).await;
    workspace.close();
    let recorded = recorded.get();
    Ok((Finished::of((run_id.clone(), lineage), result, &seen, recorded, lost_console), hub))
}

/// Where the run began: one that goes on, where its recording says.
fn lineage_of(run_id: &RunId, base: &Base, recorded: Option<&SessionStart>) -> Lineage {
    recorded.map_or_else(
        || Lineage {
            run_id: Some(run_id.clone()),
            commit_sha: base.commit_sha.clone(),
            branch: base.branch.clone(),
        },
        Lineage::of,
    )
}

/// Tells what is to be known before the first agent starts; it may quote settings and programs.
fn tell_masked(
    notes: impl Iterator<Item = Note>,
    redactor: Option<&Redactor>,
    printer: &mut Printer,
) {
    let masked = notes.map(|note| note.map(|text| masked(text, redactor)));
    tell(&masked.collect::<Vec<_>>(), printer);
}

/// A run that is put together.
struct Begun {
    begin: Begin,
    clock: Arc<dyn Clock>,
    record: SessionRecord,
    recorded: RecordedLater,
}

/// A run whose repository is open.
struct Opened<'a> {
    settings: &'a RunSettings,
    world: &'a World,
    workspace: &'a GitWorkspace,
    base: Base,
    redactor: Option<Arc<Redactor>>,
    /// Processes of an earlier process of the run, which were ended.
    left_behind: u32,
}

impl Opened<'_> {
    fn begin(
        self,
        prompt: Prompt,
        run_id: &RunId,
        sessions: Option<PathBuf>,
        folder: RunFolder,
    ) -> Begun {
        let Self { settings, world, base, redactor, .. } = self;
        let evidence = folder.path();
        let start = start_of(settings, prompt, run_id, base, evidence, redactor.as_deref(), world);
        let (record, recorded) = SessionRecord::new(sessions, folder);
        let clock = Arc::clone(&world.clock);
        Begun { begin: Begin::New(Box::new(start)), clock, record, recorded }
    }

    fn go_on(
        self,
        recording: Recording,
        consent: Consent,
        printer: &mut Printer,
    ) -> Result<Begun, CliError> {
        let Self { settings, world, workspace, base, redactor, left_behind } = self;
        let limits = &settings.engine(settings.permissions.value).limits;
        let standing = recording.standing(limits)?;
        let going_on = GoingOn {
            world,
            verify: verify_command(settings, world),
            workspace,
            base: &base,
            limits,
            standing,
            actor_output: settings.actor.agent.value.output,
            redactor: redactor.as_deref(),
            leftovers: left_behind,
            consent,
        };
        let (step, clock, record, recorded) = recording.go_on(&going_on, printer)?;
        Ok(Begun { begin: Begin::Resumed(Box::new(step)), clock, record, recorded })
    }
}

fn ports(
    agents: AgentsConfig,
    workspace: &GitWorkspace,
    gates: CommandGates,
    clock: Arc<dyn Clock>,
    world: &World,
) -> Ports {
    Ports {
        agents: Arc::new(CliAgents::new(agents)),
        workspace: Arc::new(workspace.clone()),
        gates: Arc::new(gates),
        clock,
        ids: Arc::clone(&world.ids),
    }
}

/// The sinks, where the loss of the console is told as it happens. Under `--json-output` it stands on
/// standard error itself, so that there is nowhere to tell of it.
fn watched(
    sinks: Vec<Box<dyn Sink>>,
    settings: &RunSettings,
    recorded: &RecordedLater,
    printer: &Printer,
) -> (Vec<Box<dyn Sink>>, Told) {
    let told = Told::default();
    if settings.json_output {
        return (sinks, told);
    }
    let watch = |sink: Box<dyn Sink>| match sink.name() {
        CONSOLE => WatchedConsole::boxed(sink, recorded.clone(), printer.clone(), told.clone()),
        _ => sink,
    };
    (sinks.into_iter().map(watch).collect(), told)
}

/// What a run needs beside its repository: all that can be checked before that is touched.
struct Prepared {
    agents: RoleAgents,
    /// All but `otel`.
    sinks: Vec<Box<dyn Sink>>,
    export: exported::Prepared,
    /// Where the session file goes, where there is to be one.
    sessions: Option<PathBuf>,
    folder: RunFolder,
}

impl Prepared {
    /// A folder is made last, and only where all else is well.
    fn new(
        settings: &RunSettings,
        task: &Task,
        run_id: &RunId,
        host: &Host,
        world: &World,
        programs: &Programs,
        printer: &mut Printer,
    ) -> Result<Self, CliError> {
        let agents = RoleAgents::find(settings, host)?;
        let (runs_dir, working_dir) = (&settings.runs_dir.value, &settings.working_dir.value);
        runs_dir::refuse_project_files(runs_dir, working_dir)?;
        let sinks = sinks_of(settings, run_id, world, programs)?;
        let export = exported::Prepared::new(settings)?;
        let recorded = settings.has_sink(&SinkSpec::Jsonl);
        let sessions = recorded.then(|| settings.data_dir.join("sessions"));
        let folder = match task {
            Task::New(_) => create_folders(sessions.as_deref(), runs_dir, run_id)?,
            Task::GoOn(recording, _) => recording.folder().clone(),
        };
        if let Err(error) = runs_dir::keep_out_of_git(runs_dir, working_dir) {
            printer.warning(format!("the evidence cannot be kept out of git: {error}"));
        }
        Ok(Self { agents, sinks, export, sessions, folder })
    }
}

/// The agents of both roles.
struct RoleAgents {
    actor: RoleAgent,
    critic: RoleAgent,
}

impl RoleAgents {
    fn find(settings: &RunSettings, host: &Host) -> Result<Self, CliError> {
        Ok(Self {
            actor: role_agent(&settings.actor, settings, host)?,
            critic: role_agent(&settings.critic, settings, host)?,
        })
    }

    /// What all calls of the run have in common.
    fn config(
        self,
        settings: &RunSettings,
        run_id: &RunId,
        base: &Base,
        evidence: &Path,
        redactor: Option<Arc<Redactor>>,
    ) -> AgentsConfig {
        AgentsConfig {
            actor: self.actor,
            critic: self.critic,
            critic_access: settings.critic_access.value,
            working_dir: settings.working_dir.value.clone(),
            evidence_root: evidence.to_owned(),
            run_id: run_id.clone(),
            commit_sha: base.commit_sha.clone(),
            branch: base.branch.clone(),
            max_output: settings.limits.max_output.value,
            grace: Grace::default(),
            redactor,
            telemetry: None,
        }
    }
}

/// What would keep a run with these settings from starting, as far as a look tells, each once. It is
/// told in the words of a start.
pub(crate) fn obstacles(settings: &RunSettings, host: &Host) -> Vec<CliError> {
    let working_dir = &settings.working_dir.value;
    // To ask git takes longer than all the rest of a dry run, so it is asked only where it will say no.
    let asked =
        if repository::top(working_dir).is_some() { Ok(()) } else { find_repository(working_dir) };
    let repository = asked.map_err(|error| workspace_error(&error));
    let [actor, critic] =
        [&settings.actor, &settings.critic].map(|role| role_agent(role, settings, host).map(drop));
    let runs_dir = runs_dir::refuse_project_files(&settings.runs_dir.value, working_dir);
    let otel = settings.otel.as_ref().map_or(Ok(()), Otel::check_files);
    let checked = [repository, actor, critic, runs_dir, otel];
    let mut found: Vec<CliError> = checked.into_iter().filter_map(Result::err).collect();
    found.dedup();
    found
}

/// The agent of a role, as it is called.
fn role_agent(
    role: &RoleSettings,
    settings: &RunSettings,
    host: &Host,
) -> Result<RoleAgent, CliError> {
    let agent = resolve(&role.agent.value, host).map_err(agent_error)?;
    let (permissions, _) = granted(&agent.spec, role.role, settings.permissions.value, host);
    let model = role.model.as_ref().map(|model| model.value.clone());
    Ok(RoleAgent { agent, model, permissions })
}

pub(crate) fn runtime() -> std::io::Result<Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()
}

/// How long the sinks may still take when somebody asked for the end; a second request is not kept
/// waiting.
const LAST_EVENTS: Duration = Duration::from_secs(2);

/// How long the last lines may then take.
const LAST_LINES: Duration = Duration::from_secs(2);

/// The run is over and recorded. From here on a signal hurries the process: first the sinks are given
/// up, so that the result is told all the same; then it ends, for what still holds it up is somebody who
/// does not read what we print.
fn end_when_asked(exit_code: u8, programs: Programs, hub: Option<Arc<Hub>>) {
    let asked = async move {
        let mut stops = stop_requests().ok()?;
        stops.recv().await?;
        // Mostly it was meant for the run, and nothing holds the last lines up.
        let _hurry = tokio::time::timeout(LAST_EVENTS, stops.recv()).await;
        hub.iter().for_each(|hub| hub.abandon("the user asked for the end"));
        programs.end();
        let _hurry = tokio::time::timeout(LAST_LINES, stops.recv()).await;
        Some(())
    };
    let listen = move || {
        if let Ok(runtime) = runtime()
            && runtime.block_on(asked).is_some()
        {
            #[expect(clippy::exit, reason = "main may be stuck in a write")]
            std::process::exit(exit_code.into());
        }
    };
    let thread = std::thread::Builder::new().name("late-signals".to_owned());
    if let Err(error) = thread.spawn(listen) {
        tracing::warn!(%error, "signals are not listened to any more");
    }
}

/// Makes the folders of the record. A run that cannot be recorded does not begin.
fn create_folders(
    sessions: Option<&Path>,
    runs_dir: &Path,
    run_id: &RunId,
) -> Result<RunFolder, CliError> {
    if let Some(dir) = sessions {
        SessionWriter::create_dir(dir).map_err(|error| {
            CliError::failed(error.to_string()).hint(
                "it must be a directory that you may write; name another data directory with \
                 `XDG_DATA_HOME`",
            )
        })?;
    }
    RunFolder::create(runs_dir, run_id).map_err(|error| {
        CliError::failed(error.to_string())
            .hint("it must be a directory that you may write; name another with `--runs-dir`")
    })
}

/// A text with the credentials in it masked, where they are to be.
pub(crate) fn masked(text: &str, redactor: Option<&Redactor>) -> String {
    redactor.map_or_else(|| text.to_owned(), |redactor| redactor.text(text).0.into_owned())
}

fn start_of(
    settings: &RunSettings,
    prompt: Prompt,
    run_id: &RunId,
    base: Base,
    evidence: &Path,
    redactor: Option<&Redactor>,
    world: &World,
) -> Start {
    let mut redacted = 0;
    let mut masked = |text: &str| {
        let Some(redactor) = redactor else { return text.to_owned() };
        let (text, count) = redactor.text(text);
        redacted += count;
        text.into_owned()
    };
    let mut engine = settings.engine(settings.permissions.value);
    for role in [&mut engine.actor, &mut engine.critic] {
        role.model = role.model.as_deref().map(&mut masked);
        role.title = masked(&role.title);
    }
    let recorded = masked(&prompt.text);
    redacted += mask_gates(&mut engine.gates, redactor);
    let takes_trace = settings.otel.as_ref().is_none_or(Otel::takes_trace_context);
    let trace = InheritedTrace::from_env(&world.env).filter(|_| takes_trace);
    let shown = |path: &PathBuf| path.to_string_lossy().into_owned();
    Start {
        prompt: recorded,
        task: prompt.text,
        redacted,
        working_dir: shown(&settings.working_dir.value),
        run_id: run_id.clone(),
        commit_sha: base.commit_sha,
        branch: base.branch,
        repository: Some(shown(&base.root)),
        base_tree: base.tree,
        parent: settings.parent.clone(),
        codeloops_version: env!("CARGO_PKG_VERSION").to_owned(),
        trace_id: trace.map(|trace| trace.trace_id.to_string()),
        trace_sampled: trace.as_ref().map(|trace| trace.sampled),
        parent_span_id: trace.map(|trace| trace.parent_span_id.to_string()),
        evidence_dir: Some(shown(&evidence.to_owned())),
        verify: Some(verify_command(settings, world)),
        settings: engine,
    }
}

/// Masks credentials in the commands of gates; gives how many there were.
/// Masks the commands of gates; tells at how many places.
pub(crate) fn mask_gates(gates: &mut [GateSettings], redactor: Option<&Redactor>) -> u64 {
    let Some(redactor) = redactor else { return 0 };
    let mask = |gate: &mut GateSettings| {
        let (command, count) = gates::masked(&gate.command, redactor);
        gate.command = command;
        count
    };
    gates.iter_mut().map(mask).sum()
}
