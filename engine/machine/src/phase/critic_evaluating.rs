//! CriticEvaluating: the critic judges, or the tree is compared after it.

use std::sync::Arc;

use codeloops_event::{
    AgentOutcome, AgentStarted, CallId, CallKind, CriticCompleted, Decision, Event, GateResult,
    Nonce, ProcessInfo, Role, Ruling, StopReason, TreeCheck, TreeChecked, TreeUnverified,
    UsageByRole, Verdict, VerdictProblem, VerdictReached,
};

use codeloops_event::layout::{TEXT_LIMIT, snapshot_ref};

use crate::context::{Context, add_usage};
use crate::effect::{Effect, StopLevel};
use crate::input::{AgentReport, Input};
use crate::out::Out;
use crate::phase::Phase;
use crate::phase::actor_executing::{ActorTurn, Asked, millis, trigger_of};
use crate::phase::call::{
    AgentState, Disposition, NothingRuns, Retries, StopAsk, TaskState, Try, begin_wait, dispose,
    tell_read_as_text, tell_wait_over,
};
use crate::phase::capturing_diff::Work;
use crate::phase::end::{End, Ending};
use crate::phase::feedback::{Heard, Judgement, RoundEnd};
use crate::phase::left::Left;
use crate::phase::unusable::Unusable;
use crate::prompts::{Case, EarlierTry, Prompt};
use crate::transitions::{PhaseName, Trigger};
use crate::verdict;

/// How often an answer that cannot be relied on is asked for again within a round.
pub(crate) const MAX_REASKS: u32 = 2;

const HERE: PhaseName = PhaseName::CriticEvaluating;

/// The critic judges a piece of work.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct CriticEvaluating {
    pub(crate) desk: Desk,
    state: State,
}

/// What stays the same, or grows, over the tries of one evaluation.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Desk {
    pub(crate) case: Arc<Case>,
    attempt: u32,
    nonce: Nonce,
    retries: Retries,
    /// Answers of this round that could not be relied on.
    reasks: u32,
    /// What was wrong with the last answer, and what the last look at the tree found.
    last: EarlierTry,
    /// Whether the call that is over left the tree as it found it.
    left_alone: bool,
    /// Duration of the tries that are over, in milliseconds.
    spent_ms: u64,
    /// Looks at the tree after gates in this round.
    looks: u32,
    usage: UsageByRole,
}

#[derive(Debug, Clone, PartialEq)]
enum State {
    Calling(AgentState),
    /// The critic is through; the tree is compared before anything is made of its answer.
    Checking {
        task: TaskState,
        report: Box<AgentReport>,
    },
}

impl CriticEvaluating {
    /// Begins an evaluation. It takes [`Work`], so there is none without a captured diff.
    pub(crate) fn enter(
        ctx: &mut Context,
        work: Work,
        (gates, looks): (Vec<GateResult>, u32),
        out: &mut Out,
    ) -> Phase {
        let (usage, asked) = (work.turn.usage.clone(), work.turn.asked);
        let desk = Desk {
            case: Arc::new(Case { work, gates }),
            attempt: asked.tries,
            nonce: out.nonce.clone(),
            retries: Retries::default(),
            reasks: 0,
            last: EarlierTry::default(),
            left_alone: false,
            spent_ms: asked.spent_ms,
            looks,
            usage,
        };
        desk.call_critic(ctx, out)
    }

    pub(crate) const fn awaited(&self) -> CallId {
        match &self.state {
            State::Calling(state) => state.call(),
            State::Checking { task, .. } => task.call(),
        }
    }

    /// What is left of it without its process. An answer that is there is not asked for again: the tree
    /// is compared, as it would have been.
    pub(crate) fn left(self) -> Left {
        match self.state {
            State::Calling(_) => Left::Critic(Box::new(self.desk)),
            State::Checking { report, .. } => Left::Answer(Box::new(self.desk), report),
        }
    }

    pub(crate) const fn process_known(&self) -> bool {
        match &self.state {
            State::Calling(state) => state.process_known(),
            State::Checking { .. } => false,
        }
    }

    pub(crate) fn handle(self, ctx: &mut Context, input: Input, out: &mut Out) -> Phase {
        match (input, self.state) {
            (Input::StopRequested { signal }, state) => {
                stop(ctx, self.desk, state, StopAsk::User { signal }, out)
            }
            (Input::EngineFailed { reason, error }, state) => {
                stop(ctx, self.desk, state, StopAsk::Engine { reason, error }, out)
            }
            (Input::AgentStarted { process, .. }, State::Calling(state)) => {
                self.desk.started(ctx, state, process, out)
            }
            (Input::AgentFinished { report, .. }, State::Calling(state)) => {
                self.desk.finished(ctx, state, report, out)
            }
            (Input::WaitOver { .. }, State::Calling(_)) => self.desk.wait_over(ctx, out),
            (Input::TreeChecked { check, .. }, State::Checking { task, report }) => {
                self.desk.checked(ctx, &task, report, check, out)
            }
            // Admission lets nothing else through.
            (_, state) => Phase::CriticEvaluating(Self { desk: self.desk, state }),
        }
    }
}

