//! Configuration files: found, read and parsed into typed values that know where they stand.
//!
//! There are two, with the same keys: `codeloops.toml` in the working directory, and
//! `config.toml` in the configuration directory, where the keys stand beneath `[defaults]`.
//! Everything is checked while it is parsed: an unknown key, a wrong type, a value out of range and
//! a key that has no implementation yet are errors with file, line and column.

mod error;
mod file;
mod gates;
mod table;

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

pub use error::{ConfigError, Position, Problem};
pub use file::{ConfigFile, LimitsConfig, RoleConfig, SinksConfig};
pub use table::Located;

use crate::error::CliError;

/// The name of the project's file, in the working directory.
pub const PROJECT_FILE: &str = "codeloops.toml";

/// The name of the global file, in the configuration directory.
pub const GLOBAL_FILE: &str = "config.toml";

/// Which of the two files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// The project's.
    Project,
    /// The user's.
    Global,
}

impl Scope {
    /// The scope as one word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Project => "project",
            Self::Global => "global",
        }
    }
}

/// The configuration of a command: what both files say, each where it exists.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Config {
    /// The project's file.
    pub project: Option<ConfigFile>,
    /// The user's file.
    pub global: Option<ConfigFile>,
}

impl Config {
    /// Reads both files; one that does not exist is none.
    ///
    /// # Errors
    /// Where a file exists and cannot be read, or says something that is not accepted.
    pub fn load(working_dir: &Path, config_dir: &Path) -> Result<Self, CliError> {
        Ok(Self {
            project: load_file(&working_dir.join(PROJECT_FILE), Scope::Project)?,
            global: load_file(&config_dir.join(GLOBAL_FILE), Scope::Global)?,
        })
    }

    /// The files in the order of their precedence.
    pub fn layers(&self) -> impl Iterator<Item = &ConfigFile> {
        self.project.iter().chain(&self.global)
    }

    /// The commands that the project's file makes a run start, for the opening lines: the user did
    /// not write them on the command line and may not know them.
    #[must_use]
    pub fn project_commands(&self) -> Vec<ProjectCommand> {
        let agents = self.project.iter().flat_map(|file| &file.agents);
        agents
            .filter_map(|(name, agent)| {
                let command = agent.command.as_ref()?;
                Some(ProjectCommand { what: format!("agent {name}"), command: command.clone() })
            })
            .collect()
    }
}

/// A command that a project's file names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectCommand {
    /// What it is for (`agent mine`).
    pub what: String,
    /// The program and its arguments. Not trusted.
    pub command: Vec<String>,
}

fn load_file(path: &Path, scope: Scope) -> Result<Option<ConfigFile>, CliError> {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(ConfigError::unreadable(path, &error).into()),
    };
    let text = String::from_utf8(bytes).map_err(|error| ConfigError::not_utf8(path, &error))?;
    Ok(Some(ConfigFile::parse(&text, PathBuf::from(path), scope)?))
}

#[cfg(test)]
mod tests;
