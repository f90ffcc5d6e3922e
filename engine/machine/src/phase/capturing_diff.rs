//! CapturingDiff: snapshot and diff are being taken.

use codeloops_event::{CallKind, CapturedDiff, DiffCaptured, DiffFailed, Event, StopReason};

use crate::context::Context;
use crate::effect::Effect;
use crate::input::Input;
use crate::out::Out;
use crate::phase::Phase;
use crate::phase::actor_executing::ActorTurn;
use crate::phase::call::{StopAsk, TaskState};
use crate::phase::end::{End, Ending};
use crate::phase::gate_runs::GatesDone;
use crate::phase::left::Left;
use crate::phase::running_gates::RunningGates;
use crate::transitions::{PhaseName, Trigger};

/// Snapshot and diff are being taken.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct CapturingDiff {
    pub(crate) turn: ActorTurn,
    pub(crate) state: TaskState,
}

/// What a critic can judge: an actor's turn and what it changed. Only a captured diff makes one.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Work {
    pub(crate) turn: ActorTurn,
    pub(crate) diff: Box<CapturedDiff>,
}

impl CapturingDiff {
    pub(crate) fn enter(ctx: &mut Context, turn: ActorTurn, out: &mut Out) -> Phase {
        let call = ctx.issue(turn.iteration, CallKind::Diff, 1);
        out.effect(Effect::CaptureDiff { call });
        Phase::CapturingDiff(Self { turn, state: TaskState::Running { call } })
    }

    pub(crate) fn handle(self, ctx: &mut Context, input: Input, out: &mut Out) -> Phase {
        match input {
            Input::DiffCaptured { diff, .. } => self.captured(ctx, diff, out),
            Input::DiffFailed { error, .. } => self.failed(ctx, error, out),
            Input::StopRequested { signal } => self.stop(StopAsk::User { signal }, out),
            Input::EngineFailed { reason, error } => {
                self.stop(StopAsk::Engine { reason, error }, out)
            }
            // Admission lets nothing else through.
            Input::Resumed(_)
            | Input::AgentStarted { .. }
            | Input::AgentFinished { .. }
            | Input::GateFinished { .. }
            | Input::TreeChecked { .. }
            | Input::WaitOver { .. } => Phase::CapturingDiff(self),
        }
    }

    fn captured(self, ctx: &mut Context, diff: Box<CapturedDiff>, out: &mut Out) -> Phase {
        self.tell_captured(&diff, out);
        let done = GatesDone { looks: self.turn.asked.looks, ..GatesDone::default() };
        let work = Work { turn: self.turn, diff };
        if let Some(ending) = self.state.ending() {
            out.moved(PhaseName::CapturingDiff, Trigger::Stopped, PhaseName::End);
            return End::enter(ctx, ending.clone(), Left::Gates(work, done), out);
        }
        if let Some(ending) = ctx.spent(out.stamp) {
            out.moved(PhaseName::CapturingDiff, Trigger::BudgetSpent, PhaseName::End);
            return End::enter(ctx, ending, Left::Gates(work, done), out);
        }
        let gates = !ctx.start.settings.gates.is_empty();
        let to = if gates { PhaseName::RunningGates } else { PhaseName::CriticEvaluating };
        out.moved(PhaseName::CapturingDiff, Trigger::DiffCaptured, to);
        RunningGates::enter(ctx, work, done, out)
    }

    fn failed(self, ctx: &Context, error: String, out: &mut Out) -> Phase {
        out.event(Event::DiffFailed(DiffFailed {
            timestamp: out.stamp.at,
            elapsed_ms: out.stamp.elapsed_ms,
            iteration: self.turn.iteration,
            error: error.clone(),
        }));
        let (trigger, ending) = match self.state.ending() {
            Some(ending) => (Trigger::Stopped, ending.clone()),
            None => (Trigger::DiffFailed, Ending::with(StopReason::DiffFailed, error)),
        };
        out.moved(PhaseName::CapturingDiff, trigger, PhaseName::End);
        End::enter(ctx, ending, Left::Capture(self.turn), out)
    }

    fn stop(self, ask: StopAsk, out: &mut Out) -> Phase {
        ask.tell(self.state.ending().is_some(), out);
        out.moved(PhaseName::CapturingDiff, Trigger::StopAsked, PhaseName::CapturingDiff);
        Phase::CapturingDiff(Self { state: self.state.stop(ask, out), ..self })
    }

    fn tell_captured(&self, diff: &CapturedDiff, out: &mut Out) {
        out.event(Event::DiffCaptured(Box::new(DiffCaptured {
            timestamp: out.stamp.at,
            elapsed_ms: out.stamp.elapsed_ms,
            iteration: self.turn.iteration,
            tree: diff.tree.clone(),
            files_changed: diff.files_changed,
            insertions: diff.insertions,
            deletions: diff.deletions,
            patch: diff.patch.clone(),
            notes: diff.notes.clone(),
            tampering: diff.tampering.clone(),
            more_tampering: diff.more_tampering,
        })));
    }
}
