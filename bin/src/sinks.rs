//! The sinks of a run, from its settings.

use std::path::{Path, PathBuf};

use codeloops_adapters::companion::Command;
use codeloops_event::RunId;
use codeloops_sinks::{ConsoleOptions, ConsoleSink, ExecSink, Format, Live, LogSink, Sink};

use crate::engine::masked;
use crate::error::CliError;
use crate::programs::{Outlets, Programs, RUN_VARIABLE};
use crate::settings::RunSettings;
use crate::values::SinkSpec;
use crate::world::{Stream, World};

/// Everything but the session file, which is no sink: the engine waits for that.
pub(crate) fn sinks_of(
    settings: &RunSettings,
    run_id: &RunId,
    world: &World,
    programs: &Programs,
) -> Result<Vec<Box<dyn Sink>>, CliError> {
    refuse_session_files(settings)?;
    let mut sinks: Vec<Box<dyn Sink>> = Vec::new();
    if settings.has_sink(&SinkSpec::Console) {
        sinks.push(console(settings, world));
    }
    let redact = |name: &str| Ok(masked(name, settings.redactor_for(name, &world.env)?.as_ref()));
    let has_status = live_terminal(settings, world).is_some();
    let others = Others {
        dir: &settings.sinks_dir,
        run_id: Some(run_id),
        name: &redact,
        outlets: Outlets::new(world, !settings.owns_stdout(), has_status),
        programs,
    };
    for spec in &settings.sinks.value {
        sinks.extend(others.make(spec)?);
    }
    if let Some(file) = &settings.log_file {
        sinks.push(log(&file.value)?);
    }
    Ok(sinks)
}

/// What a sink writes among the session files would pass for a session, or spoil one.
fn refuse_session_files(settings: &RunSettings) -> Result<(), CliError> {
    let Ok(sessions) = settings.data_dir.join("sessions").canonicalize() else { return Ok(()) };
    // A file that is not there yet has a folder that is.
    let folder = |file: &Path| {
        let real = file.canonicalize().or_else(|_| file.parent().unwrap_or(file).canonicalize());
        real.map(|real| if real.is_dir() { Some(real) } else { real.parent().map(Path::to_owned) })
    };
    let is_among = |file: &&PathBuf| folder(file).is_ok_and(|dir| dir.as_ref() == Some(&sessions));
    match settings.files_of_sinks().find(is_among) {
        None => Ok(()),
        Some(file) => Err(CliError::usage(format!(
            "a sink cannot write to `{}`: session files are kept there",
            file.display()
        ))
        .hint("name a file in another folder")),
    }
}

/// What sinks have in common that are neither the console nor the session file.
pub(crate) struct Others<'a> {
    /// Where a command is started.
    pub(crate) dir: &'a Path,
    /// The run that is told of, where it goes on now.
    pub(crate) run_id: Option<&'a RunId>,
    /// Makes a name of what is written in flags and files.
    pub(crate) name: &'a dyn Fn(&str) -> Result<String, CliError>,
    /// Where goes what commands print.
    pub(crate) outlets: Outlets,
    /// Those that run.
    pub(crate) programs: &'a Programs,
}

impl Others<'_> {
    /// The sink, where it is one of these.
    pub(crate) fn make(&self, spec: &SinkSpec) -> Result<Option<Box<dyn Sink>>, CliError> {
        let name = (self.name)(&spec.to_string())?;
        match spec {
            // `otel` is made once it is known what it exports (`crate::exported`).
            SinkSpec::Jsonl | SinkSpec::Console | SinkSpec::Otel => Ok(None),
            SinkSpec::File(path) => file(name, path).map(Some),
            SinkSpec::Exec(script) => Ok(Some(self.exec(name, script))),
        }
    }

    fn exec(&self, name: String, script: &str) -> Box<dyn Sink> {
        let run = self.run_id.map(|run| (RUN_VARIABLE.to_owned(), run.to_string()));
        let env = run.into_iter().collect();
        let command = Command { script: script.to_owned(), dir: self.dir.to_owned(), env };
        Box::new(ExecSink::new(name, self.programs.starter(command, self.outlets.clone())))
    }
}

/// The sink `file:PATH`.
fn file(name: String, path: &Path) -> Result<Box<dyn Sink>, CliError> {
    let sink = LogSink::append(name.clone(), path).map_err(|error| {
        CliError::failed(format!("could not open the file of the sink `{name}`: {error}"))
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
