//! Collects the program's own spans, whether or not it tells on standard error as well.

use std::sync::OnceLock;

use codeloops_sink_otel::InternalSpans;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::{Registry, registry, reload};

type Collector = Option<Box<dyn Layer<Registry> + Send + Sync>>;

/// Where the collector goes in a process that tells already: its settings come later than that.
static SLOT: OnceLock<reload::Handle<Collector, Registry>> = OnceLock::new();

/// An empty place for the collector.
pub(super) fn slot() -> impl Layer<Registry> + Send + Sync {
    let (slot, handle) = reload::Layer::new(Collector::None);
    let _once = SLOT.set(handle);
    slot.with_filter(InternalSpans::filter())
}

/// Begins to collect.
pub(crate) fn collect() -> InternalSpans {
    let spans = InternalSpans::default();
    let layer = spans.layer::<Registry>();
    let collecting = match SLOT.get() {
        Some(slot) => slot.reload(Some(layer.boxed())).map_err(|error| error.to_string()),
        None => {
            let subscriber = registry().with(layer.with_filter(InternalSpans::filter()));
            let set = tracing::subscriber::set_global_default(subscriber);
            set.map_err(|error| error.to_string())
        }
    };
    if let Err(error) = collecting {
        tracing::warn!(%error, "the program's own spans are not collected");
    }
    spans
}
