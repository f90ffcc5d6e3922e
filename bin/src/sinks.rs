//! The sinks of a run, from its settings.

use std::path::Path;

use codeloops_sinks::{ConsoleOptions, ConsoleSink, Format, Live, LogSink, Sink};

use crate::error::CliError;
use crate::settings::RunSettings;
use crate::values::SinkSpec;
use crate::world::{Stream, World};

/// Everything but the session file, which is no sink: the engine waits for that.
pub(crate) fn sinks_of(
    settings: &RunSettings,
    world: &World,
) -> Result<Vec<Box<dyn Sink>>, CliError> {
    let mut sinks: Vec<Box<dyn Sink>> = Vec::new();
    if settings.has_sink(&SinkSpec::Console) {
        sinks.push(console(settings, world));
    }
    for spec in &settings.sinks.value {
        sinks.extend(other(spec)?);
    }
    if let Some(file) = &settings.log_file {
        sinks.push(log(&file.value)?);
    }
    Ok(sinks)
}

/// Any sink but the console; the session file is none.
pub(crate) fn other(spec: &SinkSpec) -> Result<Option<Box<dyn Sink>>, CliError> {
    match spec {
        SinkSpec::Jsonl | SinkSpec::Console => Ok(None),
        SinkSpec::File(path) => file(spec, path).map(Some),
        SinkSpec::Otel | SinkSpec::Exec(_) => {
            Err(CliError::usage(format!("the sink `{spec}` is not yet available in this release")))
        }
    }
}

/// The sink `file:PATH`.
fn file(spec: &SinkSpec, path: &Path) -> Result<Box<dyn Sink>, CliError> {
    let sink = LogSink::append(spec.to_string(), path).map_err(|error| {
        CliError::failed(format!("could not open the file of the sink `{spec}`: {error}"))
            .hint("name a file that you may write, in a directory that exists")
    })?;
    Ok(Box::new(sink))
}

/// The sink of `--log-file`.
pub(crate) fn log(file: &Path) -> Result<Box<dyn Sink>, CliError> {
    let log = LogSink::append("log-file", file).map_err(|error| {
        let path = file.display();
        CliError::failed(format!("could not open the log file `{path}`: {error}"))
            .hint("name a file that you may write, in a directory that exists")
    })?;
    Ok(Box::new(log))
}

/// The terminal that shows a live status, where one does.
pub(crate) fn live_terminal(settings: &RunSettings, world: &World) -> Option<Stream> {
    let shows_status = settings.has_sink(&SinkSpec::Console)
        && settings.log_format.value != Format::Json
        && console_stream(settings, world).1;
    shows_status.then(|| console_stream(settings, world).0)
}

/// Where the console writes, and whether that is a terminal.
fn console_stream(settings: &RunSettings, world: &World) -> (Stream, bool) {
    if settings.json_output {
        (world.stderr.clone(), world.terminal.stderr)
    } else {
        (world.stdout.clone(), world.terminal.stdout)
    }
}

fn console(settings: &RunSettings, world: &World) -> Box<dyn Sink> {
    let (writer, is_terminal) = console_stream(settings, world);
    let live = if settings.json_output { Live::stderr } else { Live::stdout };
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
