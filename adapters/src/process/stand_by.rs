//! Does the work of a call on a thread that may block, and tells it when it is to stop.

use std::io;

use codeloops_driver::ports::StopSignal;

use super::Control;

/// Why a call has no result.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoResult {
    /// There is no pipe to wake it by: nothing was begun.
    #[error("could not open a pipe: {0}")]
    NotBegun(io::Error),
    /// A defect of ours. What it had started may still run.
    #[error("{0}")]
    Panicked(tokio::task::JoinError),
}

/// Does `work` on a blocking thread of its own. Dropping the future tells it that nobody waits any more.
pub(crate) async fn stand_by<T: Send + 'static>(
    mut stop: StopSignal,
    work: impl FnOnce(Control) -> T + Send + 'static,
) -> Result<T, NoResult> {
    let (wake, waker) = io::pipe().map_err(NoResult::NotBegun)?;
    let control = Control { stop: stop.clone(), wake: wake.into() };
    let mut task = tokio::task::spawn_blocking(move || work(control));
    loop {
        tokio::select! {
            result = &mut task => return result.map_err(NoResult::Panicked),
            changed = stop.changed() => {
                if changed.is_err() {
                    return task.await.map_err(NoResult::Panicked);
                }
                // There are two levels to be told of, so the pipe has room; where it is closed,
                // the call is over.
                let _woken = rustix::io::write(&waker, b"!");
            }
        }
    }
}
