//! `codeloops verify --receipt`: whether what a receipt states still holds, in a working tree that has
//! what was approved and nothing else.

use std::fs::File;
use std::io::Read;
use std::path::{Component, Path, PathBuf};

use codeloops_adapters::gates::GateProgram;
use codeloops_adapters::git::{CleanTree, CleanTreeError, standing};
use codeloops_adapters::redact::Redactor;
use codeloops_event::{GateSettings, GateStatus};
use codeloops_session::{GateStatement, Receipt, RunStatement, WorkStatement};
use codeloops_sinks::commands::shell_quoted;
use codeloops_sinks::one_line;
use serde::Serialize;

use super::page::{VerifyDocument, closing, found, table};
use crate::app::VerifyArgs;
use crate::checks::program;
use crate::error::CliError;
use crate::opening::workspace_error;
use crate::output::Printer;
use crate::secrets::MASK;
use crate::settings::RunSettings;
use crate::settings::gates::{Gate, masked, script};
use crate::values::GateName;
use crate::verification::{Listening, Verification, Verified};
use crate::world::World;

/// A gate is not repeated more often, whatever a receipt says.
const MOST_RETRIES: u32 = 10;

/// No receipt is larger.
const LARGEST: u64 = 4 * 1024 * 1024;

/// What is said of a receipt.
#[derive(Debug, Serialize)]
pub(super) struct Answer {
    /// The hash that stands for it.
    hash: String,
    /// The run that it is of.
    run_id: String,
    /// Whether each gate that it states as green is green, and nobody broke that off.
    holds: bool,
    /// Gate by gate.
    gates: Vec<GateAnswer>,
}

#[derive(Debug, Serialize)]
struct GateAnswer {
    name: String,
    /// What the receipt states.
    stated: GateStatus,
    /// What was found now.
    found: Option<GateStatus>,
    holds: bool,
}

/// Checks a receipt; gives the exit code: 0 where it holds, 1 where it does not.
pub(super) fn check(
    file: &Path,
    args: &VerifyArgs,
    settings: &RunSettings,
    world: &World,
    printer: &mut Printer,
) -> Result<u8, CliError> {
    let receipt = read(&world.env.current_dir()?.join(file), file)?;
    let (run, work) = parts(&receipt, file)?;
    let plan = Plan::of(&receipt, settings, world)?;
    if !plan.is_ours && !args.yes {
        plan.ask(world, printer)?;
    }
    let present = standing(&settings.working_dir.value).map_err(|error| workspace_error(&error))?;
    let listening = Listening::begin()?;
    let (within, made_for) = (std::env::temp_dir(), (world.run_ids)());
    let after = run.commit_sha.as_deref();
    let tree = CleanTree::make(&present.root, &work.tree, after, &within, &made_for)
        .map_err(|error| no_tree(&error))?;
    let verification = Verification {
        settings,
        world,
        gates: plan.gates,
        programs: plan.programs,
        working_dir: tree.root().join(&run.working_dir),
        repository: tree.root().to_owned(),
        commit_sha: run.commit_sha.clone(),
        branch: run.branch.clone(),
        tree: Some(work.tree.clone()),
        receipt: Some(&receipt),
    };
    let told = (!args.json).then_some(&mut *printer);
    let verified = verification.carry_out(listening, told)?;
    drop(tree);
    tell(&receipt, run, &verified, args.json, printer)
}

fn read(path: &Path, shown: &Path) -> Result<Receipt, CliError> {
    let shown = one_line(&shown.to_string_lossy());
    let unreadable = |error: String| CliError::failed(format!("`{shown}` cannot be read: {error}"));
    let file = File::open(path).map_err(|error| unreadable(error.to_string()))?;
    let mut text = String::new();
    file.take(LARGEST + 1)
        .read_to_string(&mut text)
        .map_err(|error| unreadable(error.to_string()))?;
    if text.len() as u64 > LARGEST {
        return Err(unreadable("it is too large for a receipt".to_owned()));
    }
    Receipt::parse(&text).map_err(|error| {
        CliError::failed(format!("`{shown}` is refused: {error}"))
            .hint("`codeloops receipt ID` writes a new one of the session")
    })
}

