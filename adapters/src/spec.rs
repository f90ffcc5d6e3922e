//! What codeloops has to know of an agent program, as data.

use std::collections::BTreeMap;

use codeloops_event::{CriticAccess, Permissions, Role};
use serde::{Deserialize, Serialize};

use crate::login::LoginCheck;
use crate::telemetry::Joins;
use crate::version::Understood;

/// Bytes that a prompt may have unless a row says otherwise. Below the smallest limit of a known
/// program (Codex refuses more than 1,048,576 characters) and small enough for a model to read.
pub const MAX_PROMPT_BYTES: u64 = 400_000;

/// Bytes that a prompt may have where it is an argument. Linux allows an argument 128 KiB (131,072
/// bytes, execve(2)); what `prompt_args` put around the prompt needs room too.
pub const MAX_ARGUMENT_BYTES: u64 = 120_000;

/// How a program takes its prompt.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PromptVia {
    /// On its standard input, which is closed after it.
    #[default]
    Stdin,
    /// As an argument, of [`MAX_ARGUMENT_BYTES`] at most; `ps` shows it.
    Argument,
    /// In a file, whose path is an argument.
    File,
}

impl PromptVia {
    /// What remains of a limit on the bytes of a prompt that goes this way.
    #[must_use]
    pub fn at_most(self, max_prompt_bytes: u64) -> u64 {
        match self {
            Self::Argument => max_prompt_bytes.min(MAX_ARGUMENT_BYTES),
            Self::Stdin | Self::File => max_prompt_bytes,
        }
    }
}

/// What a program prints on its standard output.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OutputFormat {
    /// Text for people; all of it is the answer.
    #[default]
    Text,
    /// `claude -p --output-format stream-json --verbose`.
    ClaudeStreamJson,
    /// `codex exec --json`.
    CodexJson,
    /// `opencode run --format json`.
    OpencodeJson,
    /// `gemini -o stream-json`.
    GeminiStreamJson,
    /// `cursor-agent -p --output-format stream-json`.
    CursorStreamJson,
}

impl OutputFormat {
    /// The word that stands for it in a configuration.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::ClaudeStreamJson => "claude-stream-json",
            Self::CodexJson => "codex-json",
            Self::OpencodeJson => "opencode-json",
            Self::GeminiStreamJson => "gemini-stream-json",
            Self::CursorStreamJson => "cursor-stream-json",
        }
    }

    /// Whether tokens are told.
    #[must_use]
    pub const fn tells_tokens(self) -> bool {
        !matches!(self, Self::Text)
    }

    /// Whether a cost can be told; OpenCode knows none of a model without a price.
    #[must_use]
    pub const fn tells_cost(self) -> bool {
        matches!(self, Self::ClaudeStreamJson | Self::OpencodeJson)
    }
}

/// The signal that asks a program to end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum StopWith {
    /// SIGINT, for programs that then close their stream with a final event.
    Int,
    /// SIGTERM.
    #[default]
    Term,
}

/// Flags that let a program work without asking, by what it is allowed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Unattended {
    /// The actor, [`Permissions::Full`].
    pub actor_full: Vec<String>,
    /// The actor, [`Permissions::Edits`].
    pub actor_edits: Vec<String>,
    /// The critic that may run commands, [`Permissions::Full`].
    pub critic_full: Vec<String>,
    /// The critic that may run commands, [`Permissions::Edits`].
    pub critic_edits: Vec<String>,
    /// The critic that only reads.
    pub critic_read_only: Vec<String>,
    /// A variable without which the program refuses `actor_full` to root.
    pub root_needs: Option<String>,
}

impl Unattended {
    /// The flags of one kind of call.
    #[must_use]
    pub fn flags(&self, role: Role, permissions: Permissions, access: CriticAccess) -> &[String] {
        match (role, permissions, access) {
            (Role::Actor, Permissions::Full, _) => &self.actor_full,
            (Role::Actor, Permissions::Edits, _) => &self.actor_edits,
            (Role::Critic, _, CriticAccess::ReadOnly) => &self.critic_read_only,
            (Role::Critic, Permissions::Full, CriticAccess::RunCommands) => &self.critic_full,
            (Role::Critic, Permissions::Edits, CriticAccess::RunCommands) => &self.critic_edits,
        }
    }
}

