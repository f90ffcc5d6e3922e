//! What is not as somebody may think who set up the sink.

use super::super::origin::Sourced;
use super::{OtelSettings, SignalSettings};

impl OtelSettings {
    /// What the settings tell, each once.
    pub(super) fn own_warnings(&self) -> Vec<String> {
        let of_signals = self.signals().flat_map(SignalSettings::warnings);
        let all = self.no_spans().into_iter();
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
