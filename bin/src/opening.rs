//! Opens the repository of a run, unless somebody asks to stop meanwhile: in a large repository that
//! takes a while.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use codeloops_adapters::end_children;
use codeloops_adapters::git::{Base, GitWorkspace, Notice, OpenError, Options};
use codeloops_adapters::redact::Redactor;
use codeloops_adapters::tamper::TamperRules;
use codeloops_event::{RunId, TreeId};
use codeloops_sinks::commands::shell_quoted;
use codeloops_sinks::words::Said;
use tokio::sync::mpsc::{self, Receiver, UnboundedReceiver};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::error::CliError;
use crate::output::Printer;
use crate::settings::RunSettings;
use crate::waiting::{self, Waiting};
use crate::world::World;

/// From asking git to end to killing it.
const GRACE: Duration = Duration::from_secs(2);

/// From killing git to giving the opening up.
const PATIENCE: Duration = Duration::from_secs(2);

/// One git command may follow another, so what is to end is looked for again after this time.
const AGAIN: Duration = Duration::from_millis(10);

/// What an opening gives.
pub(crate) type Opened = (GitWorkspace, Base);

type Task = JoinHandle<Result<Opened, OpenError>>;

/// What is opened.
pub(crate) struct Opening<'a> {
    pub(crate) settings: &'a RunSettings,
    pub(crate) world: &'a World,
    pub(crate) run_id: &'a RunId,
    /// The run's evidence folder.
    pub(crate) evidence: &'a Path,
    /// What tells that checks were weakened.
    pub(crate) tamper: Option<Arc<TamperRules>>,
    /// Masks credentials in diffs.
    pub(crate) redactor: Option<Arc<Redactor>>,
    /// The tree that the run began with, where it goes on.
    pub(crate) resume_from: Option<TreeId>,
}

impl Opening<'_> {
    /// Finds the repository and takes the base snapshot. Warnings are shown as they arise. The
    /// evidence folder of a run that cannot begin is taken away again.
    ///
    /// # Errors
    /// Where it cannot be opened, or a stop was asked for.
    pub(crate) async fn open(
        &self,
        stops: &mut Receiver<String>,
        printer: &mut Printer,
    ) -> Result<Opened, CliError> {
        let (mut task, warnings) = self.begin();
        let reading = Waiting::begin(waiting::REPOSITORY, self.settings, self.world);
        let opened = tokio::select! {
            biased;
            opened = watched(&mut task, warnings, reading, printer) => {
                opened.map_err(|error| workspace_error(&error))
            }
            Some(_) = stops.recv() => {
                end(&mut task, stops).await;
                Err(CliError::interrupted_early())
            }
        };
        if opened.is_err() {
            // It is empty; where it cannot be removed it does no harm.
            drop(std::fs::remove_dir(self.evidence));
        }
        opened
    }

    fn begin(&self) -> (Task, UnboundedReceiver<Notice>) {
        let (sender, warnings) = mpsc::unbounded_channel();
        let (excluded, redactor) = (self.own_files(), self.redactor.clone());
        let resume_from = self.resume_from.clone();
        let tamper = self.tamper.clone();
        let options = Options { excluded, redactor, resume_from, tamper, ..Options::default() };
        let dir = self.settings.working_dir.value.clone();
        let (run_id, evidence) = (self.run_id.clone(), self.evidence.to_owned());
        let task = tokio::task::spawn_blocking(move || {
            let mut warn = |warning: Notice| {
                // Nobody listens once a stop was asked for.
                drop(sender.send(warning));
            };
            GitWorkspace::open(&dir, &run_id, &evidence, &options, &mut warn)
        });
        (task, warnings)
    }

    /// What codeloops itself writes during the run. Inside the repository it would show as a change
    /// of the actor's, and be put back as one of the critic's.
    fn own_files(&self) -> Vec<PathBuf> {
        [&self.settings.runs_dir.value, &self.settings.data_dir]
            .into_iter()
            .chain(self.settings.files_of_sinks())
            .chain(&self.world.env.redirected_to)
            .cloned()
            .collect()
    }
}

/// The warnings end when the opening does.
async fn watched(
    task: &mut Task,
    mut warnings: UnboundedReceiver<Notice>,
    mut reading: Waiting,
    printer: &mut Printer,
) -> Result<Opened, OpenError> {
    loop {
        tokio::select! {
            biased;
            warning = warnings.recv() => {
                let Some(Notice { text, to_copy }) = warning else { break };
                reading.clear();
                printer.warning(Said { text, to_copy });
            }
            () = reading.due() => reading.tell(printer),
        }
    }
    drop(reading);
    match task.await {
        Ok(opened) => opened,
        Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
    }
}

/// Ends an opening that is under way: its git commands are asked to end, and killed after a while or
/// at a second request. It then fails and takes its lock away by itself.
async fn end(task: &mut Task, stops: &mut Receiver<String>) {
    let asked = async {
        loop {
            end_children(false);
            tokio::select! {
                () = sleep(AGAIN) => {}
                Some(_) = stops.recv() => return,
            }
        }
    };
    let killed = async {
        let _over = timeout(GRACE, asked).await;
        loop {
            end_children(true);
            sleep(AGAIN).await;
        }
    };
    tokio::select! {
        biased;
        _ended = task => {}
        _given_up = timeout(GRACE + PATIENCE, killed) => {}
    }
}

/// Why a repository cannot be worked in, as the user sees it.
pub(crate) fn workspace_error(error: &OpenError) -> CliError {
    let failed = CliError::failed(error.to_string());
    match error {
        OpenError::NotARepository => failed.hint("run `git init`, or change into a repository"),
        OpenError::GitMissing => failed.hint("install git: codeloops captures changes with it"),
        OpenError::BareRepository(_) => failed.hint(
            "run it in a working tree of the repository: `git clone` or `git worktree add` makes one",
        ),
        OpenError::ForeignOwner(root) => failed.hint(format!(
            "if you trust it, run `git config --global --add safe.directory {}`",
            shell_quoted(root)
        )),
        _ => failed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repository_of_another_user_is_told_with_the_command_that_trusts_it() {
        let error = workspace_error(&OpenError::ForeignOwner("/srv/their notes".into()));
        insta::assert_snapshot!(error, @"`/srv/their notes` belongs to another user, so git refuses it");
        insta::assert_snapshot!(error.hints[0], @"if you trust it, run `git config --global --add safe.directory '/srv/their notes'`");
    }

    #[test]
    fn what_is_missing_for_a_run_is_told_with_what_to_do() {
        let told = |error: &OpenError| {
            let error = workspace_error(error);
            format!("{error}\n{}", error.hints.join("\n"))
        };
        insta::assert_snapshot!(told(&OpenError::GitMissing), @r"
        git not found in PATH
        install git: codeloops captures changes with it
        ");
        insta::assert_snapshot!(told(&OpenError::BareRepository("/srv/x.git".into())), @r"
        `/srv/x.git` is a bare repository: codeloops needs a working tree
        run it in a working tree of the repository: `git clone` or `git worktree add` makes one
        ");
    }
}
