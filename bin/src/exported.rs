//! A run or a recording that is exported as a trace: its sink `otel`, and what agents are told of it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::TimeDelta;
use codeloops_adapters::git::{Base, origin_of};
use codeloops_adapters::telemetry::{ClientFiles, Receiver, ReceiverProtocol, Telemetry};
use codeloops_event::trace::{TraceContext, TraceId};
use codeloops_event::{Event, RunId, SessionStart};
use codeloops_session::SessionReader;
use codeloops_sink_otel::{
    Feed, InternalSpans, OtelOptions, OtelSink, Protocol, SetUpError, run_id_of,
};
use codeloops_sinks::Sink;

use crate::diagnostics;
use crate::error::CliError;
use crate::inherited_trace::InheritedTrace;
use crate::record::RecordedLater;
use crate::recorded_trace::Sent;
use crate::settings::RunSettings;
use crate::settings::otel::{ExportedRun, Otel, OtelSettings};
use crate::start_notes::Note;
use crate::world::{Environment, World};

/// What a run exports, before it is known what it works on.
pub(crate) struct Prepared {
    internal: Option<InternalSpans>,
}

/// What a run exports.
pub(crate) struct Export {
    /// None where nothing is to be exported.
    exported: Option<Exported>,
    telemetry: Option<Telemetry>,
    internal: Option<InternalSpans>,
}

/// A run whose repository is open.
#[derive(Clone, Copy)]
pub(crate) struct Opened<'a> {
    pub(crate) settings: &'a RunSettings,
    pub(crate) run_id: &'a RunId,
    pub(crate) base: &'a Base,
    /// The first line, where it is gone on with.
    pub(crate) recorded: Option<&'a SessionStart>,
}

impl Prepared {
    /// Checks that the receivers can be spoken to as the settings say, and begins to collect the
    /// program's own spans where these are wanted.
    pub(crate) fn new(settings: &RunSettings) -> Result<Self, CliError> {
        let Some(Otel::On(otel)) = &settings.otel else { return Ok(Self { internal: None }) };
        for target in otel.targets()? {
            target.check().map_err(|error| set_up(&error))?;
        }
        Ok(Self { internal: otel.internal.value.then(diagnostics::collect) })
    }

    pub(crate) fn of(self, run: Opened<'_>, world: &World) -> Result<Export, CliError> {
        let Self { internal } = self;
        let none = Export { exported: None, telemetry: None, internal: None };
        let Some(Otel::On(settings)) = &run.settings.otel else { return Ok(none) };
        let otel = Otel::On(settings.clone());
        // Decided once for a run.
        let parent_sampled = match run.recorded {
            Some(start) => start.trace_sampled,
            None => otel.parent_sampled(&world.env),
        };
        let subject = run.subject(&otel, world);
        let Some(mut exported) = Exported::new(&otel, subject, parent_sampled, &world.env)? else {
            return Ok(none);
        };
        exported.is_inherited = started_in(&otel, world) == Some(exported.trace.trace_id);
        let telemetry = Some(exported.telemetry(settings, &world.env));
        Ok(Export { exported: Some(exported), telemetry, internal })
    }
}

impl Opened<'_> {
    /// A run that is gone on with stays what it was, in the trace that it was in.
    fn subject(&self, otel: &Otel, world: &World) -> Subject<'_> {
        let this = Subject {
            run_id: self.run_id,
            commit: self.base.commit_sha.as_deref(),
            branch: self.base.branch.as_deref(),
            working_dir: &self.settings.working_dir.value,
            version: env!("CARGO_PKG_VERSION"),
            started_in: started_in(otel, world),
        };
        match self.recorded {
            None => this,
            Some(start) => {
                Subject { version: this.version, ..Subject::recorded(start, self.run_id) }
            }
        }
    }
}

