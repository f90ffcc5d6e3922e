//! `codeloops demo`: the real loop on a small real repository, with a scripted agent.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use codeloops_sinks::commands::shell_quoted;
use tempfile::TempDir;

use super::run::report;
use crate::app::{DemoArgs, OutputArgs, RunArgs};
use crate::demo_agent::{CHECK, GREET};
use crate::engine::{self, Finished, Task};
use crate::error::CliError;
use crate::output::Printer;
use crate::prompt::Prompt;
use crate::settings::{RunSettings, working_dir};
use crate::world::World;

const TASK: &str = "Make ./check.sh pass. The greeting in greet.sh has a typo, and without a name \
                    it should greet a stranger.";

/// Carries out `demo`; gives the exit code of its run.
pub(crate) fn demo(
    args: &DemoArgs,
    no_color: bool,
    world: &World,
    printer: &mut Printer,
) -> Result<u8, CliError> {
    let mut place = Place::make()?;
    let mut world = world.clone();
    // The user's own configuration has no part in it.
    world.env.vars.insert("XDG_CONFIG_HOME".into(), place.config().into());
    let run = RunArgs {
        prompt: Some(TASK.to_owned()),
        working_dir: Some(place.project()),
        output: OutputArgs {
            json_output: args.json_output,
            verbose: args.verbose,
            ..OutputArgs::default()
        },
        ..RunArgs::default()
    };
    let dir = working_dir(run.working_dir.as_deref(), &world.env)?;
    let settings = RunSettings::resolve(&run, no_color, dir, &world)?;
    let limit = settings.max_task_bytes();
    let prompt = Prompt::load(&run, &place.project(), world.env.current_dir()?, limit)?;
    let finished = engine::execute(&settings, Task::New(prompt), &world, printer)?;
    place.0.disable_cleanup(true);
    report(&settings, &finished, printer)?;
    let next = what_to_look_at(&place, &settings, &finished, &world);
    if args.json_output {
        printer.note(&next);
    } else {
        printer.offer_anyhow(&next);
    }
    Ok(finished.result.end.outcome.exit_code())
}

/// The folder of one demonstration. Once something happened in it, it is kept, so that the user can
/// look at it.
struct Place(TempDir);

impl Place {
    fn make() -> Result<Self, CliError> {
        let dir = tempfile::Builder::new()
            .prefix("codeloops-demo-")
            .tempdir()
            .map_err(|error| CliError::failed(format!("could not make a folder: {error}")))?;
        let place = Self(dir);
        let config = place.config().join("codeloops");
        for dir in [&place.project(), &config] {
            fs::create_dir_all(dir).map_err(|error| unwritable(dir, &error))?;
        }
        write(&config.join("config.toml"), &configuration()?)?;
        write(&place.project().join("greet.sh"), GREET)?;
        write(&place.project().join("check.sh"), CHECK)?;
        place.git(&["init", "--quiet"])?;
        place.git(&["add", "greet.sh", "check.sh"])?;
        place.git(&["commit", "--quiet", "--message", "A greeting, and a check that fails"])?;
        Ok(place)
    }

    fn project(&self) -> PathBuf {
        self.0.path().join("project")
    }

    fn config(&self) -> PathBuf {
        self.0.path().join("config")
    }

    /// Runs git on the project, untouched by the user's settings.
    fn git(&self, args: &[&str]) -> Result<(), CliError> {
        let identity = ["-c", "user.name=codeloops demo", "-c", "user.email=demo@localhost"];
        let plain = ["-c", "commit.gpgsign=false", "-c", "init.defaultBranch=main"];
        let output = Command::new("git")
            .args(identity.iter().chain(&plain).chain(args))
            .current_dir(self.project())
            .env_remove("GIT_DIR")
            .env_remove("GIT_INDEX_FILE")
            .env_remove("GIT_WORK_TREE")
            .output()
            .map_err(|error| {
                CliError::failed(format!("could not run `git`: {error}"))
                    .hint("install git; codeloops needs it")
            })?;
        if output.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        Err(CliError::failed(format!("`git {}` failed: {}", args.join(" "), said.trim())))
    }
}

fn write(path: &Path, text: &str) -> Result<(), CliError> {
    fs::write(path, text).map_err(|error| unwritable(path, &error))
}

fn unwritable(path: &Path, error: &std::io::Error) -> CliError {
    CliError::failed(format!("could not write `{}`: {error}", path.display()))
}

/// The agent is this program itself, named as a user names one.
fn configuration() -> Result<String, CliError> {
    let program = this_program()?;
    let program = program.to_str().ok_or_else(|| {
        CliError::failed(format!("the path of codeloops is not UTF-8: `{}`", program.display()))
    })?;
    Ok(format!(
        "[defaults]\nagent = \"demo\"\nmax_iterations = 5\n\n\
         [defaults.agents.demo]\ntitle = \"Demo Agent\"\ncommand = [{}, \"demo-agent\"]\n",
        // A JSON string is a TOML basic string.
        serde_json::Value::from(program)
    ))
}

fn this_program() -> Result<PathBuf, CliError> {
    std::env::current_exe()
        .map_err(|error| CliError::failed(format!("where is this program: {error}")))
}

fn what_to_look_at(
    place: &Place,
    settings: &RunSettings,
    finished: &Finished,
    world: &World,
) -> String {
    let codeloops = how_to_call(world);
    let project = place.project();
    let evidence = settings.runs_dir.value.join(finished.run_id.as_str());
    let session = finished.recorded.as_ref().map(|recorded| recorded.path.as_path());
    let left: Vec<String> = [Some(place.0.path()), Some(&evidence), session]
        .into_iter()
        .flatten()
        .map(shell_quoted)
        .collect();
    let id = finished.recorded.as_ref().map_or("latest", |recorded| recorded.id.as_str());
    format!(
        "\nThe project of this demo is kept in {}.\nTo look at what happened:\n  \
         {codeloops} sessions show {id}\n  \
         {codeloops} sessions diff {id}\n  \
         ls {}\n\
         To delete it, and what is recorded of it:\n  \
         rm -rf {}\n",
        project.display(),
        shell_quoted(&evidence.join("iterations/1")),
        left.join(" \\\n    "),
    )
}

/// How the user calls this program: by name where the search path finds it, else by its path.
fn how_to_call(world: &World) -> String {
    let Ok(program) = this_program() else { return "codeloops".to_owned() };
    let found = world.env.var("PATH").map(OsString::from).is_some_and(|path| {
        std::env::split_paths(&path)
            .any(|dir| fs::canonicalize(dir.join("codeloops")).is_ok_and(|p| p == program))
    });
    if found {
        return "codeloops".to_owned();
    }
    let here = world.env.current_dir().ok().and_then(|dir| program.strip_prefix(dir).ok());
    shell_quoted(here.unwrap_or(&program))
}