impl Desk {
    fn calling(self, state: AgentState) -> Phase {
        Phase::CriticEvaluating(CriticEvaluating { desk: self, state: State::Calling(state) })
    }

    /// Makes the next try, with a nonce of its own.
    fn call_critic(mut self, ctx: &mut Context, out: &mut Out) -> Phase {
        self.attempt += 1;
        self.left_alone = false;
        self.nonce = out.nonce.clone();
        let call = ctx.issue(self.case.work.turn.iteration, CallKind::Critic, self.attempt);
        let prompt = Prompt::for_critic(ctx, &self.case, &self.nonce, &self.last);
        let state = AgentState::run(ctx, call, Role::Critic, prompt, out);
        self.calling(state)
    }

    fn started(
        self,
        ctx: &Context,
        state: AgentState,
        process: ProcessInfo,
        out: &mut Out,
    ) -> Phase {
        out.event(Event::CriticStarted(AgentStarted {
            timestamp: out.stamp.at,
            elapsed_ms: out.stamp.elapsed_ms,
            iteration: self.case.work.turn.iteration,
            attempt: self.attempt,
            agent: ctx.start.settings.critic.title.clone(),
            process,
            nonce: Some(self.nonce.clone()),
        }));
        out.moved(HERE, Trigger::AgentStarted, HERE);
        self.calling(state.started())
    }

    fn finished(
        mut self,
        ctx: &mut Context,
        state: AgentState,
        report: Box<AgentReport>,
        out: &mut Out,
    ) -> Phase {
        let call_ms = out.stamp.elapsed_ms.saturating_sub(state.since(out.stamp).elapsed_ms);
        self.spent_ms += call_ms;
        ctx.add_usage(Role::Critic, &report);
        add_usage(&mut self.usage, Role::Critic, report.usage.as_ref());
        self.tell_completed(&report, call_ms, out);
        let this = Try { iteration: self.case.work.turn.iteration, attempt: self.attempt };
        tell_read_as_text(ctx, Role::Critic, this, &report, out);
        match state {
            AgentState::Stopping { ending, .. } if !ran(&report) => {
                self.end(ctx, Trigger::Stopped, ending, out)
            }
            // Killed at once: the user does not wait for a look at the tree either.
            AgentState::Stopping { level: StopLevel::Now, ending, .. } => {
                self.tell_unverified(ctx, out);
                self.end(ctx, Trigger::Stopped, ending, out)
            }
            AgentState::Stopping { ending, level, .. } => self.check_tree(
                ctx,
                report,
                |call| TaskState::Stopping { call, ending, level },
                out,
            ),
            AgentState::Running { .. } | AgentState::Waiting { .. } if !ran(&report) => {
                self.decide(ctx, report, out)
            }
            AgentState::Running { .. } | AgentState::Waiting { .. } => {
                self.check_tree(ctx, report, |call| TaskState::Running { call }, out)
            }
        }
    }

    fn check_tree(
        self,
        ctx: &mut Context,
        report: Box<AgentReport>,
        task: impl FnOnce(CallId) -> TaskState,
        out: &mut Out,
    ) -> Phase {
        out.moved(HERE, Trigger::CallOver, HERE);
        self.compare(ctx, report, task, out)
    }

    /// The tree is compared after an answer whose process is gone.
    pub(crate) fn check_again(
        self,
        ctx: &mut Context,
        report: Box<AgentReport>,
        out: &mut Out,
    ) -> Phase {
        self.compare(ctx, report, |call| TaskState::Running { call }, out)
    }

    fn compare(
        self,
        ctx: &mut Context,
        report: Box<AgentReport>,
        task: impl FnOnce(CallId) -> TaskState,
        out: &mut Out,
    ) -> Phase {
        let call = ctx.issue(self.case.work.turn.iteration, CallKind::TreeCheck, self.attempt);
        out.effect(Effect::CheckTree { call, restore: ctx.start.settings.restore_tree });
        let state = State::Checking { task: task(call), report };
        Phase::CriticEvaluating(CriticEvaluating { desk: self, state })
    }