impl Export {
    /// What a user should know of agents that were to put spans of their own into the trace.
    pub(crate) fn notes(&self, settings: &RunSettings) -> Vec<Note> {
        let agents = [&settings.actor, &settings.critic].map(|role| &role.agent.value);
        let telemetry = self.telemetry.iter();
        let mut notes: Vec<String> = telemetry
            .flat_map(|telemetry| agents.iter().filter_map(|agent| telemetry.note(agent)))
            .collect();
        notes.dedup();
        notes.into_iter().map(Note::new).collect()
    }

    /// What agents are told.
    pub(crate) fn telemetry(&self) -> Option<Telemetry> {
        self.telemetry.clone()
    }

    /// The sink of the run, where it has one.
    pub(crate) fn sink(
        self,
        recorded: &RecordedLater,
        close_within: Duration,
    ) -> Result<Option<Box<dyn Sink>>, CliError> {
        let Some(exported) = self.exported else { return Ok(None) };
        exported.live_sink(recorded, self.internal, close_within).map(Some)
    }
}

/// The sink of a recording, where it has one. It was asked for, so no sampler is.
pub(crate) fn sink_of_recording(
    otel: Option<&Otel>,
    recording: &Recording<'_>,
    close_within: Duration,
    env: &Environment,
) -> Result<Option<Box<dyn Sink>>, CliError> {
    let exporter = Exporter::new(otel, recording, close_within, env)?;
    Ok(exporter.map(|Exporter(sink)| Box::new(sink) as Box<dyn Sink>))
}

/// The sink of a recording that is fed to nothing else.
pub(crate) struct Exporter(OtelSink);

impl Exporter {
    pub(crate) fn new(
        otel: Option<&Otel>,
        recording: &Recording<'_>,
        close_within: Duration,
        env: &Environment,
    ) -> Result<Option<Self>, CliError> {
        let Some(otel) = otel else { return Ok(None) };
        let run_id = run_id_of(recording.start);
        let subject = Subject::recorded(recording.start, &run_id);
        let Some(mut exported) = Exported::new(otel, subject, None, env)? else { return Ok(None) };
        exported.options.sampled = otel.exports_spans();
        let name = recording.name.clone();
        let Recording { shift, is_over, .. } = *recording;
        let feed = Feed::Recording { shift, is_over };
        exported.sink(feed, move || name.clone(), close_within).map(Self).map(Some)
    }

    /// Exports these events, and waits until that is done; none where they tell of no run.
    pub(crate) fn export(self, events: impl Iterator<Item = Event>) -> Option<Sent> {
        let Self(mut sink) = self;
        let told = events.into_iter().try_for_each(|event| sink.accept(&event));
        let lost = told.and_then(|()| sink.finish()).err().map(|error| error.to_string());
        let exported = sink.exported()?;
        let trace_id = exported.trace.to_string();
        Some(Sent { trace_id, spans: exported.spans, url: exported.url, lost })
    }
}

/// A recording that is exported.
pub(crate) struct Recording<'a> {
    pub(crate) start: &'a SessionStart,
    /// The session's name.
    pub(crate) name: Option<String>,
    /// By how much its times are put off.
    pub(crate) shift: TimeDelta,
    /// Whether the process that wrote it is gone, so that what it left open is over.
    pub(crate) is_over: bool,
}

/// What is exported, and how.
struct Exported {
    options: OtelOptions,
    /// The trace; `sampled` is what agents are told.
    trace: TraceContext,
    /// Whether it is the one that this process was started in.
    is_inherited: bool,
}

/// What is known of a run when its sink is made.
#[derive(Debug, Clone, Copy)]
struct Subject<'a> {
    run_id: &'a RunId,
    commit: Option<&'a str>,
    branch: Option<&'a str>,
    working_dir: &'a Path,
    /// The release that carries it out.
    version: &'a str,
    /// The trace that it was started in.
    started_in: Option<TraceId>,
}

