//! What went wrong, what to do about it, and the exit code that says so.

use std::fmt;

use crate::exit_code;

/// What kind of thing went wrong; it decides the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The command line or a configuration file asks for something that is not possible.
    Usage,
    /// Something of the surroundings is missing or failed.
    Failed,
    /// The user broke off.
    Interrupted,
    /// A defect of codeloops itself.
    Internal,
}

impl ErrorKind {
    /// The exit code of a command that ended so.
    #[must_use]
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Usage | Self::Failed | Self::Internal => exit_code::FAILED,
            Self::Interrupted => exit_code::INTERRUPTED,
        }
    }
}

/// An error as the user sees it: `Error: <message>`, then a `hint: ` line for each hint.
///
/// The message is a lower-case fragment without a trailing stop, save where a documented text says
/// otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CliError {
    /// Its kind.
    pub kind: ErrorKind,
    /// What failed, with what.
    pub message: String,
    /// What to do about it.
    pub hints: Vec<String>,
}

impl CliError {
    /// Something was asked for that is not possible.
    #[must_use]
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Usage, message)
    }

    /// Something failed.
    #[must_use]
    pub fn failed(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Failed, message)
    }

    /// The user broke off.
    #[must_use]
    pub fn interrupted() -> Self {
        Self::new(ErrorKind::Interrupted, "interrupted")
    }

    /// The user broke off before the first agent was started.
    #[must_use]
    pub fn interrupted_early() -> Self {
        let message = "interrupted before an agent was started";
        Self::new(ErrorKind::Interrupted, message)
    }

    /// A defect of codeloops itself; `what` is what a panic said.
    #[must_use]
    pub fn internal(what: &str) -> Self {
        Self::new(ErrorKind::Internal, format!("internal error: {what}"))
            .hint("this is a defect of codeloops; please report it")
    }

    /// The same error with one more hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), hints: Vec::new() }
    }
}

impl fmt::Display for CliError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for CliError {}
