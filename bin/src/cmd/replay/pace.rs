//! When an event of a recording is shown: `--speed`.

use std::time::Duration;

use codeloops_event::{Event, Timestamp};
use codeloops_machine::invariants::elapsed_ms;
use tokio::time::Instant;

use crate::values::Speed;

/// Longer than anybody waits, and short enough for every clock.
const LONGEST: Duration = Duration::from_hours(24 * 365);

/// Keeps the gaps between the events that are shown, as many times shorter as was asked for.
#[derive(Debug)]
pub(super) struct Pace {
    speed: Speed,
    last: Option<Moment>,
    /// When the next event would be due if there were no gap before it.
    due: Instant,
}

/// When an event happened.
#[derive(Debug, Clone, Copy)]
struct Moment {
    at: Timestamp,
    elapsed_ms: u64,
}

impl Pace {
    pub(super) fn begin(speed: Speed) -> Self {
        Self { speed, last: None, due: Instant::now() }
    }

    /// When the next event is to be shown; `None` for at once.
    pub(super) fn next(&mut self, event: &Event) -> Option<Instant> {
        let gap = self.gap(event);
        let Speed::Times(times) = self.speed else { return None };
        let shortened = gap.as_secs_f64() / times;
        self.due += Duration::try_from_secs_f64(shortened).unwrap_or(LONGEST).min(LONGEST);
        Some(self.due)
    }

    /// An event that is not shown takes no time.
    pub(super) fn skip(&mut self, event: &Event) {
        self.gap(event);
    }

    /// The time between the last event and this one. The run's own clock tells it, which no setting of
    /// the machine's moves; where a file has none, as those of other programs, the times do.
    fn gap(&mut self, event: &Event) -> Duration {
        let Some(at) = event.timestamp() else { return Duration::ZERO };
        let now = Moment { at, elapsed_ms: elapsed_ms(event).unwrap_or(0) };
        let Some(last) = self.last.replace(now) else { return Duration::ZERO };
        if now.elapsed_ms == 0 {
            return (now.at - last.at).to_std().unwrap_or_default();
        }
        Duration::from_millis(now.elapsed_ms.saturating_sub(last.elapsed_ms))
    }
}

#[cfg(test)]
mod tests {
    use codeloops_event::IterationStarted;

    use super::*;

    fn event(at: &str, elapsed_ms: u64) -> Event {
        let timestamp = at.parse().unwrap();
        Event::IterationStarted(IterationStarted { timestamp, elapsed_ms, iteration: 1 })
    }

    /// After how long each is shown.
    fn shown_after(speed: Speed, events: &[Event]) -> Vec<Option<Duration>> {
        let mut pace = Pace::begin(speed);
        let begun = pace.due;
        events.iter().map(|event| pace.next(event).map(|due| due - begun)).collect()
    }

    const T0: &str = "2025-01-27T15:30:45Z";
    const T9: &str = "2025-01-27T15:30:54Z";

    #[test]
    fn gaps_are_as_they_were_or_so_many_times_shorter() {
        let events = [event(T0, 0), event(T9, 4000), event(T9, 10_000)];
        let ms = |ms: [u64; 3]| ms.map(|ms| Some(Duration::from_millis(ms))).to_vec();
        assert_eq!(shown_after(Speed::Times(1.0), &events), ms([0, 4000, 10_000]));
        assert_eq!(shown_after(Speed::Times(10.0), &events), ms([0, 400, 1000]));
        assert_eq!(shown_after(Speed::Times(0.5), &events), ms([0, 8000, 20_000]));
        assert_eq!(shown_after(Speed::Max, &events), [None, None, None]);
    }

    #[test]
    fn without_a_clock_of_the_run_the_times_tell() {
        let events = [event(T0, 0), event(T9, 0), event(T0, 0)];
        let after = shown_after(Speed::Times(1.0), &events);
        assert_eq!(after, [0, 9, 9].map(|secs| Some(Duration::from_secs(secs))));
    }

    #[test]
    fn what_is_not_shown_takes_no_time_and_no_gap_is_too_long() {
        let mut pace = Pace::begin(Speed::Times(1e-300));
        let begun = pace.due;
        assert_eq!(pace.next(&event(T0, 1)), Some(begun));
        pace.skip(&event(T0, u64::MAX));
        assert_eq!(pace.next(&event(T0, u64::MAX)), Some(begun));
        pace.skip(&event(T0, 1));
        assert_eq!(pace.next(&event(T0, u64::MAX)), Some(begun + LONGEST));
    }
}
