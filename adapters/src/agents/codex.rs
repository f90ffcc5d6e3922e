//! Codex.

use crate::login::{LoginAnswer, LoginCheck};
use crate::spec::{AgentSpec, OutputFormat, StopWith, Unattended, strings};
use crate::version::{Understood, Version};

/// Releases before 0.44.0 print other events.
const UNDERSTOOD: Understood =
    Understood { from: Some(Version::new(0, 44, 0)), below: Some(Version::new(1, 0, 0)) };

/// Seen with 0.169.0. SIGINT ends its tools too, SIGTERM leaves some behind. The critic's commands
/// run in its sandbox, which may write to the project (a test suite does); `-` reads the prompt
/// from stdin.
pub(super) fn spec() -> AgentSpec {
    AgentSpec {
        args: strings(&["exec", "--json", "--skip-git-repo-check"]),
        text_args: strings(&["exec", "--skip-git-repo-check"]),
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
        version_args: strings(&["--version"]),
        understood: UNDERSTOOD,
        login: Some(LoginCheck {
            args: strings(&["login", "status"]),
            answer: LoginAnswer::CodexStatus,
        }),
        install: Some("npm install -g @openai/codex".to_owned()),
        ..AgentSpec::new("codex", "Codex", &["codex"])
    }
}
