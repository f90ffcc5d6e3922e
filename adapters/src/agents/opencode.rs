//! OpenCode.

use crate::login::{LoginAnswer, LoginCheck};
use crate::spec::{AgentSpec, OutputFormat, StopWith, Unattended, strings};
use crate::version::{Understood, Version};

/// Run: 1.17.11 and older do not know `--auto`.
const UNDERSTOOD: Understood =
    Understood { from: Some(Version::new(1, 17, 18)), below: Some(Version::new(2, 0, 0)) };

/// Seen with 1.18.33. It closes nothing on a signal, so it gets SIGTERM; without `--auto` it
/// rejects what its configuration asks about, and ends there.
pub(super) fn spec() -> AgentSpec {
    AgentSpec {
        args: strings(&["run", "--format", "json"]),
        text_args: strings(&["run"]),
        unattended: Unattended {
            actor_full: strings(&["--auto"]),
            critic_full: strings(&["--auto"]),
            critic_read_only: strings(&["--agent", "plan"]),
            ..Unattended::default()
        },
        model_args: strings(&["-m", "{model}"]),
        resume_args: strings(&["-s", "{session}"]),
        output: OutputFormat::OpencodeJson,
        stop_signal: StopWith::Term,
        streams: true,
        env: [("OPENCODE_DISABLE_AUTOUPDATE".to_owned(), "1".to_owned())].into(),
        version_args: strings(&["--version"]),
        understood: UNDERSTOOD,
        login: Some(LoginCheck {
            args: strings(&["auth", "list"]),
            answer: LoginAnswer::OpencodeList,
        }),
        install: Some("npm install -g opencode-ai".to_owned()),
        ..AgentSpec::new("opencode", "OpenCode", &["opencode"])
    }
}
