//! Keeps what has begun to be put back from being broken off.
//!
//! A second Ctrl+C ends a check at once, but not in the middle of this.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::error::GitError;

/// The put-backs of a run, one at a time.
#[derive(Clone, Default)]
pub(super) struct PutBacks(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    /// Whether none may begin any more.
    is_over: bool,
    /// Whether the check under way has begun one.
    has_begun: bool,
}

impl PutBacks {
    /// A check begins.
    pub(super) fn check_begins(&self) {
        self.state().has_begun = false;
    }

    /// Puts back, unless the run is over. Tells whether it was possible.
    pub(super) fn run<T>(
        &self,
        put_back: impl FnOnce() -> Result<T, GitError>,
    ) -> Result<T, GitError> {
        let mut state = self.state();
        if state.is_over {
            return Err(GitError::RunIsOver);
        }
        state.has_begun = true;
        put_back()
    }

    /// Waits for one under way and lets none begin after it. Tells whether the check under way had
    /// begun one.
    pub(super) fn end(&self) -> bool {
        let mut state = self.state();
        state.is_over = true;
        state.has_begun
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
