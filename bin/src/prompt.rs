//! The task of a run, and what is wrong with one.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use codeloops_session::Session;
use codeloops_sinks::commands::shell_quoted;

use crate::app::RunArgs;
use crate::error::CliError;
use crate::repository;
use crate::text::path_from;

/// The file in the working directory that holds the task where nothing else is said.
const PROMPT_FILE: &str = "prompt.md";

/// What each mask begins with.
const MASK: &str = "[redacted: ";

/// The task of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prompt {
    /// The task, unchanged.
    pub text: String,
    /// Where it came from.
    pub source: PromptSource,
}

/// Where a task came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PromptSource {
    /// The session that is gone on with, or forked.
    Recorded,
    /// `--prompt`.
    Flag,
    /// `--prompt-file -`.
    Stdin,
    /// `--prompt-file`, absolute.
    FlagFile(PathBuf),
    /// `prompt.md` in the working directory, absolute.
    DefaultFile(PathBuf),
}

impl Prompt {
    /// Reads the task: `--prompt`, else `--prompt-file` (from the current directory; `-` is standard
    /// input), else
    /// `prompt.md` in the working directory.
    ///
    /// # Errors
    /// Where there is none, or it cannot be read, is not UTF-8, is empty or has more than
    /// `max_bytes` (see [`crate::settings::RunSettings::max_task_bytes`]).
    pub fn load(
        args: &RunArgs,
        working_dir: &Path,
        current_dir: &Path,
        max_bytes: u64,
    ) -> Result<Self, CliError> {
        let (text, source) = if let Some(text) = &args.prompt {
            (text.clone(), PromptSource::Flag)
        } else if args.prompt_file.as_deref() == Some(Path::new("-")) {
            (from_stdin()?, PromptSource::Stdin)
        } else if let Some(file) = &args.prompt_file {
            let path = path_from(current_dir, file);
            let bytes = std::fs::read(&path).map_err(|error| unreadable(&path, &error))?;
            (decode(bytes, &path)?, PromptSource::FlagFile(path))
        } else {
            let path = working_dir.join(PROMPT_FILE);
            let bytes = match std::fs::read(&path) {
                Err(error) if error.kind() == ErrorKind::NotFound => return Err(none(working_dir)),
                read => read.map_err(|error| unreadable(&path, &error))?,
            };
            (decode(bytes, &path)?, PromptSource::DefaultFile(path))
        };
        check(&text, &source, max_bytes)?;
        Ok(Self { text, source })
    }

    /// The task that a session recorded.
    ///
    /// # Errors
    /// Where credentials in it were masked, and as [`Prompt::load`].
    pub fn recorded(session: &Session, max_bytes: u64) -> Result<Self, CliError> {
        let (id, text) = (&session.id, &session.start.prompt);
        // The count is of the whole line.
        if session.start.redacted > 0 && text.contains(MASK) {
            let what = format!("credentials in the prompt of session {id} were masked");
            return Err(CliError::usage(what).hint("give the task again with `--prompt`"));
        }
        let source = PromptSource::Recorded;
        check(text, &source, max_bytes)?;
        Ok(Self { text: text.clone(), source })
    }
}

impl PromptSource {
    /// The source as it is told.
    #[must_use]
    pub fn shown(&self) -> String {
        match self {
            Self::Recorded => "as recorded".to_owned(),
            Self::Flag => "--prompt".to_owned(),
            Self::Stdin => "standard input".to_owned(),
            Self::FlagFile(path) | Self::DefaultFile(path) => format!("`{}`", path.display()),
        }
    }
}

fn from_stdin() -> Result<String, CliError> {
    std::io::read_to_string(std::io::stdin()).map_err(|error| {
        CliError::usage(format!("the prompt cannot be read from standard input: {error}"))
            .hint("give it as UTF-8, or name a file with `--prompt-file`")
    })
}

/// The documented words.
fn none(working_dir: &Path) -> CliError {
    let none = CliError::usage("No prompt provided. Create a prompt.md file or use --prompt");
    match repository::only_at_top(working_dir, PROMPT_FILE) {
        Some(file) => none.hint(format!(
            "there is one at the top of the repository: `--prompt-file {}` takes it",
            shell_quoted(&file)
        )),
        None => none,
    }
}

