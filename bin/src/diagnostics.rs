//! What codeloops tells of itself where `RUST_LOG` asks for it, on standard error.

use tracing_subscriber::EnvFilter;

use crate::world::Environment;

/// Begins to tell, if `RUST_LOG` is set. Without it nothing is set up: that would cost start-up
/// time. A process that tells already (a test) goes on as it does.
pub(crate) fn begin(env: &Environment) {
    let Some(filter) = env.var("RUST_LOG").and_then(|filter| filter.to_str()) else { return };
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(filter))
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .finish();
    if tracing::subscriber::set_global_default(subscriber).is_ok() {
        tracing::debug!(version = env!("CARGO_PKG_VERSION"), "codeloops begins");
    }
}
