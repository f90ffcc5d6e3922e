//! A recorded session that is gone on with: what is checked before, what is read back of it, and the
//! step by which it goes on.

mod evidence;
mod tree;

use std::path::PathBuf;
use std::sync::Arc;

use codeloops_adapters::git::{Base, GitWorkspace};
use codeloops_adapters::redact::Redactor;
use codeloops_adapters::spec::OutputFormat;
use codeloops_driver::ResumedClock;
use codeloops_driver::ports::{Clock, Record};
use codeloops_event::{
    ActorCompleted, DiffCaptured, Event, Iteration, Limits, ResumedAt, RunId, SessionEnd,
    SessionStart, Settings, Stamp, StopReason, TreeId,
};
use codeloops_machine::replay::{Divergence, Replay};
use codeloops_machine::{CannotResume, Resume, Stamped, Standing, Step};
use codeloops_session::{
    KeptEvidence, ReadError, ReopenError, ReopenedSession, RunFolder, RunNotes, SessionStore,
};

use crate::cmd::store_error;
use crate::error::CliError;
use crate::last_round::LastRound;
use crate::output::Printer;
use crate::record::{Recorded, RecordedLater, SessionRecord};
use crate::world::World;

pub(crate) use tree::Consent;

/// A session that is to be gone on with. Nothing of it is changed yet.
pub(crate) struct Recording {
    session: ReopenedSession,
    /// Its first line.
    pub(crate) start: SessionStart,
    replay: Replay,
    known: Known,
    /// What the files of its folder are made of.
    notes: RunNotes,
    folder: RunFolder,
    /// The task, where it was masked.
    task: Option<String>,
}

/// What the lines tell that a resume needs.
#[derive(Debug, Default)]
struct Known {
    lines: u64,
    last: Option<Stamp>,
    resumes: u32,
    /// Those of the last resume.
    limits: Option<Limits>,
    /// The last snapshot, and of which iteration.
    snapshot: Option<(Iteration, TreeId)>,
    /// Of the round that has no summary.
    turn: Option<Box<ActorCompleted>>,
    diff: Option<Box<DiffCaptured>>,
    last_round: LastRound,
}

impl Known {
    fn observe(&mut self, event: &Event) {
        self.lines += 1;
        self.last_round.observe(event);
        let at = event.timestamp();
        let elapsed_ms = codeloops_machine::invariants::elapsed_ms(event);
        self.last =
            at.zip(elapsed_ms).map(|(at, elapsed_ms)| Stamp { at, elapsed_ms }).or(self.last);
        match event {
            Event::SessionResumed(e) => {
                self.resumes += 1;
                self.limits = Some(e.limits.clone());
            }
            Event::ActorCompleted(e) => self.turn = Some(e.clone()),
            Event::DiffCaptured(e) => {
                self.snapshot = Some((e.iteration, e.tree.clone()));
                self.diff = Some(e.clone());
            }
            Event::Iteration(_) => (self.turn, self.diff) = (None, None),
            _ => {}
        }
    }
}

impl Recording {
    /// Finds the session, takes its file, and reads it.
    ///
    /// # Errors
    /// Where there is no such session, another process has it, or it cannot be gone on with.
    pub(crate) fn open(wanted: &str, store: &SessionStore) -> Result<Self, CliError> {
        let id = store.resolve(wanted).map_err(|error| store_error(&error))?;
        let session = ReopenedSession::open(id, store.dir()).map_err(reopen_error)?;
        let (mut replay, mut known) = (Replay::default(), Known::default());
        let (mut first, mut notes) = (None, None);
        for event in session.events().map_err(read_error)? {
            let event = event.map_err(read_error)?;
            if let Event::SessionStart(start) = &event {
                first = Some((**start).clone());
                notes = Some(RunNotes::begin(start, Some(session.id())));
            }
            if let Some(notes) = &mut notes {
                // Its files are there since then.
                let _written = notes.note(&event);
            }
            known.observe(&event);
            replay.feed(known.lines, event).map_err(|error| diverged(&session, &error))?;
        }
        let (start, notes) = first.zip(notes).ok_or_else(|| damaged(&session))?;
        let folder = folder(&start, &session)?;
        Ok(Self { session, start, replay, known, notes, folder, task: None })
    }

    /// The settings that were recorded, with the limits that an earlier resume gave.
    pub(crate) fn settings(&self) -> Result<Settings, CliError> {
        let mut settings = self.start.settings.clone().ok_or_else(|| damaged(&self.session))?;
        if let Some(limits) = &self.known.limits {
            settings.limits = limits.clone();
        }
        Ok(settings)
    }

