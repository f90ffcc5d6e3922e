//! Feeds a recording to the sinks of a live run.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use codeloops_driver::{outlive_file_size_limit, stop_requests};
use codeloops_event::Event;
use codeloops_sinks::{
    ConsoleOptions, ConsoleSink, Format, Hub, HubOptions, Live, Sink, SinkReport,
};
use tokio::sync::mpsc::Receiver;
use tokio::time::{Instant, sleep, sleep_until};

use super::pace::Pace;
use super::patience::Patience;
use super::recording::Recording;
use super::rounds::Rounds;
use super::trace;
use crate::app::ReplayShowArgs;
use crate::engine::runtime;
use crate::error::CliError;
use crate::exit_code;
use crate::lost_console::CONSOLE;
use crate::output::Printer;
use crate::programs::{Outlets, Programs};
use crate::settings::ReplaySettings;
use crate::settings::otel::Otel;
use crate::sink_words::{said_of_itself, trouble};
use crate::sinks::{Others, log};
use crate::suspend::clear_when_suspended;
use crate::world::{Stream, World};

/// Bytes that may wait for a sink before no more is read.
const AHEAD: usize = 8 * 1024 * 1024;

/// How often it is asked whether a sink has caught up.
const A_MOMENT: Duration = Duration::from_millis(5);

/// How long the sinks may take for what they have once the user broke off.
const AT_ONCE: Duration = Duration::from_millis(200);

/// Shows a recording; gives the exit code.
pub(super) fn show(
    recording: Recording,
    args: &ReplayShowArgs,
    no_color: bool,
    world: &World,
    printer: &mut Printer,
) -> Result<u8, CliError> {
    let rounds = Rounds::of(args)?;
    let settings = ReplaySettings::resolve(args, world)?;
    if settings.files().any(|file| recording.is_same_file(file)) {
        return Err(CliError::usage("a sink would write into the recording itself")
            .hint("name another file with `--log-file` or `--sink file:PATH`"));
    }
    trace::refuse_contradictions(args, &settings)?;
    for setting in &settings.project_settings {
        printer.remark(&format!("codeloops.toml {setting}"));
    }
    settings.otel.iter().flat_map(Otel::warnings).for_each(|warning| printer.warning(warning));
    let reader_left = ReaderLeft::default();
    let programs = Programs::default();
    let mut sinks = sinks(&settings, no_color, world, &reader_left, &programs)?;
    sinks.extend(trace::sink(&recording, args, &settings, world)?);
    let hub = Arc::new(Hub::new(sinks, &HubOptions::default()));
    let runtime = runtime()
        .map_err(|error| CliError::failed(format!("the runtime cannot be started: {error}")))?;
    let pace = Pace::begin(args.speed.unwrap_or_default());
    let mut replay = Replay { hub, rounds, pace, close_timeout: settings.close_timeout };
    let mut recording = recording;
    let fed = runtime.block_on(async {
        if settings.console.is_some_and(|format| format != Format::Json) && world.terminal.stdout {
            clear_when_suspended(world.stdout.clone());
        }
        let mut stops = outlive_file_size_limit()
            .and_then(|()| stop_requests())
            .map_err(|error| CliError::failed(format!("signals cannot be listened to: {error}")))?;
        let fed = replay.feed(&mut recording, args.verbose, printer, &mut stops).await;
        let reports = replay.close(&programs, fed.as_ref().err(), &mut stops).await?;
        fed.map(|()| reports)
    });
    // Nobody waits for a sink that the user broke off at.
    runtime.shutdown_background();
    let reports = fed?;
    if let Some(warning) = recording.into_warning() {
        printer.warning(warning.to_string());
    }
    let well = reports.iter().filter(|sink| sink.state.is_well());
    for note in well.filter_map(said_of_itself) {
        printer.remark(&note);
    }
    failure_of(&reports, &reader_left).map_or(Ok(()), Err)?;
    replay.rounds.were_there()?;
    Ok(exit_code::SUCCESS)
}

/// A recording on its way to the sinks.
struct Replay {
    hub: Arc<Hub>,
    rounds: Rounds,
    pace: Pace,
    close_timeout: Duration,
}

impl Replay {
    async fn feed(
        &mut self,
        recording: &mut Recording,
        verbose: bool,
        printer: &mut Printer,
        stops: &mut Receiver<String>,
    ) -> Result<(), CliError> {
        let fed = self.feed_all(recording, verbose, printer, stops).await;
        // What stands before a line that cannot be read is shown all the same.
        if fed.as_ref() != Err(&CliError::interrupted()) {
            self.until_behind(0, stops).await?;
        }
        fed
    }

    /// Lets the sinks come to their end. A user who breaks off need not wait for them.
    async fn close(
        &self,
        programs: &Programs,
        failed: Option<&CliError>,
        stops: &mut Receiver<String>,
    ) -> Result<Vec<SinkReport>, CliError> {
        let broken_off = failed == Some(&CliError::interrupted());
        let timeout = if broken_off { AT_ONCE } else { self.close_timeout };
        let (hub, closed) = (Arc::clone(&self.hub), programs.clone());
        let reports = tokio::task::spawn_blocking(move || closed.close(&hub, timeout));
        tokio::select! {
            biased;
            _ = stops.recv() => {
                programs.end();
                Err(CliError::interrupted())
            }
            reports = reports => reports.map_err(|error| CliError::internal(&error.to_string())),
        }
    }

