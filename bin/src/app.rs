//! The command line, as types. Nothing here decides anything.

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use chrono::NaiveDate;
use clap::{Args, Parser, Subcommand};
use codeloops_event::{CriticAccess, Outcome, Permissions};
use codeloops_session::SessionStatus;

use codeloops_sinks::Format;

use crate::units::{UnitError, parse_duration, parse_size};
use crate::values::{SinkName, TimeLimit, ValueError, Words};

/// Runs a coding agent on a task, lets a second agent judge what it changed, and loops with the
/// findings until the judge approves or a limit is reached.
#[derive(Debug, Parser)]
#[command(name = "codeloops", version, max_term_width = 100, subcommand_help_heading = "Commands")]
#[command(after_help = "Without a command, `codeloops` means `codeloops run`.")]
pub struct App {
    /// What to do; `run` where none is given.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// The options of `run`.
    #[command(flatten)]
    pub run: RunArgs,
    /// Do not use colours
    #[arg(long, global = true, help_heading = "Output")]
    pub no_color: bool,
}

impl App {
    /// Whether the command was told to print one JSON document, whatever happens.
    #[must_use]
    pub fn wants_document(&self) -> bool {
        match &self.command {
            None => self.run.output.json_output,
            Some(Command::Run(args)) => args.output.json_output,
            Some(Command::Demo(args)) => args.json_output,
            Some(_) => false,
        }
    }
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the actor-critic loop (default)
    Run(Box<RunArgs>),
    /// Browse and inspect recorded sessions
    #[command(subcommand)]
    Sessions(SessionsCommand),
    /// Write the global configuration, with questions
    Init(InitArgs),
    /// Show a run with scripted agents: no account, no network, no cost
    Demo(DemoArgs),
    /// The scripted agent of the demonstration
    #[command(hide = true)]
    DemoAgent,
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page
    Man,
}

/// The options of `run`, which also stand at the top level.
#[derive(Debug, Clone, Default, Args)]
pub struct RunArgs {
    /// The task
    #[arg(short, long, value_name = "PROMPT", conflicts_with = "prompt_file")]
    #[arg(help_heading = "Task")]
    pub prompt: Option<String>,
    /// File that holds the task [default: prompt.md in the working directory]
    #[arg(long, value_name = "FILE", help_heading = "Task")]
    pub prompt_file: Option<PathBuf>,
    /// Directory to work in [default: the current one]
    #[arg(short = 'd', long, value_name = "DIR", help_heading = "Task")]
    pub working_dir: Option<PathBuf>,

    /// Agent for both roles: claude, opencode, cursor, … or one of [agents.NAME] [default: claude]
    #[arg(short, long, value_name = "AGENT", help_heading = "Agents")]
    pub agent: Option<String>,
    /// Agent for the actor
    #[arg(long, value_name = "AGENT", help_heading = "Agents")]
    pub actor_agent: Option<String>,
    /// Agent for the critic
    #[arg(long, value_name = "AGENT", help_heading = "Agents")]
    pub critic_agent: Option<String>,
    /// Model for both roles, if the agent takes one
    #[arg(short, long, value_name = "MODEL", help_heading = "Agents")]
    pub model: Option<String>,
    /// Model for the actor
    #[arg(long, value_name = "MODEL", help_heading = "Agents")]
    pub actor_model: Option<String>,
    /// Model for the critic
    #[arg(long, value_name = "MODEL", help_heading = "Agents")]
    pub critic_model: Option<String>,
    /// What agents may do without asking: full or edits [default: full]
    #[arg(long, value_name = "LEVEL", value_parser = word::<Permissions>, help_heading = "Agents")]
    pub permissions: Option<Permissions>,
    /// What the critic may do: run-commands or read-only [default: run-commands]
    #[arg(long, value_name = "LEVEL", value_parser = word::<CriticAccess>, help_heading = "Agents")]
    pub critic_access: Option<CriticAccess>,
    /// Do not put back what the critic changed in the working tree
    #[arg(long, help_heading = "Agents")]
    pub no_restore_tree: bool,

