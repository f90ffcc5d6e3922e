//! How long a replay waits for a sink that takes nothing.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use codeloops_sinks::Hub;

use crate::lost_console::CONSOLE;
use crate::units::format_duration;

/// Who is asked to take something has at least this long.
const LEAST: Duration = Duration::from_secs(1);

/// What each sink had still to consume, and since when.
pub(super) struct Patience {
    limit: Duration,
    waiting: BTreeMap<String, (usize, Instant)>,
}

impl Patience {
    pub(super) fn new(limit: Duration) -> Self {
        Self { limit: limit.max(LEAST), waiting: BTreeMap::new() }
    }

    /// Gives up each sink that has taken nothing for so long. The console may stand in a pager, and a
    /// trace is sent with limits of its own.
    pub(super) fn spent_on(&mut self, hub: &Hub, now: Instant) {
        let timed = |name: &str| name != CONSOLE && name != "otel";
        for (name, backlog) in hub.backlogs().filter(|(name, _)| timed(name)) {
            let (before, since) = self.waiting.entry(name.to_owned()).or_insert((backlog, now));
            if *before != backlog || backlog == 0 {
                (*before, *since) = (backlog, now);
            } else if now.duration_since(*since) >= self.limit {
                let limit = format_duration(self.limit);
                hub.give_up(name, &format!("it took nothing for {limit}"));
            }
        }
    }
}
