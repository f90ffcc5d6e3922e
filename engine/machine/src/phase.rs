//! One struct per phase, named after what it waits for and consumed by its handler.

pub(crate) mod actor_executing;
pub(crate) mod call;
pub(crate) mod capturing_diff;
pub(crate) mod critic_evaluating;
pub(crate) mod end;
pub(crate) mod feedback;
pub(crate) mod gate_runs;
pub(crate) mod left;
pub(crate) mod running_gates;
pub(crate) mod unusable;

use codeloops_event::CallId;

use crate::context::Context;
use crate::input::Input;
use crate::out::Out;
use crate::transitions::PhaseName;

use actor_executing::ActorExecuting;
use capturing_diff::CapturingDiff;
use critic_evaluating::CriticEvaluating;
use end::End;
use left::Left;
use running_gates::RunningGates;

/// Where the machine stands, with what that phase knows. `Feedback` is never stored: it is entered,
/// recorded and left within one step.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Phase {
    ActorExecuting(ActorExecuting),
    CapturingDiff(CapturingDiff),
    RunningGates(RunningGates),
    CriticEvaluating(CriticEvaluating),
    End(End),
}

impl Phase {
    pub(crate) const fn name(&self) -> PhaseName {
        match self {
            Self::ActorExecuting(_) => PhaseName::ActorExecuting,
            Self::CapturingDiff(_) => PhaseName::CapturingDiff,
            Self::RunningGates(_) => PhaseName::RunningGates,
            Self::CriticEvaluating(_) => PhaseName::CriticEvaluating,
            Self::End(_) => PhaseName::End,
        }
    }

    /// The calls whose answers are awaited; several where gates run at once.
    pub(crate) fn awaited(&self) -> Vec<CallId> {
        match self {
            Self::ActorExecuting(p) => vec![p.state.call()],
            Self::CapturingDiff(p) => vec![p.state.call()],
            Self::RunningGates(p) => p.awaited(),
            Self::CriticEvaluating(p) => vec![p.awaited()],
            Self::End(_) => Vec::new(),
        }
    }

    /// Whether the awaited call is an agent whose process was told of.
    pub(crate) const fn agent_runs(&self) -> bool {
        match self {
            Self::ActorExecuting(p) => p.state.process_known(),
            Self::CriticEvaluating(p) => p.process_known(),
            Self::CapturingDiff(_) | Self::RunningGates(_) | Self::End(_) => false,
        }
    }

    /// What a run that stood here goes on with when its process is gone; nothing where it was approved.
    pub(crate) fn left(self) -> Option<Left> {
        Some(match self {
            Self::ActorExecuting(p) => Left::Turn(p),
            Self::CapturingDiff(p) => Left::Capture(p.turn),
            Self::RunningGates(p) => p.left(),
            Self::CriticEvaluating(p) => p.left(),
            Self::End(p) => *p.left?,
        })
    }

    /// Takes an input that the machine has admitted: it answers the awaited call, or none.
    pub(crate) fn handle(self, ctx: &mut Context, input: Input, out: &mut Out) -> Self {
        match self {
            Self::ActorExecuting(p) => p.handle(ctx, input, out),
            Self::CapturingDiff(p) => p.handle(ctx, input, out),
            Self::RunningGates(p) => p.handle(ctx, input, out),
            Self::CriticEvaluating(p) => p.handle(ctx, input, out),
            Self::End(p) => Self::End(p),
        }
    }
}
