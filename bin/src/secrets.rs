//! Hides what may be a secret from what is shown.

use std::path::Path;

use codeloops_sinks::commands::shell_quoted;

/// What stands for a hidden value.
pub const MASK: &str = "********";

/// What the names of secrets have in them, in upper case.
const SECRET: [&str; 9] =
    ["KEY", "TOKEN", "SECRET", "PASSWORD", "PASSWD", "PASSPHRASE", "CREDENTIAL", "AUTH", "HEADER"];

/// A command in one line as a shell takes it, with what may be a secret hidden (see
/// [`shown_words`]).
#[must_use]
pub fn shown_command(words: &[String]) -> String {
    let quoted = |word: String| match word.contains(MASK) {
        true => word,
        false => shell_quoted(Path::new(&word)),
    };
    shown_words(words).into_iter().map(quoted).collect::<Vec<_>>().join(" ")
}

/// A command for the shell, with what may be a secret hidden (see [`shown_words`]).
#[must_use]
pub fn shown_script(script: &str) -> String {
    let words: Vec<String> = script.split(' ').map(str::to_owned).collect();
    shown_words(&words).join(" ")
}

/// The words of a command. Hidden are the value of each flag or variable whose name looks like a
/// secret's, and user and password of each address.
#[must_use]
pub fn shown_words(words: &[String]) -> Vec<String> {
    let mut hide_next = false;
    let shown = words.iter().map(|word| {
        let hidden = std::mem::take(&mut hide_next) && !word.starts_with('-');
        hide_next = word.starts_with('-') && !word.contains('=') && is_secret(word);
        match word.split_once('=') {
            _ if hidden => MASK.to_owned(),
            Some((name, _)) if is_secret(name) => format!("{name}={MASK}"),
            _ => without_user(word),
        }
    });
    shown.collect()
}

fn is_secret(name: &str) -> bool {
    let name = name.to_uppercase();
    SECRET.iter().any(|word| name.contains(word))
}

/// A text with user and password of an address in it hidden.
fn without_user(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else { return text.to_owned() };
    let host_ends = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    match rest[..host_ends].rfind('@') {
        Some(at) => format!("{scheme}://{MASK}{}", &rest[at..]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(command: &str) -> String {
        let words: Vec<String> = command.split(' ').map(str::to_owned).collect();
        shown_command(&words)
    }

    #[test]
    fn what_may_be_a_secret_is_hidden_and_the_rest_is_shown() {
        insta::assert_snapshot!(shown("agent --api-key sk-1 --quiet"), @"agent --api-key ******** --quiet");
        insta::assert_snapshot!(shown("agent --token=sk-1 --level=3"), @"agent --token=******** --level=3");
        insta::assert_snapshot!(shown("env MY_TOKEN=sk-1 agent"), @"env MY_TOKEN=******** agent");
        let words = ["my agent", "", "--say", "it's $HOME"].map(str::to_owned);
        insta::assert_snapshot!(shown_command(&words), @r"'my agent' '' --say 'it'\''s $HOME'");
        insta::assert_snapshot!(shown("agent --use-keyring -v"), @"agent --use-keyring -v");
        insta::assert_snapshot!(
            shown("agent --proxy=http://me:pass@host:1/x?a@b https://host/@x"),
            @"agent --proxy=http://********@host:1/x?a@b https://host/@x"
        );
    }
}