    pub(crate) fn run_id(&self) -> Result<&RunId, CliError> {
        self.start.run_id.as_ref().ok_or_else(|| damaged(&self.session))
    }

    /// The session's id.
    pub(crate) fn id(&self) -> &str {
        self.session.id().as_str()
    }

    /// What the gates of the last round came to.
    pub(crate) const fn last_round(&self) -> &LastRound {
        &self.known.last_round
    }

    pub(crate) const fn folder(&self) -> &RunFolder {
        &self.folder
    }

    /// The directory that the run works in.
    pub(crate) fn working_dir(&self) -> Result<PathBuf, CliError> {
        let dir = PathBuf::from(&self.start.working_dir);
        if dir.is_dir() {
            return Ok(dir);
        }
        let message = format!("the run's working directory `{}` is gone", dir.display());
        Err(CliError::failed(message).hint("a run goes on where it worked; put the directory back"))
    }

    /// Whether the task was masked when it was recorded, so that it must be given again.
    pub(crate) fn is_masked(&self) -> bool {
        self.start.redacted > 0 && self.start.prompt.contains("[redacted")
    }

    /// Takes the task that was masked.
    ///
    /// # Errors
    /// Where it is another one.
    pub(crate) fn take_task(
        &mut self,
        task: String,
        redactor: Option<&Redactor>,
    ) -> Result<(), CliError> {
        let masked = redactor.map(|redactor| redactor.text(&task).0.into_owned());
        let is_same = match masked {
            // The masked text itself is no task.
            Some(masked) if self.is_masked() => masked == self.start.prompt && task != masked,
            _ => task == self.start.prompt,
        };
        if !is_same {
            return Err(CliError::usage("the prompt is not the one that the session began with")
                .hint("a resumed run goes on with its own task; `codeloops fork` takes another"));
        }
        self.task = Some(task);
        Ok(())
    }

    /// Where it goes on with these limits.
    ///
    /// # Errors
    /// Where it would not.
    pub(crate) fn standing(&self, limits: &Limits) -> Result<Standing, CliError> {
        let replayed = self.replay.clone().finish(None);
        let replayed = replayed.map_err(|error| diverged(&self.session, &error))?;
        let now = self.known.last.ok_or_else(|| damaged(&self.session))?;
        let standing = replayed.machine.resumes_at(limits, now);
        standing.map_err(|reason| cannot_resume(self.id(), reason))
    }

    /// The end of a run that was approved, where that is not recorded.
    pub(crate) fn unrecorded_approval(&self) -> Option<SessionEnd> {
        let replayed = self.replay.clone().finish(None).ok()?;
        replayed.unrecorded.into_iter().find_map(|event| match event {
            Event::SessionEnd(end) if end.stop_reason == Some(StopReason::Approved) => Some(*end),
            _ => None,
        })
    }

    /// Records what is missing of a run that was approved.
    ///
    /// # Errors
    /// Where its evidence is gone, or the record cannot be written.
    pub(crate) fn complete(
        self,
        actor_output: OutputFormat,
        redactor: Option<&Redactor>,
    ) -> Result<Option<Recorded>, CliError> {
        let texts = self.texts(actor_output, redactor)?;
        let replayed = self.replay.clone().finish(Some(&texts));
        let replayed = replayed.map_err(|error| diverged(&self.session, &error))?;
        let (mut record, recorded) = self.into_record();
        for event in &replayed.unrecorded {
            record.append(event).map_err(|error| CliError::failed(error.0))?;
        }
        Ok(recorded.get())
    }

    fn into_record(self) -> (SessionRecord, RecordedLater) {
        SessionRecord::resumed(self.session, self.known.lines, self.folder, self.notes)
    }

    /// Its clock goes on from its last line.
    fn clock(&self, world: &World) -> Arc<dyn Clock> {
        let recorded_ms = self.known.last.map_or(0, |last| last.elapsed_ms);
        Arc::new(ResumedClock::from(Arc::clone(&world.clock), recorded_ms))
    }

    /// The tree that its last snapshot has.
    fn last_tree(&self) -> Option<&TreeId> {
        let snapshot = self.known.snapshot.as_ref().map(|(_, tree)| tree);
        snapshot.or(self.start.base_tree.as_ref())
    }

