//! What the sink `otel` goes by: flags, `OTEL_*` variables, both configuration files and the built-in
//! defaults put together, each value with the place it came from.
//!
//! A variable that says where something goes, how and to whom is right or an error: a run may take
//! hours, and its trace would be missing or in the wrong hands. For all other variables the rule of
//! OpenTelemetry's specification stands: what is malformed is warned of and counts as not set.

mod attributes;
mod credentials;
mod files;
#[cfg(feature = "otel")]
mod options;
mod resource;
mod rows;
mod sampler;
mod signal;
mod variables;
mod warnings;

use std::collections::BTreeMap;

use codeloops_event::trace::TraceId;

pub use files::PemFiles;
pub use resource::{ExportedRun, resource};
pub use sampler::{Root, Sampler, sampled};
pub use signal::{Signal, SignalSettings};

use super::origin::{Layers, Origin, Sourced};
use crate::app::OtelArgs;
use crate::config::{ConfigFile, Located, ProjectSetting, Scope};
use crate::error::CliError;
use crate::inherited_trace::InheritedTrace;
use crate::values::otel::{AgentTelemetry, Content, TraceUrl};
use crate::values::{SinkSpec, ValueError, Words};
use crate::world::Environment;
use variables::Lenient;

/// Bytes of the longest value of an attribute: what Tempo takes, with room to spare.
pub const MAX_VALUE_BYTES: usize = 2000;

/// The sink as it is asked for.
#[derive(Debug, Clone)]
pub enum Otel {
    /// `OTEL_SDK_DISABLED` is true, so there is none.
    Disabled,
    /// There is one.
    On(Box<OtelSettings>),
}

/// The resolved settings of the sink.
#[derive(Debug, Clone)]
pub struct OtelSettings {
    /// How spans are sent.
    pub traces: SignalSettings,
    /// Whether spans are sent at all.
    pub spans: Sourced<bool>,
    /// How metrics are sent; none where they are not.
    pub metrics: Option<SignalSettings>,
    /// Whether metrics are sent.
    pub has_metrics: Sourced<bool>,
    /// What a run calls itself.
    pub service_name: Sourced<String>,
    /// What else is told of where it comes from.
    pub resource_attributes: BTreeMap<String, Sourced<String>>,
    /// What becomes of the agents' own telemetry.
    pub agents: Sourced<AgentTelemetry>,
    /// What is told of prompts, answers and diffs.
    pub content: Sourced<Content>,
    /// Whether what the agents' tools did is exported.
    pub tools: Sourced<bool>,
    /// Whether the program's own spans are exported.
    pub internal: Sourced<bool>,
    /// A link to a trace.
    pub trace_url: Option<Sourced<TraceUrl>>,
    /// Which runs are exported.
    pub sampler: Sourced<Sampler>,
    /// Whether `TRACEPARENT` is read, and given to the agents.
    pub trace_context: Sourced<bool>,
    /// Bytes of the longest value of an attribute.
    pub max_value_bytes: Sourced<usize>,
    /// What is not as some variable or file has it.
    pub warnings: Vec<String>,
}

impl Otel {
    /// Puts everything together, for a command that has these sinks.
    ///
    /// # Errors
    /// Where a flag is given and there is no such sink, this build has none, or a flag or variable is
    /// not accepted.
    pub(super) fn resolve(
        sinks: &[SinkSpec],
        args: &OtelArgs,
        layers: Layers<'_>,
        env: &Environment,
    ) -> Result<Option<Self>, CliError> {
        if !sinks.contains(&SinkSpec::Otel) {
            return refuse_without_sink(args).map(|()| None);
        }
        Self::of_sink(args, layers, env).map(Some)
    }

    /// The same for a command that does nothing but export, whatever sinks a run has.
    ///
    /// # Errors
    /// As [`Self::resolve`], and where nothing is to be exported.
    pub(super) fn of_export(
        args: &OtelArgs,
        layers: Layers<'_>,
        env: &Environment,
    ) -> Result<Self, CliError> {
        let otel = Self::of_sink(args, layers, env)?;
        let why = match &otel {
            Self::Disabled => "`OTEL_SDK_DISABLED` is true".to_owned(),
            Self::On(settings) if settings.spans.value => return Ok(otel),
            Self::On(settings) => format!("`{}` says so", settings.spans.origin),
        };
        Err(CliError::usage(format!("no spans are exported: {why}"))
            .hint("leave that variable out"))
    }

