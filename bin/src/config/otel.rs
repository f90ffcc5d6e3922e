//! The keys of `[sinks.otel]`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use super::error::ConfigError;
use super::table::{Located, Raw, Section};
use crate::units::parse_duration;
use crate::values::otel::{
    AgentTelemetry, Compression, Content, Endpoint, Headers, Protocol, TraceUrl,
};

/// What a file says of the sink `otel`.
#[derive(Debug, Clone, Default, PartialEq)]
#[expect(missing_docs, reason = "each field is the key of the same name")]
pub struct OtelConfig {
    pub endpoint: Option<Located<Endpoint>>,
    pub protocol: Option<Located<Protocol>>,
    pub headers: Option<Located<Headers>>,
    pub compression: Option<Located<Compression>>,
    pub timeout: Option<Located<Duration>>,
    /// As written, like those of the other two.
    pub certificate: Option<Located<PathBuf>>,
    pub client_certificate: Option<Located<PathBuf>>,
    pub client_key: Option<Located<PathBuf>>,
    pub service_name: Option<Located<String>>,
    pub resource_attributes: BTreeMap<String, Located<String>>,
    pub agents: Option<Located<AgentTelemetry>>,
    pub content: Option<Located<Content>>,
    pub tools: Option<Located<bool>>,
    pub metrics: Option<Located<bool>>,
    pub internal: Option<Located<bool>>,
    pub trace_url: Option<Located<TraceUrl>>,
}

pub(super) fn otel(mut section: Section<'_>) -> Result<OtelConfig, ConfigError> {
    let otel = OtelConfig {
        endpoint: section.get("endpoint", |raw| raw.value_of("a URL", Endpoint::with_scheme))?,
        protocol: section.get("protocol", Raw::word)?,
        headers: section.get("headers", headers)?,
        compression: section.get("compression", Raw::word)?,
        timeout: section.get("timeout", timeout)?,
        certificate: section.get("certificate", path)?,
        client_certificate: section.get("client_certificate", path)?,
        client_key: section.get("client_key", path)?,
        service_name: section.get("service_name", Raw::name)?,
        resource_attributes: section.section("resource_attributes", resource_attributes)?,
        agents: section.get("agents", Raw::word)?,
        content: section.get("content", Raw::word)?,
        tools: section.get("tools", Raw::bool)?,
        metrics: section.get("metrics", Raw::bool)?,
        internal: section.get("internal", Raw::bool)?,
        trace_url: section
            .get("trace_url", |raw| raw.value_of("a string", str::parse::<TraceUrl>))?,
    };
    section.finish()?;
    Ok(otel)
}

fn headers(raw: &Raw<'_>) -> Result<Headers, ConfigError> {
    let mut headers = Headers::default();
    for (name, raw) in raw.table()?.entries() {
        headers.add(&name, &raw.string()?).map_err(|error| raw.bad_value(&error.0))?;
    }
    Ok(headers)
}

fn resource_attributes(
    section: Section<'_>,
) -> Result<BTreeMap<String, Located<String>>, ConfigError> {
    let attributes = section.entries().map(|(name, raw)| {
        if name.is_empty() {
            return Err(raw.bad_value("no attribute can be called that"));
        }
        Ok((name, raw.located(Raw::string)?))
    });
    attributes.collect()
}

fn timeout(raw: &Raw<'_>) -> Result<Duration, ConfigError> {
    match raw.quantity("a duration", parse_duration)? {
        Duration::ZERO => Err(raw.bad_value("it leaves no time")),
        timeout => Ok(timeout),
    }
}

fn path(raw: &Raw<'_>) -> Result<PathBuf, ConfigError> {
    raw.name().map(PathBuf::from)
}
