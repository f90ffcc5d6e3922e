//! Whole reports in JSON: of eslint, ruff and pyright, and of mypy line by line (recordings: eslint
//! 10.15, ruff 0.17, pyright 1.1.414, mypy 2.4).

use codeloops_event::FailureCategory;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::found::{Found, Known, failure};
use super::place::Place;
use super::{Claim, Reader};

/// Gathers the lines of a report that is written over several.
#[derive(Default)]
pub(super) struct Documents {
    text: String,
    /// The line that ends it.
    end: Option<&'static str>,
}

/// Bytes of a report that is read; another is left.
const MAX_REPORT: usize = 8 * 1024 * 1024;

impl Reader for Documents {
    fn line(&mut self, line: &str, found: &mut Found<'_>) -> Claim {
        if let Some(end) = self.end {
            return self.gather(line, end, found);
        }
        match line {
            "[" => self.end = Some("]"),
            "{" => self.end = Some("}"),
            _ => return whole_line(line, found),
        }
        self.text.clear();
        self.text.push_str(line);
        // Not a section: what begins so may be anything, and need not end.
        Claim::None
    }
}

impl Documents {
    fn gather(&mut self, line: &str, end: &str, found: &mut Found<'_>) -> Claim {
        let is_inside = line.starts_with([' ', '\t']) || line.is_empty();
        if !is_inside && line != end || self.text.len() + line.len() > MAX_REPORT {
            self.end = None;
            self.text = String::new();
            return Claim::None;
        }
        self.text.push('\n');
        self.text.push_str(line);
        if line == end {
            self.end = None;
            report(&std::mem::take(&mut self.text), found);
        }
        Claim::Line
    }
}

fn whole_line(line: &str, found: &mut Found<'_>) -> Claim {
    if line.starts_with("[{\"filePath\":") {
        report(line, found);
        return Claim::Line;
    }
    if line.starts_with("{\"file\": ")
        && let Ok(error) = serde_json::from_str::<MypyError>(line)
    {
        error.tell(found);
        return Claim::Line;
    }
    Claim::None
}

fn report(text: &str, found: &mut Found<'_>) {
    if let Some(files) = parsed::<Vec<EslintFile>>(text) {
        files.iter().for_each(|file| file.tell(found));
    } else if let Some(errors) = parsed::<Vec<RuffError>>(text) {
        errors.iter().for_each(|error| error.tell(found));
    } else if let Some(report) = parsed::<PyrightReport>(text) {
        report.general_diagnostics.iter().for_each(|error| error.tell(found));
    }
}

fn parsed<T: DeserializeOwned>(text: &str) -> Option<T> {
    serde_json::from_str(text).ok()
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct EslintFile {
    file_path: String,
    messages: Vec<EslintMessage>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct EslintMessage {
    rule_id: Option<String>,
    severity: u8,
    message: String,
    line: Option<u32>,
    column: Option<u32>,
}

impl EslintFile {
    fn tell(&self, found: &mut Found<'_>) {
        for error in self.messages.iter().filter(|message| message.severity == 2) {
            let place = Place { file: &self.file_path, line: error.line, column: error.column };
            let told = failure(FailureCategory::Lint, &error.message).at(&place);
            let rule = error.rule_id.as_deref().unwrap_or_default();
            found.add(told.called(rule));
        }
    }
}

#[derive(Deserialize)]
struct RuffError {
    code: Option<String>,
    filename: String,
    location: RuffLocation,
    message: String,
}

#[derive(Deserialize)]
struct RuffLocation {
    row: u32,
    column: u32,
}

impl RuffError {
    fn tell(&self, found: &mut Found<'_>) {
        let RuffLocation { row, column } = self.location;
        let place = Place { file: &self.filename, line: Some(row), column: Some(column) };
        let code = self.code.as_deref().unwrap_or("invalid-syntax");
        found.add(failure(FailureCategory::Lint, &self.message).at(&place).called(code));
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PyrightReport {
    general_diagnostics: Vec<PyrightError>,
}

#[derive(Deserialize)]
struct PyrightError {
    file: String,
    severity: String,
    message: String,
    range: Option<PyrightRange>,
    rule: Option<String>,
}

#[derive(Deserialize)]
struct PyrightRange {
    start: PyrightPosition,
}

/// Counted from 0.
#[derive(Deserialize)]
struct PyrightPosition {
    line: u32,
    character: u32,
}

impl PyrightError {
    fn tell(&self, found: &mut Found<'_>) {
        if self.severity != "error" {
            return;
        }
        let start = self.range.as_ref().map(|range| &range.start);
        let place = Place {
            file: &self.file,
            line: start.map(|start| start.line.saturating_add(1)),
            column: start.map(|start| start.character.saturating_add(1)),
        };
        // What follows is the explanation.
        let message = self.message.lines().next().unwrap_or_default();
        let told = failure(FailureCategory::Type, message).at(&place);
        found.add(told.called(self.rule.as_deref().unwrap_or_default()));
    }
}

#[derive(Deserialize)]
struct MypyError {
    file: String,
    /// Below 1 where there is none.
    line: i64,
    /// Counted from 0.
    column: i64,
    message: String,
    code: Option<String>,
    severity: String,
}

impl MypyError {
    fn tell(&self, found: &mut Found<'_>) {
        if self.severity != "error" {
            return;
        }
        let positive = |number: i64| u32::try_from(number).ok().filter(|number| *number > 0);
        let column = positive(self.column.saturating_add(1));
        let place = Place { file: &self.file, line: positive(self.line), column };
        let told = failure(FailureCategory::Type, &self.message).at(&place);
        found.add(told.called(self.code.as_deref().unwrap_or_default()));
    }
}
