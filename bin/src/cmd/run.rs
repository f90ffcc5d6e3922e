//! `codeloops run`: resolves the settings, runs the loop, tells what came of it.

mod resume;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use codeloops_adapters::git::find_repository;
use codeloops_event::{AgentOutcome, Outcome, Refusal, Role, SessionEnd, StopReason};
use codeloops_sinks::{Format, SinkReport, SinkState, one_line, printable};

use super::dry_run::dry_run;
use super::next_steps::{ClosingLines, next_steps};
use crate::app::RunArgs;
use crate::engine::{self, Finished, Task};
use crate::error::CliError;
use crate::exit_code;
use crate::lost_console::CONSOLE;
use crate::opening::workspace_error;
use crate::output::{Printer, RunDocument};
use crate::prompt::Prompt;
use crate::publisher::EndedCall;
use crate::settings::{RunSettings, working_dir};
use crate::sink_words::{service, trouble};
use crate::text::short_commit;
use crate::values::SinkSpec;
use crate::world::World;

/// What a standard error that is read needs at the most to take a few lines.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Carries out `run`; gives the exit code.
pub(crate) fn run(
    args: &RunArgs,
    no_color: bool,
    world: &World,
    printer: &mut Printer,
) -> Result<u8, CliError> {
    if let Some(wanted) = &args.resume {
        return resume::run(wanted, args, no_color, world, printer);
    }
    let dir = working_dir(args.working_dir.as_deref(), &world.env)?;
    let settings = RunSettings::resolve(args, no_color, dir, world)?;
    let dir = &settings.working_dir.value;
    let prompt = Prompt::load(args, dir, world.env.current_dir()?, settings.max_task_bytes());
    if args.output.dry_run {
        dry_run(&settings, &prompt, world, printer)?;
        return Ok(exit_code::SUCCESS);
    }
    let prompt = prompt.map_err(|error| repository_first(error, dir))?;
    carry_out(&settings, Task::New(prompt), world, printer)
}

/// Runs, and tells what came of it; gives the exit code.
fn carry_out(
    settings: &RunSettings,
    task: Task,
    world: &World,
    printer: &mut Printer,
) -> Result<u8, CliError> {
    let mut finished = engine::execute(settings, task, world, printer)?;
    mask_errors(&mut finished.sinks, settings, world)?;
    report(settings, &finished, printer)?;
    if may_offer(settings, &finished) {
        printer.offer(&next_steps(settings, &finished));
    }
    Ok(finished.result.end.outcome.exit_code())
}

/// The last words of a program may be anything, and so may a path.
pub(super) fn mask_errors(
    sinks: &mut [SinkReport],
    settings: &RunSettings,
    world: &World,
) -> Result<(), CliError> {
    for error in sinks.iter_mut().filter_map(|sink| sink.error.as_mut()) {
        *error = engine::masked(error, settings.redactor_for(error, &world.env)?.as_ref());
    }
    Ok(())
}

/// What is wrong with a prompt, or with the repository where that is wrong too: whoever stands in the
/// wrong folder would write a prompt for nothing.
fn repository_first(of_prompt: CliError, dir: &Path) -> CliError {
    match find_repository(dir) {
        Ok(()) => of_prompt,
        Err(error) => workspace_error(&error).hint(format!("also: {of_prompt}")),
    }
}

/// Whether somebody reads what to do next.
pub(super) fn may_offer(settings: &RunSettings, finished: &Finished) -> bool {
    is_for_a_person(settings) && !console_is_gone(finished)
}

/// Whether standard output is read, and not parsed.
fn is_for_a_person(settings: &RunSettings) -> bool {
    let console = settings.has_sink(&SinkSpec::Console) && !settings.json_output;
    console && settings.log_format.value != Format::Json
}

/// What is told once the run is over, beside what its sinks have told.
pub(crate) fn report(
    settings: &RunSettings,
    finished: &Finished,
    printer: &mut Printer,
) -> Result<(), CliError> {
    printer.hurry(settings.close_timeout.value.max(LAST_WORDS));
    if settings.json_output {
        // First of all: standard error may be full of what the programs of sinks print.
        printer.json(&document(settings, finished))?;
        if !console_is_stuck(finished) {
            warn_of_sinks(finished, printer);
            point_to_evidence(settings, finished, printer);
        }
        return Ok(());
    }
    warn_of_sinks(finished, printer);
    if settings.has_sink(&SinkSpec::Console) {
        saved(settings, finished, printer);
        named(settings, finished, printer);
        served(settings, finished, printer);
        point_to_evidence(settings, finished, printer);
    } else {
        tell_without_console(settings, finished, printer);
    }
    Ok(())
}

