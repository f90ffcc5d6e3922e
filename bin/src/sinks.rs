//! The sinks of a run, from its settings.

use codeloops_sinks::{ConsoleOptions, ConsoleSink, Live, LogSink, Sink};

use crate::error::CliError;
use crate::settings::RunSettings;
use crate::values::SinkName;
use crate::world::World;

/// Everything but the session file, which is no sink: the engine waits for that.
pub(crate) fn sinks_of(
    settings: &RunSettings,
    world: &World,
) -> Result<Vec<Box<dyn Sink>>, CliError> {
    let mut sinks: Vec<Box<dyn Sink>> = Vec::new();
    if settings.has_sink(SinkName::Console) {
        sinks.push(console(settings, world));
    }
    if let Some(file) = &settings.log_file {
        let log = LogSink::append("log-file", &file.value).map_err(|error| {
            let path = file.value.display();
            CliError::failed(format!("could not open the log file `{path}`: {error}"))
                .hint("name a file that you may write, in a directory that exists")
        })?;
        sinks.push(Box::new(log));
    }
    Ok(sinks)
}

fn console(settings: &RunSettings, world: &World) -> Box<dyn Sink> {
    let to_stderr = settings.json_output;
    let (writer, is_terminal, live) = if to_stderr {
        (world.stderr.clone(), world.terminal.stderr, Live::stderr as fn() -> Live)
    } else {
        (world.stdout.clone(), world.terminal.stdout, Live::stdout as fn() -> Live)
    };
    Box::new(ConsoleSink::new(
        writer,
        ConsoleOptions {
            format: settings.log_format.value,
            color: settings.color,
            live: if is_terminal { live() } else { Live::Off },
            verbose: settings.verbose,
        },
    ))
}
