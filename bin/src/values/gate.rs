//! What names a gate and gives its command, and how often a state may come back.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;

use codeloops_event::{OnGateFailure, TamperPolicy};

use super::{ValueError, Words};

impl Words for OnGateFailure {
    const WORDS: &'static [(&'static str, Self)] =
        &[("critic", Self::Critic), ("actor", Self::Actor)];
}

impl Words for TamperPolicy {
    const WORDS: &'static [(&'static str, Self)] =
        &[("off", Self::Off), ("warn", Self::Warn), ("veto", Self::Veto)];
}

/// The name of a gate, which is also a folder's: 1 to 64 of `[A-Za-z0-9._-]`, of which the first is a
/// letter or a digit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GateName(String);

/// Characters of the longest name.
const LONGEST_NAME: usize = 64;

impl GateName {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is the same name: a folder of the evidence bears it, and not all file systems tell
    /// upper from lower case.
    #[must_use]
    pub fn is(&self, other: &str) -> bool {
        self.0.eq_ignore_ascii_case(other)
    }
}

impl FromStr for GateName {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let of_name = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        let begins_well = text.starts_with(|c: char| c.is_ascii_alphanumeric());
        if begins_well && text.len() <= LONGEST_NAME && text.chars().all(of_name) {
            return Ok(Self(text.to_owned()));
        }
        Err(ValueError(format!(
            "`{text}` is no name of a gate: it takes 1 to {LONGEST_NAME} letters, digits, `.`, `_` and \
             `-`, and begins with a letter or a digit"
        )))
    }
}

/// A gate of the command line: `name=command`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GateFlag {
    /// Its name.
    pub name: GateName,
    /// What goes to `sh -c`.
    pub script: String,
}

impl FromStr for GateFlag {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let (name, script) = text.split_once('=').ok_or_else(|| {
            ValueError("it takes NAME=COMMAND, such as `test=cargo test`".to_owned())
        })?;
        let name = name.trim().parse()?;
        if script.trim().is_empty() {
            return Err(ValueError("the command is empty".to_owned()));
        }
        Ok(Self { name, script: script.to_owned() })
    }
}

/// The command that has the shell run a script.
#[must_use]
pub fn for_shell(script: &str) -> Vec<String> {
    ["sh", "-c", script].map(str::to_owned).into()
}

/// For the how manyth time the same state ends a run: from 2 on, for the first is none that came back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StuckAfter(NonZeroU32);

impl StuckAfter {
    /// The number, if it is one that can be.
    #[must_use]
    pub const fn new(number: u32) -> Option<Self> {
        match NonZeroU32::new(number) {
            Some(number) if number.get() >= 2 => Some(Self(number)),
            _ => None,
        }
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0.get()
    }
}

impl FromStr for StuckAfter {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let number = text.parse().ok().and_then(Self::new);
        number.ok_or_else(|| {
            ValueError("it takes a whole number from 2 on: the first time is none".to_owned())
        })
    }
}

impl fmt::Display for StuckAfter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_that_a_folder_can_bear() {
        let longest = "x".repeat(LONGEST_NAME);
        for name in ["test", "unit-1.2_x", "9", longest.as_str()] {
            assert_eq!(name.parse::<GateName>().unwrap().as_str(), name);
        }
        let too_long = format!("{longest}x");
        for name in ["", ".", "..", "-x", "a b", "a/b", "tést", "a\n", too_long.as_str()] {
            assert!(name.parse::<GateName>().is_err(), "{name:?}");
        }
        assert!("Test".parse::<GateName>().unwrap().is("tEST"));
    }

    #[test]
    fn a_command_may_hold_further_equals_signs() {
        let gate: GateFlag = "test=A=1 make check".parse().unwrap();
        assert_eq!((gate.name.as_str(), gate.script.as_str()), ("test", "A=1 make check"));
        for text in ["make test", "test=", "test=  ", "=make", "my test=make"] {
            assert!(text.parse::<GateFlag>().is_err(), "{text:?}");
        }
    }
}
