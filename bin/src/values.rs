//! The types of values that flags and configuration files have in common.

mod gate;
mod sink_spec;

pub mod otel;

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use codeloops_adapters::spec::{OutputFormat, PromptVia, StopWith};
use codeloops_event::{CriticAccess, Outcome, Permissions};
use codeloops_session::{RunKind, SessionOrder, SessionStatus};
use codeloops_sinks::Format;

pub use gate::{GateFlag, GateName, StuckAfter, for_shell};
pub use sink_spec::{SinkSpec, SinkSpecError};

use crate::units::{UnitError, format_duration, parse_duration};

/// What a count takes.
pub(crate) const FROM_ONE: &str = "it takes a whole number from 1 on, and none that is too large";

/// A value that is not accepted; says why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValueError(pub String);

impl fmt::Display for ValueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ValueError {}

impl From<UnitError> for ValueError {
    fn from(error: UnitError) -> Self {
        Self(error.to_string())
    }
}

/// One of a few words.
pub trait Words: Copy + PartialEq + Sized + 'static {
    /// Every word with its value, in the order in which they are told.
    const WORDS: &'static [(&'static str, Self)];

    /// The value's word.
    #[must_use]
    fn word(self) -> &'static str {
        Self::WORDS.iter().find(|(_, value)| *value == self).map_or("", |(word, _)| word)
    }

    /// The value of a word.
    ///
    /// # Errors
    /// For any other word; names the accepted ones.
    fn from_word(text: &str) -> Result<Self, ValueError> {
        Self::WORDS.iter().find(|(word, _)| *word == text).map(|(_, value)| *value).ok_or_else(
            || {
                let words: Vec<String> =
                    Self::WORDS.iter().map(|(word, _)| format!("`{word}`")).collect();
                ValueError(format!("`{text}` is not one of {}", words.join(", ")))
            },
        )
    }
}

impl Words for Format {
    const WORDS: &'static [(&'static str, Self)] =
        &[("pretty", Self::Pretty), ("json", Self::Json), ("compact", Self::Compact)];
}

impl Words for Permissions {
    const WORDS: &'static [(&'static str, Self)] = &[("full", Self::Full), ("edits", Self::Edits)];
}

impl Words for CriticAccess {
    const WORDS: &'static [(&'static str, Self)] =
        &[("run-commands", Self::RunCommands), ("read-only", Self::ReadOnly)];
}

impl Words for PromptVia {
    const WORDS: &'static [(&'static str, Self)] =
        &[("stdin", Self::Stdin), ("argument", Self::Argument), ("file", Self::File)];
}

impl Words for OutputFormat {
    const WORDS: &'static [(&'static str, Self)] = &[
        (Self::Text.as_str(), Self::Text),
        (Self::ClaudeStreamJson.as_str(), Self::ClaudeStreamJson),
        (Self::CodexJson.as_str(), Self::CodexJson),
        (Self::OpencodeJson.as_str(), Self::OpencodeJson),
        (Self::GeminiStreamJson.as_str(), Self::GeminiStreamJson),
        (Self::CursorStreamJson.as_str(), Self::CursorStreamJson),
    ];
}

impl Words for StopWith {
    const WORDS: &'static [(&'static str, Self)] = &[("INT", Self::Int), ("TERM", Self::Term)];
}

impl Words for Outcome {
    const WORDS: &'static [(&'static str, Self)] = &[
        (Self::Success.as_str(), Self::Success),
        (Self::Failed.as_str(), Self::Failed),
        (Self::Interrupted.as_str(), Self::Interrupted),
        (Self::MaxIterationsReached.as_str(), Self::MaxIterationsReached),
        (Self::BudgetExhausted.as_str(), Self::BudgetExhausted),
        (Self::Stuck.as_str(), Self::Stuck),
    ];
}

impl Words for SessionStatus {
    const WORDS: &'static [(&'static str, Self)] = &[
        (Self::Running.as_str(), Self::Running),
        (Self::Crashed.as_str(), Self::Crashed),
        (Self::Interrupted.as_str(), Self::Interrupted),
        (Self::Ended.as_str(), Self::Ended),
    ];
}

impl Words for RunKind {
    const WORDS: &'static [(&'static str, Self)] =
        &[(Self::Run.as_str(), Self::Run), (Self::Verify.as_str(), Self::Verify)];
}

impl Words for SessionOrder {
    const WORDS: &'static [(&'static str, Self)] = &[
        ("date", Self::Date),
        ("duration", Self::Duration),
        ("iterations", Self::Iterations),
        ("project", Self::Project),
        ("outcome", Self::Outcome),
        ("tokens", Self::Tokens),
        ("cost", Self::Cost),
    ];
}

