//! `cargo --message-format=json` (recordings: Rust 1.95).

use codeloops_event::FailureCategory;
use serde::Deserialize;

use super::found::{Found, Known, failure};
use super::place::Place;
use super::{Claim, Reader};

pub(super) struct CargoJson;

#[derive(Deserialize)]
struct Line {
    message: Message,
}

#[derive(Deserialize)]
struct Message {
    level: String,
    message: String,
    code: Option<Code>,
    #[serde(default)]
    spans: Vec<Span>,
}

#[derive(Deserialize)]
struct Code {
    code: String,
}

#[derive(Deserialize)]
struct Span {
    file_name: String,
    line_start: u32,
    column_start: u32,
    is_primary: bool,
}

impl Reader for CargoJson {
    fn line(&mut self, line: &str, found: &mut Found<'_>) -> Claim {
        if !line.starts_with("{\"reason\":\"") {
            return Claim::None;
        }
        // To read each message of a large build costs much; nearly all are of no concern.
        if line.starts_with("{\"reason\":\"compiler-message\"")
            && line.contains("\"level\":\"error")
            && let Ok(line) = serde_json::from_str::<Line>(line)
        {
            tell(&line.message, found);
        }
        Claim::Line
    }
}

fn tell(message: &Message, found: &mut Found<'_>) {
    let is_last_word = message.message.starts_with("aborting due to ");
    if !message.level.starts_with("error") || is_last_word {
        return;
    }
    let code = message.code.as_ref().map(|code| code.code.as_str());
    let is_lint = code.is_some_and(|code| code.starts_with(|c: char| c.is_ascii_lowercase()));
    let category = if is_lint { FailureCategory::Lint } else { FailureCategory::Build };
    let mut told = failure(category, &message.message);
    if let Some(code) = code {
        told = told.called(code);
    }
    if let Some(span) = message.spans.iter().find(|span| span.is_primary) {
        let (line, column) = (Some(span.line_start), Some(span.column_start));
        told = told.at(&Place { file: &span.file_name, line, column });
    }
    found.add(told);
}