    /// The step by which it goes on, its clock, and its record.
    ///
    /// # Errors
    /// Where its evidence is gone, the tree is another and nobody consents, or a limit is used up.
    pub(crate) fn go_on(
        self,
        on: &GoingOn<'_>,
        printer: &mut Printer,
    ) -> Result<(Step, Arc<dyn Clock>, SessionRecord, RecordedLater), CliError> {
        let tree = self.found_tree(on, printer)?;
        let bulk = self.bulk(on, &tree)?;
        let replayed = self.replay.clone().finish(Some(&bulk));
        let replayed = replayed.map_err(|error| diverged(&self.session, &error))?;
        let resume = Resume {
            task: self.task.clone(),
            verify: Some(on.verify.clone()),
            codeloops_version: env!("CARGO_PKG_VERSION").to_owned(),
            limits: on.limits.clone(),
            tree,
            leftovers: on.leftovers,
        };
        // How long the user thought about the tree is no time of the run.
        let clock = self.clock(on.world);
        let stamped = Stamped { stamp: clock.now(), nonce: on.world.ids.nonce(), input: resume };
        let step = replayed.resume(stamped).map_err(|reason| cannot_resume(self.id(), reason))?;
        let (record, recorded) = self.into_record();
        Ok((step, clock, record, recorded))
    }
}

/// What a session goes on with.
pub(crate) struct GoingOn<'a> {
    pub(crate) world: &'a World,
    /// How an agent calls the checks itself.
    pub(crate) verify: String,
    pub(crate) workspace: &'a GitWorkspace,
    pub(crate) base: &'a Base,
    pub(crate) limits: &'a Limits,
    pub(crate) standing: Standing,
    pub(crate) actor_output: OutputFormat,
    pub(crate) redactor: Option<&'a Redactor>,
    /// Processes of the run that were ended.
    pub(crate) leftovers: u32,
    pub(crate) consent: Consent,
}

/// Where a run stood, in words.
pub(crate) fn stood(standing: Standing) -> String {
    let what = match standing.phase {
        ResumedAt::ActorExecuting => "the actor's turn",
        ResumedAt::CapturingDiff => "what the actor changed",
        ResumedAt::RunningGates => "the gates",
        ResumedAt::CriticEvaluating => "the critic's turn",
    };
    format!("{what} of iteration {}", standing.iteration)
}

fn cannot_resume(id: &str, reason: CannotResume) -> CliError {
    let limit = match reason {
        CannotResume::Approved => {
            return CliError::usage(format!(
                "session `{id}` was approved: there is nothing to go on with"
            ))
            .hint("`codeloops fork` begins a new session from one of its iterations");
        }
        CannotResume::Spent(limit) => limit,
    };
    let flag = match limit {
        StopReason::MaxDuration => "--max-duration",
        StopReason::MaxTokens => "--max-tokens",
        StopReason::MaxCost => "--max-cost-usd",
        _ => "--max-iterations",
    };
    CliError::usage(format!("session `{id}` has used up its limit ({limit})"))
        .hint(format!("give it more with `{flag}`"))
}

fn reopen_error(error: ReopenError) -> CliError {
    match error {
        ReopenError::Read(error) => read_error(error),
        ReopenError::Open { .. } => {
            CliError::failed(error.to_string()).hint("it must be a file that you may write")
        }
        ReopenError::Running { ref id } => CliError::usage(error.to_string())
            .hint(format!("`codeloops sessions show {id}` shows how far it is")),
    }
}

fn read_error(error: ReadError) -> CliError {
    store_error(&error.into())
}

fn diverged(session: &ReopenedSession, error: &Divergence) -> CliError {
    let id = session.id();
    match error {
        Divergence::NotReplayable { .. } => damaged(session),
        Divergence::Different { position, .. } | Divergence::Refused { position, .. } => {
            CliError::failed(format!(
                "session `{id}` cannot be gone on with: this release would have decided otherwise at \
                 line {position}"
            ))
            .hint(format!("`codeloops replay {id} --verify` shows the difference"))
        }
    }
}

fn damaged(session: &ReopenedSession) -> CliError {
    let id = session.id();
    CliError::failed(format!("session `{id}` cannot be gone on with: it does not say how it began"))
        .hint("it was recorded by another program; run again with the same prompt")
}

/// The run's evidence folder, which must be there.
fn folder(start: &SessionStart, session: &ReopenedSession) -> Result<RunFolder, CliError> {
    let kept = KeptEvidence::of(start, session.path()).ok_or_else(|| damaged(session))?;
    let path = PathBuf::from(&kept.path);
    match (path.parent(), &start.run_id) {
        (Some(runs_dir), Some(run_id)) if kept.exists => Ok(RunFolder::at(runs_dir, run_id)),
        _ => Err(CliError::failed(format!("the run's evidence `{}` is gone", path.display()))
            .hint("a run goes on with what its agents printed; put the folder back")),
    }
}
