//! `codeloops verify`: the gates alone, on the present tree or on that of a receipt.

mod page;
mod receipt;

use codeloops_adapters::git::standing;
use codeloops_sinks::one_line;

use crate::app::{GateArgs, LimitArgs, OutputArgs, RunArgs, VerifyArgs};
use crate::checks::program;
use crate::error::CliError;
use crate::opening::workspace_error;
use crate::output::Printer;
use crate::settings::{RunSettings, working_dir};
use crate::text::nearest;
use crate::verification::{Listening, Verification};
use crate::world::World;

/// What to do without any gate.
const CONFIGURE: &str =
    "list them as `[[gates]]` in codeloops.toml, or give one: `--gate 'test=cargo test'`";

/// Carries out `verify`; gives the exit code: 0 where nothing blocks, 1 where something does.
pub(crate) fn verify(
    args: &VerifyArgs,
    no_color: bool,
    world: &World,
    printer: &mut Printer,
) -> Result<u8, CliError> {
    let settings = settings(args, no_color, world)?;
    if let Some(file) = &args.receipt {
        return receipt::check(file, args, &settings, world, printer);
    }
    let verification = of_settings(args, &settings, world)?;
    let told = (!args.json).then_some(&mut *printer);
    let verified = verification.carry_out(Listening::begin()?, told)?;
    page::show(&verified, args.json, printer)?;
    Ok(verified.exit_code())
}

fn settings(args: &VerifyArgs, no_color: bool, world: &World) -> Result<RunSettings, CliError> {
    let args = RunArgs {
        working_dir: args.working_dir.clone(),
        gates: GateArgs { gates: args.gates.clone(), ..GateArgs::default() },
        limits: LimitArgs { gate_timeout: args.gate_timeout, ..LimitArgs::default() },
        output: OutputArgs { runs_dir: args.runs_dir.clone(), ..OutputArgs::default() },
        ..RunArgs::default()
    };
    let dir = working_dir(args.working_dir.as_deref(), &world.env)?;
    RunSettings::resolve(&args, no_color, dir, world)
}

fn of_settings<'a>(
    args: &VerifyArgs,
    settings: &'a RunSettings,
    world: &'a World,
) -> Result<Verification<'a>, CliError> {
    let standing =
        standing(&settings.working_dir.value).map_err(|error| workspace_error(&error))?;
    let all = settings.engine(settings.permissions.value).gates;
    if all.is_empty() {
        return Err(CliError::usage("there are no gates to run").hint(CONFIGURE));
    }
    let known: Vec<&str> = all.iter().map(|gate| gate.name.as_str()).collect();
    for name in &args.only {
        refuse_unknown(name, &known)?;
    }
    let wanted = |name: &str| args.only.is_empty() || args.only.iter().any(|only| only == name);
    let programs = settings.gates.value.iter().map(program).collect();
    Ok(Verification {
        settings,
        world,
        gates: all.into_iter().filter(|gate| wanted(&gate.name)).collect(),
        programs,
        working_dir: settings.working_dir.value.clone(),
        repository: standing.root,
        commit_sha: standing.commit_sha,
        branch: standing.branch,
        tree: None,
        receipt: None,
    })
}

fn refuse_unknown(name: &str, known: &[&str]) -> Result<(), CliError> {
    if known.contains(&name) {
        return Ok(());
    }
    let error = CliError::usage(format!("there is no gate `{}`", one_line(name)));
    Err(match nearest(name, known.iter().copied()) {
        Some(meant) => error.hint(format!("did you mean `{meant}`?")),
        None => error.hint(format!("configured are: {}", known.join(", "))),
    })
}