    fn of_sink(args: &OtelArgs, layers: Layers<'_>, env: &Environment) -> Result<Self, CliError> {
        if !cfg!(feature = "otel") {
            return Err(CliError::usage("this build of codeloops has no sink `otel`").hint(
                "use one that was built with the feature `otel`, as the released programs are",
            ));
        }
        let mut lenient = Lenient::new(env);
        let disabled = lenient.value("OTEL_SDK_DISABLED", variables::boolean);
        if disabled.is_some_and(|disabled| disabled.value) {
            return Ok(Self::Disabled);
        }
        let settings = OtelSettings::resolve(args, layers, lenient)?;
        Ok(Self::On(Box::new(settings)))
    }

    /// What is not as it was asked for.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        match self {
            Self::Disabled => {
                vec!["there is no sink `otel`: `OTEL_SDK_DISABLED` is true".to_owned()]
            }
            Self::On(settings) => settings.warnings.clone(),
        }
    }

    /// Whether the run belongs to the trace that `TRACEPARENT` names.
    #[must_use]
    pub fn takes_trace_context(&self) -> bool {
        match self {
            Self::Disabled => true,
            Self::On(settings) => settings.trace_context.value,
        }
    }

    /// Whether spans are exported where no sampler decides.
    #[must_use]
    pub fn exports_spans(&self) -> bool {
        matches!(self, Self::On(settings) if settings.spans.value)
    }

    /// Where spans are sent, as it can be shown; none where they are not.
    #[must_use]
    pub fn receiver(&self) -> Option<&str> {
        match self {
            Self::Disabled => None,
            Self::On(settings) => Some(settings.traces.address()),
        }
    }

    /// Whether the trace that a run is started in is exported; none where it is started in none.
    #[must_use]
    pub fn parent_sampled(&self, env: &Environment) -> Option<bool> {
        let trace = InheritedTrace::from_env(env).filter(|_| self.takes_trace_context());
        trace.map(|trace| trace.sampled)
    }

    /// What the project's file says that somebody else is told, and where.
    #[must_use]
    pub fn project_settings(&self) -> Vec<ProjectSetting> {
        match self {
            Self::Disabled => Vec::new(),
            Self::On(settings) => settings.project_settings(),
        }
    }

    /// Makes sure that the files that are named are there.
    ///
    /// # Errors
    /// As [`SignalSettings::read_files`].
    pub fn check_files(&self) -> Result<(), CliError> {
        let Self::On(settings) = self else { return Ok(()) };
        settings.signals().try_for_each(|signal| signal.read_files().map(drop))
    }
}

/// A flag of the sink where there is none would do nothing, which is told too late by a trace that is
/// not there.
fn refuse_without_sink(args: &OtelArgs) -> Result<(), CliError> {
    let given = [
        (args.otel_endpoint.is_some(), "--otel-endpoint"),
        (args.otel_protocol.is_some(), "--otel-protocol"),
    ];
    let Some((_, flag)) = given.into_iter().find(|(given, _)| *given) else { return Ok(()) };
    Err(CliError::usage(format!("`{flag}` is given, but there is no sink `otel`"))
        .hint("add `--sink console --sink otel`, or put \"otel\" into `enabled` of `[sinks]`"))
}

impl OtelSettings {
    fn resolve(
        args: &OtelArgs,
        layers: Layers<'_>,
        mut lenient: Lenient<'_>,
    ) -> Result<Self, CliError> {
        let env = lenient.env();
        let metrics = has_metrics(layers, &mut lenient);
        let of = |signal| SignalSettings::resolve(signal, args, layers, env);
        let (service_name, resource_attributes) = attributes::attributes(layers, &mut lenient);
        let settings = Self {
            traces: of(Signal::Traces)?,
            spans: has_spans(&mut lenient),
            metrics: metrics.value.then(|| of(Signal::Metrics)).transpose()?,
            has_metrics: metrics,
            service_name,
            resource_attributes,
            agents: file_or(layers, |f| &f.sinks.otel.agents, AgentTelemetry::Off),
            content: content(layers, &mut lenient),
            tools: file_or(layers, |f| &f.sinks.otel.tools, false),
            internal: file_or(layers, |f| &f.sinks.otel.internal, false),
            trace_url: layers.find("", None, |f| &f.sinks.otel.trace_url),
            sampler: sampler::sampler(&mut lenient),
            trace_context: takes_trace_context(&mut lenient),
            max_value_bytes: max_value_bytes(&mut lenient),
            warnings: Vec::new(),
        };
        let warnings = [lenient.warnings, settings.own_warnings()].concat();
        Ok(Self { warnings, ..settings })
    }

    fn signals(&self) -> impl Iterator<Item = &SignalSettings> {
        std::iter::once(&self.traces).chain(&self.metrics)
    }

