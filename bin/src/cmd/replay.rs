//! `codeloops replay`: a recorded run once more, from its session file alone. Nothing is recorded and
//! no agent is called.

mod answer;
mod difference;
mod pace;
mod patience;
mod recording;
mod rounds;
mod show;
mod trace;
mod verify;
mod what_if;

use crate::app::{ReplayArgs, ReplayShowArgs};
use crate::error::CliError;
use crate::output::Printer;
use crate::world::World;
use recording::Recording;

/// Carries out `replay`; gives the exit code.
pub(crate) fn replay(
    args: &ReplayArgs,
    no_color: bool,
    world: &World,
    printer: &mut Printer,
) -> Result<u8, CliError> {
    let Some(wanted) = &args.id else {
        return Err(CliError::usage("no session given")
            .hint("give an id, the beginning of one, `latest`, or the path of a session file")
            .hint("`codeloops sessions list` shows the ids"));
    };
    refuse_contradictions(args)?;
    let recording = Recording::open(wanted, world)?;
    if args.verify {
        return verify::verify(recording, args.json, printer);
    }
    if !args.with.is_empty() {
        return what_if::what_if(recording, &args.with, args.json, printer);
    }
    show::show(recording, &args.show, no_color, world, printer)
}

/// Whoever asks about the whole recording is shown nothing of it.
fn refuse_contradictions(args: &ReplayArgs) -> Result<(), CliError> {
    let asks = args.verify || !args.with.is_empty();
    if asks && args.show != ReplayShowArgs::default() {
        let message = "`--verify` and `--with` take the whole recording and show nothing of it";
        return Err(CliError::usage(message).hint("leave the options of the output out"));
    }
    if args.json && !asks {
        let message = "`--json` is for the answer to `--verify` or `--with`";
        let hint = "`--log-format json` shows the events as JSON lines";
        return Err(CliError::usage(message).hint(hint));
    }
    Ok(())
}
