//! `codeloops sessions diff`: what a session changed.

mod colour;
mod patch;
mod source;
mod stat;

use codeloops_event::text::acts;
use codeloops_session::SessionStore;

use self::colour::Painter;
use self::source::Found;
use super::{pick, store_error, tell};
use crate::app::DiffArgs;
use crate::cmd::pager::Pager;
use crate::error::CliError;
use crate::output::Printer;
use crate::world::World;

/// Shows what the session changed that is meant.
pub(super) fn diff(
    args: &DiffArgs,
    store: &SessionStore,
    world: &World,
    printer: &mut Printer,
) -> Result<(), CliError> {
    let id = pick::wanted(args.id.as_deref(), store, world, printer)?;
    let session = store.load_session(&id).map_err(|error| store_error(&error))?;
    let here = world.env.current_dir().ok();
    let found = match args.iteration {
        None => source::all(&session, here),
        Some(iteration) => source::of_iteration(&session, iteration.get(), here),
    }?;
    print(args, &found, world, printer)?;
    tell(&session.warnings, printer);
    found.remarks.into_iter().for_each(|remark| printer.warning(remark));
    if found.diff.is_empty() && world.terminal.stdout {
        printer.note("nothing was changed\n");
    }
    Ok(())
}

fn print(
    args: &DiffArgs,
    found: &Found,
    world: &World,
    printer: &mut Printer,
) -> Result<(), CliError> {
    if args.stat {
        let text = stat::table(&found.diff, printer.stdout_columns(), printer.stdout_color);
        let mut pager = Pager::new(args.no_pager, world, printer);
        pager.write(&text)?;
        return pager.finish();
    }
    if !world.terminal.stdout {
        return printer.bytes(&found.diff);
    }
    let mut painter = Painter::new(printer.stdout_color);
    let mut pager = Pager::new(args.no_pager, world, printer);
    for line in patch::lines(&found.diff) {
        if !pager.write(&painter.paint(&line))? {
            break;
        }
    }
    pager.finish()
}

/// A line as a terminal may have it: what acts is shown for what it is, so that nothing is hidden.
fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if c != '\t' && acts(c) {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
    }
    shown
}

#[cfg(test)]
mod tests;
