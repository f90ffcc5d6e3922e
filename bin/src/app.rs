//! The command line, as types. Nothing here decides anything.

use std::num::{NonZeroU32, NonZeroU64};
use std::path::PathBuf;
use std::time::Duration;

use chrono::NaiveDate;
use clap::builder::{StringValueParser, TypedValueParser};
use clap::{ArgAction, Args, Parser, Subcommand, ValueHint};
use codeloops_adapters::agents::builtin;
use codeloops_event::{CriticAccess, Outcome, Permissions};
use codeloops_session::{RunKind, SessionOrder, SessionStatus};

use codeloops_sinks::Format;

use crate::offer::Offering;
use crate::settings::Change;
use crate::units::{UnitError, parse_duration, parse_size};
use crate::values::otel::{Protocol, Times};
use crate::values::{
    At, Dollars, FROM_ONE, GateFlag, Patience, SinkSpec, SinkSpecError, Speed, StuckAfter,
    TimeLimit, ValueError, Words,
};

/// The heading of the options that every command has.
pub(crate) const GLOBAL_OPTIONS: &str = "Global options";

/// How values are written, for the end of the help and the head of the documentation.
pub(crate) const VALUES: &str = "TIME is written `90s`, `30m` or `1h30m`, a number alone \
                                 is seconds, and `none` lifts a limit; SIZE is written `500MB`, \
                                 `1GB` or `64KiB`, a number alone is bytes.";

/// Runs a coding agent on a task, lets a second agent judge what it changed, and loops with the
/// findings until the judge approves or a limit is reached.
#[derive(Debug, Parser)]
#[command(name = "codeloops", version, max_term_width = 100, subcommand_help_heading = "Commands")]
#[command(disable_help_flag = true, disable_version_flag = true)]
#[command(after_help = format!("{VALUES}\n\nWithout a command, `codeloops` means `codeloops run`."))]
pub struct App {
    /// What to do; `run` where none is given.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// The options of `run`.
    #[command(flatten)]
    pub run: RunArgs,
    /// The options of every command.
    #[command(flatten)]
    pub global: GlobalArgs,
    /// Print version
    #[arg(short = 'V', long, action = ArgAction::Version, help_heading = GLOBAL_OPTIONS)]
    pub version: (),
}

/// The options of every command.
#[derive(Debug, Clone, Default, Args)]
#[group(skip)]
#[command(next_help_heading = GLOBAL_OPTIONS)]
pub struct GlobalArgs {
    /// Do not use colours
    #[arg(long, global = true)]
    pub no_color: bool,
    /// Print help
    #[arg(short, long, global = true, action = ArgAction::Help)]
    pub help: (),
}

impl App {
    /// Whether the command was told to print one JSON document, whatever happens.
    #[must_use]
    pub fn wants_document(&self) -> bool {
        match &self.command {
            None => self.run.output.json_output,
            Some(Command::Run(args)) => args.output.json_output,
            Some(Command::Demo(args)) => args.json_output,
            Some(Command::Fork(args)) => args.output.json_output,
            Some(_) => false,
        }
    }
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the actor-critic loop (default)
    #[command(after_help = VALUES)]
    Run(Box<RunArgs>),
    /// Browse and inspect recorded sessions
    #[command(subcommand)]
    Sessions(SessionsCommand),
    /// Find runs by commit, branch and outcome, and show what became of one
    #[command(subcommand)]
    Runs(RunsCommand),
    /// Replay a recorded run: show it, verify it, or ask for other settings
    #[command(after_help = VALUES)]
    Replay(Box<ReplayArgs>),
    /// Put the working tree to a state that a session left
    Restore(RestoreArgs),
    /// Run the gates alone, on the working tree as it is, or check a receipt
    #[command(after_help = VALUES)]
    Verify(Box<VerifyArgs>),
    /// Write a receipt of an approved session: what was approved, and on what grounds
    Receipt(ReceiptArgs),
    /// Run anew from what an iteration left, in a working tree of its own
    #[command(after_help = VALUES)]
    Fork(Box<ForkArgs>),
    /// Choose your agent and write it into your configuration
    Init(InitArgs),
    /// Check this machine: git, each agent, what a run here would start
    Doctor(DoctorArgs),
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
    Man(ManArgs),
}

