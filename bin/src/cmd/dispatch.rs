//! From the arguments to the command, and from its result to the exit code.

use std::any::Any;
use std::ffi::OsString;
use std::panic::{AssertUnwindSafe, catch_unwind};

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::parser::ValueSource;
use clap::{ArgMatches, CommandFactory, FromArgMatches, Subcommand};
use codeloops_session::SessionStatus;
use codeloops_sinks::one_line;

use super::{
    demo, doctor, fork, init, receipt, replay, restore, run, runs, sessions, shell, unavailable,
    verify,
};
use crate::app::{App, Command, SessionsCommand};
use crate::demo_agent;
use crate::error::CliError;
use crate::exit_code;
use crate::output::{Printer, RunDocument};
use crate::text::nearest;
use crate::values::Words;
use crate::world::World;

/// Carries out what the arguments ask for; gives the exit code. A panic is told like every error.
pub(crate) fn dispatch(args: &[OsString], world: &World) -> u8 {
    // Nothing that the panic may have left half done is used again but the streams.
    catch_unwind(AssertUnwindSafe(|| carry_out(args, world))).unwrap_or_else(|panic| {
        let asked_for = |flag: &str| args.iter().any(|arg| arg == flag);
        let mut printer = Printer::new(world, asked_for("--no-color"));
        report(&CliError::internal(words(&*panic)), asked_for("--json-output"), &mut printer)
    })
}

/// What a panic said.
fn words(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("it panicked")
}

fn carry_out(args: &[OsString], world: &World) -> u8 {
    let app = match parse(args) {
        Ok(app) => app,
        Err(error) => return answer_clap(&error, args, world),
    };
    let mut printer = Printer::new(world, app.global.no_color);
    let json = app.wants_document();
    execute(app, world, &mut printer).unwrap_or_else(|error| report(&error, json, &mut printer))
}

fn execute(app: App, world: &World, printer: &mut Printer) -> Result<u8, CliError> {
    let no_color = app.global.no_color;
    match app.command {
        None => return run::run(&app.run, no_color, world, printer),
        Some(Command::Run(args)) => return run::run(&args, no_color, world, printer),
        Some(Command::Sessions(command)) => sessions::sessions(&command, world, printer)?,
        Some(Command::Runs(command)) => runs::runs(&command, world, printer)?,
        Some(Command::Replay(args)) => return replay::replay(&args, no_color, world, printer),
        Some(Command::Restore(args)) => return restore::restore(&args, world, printer),
        Some(Command::Fork(args)) => return fork::fork(&args, no_color, world, printer),
        Some(Command::Verify(args)) => return verify::verify(&args, no_color, world, printer),
        Some(Command::Receipt(args)) => receipt::receipt(&args, world, printer)?,
        Some(Command::Init(args)) => init::init(&args, world, printer)?,
        Some(Command::Doctor(args)) => return doctor::doctor(&args, world, printer),
        Some(Command::Demo(args)) => return demo::demo(&args, no_color, world, printer),
        Some(Command::DemoAgent) => return demo_agent::take_turn(world, printer),
        Some(Command::Completions { shell }) => shell::completions(shell, printer)?,
        Some(Command::Man(args)) => shell::man(&args, world, printer)?,
    }
    Ok(exit_code::SUCCESS)
}

/// Parses the arguments. The options of `run` stand at the top level too, but not before a command:
/// there they would be lost.
fn parse(args: &[OsString]) -> Result<App, clap::Error> {
    let mut command = App::command();
    let mut matches = command.try_get_matches_from_mut(args).map_err(mend_suggestions)?;
    if let Some((name, _)) = matches.subcommand()
        && let Some(misplaced) = given_before_command(&matches)
    {
        let flag = flag_name(&command, misplaced);
        let message = if name == "run" {
            format!("`{flag}` stands before `run`; write it after, or leave `run` out")
        } else {
            format!("`{flag}` is an option of `run` and cannot be used with `{name}`")
        };
        return Err(command.error(ErrorKind::ArgumentConflict, message));
    }
    App::from_arg_matches_mut(&mut matches)
}

/// Takes out what a word was hardly meant to be, and puts in what clap does not see.
fn mend_suggestions(mut error: clap::Error) -> clap::Error {
    suggest_value(&mut error);
    suggest_command(&mut error);
    error
}

/// To clap `tcsh` is near to `zsh`.
fn suggest_value(error: &mut clap::Error) {
    if let Some(ContextValue::String(suggested)) = error.get(ContextKind::SuggestedValue)
        && let Some(ContextValue::String(given)) = error.get(ContextKind::InvalidValue)
        && nearest(given, [suggested.as_str()]).is_none()
    {
        error.remove(ContextKind::SuggestedValue);
    }
}

