//! `codeloops run --resume`: goes on with a session.

use codeloops_driver::RunResult;
use codeloops_event::SessionEnd;
use codeloops_session::{ChangesIn, Lineage, SessionStore};

use super::{carry_out, dry_run, report};
use crate::app::RunArgs;
use crate::engine::{Finished, Task};
use crate::error::CliError;
use crate::exit_code;
use crate::lost_console::Told;
use crate::output::Printer;
use crate::prompt::{Prompt, PromptSource};
use crate::resume::{Consent, Recording, stood};
use crate::settings::{Origin, RunSettings, Sourced};
use crate::world::World;

/// Goes on with the session that is meant; gives the exit code.
pub(super) fn run(
    wanted: &str,
    args: &RunArgs,
    no_color: bool,
    world: &World,
    printer: &mut Printer,
) -> Result<u8, CliError> {
    let store = SessionStore::at(world.env.data_dir()?.join("sessions"));
    let mut recording = Recording::open(wanted, &store)?;
    let settings = settings(&recording, args, no_color, world)?;
    if let Some(end) = recording.unrecorded_approval() {
        if args.output.dry_run {
            let id = recording.id();
            printer.remark(&format!("session {id} was approved; its record lacks only the end"));
            return Ok(exit_code::SUCCESS);
        }
        return complete(recording, end, &settings, world, printer);
    }
    let prompt = prompt(&mut recording, &settings, args, world)?;
    let limits = settings.engine(settings.permissions.value).limits;
    let standing = recording.standing(&limits)?;
    if args.output.dry_run {
        dry_run(&settings, &Ok(prompt), world, printer)?;
        printer.remark(&format!("it would go on with {}", stood(standing)));
        return Ok(exit_code::SUCCESS);
    }
    printer.remark(&format!("session {} goes on with {}", recording.id(), stood(standing)));
    carry_out(&settings, Task::GoOn(Box::new(recording), consent(args, world)), world, printer)
}

/// Records the approval of a run that was killed at its very end.
fn complete(
    recording: Recording,
    end: SessionEnd,
    settings: &RunSettings,
    world: &World,
    printer: &mut Printer,
) -> Result<u8, CliError> {
    let id = recording.id().to_owned();
    let (run_id, lineage) = (recording.run_id()?.clone(), Lineage::of(&recording.start));
    if !settings.json_output {
        printer.remark(&format!("session {id} was approved; its record lacked only the end"));
    }
    let redactor = settings.redactor(&world.env)?;
    let output = settings.actor.agent.value.output;
    let last_round = recording.last_round().clone();
    let recorded = recording.complete(output, redactor.as_ref())?;
    let code = end.outcome.exit_code();
    let finished = Finished {
        run_id,
        lineage,
        changes_in: ChangesIn::Nowhere,
        notes: Vec::new(),
        last_call: None,
        last_round,
        result: RunResult { end, record_error: None },
        recorded,
        sinks: Vec::new(),
        lost_console: Told::default(),
    };
    report(settings, &finished, printer)?;
    Ok(code)
}

/// What was recorded, with the limits and the output of the command line.
fn settings(
    recording: &Recording,
    args: &RunArgs,
    no_color: bool,
    world: &World,
) -> Result<RunSettings, CliError> {
    let value = recording.working_dir()?;
    let dir = Sourced { value, origin: Origin::Recorded };
    let recorded = recording.settings()?;
    let mut settings = RunSettings::as_recorded(&recorded, args, no_color, dir, world)?;
    if let Some(runs_dir) = recording.folder().path().parent() {
        settings.runs_dir = Sourced { value: runs_dir.to_owned(), origin: Origin::Recorded };
    }
    Ok(settings)
}

/// The task: the recorded one, given again where it was masked.
fn prompt(
    recording: &mut Recording,
    settings: &RunSettings,
    args: &RunArgs,
    world: &World,
) -> Result<Prompt, CliError> {
    let is_given = args.prompt.is_some() || args.prompt_file.is_some();
    if !is_given && recording.is_masked() {
        return Err(CliError::usage(
            "the prompt was masked when it was recorded, so it is not known",
        )
        .hint("give it again with `--prompt` or `--prompt-file`"));
    }
    if !is_given {
        let text = recording.start.prompt.clone();
        return Ok(Prompt { text, source: PromptSource::Recorded });
    }
    let dir = &settings.working_dir.value;
    let prompt = Prompt::load(args, dir, world.env.current_dir()?, settings.max_task_bytes())?;
    recording.take_task(prompt.text.clone(), settings.redactor(&world.env)?.as_ref())?;
    Ok(prompt)
}

fn consent(args: &RunArgs, world: &World) -> Consent {
    match () {
        () if args.yes => Consent::Given,
        () if world.terminal.stdin && world.terminal.stderr => Consent::Ask,
        () => Consent::Nobody,
    }
}