    /// Whether the spans of a run are exported: some are, and the sampler takes it. `parent_sampled`
    /// is what [`Otel::parent_sampled`] gives.
    #[must_use]
    pub fn samples(&self, trace_id: TraceId, parent_sampled: Option<bool>) -> bool {
        self.spans.value && sampled(&self.sampler.value, trace_id, parent_sampled)
    }

    fn project_settings(&self) -> Vec<ProjectSetting> {
        let told = |key, origin: &Origin, value: String| {
            is_projects(origin).then_some(ProjectSetting::Export { key, value })
        };
        let endpoint =
            |signal: &SignalSettings| told("endpoint", &signal.url.origin, signal.shown_url());
        let headers = |SignalSettings { headers, .. }: &SignalSettings| {
            let names = headers.value.names().collect::<Vec<_>>().join(", ");
            told("headers", &headers.origin, names)
        };
        let files = self.traces.files().map(|(key, file)| {
            let file = file?;
            told(key, &file.origin, file.value.display().to_string())
        });
        let content = told("content", &self.content.origin, self.content.value.word().to_owned());
        let agents = told("agents", &self.agents.origin, self.agents.value.word().to_owned());
        let all = [
            self.signals().find_map(endpoint),
            self.signals().find_map(headers),
            content.filter(|_| self.content.value != Content::Off),
            agents.filter(|_| self.agents.value != AgentTelemetry::Off),
        ];
        all.into_iter().chain(files).flatten().collect()
    }
}

fn is_projects(origin: &Origin) -> bool {
    matches!(origin, Origin::File { scope: Scope::Project, .. })
}

fn file_or<T: Clone>(
    layers: Layers<'_>,
    key: impl Fn(&ConfigFile) -> &Option<Located<T>>,
    default: T,
) -> Sourced<T> {
    layers.or("", None, key, default)
}

const fn by_default<T>(value: T) -> Sourced<T> {
    Sourced { value, origin: Origin::Default }
}

/// Exporters that a list in a variable names: OTLP, others, or none.
fn exports(text: &str) -> Result<bool, ValueError> {
    let mut names = text.split(',').map(str::trim);
    if names.clone().any(|name| name == "otlp") {
        return Ok(true);
    }
    if names.all(|name| name == "none") {
        return Ok(false);
    }
    Err(ValueError("codeloops exports by `otlp` alone".to_owned()))
}

fn has_spans(lenient: &mut Lenient<'_>) -> Sourced<bool> {
    lenient.value("OTEL_TRACES_EXPORTER", exports).unwrap_or(by_default(true))
}

/// `otlp` stands for what a program does anyway, so it switches nothing on.
fn has_metrics(layers: Layers<'_>, lenient: &mut Lenient<'_>) -> Sourced<bool> {
    let exported = lenient.value("OTEL_METRICS_EXPORTER", exports);
    let none = exported.filter(|exported| !exported.value);
    none.unwrap_or_else(|| file_or(layers, |f| &f.sinks.otel.metrics, false))
}

fn content(layers: Layers<'_>, lenient: &mut Lenient<'_>) -> Sourced<Content> {
    let name = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT";
    let captured = lenient.value(name, |text| match text.to_ascii_lowercase().as_str() {
        "true" | "span_only" | "span_and_event" => Ok(Content::Attributes),
        // There are no events but those of spans.
        "false" | "no_content" | "event_only" => Ok(Content::Off),
        _ => Err(ValueError(
            "it is none of `true`, `false`, `no_content`, `span_only`, `event_only` and \
             `span_and_event`"
                .to_owned(),
        )),
    });
    captured.unwrap_or_else(|| file_or(layers, |f| &f.sinks.otel.content, Content::Off))
}

fn takes_trace_context(lenient: &mut Lenient<'_>) -> Sourced<bool> {
    let names = |text: &str| Ok(text.split(',').any(|name| name.trim() == "tracecontext"));
    lenient.value("OTEL_PROPAGATORS", names).unwrap_or(by_default(true))
}

/// The limit of a variable is in characters; so many bytes are never more.
fn max_value_bytes(lenient: &mut Lenient<'_>) -> Sourced<usize> {
    let number = |text: &str| {
        text.parse::<usize>().map_err(|_| ValueError("it is not a whole number".to_owned()))
    };
    let names = ["OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT"];
    let limit = names.into_iter().find_map(|name| lenient.value(name, number));
    limit.filter(|limit| limit.value < MAX_VALUE_BYTES).unwrap_or(by_default(MAX_VALUE_BYTES))
}

#[cfg(test)]
#[cfg(feature = "otel")]
mod tests;
#[cfg(test)]
#[cfg(not(feature = "otel"))]
mod without;