/// Nobody is told of what went as it should; of the rest, how it ended and where to look.
fn tell_without_console(settings: &RunSettings, finished: &Finished, printer: &mut Printer) {
    let end = &finished.result.end;
    if end.outcome == Outcome::Success {
        return;
    }
    if let Some(error) = &end.error {
        printer.error(&CliError::failed(error.clone()));
    }
    point_to_evidence(settings, finished, printer);
    let shown_by = finished.recorded.as_ref();
    let see = shown_by.map(|recorded| format!("; see: codeloops sessions show {}", recorded.id));
    printer.remark(&format!("the run ended as {}{}", end.outcome, see.unwrap_or_default()));
}

/// An agent that failed has mostly said why, and one that made off with the repository what it did.
fn point_to_evidence(settings: &RunSettings, finished: &Finished, printer: &mut Printer) {
    let Some(role) = to_blame(finished) else { return };
    let evidence = evidence_of(settings, finished);
    let printed = last_round(&evidence).filter(|round| has_printed(round, role));
    if let Some(printed) = printed {
        let what = format!("What the {role} printed is in");
        point(settings, finished, (&what, &printed.to_string_lossy()), printer);
    }
    if was_not_let_in(finished) {
        point(settings, finished, ("See whether it is logged in", "codeloops doctor"), printer);
    }
}

/// Whose agent ended the run, where one did.
fn to_blame(finished: &Finished) -> Option<Role> {
    match finished.result.end.stop_reason? {
        StopReason::ActorFailed | StopReason::DiffFailed => Some(Role::Actor),
        StopReason::CriticFailed => Some(Role::Critic),
        StopReason::ProviderRefused | StopReason::UsageLimit => {
            finished.last_call.as_ref().map(|call| call.role)
        }
        _ => None,
    }
}

/// Whether the run ended because an agent is not logged in, or its key is not accepted.
fn was_not_let_in(finished: &Finished) -> bool {
    let refused = |call: &EndedCall| {
        matches!(call.outcome, AgentOutcome::Refused { refusal: Refusal::Auth, .. })
    };
    finished.result.end.stop_reason == Some(StopReason::ProviderRefused)
        && finished.last_call.as_ref().is_some_and(refused)
}

/// Tells what something is, and a path or a command to be copied.
fn point(
    settings: &RunSettings,
    finished: &Finished,
    (what, to_copy): (&str, &str),
    printer: &mut Printer,
) {
    if settings.json_output || !settings.has_sink(&SinkSpec::Console) {
        printer.hint(&format!("{}: {to_copy}", what.to_lowercase()));
    } else {
        let line = ClosingLines::of(settings, finished).line(what, &printable(to_copy));
        tell(settings, finished, &line, printer);
    }
}

fn evidence_of(settings: &RunSettings, finished: &Finished) -> PathBuf {
    settings.runs_dir.value.join(finished.run_id.as_str())
}

/// The evidence folder of the last round that has one.
fn last_round(evidence: &Path) -> Option<PathBuf> {
    let rounds = std::fs::read_dir(evidence.join("iterations")).ok()?.flatten();
    let number = |path: &PathBuf| path.file_name()?.to_str()?.parse::<u32>().ok();
    rounds.map(|entry| entry.path()).max_by_key(number)
}

/// Whether a round's evidence holds anything that an agent printed.
fn has_printed(round: &Path, role: Role) -> bool {
    let is_stream = |path: &Path| {
        let name = path.file_stem().and_then(OsStr::to_str).unwrap_or_default();
        let stream = path.extension().and_then(OsStr::to_str).unwrap_or_default();
        name.starts_with(&role.to_string()) && ["stdout", "stderr"].contains(&stream)
    };
    let Ok(files) = std::fs::read_dir(round) else { return false };
    files.flatten().any(|file| {
        is_stream(&file.path()) && file.metadata().is_ok_and(|metadata| metadata.len() > 0)
    })
}

