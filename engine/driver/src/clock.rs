//! The system's clocks.

use std::sync::Arc;
use std::time::Instant;

use chrono::Utc;
use codeloops_event::Stamp;

use crate::ports::Clock;

/// Wall clock and monotonic clock of the operating system.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock {
    began: Instant,
}

impl SystemClock {
    /// The run begins now.
    #[must_use]
    pub fn start() -> Self {
        Self { began: Instant::now() }
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Stamp {
        let elapsed_ms = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        Stamp { at: to_millis(Utc::now()), elapsed_ms }
    }
}

/// Session lines hold milliseconds; what the machine sees is what is recorded.
fn to_millis(at: chrono::DateTime<Utc>) -> chrono::DateTime<Utc> {
    chrono::DateTime::from_timestamp_millis(at.timestamp_millis()).unwrap_or(at)
}

/// The clock of a run that goes on in another process: its monotonic clock stood still meanwhile.
pub struct ResumedClock {
    clock: Arc<dyn Clock>,
    began_ms: u64,
    recorded_ms: u64,
}

impl ResumedClock {
    /// Goes on now, from what the monotonic clock showed at the run's last line.
    #[must_use]
    pub fn from(clock: Arc<dyn Clock>, recorded_ms: u64) -> Self {
        Self { began_ms: clock.now().elapsed_ms, clock, recorded_ms }
    }
}

impl Clock for ResumedClock {
    fn now(&self) -> Stamp {
        let Stamp { at, elapsed_ms } = self.clock.now();
        let since = elapsed_ms.saturating_sub(self.began_ms);
        Stamp { at, elapsed_ms: self.recorded_ms.saturating_add(since) }
    }
}