fn unreadable(path: &Path, error: &std::io::Error) -> CliError {
    let shown = path.display();
    match error.kind() {
        ErrorKind::NotFound => CliError::usage(format!("the prompt file `{shown}` does not exist")),
        _ => CliError::usage(format!("the prompt file `{shown}` cannot be read: {error}")),
    }
    .hint("name a file that you may read with `--prompt-file`, or use `--prompt`")
}

fn decode(bytes: Vec<u8>, path: &Path) -> Result<String, CliError> {
    String::from_utf8(bytes).map_err(|error| {
        let (offset, shown) = (error.utf8_error().valid_up_to(), path.display());
        CliError::usage(format!("the prompt file `{shown}` is not UTF-8 at byte {offset}"))
            .hint("save the file as UTF-8")
    })
}

fn check(text: &str, source: &PromptSource, max_bytes: u64) -> Result<(), CliError> {
    let (bytes, shown) = (text.len(), source.shown());
    if text.trim().is_empty() {
        return Err(CliError::usage(format!("the prompt is empty ({shown})"))
            .hint("say what is to be done"));
    }
    if bytes as u64 > max_bytes {
        let message = format!("the prompt has {bytes} bytes, more than {max_bytes} ({shown})");
        return Err(CliError::usage(message)
            .hint("the critic needs the rest of its own prompt for the diff that it judges")
            .hint("keep the task short and name the files that the agent should read"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(dir: &Path, args: &RunArgs) -> Result<Prompt, String> {
        Prompt::load(args, dir, dir, 400_000).map_err(|error| {
            let hints: Vec<String> = error.hints.iter().map(|h| format!("\nhint: {h}")).collect();
            format!("{error}{}", hints.concat()).replace(&dir.display().to_string(), "DIR")
        })
    }

    fn file(name: &str) -> RunArgs {
        RunArgs { prompt_file: Some(name.into()), ..RunArgs::default() }
    }

    #[test]
    fn a_prompt_is_taken_unchanged_from_the_first_place_that_has_one() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("prompt.md"), "from prompt.md\n").unwrap();
        std::fs::write(dir.path().join("task.md"), "from task.md\n").unwrap();
        let text = |args: &RunArgs| load(dir.path(), args).unwrap().text;
        assert_eq!(text(&RunArgs::default()), "from prompt.md\n");
        assert_eq!(text(&file("task.md")), "from task.md\n");
        let inline = RunArgs { prompt: Some(" inline".into()), ..RunArgs::default() };
        assert_eq!(text(&inline), " inline");
    }

    #[test]
    fn what_is_wrong_with_a_prompt_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let error = |args: &RunArgs| load(dir.path(), args).unwrap_err();
        insta::assert_snapshot!(error(&RunArgs::default()), @"No prompt provided. Create a prompt.md file or use --prompt");
        insta::assert_snapshot!(error(&file("no.md")));
        std::fs::create_dir(dir.path().join("folder")).unwrap();
        insta::assert_snapshot!(error(&file("folder")));
        std::fs::write(dir.path().join("latin1.md"), b"na\xefve").unwrap();
        insta::assert_snapshot!(error(&file("latin1.md")));
        std::fs::write(dir.path().join("empty.md"), " \n\t").unwrap();
        insta::assert_snapshot!(error(&file("empty.md")));
        let empty = RunArgs { prompt: Some(String::new()), ..RunArgs::default() };
        insta::assert_snapshot!(error(&empty));
        std::fs::write(dir.path().join("long.md"), "x".repeat(400_001)).unwrap();
        insta::assert_snapshot!(error(&file("long.md")));
    }

    #[test]
    fn a_prompt_at_the_top_of_the_repository_is_named_and_not_read() {
        let dir = tempfile::tempdir().unwrap();
        let top = dir.path();
        std::fs::create_dir(top.join(".git")).unwrap();
        std::fs::write(top.join(".git/HEAD"), "").unwrap();
        std::fs::create_dir(top.join("below")).unwrap();
        std::fs::write(top.join("prompt.md"), "a task").unwrap();
        let error = load(&top.join("below"), &RunArgs::default()).unwrap_err();
        insta::assert_snapshot!(error.replace(&top.display().to_string(), "TOP"), @r"
        No prompt provided. Create a prompt.md file or use --prompt
        hint: there is one at the top of the repository: `--prompt-file TOP/prompt.md` takes it
        ");
    }
}
