//! Codex.

use crate::spec::{AgentSpec, OutputFormat, StopWith, Unattended, strings};

/// Seen with 0.169.0. SIGINT ends its tools too, SIGTERM leaves some behind. The critic's commands
/// run in its sandbox, which may write to the project (a test suite does); `-` reads the prompt
/// from stdin.
pub(super) fn spec() -> AgentSpec {
    AgentSpec {
        args: strings(&["exec", "--json", "--skip-git-repo-check"]),
        unattended: Unattended {
            actor_full: strings(&["--dangerously-bypass-approvals-and-sandbox"]),
            actor_edits: strings(&["-s", "workspace-write"]),
            critic_full: strings(&["-s", "workspace-write"]),
            critic_edits: strings(&["-s", "workspace-write"]),
            critic_read_only: strings(&["-s", "read-only"]),
            root_needs: None,
        },
        model_args: strings(&["-m", "{model}"]),
        prompt_args: strings(&["-"]),
        resume_args: strings(&["resume", "{session}"]),
        output: OutputFormat::CodexJson,
        stop_signal: StopWith::Int,
        streams: true,
        install: Some("npm install -g @openai/codex".to_owned()),
        ..AgentSpec::new("codex", "Codex", &["codex"])
    }
}
