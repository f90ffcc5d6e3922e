//! The sinks of a run, from its settings.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use codeloops_adapters::companion::Command;
use codeloops_adapters::git::tracks_files_in;
use codeloops_event::RunId;
use codeloops_sinks::{ConsoleOptions, ConsoleSink, ExecSink, Format, Live, LogSink, Sink};

use crate::engine::masked;
use crate::error::CliError;
use crate::programs::{Outlets, Programs, RUN_VARIABLE};
use crate::repository;
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
    refuse_files_of_others(settings)?;
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

/// Refuses files that are not a sink's to write.
fn refuse_files_of_others(settings: &RunSettings) -> Result<(), CliError> {
    for file in settings.files_of_sinks() {
        let Some(why) = not_for_a_sink(&real(file), settings) else { continue };
        let message = format!("a sink cannot write to `{}`: {why}", file.display());
        return Err(CliError::usage(message).hint("name a file in another folder"));
    }
    Ok(())
}

/// Why no sink may write to a file: what it writes among the session files would pass for a session, or
/// spoil one; in the evidence it would pass for that; and a change of what git tracks would be taken for
/// no work of the actor's.
fn not_for_a_sink(file: &Path, settings: &RunSettings) -> Option<&'static str> {
    let sessions = real(&settings.data_dir.join("sessions"));
    if file.parent() == Some(&sessions) || is_linked_into(file, &sessions) {
        return Some("session files are kept there");
    }
    if file.starts_with(real(&settings.runs_dir.value)) {
        return Some("the evidence of runs is kept there");
    }
    let root = repository::top(&settings.working_dir.value).map(real)?;
    // A repository that cannot be asked cannot be opened either, which says why.
    let is_tracked = file.starts_with(&root) && tracks_files_in(&root, file).unwrap_or(false);
    (is_tracked && !file.is_dir()).then_some("git tracks it, and it may be a part of the work")
}

/// Whether a file is one of a folder's under another name.
fn is_linked_into(file: &Path, folder: &Path) -> bool {
    let Ok(file) = file.metadata() else { return false };
    let Some(entries) = (file.nlink() > 1).then(|| fs::read_dir(folder).ok()).flatten() else {
        return false;
    };
    let is_same = |other: fs::Metadata| (other.dev(), other.ino()) == (file.dev(), file.ino());
    entries.flatten().any(|entry| entry.metadata().is_ok_and(is_same))
}

/// The real path of a file that may not exist yet, which a link may lead to.
fn real(file: &Path) -> PathBuf {
    let mut file = file.to_owned();
    // More links in a row the system does not follow either.
    for _ in 0..40 {
        if let Ok(real) = file.canonicalize() {
            return real;
        }
        let parent = file.parent().map(Path::to_owned).unwrap_or_default();
        match (file.read_link(), file.file_name()) {
            (Ok(target), _) => file = parent.join(target),
            (Err(_), Some(name)) => return parent.canonicalize().unwrap_or(parent).join(name),
            (Err(_), None) => return file,
        }
    }
    file
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