    fn checked(
        mut self,
        ctx: &mut Context,
        task: &TaskState,
        report: Box<AgentReport>,
        check: TreeCheck,
        out: &mut Out,
    ) -> Phase {
        out.event(Event::TreeChecked(Box::new(TreeChecked {
            timestamp: out.stamp.at,
            elapsed_ms: out.stamp.elapsed_ms,
            iteration: self.case.work.turn.iteration,
            attempt: self.attempt,
            check: check.clone(),
        })));
        if matches!(check, TreeCheck::Failed { .. }) {
            self.tell_unverified(ctx, out);
        }
        if let Some(ending) = task.ending() {
            return self.end(ctx, Trigger::Stopped, ending.clone(), out);
        }
        self.left_alone = check == TreeCheck::Unchanged;
        // A change that stays is told to every later call.
        if !(self.left_alone && stays(self.last.tree.as_ref())) {
            self.last.tree = Some(check.clone());
        }
        match check {
            // What would be approved is not known: no verdict counts.
            TreeCheck::Failed { error } => {
                let ending = Ending::with(StopReason::DiffFailed, error);
                self.end(ctx, Trigger::DiffFailed, ending, out)
            }
            TreeCheck::Unchanged | TreeCheck::Changed { .. } => self.decide(ctx, report, out),
        }
    }

    fn decide(mut self, ctx: &mut Context, report: Box<AgentReport>, out: &mut Out) -> Phase {
        match dispose(ctx, &mut self.retries, Role::Critic, &report.outcome, out.stamp) {
            Disposition::Usable => match self.read(&report.text) {
                Ok(verdict) => self.accept(ctx, report, verdict, out),
                Err(problem) => self.ask_again(ctx, report, problem, out),
            },
            Disposition::FailedTurn => self.failed_turn(ctx, report, out),
            Disposition::Wait { until, reason } => {
                let iteration = self.case.work.turn.iteration;
                let next = Try { iteration, attempt: self.attempt + 1 };
                let state = begin_wait(ctx, Role::Critic, next, (until, reason), out);
                out.moved(HERE, Trigger::WaitBegan, HERE);
                self.calling(state)
            }
            Disposition::End(cause, ending) => self.end(ctx, trigger_of(cause), ending, out),
        }
    }

    /// The verdict of a whole answer. A DONE is asked about again where there is doubt what it was
    /// said of: a call that changed the tree may have approved its own work, or what is gone.
    fn read(&self, text: &str) -> Result<Verdict, VerdictProblem> {
        let verdict = verdict::parse(text)?;
        if verdict.decision() != Decision::Done {
            return Ok(verdict);
        }
        if text.len() > TEXT_LIMIT {
            return Err(VerdictProblem::AnswerTooLong);
        }
        if !self.left_alone {
            return Err(VerdictProblem::TreeChanged);
        }
        Ok(verdict)
    }

    /// A call that failed may still have said something: its CONTINUE or ERROR counts, its DONE is
    /// asked for again.
    fn failed_turn(mut self, ctx: &mut Context, report: Box<AgentReport>, out: &mut Out) -> Phase {
        if speaks_though_failed(&report.outcome) {
            match verdict::parse(&report.text) {
                Ok(Verdict::Done { .. }) => {
                    return self.ask_again(ctx, report, VerdictProblem::DoneFromFailedCall, out);
                }
                Ok(verdict) => return self.accept(ctx, report, verdict, out),
                Err(_) => {}
            }
        }
        ctx.critic_failures += 1;
        if ctx.critic_failures >= ctx.limits().max_critic_failures {
            let (critic, failures) = (ctx.agent(Role::Critic), ctx.critic_failures);
            let error = format!("{critic}, failed {failures} times in a row");
            let ending = Ending::with(StopReason::CriticFailed, error);
            return self.end(ctx, Trigger::TooManyFailures, ending, out);
        }
        self.last.problem = None;
        self.try_again(ctx, out)
    }

    fn ask_again(
        mut self,
        ctx: &mut Context,
        report: Box<AgentReport>,
        problem: VerdictProblem,
        out: &mut Out,
    ) -> Phase {
        if self.reasks >= MAX_REASKS {
            self.tell_ruling(Ruling::GivenUp { problem: problem.clone() }, out);
            ctx.critic_failures += 1;
            let unusable = Unusable { problem, tree: self.last.tree.clone() };
            return self.round_over(ctx, report, Judgement::Unusable(unusable), out);
        }
        self.tell_ruling(Ruling::AskedAgain { problem: problem.clone() }, out);
        self.reasks += 1;
        self.last.problem = Some(problem);
        self.try_again(ctx, out)
    }

    fn try_again(self, ctx: &mut Context, out: &mut Out) -> Phase {
        if let Some(ending) = ctx.spent(out.stamp) {
            return self.end(ctx, Trigger::BudgetSpent, ending, out);
        }
        out.moved(HERE, Trigger::TryAgain, HERE);
        self.call_critic(ctx, out)
    }

    fn accept(
        self,
        ctx: &mut Context,
        report: Box<AgentReport>,
        verdict: Verdict,
        out: &mut Out,
    ) -> Phase {
        self.tell_ruling(Ruling::Accepted { verdict: verdict.clone() }, out);
        ctx.critic_failures = 0;
        self.round_over(ctx, report, Judgement::Read(verdict), out)
    }