/// One agent program: a row of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentSpec {
    /// Its name in flags and configuration, in kebab-case.
    pub id: String,
    /// Other names that are accepted for it.
    pub aliases: Vec<String>,
    /// Its name for people.
    pub title: String,
    /// The program and arguments that always stand first. A program without `/` is looked up in
    /// `PATH`.
    pub command: Vec<String>,
    /// Programs that are tried where the first is not in `PATH`.
    pub fallbacks: Vec<String>,
    /// Arguments that make the program speak `output`.
    pub args: Vec<String>,
    /// Arguments that make it print text instead.
    pub text_args: Vec<String>,
    /// Flags by permission.
    pub unattended: Unattended,
    /// Further arguments of the actor.
    pub actor_args: Vec<String>,
    /// Further arguments of the critic.
    pub critic_args: Vec<String>,
    /// Arguments that choose a model; `{model}` stands for its name.
    pub model_args: Vec<String>,
    /// Arguments that go on with a conversation; `{session}` stands for its name. Empty where the
    /// program cannot.
    pub resume_args: Vec<String>,
    /// How the prompt goes in.
    pub prompt: PromptVia,
    /// The last arguments; `{prompt}` stands for the prompt or for its file.
    pub prompt_args: Vec<String>,
    /// What comes out.
    pub output: OutputFormat,
    /// Variables that are set for it.
    pub env: BTreeMap<String, String>,
    /// The signal that asks it to end.
    pub stop_signal: StopWith,
    /// Whether it prints as it goes, so that silence means something.
    pub streams: bool,
    /// Bytes that a prompt may have; no more than its way in takes (see [`PromptVia::at_most`]).
    pub max_prompt_bytes: u64,
    /// Arguments that make it tell its version; empty where it is not asked.
    pub version_args: Vec<String>,
    /// Which versions of it the row is for.
    pub understood: Understood,
    /// How it is asked whether it is logged in; none where it has no way to tell.
    pub login: Option<LoginCheck>,
    /// How it is made to put its own spans below ours.
    pub joins: Joins,
    /// How to get it, for the hint when it is missing.
    pub install: Option<String>,
}

impl AgentSpec {
    /// A row with nothing but a name and a command: text in on stdin, text out.
    #[must_use]
    pub fn new(id: &str, title: &str, command: &[&str]) -> Self {
        Self {
            id: id.to_owned(),
            aliases: Vec::new(),
            title: title.to_owned(),
            command: strings(command),
            fallbacks: Vec::new(),
            args: Vec::new(),
            text_args: Vec::new(),
            unattended: Unattended::default(),
            actor_args: Vec::new(),
            critic_args: Vec::new(),
            model_args: strings(&["--model", "{model}"]),
            resume_args: Vec::new(),
            prompt: PromptVia::Stdin,
            prompt_args: Vec::new(),
            output: OutputFormat::Text,
            env: BTreeMap::new(),
            stop_signal: StopWith::Term,
            streams: false,
            max_prompt_bytes: MAX_PROMPT_BYTES,
            version_args: Vec::new(),
            understood: Understood::default(),
            login: None,
            joins: Joins::Not,
            install: None,
        }
    }

    /// Whether this is its name or another one that is accepted for it.
    #[must_use]
    pub fn answers_to(&self, name: &str) -> bool {
        self.id == name || self.aliases.iter().any(|alias| alias == name)
    }

    /// The row for a program whose structured output need not be understood: it prints text, all of
    /// which is the answer, perhaps only at its end, and names no conversation to go on with.
    #[must_use]
    pub fn in_text(self) -> Self {
        Self {
            args: self.text_args.clone(),
            output: OutputFormat::Text,
            streams: false,
            resume_args: Vec::new(),
            ..self
        }
    }

