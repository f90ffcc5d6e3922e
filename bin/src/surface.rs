//! The command line as it is told by completion scripts, the manual and the book: that of [`App`],
//! without what is hidden.

use clap::builder::{PossibleValue, Resettable, Str};
use clap::{Arg, Command, CommandFactory, ValueHint};

use crate::app::App;

/// The whole command line.
pub(crate) fn shown() -> Command {
    without_hidden(&App::command())
}

/// The same for a reader: without the command `help`, and with what every command inherits.
pub(crate) fn documented() -> Command {
    let mut command = shown().disable_help_subcommand(true);
    command.build();
    command
}

/// A copy: clap can hide a part, which a completion script offers all the same, but not remove it.
fn without_hidden(command: &Command) -> Command {
    let args = command.get_arguments().filter(|arg| !arg.is_hide_set()).cloned().map(with_hint);
    let commands = command.get_subcommands().filter(|command| !command.is_hide_set());
    Command::new(command.get_name().to_owned())
        .version(Resettable::from(command.get_version().map(|text| Str::from(text.to_owned()))))
        .about(Resettable::from(command.get_about().cloned()))
        .subcommand_required(command.is_subcommand_required_set())
        .disable_help_flag(command.is_disable_help_flag_set())
        .disable_version_flag(command.is_disable_version_flag_set())
        .args(args)
        .subcommands(commands.map(without_hidden))
}

/// A value of which nothing is known is no file, which shells would offer.
fn with_hint(arg: Arg) -> Arg {
    match arg.get_value_hint() {
        ValueHint::Unknown if arg.get_action().takes_values() => arg.value_hint(ValueHint::Other),
        _ => arg,
    }
}

/// The options of a command by their headings, in the order in which the help shows them.
pub(crate) fn option_groups(command: &Command) -> Vec<(Option<&str>, Vec<&Arg>)> {
    let mut groups: Vec<(Option<&str>, Vec<&Arg>)> = Vec::new();
    for arg in command.get_arguments().filter(|arg| !arg.is_positional()) {
        let heading = arg.get_help_heading();
        match groups.iter_mut().find(|(of, _)| *of == heading) {
            Some((_, args)) => args.push(arg),
            None => groups.push((heading, vec![arg])),
        }
    }
    groups
}

/// What a command does.
pub(crate) fn about(command: &Command) -> String {
    command.get_about().map(ToString::to_string).unwrap_or_default()
}

/// What is told of an argument.
pub(crate) struct Told {
    /// Its names, as they are typed; none where it is known by its place.
    pub(crate) names: Vec<String>,
    /// What stands for its value; none for a switch.
    pub(crate) value: Option<String>,
    /// What it is, with the values where it takes no others.
    pub(crate) what: String,
    /// What stands for it where it is not given, which the help tells in brackets at its end.
    pub(crate) default: Option<String>,
}

impl From<&Arg> for Told {
    fn from(arg: &Arg) -> Self {
        let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
        let (what, default) = match help.split_once(" [default: ") {
            Some((what, default)) => (what, Some(default.trim_end_matches(']').to_owned())),
            None => (help.as_str(), None),
        };
        let short = arg.get_short().map(|name| format!("-{name}"));
        let long = arg.get_long().map(|name| format!("--{name}"));
        let takes_value = arg.get_action().takes_values();
        Self {
            names: short.into_iter().chain(long).collect(),
            value: takes_value.then(|| value_name(arg)),
            what: with_values(what, arg),
            default,
        }
    }
}

fn with_values(what: &str, arg: &Arg) -> String {
    let values = arg.get_possible_values();
    // Those of a switch are `true` and `false`.
    if values.is_empty() || !arg.get_action().takes_values() || arg.is_hide_possible_values_set() {
        return what.to_owned();
    }
    let names: Vec<&str> = values.iter().map(PossibleValue::get_name).collect();
    format!("{what}: `{}`", names.join("`, `"))
}

fn value_name(arg: &Arg) -> String {
    let given = arg.get_value_names().and_then(|names| names.first());
    given.map_or_else(|| arg.get_id().as_str().to_uppercase(), ToString::to_string)
}