    fn round_over(
        self,
        ctx: &mut Context,
        report: Box<AgentReport>,
        judgement: Judgement,
        out: &mut Out,
    ) -> Phase {
        RoundEnd {
            case: Arc::unwrap_or_clone(self.case),
            heard: Some(Heard { report, judgement }),
            critic_ms: self.spent_ms,
            usage: self.usage,
        }
        .conclude(ctx, out)
    }

    fn wait_over(self, ctx: &mut Context, out: &mut Out) -> Phase {
        let iteration = self.case.work.turn.iteration;
        tell_wait_over(Role::Critic, Try { iteration, attempt: self.attempt + 1 }, out);
        if let Some(ending) = ctx.spent(out.stamp) {
            return self.end(ctx, Trigger::BudgetSpent, ending, out);
        }
        out.moved(HERE, Trigger::WaitOver, HERE);
        self.call_critic(ctx, out)
    }

    /// The run ends; a resume calls the critic again.
    fn end(self, ctx: &Context, trigger: Trigger, ending: Ending, out: &mut Out) -> Phase {
        out.moved(HERE, trigger, PhaseName::End);
        End::enter(ctx, ending, Left::Critic(Box::new(self)), out)
    }

    /// The turn that was judged, to be captured again.
    pub(crate) fn into_turn(self) -> ActorTurn {
        let asked = Asked { tries: self.attempt, spent_ms: self.spent_ms, looks: self.looks };
        let turn = Arc::unwrap_or_clone(self.case).work.turn;
        ActorTurn { usage: self.usage, asked, ..turn }
    }

    /// The critic is called again, for the process that had the run is gone.
    pub(crate) fn resume(mut self, ctx: &mut Context, out: &mut Out) -> Phase {
        self.retries = Retries::default();
        self.call_critic(ctx, out)
    }

    fn tell_ruling(&self, ruling: Ruling, out: &mut Out) {
        out.event(Event::VerdictReached(Box::new(VerdictReached {
            timestamp: out.stamp.at,
            elapsed_ms: out.stamp.elapsed_ms,
            iteration: self.case.work.turn.iteration,
            attempt: self.attempt,
            ruling,
        })));
    }

    fn tell_unverified(&self, ctx: &Context, out: &mut Out) {
        let iteration = self.case.work.turn.iteration;
        out.event(Event::TreeUnverified(TreeUnverified {
            timestamp: out.stamp.at,
            elapsed_ms: out.stamp.elapsed_ms,
            iteration,
            attempt: self.attempt,
            before: snapshot_ref(&ctx.start.run_id, iteration),
        }));
    }

    fn tell_completed(&self, report: &AgentReport, call_ms: u64, out: &mut Out) {
        out.event(Event::CriticCompleted(Box::new(CriticCompleted {
            timestamp: out.stamp.at,
            elapsed_ms: out.stamp.elapsed_ms,
            iteration: self.case.work.turn.iteration,
            attempt: self.attempt,
            outcome: report.outcome.clone(),
            exit_code: report.exit_code,
            duration_secs: millis(call_ms),
            text: report.text.clone(),
            stdout: report.stdout_file.clone(),
            stderr: report.stderr_file.clone(),
            usage: report.usage.clone(),
            leftovers: report.leftovers,
            text_instead_of: report.text_instead_of.clone(),
        })));
    }
}

fn stop(ctx: &Context, desk: Desk, state: State, ask: StopAsk, out: &mut Out) -> Phase {
    let state = match state {
        State::Calling(state) => {
            ask.tell(matches!(state, AgentState::Stopping { .. }), out);
            match state.stop(ask, out) {
                Ok(state) => State::Calling(state),
                Err(NothingRuns { ending, .. }) => {
                    return desk.end(ctx, Trigger::Stopped, ending, out);
                }
            }
        }
        State::Checking { task, report } => {
            ask.tell(task.ending().is_some(), out);
            State::Checking { task: task.stop(ask, out), report }
        }
    };
    out.moved(HERE, Trigger::StopAsked, HERE);
    Phase::CriticEvaluating(CriticEvaluating { desk, state })
}

fn stays(change: Option<&TreeCheck>) -> bool {
    matches!(change, Some(TreeCheck::Changed { restored: false, .. }))
}

/// Whether a process ran at all, so that the tree may have been touched.
const fn ran(report: &AgentReport) -> bool {
    !matches!(report.outcome, AgentOutcome::NotStarted { .. })
}

/// Whether the call got far enough that its text may be an answer.
const fn speaks_though_failed(outcome: &AgentOutcome) -> bool {
    matches!(outcome, AgentOutcome::Failed { .. } | AgentOutcome::Signaled { .. })
}