/// Whether the console hangs in a write to its stream, which a further one would have to wait for.
fn console_is_stuck(finished: &Finished) -> bool {
    console_state(finished) == Some(SinkState::Abandoned)
}

/// Whether the stream of the console takes no more, which was told with what became of its sink.
fn console_is_gone(finished: &Finished) -> bool {
    console_state(finished).is_some_and(|state| state != SinkState::Finished)
}

fn console_state(finished: &Finished) -> Option<SinkState> {
    finished.sinks.iter().find(|sink| sink.name == CONSOLE).map(|sink| sink.state)
}

fn warn_of_sinks(finished: &Finished, printer: &mut Printer) {
    let was_told = |sink: &SinkReport| sink.name == CONSOLE && finished.lost_console.get();
    let lost = finished.sinks.iter().filter(|sink| !sink.state.is_well());
    for sink in lost.filter(|sink| !was_told(sink)) {
        printer.warning(trouble(sink));
    }
}

fn saved(settings: &RunSettings, finished: &Finished, printer: &mut Printer) {
    let Some(recorded) = &finished.recorded else { return };
    let saved = match finished.result.record_error {
        None => "Session saved".to_owned(),
        Some(_) => format!("Session saved in part, up to line {}", recorded.lines),
    };
    let prefix = ClosingLines::of(settings, finished).prefix();
    tell(settings, finished, &format!("{prefix}{saved}: {}\n", recorded.id), printer);
}

/// What names the run later, and where its files are.
fn named(settings: &RunSettings, finished: &Finished, printer: &mut Printer) {
    let branch = finished.lineage.branch.as_deref().map(one_line);
    let branch = branch.map_or_else(String::new, |branch| format!(" on {branch}"));
    let commit = finished.lineage.commit_sha.as_deref().map(short_commit);
    let commit = commit.map_or_else(String::new, |commit| format!(" at {commit}"));
    let what = format!("Run {}{branch}{commit}", finished.run_id);
    let evidence = evidence_of(settings, finished);
    point(settings, finished, (&what, &evidence.to_string_lossy()), printer);
}

/// What became of the sinks that nothing is seen of otherwise.
fn served(settings: &RunSettings, finished: &Finished, printer: &mut Printer) {
    let prefix = ClosingLines::of(settings, finished).prefix();
    for sink in finished.sinks.iter().filter(|sink| sink.name != CONSOLE) {
        if let Some(line) = service(sink) {
            tell(settings, finished, &format!("{prefix}{line}\n"), printer);
        }
    }
}

/// Tells a line where the console's lines stand.
fn tell(settings: &RunSettings, finished: &Finished, line: &str, printer: &mut Printer) {
    match settings.log_format.value {
        Format::Pretty | Format::Compact if !console_is_gone(finished) => printer.offer(line),
        // Standard output holds JSON lines, or takes no more.
        Format::Json | Format::Pretty | Format::Compact => printer.note(line),
    }
}

fn document(settings: &RunSettings, finished: &Finished) -> RunDocument {
    let end: &SessionEnd = &finished.result.end;
    let shown = |path: &Path| path.to_string_lossy().into_owned();
    RunDocument {
        outcome: end.outcome,
        stop_reason: end.stop_reason,
        iterations: end.iterations,
        summary: end.summary.clone(),
        confidence: end.confidence,
        duration_secs: end.duration_secs,
        session_id: finished.recorded.as_ref().map(|recorded| recorded.id.to_string()),
        run_id: Some(finished.run_id.clone()),
        commit_sha: finished.lineage.commit_sha.clone(),
        branch: finished.lineage.branch.clone(),
        session_file: finished.recorded.as_ref().map(|recorded| shown(&recorded.path)),
        working_dir: Some(shown(&settings.working_dir.value)),
        evidence_dir: Some(shown(&evidence_of(settings, finished))),
        exit_code: end.outcome.exit_code(),
        error: end.error.clone(),
        notes: finished.notes.clone(),
        gates: finished.last_round.gates(),
        tampering: finished.last_round.tampering.clone(),
        usage: end.usage.clone(),
        redacted: end.redacted,
        sinks: finished.sinks.clone(),
    }
}
