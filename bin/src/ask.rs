//! Questions on a real terminal.

use std::cmp::Reverse;
use std::fmt;

use inquire::{Confirm, InquireError, Select};

use crate::error::CliError;
use crate::picker;
use crate::world::{Ask, Choice, Preview};

/// Asks with cursor keys, what is typed, and Enter.
pub(crate) struct Prompts;

impl Ask for Prompts {
    fn select(&self, question: &str, choices: &[Choice]) -> Result<usize, CliError> {
        let chosen = Select::new(question, choices.iter().map(Shown).collect())
            .with_scorer(&|typed, choice: &Shown<'_>, _, _| score(typed, choice.0))
            // What has the same score keeps its order.
            .with_sorter(&|scored| scored.sort_by_key(|(_, score)| Reverse(*score)))
            .with_formatter(&|chosen| chosen.value.0.name.clone());
        chosen.raw_prompt().map(|option| option.index).map_err(broken_off)
    }

    fn confirm(&self, question: &str) -> Result<bool, CliError> {
        Confirm::new(question).with_default(false).prompt().map_err(broken_off)
    }

    fn pick(&self, choices: &[Choice], preview: Preview<'_>) -> Result<usize, CliError> {
        picker::pick(choices, preview)
    }
}

/// A choice as the line that shows it.
struct Shown<'a>(&'a Choice);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.line)
    }
}

/// How well a choice fits what was typed; none where it does not.
fn score(typed: &str, choice: &Choice) -> Option<i64> {
    let typed = typed.to_lowercase();
    let (name, line) = (choice.name.to_lowercase(), choice.line.to_lowercase());
    match () {
        () if name.starts_with(&typed) => Some(2),
        () if name.contains(&typed) => Some(1),
        () if line.contains(&typed) => Some(0),
        () => None,
    }
}

fn broken_off(error: InquireError) -> CliError {
    match error {
        InquireError::OperationCanceled | InquireError::OperationInterrupted => {
            CliError::interrupted()
        }
        other => CliError::failed(format!("the question could not be asked: {other}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_beginning_of_a_name_fits_best_and_the_line_fits_too() {
        let choice = |name: &str, line: &str| Choice { name: name.into(), line: line.into() };
        let of = |choice: &Choice| score("Cod", choice);
        assert_eq!(of(&choice("codex", "codex  Codex")), Some(2));
        assert_eq!(of(&choice("opencode", "opencode  OpenCode")), Some(1));
        assert_eq!(of(&choice("claude", "claude  Claude Code")), Some(0));
        assert_eq!(of(&choice("gemini", "gemini  Gemini CLI")), None);
    }
}
