//! Whether an agent program is logged in, by its own status command.

use serde_json::Value;

use crate::ask::Answer;

/// How a program is asked whether it is logged in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoginCheck {
    /// Its arguments.
    pub args: Vec<String>,
    /// How it answers.
    pub answer: LoginAnswer,
}

/// How a program answers whether it is logged in. Seen with the releases that the rows name, save
/// Cursor's, which is documented.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoginAnswer {
    /// `claude auth status`: a JSON object with `loggedIn` and `authMethod`.
    ClaudeJson,
    /// `codex login status`: exit code 0 and how, or 1 and `Not logged in`, on standard error.
    CodexStatus,
    /// `opencode auth list`: how many credentials and environment variables it found.
    OpencodeList,
    /// `cursor-agent status`: `Not logged in`, or who is.
    CursorStatus,
}

/// Whether a program is logged in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Login {
    /// It is.
    Yes {
        /// How, in its own words; none where it does not say.
        how: Option<String>,
    },
    /// It says that it is not.
    No,
    /// Its answer is not understood.
    Unclear,
}

impl LoginAnswer {
    /// What an answer says.
    #[must_use]
    pub fn read(self, answer: &Answer) -> Login {
        match self {
            Self::ClaudeJson => claude(answer),
            Self::CodexStatus => codex(answer),
            Self::OpencodeList => opencode(answer),
            Self::CursorStatus => cursor(answer),
        }
    }
}

fn claude(answer: &Answer) -> Login {
    let Ok(status) = serde_json::from_str::<Value>(&answer.stdout) else { return Login::Unclear };
    let how = status["authMethod"].as_str().map(str::to_owned);
    match status["loggedIn"].as_bool() {
        Some(true) => Login::Yes { how },
        Some(false) => Login::No,
        None => Login::Unclear,
    }
}

/// `Logged in using ChatGPT`, `Logged in using an API key - sk-…`: the key's ends are not repeated.
fn codex(answer: &Answer) -> Login {
    let said = [answer.stderr.as_str(), &answer.stdout].concat();
    if said.contains("Not logged in") {
        return Login::No;
    }
    let how = said.lines().find_map(|line| line.strip_prefix("Logged in using "));
    match (how, answer.code) {
        (Some(how), _) => Login::Yes { how: how.split(" - ").next().map(str::to_owned) },
        (None, Some(0)) => Login::Yes { how: None },
        (None, _) => Login::Unclear,
    }
}

fn opencode(answer: &Answer) -> Login {
    let count = |what: &str| {
        let before =
            answer.stdout.split(what).next().filter(|text| text.len() < answer.stdout.len());
        before.and_then(|text| text.split_whitespace().next_back()?.parse::<u32>().ok())
    };
    let credentials = count("credential");
    let variables = count("environment variable");
    match (credentials, variables) {
        (None, None) => Login::Unclear,
        (Some(0), None | Some(0)) | (None, Some(0)) => Login::No,
        (credentials, _) => {
            let how = if credentials.unwrap_or(0) > 0 { "credentials" } else { "environment" };
            Login::Yes { how: Some(how.to_owned()) }
        }
    }
}

fn cursor(answer: &Answer) -> Login {
    let said = [answer.stdout.as_str(), &answer.stderr].concat();
    if said.contains("Not logged in") {
        Login::No
    } else if answer.code == Some(0) && said.contains("ogged in") {
        Login::Yes { how: None }
    } else {
        Login::Unclear
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(code: i32, stdout: &str, stderr: &str) -> Answer {
        Answer { code: Some(code), stdout: stdout.into(), stderr: stderr.into() }
    }

    fn yes(how: &str) -> Login {
        Login::Yes { how: Some(how.to_owned()) }
    }

    /// Answers of 2.1.330.
    #[test]
    fn claude_says_so_in_json() {
        let read = |code, text| LoginAnswer::ClaudeJson.read(&answer(code, text, ""));
        let by_key =
            r#"{ "loggedIn": true, "authMethod": "api_key", "apiProvider": "firstParty" }"#;
        assert_eq!(read(0, by_key), yes("api_key"));
        assert_eq!(read(1, r#"{ "loggedIn": false, "authMethod": "none" }"#), Login::No);
        assert_eq!(read(1, "error: unknown command 'auth'"), Login::Unclear);
        assert_eq!(read(0, "{}"), Login::Unclear);
    }

    /// The first answer is of 0.169.0, the others are documented.
    #[test]
    fn codex_says_so_on_standard_error() {
        let read = |code, text| LoginAnswer::CodexStatus.read(&answer(code, "", text));
        assert_eq!(read(1, "Not logged in\n"), Login::No);
        assert_eq!(read(0, "Logged in using ChatGPT\n"), yes("ChatGPT"));
        assert_eq!(read(0, "Logged in using an API key - sk-p***1234\n"), yes("an API key"));
        assert_eq!(read(0, "\n"), Login::Yes { how: None });
        assert_eq!(read(2, "error: unrecognized subcommand 'status'"), Login::Unclear);
    }

    /// Answers of 1.18.33, without their colours.
    #[test]
    fn opencode_counts_credentials_and_variables() {
        let read = |text| LoginAnswer::OpencodeList.read(&answer(0, text, ""));
        let none = "┌  Credentials ~/.local/share/opencode/auth.json\n│\n└  0 credentials\n";
        assert_eq!(read(none), Login::No);
        let variable = format!(
            "{none}\n┌  Environment\n│\n●  Anthropic ANTHROPIC_API_KEY\n│\n└  1 environment variable\n"
        );
        assert_eq!(read(&variable), yes("environment"));
        let credentials = variable.replace("0 cred", "2 cred");
        assert_eq!(read(&credentials), yes("credentials"));
        assert_eq!(read("Unknown command"), Login::Unclear);
    }

    /// Documented, not seen.
    #[test]
    fn cursor_says_so_in_words() {
        let read = |code, text| LoginAnswer::CursorStatus.read(&answer(code, text, ""));
        assert_eq!(read(0, "\n ✗ Not logged in\n"), Login::No);
        assert_eq!(read(0, "✓ Logged in as me@example.com"), Login::Yes { how: None });
        assert_eq!(read(1, "network error"), Login::Unclear);
    }
}
