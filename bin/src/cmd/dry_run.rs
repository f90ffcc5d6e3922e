//! `--dry-run`: every resolved setting with where it came from and what a start would tell of them,
//! and nothing else happens.

use codeloops_adapters::resolve::Host;
use codeloops_sinks::{one_line, words};
use console::measure_text_width;
use serde_json::{Map, Value, json};

use crate::engine::obstacles;
use crate::error::CliError;
use crate::output::Printer;
use crate::prompt::Prompt;
use crate::settings::{Row, RunSettings};
use crate::start_notes::{Note, start_notes, tell};
use crate::text::{shorten, wrap};

/// Columns of the task that are shown.
const PROMPT_WIDTH: usize = 60;

/// Shows the settings. A task that is missing and an agent that is not installed are warned of, not
/// errors: the configuration can be looked at before either is there.
pub(crate) fn dry_run(
    settings: &RunSettings,
    prompt: &Result<Prompt, CliError>,
    host: &Host,
    printer: &mut Printer,
) -> Result<(), CliError> {
    let mut notes = start_notes(settings, host);
    notes.extend(unlimited(settings));
    notes.extend(obstacles(settings, host).iter().chain(prompt.as_ref().err()).map(obstacle));
    tell(&notes, printer);
    let prompt = prompt_row(prompt);
    let rows = settings.rows(host);
    if settings.json_output {
        let rows = std::iter::once(&prompt).chain(&rows);
        return printer.json(&document(rows, &notes, settings));
    }
    let shown = shorten(&one_line(&prompt.shown_value()), PROMPT_WIDTH);
    let prompt = Row { value: shown.into(), ..prompt };
    let columns = printer.stdout_columns();
    printer.data(&table(&[&[prompt], &rows[..]].concat(), columns))
}

/// What would keep the run from starting.
fn obstacle(error: &CliError) -> Note {
    Note::warning(format!("a run would not start: {error}"))
}

/// What a run tells on its console where nothing but the critic ends it.
fn unlimited(settings: &RunSettings) -> Option<Note> {
    let limits = settings.engine(settings.permissions.value).limits;
    words::unlimited(&limits).map(Note::new)
}

fn prompt_row(prompt: &Result<Prompt, CliError>) -> Row {
    match prompt {
        Ok(prompt) => Row::new("prompt", prompt.text.as_str(), prompt.source.shown()),
        Err(error) => Row::new("prompt", Value::Null, &error.message),
    }
}

fn document<'a>(
    rows: impl Iterator<Item = &'a Row>,
    notes: &[Note],
    settings: &RunSettings,
) -> Value {
    let files = settings.config_files.iter().map(|file| file.display().to_string());
    let settings: Map<String, Value> = rows
        .map(|row| (row.name.clone(), json!({ "value": row.value, "origin": row.origin })))
        .collect();
    let files: Vec<String> = files.collect();
    json!({ "settings": settings, "notes": notes, "config_files": files })
}

/// The settings as lines. On a terminal, one that does not fit has its value broken between words, and
/// its origin on a line of its own.
fn table(rows: &[Row], columns: Option<usize>) -> String {
    let names = rows.iter().map(|row| row.name.len()).max().unwrap_or_default();
    let indent = names + 2;
    let line = |row: &Row| {
        let (value, origin) =
            (one_line(&row.shown_value()), format!("({})", one_line(&row.origin)));
        let whole = format!("{:<names$}  {value}  {origin}\n", row.name);
        if columns.is_none_or(|columns| measure_text_width(&whole) <= columns) {
            return whole;
        }
        let [value, origin] = [value, origin].map(|text| wrap(&text, indent, columns));
        format!("{:<indent$}{}\n{origin}\n", row.name, value.trim_start())
    };
    rows.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn on_a_terminal_a_row_that_does_not_fit_is_broken_between_words() {
        let rows = [
            Row::new("max_iterations", 5, "--max-iterations"),
            Row::new(
                "actor.args",
                json!(["--print", "--output-format", "stream-json"]),
                "built in",
            ),
            Row::new("critic.program", "none", "Agent 'claude' not found in PATH, which is long"),
            Row::new("runs_dir", "/a/folder/that/no/line/of/this/terminal/can/hold", "default"),
        ];
        insta::assert_snapshot!(table(&rows, Some(50)));
        assert_eq!(table(&rows, None).lines().count(), rows.len());
    }
}