/// What a session that is gone on with has recorded.
const FIXED: [&str; 13] = [
    "working_dir",
    "agent",
    "actor_agent",
    "critic_agent",
    "model",
    "actor_model",
    "critic_model",
    "permissions",
    "critic_access",
    "no_restore_tree",
    "no_baseline",
    "no_session",
    "runs_dir",
];

/// The options of `run`, which also stand at the top level.
#[derive(Debug, Clone, Default, Args)]
pub struct RunArgs {
    /// The task
    #[arg(short, long, value_name = "PROMPT", conflicts_with = "prompt_file")]
    #[arg(help_heading = "Task")]
    pub prompt: Option<String>,
    /// File that holds the task; `-` is standard input [default: prompt.md in the working directory]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Task")]
    pub prompt_file: Option<PathBuf>,
    /// Directory to work in [default: the current one]
    #[arg(short = 'd', long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    #[arg(help_heading = "Task")]
    pub working_dir: Option<PathBuf>,

    /// Go on with a session that was killed, interrupted or ended by a limit: its id, the beginning of
    /// one, or `latest`
    #[arg(long, value_name = "ID", value_parser = session(), hide_possible_values = true)]
    #[arg(help_heading = "Task", conflicts_with_all = FIXED)]
    pub resume: Option<String>,
    /// With --resume: go on without asking where the working tree is not as the run left it
    #[arg(short, long, help_heading = "Task", requires = "resume")]
    pub yes: bool,

    /// Agent for both roles
    #[arg(short, long, value_name = "AGENT", value_parser = agent(), hide_possible_values = true)]
    #[arg(help_heading = "Agents", help = agent_help())]
    pub agent: Option<String>,
    /// Agent for the actor, which does the work [default: as --agent]
    #[arg(long, value_name = "AGENT", value_parser = agent(), hide_possible_values = true)]
    #[arg(help_heading = "Agents")]
    pub actor_agent: Option<String>,
    /// Agent for the critic, which judges it [default: as --agent]
    #[arg(long, value_name = "AGENT", value_parser = agent(), hide_possible_values = true)]
    #[arg(help_heading = "Agents")]
    pub critic_agent: Option<String>,
    /// Model for both roles, by the name that the agent knows [default: the agent's own]
    #[arg(short, long, value_name = "MODEL", value_parser = model, help_heading = "Agents")]
    pub model: Option<String>,
    /// Model for the actor [default: as --model]
    #[arg(long, value_name = "MODEL", value_parser = model, help_heading = "Agents")]
    pub actor_model: Option<String>,
    /// Model for the critic [default: as --model]
    #[arg(long, value_name = "MODEL", value_parser = model, help_heading = "Agents")]
    pub critic_model: Option<String>,
    /// What agents may do without asking [default: full]
    #[arg(long, value_name = "LEVEL", value_parser = word::<Permissions>())]
    #[arg(help_heading = "Agents")]
    pub permissions: Option<Permissions>,
    /// What the critic may do [default: run-commands]
    #[arg(long, value_name = "LEVEL", value_parser = word::<CriticAccess>())]
    #[arg(help_heading = "Agents")]
    pub critic_access: Option<CriticAccess>,
    /// Keep what the critic changes in the working tree, instead of putting it back
    #[arg(long, help_heading = "Agents")]
    pub no_restore_tree: bool,