/// A limit on time that can be lifted: a duration above zero, or `none`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeLimit {
    /// No limit.
    Unlimited,
    /// This long.
    After(Duration),
}

impl FromStr for TimeLimit {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        if text == "none" {
            return Ok(Self::Unlimited);
        }
        let duration = parse_duration(text)?;
        if duration.is_zero() {
            return Err(ValueError(format!("`{text}` leaves no time (`none` lifts the limit)")));
        }
        Ok(Self::After(duration))
    }
}

/// An amount of US dollars above zero.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Dollars(f64);

impl Dollars {
    /// The amount, if it is one.
    #[must_use]
    pub fn new(amount: f64) -> Option<Self> {
        (amount > 0.0 && amount.is_finite()).then_some(Self(amount))
    }

    /// The amount.
    #[must_use]
    pub const fn get(self) -> f64 {
        self.0
    }
}

impl FromStr for Dollars {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let amount = text.parse().ok().and_then(Self::new);
        amount.ok_or_else(|| ValueError("it takes an amount above 0, such as 2.50".to_owned()))
    }
}

/// How long to wait for something to come: a duration, zero for not at all, or `none` for as long as
/// it takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Patience {
    /// As long as it takes.
    Endless,
    /// This long.
    AtMost(Duration),
}

impl FromStr for Patience {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        if text == "none" {
            return Ok(Self::Endless);
        }
        parse_duration(text).map(Self::AtMost)
    }
}

impl Patience {
    /// The wait in seconds, null for endless.
    #[must_use]
    pub fn secs(self) -> Option<f64> {
        match self {
            Self::Endless => None,
            Self::AtMost(wait) => Some(wait.as_secs_f64()),
        }
    }
}

impl TimeLimit {
    /// The limit in seconds, null for none.
    #[must_use]
    pub fn secs(self) -> Option<f64> {
        match self {
            Self::Unlimited => None,
            Self::After(duration) => Some(duration.as_secs_f64()),
        }
    }
}

impl fmt::Display for TimeLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unlimited => f.write_str("none"),
            Self::After(duration) => f.write_str(&format_duration(*duration)),
        }
    }
}

/// How fast a recording is shown.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub enum Speed {
    /// As fast as the sinks take it.
    #[default]
    Max,
    /// So many times as fast as it went: a finite number above zero.
    Times(f64),
}

impl FromStr for Speed {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        if text == "max" {
            return Ok(Self::Max);
        }
        let times = text.strip_suffix('x').and_then(|times| times.parse().ok());
        let times = times.filter(|times: &f64| *times > 0.0 && times.is_finite());
        times.map(Self::Times).ok_or_else(|| {
            ValueError("it takes `max` or how many times as fast, such as `10x`".to_owned())
        })
    }
}

/// A state of the working tree that a session knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum At {
    /// As this iteration's actor left it; 0 is how the run began.
    Iteration(u32),
    /// As it was before it was put to another state for the Kth time.
    Saved(u32),
}

/// What stands before the number of a state that was saved.
const SAVED: &str = "saved-";

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Iteration(number) => write!(f, "{number}"),
            Self::Saved(number) => write!(f, "{SAVED}{number}"),
        }
    }
}

impl FromStr for At {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let (number, of): (_, fn(u32) -> Self) = match text.strip_prefix(SAVED) {
            Some(number) => (number, Self::Saved),
            None => (text, Self::Iteration),
        };
        let wrong = || ValueError(format!("it takes the number of an iteration, or `{SAVED}1`"));
        number.parse().map(of).map_err(|_| wrong())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dollars_are_above_zero() {
        let of = |text: &str| text.parse::<Dollars>().map(Dollars::get).ok();
        assert_eq!((of("2.50"), of("5"), of("1e-3")), (Some(2.5), Some(5.0), Some(0.001)));
        for wrong in ["0", "-1", "nan", "inf", "1e999", "$5", ""] {
            assert_eq!(of(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_speed_is_a_number_of_times_above_zero() {
        let of = |text: &str| text.parse::<Speed>().ok();
        assert_eq!(of("max"), Some(Speed::Max));
        assert_eq!((of("1x"), of("0.5x")), (Some(Speed::Times(1.0)), Some(Speed::Times(0.5))));
        for wrong in ["0x", "-1x", "infx", "nanx", "1", "x", "fast", ""] {
            assert_eq!(of(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn patience_may_be_none_at_all_or_endless() {
        let of = |text: &str| text.parse::<Patience>().map(Patience::secs).ok();
        assert_eq!(of("none"), Some(None));
        assert_eq!(of("0s"), Some(Some(0.0)));
        assert_eq!(of("2h"), Some(Some(7200.0)));
        assert_eq!(of("no"), None);
    }
}
