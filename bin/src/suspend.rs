//! Ctrl+Z: the status line leaves the terminal before the shell has it.

use codeloops_driver::Suspends;
use codeloops_sinks::CLEAR_STATUS;

use crate::world::Stream;

/// Has each suspension clear what a live status shows on `terminal`, as long as the runtime lives.
/// What the terminal echoes of the key stands on that row, and goes too. The status comes back with
/// its next drawing.
pub(crate) fn clear_when_suspended(terminal: Stream) {
    match Suspends::listen() {
        Ok(Some(suspends)) => drop(tokio::spawn(watch(suspends, terminal))),
        // Whoever started us does not want it.
        Ok(None) => {}
        Err(error) => tracing::warn!(%error, "a suspension leaves the status on the terminal"),
    }
}

async fn watch(mut suspends: Suspends, terminal: Stream) {
    while suspends.next().await {
        // Held until the process goes on, so that nothing is drawn in between.
        terminal.hold(CLEAR_STATUS, || suspends.suspend());
    }
}
