//! Claude Code.

use crate::login::{LoginAnswer, LoginCheck};
use crate::spec::{AgentSpec, OutputFormat, StopWith, Unattended, strings};
use crate::telemetry::Joins;
use crate::version::{Understood, Version};

/// Run: 2.0.47 and later say in `error` of a message why the provider refused; 2.0.31 to 2.0.46 do
/// not, and an unknown key is a crash with them. Those before do not know `--tools`.
const UNDERSTOOD: Understood =
    Understood { from: Some(Version::new(2, 0, 47)), below: Some(Version::new(3, 0, 0)) };

/// A command that goes on in the background when the critic has answered begins another turn, with a
/// final event of its own: an answer that was added to counts for nothing.
const CRITIC_WITH_COMMANDS: [&str; 4] = [
    "--tools",
    "Read,Grep,Glob,Bash",
    "--settings",
    r#"{"env":{"CLAUDE_CODE_DISABLE_BACKGROUND_TASKS":"1"}}"#,
];

/// Seen with 2.1.330: without the second there are no spans. What is set for spans alone is taken;
/// logs and metrics have switches of their own.
const JOINS: [(&str, &str); 3] = [
    ("CLAUDE_CODE_ENABLE_TELEMETRY", "1"),
    ("CLAUDE_CODE_ENHANCED_TELEMETRY_BETA", "1"),
    ("OTEL_TRACES_EXPORTER", "otlp"),
];

/// Seen with 2.1.330. After SIGINT it ends its running tool and writes its final event; it refuses
/// `--dangerously-skip-permissions` to root unless `IS_SANDBOX` is `1`.
pub(super) fn spec() -> AgentSpec {
    AgentSpec {
        args: strings(&["-p", "--output-format", "stream-json", "--verbose"]),
        text_args: strings(&["-p"]),
        unattended: Unattended {
            actor_full: strings(&["--dangerously-skip-permissions"]),
            actor_edits: strings(&["--permission-mode", "acceptEdits"]),
            critic_full: strings(
                &[&CRITIC_WITH_COMMANDS[..], &["--allowedTools", "Bash"]].concat(),
            ),
            critic_edits: strings(&CRITIC_WITH_COMMANDS),
            critic_read_only: strings(&["--tools", "Read,Grep,Glob"]),
            root_needs: Some("IS_SANDBOX".to_owned()),
        },
        resume_args: strings(&["--resume", "{session}"]),
        output: OutputFormat::ClaudeStreamJson,
        stop_signal: StopWith::Int,
        streams: true,
        version_args: strings(&["--version"]),
        understood: UNDERSTOOD,
        login: Some(LoginCheck {
            args: strings(&["auth", "status"]),
            answer: LoginAnswer::ClaudeJson,
        }),
        joins: Joins::ByVariables(
            JOINS.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
        ),
        install: Some("npm install -g @anthropic-ai/claude-code".to_owned()),
        ..AgentSpec::new("claude", "Claude Code", &["claude"])
    }
}
