//! Writes what of `docs` is made from the code: parts of the book, and the schema of the events.
//! `cargo xtask docs` runs it.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command-line program")]

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use codeloops::docs::Section;
use codeloops_event::schema;

/// Files that a page shows: the page, the name of its marks, the path from `docs`, the language.
const SHOWN: &[(&str, &str, &str, &str)] = &[
    ("sinks.md", "decisions.py", "examples/sinks/decisions.py", "python"),
    ("sinks.md", "calls.sh", "examples/sinks/calls.sh", "sh"),
    ("sinks.md", "counts.rs", "../sinks/examples/counts.rs", "rust"),
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let done = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => write(),
        ["--check"] => check(),
        _ => Err("usage: gen-docs [--check]".to_owned()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn write() -> Result<(), String> {
    for (name, text) in files()? {
        let path = path(&name);
        std::fs::write(&path, text)
            .map_err(|error| format!("cannot write `{}`: {error}", path.display()))?;
        println!("wrote docs/{name}");
    }
    Ok(())
}

/// Fails with every file that differs from what would be written.
fn check() -> Result<(), String> {
    let differs = |name: &str, text: &str| read(name).map_or(true, |written| written != text);
    let files = files()?;
    let stale: Vec<&str> = files
        .iter()
        .filter(|(name, text)| differs(name, text))
        .map(|(name, _)| name.as_str())
        .collect();
    if stale.is_empty() {
        return Ok(());
    }
    Err(format!("out of date in docs: {}: run `cargo xtask docs`", stale.join(", ")))
}

/// Every file as it should be, by its path in `docs`.
fn files() -> Result<Vec<(String, String)>, String> {
    let mut files: Vec<(String, String)> =
        codeloops::docs::pages().into_iter().map(|(page, text)| (of_book(page), text)).collect();
    for section in codeloops::docs::sections().into_iter().chain(shown_files()?) {
        let page = of_book(section.page);
        match files.iter_mut().find(|(name, _)| *name == page) {
            Some((_, text)) => *text = with_section(text, &section)?,
            None => {
                let text = with_section(&read(&page)?, &section)?;
                files.push((page, text));
            }
        }
    }
    files.push((format!("schema/{}", schema::file_name()), event_schema()));
    Ok(files)
}

/// A page of the book.
fn of_book(page: &str) -> String {
    format!("src/{page}")
}

/// The schema of the events, its words in the order in which people write them.
fn event_schema() -> String {
    let json = serde_json::to_string_pretty(&schema::document()).expect("a schema is JSON");
    json + "\n"
}

/// The files that pages show, but for their tests, so that what is shown is what tests run.
fn shown_files() -> Result<Vec<Section>, String> {
    let shown = |&(page, name, path, language): &(&'static str, &'static str, &str, &str)| {
        let file = read(path)?;
        let (text, _tests) = file.split_once("\n#[cfg(test)]").unwrap_or((&file, ""));
        let text = format!("```{language}\n{}\n```", text.trim_end());
        Ok(Section { page, name, text })
    };
    SHOWN.iter().map(shown).collect()
}

/// The page with what stands between the marks of a section replaced.
fn with_section(page: &str, section: &Section) -> Result<String, String> {
    let Section { name, text, .. } = section;
    let (begin, end) = (format!("<!-- begin {name}"), format!("<!-- end {name} -->"));
    let missing = |mark: &str| format!("docs/src/{} has no `{mark}`", section.page);
    let start = page.find(&begin).ok_or_else(|| missing(&begin))?;
    let line = page[start..].find('\n').ok_or_else(|| missing(&begin))? + start + 1;
    let stop = page[line..].find(&end).ok_or_else(|| missing(&end))? + line;
    Ok(format!("{}\n{}\n\n{}", &page[..line], text.trim(), &page[stop..]))
}

fn read(name: &str) -> Result<String, String> {
    let path = path(name);
    std::fs::read_to_string(&path)
        .map_err(|error| format!("cannot read `{}`: {error}", path.display()))
}

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs").join(name)
}
