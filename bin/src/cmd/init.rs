//! `codeloops init`: writes the global configuration.

use std::io::{ErrorKind, Write};
use std::path::Path;

use codeloops_adapters::agents::AgentTable;
use codeloops_adapters::resolve::resolve;
use codeloops_adapters::spec::AgentSpec;

use crate::app::InitArgs;
use crate::config::{Config, GLOBAL_FILE};
use crate::error::CliError;
use crate::output::Printer;
use crate::settings::{agent_error, agent_table, host};
use crate::world::World;

/// Asks for the agent, writes the file and shows it.
pub(crate) fn init(args: &InitArgs, world: &World, printer: &mut Printer) -> Result<(), CliError> {
    let interactive = !args.yes && world.terminal.stdin && world.terminal.stderr;
    if !args.yes && !interactive {
        return Err(CliError::usage("init asks questions, and there is no terminal to ask on")
            .hint("use `codeloops init --agent <AGENT> --yes`"));
    }
    let dir = world.env.config_dir()?;
    let path = dir.join(GLOBAL_FILE);
    may_write(&path, args, interactive, world)?;
    let table = agent_table(&Config::default())?;
    let agent = match &args.agent {
        Some(name) => table.get(name).map_err(agent_error)?.id.clone(),
        None => choose(&table, interactive, world)?,
    };
    let text = format!("[defaults]\nagent = \"{agent}\"\n");
    write(&dir, &path, &text).map_err(|error| {
        CliError::failed(format!("`{}` cannot be written: {error}", path.display()))
            .hint("check that you may write to its folder")
    })?;
    printer.note(&format!("Wrote `{}`:\n\n", path.display()));
    printer.data(&text)
}

/// A file that is there is overwritten only where that was said.
fn may_write(
    path: &Path,
    args: &InitArgs,
    interactive: bool,
    world: &World,
) -> Result<(), CliError> {
    let exists = match path.symlink_metadata() {
        Ok(_) => true,
        Err(error) => error.kind() != ErrorKind::NotFound,
    };
    if !exists || args.force {
        return Ok(());
    }
    let question = format!("`{}` exists. Overwrite it?", path.display());
    if interactive && world.ask.confirm(&question)? {
        return Ok(());
    }
    Err(CliError::failed(format!("`{}` exists and was left as it is", path.display()))
        .hint("`--force` overwrites it"))
}

/// The agent that the user picks, those that are installed first; without questions the first one
/// that is installed.
fn choose(table: &AgentTable, interactive: bool, world: &World) -> Result<String, CliError> {
    let host = host(&world.env, world.env.current_dir()?);
    let (installed, missing): (Vec<&AgentSpec>, Vec<&AgentSpec>) =
        table.rows().iter().partition(|spec| resolve(spec, &host).is_ok());
    if !interactive {
        let first = installed.first().ok_or_else(|| {
            CliError::failed("no agent is installed").hint("name one with `--agent`")
        })?;
        return Ok(first.id.clone());
    }
    let shown = |spec: &&AgentSpec, state: &str| format!("{} ({}), {state}", spec.title, spec.id);
    let options: Vec<String> = installed
        .iter()
        .map(|spec| shown(spec, "installed"))
        .chain(missing.iter().map(|spec| shown(spec, "not found in PATH")))
        .collect();
    let chosen = world.ask.select("Which agent should do the work?", &options, 0)?;
    Ok(installed.iter().chain(&missing).nth(chosen).map_or_else(String::new, |s| s.id.clone()))
}

/// Writes the whole file or nothing.
fn write(dir: &Path, path: &Path, text: &str) -> std::io::Result<()> {
    std::fs::create_dir_all(dir)?;
    let mut file = tempfile::NamedTempFile::new_in(dir)?;
    file.write_all(text.as_bytes())?;
    file.persist(path)?;
    Ok(())
}
