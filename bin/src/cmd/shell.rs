//! What a shell and `man` want to know of the command line.

use std::fs;
use std::path::Path;

use clap::Command;
use clap::builder::PossibleValue;
use clap_complete::Shell;

use crate::app::ManArgs;
use crate::docs::{ManPage, manual};
use crate::error::CliError;
use crate::output::Printer;
use crate::surface;
use crate::world::World;

/// `codeloops completions <shell>`.
pub(crate) fn completions(shell: Shell, printer: &mut Printer) -> Result<(), CliError> {
    let mut script = Vec::new();
    let mut command = surface::shown();
    clap_complete::generate(shell, &mut command, "codeloops", &mut script);
    printer.data(&mended(shell, &command, &String::from_utf8_lossy(&script)))
}

/// The script, without what its generator gets wrong.
fn mended(shell: Shell, command: &Command, script: &str) -> String {
    match shell {
        // `--agent=cl` is three words to bash.
        Shell::Bash => script.replacen(
            "prev=\"$3\"\n",
            "prev=\"$3\"\n    [[ \"$prev\" == \"=\" ]] && prev=\"${COMP_WORDS[COMP_CWORD-2]}\"\n",
            1,
        ),
        // Before a command, an option whose value is still to come fails there.
        Shell::Fish => {
            let script = script.replacen("\n    or return\n", "\n    or return 0\n", 1);
            fish_help(&script) + &fish_arguments(command)
        }
        _ => script.to_owned(),
    }
}

/// After `help` the commands are offered until one is there; for its generator, `help` itself is one.
/// There are no files to offer.
fn fish_help(script: &str) -> String {
    const HELP: &str = "complete -c codeloops -n \"__fish_codeloops_using_subcommand help";
    let line = |line: &str| match line.strip_prefix(HELP) {
        Some(rest) => format!("{HELP}{}\n", rest.replacen(" help\" -f", "\" -f", 1)),
        None => format!("{line}\n"),
    };
    script.lines().map(line).collect::<String>() + &format!("{HELP}\" -f\n")
}

/// What fish is to offer for arguments that are known by their place.
fn fish_arguments(root: &Command) -> String {
    let mut lines = String::new();
    for command in root.get_subcommands() {
        let condition = format!("__fish_codeloops_using_subcommand {}", command.get_name());
        lines.push_str(&fish_argument(command, &condition));
        for below in command.get_subcommands() {
            let condition =
                format!("{condition}; and __fish_seen_subcommand_from {}", below.get_name());
            lines.push_str(&fish_argument(below, &condition));
        }
    }
    lines
}

fn fish_argument(command: &Command, condition: &str) -> String {
    let Some(arg) = command.get_positionals().next() else { return String::new() };
    let values = arg.get_possible_values();
    let names: Vec<&str> = values.iter().map(PossibleValue::get_name).collect();
    format!("complete -c codeloops -n \"{condition}\" -f -a \"{}\"\n", names.join(" "))
}

/// `codeloops man`.
pub(crate) fn man(args: &ManArgs, world: &World, printer: &mut Printer) -> Result<(), CliError> {
    let pages = manual();
    match &args.out {
        Some(dir) => write(&world.env.current_dir()?.join(dir), &pages, printer),
        None => pages.first().map_or(Ok(()), |page| printer.data(&page.text)),
    }
}

/// Pages of another release that are there are replaced.
fn write(dir: &Path, pages: &[ManPage], printer: &mut Printer) -> Result<(), CliError> {
    let unwritable = |path: &Path, error: &std::io::Error| {
        CliError::failed(format!("`{}` cannot be written: {error}", path.display()))
            .hint("name a directory that you may write to with `--out`")
    };
    fs::create_dir_all(dir).map_err(|error| unwritable(dir, &error))?;
    for page in pages {
        let path = dir.join(format!("{}.1", page.name));
        fs::write(&path, &page.text).map_err(|error| unwritable(&path, &error))?;
    }
    printer.note(&format!("Wrote {} pages to `{}`\n", pages.len(), dir.display()));
    Ok(())
}
