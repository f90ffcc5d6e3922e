//! What an export of recordings goes by: flags, variables, the user's configuration file and the
//! built-in defaults. A project's file has no say: the sessions are those of all projects.

use std::time::Duration;

use super::CLOSE_TIMEOUT;
use super::origin::Layers;
use super::otel::Otel;
use crate::app::OtelArgs;
use crate::config::Config;
use crate::error::CliError;
use crate::world::World;

/// The resolved settings of an export.
#[derive(Debug, Clone)]
pub struct ExportSettings {
    /// What the sink goes by.
    pub otel: Otel,
    /// How long it may take at the end of each recording.
    pub close_timeout: Duration,
}

impl ExportSettings {
    /// Puts everything together.
    ///
    /// # Errors
    /// Where the file or a variable says something that is not accepted, or that nothing is to be
    /// exported.
    pub fn resolve(args: &OtelArgs, world: &World) -> Result<Self, CliError> {
        let config = Config::of_user(&world.env.config_dir()?)?;
        let layers = Layers { config: &config };
        Ok(Self {
            otel: Otel::of_export(args, layers, &world.env)?,
            close_timeout: layers.or("", None, |f| &f.sinks.close_timeout, CLOSE_TIMEOUT).value,
        })
    }
}
