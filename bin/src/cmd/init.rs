//! `codeloops init`: writes the global configuration.

mod gates;

use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use codeloops_adapters::agents::AgentTable;
use codeloops_adapters::resolve::{AgentError, Host, resolve};
use codeloops_adapters::spec::AgentSpec;
use codeloops_sinks::words::count;

use super::backup;
use crate::app::InitArgs;
use crate::config::{Config, GLOBAL_FILE};
use crate::error::CliError;
use crate::output::Printer;
use crate::settings::{agent_error, agent_table, host};
use crate::world::{Choice, World};

/// What to do with the agent that was chosen.
const NEXT: &str = "
Next, in a git repository:
  codeloops --dry-run             # every setting and where it comes from
  codeloops --prompt \"Your task\"  # run the loop on a task
";

/// What stands before the gates that a project's files suggest.
const GATES: &str = "
The loop can run the tests of this project itself, so that no approval counts while they fail. For
that, write into `codeloops.toml` here:

";

/// Asks for the agent, writes the file and shows it.
pub(crate) fn init(args: &InitArgs, world: &World, printer: &mut Printer) -> Result<(), CliError> {
    let interactive = !args.yes && world.terminal.stdin && world.terminal.stderr;
    if !args.yes && !interactive && args.agent.is_none() {
        return Err(CliError::usage("init asks questions, and there is no terminal to ask on")
            .hint("use `codeloops init --agent <AGENT> --yes`"));
    }
    let path = world.env.config_dir()?.join(GLOBAL_FILE);
    let table = agent_table(&Config::default())?;
    let named = args.agent.as_ref().map(|name| built_in(&table, name, &path)).transpose()?;
    let old = Old::of(&path)?;
    if !may_write(&path, &old, args, interactive, world)? {
        printer.note("Nothing was changed.\n");
        return Ok(());
    }
    let host = host(&world.env, world.env.current_dir()?);
    let agent = match named {
        Some(agent) => agent,
        None if interactive => ask(&table, &host, world)?,
        None => first_installed(&table, &host)?,
    };
    let text = format!("[defaults]\nagent = \"{}\"\n", agent.id);
    old.keep(&text, printer)?;
    write(&path, &text).map_err(|error| unwritable(&path, &error))?;
    printer.note(&format!("Wrote `{}`:\n\n", path.display()));
    printer.data(&text)?;
    if let Err(error) = resolve(agent, &host) {
        warn(&error, printer);
    }
    printer.note(NEXT);
    if let Some(gates) = gates::suggested(world.env.current_dir()?) {
        printer.note(&format!("{GATES}{gates}"));
    }
    Ok(())
}

/// The built-in agent of this name. One of the user's own cannot be meant: its definition would
/// have to stand in the file that is written.
fn built_in<'a>(table: &'a AgentTable, name: &str, path: &Path) -> Result<&'a AgentSpec, CliError> {
    table.get(name).map_err(|error| {
        agent_error(error).hint(format!(
            "to use one of your own, write `{}` by hand: `command` under `[defaults.agents.NAME]`, \
             and `agent` under `[defaults]`",
            path.display()
        ))
    })
}

/// A file that is there is overwritten only where that was said. `false` is the user's answer; where
/// nobody was asked, it is an error.
fn may_write(
    path: &Path,
    old: &Old,
    args: &InitArgs,
    interactive: bool,
    world: &World,
) -> Result<bool, CliError> {
    let Old::Text { text, kept_as } = old else { return Ok(true) };
    if args.force {
        return Ok(true);
    }
    if interactive {
        return world.ask.confirm(&question(path, text, kept_as));
    }
    Err(CliError::failed(format!("`{}` exists and was left as it is", path.display()))
        .hint("`--force` overwrites it"))
}

/// Says what goes.
fn question(path: &Path, text: &[u8], kept_as: &Path) -> String {
    let lines = text.split_inclusive(|byte| *byte == b'\n').count() as u64;
    format!(
        "`{}` exists ({}) and will be kept as `{}`. Overwrite it, agents of your own too?",
        path.display(),
        count(lines, "line", "lines"),
        kept_as.display()
    )
}

/// What is overwritten.
enum Old {
    /// Nothing is there, or a link that leads to nothing.
    None,
    /// This is there, and is kept under another name.
    Text { text: Vec<u8>, kept_as: PathBuf },
}

