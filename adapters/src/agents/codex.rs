//! Codex.

use crate::login::{LoginAnswer, LoginCheck};
use crate::spec::{AgentSpec, OutputFormat, StopWith, Unattended, strings};
use crate::telemetry::Joins;
use crate::version::{Understood, Version};

/// Run: 0.77.0 and older count the tokens of a resumed conversation by the call, 0.79.0 and later by
/// the conversation, which is what the decoder takes the difference of. A patch that its sandbox
/// refuses is told nowhere by 0.113.0 and older, and on stderr by 0.120.0 and later.
const UNDERSTOOD: Understood =
    Understood { from: Some(Version::new(0, 79, 0)), below: Some(Version::new(1, 0, 0)) };

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
        joins: Joins::ByCodexSetting,
        install: Some("npm install -g @openai/codex".to_owned()),
        ..AgentSpec::new("codex", "Codex", &["codex"])
    }
}
