//! The diagnosis for people.

use std::path::Path;

use anstyle::{AnsiColor, Style};
use codeloops_sinks::one_line;
use codeloops_sinks::words::count;
use console::measure_text_width;

use super::agents::AgentFound;
use super::{Diagnosis, Finding};
use crate::secrets::shown_command;
use crate::text::wrap;

/// Blanks between two columns.
const GAP: usize = 2;

/// Columns that a last cell takes at least beside the others; where there are fewer it stands below them.
const LEAST: usize = 30;

/// Columns that stand before what is told at length.
const INDENT: usize = 2;

/// The page. On a terminal its lines are broken to its width; file names and what programs say are
/// made harmless.
pub(super) fn page(diagnosis: &Diagnosis, columns: Option<usize>, color: bool) -> String {
    let parts = [
        head(diagnosis, columns),
        agents(&diagnosis.agents, columns),
        would_run(diagnosis, columns),
        left_behind(diagnosis),
        verdict(diagnosis, columns, color),
    ];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n")
}

fn head(diagnosis: &Diagnosis, columns: Option<usize>) -> String {
    let git = &diagnosis.git;
    let shown = |path: &Option<_>, none: &str| {
        path.as_deref().map_or_else(|| none.to_owned(), |path: &Path| path.display().to_string())
    };
    let version = git.version.as_deref().unwrap_or("-");
    let rows = [
        ["codeloops".to_owned(), diagnosis.codeloops.to_owned()],
        ["git".to_owned(), format!("{version}  {}", shown(&git.program, "not found in PATH"))],
        ["repository".to_owned(), shown(&git.repository, "none")],
        ["working dir".to_owned(), diagnosis.working_dir.display().to_string()],
    ];
    table(&rows, columns)
}

fn agents(found: &[AgentFound], columns: Option<usize>) -> String {
    let head = ["Agent", "Version", "Logged in", "Program"].map(str::to_owned);
    let rows: Vec<_> = std::iter::once(head).chain(found.iter().map(cells)).collect();
    table(&rows, columns)
}

fn cells(found: &AgentFound) -> [String; 4] {
    let program = match (&found.program, &found.not_asked) {
        (Some(program), None) => program.display().to_string(),
        (Some(program), Some(why)) => format!("{} (not asked: {why})", program.display()),
        (None, why) => {
            let install = found.install.iter().map(|how| format!(" ({how})"));
            why.iter().cloned().chain(install).collect()
        }
    };
    let login = match (found.logged_in, &found.login) {
        (Some(true), Some(how)) => format!("yes ({how})"),
        (Some(true), None) => "yes".to_owned(),
        (Some(false), _) => "no".to_owned(),
        (None, _) if found.program.is_some() && found.not_asked.is_none() => "not told".to_owned(),
        (None, _) => "-".to_owned(),
    };
    let version = match (&found.version, &found.version_trouble, found.version_state) {
        (Some(version), Some(_), Some(state)) => format!("{version} ({state})"),
        (Some(version), ..) => version.clone(),
        (None, _, state) => state.unwrap_or("-").to_owned(),
    };
    [found.agent.clone(), version, login, program]
}

fn would_run(diagnosis: &Diagnosis, columns: Option<usize>) -> String {
    if diagnosis.would_run.is_empty() {
        return String::new();
    }
    let rows: Vec<_> = diagnosis
        .would_run
        .iter()
        .map(|call| [call.role.to_owned(), shown_command(&call.command)])
        .collect();
    format!("A run here would start\n{}", table(&rows, columns))
}

fn left_behind(diagnosis: &Diagnosis) -> String {
    let lines = diagnosis.left_behind.iter().map(|left| {
        let ended = count(left.ended.into(), "process", "processes");
        format!("Ended {ended} that the killed run {} had left behind\n", left.run_id)
    });
    lines.collect()
}

fn verdict(diagnosis: &Diagnosis, columns: Option<usize>, color: bool) -> String {
    let mut text = String::new();
    for Finding { message, hints } in &diagnosis.problems {
        text += &labelled("problem:", AnsiColor::Red, message, columns, color);
        for hint in hints {
            text += &labelled("hint:", AnsiColor::Cyan, hint, columns, color);
        }
    }
    for warning in &diagnosis.warnings {
        text += &labelled("warning:", AnsiColor::Yellow, warning, columns, color);
    }
    for note in &diagnosis.notes {
        text += &labelled("note:", AnsiColor::Cyan, note, columns, color);
    }
    let conclusion = match diagnosis.problems.len() {
        0 => "A run can start here.".to_owned(),
        problems => {
            format!(
                "{} would keep a run from starting.",
                count(problems as u64, "problem", "problems")
            )
        }
    };
    format!("{text}{conclusion}\n")
}

fn labelled(
    label: &str,
    label_color: AnsiColor,
    text: &str,
    columns: Option<usize>,
    color: bool,
) -> String {
    let style: Style = label_color.on_default();
    let shown = if color { format!("{style}{label}{style:#}") } else { label.to_owned() };
    let indent = label.len() + 1;
    let text = wrap(&one_line(text), indent, columns);
    format!("{shown} {}\n", text.trim_start())
}

/// Lines of cells that stand under each other; the last cell is broken where it does not fit.
fn table<const N: usize>(rows: &[[String; N]], columns: Option<usize>) -> String {
    let rows: Vec<[String; N]> =
        rows.iter().map(|row| row.each_ref().map(|cell| one_line(cell))).collect();
    let width = |column: usize| {
        rows.iter().map(|row| measure_text_width(&row[column])).max().unwrap_or_default()
    };
    let widths: [usize; N] = std::array::from_fn(width);
    let before: usize = INDENT + widths[..N - 1].iter().map(|width| width + GAP).sum::<usize>();
    let line = |row: &[String; N]| {
        let cells = row[..N - 1].iter().zip(widths);
        let begun: String = cells
            .map(|(cell, width)| {
                format!("{cell}{}", " ".repeat(width + GAP - measure_text_width(cell)))
            })
            .collect();
        let indent = " ".repeat(INDENT);
        if columns.is_some_and(|columns| columns < before + LEAST) {
            let below = wrap(&row[N - 1], 2 * INDENT, columns);
            return format!("{indent}{}\n{below}\n", begun.trim_end());
        }
        let last = wrap(&row[N - 1], before, columns);
        format!("{indent}{begun}{}\n", last.trim_start())
    };
    rows.iter().map(line).collect()
}
