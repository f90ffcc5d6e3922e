//! What a replay goes by: flags, both configuration files and the built-in defaults. The agents and
//! limits of the files are of no concern to it.

use std::path::PathBuf;
use std::time::Duration;

use codeloops_sinks::Format;

use super::origin::Layers;
use super::otel::Otel;
use super::{CLOSE_TIMEOUT, has_otel, working_dir};
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
        let log_file = args.log_file.as_ref();
        let sinks = layers.find("--sink", asked(args), |f| &f.sinks.enabled);
        let has_otel = sinks.is_some_and(|sinks| has_otel(&sinks.value));
        Ok(Self {
            otel: Otel::resolve(has_otel, &args.otel, layers, &world.env)?,
            console: has_console(args, layers).then_some(format),
            log_file: log_file.map(|path| path_from(&dir, path)),
            close_timeout: layers.or("", None, |f| &f.sinks.close_timeout, CLOSE_TIMEOUT).value,
        })
    }
}

/// Whoever configured no console and names no other sink still wants to see something.
fn has_console(args: &ReplayShowArgs, layers: Layers<'_>) -> bool {
    let sinks =
        layers.or("--sink", asked(args), |f| &f.sinks.enabled, vec![SinkName::Console]).value;
    sinks.contains(&SinkName::Console) || args.log_file.is_none()
}

/// The sinks of the command line, where it names some.
fn asked(args: &ReplayShowArgs) -> Option<Vec<SinkName>> {
    (!args.sinks.is_empty()).then(|| args.sinks.clone())
}
