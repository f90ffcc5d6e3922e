//! The working tree that a resume finds, beside the one that its run left.

use codeloops_event::layout::snapshot_ref;
use codeloops_event::{FileChange, FoundTree, RunId, TreeId};
use codeloops_sinks::one_line;

use super::{GoingOn, Recording, stood};
use crate::error::CliError;
use crate::output::Printer;

/// Changed files that are named.
const NAMED: usize = 20;

/// Who is asked whether a tree that is not as the run left it is to be gone on with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Consent {
    /// The user has said yes.
    Given,
    /// The user, now.
    Ask,
    /// Nobody: there is no terminal.
    Nobody,
}

impl Recording {
    /// What has become of the tree. One that differs is kept; where nobody of ours can have changed it,
    /// the user is asked.
    pub(super) fn found_tree(
        &self,
        on: &GoingOn<'_>,
        printer: &mut Printer,
    ) -> Result<FoundTree, CliError> {
        let now = &on.base.now;
        let Some(left) = self.last_tree().filter(|left| *left != now) else {
            return Ok(FoundTree::AsLeft);
        };
        let (run_id, number) = (self.run_id()?, self.known.resumes + 1);
        let kept_as = resumed_ref(run_id, number);
        on.workspace.keep(&kept_as, now).map_err(failed)?;
        if !on.standing.has_loose_work {
            self.ask(on, left, now, printer)?;
            // The round is captured again, under the name of what it was.
            on.workspace.keep(&format!("{kept_as}-before"), left).map_err(failed)?;
        }
        Ok(FoundTree::Changed { tree: now.clone(), kept_as })
    }

    fn ask(
        &self,
        on: &GoingOn<'_>,
        left: &TreeId,
        now: &TreeId,
        printer: &mut Printer,
    ) -> Result<(), CliError> {
        let file = format!("resumed-{}.patch", self.known.resumes + 1);
        let diff = on.workspace.diff_of(left, now, file).map_err(failed)?;
        let iteration = self.known.snapshot.as_ref().map_or(0, |(iteration, _)| *iteration);
        printer.warning(changed(&diff.files, &snapshot_ref(self.run_id()?, iteration)));
        let goes_on = match on.consent {
            Consent::Given => true,
            Consent::Ask => on.world.ask.confirm("Go on with the files as they are now?")?,
            Consent::Nobody => false,
        };
        if goes_on {
            return Ok(());
        }
        let message = format!(
            "the working tree is not as the run left it, so {} is not gone on with",
            stood(on.standing)
        );
        Err(CliError::failed(message).hint("`--yes` goes on with the files as they are now"))
    }
}

/// The ref that keeps the tree as a resume found it.
fn resumed_ref(run_id: &RunId, number: u32) -> String {
    format!("refs/codeloops/{run_id}/resumed-{number}")
}

fn changed(files: &[FileChange], last: &str) -> String {
    let named = files.iter().take(NAMED).map(|file| one_line(&file.path));
    let named: Vec<String> = named.collect();
    let more = files.len().saturating_sub(NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!(
        "since the run's last snapshot ({last}) these files changed: {}{more}",
        named.join(", ")
    )
}

fn failed(error: impl std::error::Error) -> CliError {
    CliError::failed(error.to_string())
}