    /// The gates.
    #[command(flatten)]
    pub gates: GateArgs,
    /// The limits.
    #[command(flatten)]
    pub limits: LimitArgs,
    /// The output options.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// The user's checks.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Gates")]
pub struct GateArgs {
    /// Run this command after each actor turn: no approval counts while it fails (repeatable). It goes to
    /// `sh -c`, and stands for a configured gate of that name
    #[arg(long = "gate", value_name = "NAME=COMMAND")]
    pub gates: Vec<GateFlag>,
    /// Do not run the gates before the first iteration: one that fails then is not excused
    #[arg(long)]
    pub no_baseline: bool,
}

/// The limits of a run. A value may begin with a hyphen, so that a negative number is told as what it
/// is and not as an option that there is not.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Limits")]
pub struct LimitArgs {
    /// End the run after so many iterations [default: none]
    #[arg(short = 'n', long, value_name = "N", value_parser = from_one, allow_hyphen_values = true)]
    pub max_iterations: Option<NonZeroU32>,
    /// End the run after this time [default: none]
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub max_duration: Option<TimeLimit>,
    /// End the run after so many tokens, sent and received, of both agents [default: none]
    #[arg(long, value_name = "N", value_parser = tokens, allow_hyphen_values = true)]
    pub max_tokens: Option<NonZeroU64>,
    /// End the run after so many US dollars, of both agents [default: none]
    #[arg(long, value_name = "USD", allow_hyphen_values = true)]
    pub max_cost_usd: Option<Dollars>,
    /// End a call of the actor after this time [default: none]
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub actor_timeout: Option<TimeLimit>,
    /// End a call of the critic after this time [default: none]
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub critic_timeout: Option<TimeLimit>,
    /// End a gate that has no limit of its own after this time [default: 10m]
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub gate_timeout: Option<TimeLimit>,
    /// End a call that prints nothing for this time [default: 20m, none for agents that print only
    /// at their end]
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub idle_timeout: Option<TimeLimit>,
    /// End the run after so many failures of the actor in a row [default: 3]
    #[arg(long, value_name = "N", value_parser = from_one, allow_hyphen_values = true)]
    pub max_actor_failures: Option<NonZeroU32>,
    /// End the run after so many failures of the critic in a row [default: 3]
    #[arg(long, value_name = "N", value_parser = from_one, allow_hyphen_values = true)]
    pub max_critic_failures: Option<NonZeroU32>,
    /// End the run when the same state comes back for the N-th time, from 2 on: files, results of the
    /// gates and findings [default: 5]
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    pub stuck_after: Option<StuckAfter>,
    /// Keep no more than this of each output stream of a call [default: 1GB]
    #[arg(long, value_name = "SIZE", value_parser = size, allow_hyphen_values = true)]
    pub max_output: Option<u64>,
    /// Wait no longer than this for a provider's usage limit to reset; 0s not at all [default: 6h]
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub usage_limit_wait: Option<Patience>,
}

/// What a run prints and keeps.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Output")]
pub struct OutputArgs {
    /// How the console shows the run [default: pretty]
    #[arg(long, value_name = "FORMAT", value_parser = word::<Format>())]
    pub log_format: Option<Format>,
    /// Append the events of the run to this file, as JSON lines
    #[arg(long, value_name = "PATH", value_hint = ValueHint::FilePath)]
    pub log_file: Option<PathBuf>,
    /// Print the result as one JSON document, everything else to standard error
    #[arg(long)]
    pub json_output: bool,
    /// Show what the agents print
    #[arg(short, long)]
    pub verbose: bool,
    /// Use this sink, not the configured ones (repeatable); `jsonl` is used all the same. `exec:` takes a
    /// command that gets the events as JSON lines, `file:` a path
    #[arg(long = "sink", value_name = "SINK", value_parser = sink())]
    pub sinks: Vec<SinkSpec>,
    /// Where the sink `otel` sends.
    #[command(flatten)]
    pub otel: OtelArgs,
    /// Record no session file: the one way to go without `jsonl`
    #[arg(long)]
    pub no_session: bool,
    /// Keep raw outputs and diffs below this directory [default: ~/.local/share/codeloops/runs]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub runs_dir: Option<PathBuf>,
    /// Show every setting and where it comes from, and run nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// Where the sink `otel` sends.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
#[command(next_help_heading = "Output")]
pub struct OtelArgs {
    /// With the sink `otel`: send to this receiver of OTLP [default: http://127.0.0.1:4317, or port 4318
    /// for http/protobuf]
    #[arg(long, value_name = "URL", value_hint = ValueHint::Url)]
    pub otel_endpoint: Option<String>,
    /// With the sink `otel`: send by this protocol [default: grpc, or http/protobuf where the URL has port
    /// 4318 or a path]
    #[arg(long, value_name = "PROTOCOL", value_parser = word::<Protocol>())]
    pub otel_protocol: Option<Protocol>,
}

/// What to do with recorded sessions.
#[derive(Debug, Subcommand)]
pub enum SessionsCommand {
    /// List sessions, newest first
    List(ListArgs),
    /// Show one session
    Show(ShowArgs),
    /// Show what a session changed
    Diff(DiffArgs),
    /// Pack a session and its evidence into one file
    Export(ExportArgs),
    /// Export recorded runs as traces, by OpenTelemetry
    ExportTraces(ExportTracesArgs),
    /// Figures over all sessions
    Stats(StatsArgs),
    /// Remove old sessions with their evidence and their snapshots, and old runs of gates alone
    Prune(PruneArgs),
    /// Print the path of a session's file
    Path(PathArgs),
}

/// Which sessions are meant.
#[derive(Debug, Default, Args)]
pub struct FilterArgs {
    /// Only this outcome
    #[arg(long, value_name = "OUTCOME", value_parser = word::<Outcome>())]
    pub outcome: Option<Outcome>,
    /// Only this status
    #[arg(long, value_name = "STATUS", value_parser = word::<SessionStatus>())]
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
    /// Only of this project: the name of its working directory, without the path
    #[arg(long, value_name = "NAME")]
    pub project: Option<String>,
}

/// Which sessions to list.
#[derive(Debug, Default, Args)]
pub struct ListArgs {
    /// Which.
    #[command(flatten)]
    pub filter: FilterArgs,
    /// Sort by this: newest, longest, most or dearest first, words by the alphabet [default: date]
    #[arg(long, value_name = "KEY", value_parser = word::<SessionOrder>())]
    pub sort: Option<SessionOrder>,
    /// Sort the other way round
    #[arg(long)]
    pub reverse: bool,
    /// Only the first N
    #[arg(long, value_name = "N", value_parser = from_one)]
    pub limit: Option<NonZeroU32>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Which session to show.
#[derive(Debug, Default, Args)]
pub struct ShowArgs {
    /// The session's id, the beginning of one, or `latest` [default: asked for]
    #[arg(value_parser = session(), hide_possible_values = true)]
    pub id: Option<String>,
    /// Only this iteration
    #[arg(long, value_name = "N", value_parser = from_one, allow_hyphen_values = true)]
    pub iteration: Option<NonZeroU32>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Do not show what is longer than the screen in a pager
    #[arg(long)]
    pub no_pager: bool,
}

/// Which changes to show.
#[derive(Debug, Default, Args)]
pub struct DiffArgs {
    /// The session's id, the beginning of one, or `latest` [default: asked for]
    #[arg(value_parser = session(), hide_possible_values = true)]
    pub id: Option<String>,
    /// Only what changed in this iteration, not everything since the run began
    #[arg(long, value_name = "N", value_parser = from_one, allow_hyphen_values = true)]
    pub iteration: Option<NonZeroU32>,
    /// Show how much changed in each file, not the changes
    #[arg(long)]
    pub stat: bool,
    /// Do not show what is longer than the screen in a pager
    #[arg(long)]
    pub no_pager: bool,
}

/// What to pack, and where it goes.
#[derive(Debug, Default, Args)]
pub struct ExportArgs {
    /// The session's id, the beginning of one, or `latest` [default: asked for]
    #[arg(value_parser = session(), hide_possible_values = true)]
    pub id: Option<String>,
    /// Write the archive (tar, gzip) to this file; `-` is standard output
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub output: PathBuf,
    /// Overwrite a file that is there
    #[arg(long)]
    pub force: bool,
}

/// Which sessions to export as traces, and where.
#[derive(Debug, Default, Args)]
pub struct ExportTracesArgs {
    /// Which.
    #[command(flatten)]
    pub filter: FilterArgs,
    /// Only the newest N
    #[arg(long, value_name = "N", value_parser = from_one)]
    pub limit: Option<NonZeroU32>,
    /// Which times the spans have: those of the run, or the same put off so that each trace ends now
    /// [default: original]
    #[arg(long, value_name = "TIMES", value_parser = word::<Times>())]
    pub times: Option<Times>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Where they go.
    #[command(flatten)]
    pub otel: OtelArgs,
}

/// Which state to restore.
#[derive(Debug, Default, Args)]
pub struct RestoreArgs {
    /// The session's id, the beginning of one, or `latest`
    #[arg(value_parser = session(), hide_possible_values = true)]
    pub id: Option<String>,
    /// As iteration N left it; 0 is how the run began, `saved-K` what the Kth restore replaced
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    pub at: Option<At>,
    /// Do not ask
    #[arg(short, long)]
    pub yes: bool,
    /// Show what would change, and change nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// Where a fork begins, and what is otherwise than in the run that it is a fork of.
#[derive(Debug, Clone, Default, Args)]
pub struct ForkArgs {
    /// The session's id, the beginning of one, or `latest`
    #[arg(value_parser = session(), hide_possible_values = true)]
    pub id: Option<String>,
    /// Begin with what iteration N left; 0 is how the run began
    #[arg(long, value_name = "N", allow_hyphen_values = true, help_heading = "Fork")]
    pub at: Option<u32>,
    /// Branch to make [default: `codeloops/`, the end of the session's id and the iteration]
    #[arg(long, value_name = "NAME", help_heading = "Fork")]
    pub branch: Option<String>,
    /// Directory to make, which the fork works in [default: beside the repository, in REPOSITORY-forks]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, help_heading = "Fork")]
    pub worktree: Option<PathBuf>,

