//! The page of the command line, from its types.

use clap::{Arg, Command};

use super::examples::EXAMPLES;
use super::page::{Page, code};
use crate::app::{GLOBAL_OPTIONS, VALUES};
use crate::surface::{Told, about, documented, option_groups};

/// What a reader of a command's options should know beside them.
const NOTES: &[(&str, &str)] = &[
    (
        "codeloops run",
        "`--dry-run` warns on standard error of what would keep a run from starting: no repository, an \
         agent that is not installed, a prompt that is missing. Its exit code is 0 all the same. \
         `--json-output` prints [these documents](json.md), `--sink jsonl` alone prints \
         [only what went wrong](exit-codes.md#where-it-is-told-what-went-wrong).",
    ),
    ("codeloops sessions list", "`--json` prints [this document](json.md#the-list-of-sessions)."),
    (
        "codeloops sessions stats",
        "`--json` prints [this document](json.md#figures-over-all-sessions).",
    ),
    (
        "codeloops sessions prune",
        "How the rules [go together](sessions.md#keeping-and-deleting). A session that runs never goes.",
    ),
    ("codeloops sessions show", "`--json` prints [this document](json.md#one-session)."),
    (
        "codeloops runs list",
        "`--json` prints a list of [these documents](run-folder.md#finding-runs).",
    ),
    ("codeloops runs show", "`--json` prints [this document](run-folder.md#finding-runs)."),
    (
        "codeloops replay",
        "[Replay](replay.md) tells what is shown, what is verified and which settings `--with` takes. \
         `--verify` and `--with` take the whole recording, so they go with none of the options of the \
         output.",
    ),
    ("codeloops demo", "`--json-output` prints [this document](json.md#the-result-of-a-run)."),
];

pub(super) fn page() -> String {
    let root = documented();
    let mut page = Page::new("Command line");
    page.block(
        "Without a command, `codeloops` means `codeloops run`. Options that are also \
         [keys](configuration.md#keys) win over the files. `--help` prints what stands here, \
         `--version` the release, and `--no-color` works everywhere.",
    );
    page.block(&format!(
        "{VALUES} N is a whole number from 1 on. An option whose default is empty is not set unless \
         you give it."
    ));
    let commands = leaves(&root);
    let rows: Vec<[String; 2]> =
        commands.iter().map(|(name, command)| [code(name), about(command)]).collect();
    page.table(["command", "what it does"], &rows);
    commands.iter().for_each(|(name, command)| section(&mut page, name, command));
    page.finish()
}

/// The commands that do something, with the words that call them.
fn leaves(root: &Command) -> Vec<(String, &Command)> {
    fn below<'a>(words: &str, command: &'a Command, found: &mut Vec<(String, &'a Command)>) {
        for child in command.get_subcommands() {
            let words = format!("{words} {}", child.get_name());
            if child.has_subcommands() {
                below(&words, child, found);
            } else {
                found.push((words, child));
            }
        }
    }
    let mut found = Vec::new();
    below(root.get_name(), root, &mut found);
    found
}

fn section(page: &mut Page, name: &str, command: &Command) {
    page.heading(2, &code(name));
    page.block(&format!("{}.", about(command)));
    let arguments: Vec<[String; 2]> = command.get_positionals().map(argument_row).collect();
    page.table(["argument", "what it is"], &arguments);
    let mut groups = option_groups(command);
    groups.retain(|(heading, _)| *heading != Some(GLOBAL_OPTIONS));
    for (heading, args) in &groups {
        if let Some(heading) = heading.filter(|_| groups.len() > 1) {
            page.heading(3, heading);
        }
        let rows: Vec<[String; 4]> = args.iter().map(|arg| option_row(arg)).collect();
        page.table(["option", "value", "default", "what it does"], &rows);
    }
    if let Some((_, notes)) = NOTES.iter().find(|(command, _)| *command == name) {
        page.block(notes);
    }
    if let Some((_, examples)) = EXAMPLES.iter().find(|(command, _)| *command == name) {
        page.fence("sh", examples);
    }
}

fn argument_row(arg: &Arg) -> [String; 2] {
    let told = Told::from(arg);
    [code(told.value.as_deref().unwrap_or_default()), told.what]
}

/// A switch is off where it is not given.
fn option_row(arg: &Arg) -> [String; 4] {
    let told = Told::from(arg);
    let names: Vec<String> = told.names.iter().map(|name| code(name)).collect();
    let default = match (&told.default, &told.value) {
        (Some(default), _) => default.clone(),
        (None, Some(_)) => String::new(),
        (None, None) => "off".to_owned(),
    };
    let value = told.value.as_deref().map(code).unwrap_or_default();
    [names.join(", "), value, default, told.what]
}

#[cfg(test)]
mod tests {
    use super::page;

    #[test]
    fn hidden_commands_have_no_place() {
        let page = page();
        assert!(
            page.contains(
                "| `-n`, `--max-iterations` | `N` | none | End the run after so many iterations |"
            ),
            "{page}"
        );
        assert!(!page.contains("demo-agent"), "{page}");
    }

    #[test]
    fn every_example_is_of_a_command_that_there_is() {
        let page = page();
        for (_, examples) in super::EXAMPLES {
            assert!(page.contains(examples), "{examples}");
        }
    }
}
