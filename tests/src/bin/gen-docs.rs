//! Writes the parts of the book that are made from the code; `cargo xtask docs` runs it.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command-line program")]

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use codeloops::docs::Section;

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
        let path = path(name);
        std::fs::write(&path, text)
            .map_err(|error| format!("cannot write `{}`: {error}", path.display()))?;
        println!("wrote docs/src/{name}");
    }
    Ok(())
}

/// Fails with every page that differs from what would be written.
fn check() -> Result<(), String> {
    let differs = |name: &str, text: &str| read(name).map_or(true, |written| written != text);
    let stale: Vec<&str> =
        files()?.iter().filter(|(name, text)| differs(name, text)).map(|(name, _)| *name).collect();
    if stale.is_empty() {
        return Ok(());
    }
    Err(format!("out of date in docs/src: {}: run `cargo xtask docs`", stale.join(", ")))
}

/// Every file as it should be, by its name in `docs/src`.
fn files() -> Result<Vec<(&'static str, String)>, String> {
    let mut files = codeloops::docs::pages();
    for section in codeloops::docs::sections() {
        match files.iter_mut().find(|(page, _)| *page == section.page) {
            Some((_, text)) => *text = with_section(text, &section)?,
            None => files.push((section.page, with_section(&read(section.page)?, &section)?)),
        }
    }
    Ok(files)
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
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/src").join(name)
}