fn parts<'a>(
    receipt: &'a Receipt,
    file: &Path,
) -> Result<(&'a RunStatement, &'a WorkStatement), CliError> {
    let parts = receipt.run().zip(receipt.work());
    let (run, work) = parts.ok_or_else(|| CliError::failed("the receipt lacks its run"))?;
    if leads_out(Path::new(&run.working_dir)) {
        let file = one_line(&file.to_string_lossy());
        return Err(CliError::failed(format!(
            "`{file}` names a directory outside of its repository"
        )));
    }
    Ok((run, work))
}

/// Whether a path does not lie below the folder that it begins at.
fn leads_out(path: &Path) -> bool {
    path.components().any(|part| !matches!(part, Component::Normal(_)))
}

fn no_tree(error: &CleanTreeError) -> CliError {
    let failed = CliError::failed(error.to_string());
    match error {
        CleanTreeError::Gone(_) => failed.hint(
            "check the receipt in the repository that the run worked in; `sessions prune` removes its \
             snapshots",
        ),
        CleanTreeError::Open(_) | CleanTreeError::Git(_) => failed,
    }
}

/// What is to be run for a receipt.
struct Plan {
    gates: Vec<GateSettings>,
    programs: Vec<GateProgram>,
    /// Whether the configuration here says the same of each.
    is_ours: bool,
}

impl Plan {
    fn of(receipt: &Receipt, settings: &RunSettings, world: &World) -> Result<Self, CliError> {
        let masks = settings.masks(&world.env)?;
        let mut plan = Self { gates: Vec::new(), programs: Vec::new(), is_ours: true };
        for stated in receipt.gates() {
            plan.refuse_name(&stated.name)?;
            let of_config = &settings.gates.value;
            let ours = of_config.iter().find(|gate| says_the_same(gate, stated, &masks));
            plan.is_ours &= ours.is_some();
            plan.programs.push(match ours {
                Some(gate) => program(gate),
                None => stranger(stated)?,
            });
            plan.gates.push(gate_of(stated));
        }
        Ok(plan)
    }

    /// The name is that of a folder, and two gates do not share one.
    fn refuse_name(&self, name: &str) -> Result<(), CliError> {
        let refused = |why: &str| {
            CliError::failed(format!("the gate `{}` of the receipt {why}", one_line(name)))
        };
        let good: GateName = name.parse().map_err(|_| refused("has a name that no gate has"))?;
        if self.gates.iter().any(|gate| good.is(&gate.name)) {
            return Err(refused("is stated twice"));
        }
        Ok(())
    }

    /// Shows the commands, whole, since it is they that are agreed to, and asks.
    fn ask(&self, world: &World, printer: &mut Printer) -> Result<(), CliError> {
        printer.note(
            "The receipt has these commands run, which the configuration here does not have:\n",
        );
        for gate in &self.gates {
            let within = gate.working_dir.as_ref().map(|dir| format!(" (in {})", one_line(dir)));
            let within = within.unwrap_or_default();
            printer.note(&format!("  {}{within}:\n", one_line(&gate.name)));
            for line in command_lines(&gate.command) {
                printer.note(&format!("    {line}\n"));
            }
        }
        if !(world.terminal.stdin && world.terminal.stderr) {
            return Err(CliError::usage(
                "verify asks before it runs the commands of a receipt, and there is no terminal",
            )
            .hint("`--yes` runs them"));
        }
        if world.ask.confirm("Run them?")? {
            return Ok(());
        }
        Err(CliError::interrupted())
    }
}

/// A command as it is to be judged: a line break begins another command, so it stays one.
fn command_lines(command: &[String]) -> Vec<String> {
    match script(command) {
        Some(script) => script.lines().map(one_line).collect(),
        None => {
            let words = command.iter().map(|word| shell_quoted(Path::new(word)));
            vec![one_line(&words.collect::<Vec<_>>().join(" "))]
        }
    }
}

