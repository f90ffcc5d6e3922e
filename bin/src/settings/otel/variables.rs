//! Reads variables of the environment. One that is empty counts as not set.

use super::super::origin::{Origin, Sourced};
use crate::error::CliError;
use crate::values::ValueError;
use crate::world::Environment;

/// The value of the first of these variables that is set.
///
/// # Errors
/// Where it is not accepted. No message quotes it: it may be a secret.
pub(super) fn strict<T>(
    env: &Environment,
    names: &[String],
    parse: impl Fn(&str) -> Result<T, ValueError>,
) -> Result<Option<Sourced<T>>, CliError> {
    let read = names.iter().find_map(|name| read(env, name, &parse));
    read.transpose().map_err(|error| CliError::usage(error).hint("correct or unset the variable"))
}

/// Reads variables of which a malformed one is warned of and counts as not set.
pub(super) struct Lenient<'a> {
    env: &'a Environment,
    pub(super) warnings: Vec<String>,
}

impl<'a> Lenient<'a> {
    pub(super) const fn new(env: &'a Environment) -> Self {
        Self { env, warnings: Vec::new() }
    }

    pub(super) const fn env(&self) -> &'a Environment {
        self.env
    }

    pub(super) fn value<T>(
        &mut self,
        name: &str,
        parse: impl Fn(&str) -> Result<T, ValueError>,
    ) -> Option<Sourced<T>> {
        match read(self.env, name, &parse)? {
            Ok(value) => Some(value),
            Err(error) => {
                self.warn(format!("{error}; the variable counts as not set"));
                None
            }
        }
    }

    pub(super) fn warn(&mut self, warning: String) {
        self.warnings.push(warning);
    }
}

fn read<T>(
    env: &Environment,
    name: &str,
    parse: &impl Fn(&str) -> Result<T, ValueError>,
) -> Option<Result<Sourced<T>, String>> {
    let value = env.var(name)?;
    let parsed = match value.to_str().map(str::trim) {
        Some("") => return None,
        Some(text) => parse(text),
        None => Err(ValueError("it is not UTF-8".to_owned())),
    };
    let origin = Origin::Environment(name.to_owned());
    Some(match parsed {
        Ok(value) => Ok(Sourced { value, origin }),
        Err(error) => Err(format!("`{name}` is not accepted: {error}")),
    })
}

pub(super) fn boolean(text: &str) -> Result<bool, ValueError> {
    match text.to_ascii_lowercase().as_str() {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(ValueError("it is neither `true` nor `false`".to_owned())),
    }
}
