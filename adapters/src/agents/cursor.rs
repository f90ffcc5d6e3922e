//! Cursor's agent.

use crate::login::{LoginAnswer, LoginCheck};
use crate::spec::{AgentSpec, OutputFormat, StopWith, Unattended, strings};

/// From its documentation, not seen to run: `--trust` allows edits, `--force` also commands, and
/// the mode `ask` only reads.
pub(super) fn spec() -> AgentSpec {
    AgentSpec {
        aliases: strings(&["cursor-agent"]),
        fallbacks: strings(&["agent"]),
        args: strings(&["-p", "--output-format", "stream-json"]),
        text_args: strings(&["-p", "--output-format", "text"]),
        unattended: Unattended {
            actor_full: strings(&["--force"]),
            actor_edits: strings(&["--trust"]),
            critic_full: strings(&["--force"]),
            critic_edits: strings(&["--trust"]),
            critic_read_only: strings(&["--trust", "--mode", "ask"]),
            root_needs: None,
        },
        resume_args: strings(&["--resume", "{session}"]),
        output: OutputFormat::CursorStreamJson,
        stop_signal: StopWith::Term,
        streams: true,
        version_args: strings(&["--version"]),
        login: Some(LoginCheck { args: strings(&["status"]), answer: LoginAnswer::CursorStatus }),
        install: Some("see https://cursor.com/docs/cli".to_owned()),
        ..AgentSpec::new("cursor", "Cursor", &["cursor-agent"])
    }
}
