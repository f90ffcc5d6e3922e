//! Feedback: a round is over; it is recorded, and the next one begins or the run ends.

use std::sync::Arc;

use codeloops_event::{
    ApprovalVetoed, Decision, Event, GateResult, Iteration, IterationEnd, Role, StateRepeated,
    StopReason, TamperPolicy, Tampering, UsageByRole, Verdict, VerdictProblem,
};

use crate::context::Context;
use crate::input::AgentReport;
use crate::out::Out;
use crate::phase::Phase;
use crate::phase::actor_executing::{ActorExecuting, millis};
use crate::phase::capturing_diff::Work;
use crate::phase::end::{Approval, End, Ending};
use crate::phase::left::Left;
use crate::phase::unusable::Unusable;
use crate::prompt::{Round, gate_words};
use crate::prompts::Case;
use crate::transitions::{PhaseName, Trigger};

/// What the critic's answers came to.
pub(crate) enum Judgement {
    Read(Verdict),
    Unusable(Unusable),
}

/// The critic's report that counted, and what it came to.
pub(crate) struct Heard {
    pub(crate) report: Box<AgentReport>,
    pub(crate) judgement: Judgement,
}

/// A round whose critic has been heard, or is not asked because of its gates.
pub(crate) struct RoundEnd {
    pub(crate) case: Case,
    pub(crate) heard: Option<Heard>,
    /// How long the critic's tries took.
    pub(crate) critic_ms: u64,
    pub(crate) usage: UsageByRole,
}

/// What takes effect: the critic's word, unless something overrules it.
struct Effective {
    decision: Decision,
    feedback: Option<String>,
    approval: Option<Approval>,
}

impl RoundEnd {
    /// The end of a round whose critic is not asked.
    pub(crate) fn unheard(case: Case) -> Self {
        let (usage, critic_ms) = (case.work.turn.usage.clone(), case.work.turn.asked.spent_ms);
        Self { case, heard: None, critic_ms, usage }
    }

    /// Records the round and goes on.
    pub(crate) fn conclude(self, ctx: &mut Context, out: &mut Out) -> Phase {
        let repeated = self.note_state(ctx, out);
        let Effective { decision, feedback, approval } = self.effective(ctx, out);
        let turn = &self.case.work.turn;
        let iteration = turn.iteration;
        ctx.actor_failures = if turn.failed { ctx.actor_failures + 1 } else { 0 };
        let round = Round { iteration, decision, feedback: feedback.clone() };
        Arc::make_mut(&mut ctx.rounds).push(round);
        let (from, on) = match self.heard {
            Some(_) => (PhaseName::CriticEvaluating, Trigger::VerdictReached),
            None => (PhaseName::RunningGates, Trigger::GatesOver),
        };
        let problem = self.problem().cloned();
        self.tell_iteration(decision, feedback, out);
        if let Some(approval) = approval {
            out.moved(from, Trigger::Approved, PhaseName::End);
            return End::approve(ctx, approval, out);
        }
        out.moved(from, on, PhaseName::Feedback);
        Feedback { iteration, problem, repeated }.leave(ctx, out)
    }

    const fn problem(&self) -> Option<&VerdictProblem> {
        match &self.heard {
            Some(Heard { judgement: Judgement::Unusable(unusable), .. }) => Some(&unusable.problem),
            _ => None,
        }
    }

    fn effective(&self, ctx: &Context, out: &mut Out) -> Effective {
        let verdict = match &self.heard {
            Some(Heard { judgement: Judgement::Read(verdict), .. }) => verdict,
            Some(Heard { judgement: Judgement::Unusable(unusable), .. }) => {
                return self.goes_on(ctx, Decision::Error, &unusable.feedback());
            }
            None => return self.goes_on(ctx, Decision::Continue, ""),
        };
        let objections = Objections::of(&self.case, ctx);
        match verdict {
            Verdict::Done { summary, confidence } if objections.is_empty() => Effective {
                decision: Decision::Done,
                feedback: None,
                approval: Some(Approval { summary: summary.clone(), confidence: *confidence }),
            },
            Verdict::Done { .. } => {
                objections.tell(self.case.work.turn.iteration, out);
                self.goes_on(ctx, Decision::Continue, &objections.tampering_feedback())
            }
            verdict => {
                self.goes_on(ctx, verdict.decision(), &verdict.feedback().unwrap_or_default())
            }
        }
    }