    /// The limits.
    #[command(flatten)]
    pub limits: LimitArgs,
    /// The output options.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// The limits of a run.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Limits (a time is `90s`, `30m`, `1h30m`; `none` lifts it)")]
pub struct LimitArgs {
    /// Iterations [default: none]
    #[arg(short = 'n', long, value_name = "N", value_parser = iterations)]
    pub max_iterations: Option<NonZeroU32>,
    /// Time of the whole run [default: none]
    #[arg(long, value_name = "TIME")]
    pub max_duration: Option<TimeLimit>,
    /// US dollars
    #[arg(long, value_name = "USD", hide = true)]
    pub max_cost_usd: Option<f64>,
    /// Tokens
    #[arg(long, value_name = "N", hide = true)]
    pub max_tokens: Option<u64>,
    /// Time of one actor call [default: none]
    #[arg(long, value_name = "TIME")]
    pub actor_timeout: Option<TimeLimit>,
    /// Time of one critic call [default: none]
    #[arg(long, value_name = "TIME")]
    pub critic_timeout: Option<TimeLimit>,
    /// Time of one gate
    #[arg(long, value_name = "TIME", hide = true)]
    pub gate_timeout: Option<TimeLimit>,
    /// Time without output of an agent [default: 20m, none for one that prints only at its end]
    #[arg(long, value_name = "TIME")]
    pub idle_timeout: Option<TimeLimit>,
    /// The same state so many times
    #[arg(long, value_name = "N", hide = true)]
    pub stuck_after: Option<NonZeroU32>,
    /// Failed actor rounds in a row [default: 3]
    #[arg(long, value_name = "N")]
    pub max_actor_failures: Option<NonZeroU32>,
    /// Failed critic rounds in a row [default: 3]
    #[arg(long, value_name = "N")]
    pub max_critic_failures: Option<NonZeroU32>,
    /// What is kept of one output stream [default: 1GB]
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub max_output: Option<u64>,
    /// Wait for a provider's usage window to reset; 0s not at all [default: 6h]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub usage_limit_wait: Option<Duration>,
}

/// What a run prints and keeps.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Output")]
pub struct OutputArgs {
    /// What the console shows: pretty, json or compact [default: pretty]
    #[arg(long, value_name = "FORMAT", value_parser = word::<Format>)]
    pub log_format: Option<Format>,
    /// Write structured logs to a file
    #[arg(long, value_name = "PATH")]
    pub log_file: Option<PathBuf>,
    /// Print the result as one JSON document, everything else to standard error
    #[arg(long)]
    pub json_output: bool,
    /// Show what the agents print
    #[arg(short, long)]
    pub verbose: bool,
    /// Use this sink, not the configured ones: jsonl, console (repeatable)
    #[arg(long = "sink", value_name = "SINK")]
    pub sinks: Vec<SinkName>,
    /// Record no session file
    #[arg(long)]
    pub no_session: bool,
    /// Directory for the evidence of runs [default: in the data directory]
    #[arg(long, value_name = "DIR")]
    pub runs_dir: Option<PathBuf>,
    /// Show the resolved configuration and stop
    #[arg(long)]
    pub dry_run: bool,
}

/// What to do with recorded sessions.
#[derive(Debug, Subcommand)]
pub enum SessionsCommand {
    /// List sessions, newest first
    List(ListArgs),
    /// Show one session
    Show(ShowArgs),
}

/// Which sessions to list.
#[derive(Debug, Default, Args)]
pub struct ListArgs {
    /// Only this outcome: success, failed, interrupted, max_iterations_reached, budget_exhausted,
    /// stuck
    #[arg(long, value_name = "OUTCOME", value_parser = word::<Outcome>)]
    pub outcome: Option<Outcome>,
    /// Only this status: running, crashed, interrupted, ended
    #[arg(long, value_name = "STATUS", value_parser = word::<SessionStatus>)]
    pub status: Option<SessionStatus>,
    /// Only from this day on (YYYY-MM-DD, UTC)
    #[arg(long, value_name = "DATE", value_parser = date)]
    pub after: Option<NaiveDate>,
    /// Only up to the end of this day (YYYY-MM-DD, UTC)
    #[arg(long, value_name = "DATE", value_parser = date)]
    pub before: Option<NaiveDate>,
    /// Only where the prompt holds this text
    #[arg(long, value_name = "TEXT")]
    pub search: Option<String>,
    /// Only of this project, the name of the working directory
    #[arg(long, value_name = "NAME")]
    pub project: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Which session to show.
#[derive(Debug, Default, Args)]
pub struct ShowArgs {
    /// The session's id, the beginning of one, or `latest`
    pub id: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// How to write the configuration.
#[derive(Debug, Default, Args)]
pub struct InitArgs {
    /// The agent for both roles
    #[arg(short, long, value_name = "AGENT")]
    pub agent: Option<String>,
    /// Ask nothing: take the agent given, else the first one that is installed
    #[arg(short, long)]
    pub yes: bool,
    /// Overwrite a configuration that is there
    #[arg(long)]
    pub force: bool,
}

/// How to show the demonstration.
#[derive(Debug, Default, Args)]
pub struct DemoArgs {
    /// Print the result as one JSON document, everything else to standard error
    #[arg(long)]
    pub json_output: bool,
    /// Show what the agents print
    #[arg(short, long)]
    pub verbose: bool,
}

fn word<T: Words>(text: &str) -> Result<T, ValueError> {
    T::from_word(text)
}

fn duration(text: &str) -> Result<Duration, UnitError> {
    parse_duration(text)
}

fn size(text: &str) -> Result<u64, UnitError> {
    parse_size(text)
}

fn iterations(text: &str) -> Result<NonZeroU32, ValueError> {
    text.parse().map_err(|_| ValueError("it takes a whole number from 1 on".to_owned()))
}

fn date(text: &str) -> Result<NaiveDate, ValueError> {
    NaiveDate::parse_from_str(text, "%Y-%m-%d")
        .map_err(|_| ValueError("it takes a day as YYYY-MM-DD".to_owned()))
}
