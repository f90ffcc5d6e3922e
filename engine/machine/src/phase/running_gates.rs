//! RunningGates: the user's checks run, before the first round as its baseline, and in each round after
//! the diff. Skipped where there is none to run.

use codeloops_event::{CallId, GateSettings, OnGateFailure, TreeId};

use crate::context::Context;
use crate::input::Input;
use crate::out::Out;
use crate::phase::Phase;
use crate::phase::actor_executing::ActorExecuting;
use crate::phase::call::StopAsk;
use crate::phase::capturing_diff::Work;
use crate::phase::critic_evaluating::CriticEvaluating;
use crate::phase::end::{End, Ending};
use crate::phase::feedback::RoundEnd;
use crate::phase::gate_runs::{EndCause, GateRuns, GatesDone, Position, Progress};
use crate::phase::left::Left;
use crate::prompts::Case;
use crate::transitions::{PhaseName, Trigger};

/// The user's checks run.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct RunningGates {
    runs: GateRuns,
    then: Then,
}

/// What comes after them.
#[derive(Debug, Clone, PartialEq)]
enum Then {
    /// The first round: they are its baseline, taken of this tree.
    FirstRound(TreeId),
    /// This work is judged.
    Judge(Box<Work>),
}

impl RunningGates {
    /// Runs the gates that have no result yet, or goes on to what comes after them.
    pub(crate) fn enter(ctx: &mut Context, work: Work, done: GatesDone, out: &mut Out) -> Phase {
        let all = positions(ctx, |_| true);
        let of = (work.turn.iteration, &work.diff.tree);
        match GateRuns::begin(ctx, of, all, done, out) {
            Ok(runs) => Phase::RunningGates(Self { runs, then: Then::Judge(Box::new(work)) }),
            Err(done) => judge(ctx, work, done, out),
        }
    }

    /// Takes the baseline of the gates whose state before the run matters, or begins the first round.
    pub(crate) fn baseline(
        ctx: &mut Context,
        tree: TreeId,
        done: GatesDone,
        out: &mut Out,
    ) -> Phase {
        let matters = ctx.start.settings.gate_policy.baseline;
        let due = positions(ctx, |gate| matters && gate.required && gate.baseline);
        match GateRuns::begin(ctx, (0, &tree), due, done, out) {
            Ok(runs) => Phase::RunningGates(Self { runs, then: Then::FirstRound(tree) }),
            Err(done) => first_round(ctx, done, out),
        }
    }

    pub(crate) fn awaited(&self) -> Vec<CallId> {
        self.runs.awaited()
    }

    /// What is left of it without its process.
    pub(crate) fn left(self) -> Left {
        self.then.left(self.runs.into_done())
    }

    pub(crate) fn handle(self, ctx: &mut Context, input: Input, out: &mut Out) -> Phase {
        let Self { runs, then } = self;
        let (on, progress) = match input {
            Input::GateFinished { call, report } => {
                (Trigger::GateFinished, runs.finished(ctx, call, *report, out))
            }
            Input::TreeChecked { check, .. } => (Trigger::GatesOver, runs.checked(ctx, check, out)),
            Input::StopRequested { signal } => {
                (Trigger::StopAsked, Progress::Going(runs.stop(StopAsk::User { signal }, out)))
            }
            Input::EngineFailed { reason, error } => {
                let ask = StopAsk::Engine { reason, error };
                (Trigger::StopAsked, Progress::Going(runs.stop(ask, out)))
            }
            // Admission lets nothing else through.
            Input::Resumed(_)
            | Input::AgentStarted { .. }
            | Input::AgentFinished { .. }
            | Input::DiffCaptured { .. }
            | Input::DiffFailed { .. }
            | Input::WaitOver { .. } => return Phase::RunningGates(Self { runs, then }),
        };
        then.after(ctx, on, progress, out)
    }
}

impl Then {
    fn after(self, ctx: &mut Context, on: Trigger, progress: Progress, out: &mut Out) -> Phase {
        match (progress, self) {
            (Progress::Going(runs), then) => {
                out.moved(PhaseName::RunningGates, on, PhaseName::RunningGates);
                Phase::RunningGates(RunningGates { runs, then })
            }
            (Progress::Ends(done, cause), then) => {
                let (trigger, ending) = ended(cause);
                out.moved(PhaseName::RunningGates, trigger, PhaseName::End);
                End::enter(ctx, ending, then.left(done), out)
            }
            (Progress::Through(done), Self::FirstRound(_)) => {
                out.moved(PhaseName::RunningGates, Trigger::GatesOver, PhaseName::ActorExecuting);
                first_round(ctx, done, out)
            }
            (Progress::Through(done), Self::Judge(work)) => judge(ctx, *work, done, out),
        }
    }

    fn left(self, done: GatesDone) -> Left {
        match self {
            Self::FirstRound(tree) => Left::Baseline(tree, done),
            Self::Judge(work) => Left::Gates(*work, done),
        }
    }
}

fn ended(cause: EndCause) -> (Trigger, Ending) {
    match cause {
        EndCause::Stopped(ending) => (Trigger::Stopped, ending),
        EndCause::BudgetSpent(ending) => (Trigger::BudgetSpent, ending),
        EndCause::TreeUnknown(ending) => (Trigger::DiffFailed, ending),
    }
}

fn positions(ctx: &Context, is_due: impl Fn(&GateSettings) -> bool) -> Vec<Position> {
    let gates = (1..).zip(&ctx.start.settings.gates);
    gates.filter(|(_, gate)| is_due(gate)).map(|(at, _)| at).collect()
}

fn first_round(ctx: &mut Context, done: GatesDone, out: &mut Out) -> Phase {
    ctx.baseline = done.results.into();
    Phase::ActorExecuting(ActorExecuting::begin(ctx, 1, out))
}

/// The critic is asked, or where the settings save its tokens, the actor hears at once of a gate that
/// blocks.
fn judge(ctx: &mut Context, work: Work, done: GatesDone, out: &mut Out) -> Phase {
    let looks = done.looks;
    let gates = done.into_results();
    let ran = !gates.is_empty();
    let to_actor = ctx.start.settings.gate_policy.on_failure == OnGateFailure::Actor;
    if to_actor && gates.iter().any(|gate| gate.blocks) {
        return RoundEnd::unheard(Case { work, gates }).conclude(ctx, out);
    }
    if ran {
        out.moved(PhaseName::RunningGates, Trigger::GatesOver, PhaseName::CriticEvaluating);
    }
    CriticEvaluating::enter(ctx, work, (gates, looks), out)
}
