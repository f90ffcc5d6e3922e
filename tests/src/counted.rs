//! Time and ids that are counted: the same run gives the same words, byte for byte.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use chrono::{DateTime, Utc};
use codeloops_driver::ports::{Clock, Ids};
use codeloops_event::{Nonce, RunId, Stamp};

/// The id of a process's run. It must differ between all runs of the machine: by it, codeloops finds
/// the processes that an agent left behind, and ends them.
pub const RUN_ID: &str = "UNDER_TEST_RUN_ID";

/// 2025-01-27T15:30:45Z, in seconds since 1970.
const BEGIN: i64 = 1_737_991_845;

/// Counts how often it was asked.
#[derive(Debug, Default)]
pub struct Counted(AtomicU32);

impl Counted {
    /// A clock that begins at 2025-01-27T15:30:45Z and is one second later at each reading, and
    /// nonces that are numbered.
    #[must_use]
    pub fn clock_and_ids() -> (Arc<dyn Clock>, Arc<dyn Ids>) {
        (Arc::new(Self::default()), Arc::new(Self::default()))
    }

    fn next(&self) -> u32 {
        self.0.fetch_add(1, Ordering::Relaxed)
    }
}

impl Clock for Counted {
    fn now(&self) -> Stamp {
        let elapsed = Duration::from_secs(self.next().into());
        let begin = DateTime::<Utc>::from_timestamp(BEGIN, 0).expect("a time of our age");
        Stamp { at: begin + elapsed, elapsed_ms: elapsed.as_secs() * 1000 }
    }
}

impl Ids for Counted {
    fn nonce(&self) -> Nonce {
        Nonce(format!("{:016x}", self.next()))
    }
}

/// Gives the run id that the test chose.
#[must_use]
pub fn run_ids() -> Arc<dyn Fn() -> RunId + Send + Sync> {
    Arc::new(|| {
        let id = std::env::var(RUN_ID).expect("the kit names the run");
        id.parse().expect("the kit gives a run id")
    })
}