    /// Another task [default: that of the session]
    #[arg(short, long, value_name = "PROMPT", conflicts_with = "prompt_file")]
    #[arg(help_heading = "Task")]
    pub prompt: Option<String>,
    /// File that holds another task; `-` is standard input
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Task")]
    pub prompt_file: Option<PathBuf>,

    /// Agent for both roles [default: those of the session]
    #[arg(short, long, value_name = "AGENT", value_parser = agent(), hide_possible_values = true)]
    #[arg(help_heading = "Agents")]
    pub agent: Option<String>,
    /// Agent for the actor, which does the work
    #[arg(long, value_name = "AGENT", value_parser = agent(), hide_possible_values = true)]
    #[arg(help_heading = "Agents")]
    pub actor_agent: Option<String>,
    /// Agent for the critic, which judges it
    #[arg(long, value_name = "AGENT", value_parser = agent(), hide_possible_values = true)]
    #[arg(help_heading = "Agents")]
    pub critic_agent: Option<String>,
    /// Model for both roles [default: those of the session, where the agent is the same]
    #[arg(short, long, value_name = "MODEL", value_parser = model, help_heading = "Agents")]
    pub model: Option<String>,
    /// Model for the actor
    #[arg(long, value_name = "MODEL", value_parser = model, help_heading = "Agents")]
    pub actor_model: Option<String>,
    /// Model for the critic
    #[arg(long, value_name = "MODEL", value_parser = model, help_heading = "Agents")]
    pub critic_model: Option<String>,

