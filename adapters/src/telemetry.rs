//! What agents are told of the run's trace, and of where spans go; pure.
//!
//! Every agent gets `TRACEPARENT` of its own call. What is exported by codeloops is set up by
//! variables that agents read as well, so what of these reaches them is decided here, and never by
//! where codeloops was started.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::fmt::{self, Write};
use std::str::FromStr;

use codeloops_event::RunId;
use codeloops_event::trace::{SpanId, SpanPath, TraceContext};
use codeloops_machine::AgentCall;
use serde::{Deserialize, Serialize};

use crate::spec::AgentSpec;

/// What agents do with telemetry of their own while the run is exported as a trace.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AgentTelemetry {
    /// Nothing that is set up for codeloops, or around it, switches it on.
    #[default]
    Off,
    /// What they are set up for.
    Inherit,
    /// Those that can put their spans below ours, into the same receiver.
    Join,
}

impl AgentTelemetry {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Off, Self::Inherit, Self::Join];

    /// The word that stands for it in a configuration.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Inherit => "inherit",
            Self::Join => "join",
        }
    }
}

impl fmt::Display for AgentTelemetry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A word that says nothing of the agents' telemetry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is none of `off`, `inherit` and `join`")]
pub struct NoAgentTelemetry(pub String);

impl FromStr for AgentTelemetry {
    type Err = NoAgentTelemetry;

    fn from_str(word: &str) -> Result<Self, NoAgentTelemetry> {
        let found = Self::ALL.into_iter().find(|of| of.as_str() == word);
        found.ok_or_else(|| NoAgentTelemetry(word.to_owned()))
    }
}

/// How a program is made to put its own spans below ours.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Joins {
    /// It cannot.
    #[default]
    Not,
    /// These variables switch it on, and the standard ones of `OTEL_EXPORTER_OTLP_TRACES_*` say where
    /// spans go.
    ByVariables(BTreeMap<String, String>),
    /// `-c otel.trace_exporter=…` of Codex, which reads no variable but `TRACEPARENT`.
    ByCodexSetting,
}

/// How the receiver is spoken to, as `OTEL_EXPORTER_OTLP_PROTOCOL` names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReceiverProtocol {
    /// Protobuf over gRPC.
    Grpc,
    /// Protobuf over HTTP.
    HttpProtobuf,
}

/// Where spans go.
#[derive(Clone, PartialEq, Eq)]
pub struct Receiver {
    /// With gRPC its origin, with HTTP the whole URL that is posted to.
    pub url: String,
    /// How it is spoken to.
    pub protocol: ReceiverProtocol,
    /// What each request carries; the values are secrets.
    pub headers: Vec<(String, String)>,
    /// The file of the authorities that it is trusted by instead of the system's; an absolute path,
    /// for agents are started elsewhere.
    pub certificate: Option<String>,
    /// The files of our own certificate and its key; absolute paths.
    pub client: Option<ClientFiles>,
}

/// The files of a certificate and its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientFiles {
    /// The certificate.
    pub certificate: String,
    /// Its key.
    pub key: String,
}

/// Without the headers' values, and without the URL, which may hold a password.
impl fmt::Debug for Receiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.headers.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("Receiver")
            .field("protocol", &self.protocol)
            .field("headers", &names)
            .finish_non_exhaustive()
    }
}

impl Receiver {
    /// Whether it can be named without telling a secret.
    fn is_public(&self) -> bool {
        self.headers.is_empty() && !self.url.contains(['@', '?'])
    }

    /// The standard variables, for spans alone.
    fn variables(&self) -> BTreeMap<&'static str, String> {
        let protocol = match self.protocol {
            ReceiverProtocol::Grpc => "grpc",
            ReceiverProtocol::HttpProtobuf => "http/protobuf",
        };
        let headers: Vec<String> =
            self.headers.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
        let client = self.client.as_ref();
        let given = [
            ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", Some(self.url.clone())),
            ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", Some(protocol.to_owned())),
            ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", (!headers.is_empty()).then(|| headers.join(","))),
            ("OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE", self.certificate.clone()),
            (
                "OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE",
                client.map(|files| files.certificate.clone()),
            ),
            ("OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY", client.map(|files| files.key.clone())),
        ];
        given.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }

    /// Codex's setting.
    fn codex_setting(&self) -> String {
        let client = self.client.as_ref();
        let tls = toml_table(&[
            ("ca-certificate", self.certificate.as_deref()),
            ("client-certificate", client.map(|files| files.certificate.as_str())),
            ("client-private-key", client.map(|files| files.key.as_str())),
        ]);
        let (kind, protocol) = match self.protocol {
            ReceiverProtocol::Grpc => ("otlp-grpc", None),
            ReceiverProtocol::HttpProtobuf => ("otlp-http", Some("binary")),
        };
        let exporter = toml_table(&[("endpoint", Some(&self.url)), ("protocol", protocol)]);
        let exporter = match tls.as_str() {
            "" => exporter,
            tls => format!("{exporter},tls={{{tls}}}"),
        };
        format!("otel.trace_exporter={{{kind}={{{exporter}}}}}")
    }
}

/// The inside of a table of strings in TOML, which are written as in JSON.
fn toml_table(entries: &[(&str, Option<&str>)]) -> String {
    let given = entries.iter().filter_map(|(key, value)| Some((key, (*value)?)));
    let entries = given.map(|(key, value)| format!("{key}={}", serde_json::Value::from(value)));
    entries.collect::<Vec<_>>().join(",")
}

