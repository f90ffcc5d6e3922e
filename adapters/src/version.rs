//! Versions of agent programs: what they print, and which of them are understood.

use std::fmt;

use crate::ask::{Answer, NoAnswer};
use crate::text::{first_words, one_line};

/// Characters of an answer without a version that are repeated; the word there is kept whole.
const REPEATED: usize = 60;

/// The numbers of a version. What may follow them (`-preview.2`) is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// The first number.
    pub major: u32,
    /// The second.
    pub minor: u32,
    /// The third; 0 where there is none.
    pub patch: u32,
}

impl Version {
    /// A version.
    #[must_use]
    pub const fn new(major: u32, minor: u32, patch: u32) -> Self {
        Self { major, minor, patch }
    }

    /// The first version in a text: `2.1.330 (Claude Code)`, `codex-cli 0.169.0`, `v1.2`.
    #[must_use]
    pub fn find_in(text: &str) -> Option<Self> {
        text.split(|c: char| c.is_whitespace() || "()[],:;/\"'".contains(c)).find_map(Self::of_word)
    }

    fn of_word(word: &str) -> Option<Self> {
        let word = word.strip_prefix('v').unwrap_or(word);
        let numbers = word.split(['-', '+']).next()?;
        let mut parts = numbers.trim_end_matches('.').split('.');
        let major = parts.next()?.parse().ok()?;
        let minor = parts.next()?.parse().ok()?;
        let patch = parts.next().map_or(Ok(0), str::parse).ok()?;
        Some(Self { major, minor, patch })
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

/// Which versions of a program are understood. The default is all of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Understood {
    /// The oldest that takes the flags of its row and prints what its decoder reads.
    pub from: Option<Version>,
    /// The first that need not: mostly the next major version.
    pub below: Option<Version>,
}

/// What is known of the version of a program that was asked for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VersionState {
    /// It is understood.
    Understood(Version),
    /// It is older than what is understood.
    TooOld {
        /// The version.
        version: Version,
        /// The oldest that is understood.
        from: Version,
    },
    /// It is newer than what is understood.
    TooNew {
        /// The version.
        version: Version,
    },
    /// It told no version.
    Unreadable {
        /// The beginning of what it printed, in one line.
        printed: String,
    },
    /// It told nothing.
    NoAnswer(NoAnswer),
}

impl VersionState {
    /// What an answer says.
    #[must_use]
    pub fn of(answer: Result<Answer, NoAnswer>, understood: &Understood) -> Self {
        match answer {
            Ok(answer) => match Version::find_in(&answer.stdout) {
                Some(version) => understood.judge(version),
                None => Self::Unreadable { printed: beginning(&answer) },
            },
            Err(error) => Self::NoAnswer(error),
        }
    }

    /// The version, where it was told.
    #[must_use]
    pub const fn version(&self) -> Option<Version> {
        match self {
            Self::Understood(version) | Self::TooOld { version, .. } | Self::TooNew { version } => {
                Some(*version)
            }
            Self::Unreadable { .. } | Self::NoAnswer(_) => None,
        }
    }

    /// The state in a word or two.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Understood(_) => "understood",
            Self::TooOld { .. } => "too old",
            Self::TooNew { .. } => "too new",
            Self::Unreadable { .. } | Self::NoAnswer(_) => "unknown",
        }
    }

    /// What keeps it from being understood, in words that go on from the program's title; none where
    /// it is.
    #[must_use]
    pub fn trouble(&self) -> Option<String> {
        match self {
            Self::Understood(_) => None,
            Self::TooOld { version, from } => {
                Some(format!("{version} is too old: codeloops knows it from {from} on"))
            }
            Self::TooNew { version } => {
                Some(format!("{version} is newer than what codeloops knows"))
            }
            Self::Unreadable { printed } if printed.is_empty() => {
                Some("does not tell its version".to_owned())
            }
            Self::Unreadable { printed } => {
                Some(format!("does not tell its version, but `{printed}`"))
            }
            Self::NoAnswer(error) => Some(format!("does not tell its version: {error}")),
        }
    }
}

impl Understood {
    /// What it means to be this version.
    #[must_use]
    pub fn judge(&self, version: Version) -> VersionState {
        match (self.from, self.below) {
            (Some(from), _) if version < from => VersionState::TooOld { version, from },
            (_, Some(below)) if version >= below => VersionState::TooNew { version },
            _ => VersionState::Understood(version),
        }
    }
}

/// Where a program fails, it says so on standard error.
fn beginning(answer: &Answer) -> String {
    let is_silent = answer.stdout.trim().is_empty();
    let line = one_line(if is_silent { &answer.stderr } else { &answer.stdout });
    first_words(&line, REPEATED).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_found_in_what_programs_print() {
        let found = |text: &str| Version::find_in(text).map(|version| version.to_string());
        let cases = [
            ("2.1.330 (Claude Code)\n", Some("2.1.330")),
            ("codex-cli 0.169.0", Some("0.169.0")),
            ("0.62.0-nightly.20261119.abc1234", Some("0.62.0")),
            ("GitHub Copilot CLI 1.0.102.\nup to date", Some("1.0.102")),
            ("2026.08.11-a1b2c3d", Some("2026.8.11")),
            ("agent v3.1+build (\"x\")", Some("3.1.0")),
            ("Node 22 is needed", None),
            ("1.x, 1..2, 1.99999999999", None),
            ("", None),
        ];
        for (text, expected) in cases {
            assert_eq!(found(text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn versions_are_ordered_by_their_numbers() {
        assert!(Version::new(0, 9, 0) < Version::new(0, 10, 0));
        assert!(Version::new(1, 2, 3) < Version::new(2, 0, 0));
    }

    const UNDERSTOOD: Understood =
        Understood { from: Some(Version::new(1, 2, 0)), below: Some(Version::new(2, 0, 0)) };

    /// What is told of a program that answers this.
    fn trouble(stdout: &str, stderr: &str) -> Option<String> {
        let answer = Answer { code: Some(0), stdout: stdout.into(), stderr: stderr.into() };
        VersionState::of(Ok(answer), &UNDERSTOOD).trouble()
    }

    #[test]
    fn what_keeps_a_version_from_being_understood_is_told() {
        for understood in ["1.2.0", "1.5.0", "1.99"] {
            assert_eq!(trouble(understood, ""), None);
        }
        let told = |stdout| trouble(stdout, "oh: no\n").unwrap();
        insta::assert_snapshot!(told("1.1.9"), @"1.1.9 is too old: codeloops knows it from 1.2.0 on");
        insta::assert_snapshot!(told("v2.0.0"), @"2.0.0 is newer than what codeloops knows");
        insta::assert_snapshot!(told("Hello,\nworld"), @"does not tell its version, but `Hello, world`");
        insta::assert_snapshot!(told(""), @"does not tell its version, but `oh: no`");
        insta::assert_snapshot!(trouble("", "").unwrap(), @"does not tell its version");
        // Half a key would not be known for one.
        let key = format!("{} key=ghp_{} and more", "x".repeat(50), "x7Kq".repeat(9));
        let (kept, _) = key.split_once(" and").unwrap();
        assert_eq!(told(&key), format!("does not tell its version, but `{kept}`"));
        assert!(told(&"x".repeat(10_000)).len() < 1000);
        let late = NoAnswer::Late(std::time::Duration::from_secs(30));
        let late = VersionState::of(Err(late), &UNDERSTOOD).trouble().unwrap();
        insta::assert_snapshot!(late, @"does not tell its version: it did not answer within 30 s");
    }
}
