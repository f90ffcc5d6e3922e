//! What a run goes on with that ended, or broke off with its process.

use std::collections::BTreeMap;

use codeloops_event::{FoundTree, Iteration, ResumedAt, SessionResumed, Stamp, StopReason, TreeId};

use crate::context::Context;
use crate::input::{AgentReport, Resume};
use crate::machine::{CannotResume, Standing};
use crate::out::Out;
use crate::phase::Phase;
use crate::phase::actor_executing::{ActorExecuting, ActorTurn, Asked};
use crate::phase::capturing_diff::{CapturingDiff, Work};
use crate::phase::critic_evaluating::Desk;
use crate::phase::gate_runs::GatesDone;
use crate::phase::running_gates::RunningGates;
use crate::transitions::{PhaseName, Trigger};

/// What is to be done next.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Left {
    /// A turn of the actor's of which nobody saw the end.
    Turn(ActorExecuting),
    /// The next try of a turn.
    NextTry(ActorExecuting),
    /// The changes of a turn are to be captured.
    Capture(ActorTurn),
    /// The baseline is to be taken of this tree, but for these gates.
    Baseline(TreeId, GatesDone),
    /// The gates beside these are to run.
    Gates(Work, GatesDone),
    /// The critic is to be called.
    Critic(Box<Desk>),
    /// The tree is to be compared after this answer of the critic's.
    Answer(Box<Desk>, Box<AgentReport>),
    /// A round is to begin.
    Round(Iteration),
}

impl Left {
    /// Whether the run would not end again at once.
    pub(crate) fn check(self, ctx: &Context, now: Stamp) -> Result<Self, CannotResume> {
        let too_many = match self {
            Self::Round(iteration) => {
                ctx.limits().max_iterations.is_some_and(|max| iteration > max)
            }
            _ => false,
        };
        if too_many {
            return Err(CannotResume::Spent(StopReason::MaxIterations));
        }
        match ctx.spent(now) {
            Some(ending) => Err(CannotResume::Spent(ending.reason)),
            None => Ok(self),
        }
    }

    /// What it goes on with in this tree. Work that is no longer what was captured is captured again:
    /// nobody judges what is not there.
    pub(crate) fn going_on(self, tree: &FoundTree) -> Self {
        match (self, tree) {
            (Self::Baseline(_, done), FoundTree::Changed { tree, .. }) => {
                let results = BTreeMap::new();
                Self::Baseline(tree.clone(), GatesDone { results, ..done })
            }
            (Self::Gates(work, done), FoundTree::Changed { .. }) => {
                let asked = Asked { looks: done.looks, ..work.turn.asked };
                Self::Capture(ActorTurn { asked, ..work.turn })
            }
            (Self::Critic(desk) | Self::Answer(desk, _), FoundTree::Changed { .. }) => {
                Self::Capture(desk.into_turn())
            }
            (left, _) => left,
        }
    }

    /// The line that tells of it.
    pub(crate) fn told(&self, ctx: &Context, resume: Resume, now: Stamp) -> SessionResumed {
        let (iteration, phase) = self.place(ctx);
        SessionResumed {
            timestamp: now.at,
            elapsed_ms: now.elapsed_ms,
            iteration,
            phase,
            codeloops_version: resume.codeloops_version,
            limits: resume.limits,
            tree: resume.tree,
            leftovers: resume.leftovers,
        }
    }

    /// Where that is, and what it finds.
    pub(crate) fn standing(&self, ctx: &Context) -> Standing {
        let (iteration, phase) = self.place(ctx);
        let has_loose_work = matches!(self, Self::Turn(_) | Self::NextTry(_) | Self::Capture(_));
        Standing { iteration, phase, has_loose_work }
    }

    fn place(&self, ctx: &Context) -> (Iteration, ResumedAt) {
        match self {
            Self::Turn(turn) | Self::NextTry(turn) => (turn.iteration(), ResumedAt::ActorExecuting),
            Self::Round(iteration) => (*iteration, ResumedAt::ActorExecuting),
            Self::Capture(turn) => (turn.iteration, ResumedAt::CapturingDiff),
            Self::Baseline(..) => (0, ResumedAt::RunningGates),
            Self::Gates(work, done) if done.results.len() < ctx.start.settings.gates.len() => {
                (work.turn.iteration, ResumedAt::RunningGates)
            }
            Self::Gates(work, _) => (work.turn.iteration, ResumedAt::CriticEvaluating),
            Self::Critic(desk) | Self::Answer(desk, _) => {
                (desk.case.work.turn.iteration, ResumedAt::CriticEvaluating)
            }
        }
    }

    /// The phase that it goes on in.
    pub(crate) const fn phase(&self) -> PhaseName {
        match self {
            Self::Turn(_) | Self::NextTry(_) | Self::Round(_) => PhaseName::ActorExecuting,
            Self::Capture(_) => PhaseName::CapturingDiff,
            Self::Baseline(..) | Self::Gates(..) => PhaseName::RunningGates,
            Self::Critic(_) | Self::Answer(..) => PhaseName::CriticEvaluating,
        }
    }

    /// Goes on.
    pub(crate) fn resume(self, ctx: &mut Context, tree: &FoundTree, out: &mut Out) -> Phase {
        match self {
            Self::Turn(turn) => {
                if turn.broke_off(tree) {
                    ctx.turn_broke_off();
                }
                Phase::ActorExecuting(turn.resume(ctx, out))
            }
            Self::NextTry(turn) => Phase::ActorExecuting(turn.resume(ctx, out)),
            Self::Capture(turn) => CapturingDiff::enter(ctx, turn, out),
            Self::Baseline(tree, done) => {
                let next = RunningGates::baseline(ctx, tree, done, out);
                if next.name() == PhaseName::ActorExecuting {
                    out.moved(PhaseName::RunningGates, Trigger::GatesOver, next.name());
                }
                next
            }
            Self::Gates(work, done) => RunningGates::enter(ctx, work, done, out),
            Self::Critic(desk) => desk.resume(ctx, out),
            Self::Answer(desk, report) => desk.check_again(ctx, report, out),
            Self::Round(iteration) => {
                Phase::ActorExecuting(ActorExecuting::begin(ctx, iteration, out))
            }
        }
    }
}