    /// The actor goes on: what was said, and what the gates that block have printed.
    fn goes_on(&self, ctx: &Context, decision: Decision, said: &str) -> Effective {
        let evidence_dir = ctx.start.evidence_dir.as_deref();
        let gates = gate_words::blocking(&self.case.gates, evidence_dir);
        let parts: Vec<&str> =
            [said.trim(), gates.trim()].into_iter().filter(|part| !part.is_empty()).collect();
        let feedback = match parts.as_slice() {
            // There was nothing else to say: the words stay as they came.
            [_] if gates.is_empty() => said.to_owned(),
            parts => parts.join("\n\n"),
        };
        Effective { decision, feedback: Some(feedback), approval: None }
    }

    /// Whether the round ended where an earlier one did, and tells of it.
    fn note_state(&self, ctx: &mut Context, out: &mut Out) -> u32 {
        let iteration = self.case.work.turn.iteration;
        ctx.states.take(iteration, &self.case.work.diff.tree, &self.case.gates);
        let earlier = ctx.states.repeated();
        if !earlier.is_empty() {
            out.event(Event::StateRepeated(StateRepeated {
                timestamp: out.stamp.at,
                elapsed_ms: out.stamp.elapsed_ms,
                iteration,
                earlier: earlier.to_vec(),
            }));
        }
        ctx.states.times()
    }

    fn tell_iteration(self, decision: Decision, feedback: Option<String>, out: &mut Out) {
        let Case { work: Work { turn, diff }, gates } = self.case;
        let verdict = match &self.heard {
            Some(Heard { judgement: Judgement::Read(verdict), .. }) => Some(verdict.decision()),
            _ => None,
        };
        let was_asked = self.heard.is_some() || self.critic_ms > 0;
        let critic = self.heard.map(|heard| heard.report);
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
            critic_exit_code: critic.as_ref().and_then(|critic| critic.exit_code),
            critic_output: critic.map(|critic| critic.text),
            critic_verdict: verdict,
            critic_duration_secs: was_asked.then_some(millis(self.critic_ms)),
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

/// What keeps a DONE from taking effect.
struct Objections<'a> {
    gates: Vec<&'a GateResult>,
    /// Signs of weakened checks, where those count.
    tampering: &'a [Tampering],
    more_tampering: u64,
}

impl<'a> Objections<'a> {
    fn of(case: &'a Case, ctx: &Context) -> Self {
        let diff = &case.work.diff;
        let counts = ctx.start.settings.gate_policy.tamper == TamperPolicy::Veto;
        Self {
            gates: case.gates.iter().filter(|gate| gate.blocks).collect(),
            tampering: if counts { &diff.tampering } else { &[] },
            more_tampering: if counts { diff.more_tampering } else { 0 },
        }
    }

    const fn is_empty(&self) -> bool {
        self.gates.is_empty() && self.tampering.is_empty()
    }

    fn tell(&self, iteration: Iteration, out: &mut Out) {
        out.event(Event::ApprovalVetoed(Box::new(ApprovalVetoed {
            timestamp: out.stamp.at,
            elapsed_ms: out.stamp.elapsed_ms,
            iteration,
            gates: self.gates.iter().map(|gate| gate.name.clone()).collect(),
            tampering: self.more_tampering.saturating_add(self.tampering.len() as u64),
        })));
    }

    fn tampering_feedback(&self) -> String {
        match self.tampering {
            [] => String::new(),
            found => gate_words::tampering_blocks(found, self.more_tampering),
        }
    }
}

/// The exit code in a line whose format asks for one where the operating system gave none.
const NO_EXIT_CODE: i32 = -1;

/// A round ended without approval. Entered, recorded and left within one step.
struct Feedback {
    iteration: u32,
    /// The how manyth time its state was seen.
    repeated: u32,
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
        if self.repeated >= limits.stuck_after.max(2) {
            return Some((Trigger::Stuck, Ending::of(StopReason::Stuck)));
        }
        if limits.max_iterations.is_some_and(|max| self.iteration >= max) {
            return Some((Trigger::LimitReached, Ending::of(StopReason::MaxIterations)));
        }
        ctx.spent(out.stamp).map(|ending| (Trigger::BudgetSpent, ending))
    }
}
