//! `codeloops receipt`: states what was approved, and on what grounds.

use std::io::Write;
use std::path::Path;

use codeloops_event::{Evidence, IterationEnd};
use codeloops_session::{EvidenceError, NoReceipt, Receipt, RunFolder, Session};
use codeloops_sinks::one_line;

use super::sessions::{store, wanted};
use crate::app::ReceiptArgs;
use crate::error::CliError;
use crate::output::Printer;
use crate::world::World;

/// Writes the receipt of a session.
pub(crate) fn receipt(
    args: &ReceiptArgs,
    world: &World,
    printer: &mut Printer,
) -> Result<(), CliError> {
    let session = wanted(args.id.as_deref(), &store(world)?, world, printer)?;
    let receipt = Receipt::of(&session).map_err(|error| refused(&error, &session))?;
    check_evidence(&session, printer)?;
    let text = receipt.render();
    match args.output.as_deref().filter(|output| *output != Path::new("-")) {
        None => printer.data(&text),
        Some(output) => {
            save(&world.env.current_dir()?.join(output), output, &text, args.force)?;
            let name = one_line(&output.to_string_lossy());
            printer.note(&format!("Wrote `{name}`: receipt {}\n", receipt.hash()));
            Ok(())
        }
    }
}

fn refused(error: &NoReceipt, session: &Session) -> CliError {
    let failed = CliError::failed(format!("session `{}`: {error}", session.id));
    match error {
        NoReceipt::NotApproved => failed
            .hint("`codeloops sessions list --outcome success` shows those that were approved"),
        NoReceipt::Missing(_) => failed,
    }
}

/// A receipt names outputs by their hashes, so they should still be what was recorded.
fn check_evidence(session: &Session, printer: &mut Printer) -> Result<(), CliError> {
    let Some(kept) = &session.evidence else { return Ok(()) };
    let Some(run_id) = &session.start.run_id else { return Ok(()) };
    let Some(runs_dir) = Path::new(&kept.path).parent() else { return Ok(()) };
    let folder = RunFolder::at(runs_dir, run_id);
    for file in session.iterations.last().into_iter().flat_map(outputs) {
        match folder.open(file) {
            Ok(_) => {}
            Err(EvidenceError::Read { .. }) => printer.warning(format!(
                "`{}` is gone: the receipt names it, and nobody can look at it any more",
                one_line(&file.path)
            )),
            Err(error) => {
                return Err(CliError::failed(error.to_string())
                    .hint("what was recorded was changed, so there is no receipt of it"));
            }
        }
    }
    Ok(())
}

fn outputs(round: &IterationEnd) -> impl Iterator<Item = &Evidence> {
    round.gates.iter().filter_map(|gate| gate.output.as_ref())
}

fn save(path: &Path, shown: &Path, text: &str, force: bool) -> Result<(), CliError> {
    let shown = one_line(&shown.to_string_lossy());
    let failed = |error: &std::io::Error| {
        CliError::failed(format!("`{shown}` cannot be written: {error}"))
            .hint("name a file in a directory that you may write to with `--output`")
    };
    let taken = || {
        CliError::failed(format!("`{shown}` is there already"))
            .hint("name another file, or overwrite it with `--force`")
    };
    if path.symlink_metadata().is_ok() && !force {
        return Err(taken());
    }
    let dir = path.parent().unwrap_or(Path::new("."));
    let mut draft = tempfile::Builder::new()
        .prefix(".codeloops-")
        .suffix(".draft")
        .tempfile_in(dir)
        .map_err(|error| failed(&error))?;
    draft.write_all(text.as_bytes()).map_err(|error| failed(&error))?;
    let placed = if force { draft.persist(path) } else { draft.persist_noclobber(path) };
    placed.map(drop).map_err(|error| match error.error.kind() {
        std::io::ErrorKind::AlreadyExists => taken(),
        _ => failed(&error.error),
    })
}