impl Old {
    fn of(path: &Path) -> Result<Self, CliError> {
        let text = backup::content(path).map_err(|error| {
            CliError::failed(format!("`{}` cannot be read: {error}", path.display()))
                .hint("it must be a file that you may read, so that it can be kept")
        })?;
        let kept_as = backup::name_of(path);
        Ok(text.map_or(Self::None, |text| Self::Text { text, kept_as }))
    }

    /// Keeps it, unless the new text is the same.
    fn keep(&self, new: &str, printer: &mut Printer) -> Result<(), CliError> {
        match self {
            Self::Text { text, kept_as } if text != new.as_bytes() => {
                backup::keep(text, kept_as).map_err(|error| unwritable(kept_as, &error))?;
                printer.note(&format!("Kept what was there as `{}`.\n", kept_as.display()));
            }
            Self::Text { .. } | Self::None => {}
        }
        Ok(())
    }
}

fn unwritable(path: &Path, error: &io::Error) -> CliError {
    CliError::failed(format!("`{}` cannot be written: {error}", path.display()))
        .hint("check that you may write to its folder")
}

/// The agent that the user picks, those that are installed first.
fn ask<'a>(table: &'a AgentTable, host: &Host, world: &World) -> Result<&'a AgentSpec, CliError> {
    let mut rows: Vec<_> = table.rows().iter().map(|spec| (spec, resolve(spec, host))).collect();
    rows.sort_by_key(|(_, found)| found.is_err());
    let choices: Vec<Choice> = rows
        .iter()
        .map(|(spec, found)| Choice {
            name: spec.id.clone(),
            line: format!("{:<10}{:<13}{}", spec.id, spec.title, state(found.as_ref().err())),
        })
        .collect();
    let chosen = world.ask.select("Which agent should do the work, and judge it?", &choices)?;
    Ok(rows[chosen].0)
}

fn state(error: Option<&AgentError>) -> &'static str {
    match error {
        None => "installed",
        Some(AgentError::NotExecutable { .. }) => "not executable",
        Some(_) => "not found in PATH",
    }
}

fn first_installed<'a>(table: &'a AgentTable, host: &Host) -> Result<&'a AgentSpec, CliError> {
    table.rows().iter().find(|spec| resolve(spec, host).is_ok()).ok_or_else(|| {
        let ids: Vec<&str> = table.rows().iter().map(|spec| spec.id.as_str()).collect();
        CliError::failed("no agent is installed")
            .hint(format!("install one of {}, or name one with `--agent`", ids.join(", ")))
    })
}

/// The file is right, but no run can use it yet.
fn warn(error: &AgentError, printer: &mut Printer) {
    printer.warning(error.to_string());
    if let Some(hint) = error.hint() {
        printer.hint(&hint);
    }
}

/// Writes the whole file or nothing. A link stays one: what it leads to is written.
fn write(path: &Path, text: &str) -> io::Result<()> {
    let path = led_to(path)?;
    let dir = path.parent().ok_or(ErrorKind::IsADirectory)?;
    std::fs::create_dir_all(dir)?;
    let mut file = tempfile::NamedTempFile::new_in(dir)?;
    file.write_all(text.as_bytes())?;
    file.persist(path)?;
    Ok(())
}

/// The file that a path stands for, which need not be there yet.
fn led_to(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_owned();
    for _ in 0..MAX_LINKS {
        match std::fs::read_link(&path) {
            Ok(target) => path = path.parent().unwrap_or(Path::new("/")).join(target),
            // It is a file, or nothing.
            Err(_) => return Ok(path),
        }
    }
    Err(io::Error::other("it is a link that leads to itself"))
}

/// As many as Linux follows.
const MAX_LINKS: usize = 40;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_question_says_what_goes_and_where_it_is_kept() {
        let (path, kept_as) = (Path::new("/c/config.toml"), Path::new("/c/config.toml.bak"));
        let text = b"[defaults.agents.mine]\ncommand = ['mine']";
        insta::assert_snapshot!(question(path, text, kept_as), @"`/c/config.toml` exists (2 lines) and will be kept as `/c/config.toml.bak`. Overwrite it, agents of your own too?");
    }
}
