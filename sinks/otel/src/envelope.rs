//! What stands around spans and metrics in a request: what they come from.

use opentelemetry_proto::tonic::common::v1::InstrumentationScope;
use opentelemetry_proto::tonic::metrics::v1::{Metric, ResourceMetrics, ScopeMetrics};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};

use crate::names;
use crate::options::Value;
use crate::span::attribute;

/// The resource and the scope.
#[derive(Debug, Clone)]
pub(crate) struct Envelope {
    resource: Resource,
    scope: InstrumentationScope,
}

impl Envelope {
    pub(crate) fn new(resource: &[(String, Value)]) -> Self {
        let attributes = resource.iter().map(|(name, value)| attribute(name, value.clone()));
        Self {
            resource: Resource { attributes: attributes.collect(), ..Resource::default() },
            scope: InstrumentationScope {
                name: names::SCOPE.to_owned(),
                version: env!("CARGO_PKG_VERSION").to_owned(),
                ..InstrumentationScope::default()
            },
        }
    }

    pub(crate) fn around_spans(&self, spans: Vec<Span>) -> Vec<ResourceSpans> {
        let scoped = ScopeSpans {
            scope: Some(self.scope.clone()),
            spans,
            schema_url: names::SCHEMA_URL.to_owned(),
        };
        vec![ResourceSpans {
            resource: Some(self.resource.clone()),
            scope_spans: vec![scoped],
            schema_url: names::SCHEMA_URL.to_owned(),
        }]
    }

    pub(crate) fn around_metrics(&self, metrics: Vec<Metric>) -> Vec<ResourceMetrics> {
        let scoped = ScopeMetrics {
            scope: Some(self.scope.clone()),
            metrics,
            schema_url: names::SCHEMA_URL.to_owned(),
        };
        vec![ResourceMetrics {
            resource: Some(self.resource.clone()),
            scope_metrics: vec![scoped],
            schema_url: names::SCHEMA_URL.to_owned(),
        }]
    }
}
