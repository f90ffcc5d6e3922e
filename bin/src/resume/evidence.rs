//! What an unfinished round left in evidence, and its session has no line of.

use std::fs::File;
use std::io::Read;

use codeloops_adapters::redact::Redactor;
use codeloops_adapters::runner::said_texts;
use codeloops_adapters::spec::OutputFormat;
use codeloops_event::layout::{TEXT_LIMIT, cap_text};
use codeloops_event::{Evidence, FileChange, FoundTree, ResumedAt, TreeId};
use codeloops_machine::replay::Bulk;
use codeloops_session::EvidenceError;

use super::{GoingOn, Recording};
use crate::error::CliError;

impl Recording {
    /// What the rest of the round needs of what it has done already, in the tree that is there.
    pub(super) fn bulk(&self, on: &GoingOn<'_>, tree: &FoundTree) -> Result<Bulk, CliError> {
        match (on.standing.phase, tree) {
            (ResumedAt::ActorExecuting, _) => Ok(Bulk::default()),
            // An earlier patch of the round may be overwritten by then: a capture writes over it.
            (ResumedAt::CapturingDiff, _) | (_, FoundTree::Changed { .. }) => {
                self.turn_texts(on.actor_output, on.redactor)
            }
            (ResumedAt::RunningGates | ResumedAt::CriticEvaluating, FoundTree::AsLeft) => {
                let files = match &self.known.diff {
                    Some(diff) => self.files(on, &diff.tree)?,
                    None => Vec::new(),
                };
                Ok(Bulk { files, ..self.texts(on.actor_output, on.redactor)? })
            }
        }
    }

    /// What the unfinished round's summary will say of its evidence.
    pub(super) fn texts(
        &self,
        actor_output: OutputFormat,
        redactor: Option<&Redactor>,
    ) -> Result<Bulk, CliError> {
        let mut bulk = self.turn_texts(actor_output, redactor)?;
        if let Some(diff) = &self.known.diff {
            let mut text = Vec::new();
            let mut file = self.open_evidence(Some(&diff.patch))?;
            file.read_to_end(&mut text).map_err(unreadable)?;
            bulk.git_diff = cap_text(&String::from_utf8_lossy(&text), TEXT_LIMIT);
        }
        Ok(bulk)
    }

    /// What the actor printed.
    fn turn_texts(
        &self,
        actor_output: OutputFormat,
        redactor: Option<&Redactor>,
    ) -> Result<Bulk, CliError> {
        let Some(turn) = &self.known.turn else { return Ok(Bulk::default()) };
        let open = |file: &Option<Evidence>| self.open_evidence(file.as_ref());
        let (stdout, stderr) = (open(&turn.stdout)?, open(&turn.stderr)?);
        let said = said_texts(actor_output, stdout, stderr, redactor).map_err(unreadable)?;
        Ok(Bulk { actor_output: said.text, actor_stderr: said.stderr, ..Bulk::default() })
    }

    /// The changed files, of which the session has only the number.
    fn files(&self, on: &GoingOn<'_>, tree: &TreeId) -> Result<Vec<FileChange>, CliError> {
        let file = format!("resumed-{}.again.patch", self.known.resumes + 1);
        let diff = on.workspace.diff_of(&on.base.tree, tree, file.clone());
        drop(std::fs::remove_file(self.folder.path().join(file)));
        diff.map(|diff| diff.files).map_err(|error| CliError::failed(error.to_string()))
    }

    /// A file that a line names; nothing where no process ran.
    fn open_evidence(&self, evidence: Option<&Evidence>) -> Result<Box<dyn Read>, CliError> {
        let Some(evidence) = evidence else { return Ok(Box::new(std::io::empty())) };
        let opened: Result<File, EvidenceError> = self.folder.open(evidence);
        let file = opened.map_err(|error| {
            CliError::failed(error.to_string())
                .hint("a run goes on with what its agents printed; put the file back")
        })?;
        Ok(Box::new(file))
    }
}

fn unreadable(error: std::io::Error) -> CliError {
    CliError::failed(format!("could not read evidence: {error}"))
}
