//! What a user should know of a repository before a run begins.

use std::fmt;

/// Something to know, and behind it maybe a command for the user to copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// In one line.
    pub text: String,
    /// The command.
    pub to_copy: Option<String>,
}

impl Notice {
    /// Words alone.
    pub(super) const fn of(text: String) -> Self {
        Self { text, to_copy: None }
    }
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)?;
        self.to_copy.iter().try_for_each(|command| write!(f, " {command}"))
    }
}
