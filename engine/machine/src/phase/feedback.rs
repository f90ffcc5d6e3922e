//! Feedback: a round is over; it is recorded, and the next one begins or the run ends.

use std::sync::Arc;

use codeloops_event::{
    Decision, Event, IterationEnd, Role, StopReason, UsageByRole, Verdict, VerdictProblem,
};

use crate::context::Context;
use crate::input::AgentReport;
use crate::out::Out;
use crate::phase::Phase;
use crate::phase::actor_executing::ActorExecuting;
use crate::phase::capturing_diff::Work;
use crate::phase::end::{Approval, End, Ending};
use crate::phase::left::Left;
use crate::phase::unusable::Unusable;
use crate::prompt::Round;
use crate::prompts::Case;
use crate::transitions::{PhaseName, Trigger};

/// What the critic's answers came to.
pub(crate) enum Judgement {
    Read(Verdict),
    Unusable(Unusable),
}

impl Judgement {
    const fn problem(&self) -> Option<&VerdictProblem> {
        match self {
            Self::Read(_) => None,
            Self::Unusable(unusable) => Some(&unusable.problem),
        }
    }
}

/// A round whose critic has been heard.
pub(crate) struct RoundEnd {
    pub(crate) case: Case,
    /// The critic's report that counted.
    pub(crate) critic: Box<AgentReport>,
    pub(crate) critic_secs: f64,
    pub(crate) usage: UsageByRole,
    pub(crate) judgement: Judgement,
}

/// What takes effect: the critic's word, unless a red gate overrules it.
struct Effective {
    decision: Decision,
    feedback: Option<String>,
    approval: Option<Approval>,
}

impl RoundEnd {
    /// Records the round and goes on.
    pub(crate) fn conclude(self, ctx: &mut Context, out: &mut Out) -> Phase {
        let effective = self.effective();
        ctx.actor_failures = if self.case.work.turn.failed { ctx.actor_failures + 1 } else { 0 };
        Arc::make_mut(&mut ctx.rounds).push(Round {
            iteration: self.case.work.turn.iteration,
            decision: effective.decision,
            feedback: effective.feedback.clone(),
        });
        let iteration = self.case.work.turn.iteration;
        let Effective { decision, feedback, approval } = effective;
        let problem = self.judgement.problem().cloned();
        self.tell_iteration(decision, feedback, out);
        if let Some(approval) = approval {
            out.moved(PhaseName::CriticEvaluating, Trigger::Approved, PhaseName::End);
            return End::approve(ctx, approval, out);
        }
        out.moved(PhaseName::CriticEvaluating, Trigger::VerdictReached, PhaseName::Feedback);
        Feedback { iteration, problem }.leave(ctx, out)
    }

    fn effective(&self) -> Effective {
        let red = self.case.gates.iter().find(|gate| gate.required && !gate.status.is_green());
        match (&self.judgement, red) {
            (Judgement::Read(Verdict::Done { .. }), Some(gate)) => Effective {
                decision: Decision::Continue,
                feedback: Some(format!("The gate `{}` does not pass:\n{}", gate.name, gate.tail)),
                approval: None,
            },
            (Judgement::Read(Verdict::Done { summary, confidence }), None) => Effective {
                decision: Decision::Done,
                feedback: None,
                approval: Some(Approval { summary: summary.clone(), confidence: *confidence }),
            },
            (Judgement::Read(verdict), _) => Effective {
                decision: verdict.decision(),
                feedback: verdict.feedback(),
                approval: None,
            },
            (Judgement::Unusable(unusable), _) => Effective {
                decision: Decision::Error,
                feedback: Some(unusable.feedback()),
                approval: None,
            },
        }
    }

    fn tell_iteration(self, decision: Decision, feedback: Option<String>, out: &mut Out) {
        let Case { work: Work { turn, diff }, gates } = self.case;
        let verdict = match &self.judgement {
            Judgement::Read(verdict) => Some(verdict.decision()),
            Judgement::Unusable(_) => None,
        };
        out.event(Event::Iteration(Box::new(IterationEnd {
            iteration_number: turn.iteration,
            actor_output: turn.report.text,
            actor_stderr: turn.report.stderr,
            actor_exit_code: turn.report.exit_code.unwrap_or(NO_EXIT_CODE),
            actor_duration_secs: turn.duration_secs,
            git_diff: diff.diff,
            git_files_changed: diff.files_changed,
            critic_decision: decision,
            feedback,
            timestamp: out.stamp.at,
            elapsed_ms: out.stamp.elapsed_ms,
            critic_output: Some(self.critic.text),
            critic_verdict: verdict,
            critic_exit_code: self.critic.exit_code,
            critic_duration_secs: Some(self.critic_secs),
            insertions: Some(diff.insertions),
            deletions: Some(diff.deletions),
            tree: Some(diff.tree),
            usage: (self.usage != UsageByRole::default()).then_some(self.usage),
            gates,
            tampering: diff.tampering,
            more_tampering: diff.more_tampering,
        })));
    }
}

/// The exit code in a line whose format asks for one where the operating system gave none.
const NO_EXIT_CODE: i32 = -1;

/// A round ended without approval. Entered, recorded and left within one step.
struct Feedback {
    iteration: u32,
    /// Why it came to no verdict, where it did not.
    problem: Option<VerdictProblem>,
}

impl Feedback {
    fn leave(self, ctx: &mut Context, out: &mut Out) -> Phase {
        if let Some((trigger, ending)) = self.limit_reached(ctx, out) {
            out.moved(PhaseName::Feedback, trigger, PhaseName::End);
            return End::enter(ctx, ending, Left::Round(self.iteration + 1), out);
        }
        out.moved(PhaseName::Feedback, Trigger::NextRound, PhaseName::ActorExecuting);
        Phase::ActorExecuting(ActorExecuting::begin(ctx, self.iteration + 1, out))
    }

    fn limit_reached(&self, ctx: &Context, out: &Out) -> Option<(Trigger, Ending)> {
        let limits = ctx.limits();
        if ctx.actor_failures >= limits.max_actor_failures {
            let (actor, failures) = (ctx.agent(Role::Actor), ctx.actor_failures);
            let error = format!("{actor}, failed {failures} times in a row");
            return Some((Trigger::TooManyFailures, Ending::with(StopReason::ActorFailed, error)));
        }
        if ctx.critic_failures >= limits.max_critic_failures {
            let last =
                self.problem.as_ref().map(|p| format!("; the last answer does not count, {p}"));
            let last = last.unwrap_or_default();
            let (critic, failures) = (ctx.agent(Role::Critic), ctx.critic_failures);
            let error = format!("{critic}, gave no usable verdict {failures} times in a row{last}");
            return Some((Trigger::TooManyFailures, Ending::with(StopReason::CriticFailed, error)));
        }
        if limits.max_iterations.is_some_and(|max| self.iteration >= max) {
            return Some((Trigger::LimitReached, Ending::of(StopReason::MaxIterations)));
        }
        ctx.spent(out.stamp).map(|ending| (Trigger::BudgetSpent, ending))
    }
}