    /// Whether flags are known that hold it to what it is allowed.
    #[must_use]
    pub fn can_be_held(&self) -> bool {
        self.unattended != Unattended::default()
    }
}

/// The table `[agents.NAME]` of the user's configuration: a new agent, or what replaces fields of a
/// built-in one. A field that is not given keeps its value.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AgentConfig {
    /// The program and its first arguments. For a built-in agent its own arguments follow.
    pub command: Option<Vec<String>>,
    /// Its name for people; default: the agent's name.
    pub title: Option<String>,
    /// How the prompt goes in; default: stdin.
    pub prompt: Option<PromptVia>,
    /// What comes out; default: text.
    pub output: Option<OutputFormat>,
    /// Arguments that choose a model; `{model}` stands for its name.
    pub model_args: Option<Vec<String>>,
    /// Arguments that go on with a conversation; `{session}` stands for its name.
    pub resume_args: Option<Vec<String>>,
    /// Arguments of the actor, after the built-in ones.
    pub actor_args: Option<Vec<String>>,
    /// Arguments of the critic, after the built-in ones.
    pub critic_args: Option<Vec<String>>,
    /// Variables, added to the built-in ones.
    pub env: Option<BTreeMap<String, String>>,
    /// The signal that asks it to end: `INT` or `TERM`.
    pub stop_signal: Option<StopWith>,
    /// Whether it prints as it goes; default: only with a structured output.
    pub streams: Option<bool>,
    /// Arguments that make it tell its version, which is asked for where the row is for some versions
    /// only; empty: not asked.
    pub version_args: Option<Vec<String>>,
    /// Bytes that a prompt may have; default: 400,000. At most [`MAX_ARGUMENT_BYTES`] count where
    /// the prompt is an argument.
    pub max_prompt_bytes: Option<u64>,
}

impl AgentConfig {
    /// The row that this makes of `base`.
    #[must_use]
    pub fn onto(self, base: AgentSpec) -> AgentSpec {
        let base = match self.output {
            Some(OutputFormat::Text) if base.output != OutputFormat::Text => base.in_text(),
            _ => base,
        };
        let replaced = self.command.is_some();
        let prompt = self.prompt.unwrap_or(base.prompt);
        let output = self.output.unwrap_or(base.output);
        let streams = match self.output {
            Some(output) => output != OutputFormat::Text,
            None => base.streams,
        };
        let prompt_args = match self.prompt {
            Some(PromptVia::Stdin) => Vec::new(),
            Some(PromptVia::Argument | PromptVia::File) => strings(&["{prompt}"]),
            None => base.prompt_args,
        };
        let max_prompt_bytes = self.max_prompt_bytes.unwrap_or(base.max_prompt_bytes);
        let mut env = base.env;
        env.extend(self.env.unwrap_or_default());
        AgentSpec {
            title: self.title.unwrap_or(base.title),
            command: self.command.unwrap_or(base.command),
            fallbacks: if replaced { Vec::new() } else { base.fallbacks },
            prompt,
            prompt_args,
            output,
            model_args: self.model_args.unwrap_or(base.model_args),
            resume_args: self.resume_args.unwrap_or(base.resume_args),
            actor_args: self.actor_args.unwrap_or(base.actor_args),
            critic_args: self.critic_args.unwrap_or(base.critic_args),
            env,
            stop_signal: self.stop_signal.unwrap_or(base.stop_signal),
            streams: self.streams.unwrap_or(streams),
            version_args: self.version_args.unwrap_or(base.version_args),
            max_prompt_bytes: prompt.at_most(max_prompt_bytes),
            id: base.id,
            aliases: base.aliases,
            args: base.args,
            text_args: base.text_args,
            unattended: base.unattended,
            // Whoever says what comes out knows the program.
            understood: if self.output.is_some() { Understood::default() } else { base.understood },
            login: base.login,
            joins: base.joins,
            install: base.install,
        }
    }
}

/// Owned copies of literals.
pub(crate) fn strings(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|&text| text.to_owned()).collect()
}