    async fn feed_all(
        &mut self,
        recording: &mut Recording,
        verbose: bool,
        printer: &mut Printer,
        stops: &mut Receiver<String>,
    ) -> Result<(), CliError> {
        for recorded in recording {
            let event = recorded?.event;
            if let (true, Event::SessionStart(start)) = (verbose, &event) {
                printer.remark(&no_chatter(start.evidence_dir.as_deref()));
            }
            if !self.rounds.take(&event) {
                self.pace.skip(&event);
                continue;
            }
            if let Some(due) = self.pace.next(&event) {
                until(due, stops).await?;
            }
            self.hub.publish(&Arc::new(event));
            if !self.until_behind(AHEAD, stops).await? {
                break;
            }
        }
        Ok(())
    }

    /// Waits until no sink that goes on taking has more than this still to consume; false where none takes anything more.
    async fn until_behind(
        &self,
        bytes: usize,
        stops: &mut Receiver<String>,
    ) -> Result<bool, CliError> {
        let mut patience = Patience::new(self.close_timeout);
        loop {
            patience.spent_on(&self.hub, Instant::now().into_std());
            match self.hub.backlog() {
                None => return Ok(false),
                Some(backlog) if backlog <= bytes => {
                    return if stops.is_empty() { Ok(true) } else { Err(CliError::interrupted()) };
                }
                Some(_) => pause(A_MOMENT, stops).await?,
            }
        }
    }
}

async fn until(due: Instant, stops: &mut Receiver<String>) -> Result<(), CliError> {
    tokio::select! {
        biased;
        _ = stops.recv() => Err(CliError::interrupted()),
        () = sleep_until(due) => Ok(()),
    }
}

async fn pause(time: Duration, stops: &mut Receiver<String>) -> Result<(), CliError> {
    tokio::select! {
        biased;
        _ = stops.recv() => Err(CliError::interrupted()),
        () = sleep(time) => Ok(()),
    }
}

fn no_chatter(evidence_dir: Option<&str>) -> String {
    let what = "a session does not hold what the agents printed while they worked";
    match evidence_dir {
        Some(dir) => format!("{what}; the whole of it is in {dir}"),
        None => what.to_owned(),
    }
}

fn sinks(
    settings: &ReplaySettings,
    no_color: bool,
    world: &World,
    reader_left: &ReaderLeft,
    programs: &Programs,
) -> Result<Vec<Box<dyn Sink>>, CliError> {
    let mut sinks: Vec<Box<dyn Sink>> = Vec::new();
    if let Some(format) = settings.console {
        sinks.push(console(format, no_color, world, reader_left));
    }
    let has_console = settings.console.is_some();
    let has_status = settings.console.is_some_and(|format| format != Format::Json);
    let others = Others {
        dir: &settings.sinks_dir,
        run_id: None,
        name: &|name| Ok(name.to_owned()),
        outlets: Outlets::new(world, !has_console, has_status && world.terminal.stdout),
        programs,
    };
    for spec in &settings.sinks {
        sinks.extend(others.make(spec)?);
    }
    if let Some(file) = &settings.log_file {
        sinks.push(log(file)?);
    }
    Ok(sinks)
}

fn console(
    format: Format,
    no_color: bool,
    world: &World,
    reader_left: &ReaderLeft,
) -> Box<dyn Sink> {
    let options = ConsoleOptions {
        format,
        color: Printer::new(world, no_color).stdout_color,
        live: if world.terminal.stdout { Live::stdout() } else { Live::Off },
        verbose: false,
    };
    let writer = Noting { stdout: world.stdout.clone(), reader_left: reader_left.clone() };
    Box::new(ConsoleSink::new(writer, options))
}

/// Whether whoever reads standard output went away (`codeloops replay … | head`).
#[derive(Debug, Clone, Default)]
struct ReaderLeft(Arc<AtomicBool>);

/// Standard output, which notes that.
struct Noting {
    stdout: Stream,
    reader_left: ReaderLeft,
}

impl Noting {
    fn noted<T>(&self, result: io::Result<T>) -> io::Result<T> {
        if result.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::BrokenPipe) {
            self.reader_left.0.store(true, Ordering::Release);
        }
        result
    }
}

impl Write for Noting {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.stdout.write(bytes);
        self.noted(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        let flushed = self.stdout.flush();
        self.noted(flushed)
    }
}

/// What became of a sink that did not get all. A reader that has read enough is none of that.
fn failure_of(reports: &[SinkReport], reader_left: &ReaderLeft) -> Option<CliError> {
    let enough = |sink: &&SinkReport| sink.name == CONSOLE && reader_left.0.load(Ordering::Acquire);
    let mut lost = reports.iter().filter(|sink| !sink.state.is_well());
    let sink = lost.find(|sink| !enough(sink))?;
    Some(CliError::failed(trouble(sink)))
}
