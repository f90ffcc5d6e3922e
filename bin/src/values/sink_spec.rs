//! A sink that a run can be told to use, as it is written in flags and files.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::secrets::shown_script;
use crate::text::{nearest, path_from};

/// What stands before a command.
const EXEC: &str = "exec:";

/// What stands before a path.
const FILE: &str = "file:";

/// A sink that a run can be told to use.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum SinkSpec {
    /// The session file.
    Jsonl,
    /// The terminal.
    Console,
    /// Spans, by OpenTelemetry.
    Otel,
    /// A command for the shell, which gets the events on its standard input.
    Exec(String),
    /// A further file of events.
    File(PathBuf),
}

/// Why a sink is not accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SinkSpecError {
    /// There is no such sink.
    Unknown(String),
    /// `exec:` without a command.
    NoCommand,
    /// `file:` without a path.
    NoPath,
    /// No command and no path can have a null byte.
    NullByte,
}

impl fmt::Display for SinkSpecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(name) => {
                write!(f, "there is no sink `{name}`")?;
                match nearest(name, SinkSpec::OFFERED) {
                    Some(near) => write!(f, ", did you mean `{near}`?"),
                    None => f.write_str(
                        " (there are `jsonl`, `console`, `otel`, `exec:COMMAND` and `file:PATH`)",
                    ),
                }
            }
            Self::NoCommand => f.write_str("`exec:` needs a command, such as `exec:jq -c .type`"),
            Self::NoPath => f.write_str("`file:` needs a path, such as `file:events.jsonl`"),
            Self::NullByte => f.write_str("a sink cannot have a null byte in it"),
        }
    }
}

impl std::error::Error for SinkSpecError {}

impl SinkSpec {
    /// Every sink, as far as it can be completed, in the order in which they are told.
    pub const OFFERED: [&'static str; 5] = ["jsonl", "console", "otel", EXEC, FILE];

    /// The same with its path begun at this folder.
    #[must_use]
    pub fn begun_at(self, dir: &Path) -> Self {
        match self {
            Self::File(path) => Self::File(path_from(dir, &path)),
            other => other,
        }
    }

    /// The file that it writes, where it is one.
    #[must_use]
    pub const fn path(&self) -> Option<&PathBuf> {
        match self {
            Self::File(path) => Some(path),
            Self::Jsonl | Self::Console | Self::Otel | Self::Exec(_) => None,
        }
    }
}

/// As it is shown: what may be a secret in a command is hidden.
impl fmt::Display for SinkSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Jsonl => f.write_str("jsonl"),
            Self::Console => f.write_str("console"),
            Self::Otel => f.write_str("otel"),
            Self::Exec(command) => write!(f, "{EXEC}{}", shown_script(command)),
            Self::File(path) => write!(f, "{FILE}{}", path.display()),
        }
    }
}

impl FromStr for SinkSpec {
    type Err = SinkSpecError;

    fn from_str(text: &str) -> Result<Self, SinkSpecError> {
        if text.contains('\0') {
            return Err(SinkSpecError::NullByte);
        }
        if let Some(command) = text.strip_prefix(EXEC) {
            let is_empty = command.trim().is_empty();
            return if is_empty {
                Err(SinkSpecError::NoCommand)
            } else {
                Ok(Self::Exec(command.to_owned()))
            };
        }
        if let Some(path) = text.strip_prefix(FILE) {
            let is_empty = path.is_empty();
            return if is_empty { Err(SinkSpecError::NoPath) } else { Ok(Self::File(path.into())) };
        }
        match text {
            "jsonl" => Ok(Self::Jsonl),
            "console" => Ok(Self::Console),
            "otel" => Ok(Self::Otel),
            _ => Err(SinkSpecError::Unknown(text.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<SinkSpec, String> {
        text.parse().map_err(|error: SinkSpecError| error.to_string())
    }

    #[test]
    fn a_sink_is_a_word_or_has_what_it_is_made_of_behind_a_colon() {
        assert_eq!(read("otel"), Ok(SinkSpec::Otel));
        assert_eq!(read("exec:jq -c ."), Ok(SinkSpec::Exec("jq -c .".to_owned())));
        assert_eq!(read("exec:a:b"), Ok(SinkSpec::Exec("a:b".to_owned())));
        assert_eq!(read("file:a b"), Ok(SinkSpec::File("a b".into())));
    }

    #[test]
    fn what_is_no_sink_is_told_with_what_is_one() {
        let wrong = ["", "jsnol", "exec", "exec:", "exec:  ", "file:", "exec:a\0b", "syslog"];
        let told: Vec<_> = wrong.iter().map(|text| read(text).unwrap_err()).collect();
        insta::assert_snapshot!(told.join("\n"));
    }

    #[test]
    fn a_path_begins_at_a_folder_and_a_secret_of_a_command_is_hidden() {
        let shown = |text: &str| read(text).unwrap().begun_at(Path::new("/x")).to_string();
        assert_eq!(shown("file:./a.jsonl"), "file:/x/a.jsonl");
        assert_eq!(shown("file:/a.jsonl"), "file:/a.jsonl");
        assert_eq!(shown("exec:post --token abc  a"), "exec:post --token ********  a");
    }
}
