//! RunningGates: the user's checks run, one after the other. Skipped where there are none.

use codeloops_event::{CallKind, Event, GateCompleted, GateResult};

use crate::context::Context;
use crate::effect::{Effect, GateCall};
use crate::input::{GateReport, Input};
use crate::out::Out;
use crate::phase::Phase;
use crate::phase::call::{StopAsk, TaskState};
use crate::phase::capturing_diff::Work;
use crate::phase::critic_evaluating::CriticEvaluating;
use crate::phase::end::End;
use crate::phase::left::Left;
use crate::transitions::{PhaseName, Trigger};

/// The user's checks run.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct RunningGates {
    pub(crate) work: Work,
    pub(crate) results: Vec<GateResult>,
    pub(crate) state: TaskState,
}

impl RunningGates {
    /// Runs the gate that comes after the results so far, or goes on to the critic.
    pub(crate) fn enter(
        ctx: &mut Context,
        work: Work,
        results: Vec<GateResult>,
        out: &mut Out,
    ) -> Phase {
        let Some(gate) = ctx.start.settings.gates.get(results.len()).cloned() else {
            return CriticEvaluating::enter(ctx, work, results, out);
        };
        let position = u32::try_from(results.len() + 1).unwrap_or(u32::MAX);
        let call = ctx.issue(work.turn.iteration, CallKind::Gate, position);
        let tree = work.diff.tree.clone();
        out.effect(Effect::RunGate(Box::new(GateCall { call, gate, tree, deadline: None })));
        Phase::RunningGates(Self { work, results, state: TaskState::Running { call } })
    }

    pub(crate) fn handle(self, ctx: &mut Context, input: Input, out: &mut Out) -> Phase {
        match input {
            Input::GateFinished { report, .. } => self.finished(ctx, *report, out),
            Input::StopRequested { signal } => self.stop(StopAsk::User { signal }, out),
            Input::EngineFailed { reason, error } => {
                self.stop(StopAsk::Engine { reason, error }, out)
            }
            // Admission lets nothing else through.
            Input::Resumed(_)
            | Input::AgentStarted { .. }
            | Input::AgentFinished { .. }
            | Input::DiffCaptured { .. }
            | Input::DiffFailed { .. }
            | Input::TreeChecked { .. }
            | Input::WaitOver { .. } => Phase::RunningGates(self),
        }
    }

    fn finished(mut self, ctx: &mut Context, report: GateReport, out: &mut Out) -> Phase {
        let gate = &ctx.start.settings.gates[self.results.len()];
        let result = crate::gates::result(gate, report, None);
        out.event(Event::GateCompleted(Box::new(GateCompleted {
            timestamp: out.stamp.at,
            elapsed_ms: out.stamp.elapsed_ms,
            iteration: self.work.turn.iteration,
            gate: result.clone(),
        })));
        self.results.push(result);
        if let Some(ending) = self.state.ending() {
            out.moved(PhaseName::RunningGates, Trigger::Stopped, PhaseName::End);
            return End::enter(ctx, ending.clone(), Left::Gates(self.work, self.results), out);
        }
        if let Some(ending) = ctx.spent(out.stamp) {
            out.moved(PhaseName::RunningGates, Trigger::BudgetSpent, PhaseName::End);
            return End::enter(ctx, ending, Left::Gates(self.work, self.results), out);
        }
        let next = Self::enter(ctx, self.work, self.results, out);
        out.moved(PhaseName::RunningGates, Trigger::GateFinished, next.name());
        next
    }

    fn stop(self, ask: StopAsk, out: &mut Out) -> Phase {
        ask.tell(self.state.ending().is_some(), out);
        out.moved(PhaseName::RunningGates, Trigger::StopAsked, PhaseName::RunningGates);
        Phase::RunningGates(Self { state: self.state.stop(ask, out), ..self })
    }
}
