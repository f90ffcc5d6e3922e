//! What a shell and `man` want to know of the command line.

use std::fs;
use std::path::Path;

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
    clap_complete::generate(shell, &mut surface::shown(), "codeloops", &mut script);
    printer.data(&mended(shell, &String::from_utf8_lossy(&script)))
}

/// The script, without what its generator gets wrong.
fn mended(shell: Shell, script: &str) -> String {
    match shell {
        // `--agent=cl` is three words to bash.
        Shell::Bash => script.replacen(
            "prev=\"$3\"\n",
            "prev=\"$3\"\n    [[ \"$prev\" == \"=\" ]] && prev=\"${COMP_WORDS[COMP_CWORD-2]}\"\n",
            1,
        ),
        // Before a command, an option whose value is still to come fails there.
        Shell::Fish => script.replacen("\n    or return\n", "\n    or return 0\n", 1),
        _ => script.to_owned(),
    }
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