/// A command is compared as it is recorded: credentials in it are masked there.
fn says_the_same(gate: &Gate, stated: &GateStatement, masks: &Redactor) -> bool {
    let dir = gate.working_dir.as_ref().map(|dir| dir.value.to_string_lossy().into_owned());
    let names: Vec<&String> = gate.env.keys().collect();
    let command = &gate.command.value;
    gate.name == stated.name
        && dir == stated.working_dir
        && names.into_iter().eq(&stated.env)
        && (*command == stated.command || masked(command, masks).0 == stated.command)
}

/// A gate that only the receipt has.
fn stranger(stated: &GateStatement) -> Result<GateProgram, CliError> {
    let name = one_line(&stated.name);
    let cannot = |why: &str| {
        CliError::failed(format!("the gate `{name}` of the receipt cannot be run: {why}"))
            .hint("configure the gate here as it was when the receipt was written")
    };
    if !stated.env.is_empty() {
        return Err(cannot("it needs variables that only its configuration knows"));
    }
    if stated.command.is_empty() {
        return Err(cannot("it has no command"));
    }
    if stated.command.iter().any(|word| word.contains(MASK) || word.contains("[redacted")) {
        return Err(cannot("a credential in its command was masked"));
    }
    let dir = stated.working_dir.as_ref().map(PathBuf::from);
    if dir.as_deref().is_some_and(leads_out) {
        return Err(cannot("its directory lies outside of the repository"));
    }
    Ok(GateProgram {
        name: stated.name.clone(),
        command: stated.command.clone(),
        working_dir: dir,
        env: std::collections::BTreeMap::new(),
    })
}

fn gate_of(stated: &GateStatement) -> GateSettings {
    GateSettings {
        name: stated.name.clone(),
        command: stated.command.clone(),
        required: stated.required,
        baseline: true,
        // As often as it was then, and once at least: a flake is no drift.
        retries: stated.attempts.saturating_sub(1).clamp(1, MOST_RETRIES),
        timeout_secs: stated.timeout_secs,
        working_dir: stated.working_dir.clone(),
        env: stated.env.clone(),
    }
}

fn tell(
    receipt: &Receipt,
    run: &RunStatement,
    verified: &Verified,
    json: bool,
    printer: &mut Printer,
) -> Result<u8, CliError> {
    let answer = answer(receipt, run, verified);
    if json {
        let mut document = VerifyDocument::of(verified);
        document.receipt = Some(answer);
        printer.json(&document)?;
    } else {
        printer.data(&page(&answer, verified))?;
    }
    Ok(verified.exit_code())
}

fn answer(receipt: &Receipt, run: &RunStatement, verified: &Verified) -> Answer {
    let gates: Vec<GateAnswer> = receipt
        .gates()
        .map(|stated| {
            let found = verified.found(&stated.name);
            let holds = stated.holds(found);
            GateAnswer { name: stated.name.clone(), stated: stated.status, found, holds }
        })
        .collect();
    Answer {
        hash: receipt.hash().to_owned(),
        run_id: run.run_id.to_string(),
        holds: verified.passed(),
        gates,
    }
}

fn page(answer: &Answer, verified: &Verified) -> String {
    let mut text = String::from("\n");
    table(&verified.files.gate.gates, &mut text);
    found(&verified.files.gate.gates, verified, &mut text);
    for gate in answer.gates.iter().filter(|gate| !gate.holds) {
        let found = gate.found.map_or("not run", GateStatus::as_str).replace('_', " ");
        let (name, stated) = (one_line(&gate.name), gate.stated.as_str().replace('_', " "));
        let told = ["\n", &name, ": the receipt states ", &stated, ", now it is ", &found, "\n"];
        text.extend(told);
    }
    text.push_str(&closing(verified));
    let run = &answer.run_id;
    let told = match (verified.interrupted, answer.gates.is_empty(), answer.holds) {
        (true, ..) => format!("Interrupted: whether the receipt of run {run} holds is not known\n"),
        (_, true, _) => {
            format!("The receipt of run {run} is whole; it states no gate that could be run\n")
        }
        (_, _, true) => format!("The receipt of run {run} holds\n"),
        (_, _, false) => format!("The receipt of run {run} does not hold\n"),
    };
    text + &told
}
