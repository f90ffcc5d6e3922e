//! The version of the session format and who can read what.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The version that this release writes.
pub const FORMAT_VERSION: FormatVersion = FormatVersion { major: 1, minor: 0 };

/// `major.minor`. A new field or line type raises the minor number: an older reader skips what it
/// does not know. A changed meaning raises the major number: an older reader refuses the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(extend("pattern" = r"^[0-9]+\.[0-9]+$")))]
#[serde(try_from = "String", into = "String")]
pub struct FormatVersion {
    /// Raised when an older reader would misread the file.
    pub major: u32,
    /// Raised when an older reader only misses something.
    pub minor: u32,
}

/// Why a file of some version is not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UnreadableVersion {
    /// Not of the form `major.minor`.
    Malformed(String),
    /// Another major version.
    OtherMajor(FormatVersion),
}

impl fmt::Display for UnreadableVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(text) => write!(f, "`{text}` is not a format version (such as `1.0`)"),
            Self::OtherMajor(v) => write!(
                f,
                "session format {v} is not read by this release, which reads {}.x; use a codeloops {}.x",
                FORMAT_VERSION.major, v.major
            ),
        }
    }
}

impl std::error::Error for UnreadableVersion {}

impl FormatVersion {
    /// Whether this release can read a file of this version.
    pub fn check_readable(self) -> Result<(), UnreadableVersion> {
        if self.major == FORMAT_VERSION.major {
            Ok(())
        } else {
            Err(UnreadableVersion::OtherMajor(self))
        }
    }
}

impl fmt::Display for FormatVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

impl FromStr for FormatVersion {
    type Err = UnreadableVersion;

    fn from_str(text: &str) -> Result<Self, UnreadableVersion> {
        let malformed = || UnreadableVersion::Malformed(text.to_owned());
        let (major, minor) = text.split_once('.').ok_or_else(malformed)?;
        let number = |part: &str| part.parse().map_err(|_| malformed());
        Ok(Self { major: number(major)?, minor: number(minor)? })
    }
}

impl TryFrom<String> for FormatVersion {
    type Error = UnreadableVersion;

    fn try_from(text: String) -> Result<Self, UnreadableVersion> {
        text.parse()
    }
}

impl From<FormatVersion> for String {
    fn from(version: FormatVersion) -> Self {
        version.to_string()
    }
}