/// `codeloops show` is looked for among the commands, and stands beneath `sessions`. A command that no
/// help shows is never meant.
fn suggest_command(error: &mut clap::Error) {
    let meant: Vec<String> = match (
        error.get(ContextKind::InvalidSubcommand),
        error.get(ContextKind::SuggestedSubcommand),
    ) {
        (Some(ContextValue::String(name)), _) if SessionsCommand::has_subcommand(name) => {
            vec![format!("sessions {name}")]
        }
        (Some(ContextValue::String(name)), _) if name == "resume" => {
            vec!["run --resume".to_owned()]
        }
        (_, Some(ContextValue::Strings(names))) => {
            let app = App::command();
            let is_shown = |name: &&String| {
                app.find_subcommand(name).is_some_and(|command| !command.is_hide_set())
            };
            names.iter().filter(is_shown).cloned().collect()
        }
        _ => return,
    };
    error.remove(ContextKind::SuggestedSubcommand);
    if !meant.is_empty() {
        error.insert(ContextKind::SuggestedSubcommand, ContextValue::Strings(meant));
    }
}

fn given_before_command(matches: &ArgMatches) -> Option<&str> {
    matches
        .ids()
        .map(clap::Id::as_str)
        .filter(|id| *id != "no_color" && matches.try_contains_id(id).is_ok())
        .find(|id| matches.value_source(id) == Some(ValueSource::CommandLine))
}

fn flag_name(command: &clap::Command, id: &str) -> String {
    let arg = command.get_arguments().find(|arg| arg.get_id() == id);
    format!("--{}", arg.and_then(|arg| arg.get_long()).unwrap_or(id))
}

/// Prints help and version where they were asked for, else the usage error.
fn answer_clap(error: &clap::Error, args: &[OsString], world: &World) -> u8 {
    let asked_for = |flag: &str| args.iter().any(|arg| arg == flag);
    let mut printer = Printer::new(world, asked_for("--no-color"));
    if let Some(refused) = unavailable::refused(error) {
        return report(&refused, asked_for("--json-output"), &mut printer);
    }
    let render = |color: bool| {
        let text = error.render();
        if color { text.ansi().to_string() } else { text.to_string() }
    };
    if !error.use_stderr() {
        return match printer.data(&render(printer.stdout_color)) {
            Ok(()) => exit_code::SUCCESS,
            Err(error) => report(&error, false, &mut printer),
        };
    }
    printer.usage_error(render);
    if let Some(hint) = hint(error, args) {
        printer.hint(&hint);
    }
    if asked_for("--json-output") {
        let text = error.render().to_string();
        let first_line = text.lines().next().unwrap_or_default();
        let message = first_line.strip_prefix("error: ").unwrap_or(first_line);
        document(&CliError::usage(message), &mut printer);
    }
    exit_code::FAILED
}

/// What clap cannot know of a usage error.
fn hint(error: &clap::Error, args: &[OsString]) -> Option<String> {
    if let Some(task) = task_without_option(error, args) {
        return Some(format!("a task is given with `--prompt {}`", quoted(&task)));
    }
    let of_option = error.get(ContextKind::InvalidArg)?.to_string().starts_with("--outcome");
    let value = error.get(ContextKind::InvalidValue)?.to_string();
    // Runs have none.
    let of_sessions = args.iter().any(|arg| arg == "sessions");
    let is_status = of_option && of_sessions && SessionStatus::from_word(&value).is_ok();
    is_status.then(|| format!("that is a status: `--status {value}`"))
}

/// A text that stands where `run` takes none: it can only be meant as the task. At the top a single
/// word that is like a command is rather that one, mistyped.
fn task_without_option(error: &clap::Error, args: &[OsString]) -> Option<String> {
    let given = |kind| error.get(kind).map(ToString::to_string);
    let text = match error.kind() {
        ErrorKind::InvalidSubcommand => {
            let like_a_command = error.get(ContextKind::SuggestedSubcommand).is_some();
            given(ContextKind::InvalidSubcommand)
                .filter(|text| text.contains(' ') || !like_a_command)
        }
        ErrorKind::UnknownArgument => {
            given(ContextKind::InvalidArg).filter(|text| !text.starts_with('-'))
        }
        _ => None,
    }?;
    let app = App::command();
    let of_other = |arg: &OsString| app.get_subcommands().any(|other| arg == other.get_name());
    let other = args.iter().skip(1).find(|arg| of_other(arg));
    other.is_none_or(|name| name == "run").then(|| with_what_follows(text, args))
}

/// Words that a shell took apart are one task.
fn with_what_follows(text: String, args: &[OsString]) -> String {
    let words = args.iter().map(|arg| arg.to_string_lossy());
    let task: Vec<_> =
        words.skip_while(|word| *word != text).take_while(|word| !word.starts_with('-')).collect();
    if task.is_empty() { text } else { task.join(" ") }
}

/// The task as a shell takes it, where that is easily read.
fn quoted(task: &str) -> String {
    let is_plain = !task.contains(['"', '$', '`', '\\', '!']) && task == one_line(task);
    if is_plain && task.len() <= LONGEST_QUOTED { format!("\"{task}\"") } else { "TEXT".to_owned() }
}

/// Bytes of a task that is repeated in a hint.
const LONGEST_QUOTED: usize = 60;

fn report(error: &CliError, json: bool, printer: &mut Printer) -> u8 {
    printer.error(error);
    if json {
        document(error, printer);
    }
    error.kind.exit_code()
}

/// The one document on standard output. Where that cannot be written either, the exit code and
/// standard error have said it all.
fn document(error: &CliError, printer: &mut Printer) {
    if let Err(unwritable) = printer.json(&RunDocument::of_error(error)) {
        printer.error(&unwritable);
    }
}
