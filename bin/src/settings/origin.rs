//! Where a value came from, and the order in which the places are asked.

use std::fmt;
use std::path::PathBuf;

use crate::config::{Config, ConfigFile, Located, Scope};

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// This flag.
    Flag(&'static str),
    /// This variable.
    Environment(String),
    /// A configuration file.
    File {
        /// Which.
        scope: Scope,
        /// The file.
        path: PathBuf,
        /// The key with the tables it stands in.
        key: String,
        /// The line, counted from 1.
        line: usize,
    },
    /// The session that is gone on with, or that this one forks.
    Recorded,
    /// Nobody said anything.
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(flag) => f.write_str(flag),
            Self::Environment(name) => f.write_str(name),
            Self::File { scope, path, key, line } => {
                write!(f, "{}: {key} at {}:{line}", scope.as_str(), path.display())
            }
            Self::Recorded => f.write_str("as recorded"),
            Self::Default => f.write_str("default"),
        }
    }
}

/// A value and where it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sourced<T> {
    /// The value.
    pub value: T,
    /// Where it came from.
    pub origin: Origin,
}

impl<T> Sourced<T> {
    /// `on` where the flag is given, else the default.
    pub(super) fn flag_or(given: bool, flag: &'static str, on: T, default: T) -> Self {
        if given {
            Self { value: on, origin: Origin::Flag(flag) }
        } else {
            Self { value: default, origin: Origin::Default }
        }
    }
}

/// The places that are asked for a value: the flag, the project's file, the user's file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Layers<'a> {
    pub(super) config: &'a Config,
}

impl Layers<'_> {
    /// The value of the first place that has one.
    pub(super) fn find<T: Clone>(
        self,
        flag: &'static str,
        given: Option<T>,
        key: impl Fn(&ConfigFile) -> &Option<Located<T>>,
    ) -> Option<Sourced<T>> {
        if let Some(value) = given {
            return Some(Sourced { value, origin: Origin::Flag(flag) });
        }
        self.config.layers().find_map(|file| Some(of_file(file, key(file).as_ref()?)))
    }

    /// As [`Layers::find`], else `default`.
    pub(super) fn or<T: Clone>(
        self,
        flag: &'static str,
        given: Option<T>,
        key: impl Fn(&ConfigFile) -> &Option<Located<T>>,
        default: T,
    ) -> Sourced<T> {
        self.find(flag, given, key).unwrap_or(Sourced { value: default, origin: Origin::Default })
    }

    /// As [`Layers::or`] with the type's own default.
    pub(super) fn value<T: Clone + Default>(
        self,
        flag: &'static str,
        given: Option<T>,
        key: impl Fn(&ConfigFile) -> &Option<Located<T>>,
    ) -> Sourced<T> {
        self.or(flag, given, key, T::default())
    }
}

/// A value of a file with its origin.
pub(super) fn of_file<T: Clone>(file: &ConfigFile, located: &Located<T>) -> Sourced<T> {
    Sourced {
        value: located.value.clone(),
        origin: Origin::File {
            scope: file.scope,
            path: file.path.clone(),
            key: located.key.clone(),
            line: located.line,
        },
    }
}
