//! What a receiver knows us by: secrets, which are for the receiver that they were set up for.
//!
//! A project's file is not trusted with them: where it names the receiver, nothing goes there but what
//! it names itself.

use std::path::PathBuf;

use super::super::origin::{Layers, Origin, Sourced};
use super::is_projects;
use super::signal::Places;
use crate::config::Config;
use crate::error::CliError;
use crate::values::otel::Headers;
use crate::world::Environment;

/// What a receiver knows us by.
pub(super) struct Credentials {
    pub(super) headers: Option<Sourced<Headers>>,
    pub(super) client_certificate: Option<Sourced<PathBuf>>,
    pub(super) client_key: Option<Sourced<PathBuf>>,
    /// What is set up for another receiver, by its keys.
    pub(super) withheld: Vec<(&'static str, Origin)>,
}

impl Credentials {
    /// Those for a receiver that is named there.
    pub(super) fn resolve(places: Places<'_>, receiver: Option<&Origin>) -> Result<Self, CliError> {
        let all = Self::of(places)?;
        if !receiver.is_some_and(is_projects) {
            return Ok(all);
        }
        let config = Config { project: places.layers.config.project.clone(), global: None };
        let (layers, env) = (Layers { config: &config }, &Environment::default());
        let theirs = Self::of(Places { layers, env, ..places })?;
        let others = all.origins().into_iter().filter(|(_, origin)| !is_projects(origin));
        Ok(Self { withheld: others.collect(), ..theirs })
    }

    fn of(places: Places<'_>) -> Result<Self, CliError> {
        Ok(Self {
            headers: places.find("HEADERS", str::parse, |f| &f.sinks.otel.headers)?,
            client_certificate: places
                .path("CLIENT_CERTIFICATE", |f| &f.sinks.otel.client_certificate)?,
            client_key: places.path("CLIENT_KEY", |f| &f.sinks.otel.client_key)?,
            withheld: Vec::new(),
        })
    }

    fn origins(&self) -> Vec<(&'static str, Origin)> {
        let origin = |path: &Option<Sourced<PathBuf>>| Some(path.as_ref()?.origin.clone());
        let all = [
            ("headers", self.headers.as_ref().map(|headers| headers.origin.clone())),
            ("client_certificate", origin(&self.client_certificate)),
            ("client_key", origin(&self.client_key)),
        ];
        all.into_iter().filter_map(|(key, origin)| Some((key, origin?))).collect()
    }
}