impl<'a> Subject<'a> {
    /// What a recording tells of itself.
    fn recorded(start: &'a SessionStart, run_id: &'a RunId) -> Self {
        Self {
            run_id,
            commit: start.commit_sha.as_deref(),
            branch: start.branch.as_deref(),
            working_dir: Path::new(&start.working_dir),
            version: start.codeloops_version.as_deref().unwrap_or("unknown"),
            started_in: start.trace_id.as_ref().and_then(|id| id.parse().ok()),
        }
    }
}

impl Exported {
    fn new(
        otel: &Otel,
        subject: Subject<'_>,
        parent_sampled: Option<bool>,
        env: &Environment,
    ) -> Result<Option<Self>, CliError> {
        let Subject { run_id, commit, branch, version, .. } = subject;
        let trace_id = subject.started_in.unwrap_or_else(|| TraceId::of_run(run_id));
        let remote = origin_of(subject.working_dir);
        let remote = remote.as_deref();
        let run = ExportedRun { run_id, trace_id, parent_sampled, version, commit, branch, remote };
        let Some(options) = otel.options(&run, env)? else { return Ok(None) };
        let trace = TraceContext { trace_id, sampled: options.sampled };
        Ok(Some(Self { options, trace, is_inherited: false }))
    }

    /// What agents are told.
    fn telemetry(&self, settings: &OtelSettings, env: &Environment) -> Telemetry {
        let traces = &self.options.traces;
        let file = |path: Option<&PathBuf>| path.map(|path| path.display().to_string());
        let [ca, certificate, key] = settings.traces.pem_paths();
        let receiver = Receiver {
            url: traces.url.clone(),
            protocol: match traces.protocol {
                Protocol::Grpc => ReceiverProtocol::Grpc,
                Protocol::HttpProtobuf => ReceiverProtocol::HttpProtobuf,
            },
            headers: traces.headers.clone(),
            certificate: file(ca),
            client: file(certificate)
                .zip(file(key))
                .map(|(certificate, key)| ClientFiles { certificate, key }),
        };
        let variables: Vec<OsString> = env.names().cloned().collect();
        let agents = settings.agents.value;
        let telemetry = Telemetry::new(self.trace, self.is_inherited, agents, receiver, &variables);
        if settings.trace_context.value { telemetry } else { telemetry.without_trace_context() }
    }

    /// The sink of a run.
    fn live_sink(
        &self,
        recorded: &RecordedLater,
        internal: Option<InternalSpans>,
        close_within: Duration,
    ) -> Result<Box<dyn Sink>, CliError> {
        let later = recorded.clone();
        let name = move || later.get().map(|recorded| recorded.id.to_string());
        let mut sink = self.sink(Feed::Live, name, close_within)?;
        if let Some(recorded) = recorded.get() {
            // A run that goes on: earlier processes have told of it.
            let reader = SessionReader::open(&recorded.path)
                .map_err(|error| CliError::failed(error.to_string()))?;
            reader.filter_map(Result::ok).for_each(|event| sink.catch_up(&event));
        }
        Ok(match internal {
            Some(spans) => Box::new(sink.with_internal(spans)),
            None => Box::new(sink),
        })
    }

    fn sink(
        &self,
        feed: Feed,
        name: impl Fn() -> Option<String> + Send + 'static,
        close_within: Duration,
    ) -> Result<OtelSink, CliError> {
        OtelSink::new(&self.options, feed, name, close_within).map_err(|error| set_up(&error))
    }
}

fn set_up(error: &SetUpError) -> CliError {
    CliError::usage(format!("the sink `otel` cannot be set up: {error}"))
        .hint("`codeloops run --dry-run` shows what it goes by, and from where")
}

/// The trace that a run of this process is started in.
fn started_in(otel: &Otel, world: &World) -> Option<TraceId> {
    let inherited = InheritedTrace::from_env(&world.env);
    inherited.filter(|_| otel.takes_trace_context()).map(|trace| trace.trace_id)
}
