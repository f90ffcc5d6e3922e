//! `codeloops sessions export-traces`: recorded runs as traces, for the receiver of the sink `otel`.
//!
//! The oldest goes first, so that an export that was broken off is gone on with by its day.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use codeloops_driver::stop_requests;
use codeloops_event::Timestamp;
use codeloops_session::{
    Catalogue, ReadError, SessionEntry, SessionReader, SessionStatus, SessionStore, Warning,
};
use codeloops_sinks::{one_line, words};
use serde::Serialize;
use tokio::sync::mpsc::Receiver;

use super::list::{filter, nothing};
use super::{store_error, tell};
use crate::app::ExportTracesArgs;
use crate::engine::runtime;
use crate::error::CliError;
use crate::exported::Exporter;
use crate::output::Printer;
use crate::recorded_trace::{Ahead, Sent};
use crate::settings::ExportSettings;
use crate::values::otel::Times;
use crate::world::{Environment, World};

/// Exports the sessions that match.
pub(super) fn export_traces(
    args: &ExportTracesArgs,
    store: &SessionStore,
    world: &World,
    printer: &mut Printer,
) -> Result<(), CliError> {
    let settings = ExportSettings::resolve(&args.otel, world)?;
    settings.otel.warnings().into_iter().for_each(|warning| printer.warning(warning));
    let filter = filter(&args.filter);
    let mut found = store.catalogue(&filter).map_err(|error| store_error(&error))?;
    tell(found.warnings(), printer);
    found.truncate(args.limit.map_or(usize::MAX, |limit| limit.get() as usize));
    let mut done = Done { unread: unread(found.warnings()), json: args.json, ..Done::default() };
    if found.is_empty() {
        if args.json {
            printer.json(&done.sent)?;
        } else if done.unread == 0 {
            printer.note(nothing(&filter));
        }
        return done.all_read();
    }
    let receiver = settings.otel.receiver().unwrap_or_default().to_owned();
    let how = Arc::new(How {
        settings,
        times: args.times.unwrap_or_default(),
        now: world.clock.now().at,
        env: world.env.clone(),
    });
    let exported = export_all(&oldest_first(&found, store), &how, &mut done, printer);
    if exported.is_ok() || !done.sent.is_empty() || args.json {
        done.tell(&receiver, printer)?;
    }
    exported?;
    done.all_read()
}

/// How sessions are exported.
struct How {
    settings: ExportSettings,
    times: Times,
    /// When the traces end that are to end now.
    now: Timestamp,
    env: Environment,
}

/// A session that is meant.
struct Wanted {
    id: String,
    path: PathBuf,
    began: Timestamp,
    runs: bool,
}

/// What was done so far.
#[derive(Default)]
struct Done {
    sent: Vec<Told>,
    /// Sessions that could not be read.
    unread: u64,
    /// Whether all is told at the end.
    json: bool,
}

/// A session that was exported.
#[derive(Serialize)]
struct Told {
    id: String,
    #[serde(flatten)]
    sent: Sent,
}

/// Why a session was not exported.
enum Failure {
    Unreadable(ReadError),
    NotSetUp(CliError),
}

/// Why no further session is exported.
enum End {
    Interrupted,
    /// By the receiver; the next session would fare no better.
    NotTaken(String),
    Other(CliError),
}

fn oldest_first(found: &Catalogue, store: &SessionStore) -> Vec<Wanted> {
    let wanted = |session: SessionEntry<'_>| Wanted {
        id: session.id.to_owned(),
        path: store.dir().join(format!("{}.jsonl", session.id)),
        began: session.timestamp,
        runs: session.status == SessionStatus::Running,
    };
    let mut wanted: Vec<_> = found.iter().map(wanted).collect();
    wanted.reverse();
    wanted
}

/// Exports one after the other, until all are, one was not taken, or the user breaks off.
fn export_all(
    sessions: &[Wanted],
    how: &Arc<How>,
    done: &mut Done,
    printer: &mut Printer,
) -> Result<(), CliError> {
    let runtime = runtime()
        .map_err(|error| CliError::failed(format!("the runtime cannot be started: {error}")))?;
    let exported = runtime.block_on(async {
        let mut stops = stop_requests()
            .map_err(|error| CliError::failed(format!("signals cannot be listened to: {error}")))?;
        for session in sessions {
            let exported = export_one(session, how, done, printer, &mut stops).await;
            exported.map_err(|end| end.told(done, session, sessions.len()))?;
        }
        Ok(())
    });
    // Nobody waits for the session that the user broke off at.
    runtime.shutdown_background();
    exported
}

