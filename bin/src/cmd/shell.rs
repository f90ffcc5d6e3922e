//! What a shell and `man` want to know of the command line.

use clap::CommandFactory;
use clap_complete::Shell;

use crate::app::App;
use crate::error::CliError;
use crate::output::Printer;

/// `codeloops completions <shell>`.
pub(crate) fn completions(shell: Shell, printer: &mut Printer) -> Result<(), CliError> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut App::command(), "codeloops", &mut script);
    printer.data(&String::from_utf8_lossy(&script))
}

/// `codeloops man`.
pub(crate) fn man(printer: &mut Printer) -> Result<(), CliError> {
    let mut page = Vec::new();
    clap_mangen::Man::new(App::command())
        .render(&mut page)
        .map_err(|error| CliError::failed(format!("the manual page cannot be made: {error}")))?;
    printer.data(&String::from_utf8_lossy(&page))
}
