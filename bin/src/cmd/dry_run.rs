//! `--dry-run`: every resolved setting with where it came from and what a start would tell of them,
//! and nothing else happens.

use std::path::Path;

use codeloops_sinks::{one_line, words};
use console::measure_text_width;
use serde_json::{Map, Value, json};

use crate::engine::obstacles;
use crate::error::CliError;
use crate::output::Printer;
use crate::prompt::Prompt;
use crate::settings::{Row, RunSettings, host};
use crate::start_notes::{Note, start_notes, tell};
use crate::text::{shorten, wrap};
use crate::world::{Environment, World};

/// The name of the task's row.
const PROMPT: &str = "prompt";

/// Columns of the task that are shown.
const PROMPT_WIDTH: usize = 60;

/// Shows the settings; credentials in them are masked as in what a run records. A task that is missing
/// and an agent that is not installed are warned of, not errors: the configuration can be looked at
/// before either is there.
pub(crate) fn dry_run(
    settings: &RunSettings,
    prompt: &Result<Prompt, CliError>,
    world: &World,
    printer: &mut Printer,
) -> Result<(), CliError> {
    let dir = settings.working_dir.value.as_path();
    dry_run_in(dir, settings, prompt, world, printer)
}

/// As [`dry_run`], of a run in a directory that is to be made like the one of the settings.
pub(super) fn dry_run_in(
    dir: &Path,
    settings: &RunSettings,
    prompt: &Result<Prompt, CliError>,
    world: &World,
    printer: &mut Printer,
) -> Result<(), CliError> {
    let host = &host(&world.env, &settings.working_dir.value);
    let mut notes = start_notes(settings, host);
    notes.extend(unlimited(settings));
    notes.extend(obstacles(settings, host).iter().chain(prompt.as_ref().err()).map(obstacle));
    let in_dir = |row: Row| match row.name.as_str() {
        "working_dir" if dir != settings.working_dir.value => {
            Row::new("working_dir", dir.display().to_string(), "to be made")
        }
        _ => row,
    };
    let rows = settings.rows(host).into_iter().map(in_dir);
    let rows = std::iter::once(prompt_row(prompt)).chain(rows).collect();
    let (rows, notes) = masked(rows, notes, settings, &world.env)?;
    tell(&notes, printer);
    if settings.json_output {
        return printer.json(&document(rows, &notes, settings));
    }
    let columns = printer.stdout_columns();
    printer.data(&table(&rows.into_iter().map(in_short).collect::<Vec<_>>(), columns))
}

/// Masks credentials. To make ready for that costs as much as all the rest of a dry run, and is done
/// only where there may be some.
fn masked(
    rows: Vec<Row>,
    notes: Vec<Note>,
    settings: &RunSettings,
    env: &Environment,
) -> Result<(Vec<Row>, Vec<Note>), CliError> {
    let texts = rows.iter().flat_map(|row| [row.shown_value(), row.origin.clone()]);
    let texts = texts.chain(notes.iter().map(|note| note.text().to_owned()));
    let Some(redactor) = settings.redactor_for(&texts.collect::<Vec<_>>().join("\n"), env)? else {
        return Ok((rows, notes));
    };
    let change = |text: &str| redactor.text(text).0.into_owned();
    let rows = rows.into_iter().map(|row| row.map(&change)).collect();
    Ok((rows, notes.into_iter().map(|note| note.map(change)).collect()))
}

/// The task in one line, of which the beginning is shown; the others as they are.
fn in_short(row: Row) -> Row {
    if row.name != PROMPT {
        return row;
    }
    let shown = shorten(&one_line(&row.shown_value()), PROMPT_WIDTH);
    Row { value: shown.into(), ..row }
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
        Ok(prompt) => Row::new(PROMPT, prompt.text.as_str(), prompt.source.shown()),
        Err(error) => Row::new(PROMPT, Value::Null, &error.message),
    }
}

fn document(rows: Vec<Row>, notes: &[Note], settings: &RunSettings) -> Value {
    let files = settings.config_files.iter().map(|file| file.display().to_string());
    let settings: Map<String, Value> = rows
        .into_iter()
        .map(|row| (row.name, json!({ "value": row.value, "origin": row.origin })))
        .collect();
    let files: Vec<String> = files.collect();
    json!({ "settings": settings, "notes": notes, "config_files": files })
}

/// The settings as lines. On a terminal, one that does not fit has its value broken between words, and
/// its origin on a line of its own.
fn table(rows: &[Row], columns: Option<usize>) -> String {
    let names = rows.iter().map(|row| one_line(&row.name).len()).max().unwrap_or_default();
    let indent = names + 2;
    let line = |row: &Row| {
        let name = one_line(&row.name);
        let (value, origin) =
            (one_line(&row.shown_value()), format!("({})", one_line(&row.origin)));
        let whole = format!("{name:<names$}  {value}  {origin}\n");
        if columns.is_none_or(|columns| measure_text_width(&whole) <= columns) {
            return whole;
        }
        let [value, origin] = [value, origin].map(|text| wrap(&text, indent, columns));
        format!("{name:<indent$}{}\n{origin}\n", value.trim_start())
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

    #[test]
    fn a_name_that_somebody_made_up_changes_no_colour_and_begins_no_line() {
        let name = "env.k\u{1b}[31m\u{1b}]0;title\u{7}\nsinks.otel.endpoint   https://fake";
        let rows = [Row::new(name, "v", "project"), Row::new("plain", 1, "default")];
        for columns in [None, Some(30)] {
            let shown = table(&rows, columns);
            assert!(!shown.contains(['\u{1b}', '\u{7}']), "{shown:?}");
            assert!(!shown.lines().any(|line| line.starts_with("sinks")), "{shown}");
        }
        insta::assert_snapshot!(table(&rows, None));
    }
}
