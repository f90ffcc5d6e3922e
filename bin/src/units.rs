//! Durations and sizes as people write them.

use std::fmt;
use std::time::Duration;

/// A text that is no duration or no size; says what would be one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnitError(String);

impl fmt::Display for UnitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for UnitError {}

/// The seconds of the longest duration that is accepted.
const LONGEST: f64 = u32::MAX as f64;

/// Parses a duration: numbers with the units `ms`, `s`, `m`, `h` or `d`, in any number of parts
/// (`90s`, `30m`, `1h30m`); a plain number is seconds.
///
/// # Errors
/// For any other text, and for more than about 136 years.
pub fn parse_duration(text: &str) -> Result<Duration, UnitError> {
    let refuse =
        || UnitError(format!("`{text}` is not a duration (such as `90s`, `30m` or `1h30m`)"));
    let text = text.trim();
    let total = match text.parse::<f64>() {
        Ok(seconds) => seconds,
        Err(_) => sum_of_parts(text).ok_or_else(refuse)?,
    };
    match total {
        0.0..=LONGEST => Ok(Duration::from_secs_f64(total)),
        _ if total > LONGEST && total.is_finite() => Err(UnitError(format!(
            "`{text}` is too long: it takes {LONGEST} seconds (136 years) at most"
        ))),
        _ => Err(refuse()),
    }
}

/// Parses a size in bytes: a number with a decimal unit (`kB`, `MB`, `GB`, `TB`: powers of 1000) or
/// a binary one (`KiB`, `MiB`, `GiB`, `TiB`: powers of 1024), in any case; a plain number is bytes.
///
/// # Errors
/// For any other text, and for more bytes than 64 bits count.
pub fn parse_size(text: &str) -> Result<u64, UnitError> {
    let refuse =
        || UnitError(format!("`{text}` is not a size (such as `500MB`, `1GB` or `64KiB`)"));
    let trimmed = text.trim();
    let digits = trimmed.find(|c: char| !c.is_ascii_digit()).unwrap_or(trimmed.len());
    let (number, unit) = trimmed.split_at(digits);
    let factor = size_factor(unit.trim()).filter(|_| digits > 0).ok_or_else(refuse)?;
    // Digits alone are a number but for their size.
    let bytes = number.parse::<u64>().ok().and_then(|number| number.checked_mul(factor));
    bytes.ok_or_else(|| {
        UnitError(format!("`{trimmed}` is too large: it takes {} bytes at most", u64::MAX))
    })
}

/// A duration in the form that [`parse_duration`] reads: `1h30m`, `20m`, `1.5s`.
#[must_use]
pub fn format_duration(duration: Duration) -> String {
    if duration.is_zero() {
        return "0s".to_owned();
    }
    let secs = duration.as_secs();
    let rest = Duration::new(secs % 60, duration.subsec_nanos()).as_secs_f64();
    let parts = [(secs / 3600, "h"), (secs / 60 % 60, "m")].map(|(count, unit)| match count {
        0 => String::new(),
        _ => format!("{count}{unit}"),
    });
    let rest = if rest > 0.0 { format!("{rest}s") } else { String::new() };
    parts.concat() + &rest
}

/// A size in the largest unit that divides it: `1GB`, `64KiB`, `1500B`.
#[must_use]
pub fn format_size(bytes: u64) -> String {
    const UNITS: [(u64, &str); 8] = [
        (1 << 40, "TiB"),
        (1_000_000_000_000, "TB"),
        (1 << 30, "GiB"),
        (1_000_000_000, "GB"),
        (1 << 20, "MiB"),
        (1_000_000, "MB"),
        (1 << 10, "KiB"),
        (1_000, "kB"),
    ];
    UNITS
        .iter()
        .find(|(factor, _)| bytes >= *factor && bytes.is_multiple_of(*factor))
        .map_or_else(|| format!("{bytes}B"), |(factor, unit)| format!("{}{unit}", bytes / factor))
}

/// A size for people, to a tenth of its unit: `1.5 GB`, `312 B`.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "a tenth of the unit is shown")]
pub fn rounded_size(bytes: u64) -> String {
    const UNITS: [(f64, &str); 4] = [(1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB")];
    let size = bytes as f64;
    let unit = UNITS.iter().find(|(factor, _)| size >= *factor);
    unit.map_or_else(
        || format!("{bytes} B"),
        |(factor, unit)| format!("{:.1} {unit}", size / factor),
    )
}

/// The seconds of `1h30m` and the like; none where a part is malformed or there is none.
fn sum_of_parts(text: &str) -> Option<f64> {
    let mut rest = text;
    let mut total = 0.0;
    while !rest.is_empty() {
        let number_end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, tail) = rest.split_at(number_end);
        let unit_end = tail.find(|c: char| c.is_ascii_digit()).unwrap_or(tail.len());
        let (unit, next) = tail.split_at(unit_end);
        total += number.parse::<f64>().ok()? * seconds_in(unit.trim())?;
        rest = next;
    }
    (!text.is_empty()).then_some(total)
}

fn seconds_in(unit: &str) -> Option<f64> {
    Some(match unit {
        "ms" => 0.001,
        "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        "d" => 86_400.0,
        _ => return None,
    })
}

fn size_factor(unit: &str) -> Option<u64> {
    Some(match unit.to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "kb" => 1_000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        "tb" => 1_000_000_000_000,
        "kib" => 1 << 10,
        "mib" => 1 << 20,
        "gib" => 1 << 30,
        "tib" => 1 << 40,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_for_people() {
        let shown = [0, 999, 1000, 1_550_000, 2_000_000_000, u64::MAX].map(rounded_size);
        assert_eq!(shown, ["0 B", "999 B", "1.0 kB", "1.6 MB", "2.0 GB", "18446744.1 TB"]);
    }

    #[test]
    fn durations() {
        for (text, secs) in [
            ("90s", 90.0),
            ("30m", 1800.0),
            ("2h", 7200.0),
            ("1h30m", 5400.0),
            ("250ms", 0.25),
            ("1d", 86_400.0),
            ("45", 45.0),
            ("0s", 0.0),
        ] {
            assert_eq!(parse_duration(text).map(|d| d.as_secs_f64()), Ok(secs), "{text}");
        }
        for text in ["", "m", "5 parsecs", "-3s", "1h30", "1..5s", "NaN", "inf", "99999999999h"] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn sizes_are_decimal_unless_the_unit_is_binary() {
        for (text, bytes) in [
            ("1GB", 1_000_000_000),
            ("500MB", 500_000_000),
            ("64KiB", 65_536),
            ("1 gib", 1 << 30),
            ("17", 17),
        ] {
            assert_eq!(parse_size(text), Ok(bytes), "{text}");
        }
        for text in ["", "GB", "1.5GB", "1XB", "-1", "99999999999TB"] {
            assert!(parse_size(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_printed_is_read_back() {
        for secs in [0.0, 0.25, 59.0, 60.0, 5400.0, 21_600.0, 90_061.5] {
            let duration = Duration::from_secs_f64(secs);
            assert_eq!(parse_duration(&format_duration(duration)), Ok(duration));
        }
        for bytes in [0, 1500, 65_536, 1_000_000_000, 1 << 30] {
            assert_eq!(parse_size(&format_size(bytes)), Ok(bytes));
        }
        assert_eq!(format_size(1_000_000_000), "1GB");
    }
}
