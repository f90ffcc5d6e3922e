//! ActorExecuting: the actor works, or is waited for, or is being stopped.

use codeloops_event::{
    ActorCompleted, AgentStarted, CallKind, Event, FoundTree, Iteration, IterationStarted,
    ProcessInfo, Role, UsageByRole,
};

use crate::context::{Context, LastTurn, add_usage};
use crate::input::{AgentReport, Input};
use crate::out::Out;
use crate::phase::Phase;
use crate::phase::call::{
    AgentState, Disposition, EndCause, NothingRuns, Retries, StopAsk, Try, begin_wait, dispose,
    tell_read_as_text, tell_wait_over,
};
use crate::phase::capturing_diff::CapturingDiff;
use crate::phase::end::End;
use crate::phase::left::Left;
use crate::prompts::Prompt;
use crate::transitions::{PhaseName, Trigger};

/// The actor works.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ActorExecuting {
    iteration: Iteration,
    attempt: u32,
    pub(crate) state: AgentState,
    retries: Retries,
    /// Duration of the tries that are over, in milliseconds.
    spent_ms: u64,
    usage: UsageByRole,
}

/// The actor's turn, once it is over.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ActorTurn {
    pub(crate) iteration: Iteration,
    pub(crate) report: Box<AgentReport>,
    pub(crate) duration_secs: f64,
    pub(crate) failed: bool,
    pub(crate) usage: UsageByRole,
    pub(crate) asked: Asked,
}

/// What became already in this round of work that a resume no longer found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Asked {
    /// Tries of the critic.
    pub(crate) tries: u32,
    /// Their duration, in milliseconds.
    pub(crate) spent_ms: u64,
    /// Looks at the tree after gates.
    pub(crate) looks: u32,
}

impl ActorExecuting {
    /// Begins a round.
    pub(crate) fn begin(ctx: &mut Context, iteration: Iteration, out: &mut Out) -> Self {
        out.event(Event::IterationStarted(IterationStarted {
            timestamp: out.stamp.at,
            elapsed_ms: out.stamp.elapsed_ms,
            iteration,
        }));
        Self {
            iteration,
            attempt: 1,
            state: call_actor(ctx, iteration, 1, out),
            retries: Retries::default(),
            spent_ms: 0,
            usage: UsageByRole::default(),
        }
    }

    pub(crate) fn handle(self, ctx: &mut Context, input: Input, out: &mut Out) -> Phase {
        match input {
            Input::AgentStarted { process, .. } => self.started(ctx, process, out),
            Input::AgentFinished { report, .. } => self.finished(ctx, report, out),
            Input::WaitOver { .. } => self.wait_over(ctx, out),
            Input::StopRequested { signal } => self.stop(ctx, StopAsk::User { signal }, out),
            Input::EngineFailed { reason, error } => {
                self.stop(ctx, StopAsk::Engine { reason, error }, out)
            }
            // Admission lets nothing else through.
            Input::Resumed(_)
            | Input::DiffCaptured { .. }
            | Input::DiffFailed { .. }
            | Input::GateFinished { .. }
            | Input::TreeChecked { .. } => Phase::ActorExecuting(self),
        }
    }

    fn started(self, ctx: &Context, process: ProcessInfo, out: &mut Out) -> Phase {
        out.event(Event::ActorStarted(AgentStarted {
            timestamp: out.stamp.at,
            elapsed_ms: out.stamp.elapsed_ms,
            iteration: self.iteration,
            attempt: self.attempt,
            agent: ctx.start.settings.actor.title.clone(),
            process,
            nonce: None,
        }));
        out.moved(PhaseName::ActorExecuting, Trigger::AgentStarted, PhaseName::ActorExecuting);
        Phase::ActorExecuting(Self { state: self.state.started(), ..self })
    }

    fn finished(mut self, ctx: &mut Context, report: Box<AgentReport>, out: &mut Out) -> Phase {
        let call_ms = out.stamp.elapsed_ms.saturating_sub(self.state.since(out.stamp).elapsed_ms);
        self.spent_ms += call_ms;
        ctx.add_usage(Role::Actor, &report);
        add_usage(&mut self.usage, Role::Actor, report.usage.as_ref());
        self.tell_completed(&report, call_ms, out);
        let this = Try { iteration: self.iteration, attempt: self.attempt };
        tell_read_as_text(ctx, Role::Actor, this, &report, out);
        ctx.last_turn = Some(LastTurn::Ended(report.outcome.clone()));
        ctx.keep_conversation(&report);
        if let AgentState::Stopping { ending, .. } = &self.state {
            out.moved(PhaseName::ActorExecuting, Trigger::Stopped, PhaseName::End);
            return End::enter(ctx, ending.clone(), Left::NextTry(self), out);
        }
        match dispose(ctx, &mut self.retries, Role::Actor, &report.outcome, out.stamp) {
            Disposition::Usable => self.turn_over(ctx, report, false, out),
            Disposition::FailedTurn => self.turn_over(ctx, report, true, out),
            Disposition::Wait { until, reason } => self.wait(ctx, (until, reason), out),
            Disposition::End(cause, ending) => {
                out.moved(PhaseName::ActorExecuting, trigger_of(cause), PhaseName::End);
                End::enter(ctx, ending, Left::NextTry(self), out)
            }
        }
    }

