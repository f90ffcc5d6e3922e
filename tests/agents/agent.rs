//! The agent programs: where they are installed, and what each needs to talk to the fake model.

use std::path::{Path, PathBuf};

use codeloops_tests::Workspace;

/// A real agent program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Agent {
    /// By the Messages of Anthropic.
    Claude,
    /// By Chat Completions.
    Opencode,
    /// By the Responses of OpenAI.
    Codex,
    /// By Gemini's own protocol.
    Gemini,
}

impl Agent {
    /// Its name for codeloops.
    pub(crate) const fn id(self) -> &'static str {
        match self {
            Self::Claude => "claude",
            Self::Opencode => "opencode",
            Self::Codex => "codex",
            Self::Gemini => "gemini",
        }
    }

    /// Two models, as codeloops is told them, and as it asks the provider for them.
    pub(crate) const fn models(self) -> [(&'static str, &'static str); 2] {
        match self {
            Self::Claude => [("sonnet", "claude-sonnet"), ("opus", "claude-opus")],
            Self::Opencode => {
                [("fake/other-model", "other-model"), ("fake/fake-model", "fake-model")]
            }
            Self::Codex => [("gpt-5.5", "gpt-5.5"), ("gpt-4.1", "gpt-4.1")],
            Self::Gemini => {
                [("gemini-2.5-flash", "gemini-2.5-flash"), ("gemini-2.5-pro", "gemini-2.5-pro")]
            }
        }
    }

    /// The table of the user's configuration that makes codeloops take the installed program, and
    /// the program the fake model.
    pub(crate) fn table(self, model: &str) -> String {
        let program = self.program();
        assert!(program.exists(), "no `{}`: run `cargo xtask agents`", program.display());
        let id = self.id();
        let mut lines = vec![
            format!("[defaults.agents.{id}]"),
            format!("command = [{program:?}]"),
            format!("[defaults.agents.{id}.env]"),
        ];
        let env = self.env(model).into_iter();
        lines.extend(env.map(|(name, value)| format!("{name} = {value:?}")));
        lines.join("\n") + "\n"
    }

    /// What it reads from its home.
    pub(crate) fn prepare_home(self, place: &Workspace, model: &str) {
        match self {
            Self::Codex => place.write("../home/.codex/config.toml", codex_config(model)),
            Self::Gemini => place.write("../home/.gemini/settings.json", GEMINI_SETTINGS),
            Self::Claude | Self::Opencode => {}
        }
    }

    /// A link that `cargo xtask agents` makes.
    fn program(self) -> PathBuf {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        root.join("target/agents/bin").join(self.id())
    }

    /// The variables that lead it to the model, let it work as root, and keep it from asking
    /// anybody else on the network.
    fn env(self, model: &str) -> Vec<(&'static str, String)> {
        let fixed = |pairs: &[(&'static str, &str)]| {
            pairs.iter().map(|&(name, value)| (name, value.to_owned())).collect::<Vec<_>>()
        };
        let (mut env, own) = match self {
            Self::Claude => (fixed(&CLAUDE_ENV), ("ANTHROPIC_BASE_URL", model.to_owned())),
            Self::Opencode => {
                (fixed(&OPENCODE_ENV), ("OPENCODE_CONFIG_CONTENT", opencode_config(model)))
            }
            Self::Codex => return fixed(&[("FAKE_API_KEY", "fake"), NO_WAY_OUT]),
            Self::Gemini => {
                (fixed(&[("GEMINI_API_KEY", "fake")]), ("GOOGLE_GEMINI_BASE_URL", model.to_owned()))
            }
        };
        env.push(own);
        env
    }
}

/// Without a key: a test gives it the one that it is about.
const CLAUDE_ENV: [(&str, &str); 5] = [
    ("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1"),
    ("CLAUDE_CODE_MAX_RETRIES", "0"),
    ("DISABLE_AUTOUPDATER", "1"),
    ("DISABLE_TELEMETRY", "1"),
    ("IS_SANDBOX", "1"),
];

const OPENCODE_ENV: [(&str, &str); 3] =
    [("OPENCODE_DISABLE_LSP_DOWNLOAD", "1"), ("OPENCODE_DISABLE_MODELS_FETCH", "1"), NO_WAY_OUT];

/// For what no switch of theirs keeps them from asking on the network: a proxy that is not there. The
/// model is asked without encryption, and so without it.
const NO_WAY_OUT: (&str, &str) = ("HTTPS_PROXY", "http://127.0.0.1:1");

fn opencode_config(model: &str) -> String {
    serde_json::json!({
        "model": "fake/fake-model",
        "provider": { "fake": {
            "npm": "@ai-sdk/openai-compatible",
            "name": "Fake",
            "options": { "baseURL": format!("{model}/v1"), "apiKey": "fake" },
            "models": { "fake-model": { "name": "Fake" }, "other-model": { "name": "Other" } },
        } },
    })
    .to_string()
}

/// A model that it knows: others are not offered its tool for patches. Its sandbox keeps out of
/// `/tmp`: one that is interrupted leaves the empty folders that it had put in place there.
fn codex_config(model: &str) -> String {
    format!(
        "model = \"gpt-5.5\"\n\
         model_provider = \"fake\"\n\
         check_for_update_on_startup = false\n\
         [analytics]\n\
         enabled = false\n\
         [sandbox_workspace_write]\n\
         exclude_slash_tmp = true\n\
         exclude_tmpdir_env_var = true\n\
         [model_providers.fake]\n\
         name = \"Fake\"\n\
         base_url = \"{model}/v1\"\n\
         env_key = \"FAKE_API_KEY\"\n\
         wire_api = \"responses\"\n\
         request_max_retries = 0\n\
         stream_max_retries = 0\n"
    )
}

const GEMINI_SETTINGS: &str = r#"{
    "general": { "enableAutoUpdate": false },
    "model": { "name": "gemini-2.5-pro" },
    "privacy": { "usageStatisticsEnabled": false },
    "security": { "auth": { "selectedType": "gemini-api-key" } }
}"#;
