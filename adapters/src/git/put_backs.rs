//! Keeps the process from ending while something is put back.
//!
//! Whoever asked for it may be gone by then: a second Ctrl+C gives a check up, but not the thread
//! that works on it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::error::GitError;

/// The put-backs of a run, one at a time.
#[derive(Clone, Default)]
pub(super) struct PutBacks(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    /// Whether none may begin any more.
    is_over: bool,
    /// What became of the last one, until it is told.
    untold: Option<String>,
}

impl PutBacks {
    /// Puts back, unless the run is over. The changed tree is kept as `kept_as`. Tells whether it was
    /// possible.
    pub(super) fn run(
        &self,
        kept_as: &str,
        put_back: impl FnOnce() -> Result<bool, GitError>,
    ) -> Result<bool, GitError> {
        let mut state = self.state();
        if state.is_over {
            return Err(GitError::RunIsOver);
        }
        let done = put_back();
        state.untold = Some(match &done {
            Ok(false) => format!("the critic changed the working tree (kept as {kept_as})"),
            Ok(true) => {
                format!("the critic changed the working tree (kept as {kept_as}); it was put back")
            }
            Err(error) => format!(
                "the critic changed the working tree (kept as {kept_as}), and putting it back \
                 failed: {error}"
            ),
        });
        done
    }

    /// The answer has reached who asked.
    pub(super) fn told(&self) {
        self.state().untold = None;
    }

    /// Waits for one under way and lets none begin after it. Gives what nobody was told.
    pub(super) fn settle(&self) -> Option<String> {
        let mut state = self.state();
        state.is_over = true;
        state.untold.take()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