    fn turn_over(
        self,
        ctx: &mut Context,
        report: Box<AgentReport>,
        failed: bool,
        out: &mut Out,
    ) -> Phase {
        let turn = ActorTurn {
            iteration: self.iteration,
            report,
            duration_secs: millis(self.spent_ms),
            failed,
            usage: self.usage,
            asked: Asked::default(),
        };
        out.moved(PhaseName::ActorExecuting, Trigger::TurnOver, PhaseName::CapturingDiff);
        CapturingDiff::enter(ctx, turn, out)
    }

    fn wait(
        mut self,
        ctx: &mut Context,
        what: (codeloops_event::Timestamp, String),
        out: &mut Out,
    ) -> Phase {
        let next = Try { iteration: self.iteration, attempt: self.attempt + 1 };
        self.state = begin_wait(ctx, Role::Actor, next, what, out);
        out.moved(PhaseName::ActorExecuting, Trigger::WaitBegan, PhaseName::ActorExecuting);
        Phase::ActorExecuting(self)
    }

    fn wait_over(self, ctx: &mut Context, out: &mut Out) -> Phase {
        let next = Try { iteration: self.iteration, attempt: self.attempt + 1 };
        tell_wait_over(Role::Actor, next, out);
        if let Some(ending) = ctx.spent(out.stamp) {
            out.moved(PhaseName::ActorExecuting, Trigger::BudgetSpent, PhaseName::End);
            return End::enter(ctx, ending, Left::NextTry(self), out);
        }
        out.moved(PhaseName::ActorExecuting, Trigger::WaitOver, PhaseName::ActorExecuting);
        Phase::ActorExecuting(self.next_call(ctx, out))
    }

    fn next_call(mut self, ctx: &mut Context, out: &mut Out) -> Self {
        self.attempt += 1;
        self.state = call_actor(ctx, self.iteration, self.attempt, out);
        self
    }

    /// Whether the actor may have begun to work in a call of which nobody saw the end.
    pub(crate) fn broke_off(&self, tree: &FoundTree) -> bool {
        self.state.process_known() || *tree != FoundTree::AsLeft
    }

    pub(crate) const fn iteration(&self) -> Iteration {
        self.iteration
    }

    /// The actor is called again, for the process that had the run is gone. A call that waits is made
    /// at once: if it has to wait still, it will be told so.
    pub(crate) fn resume(mut self, ctx: &mut Context, out: &mut Out) -> Self {
        self.retries = Retries::default();
        self.next_call(ctx, out)
    }

    fn stop(mut self, ctx: &Context, ask: StopAsk, out: &mut Out) -> Phase {
        ask.tell(matches!(self.state, AgentState::Stopping { .. }), out);
        match self.state.stop(ask, out) {
            Ok(state) => {
                out.moved(PhaseName::ActorExecuting, Trigger::StopAsked, PhaseName::ActorExecuting);
                self.state = state;
                Phase::ActorExecuting(self)
            }
            Err(NothingRuns { ending, state }) => {
                out.moved(PhaseName::ActorExecuting, Trigger::Stopped, PhaseName::End);
                self.state = state;
                End::enter(ctx, ending, Left::NextTry(self), out)
            }
        }
    }

    fn tell_completed(&self, report: &AgentReport, call_ms: u64, out: &mut Out) {
        out.event(Event::ActorCompleted(Box::new(ActorCompleted {
            timestamp: out.stamp.at,
            elapsed_ms: out.stamp.elapsed_ms,
            iteration: self.iteration,
            attempt: self.attempt,
            outcome: report.outcome.clone(),
            exit_code: report.exit_code,
            duration_secs: millis(call_ms),
            stdout: report.stdout_file.clone(),
            stderr: report.stderr_file.clone(),
            agent_session: report.agent_session.clone(),
            usage: report.usage.clone(),
            conversation_usage: report.conversation_usage.clone(),
            leftovers: report.leftovers,
            text_instead_of: report.text_instead_of.clone(),
        })));
    }
}

fn call_actor(ctx: &mut Context, iteration: Iteration, attempt: u32, out: &mut Out) -> AgentState {
    let call = ctx.issue(iteration, CallKind::Actor, attempt);
    let prompt = Prompt::for_actor(ctx);
    AgentState::run(ctx, call, Role::Actor, prompt, out)
}

/// The trigger that stands in the table for the end that an agent call leads to.
pub(crate) const fn trigger_of(cause: EndCause) -> Trigger {
    match cause {
        EndCause::NotStarted => Trigger::NotStarted,
        EndCause::Refused => Trigger::Refused,
        EndCause::WaitTooLong => Trigger::WaitTooLong,
        EndCause::BudgetSpent => Trigger::BudgetSpent,
    }
}

/// Milliseconds as seconds.
#[expect(clippy::cast_precision_loss, reason = "2^53 ms are 285,000 years")]
pub(crate) fn millis(ms: u64) -> f64 {
    ms as f64 / 1000.0
}