    /// The gates.
    #[command(flatten)]
    pub gates: GateArgs,
    /// The limits.
    #[command(flatten)]
    pub limits: LimitArgs,
    /// The output options.
    #[command(flatten)]
    pub output: OutputArgs,
}

impl ForkArgs {
    /// Those that a run has too.
    #[must_use]
    pub fn of_run(&self) -> RunArgs {
        let given = self.clone();
        RunArgs {
            prompt: given.prompt,
            prompt_file: given.prompt_file,
            agent: given.agent,
            actor_agent: given.actor_agent,
            critic_agent: given.critic_agent,
            model: given.model,
            actor_model: given.actor_model,
            critic_model: given.critic_model,
            gates: given.gates,
            limits: given.limits,
            output: given.output,
            ..RunArgs::default()
        }
    }
}

/// What to check, and how to tell of it.
#[derive(Debug, Default, Args)]
pub struct VerifyArgs {
    /// Only these gates [default: all]
    #[arg(value_name = "GATE", conflicts_with = "receipt")]
    pub only: Vec<String>,
    /// Directory to work in [default: the current one]
    #[arg(short = 'd', long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub working_dir: Option<PathBuf>,
    /// Run this command too (repeatable). It goes to `sh -c`, and stands for a configured gate of that name
    #[arg(long = "gate", value_name = "NAME=COMMAND", conflicts_with = "receipt")]
    pub gates: Vec<GateFlag>,
    /// End a gate that has no time limit of its own after this time [default: 10m]
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, conflicts_with = "receipt")]
    pub gate_timeout: Option<TimeLimit>,
    /// Run the gates of this receipt, in a clean working tree of what it states
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub receipt: Option<PathBuf>,
    /// With --receipt: do not ask before its commands are run
    #[arg(short, long, requires = "receipt")]
    pub yes: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Keep outputs below this directory [default: ~/.local/share/codeloops/runs]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub runs_dir: Option<PathBuf>,
}

/// Of which session, and where it goes.
#[derive(Debug, Default, Args)]
pub struct ReceiptArgs {
    /// The session's id, the beginning of one, or `latest` [default: asked for]
    #[arg(value_parser = session(), hide_possible_values = true)]
    pub id: Option<String>,
    /// Write the receipt to this file; `-` is standard output [default: -]
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub output: Option<PathBuf>,
    /// Overwrite a file that is there
    #[arg(long)]
    pub force: bool,
}

/// How to show figures over all sessions.
#[derive(Debug, Default, Args)]
pub struct StatsArgs {
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Which sessions to remove, and which runs of gates alone.
#[derive(Debug, Default, Args)]
pub struct PruneArgs {
    /// Those whose last line, or whose end, is older than this (30d, 12h30m)
    #[arg(long, value_name = "AGE", value_parser = duration)]
    pub older_than: Option<Duration>,
    /// Leave so many of the newest of each kind, whatever else is given; alone, all others go
    #[arg(long, value_name = "COUNT")]
    pub keep: Option<usize>,
    /// The oldest, until the others take at most this much, evidence included (1GB)
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub max_size: Option<u64>,
    /// Remove them; without it they are only told
    #[arg(short, long)]
    pub yes: bool,
}

/// Whose path to print.
#[derive(Debug, Default, Args)]
pub struct PathArgs {
    /// The session's id, the beginning of one, or `latest`
    #[arg(value_parser = session(), hide_possible_values = true)]
    pub id: String,
}

/// What to do with the folders of runs.
#[derive(Debug, Subcommand)]
pub enum RunsCommand {
    /// List runs, newest first
    List(RunsListArgs),
    /// Show one run: where it began, what its gates found, and what to mend
    Show(RunsShowArgs),
}

/// Which runs to list.
#[derive(Debug, Default, Args)]
pub struct RunsListArgs {
    /// Only those that began at this commit, or at one whose id begins so
    #[arg(long, value_name = "SHA", value_parser = beginning)]
    pub commit: Option<String>,
    /// Only those that began on this branch
    #[arg(long, value_name = "BRANCH")]
    pub branch: Option<String>,
    /// Only those whose id begins so
    #[arg(long, value_name = "ID", value_parser = beginning)]
    pub run: Option<String>,
    /// Only this kind: actor and critic, or gates alone
    #[arg(long, value_name = "KIND", value_parser = word::<RunKind>())]
    pub kind: Option<RunKind>,
    /// Only this outcome
    #[arg(long, value_name = "OUTCOME", value_parser = word::<Outcome>())]
    pub outcome: Option<Outcome>,
    /// Only the newest N
    #[arg(long, value_name = "N", value_parser = from_one)]
    pub limit: Option<NonZeroU32>,
    /// Look in this directory too
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub runs_dir: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Which run to show.
#[derive(Debug, Default, Args)]
pub struct RunsShowArgs {
    /// The run's id, the beginning of one, its session's id, or `latest` [default: latest]
    #[arg(value_parser = session(), hide_possible_values = true)]
    pub id: Option<String>,
    /// Look in this directory too
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub runs_dir: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Do not show what is longer than the screen in a pager
    #[arg(long)]
    pub no_pager: bool,
}

/// What to make of a recorded session.
#[derive(Debug, Default, Args)]
pub struct ReplayArgs {
    /// The session's id, the beginning of one, `latest`, or the path of a session file
    #[arg(value_parser = session(), hide_possible_values = true)]
    pub id: Option<String>,

