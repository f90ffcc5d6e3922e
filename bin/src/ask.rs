//! Questions on a real terminal.

use inquire::{Confirm, InquireError, Select};

use crate::error::CliError;
use crate::world::Ask;

/// Asks with cursor keys and Enter.
pub(crate) struct Prompts;

impl Ask for Prompts {
    fn select(&self, question: &str, options: &[String], start: usize) -> Result<usize, CliError> {
        let chosen = Select::new(question, options.to_vec()).with_starting_cursor(start);
        chosen.raw_prompt().map(|option| option.index).map_err(broken_off)
    }

    fn confirm(&self, question: &str) -> Result<bool, CliError> {
        Confirm::new(question).with_default(false).prompt().map_err(broken_off)
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
