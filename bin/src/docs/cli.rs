//! The page of the command line, from its types.

use clap::{Arg, ArgAction, Command, CommandFactory};

use super::page::{Page, code};
use crate::app::App;

/// Calls worth showing, by command.
const EXAMPLES: &[(&str, &str)] = &[
    (
        "codeloops run",
        "codeloops                                        # work on prompt.md\n\
         codeloops -p \"Fix the typo in README\" -n 3       # a task on the command line\n\
         codeloops --actor-agent codex --critic-agent claude\n\
         codeloops --max-duration 1h30m --idle-timeout none\n\
         codeloops --json-output > result.json            # for a script\n\
         codeloops --dry-run                              # show every setting, run nothing",
    ),
    (
        "codeloops sessions list",
        "codeloops sessions list --outcome success --project myapp\n\
         codeloops sessions list --after 2025-01-01 --before 2025-01-31 --json",
    ),
    (
        "codeloops sessions show",
        "codeloops sessions show latest                   # the newest one\n\
         codeloops sessions show latest\n\
         codeloops sessions show 2025-01-27T15-30-45Z_a3f2c1 --json",
    ),
    ("codeloops init", "codeloops init --agent codex --yes"),
    ("codeloops demo", "codeloops demo --verbose"),
    (
        "codeloops completions",
        "codeloops completions bash > ~/.local/share/bash-completion/completions/codeloops",
    ),
    ("codeloops man", "codeloops man > ~/.local/share/man/man1/codeloops.1"),
];

pub(super) fn page() -> String {
    let mut root = App::command();
    root.build();
    let mut page = Page::new("Command line");
    page.block(
        "Without a command, `codeloops` means `codeloops run`. Options that are also \
         [keys](configuration.md#keys) win over the files. `--help` prints what stands here, \
         `--version` the release, and `--no-color` works everywhere.",
    );
    page.block(
        "`TIME` is written `90s`, `30m`, `1h30m`, or `none` for no limit; `SIZE` is written \
         `500MB`, `1GB`, `64KiB`; `N` is a whole number from 1 on. An option whose default is empty \
         is not set unless you give it.",
    );
    let rows: Vec<[String; 2]> =
        leaves(&root).iter().map(|(name, command)| [code(name), about(command)]).collect();
    page.table(["command", "what it does"], &rows);
    leaves(&root).iter().for_each(|(name, command)| section(&mut page, name, command));
    page.finish()
}

/// The commands that do something, with the words that call them, hidden ones left out.
fn leaves(root: &Command) -> Vec<(String, &Command)> {
    fn below<'a>(words: &str, command: &'a Command, found: &mut Vec<(String, &'a Command)>) {
        let shown = |c: &&Command| !c.is_hide_set() && c.get_name() != "help";
        for child in command.get_subcommands().filter(shown) {
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
    let arguments: Vec<[String; 2]> = command
        .get_positionals()
        .map(|arg| [code(&arg.get_id().as_str().to_uppercase()), help(arg).0])
        .collect();
    page.table(["argument", "what it is"], &arguments);
    let mut headings: Vec<Option<&str>> = options(command).map(Arg::get_help_heading).collect();
    headings.dedup();
    for heading in &headings {
        if let Some(heading) = heading.filter(|_| headings.len() > 1) {
            page.heading(3, heading.split(" (").next().unwrap_or(heading));
        }
        let group = options(command).filter(|arg| arg.get_help_heading() == *heading);
        let rows: Vec<[String; 4]> = group.map(option_row).collect();
        page.table(["option", "value", "default", "what it does"], &rows);
    }
    if let Some((_, examples)) = EXAMPLES.iter().find(|(command, _)| *command == name) {
        page.fence("sh", examples);
    }
}

/// The options that are shown of a command: not the hidden ones, nor those that every command has.
fn options(command: &Command) -> impl Iterator<Item = &Arg> {
    command.get_arguments().filter(|arg| {
        let common = matches!(
            arg.get_action(),
            ArgAction::Help | ArgAction::HelpShort | ArgAction::HelpLong | ArgAction::Version
        );
        !common && !arg.is_positional() && !arg.is_hide_set() && !arg.is_global_set()
    })
}

fn option_row(arg: &Arg) -> [String; 4] {
    let names =
        [arg.get_short().map(|c| format!("-{c}")), arg.get_long().map(|n| format!("--{n}"))];
    let names: Vec<String> = names.into_iter().flatten().map(|name| code(&name)).collect();
    let (what, default) = help(arg);
    [names.join(", "), value(arg), default, what]
}

/// The kind of value that an option takes; empty for a switch.
fn value(arg: &Arg) -> String {
    if !arg.get_action().takes_values() {
        return String::new();
    }
    let names = arg.get_value_names().unwrap_or_default();
    names.iter().map(|name| code(name)).collect::<Vec<_>>().join(" ")
}

/// What an argument is, and its default, which the help tells in brackets at its end. A switch is
/// off where it is not given; for others no default is told where there is none.
fn help(arg: &Arg) -> (String, String) {
    let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
    let (what, default) = match help.rsplit_once(" [default: ") {
        Some((what, default)) => (what.to_owned(), default.trim_end_matches(']').to_owned()),
        None if arg.get_action().takes_values() => (help, String::new()),
        None => (help, "off".to_owned()),
    };
    let words: Vec<String> =
        arg.get_possible_values().iter().map(|value| code(value.get_name())).collect();
    if words.is_empty() || !arg.get_action().takes_values() {
        return (what, default);
    }
    (format!("{what}: {}", words.join(", ")), default)
}

fn about(command: &Command) -> String {
    command.get_about().map(ToString::to_string).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::page;

    #[test]
    fn hidden_commands_and_options_have_no_place() {
        let page = page();
        assert!(page.contains("| `-n`, `--max-iterations` | `N` | none | Iterations |"), "{page}");
        for hidden in ["demo-agent", "--max-cost-usd", "--stuck-after", "--gate-timeout"] {
            assert!(!page.contains(hidden), "{hidden}");
        }
    }

    #[test]
    fn every_example_is_of_a_command_that_there_is() {
        let page = page();
        for (_, examples) in super::EXAMPLES {
            assert!(page.contains(examples), "{examples}");
        }
    }
}
