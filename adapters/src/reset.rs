//! When a usage window resets, from the words in which a program tells it to people; pure.

use chrono::{DateTime, Datelike, FixedOffset, NaiveDate, NaiveTime, TimeDelta};
use codeloops_event::Timestamp;

/// Finds the reset in a message: a time of day or a date in the zone of `now`, which is the zone that
/// the program had as well, or how long it takes from `now` on.
pub(crate) fn told_in(message: &str, now: DateTime<FixedOffset>) -> Option<Timestamp> {
    let words = message.to_lowercase();
    let after = |marker: &str| words.split_once(marker).map(|(_, rest)| rest);
    if let Some(rest) = after("limit reached|") {
        return at_epoch(number(rest)?);
    }
    if let Some(rest) = after("try again at ") {
        return Some(moment(rest, now)?.to_utc());
    }
    let rest = after("try again in ").or_else(|| after("quota will reset after "))?;
    now.to_utc().checked_add_signed(span(rest)?).filter(is_of_calendar)
}

/// A moment that a provider tells in seconds since 1970. Thousandths of seconds are taken for none: RFC
/// 3339 has no year that they would come to.
pub(crate) fn at_epoch(secs: i64) -> Option<Timestamp> {
    Timestamp::from_timestamp(secs, 0).filter(is_of_calendar)
}

fn is_of_calendar(at: &Timestamp) -> bool {
    (0..=9999).contains(&at.year())
}

/// `3:04 pm`, of the day of `now`, or `nov 25th, 2026 3:04 pm`. It is told without its seconds, so that
/// it has surely come only when the minute is over.
fn moment(words: &str, now: DateTime<FixedOffset>) -> Option<DateTime<FixedOffset>> {
    let (date, words) = match date(words) {
        Some((date, rest)) => (date, rest),
        None => (now.date_naive(), words),
    };
    let end = words.find(['a', 'p']).filter(|end| words[end + 1..].starts_with('m'))?;
    let time = NaiveTime::parse_from_str(&words[..end + 2], "%I:%M %p").ok()?;
    let local = date.and_time(time).checked_add_signed(TimeDelta::minutes(1))?;
    local.and_local_timezone(*now.offset()).single()
}

/// A date, and what follows it.
fn date(words: &str) -> Option<(NaiveDate, &str)> {
    let (month_and_day, rest) = words.split_once(", ")?;
    let (year, rest) = rest.split_once(' ')?;
    let month_and_day = month_and_day.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let date = format!("{month_and_day}, {year}");
    Some((NaiveDate::parse_from_str(&date, "%b %d, %Y").ok()?, rest))
}

/// `2 days 3 hours`, `45 minutes`, `less than a minute`, `3h20m15s`.
fn span(words: &str) -> Option<TimeDelta> {
    if words.starts_with("less than a minute") {
        return Some(TimeDelta::minutes(1));
    }
    let mut rest = words;
    let mut sum = TimeDelta::zero();
    while let Some(count) = number(rest) {
        let unit = rest.trim_start_matches(|c: char| c.is_ascii_digit()).trim_start();
        let secs = match unit.chars().next()? {
            'd' => 86_400,
            'h' => 3600,
            'm' => 60,
            's' => 1,
            _ => break,
        };
        sum = sum.checked_add(&TimeDelta::try_seconds(count.checked_mul(secs)?)?)?;
        rest = unit.trim_start_matches(|c: char| c.is_ascii_alphabetic());
        rest = rest.trim_start_matches([' ', ',']);
    }
    (!sum.is_zero()).then_some(sum)
}

/// The number that a text begins with.
fn number(words: &str) -> Option<i64> {
    let end = words.find(|c: char| !c.is_ascii_digit()).unwrap_or(words.len());
    words[..end].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Half past one at night of 22 November 2026, two hours ahead of UTC.
    fn told(message: &str) -> Option<String> {
        let now = DateTime::parse_from_rfc3339("2026-11-22T01:30:00+02:00").unwrap();
        told_in(message, now).map(|at| at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true))
    }

    #[test]
    fn a_time_of_day_and_a_date_are_in_the_zone_of_the_user() {
        for (words, at) in [
            ("try again at 3:37 AM.", "2026-11-22T01:38:00Z"),
            ("Try again at 12:05 AM.", "2026-11-21T22:06:00Z"),
            ("purchase more credits or try again at 11:59 PM.", "2026-11-22T22:00:00Z"),
            ("or try again at Nov 25th, 2026 3:04 PM.", "2026-11-25T13:05:00Z"),
            ("or try again at Jan 1st, 2027 12:00 AM.", "2026-12-31T22:01:00Z"),
            ("Try again at Dec 2nd, 2026 9:15 AM", "2026-12-02T07:16:00Z"),
        ] {
            let message = format!("You’ve hit your usage limit. {words}");
            assert_eq!(told(&message).as_deref(), Some(at), "{words}");
        }
    }

    #[test]
    fn a_length_counts_from_now() {
        for (words, at) in [
            ("Try again in 2 days 3 hours 5 minutes.", "2026-11-24T02:35:00Z"),
            ("try again in 1 hour, 5 minutes", "2026-11-22T00:35:00Z"),
            ("Try again in less than a minute.", "2026-11-21T23:31:00Z"),
            ("Your quota will reset after 3h20m15s.", "2026-11-22T02:50:15Z"),
        ] {
            assert_eq!(told(words).as_deref(), Some(at), "{words}");
        }
        let epoch = told("Claude AI usage limit reached|1795263542");
        assert_eq!(epoch.as_deref(), Some("2026-11-21T12:19:02Z"));
    }

    #[test]
    fn what_tells_no_time_gives_none() {
        for words in [
            "try again later.",
            "try again at some time",
            "try again at 13:75 PM",
            "try again at Nov 31st, 2026 3:04 PM",
            "try again in a while",
            "try again in 99999999999999999999 days",
            "try again in 9999999999999999 days",
            "try again in 99999999 days",
            "limit reached|soon",
            "try again in 9999999 days",
            "limit reached|99999999999999999",
            "limit reached|1795263542000",
            "",
        ] {
            assert_eq!(told(words), None, "{words}");
        }
    }
}