async fn export_one(
    session: &Wanted,
    how: &Arc<How>,
    done: &mut Done,
    printer: &mut Printer,
    stops: &mut Receiver<String>,
) -> Result<(), End> {
    if session.runs {
        let id = one_line(&session.id);
        printer.warning(format!("`{id}` is still running; left out"));
        return Ok(());
    }
    let (path, how) = (session.path.clone(), Arc::clone(how));
    let exported = tokio::task::spawn_blocking(move || how.export(&path));
    let exported = tokio::select! {
        biased;
        _ = stops.recv() => return Err(End::Interrupted),
        exported = exported => exported,
    };
    let exported = exported.map_err(|error| CliError::internal(&error.to_string()))?;
    match exported {
        Ok(None) => Ok(()),
        Ok(Some(Sent { lost: Some(lost), .. })) => Err(End::NotTaken(lost)),
        Ok(Some(sent)) => Ok(done.add(session, sent, printer)?),
        Err(Failure::NotSetUp(error)) => Err(error.into()),
        Err(Failure::Unreadable(error)) => {
            done.unread += 1;
            printer.warning(format!("{error}; left out"));
            Ok(())
        }
    }
}

impl End {
    fn told(self, done: &Done, session: &Wanted, of: usize) -> CliError {
        match self {
            Self::Interrupted => CliError::interrupted().hint(done.go_on(session, of)),
            Self::NotTaken(lost) => CliError::failed(format!("the sink `otel` failed: {lost}"))
                .hint(done.go_on(session, of))
                .hint("look whether the receiver is there; `--otel-endpoint` names another"),
            Self::Other(error) => error,
        }
    }
}

impl From<CliError> for End {
    fn from(error: CliError) -> Self {
        Self::Other(error)
    }
}

impl How {
    /// None where there is nothing to export. A session is read before it is exported, so that one
    /// that cannot be read is left out as a whole.
    fn export(&self, path: &Path) -> Result<Option<Sent>, Failure> {
        let ahead = Ahead::read_whole(path).map_err(Failure::Unreadable)?;
        let recording = ahead.recording(self.times, self.now);
        let ExportSettings { otel, close_timeout } = &self.settings;
        let exporter = Exporter::new(Some(otel), &recording, *close_timeout, &self.env);
        let Some(exporter) = exporter.map_err(Failure::NotSetUp)? else { return Ok(None) };
        let reader = SessionReader::open(path).map_err(Failure::Unreadable)?;
        Ok(exporter.export(reader.map_while(Result::ok)))
    }
}

impl Done {
    fn add(&mut self, session: &Wanted, sent: Sent, printer: &mut Printer) -> Result<(), CliError> {
        let told = Told { id: session.id.clone(), sent };
        let line = told.line();
        self.sent.push(told);
        if self.json { Ok(()) } else { printer.data(&line) }
    }

    /// The last line, or the whole answer.
    fn tell(&self, receiver: &str, printer: &mut Printer) -> Result<(), CliError> {
        if self.json {
            return printer.json(&self.sent);
        }
        let sessions = words::count(self.sent.len() as u64, "session", "sessions");
        let spans = self.sent.iter().map(|told| told.sent.spans).sum();
        let spans = words::count(spans, "span", "spans");
        printer.data(&format!("{sessions}, {spans} to {receiver}\n"))
    }

    /// How an export goes on that got this far.
    fn go_on(&self, next: &Wanted, of: usize) -> String {
        match self.sent.len() {
            0 => "none was exported".to_owned(),
            sent => {
                let day = next.began.format("%Y-%m-%d");
                format!("{sent} of {of} were exported; go on with `--after {day}`")
            }
        }
    }

    fn all_read(&self) -> Result<(), CliError> {
        if self.unread == 0 {
            return Ok(());
        }
        let unread = words::count(self.unread, "session", "sessions");
        Err(CliError::failed(format!("{unread} could not be read"))
            .hint("mend the file, or move it out of the sessions directory"))
    }
}

impl Told {
    fn line(&self) -> String {
        let Sent { trace_id, spans, url, .. } = &self.sent;
        let spans = words::count(*spans, "span", "spans");
        let trace = url.as_ref().unwrap_or(trace_id);
        format!("{}  {spans:<9}  {trace}\n", one_line(&self.id))
    }
}

/// Those of which not even that much could be read as tells whether they match.
fn unread(warnings: &[Warning]) -> u64 {
    warnings.iter().filter(|warning| matches!(warning, Warning::Skipped(_))).count() as u64
}

#[cfg(test)]
#[cfg(feature = "otel")]
mod tests;