/// As `OTEL_EXPORTER_OTLP_HEADERS` has values: percent-encoded.
fn encoded(value: &str) -> String {
    value.bytes().fold(String::new(), |mut text, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            // Writing to a string does not fail.
            let _infallible = write!(text, "%{byte:02X}");
        }
        text
    })
}

/// What says what exports: ours must not make an agent report as codeloops.
const OF_OUR_SERVICE: [&str; 2] = ["OTEL_SERVICE_NAME", "OTEL_RESOURCE_ATTRIBUTES"];

/// What switches an agent's telemetry on, or says what becomes of it: variables that begin like this.
const OF_TELEMETRY: [&str; 4] = [
    "OTEL_",
    "CLAUDE_CODE_ENABLE_TELEMETRY",
    "CLAUDE_CODE_ENHANCED_TELEMETRY_BETA",
    "GEMINI_TELEMETRY_",
];

/// What all agents of a run are told of its trace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Telemetry {
    /// The trace.
    trace: TraceContext,
    /// Whether an agent is told of the span of its call.
    tells_span: bool,
    agents: AgentTelemetry,
    receiver: Receiver,
    /// Variables of our own that they do not get.
    withheld: BTreeSet<OsString>,
}

impl Telemetry {
    /// For agents that would get these variables from us. `inherited` is whether the trace is the one
    /// that codeloops was started in, of which `TRACESTATE` tells.
    #[must_use]
    pub fn new<'a>(
        trace: TraceContext,
        inherited: bool,
        agents: AgentTelemetry,
        receiver: Receiver,
        variables: impl IntoIterator<Item = &'a OsString>,
    ) -> Self {
        let is_withheld = |name: &&OsString| match agents {
            AgentTelemetry::Inherit => false,
            AgentTelemetry::Off | AgentTelemetry::Join => is_of_telemetry(name),
        };
        let mut withheld: BTreeSet<OsString> =
            variables.into_iter().filter(is_withheld).cloned().collect();
        withheld.extend(OF_OUR_SERVICE.map(OsString::from));
        if !inherited {
            withheld.insert("TRACESTATE".into());
        }
        Self { trace, tells_span: true, agents, receiver, withheld }
    }

    /// No agent is told of its span, nor of the trace that codeloops was started in.
    #[must_use]
    pub fn without_trace_context(mut self) -> Self {
        self.withheld.extend(["TRACEPARENT", "TRACESTATE"].map(OsString::from));
        self.tells_span = false;
        self
    }

    /// The variables of a call; one without a value is removed.
    pub(crate) fn variables(
        &self,
        run: &RunId,
        call: &AgentCall,
        spec: &AgentSpec,
    ) -> BTreeMap<OsString, Option<OsString>> {
        let mut env: BTreeMap<OsString, Option<OsString>> =
            self.withheld.iter().map(|name| (name.clone(), None)).collect();
        let (iteration, attempt) = (call.call.iteration, call.call.attempt);
        let span = SpanId::of_run(run, SpanPath::Agent { iteration, role: call.role, attempt });
        if self.tells_span {
            env.insert("TRACEPARENT".into(), Some(self.trace.traceparent(span).into()));
        }
        if let (AgentTelemetry::Join, Joins::ByVariables(own)) = (self.agents, &spec.joins) {
            let own = own.iter().map(|(name, value)| (name.into(), Some(value.into())));
            env.extend(own);
            let to = self.receiver.variables().into_iter();
            env.extend(to.map(|(name, value)| (name.into(), Some(value.into()))));
        }
        env
    }

    /// The arguments that make a program put its spans below ours. They hold no secret: everybody on
    /// the machine can read them.
    #[must_use]
    pub fn arguments(&self, spec: &AgentSpec) -> Vec<String> {
        match (self.agents, &spec.joins) {
            (AgentTelemetry::Join, Joins::ByCodexSetting) if self.receiver.is_public() => {
                vec!["-c".to_owned(), self.receiver.codex_setting()]
            }
            _ => Vec::new(),
        }
    }

    /// What the user should know where an agent was to join the trace, and does not for certain.
    #[must_use]
    pub fn note(&self, spec: &AgentSpec) -> Option<String> {
        if self.agents != AgentTelemetry::Join {
            return None;
        }
        let title = &spec.title;
        match &spec.joins {
            Joins::Not => Some(format!(
                "{title} is not known to put spans of its own into the trace; with \
                 `agents = \"inherit\"` it exports as it is set up, with `tools = true` codeloops \
                 tells of its tools"
            )),
            Joins::ByCodexSetting if !self.receiver.is_public() => Some(format!(
                "{title} puts no spans of its own into the trace: it takes the receiver's headers \
                 and URL as arguments, which everybody on this machine can read"
            )),
            Joins::ByVariables(_) if self.asks_for_certificates_over_http() => Some(format!(
                "{title} takes the receiver's certificates with `grpc` alone; with \
                 `http/protobuf` it trusts those that `NODE_EXTRA_CA_CERTS` names"
            )),
            Joins::ByVariables(_) | Joins::ByCodexSetting => None,
        }
    }

    fn asks_for_certificates_over_http(&self) -> bool {
        let Receiver { protocol, certificate, client, .. } = &self.receiver;
        *protocol == ReceiverProtocol::HttpProtobuf && (certificate.is_some() || client.is_some())
    }
}

fn is_of_telemetry(name: &OsStr) -> bool {
    let name = name.as_encoded_bytes();
    OF_TELEMETRY.iter().any(|begin| name.starts_with(begin.as_bytes()))
}

#[cfg(test)]
mod tests;
