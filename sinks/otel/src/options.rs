//! What the sink is told when it is made: everything resolved, nothing is read from the environment.

use std::fmt;
use std::time::Duration;

/// How the sink exports, and what.
#[derive(Debug, Clone, PartialEq)]
pub struct OtelOptions {
    /// Where spans go.
    pub traces: Target,
    /// Where metrics go; `None` where none are wanted.
    pub metrics: Option<Target>,
    /// What is exported from: `service.name`, `service.version` and the like.
    pub resource: Vec<(String, Value)>,
    /// Whether prompts, answers and diffs are exported as attributes.
    pub content: bool,
    /// Bytes that a text may have, where they are to be fewer than 2000.
    pub longest_text: Option<usize>,
    /// Whether what the agents' tools did is exported, as far as they tell while they work.
    pub tools: bool,
    /// Whether the run's spans are exported at all; where not, agents are told of the trace all the
    /// same.
    pub sampled: bool,
    /// A link to a trace, with `{trace_id}` where its id stands.
    pub trace_url: Option<String>,
}

/// A value of an attribute.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Text.
    Text(String),
    /// A whole number.
    Int(i64),
    /// A number.
    Float(f64),
    /// Yes or no.
    Bool(bool),
    /// Texts in order.
    Texts(Vec<String>),
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

/// A receiver of OTLP, for one signal.
#[derive(Clone, PartialEq, Eq)]
pub struct Target {
    /// With `grpc` the receiver's origin (`http://127.0.0.1:4317`), with `http/protobuf` the whole URL
    /// that is posted to (`http://127.0.0.1:4318/v1/traces`). Its scheme is `http` or `https`.
    pub url: String,
    /// How it is spoken to.
    pub protocol: Protocol,
    /// What each request carries; the values are secrets.
    pub headers: Vec<(String, String)>,
    /// Whether requests are packed.
    pub compression: Compression,
    /// How long one request may take. What may be sent again is so in a request of its own.
    pub timeout: Duration,
    /// How an `https` receiver is trusted, and how it trusts us.
    pub tls: Tls,
}

/// Without the headers' values.
impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.headers.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("Target")
            .field("url", &self.url)
            .field("protocol", &self.protocol)
            .field("headers", &names)
            .field("compression", &self.compression)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

/// How a receiver is spoken to, as `OTEL_EXPORTER_OTLP_PROTOCOL` names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// Protobuf over gRPC.
    Grpc,
    /// Protobuf over HTTP.
    HttpProtobuf,
}

impl Protocol {
    /// The name as it stands in flags, files and variables.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Grpc => "grpc",
            Self::HttpProtobuf => "http/protobuf",
        }
    }
}

/// Whether requests are packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// As they are.
    None,
    /// With gzip.
    Gzip,
}

/// How an `https` receiver is trusted, and how it trusts us.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Tls {
    /// Certificates of authorities that are trusted instead of the system's, in PEM.
    pub certificates: Option<Vec<u8>>,
    /// Our own certificate and its key, in PEM.
    pub client: Option<ClientIdentity>,
}

/// A certificate of ours with its key, both in PEM.
#[derive(Clone, PartialEq, Eq)]
pub struct ClientIdentity {
    /// The certificate, with those between it and its authority.
    pub certificate: Vec<u8>,
    /// Its key, which is a secret.
    pub key: Vec<u8>,
}
