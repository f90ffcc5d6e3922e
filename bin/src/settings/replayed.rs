//! What a replay goes by: flags, both configuration files and the built-in defaults. The agents and
//! limits of the files are of no concern to it.

use std::path::PathBuf;
use std::time::Duration;

use codeloops_sinks::Format;

use super::origin::Layers;
use super::otel::Otel;
use super::sinks::{self, Sinks};
use super::{CLOSE_TIMEOUT, working_dir};
use crate::app::ReplayShowArgs;
use crate::config::{Config, ProjectSetting};
use crate::error::CliError;
use crate::text::path_from;
use crate::values::SinkSpec;
use crate::world::World;

/// The resolved settings of a replay.
#[derive(Debug, Clone)]
pub struct ReplaySettings {
    /// How the console shows the run; none where there is none.
    pub console: Option<Format>,
    /// Which other sinks it has. Paths are absolute.
    pub sinks: Vec<SinkSpec>,
    /// Where a path or a command of theirs begins.
    pub sinks_dir: PathBuf,
    /// What the project's file says of them that a user should know.
    pub project_settings: Vec<ProjectSetting>,
    /// Where structured logs go, absolute.
    pub log_file: Option<PathBuf>,
    /// How long a sink may take at the end.
    pub close_timeout: Duration,
    /// What the sink `otel` goes by, where there is one.
    pub otel: Option<Otel>,
}

impl ReplaySettings {
    /// Puts everything together.
    ///
    /// # Errors
    /// Where a file says something that is not accepted, or the session file is to be a sink.
    pub fn resolve(args: &ReplayShowArgs, world: &World) -> Result<Self, CliError> {
        if args.sinks.contains(&SinkSpec::Jsonl) {
            return Err(CliError::usage("a replay records no session: `jsonl` is no sink of it")
                .hint("`--log-file` takes the events as JSON lines"));
        }
        let dir = working_dir(None, &world.env)?.value;
        let config = Config::load(&dir, &world.env.config_dir()?)?;
        let layers = Layers { config: &config };
        let format = layers.value("--log-format", args.log_format, |f| &f.log_format).value;
        let log_file = args.log_file.as_ref().map(|path| path_from(&dir, path));
        let Sinks { specs, dir: sinks_dir, of_project: mut project_settings } =
            sinks::of_replay(&args.sinks, layers, &dir);
        let mut sinks = specs.value;
        let otel = Otel::resolve(&sinks, &args.otel, layers, &world.env)?;
        project_settings.extend(otel.iter().flat_map(Otel::project_settings));
        let others = sinks.iter().any(|sink| *sink != SinkSpec::Console) || log_file.is_some();
        let has_console = sinks.contains(&SinkSpec::Console) || !others;
        sinks.retain(|sink| *sink != SinkSpec::Console);
        Ok(Self {
            // Whoever configured no console and names no other sink still wants to see something.
            console: has_console.then_some(format),
            sinks,
            sinks_dir,
            project_settings,
            log_file,
            close_timeout: layers.or("", None, |f| &f.sinks.close_timeout, CLOSE_TIMEOUT).value,
            otel,
        })
    }
    /// The files that it writes.
    pub(crate) fn files(&self) -> impl Iterator<Item = &PathBuf> {
        let of_sinks = self.sinks.iter().filter_map(SinkSpec::path);
        self.log_file.iter().chain(of_sinks)
    }
}
