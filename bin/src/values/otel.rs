//! The types of values of the sink `otel`.

mod endpoint;
mod headers;
mod pairs;

use std::str::FromStr;

pub use codeloops_adapters::telemetry::AgentTelemetry;
pub use endpoint::Endpoint;
pub use headers::Headers;
pub(crate) use pairs::pairs;

use super::{ValueError, Words};

/// How a receiver is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// Protobuf over gRPC.
    Grpc,
    /// Protobuf over HTTP.
    HttpProtobuf,
}

impl Words for Protocol {
    const WORDS: &'static [(&'static str, Self)] =
        &[("grpc", Self::Grpc), ("http/protobuf", Self::HttpProtobuf)];
}

/// Whether requests are packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// As they are.
    None,
    /// With gzip.
    Gzip,
}

impl Words for Compression {
    const WORDS: &'static [(&'static str, Self)] = &[("none", Self::None), ("gzip", Self::Gzip)];
}

/// What is told of prompts, answers and diffs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// Nothing but their sizes.
    Off,
    /// Their text, as attributes of spans.
    Attributes,
}

impl Words for Content {
    const WORDS: &'static [(&'static str, Self)] =
        &[("off", Self::Off), ("attributes", Self::Attributes)];
}

impl Words for AgentTelemetry {
    const WORDS: &'static [(&'static str, Self)] = &[
        (Self::Off.as_str(), Self::Off),
        (Self::Inherit.as_str(), Self::Inherit),
        (Self::Join.as_str(), Self::Join),
    ];
}

/// Which times the spans of a recording have.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Times {
    /// Those of the run.
    #[default]
    Original,
    /// The same put off, so that the last of them is now.
    Now,
}

impl Words for Times {
    const WORDS: &'static [(&'static str, Self)] =
        &[("original", Self::Original), ("now", Self::Now)];
}

/// A link to a trace, with a placeholder where its id stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceUrl(String);

impl TraceUrl {
    /// What stands for the id.
    pub const PLACEHOLDER: &str = "{trace_id}";

    /// The link as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for TraceUrl {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let refuse = |why: &str| Err(ValueError(why.to_owned()));
        if !["http://", "https://"].iter().any(|scheme| text.starts_with(scheme)) {
            return refuse("it must begin with `http://` or `https://`");
        }
        if !text.contains(Self::PLACEHOLDER) {
            return refuse("it lacks `{trace_id}`, which stands for the id of the trace");
        }
        if text.contains(char::is_control) {
            return refuse("it holds a control character");
        }
        Ok(Self(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_to_a_trace_says_where_its_id_stands() {
        let of = |text: &str| text.parse::<TraceUrl>().map(|url| url.0);
        let grafana = "https://g/explore?left={\"query\":\"{trace_id}\"}";
        assert_eq!(of(grafana).as_deref(), Ok(grafana));
        for wrong in [
            "",
            "http://jaeger/trace/",
            "jaeger/{trace_id}",
            "file:///{trace_id}",
            "http://{trace_id}\n",
        ] {
            assert!(of(wrong).is_err(), "{wrong}");
        }
    }
}
