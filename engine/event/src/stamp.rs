//! When something happened: a wall-clock time for people, a monotonic one for durations.

use chrono::{DateTime, Utc};

/// A wall-clock time, written as RFC 3339 in UTC.
pub type Timestamp = DateTime<Utc>;

/// The two readings that the driver takes once for each input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// Wall clock, for people and for waits that must survive a suspend.
    pub at: Timestamp,
    /// Milliseconds of the monotonic clock since the run began, summed over its processes.
    /// Every duration is a difference of two of these.
    pub elapsed_ms: u64,
}

impl Stamp {
    /// Seconds since the run began.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "2^53 ms are 285,000 years")]
    pub fn elapsed_secs(self) -> f64 {
        self.elapsed_ms as f64 / 1000.0
    }
}
