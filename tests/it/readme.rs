//! What the README and the book show is what the program takes: every command line, every
//! configuration.

use std::path::Path;
use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind;
use codeloops::app::{App, Command};
use codeloops::config::{ConfigFile, Scope};
use codeloops::world::{Environment, Stream};
use codeloops::{World, main_with};

use crate::tidy::{SourceFile, assert_none, files_below, read};

#[test]
fn every_command_line_that_a_page_shows_is_understood() {
    let breaches: Vec<String> = pages()
        .iter()
        .flat_map(command_lines)
        .filter_map(|line| Some(format!("{}: {}", line.place, refused(&line.words)?)))
        .collect();
    assert_none("a command line that codeloops refuses", &breaches);
}

/// Beyond what is parsed: the agents are known, the values are accepted, the files are found. Each
/// run that a page shows is resolved as far as `--dry-run` goes.
#[test]
fn every_run_that_a_page_shows_is_resolved() {
    let project = tempfile::tempdir().unwrap();
    std::fs::create_dir(project.path().join("tasks")).unwrap();
    for prompt in ["prompt.md", "task.md", "tasks/rate-limit.md"] {
        std::fs::write(project.path().join(prompt), "Mend the greeting.").unwrap();
    }
    std::fs::create_dir_all(project.path().join("projects/other")).unwrap();
    let mine = "[agents.mine]\ncommand = [\"sh\"]\n";
    std::fs::write(project.path().join("codeloops.toml"), mine).unwrap();
    let mut runs = 0;
    let mut breaches = Vec::new();
    for line in pages().iter().flat_map(command_lines).filter(|line| is_run(&line.words)) {
        runs += 1;
        if let Err(said) = dry_run(&line.words, project.path()) {
            breaches.push(format!("{}: {said}", line.place));
        }
    }
    assert_none("a run that codeloops refuses", &breaches);
    assert!(runs > 10, "only {runs} runs: are the pages read?");
}

#[test]
fn every_configuration_that_a_page_shows_is_accepted() {
    let mut count = 0;
    let mut breaches = Vec::new();
    for page in pages() {
        for fence in fences(&page.text).into_iter().filter(|fence| fence.language == "toml") {
            count += 1;
            let is_global = fence.code.contains("[defaults");
            let scope = if is_global { Scope::Global } else { Scope::Project };
            if let Err(error) = ConfigFile::parse(&fence.code, page.path.clone().into(), scope) {
                breaches.push(format!("{}:{}: {error}", page.path, fence.line));
            }
        }
    }
    assert_none("a configuration that codeloops refuses", &breaches);
    assert!(count >= 3, "only {count} configurations: are the pages read?");
}

fn pages() -> Vec<SourceFile> {
    let of_root = ["README.md", "CONTRIBUTING.md"]
        .map(|path| SourceFile { path: path.to_owned(), text: read(path) });
    of_root.into_iter().chain(files_below("docs/src", &[".md"])).collect()
}

/// A block of code.
struct Fence {
    line: usize,
    language: String,
    code: String,
}

fn fences(page: &str) -> Vec<Fence> {
    let mut fences: Vec<Fence> = Vec::new();
    let mut inside = false;
    for (index, line) in page.lines().enumerate() {
        if let Some(language) = line.trim_start().strip_prefix("```") {
            inside = !inside;
            if inside {
                let language = language.to_owned();
                fences.push(Fence { line: index + 1, language, code: String::new() });
            }
        } else if let Some(fence) = fences.last_mut().filter(|_| inside) {
            fence.code.push_str(line);
            fence.code.push('\n');
        }
    }
    fences
}

/// A call of codeloops, its name first.
struct CommandLine {
    place: String,
    words: Vec<String>,
}

/// The calls that a page shows: lines of shell or YAML, and code in the text that begins with the
/// program's name.
fn command_lines(page: &SourceFile) -> Vec<CommandLine> {
    let mut found = Vec::new();
    for fence in fences(&page.text).iter().filter(|f| ["sh", "yaml"].contains(&&*f.language)) {
        for (index, line) in fence.code.lines().enumerate() {
            let line = line.trim().trim_start_matches("run: ");
            found.push((fence.line + index + 1, line.to_owned()));
        }
    }
    for (index, line) in page.text.lines().enumerate().filter(|(_, line)| !line.starts_with("```"))
    {
        found.extend(line.split('`').skip(1).step_by(2).map(|code| (index + 1, code.to_owned())));
    }
    found.retain(|(_, line)| line.split_whitespace().next() == Some("codeloops"));
    let place = |line| format!("{}:{line}", page.path);
    found
        .into_iter()
        .map(|(line, text)| CommandLine { place: place(line), words: words(&text) })
        .collect()
}

/// The words of a shell line up to a comment, a pipe or a redirection.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quote = None;
    for c in line.chars() {
        match (quote, c) {
            (Some(open), c) if open == c => quote = None,
            (None, '"' | '\'') => quote = Some(c),
            (None, '#' | '|' | '>' | ';' | '&') => break,
            (None, ' ') => words.push(String::new()),
            (_, c) => words.last_mut().unwrap().push(c),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// What the parser says against it. A command may be named without what it needs.
fn refused(words: &[String]) -> Option<String> {
    let error = App::try_parse_from(words).err().filter(clap::Error::use_stderr)?;
    if error.kind() == ErrorKind::MissingRequiredArgument {
        return None;
    }
    Some(format!("{}: {}", words.join(" "), error.to_string().lines().next()?))
}

fn is_run(words: &[String]) -> bool {
    App::try_parse_from(words).is_ok_and(|app| match app.command {
        None => app.run.resume.is_none(),
        Some(Command::Run(args)) => args.resume.is_none(),
        Some(_) => false,
    })
}

/// Resolves the settings of a run; on failure gives what was said.
fn dry_run(words: &[String], dir: &Path) -> Result<(), String> {
    let words = words
        .iter()
        .filter(|word| *word != "--dry-run")
        .map(|word| word.replace('~', &dir.to_string_lossy()));
    let args = words.chain(["--dry-run".to_owned()]).map(Into::into);
    let mut world = World::real();
    let (stdout, _) = Stream::memory();
    let (stderr, said) = Stream::memory();
    (world.stdout, world.stderr) = (stdout, stderr);
    world.env = Environment {
        vars: [("HOME".into(), dir.into()), ("PATH".into(), "/usr/bin:/bin".into())].into(),
        current_dir: Some(dir.to_owned()),
        ..Environment::default()
    };
    if main_with(args, world) == ExitCode::SUCCESS {
        return Ok(());
    }
    Err(String::from_utf8_lossy(&said.lock().unwrap()).into_owned())
}