    /// Make sure that this release decides from the recorded facts what was recorded; exit code 3
    /// where it does not
    #[arg(long, conflicts_with = "with", help_heading = "Checking")]
    pub verify: bool,
    /// Tell where the run would have ended with this setting, as far as its recording can tell
    /// (repeatable)
    #[arg(long, value_name = "KEY=VALUE", help_heading = "Checking")]
    pub with: Vec<Change>,
    /// Print the answer to `--verify` or `--with` as JSON
    #[arg(long, help_heading = "Checking")]
    pub json: bool,

    /// What to show, and how.
    #[command(flatten)]
    pub show: ReplayShowArgs,
}

/// How a recorded session is shown.
#[derive(Debug, Default, PartialEq, Args)]
#[command(next_help_heading = "Output")]
pub struct ReplayShowArgs {
    /// Show from this iteration on [default: the first]
    #[arg(long, value_name = "ITERATION", value_parser = from_one, allow_hyphen_values = true)]
    pub from: Option<NonZeroU32>,
    /// Show up to this iteration, which is included [default: the last]
    #[arg(long, value_name = "ITERATION", value_parser = from_one, allow_hyphen_values = true)]
    pub until: Option<NonZeroU32>,
    /// How fast: `1x` as it went, `10x`, `0.5x`, or `max` [default: max]
    #[arg(long, value_name = "SPEED", allow_hyphen_values = true)]
    pub speed: Option<Speed>,
    /// How the console shows the run [default: pretty]
    #[arg(long, value_name = "FORMAT", value_parser = word::<Format>())]
    pub log_format: Option<Format>,
    /// Append the events to this file, as JSON lines
    #[arg(long, value_name = "PATH", value_hint = ValueHint::FilePath)]
    pub log_file: Option<PathBuf>,
    /// Show what the agents printed; a session holds nothing of it, so this only says where it is
    #[arg(short, long)]
    pub verbose: bool,
    /// Use this sink, not the configured ones (repeatable); `jsonl` is none of a replay. `exec:` takes a
    /// command that gets the events as JSON lines, `file:` a path
    #[arg(long = "sink", value_name = "SINK", value_parser = sink())]
    pub sinks: Vec<SinkSpec>,
    /// Where the sink `otel` sends.
    #[command(flatten)]
    pub otel: OtelArgs,
    /// With the sink `otel`: which times the spans have, those of the run, or the same put off so that the
    /// trace ends now [default: original]
    #[arg(long, value_name = "TIMES", value_parser = word::<Times>())]
    pub times: Option<Times>,
}

/// How to write the configuration.
#[derive(Debug, Default, Args)]
pub struct InitArgs {
    /// Built-in agent for both roles [default: asked for]
    #[arg(short, long, value_name = "AGENT", value_parser = agent())]
    pub agent: Option<String>,
    /// Ask nothing: take the agent given, else the first one that is installed
    #[arg(short, long)]
    pub yes: bool,
    /// Overwrite a configuration that is there, without asking; it is kept as config.toml.bak, .bak2, ...
    #[arg(long)]
    pub force: bool,
}

/// What to check.
#[derive(Debug, Default, Args)]
pub struct DoctorArgs {
    /// Directory that a run would work in [default: the current one]
    #[arg(short = 'd', long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub working_dir: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
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

/// Where the manual goes.
#[derive(Debug, Default, Args)]
pub struct ManArgs {
    /// Write the pages of all commands into this directory, instead of printing one
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub out: Option<PathBuf>,
}

fn agent_help() -> String {
    let ids: Vec<String> = builtin().into_iter().map(|spec| spec.id).collect();
    format!("Agent for both roles: {} or one of your own [default: claude]", ids.join(", "))
}

/// One of the words of a type.
fn word<T: Words + Send + Sync>() -> impl TypedValueParser<Value = T> {
    let parse: fn(&str) -> Result<T, ValueError> = T::from_word;
    Offering::new(parse, T::WORDS.iter().map(|(word, _)| *word))
}

/// The name of an agent. The built-in ones are offered; a user's own is as good.
fn agent() -> impl TypedValueParser<Value = String> {
    Offering::new(StringValueParser::new(), builtin().into_iter().map(|agent| agent.id))
}

fn sink() -> impl TypedValueParser<Value = SinkSpec> {
    let parse: fn(&str) -> Result<SinkSpec, SinkSpecError> = str::parse;
    Offering::new(parse, SinkSpec::OFFERED)
}

fn session() -> impl TypedValueParser<Value = String> {
    Offering::new(StringValueParser::new(), ["latest"])
}

fn model(text: &str) -> Result<String, ValueError> {
    if text.trim().is_empty() {
        Err(ValueError("it is empty".to_owned()))
    } else {
        Ok(text.to_owned())
    }
}

/// The beginning of an id. An empty one would mean all of them.
fn beginning(text: &str) -> Result<String, ValueError> {
    if text.is_empty() { Err(ValueError("it is empty".to_owned())) } else { Ok(text.to_owned()) }
}

fn size(text: &str) -> Result<u64, UnitError> {
    parse_size(text)
}

fn duration(text: &str) -> Result<Duration, UnitError> {
    parse_duration(text)
}

fn from_one(text: &str) -> Result<NonZeroU32, ValueError> {
    text.parse().map_err(|_| ValueError(FROM_ONE.to_owned()))
}

fn tokens(text: &str) -> Result<NonZeroU64, ValueError> {
    text.parse().map_err(|_| ValueError(FROM_ONE.to_owned()))
}

fn date(text: &str) -> Result<NaiveDate, ValueError> {
    NaiveDate::parse_from_str(text, "%Y-%m-%d")
        .map_err(|_| ValueError("it takes a day as YYYY-MM-DD".to_owned()))
}
