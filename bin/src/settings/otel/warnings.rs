//! What is not as somebody may think who set up the sink.

use super::super::origin::{Origin, Sourced};
use super::{OtelSettings, SignalSettings};
use crate::values::otel::Content;

impl OtelSettings {
    /// What the settings tell, each once.
    pub(super) fn own_warnings(&self) -> Vec<String> {
        let of_signals = self.signals().flat_map(SignalSettings::warnings);
        let all =
            self.no_spans().into_iter().chain(self.named_for_one()).chain(self.content_told());
        let mut warnings: Vec<String> = Vec::new();
        for warning in all.chain(of_signals) {
            if !warnings.contains(&warning) {
                warnings.push(warning);
            }
        }
        warnings
    }

    fn no_spans(&self) -> Option<String> {
        let Sourced { value, origin } = &self.spans;
        (!value).then(|| format!("no spans are exported: `{origin}` says so"))
    }

    /// A variable of one signal says nothing of the other, which then goes to this machine.
    fn named_for_one(&self) -> Option<String> {
        let (spans, metrics) = (&self.traces.url, &self.metrics.as_ref()?.url);
        let (what, url, other, named) = match (&spans.origin, &metrics.origin) {
            (named, Origin::Default) if *named != Origin::Default => {
                ("metrics", metrics, "spans", named)
            }
            (Origin::Default, named) if *named != Origin::Default && self.spans.value => {
                ("spans", spans, "metrics", named)
            }
            _ => return None,
        };
        Some(format!(
            "{what} go to `{}`: `{named}` names the receiver of {other} alone, and \
             `OTEL_EXPORTER_OTLP_ENDPOINT` that of both",
            url.value
        ))
    }

    /// The variable may have been set for other programs.
    fn content_told(&self) -> Option<String> {
        let Sourced { value: Content::Attributes, origin: Origin::Environment(name) } =
            &self.content
        else {
            return None;
        };
        let told = format!("prompts, answers and diffs are exported: `{name}` says so");
        self.spans.value.then_some(told)
    }
}

impl SignalSettings {
    fn warnings(&self) -> impl Iterator<Item = String> {
        self.not_for_project().chain(self.unused_files())
    }

    fn not_for_project(&self) -> impl Iterator<Item = String> {
        self.withheld.iter().map(|(key, origin)| {
            format!(
                "`{key}` is not used ({origin}): the receiver is named by the project's file, and \
                 gets only what that file has for it; `--otel-endpoint` names one that gets yours"
            )
        })
    }
}
