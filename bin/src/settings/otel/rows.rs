//! The settings of the sink as rows, for `--dry-run`.

use serde_json::Value;

use super::super::origin::{Origin, Sourced};
use super::super::rows::{Row, optional, path, word};
use super::{Otel, OtelSettings, SignalSettings};
use crate::secrets::MASK;
use crate::units::format_duration;

impl Otel {
    /// Every setting, with the values of headers hidden.
    #[must_use]
    pub fn rows(&self) -> Vec<Row> {
        match self {
            Self::Disabled => {
                let origin = Origin::Environment("OTEL_SDK_DISABLED".to_owned());
                vec![Row::new(&name("disabled"), true, origin)]
            }
            Self::On(settings) => settings.rows(),
        }
    }
}

impl OtelSettings {
    fn rows(&self) -> Vec<Row> {
        let mut rows = vec![plain("traces", &self.spans)];
        rows.extend(self.traces.rows(""));
        rows.push(plain("metrics", &self.has_metrics));
        rows.extend(self.metrics.iter().flat_map(|metrics| metrics.rows("metrics.")));
        rows.push(plain("service_name", &self.service_name));
        rows.extend(
            self.resource_attributes.iter().map(|(attribute, value)| {
                plain(&format!("resource_attributes.{attribute}"), value)
            }),
        );
        let sampler = &self.sampler;
        let limit = &self.max_value_bytes;
        rows.extend([
            word(&name("agents"), &self.agents),
            word(&name("content"), &self.content),
            plain("tools", &self.tools),
            plain("internal", &self.internal),
            optional(&name("trace_url"), self.trace_url.as_ref(), |url| url.as_str().into()),
            Row::new(&name("sampler"), sampler.value.shown(), &sampler.origin),
            plain("trace_context", &self.trace_context),
            Row::new(&name("max_value_bytes"), limit.value, &limit.origin),
        ]);
        rows
    }
}

impl SignalSettings {
    fn rows(&self, of: &str) -> Vec<Row> {
        let name = |key: &str| name(&format!("{of}{key}"));
        let timeout = format_duration(self.timeout.value);
        let mut rows = vec![
            Row::new(&name("endpoint"), self.shown_url(), &self.url.origin),
            word(&name("protocol"), &self.protocol),
            word(&name("compression"), &self.compression),
            Row::new(&name("timeout"), timeout, &self.timeout.origin),
        ];
        rows.extend(self.files().map(|(key, file)| optional(&name(key), file, |file| path(file))));
        let headers = self.headers.value.names();
        rows.extend(headers.map(|header| {
            Row::new(&name(&format!("headers.{header}")), MASK, &self.headers.origin)
        }));
        rows
    }
}

fn name(key: &str) -> String {
    format!("sinks.otel.{key}")
}

fn plain<T: Clone + Into<Value>>(key: &str, setting: &Sourced<T>) -> Row {
    Row::new(&name(key), setting.value.clone(), &setting.origin)
}
