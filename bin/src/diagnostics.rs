//! What codeloops tells of itself: where `RUST_LOG` asks for it on standard error, and where
//! `[sinks.otel] internal` does to the receiver of the run's trace.

#[cfg(feature = "otel")]
mod internal;

use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::{EnvFilter, Layer, registry};

use crate::world::Environment;
#[cfg(feature = "otel")]
pub(crate) use internal::collect;

/// Begins to tell, if `RUST_LOG` is set. Without it nothing is set up: that would cost start-up
/// time. A process that tells already (a test) goes on as it does.
pub(crate) fn begin(env: &Environment) {
    let Some(filter) = env.var("RUST_LOG").and_then(|filter| filter.to_str()) else { return };
    let told = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(false);
    let subscriber = registry();
    #[cfg(feature = "otel")]
    let subscriber = subscriber.with(internal::slot());
    let subscriber = subscriber.with(told.with_filter(EnvFilter::new(filter)));
    if tracing::subscriber::set_global_default(subscriber).is_ok() {
        tracing::debug!(version = env!("CARGO_PKG_VERSION"), "codeloops begins");
    }
}
