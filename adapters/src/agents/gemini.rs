//! Gemini CLI.

use crate::spec::{AgentSpec, OutputFormat, StopWith, Unattended, strings};
use crate::version::{Understood, Version};

/// Run: 0.30.0 and older refuse the mode `plan` unless a setting allows experiments.
const UNDERSTOOD: Understood =
    Understood { from: Some(Version::new(0, 31, 0)), below: Some(Version::new(1, 0, 0)) };

/// Seen with 0.61.0. Without `GEMINI_CLI_NO_RELAUNCH` it runs as a child of itself and a signal to
/// the parent does nothing; without `GEMINI_CLI_TRUST_WORKSPACE` it refuses a new directory.
pub(super) fn spec() -> AgentSpec {
    AgentSpec {
        args: strings(&["-o", "stream-json"]),
        unattended: Unattended {
            actor_full: strings(&["--approval-mode", "yolo"]),
            actor_edits: strings(&["--approval-mode", "auto_edit"]),
            critic_full: strings(&["--approval-mode", "yolo"]),
            critic_edits: strings(&["--approval-mode", "default"]),
            critic_read_only: strings(&["--approval-mode", "plan"]),
            root_needs: None,
        },
        model_args: strings(&["-m", "{model}"]),
        resume_args: strings(&["--resume", "{session}"]),
        output: OutputFormat::GeminiStreamJson,
        stop_signal: StopWith::Term,
        streams: true,
        env: ["GEMINI_CLI_TRUST_WORKSPACE", "GEMINI_CLI_NO_RELAUNCH"]
            .map(|name| (name.to_owned(), "true".to_owned()))
            .into(),
        version_args: strings(&["--version"]),
        understood: UNDERSTOOD,
        install: Some("npm install -g @google/gemini-cli".to_owned()),
        ..AgentSpec::new("gemini", "Gemini CLI", &["gemini"])
    }
}
