//! [`Machine`]: the whole state of a run, and the one function that changes it.

use codeloops_event::{
    AnswerIgnored, CallId, CallKind, Event, Iteration, Limits, ResumedAt, Stamp, StopReason,
};

use crate::context::Context;
use crate::effect::Effect;
use crate::input::{Input, Resume, Stamped, Start};
use crate::out::Out;
use crate::phase::Phase;
use crate::phase::gate_runs::GatesDone;
use crate::phase::running_gates::RunningGates;
use crate::transitions::{Move, PhaseName, Trigger};

/// The state of a run. It can only be made by [`Machine::start`] and changed by [`Machine::step`].
#[derive(Debug, Clone, PartialEq)]
pub struct Machine {
    /// Boxed, for a step moves the machine.
    ctx: Box<Context>,
    phase: Phase,
}

/// What one step came to.
#[derive(Debug, Clone, PartialEq)]
#[must_use = "the events must be published and the effects performed"]
pub struct Step {
    /// The machine after the step.
    pub machine: Machine,
    /// What to publish, in order.
    pub events: Vec<Event>,
    /// What to do, in order.
    pub effects: Vec<Effect>,
    /// The moves it made; each stands in [`crate::TRANSITIONS`].
    pub moves: Vec<Move>,
}

/// An input that this machine cannot have got; the machine comes back unchanged.
#[derive(Debug, Clone, PartialEq)]
pub struct Rejected {
    /// The machine, as it was.
    pub machine: Machine,
    /// Why.
    pub reason: RejectReason,
}

/// Why an input was rejected. Each but the last is a defect of the driver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RejectReason {
    /// The run is over.
    Ended,
    /// The call was never made.
    UnknownCall(CallId),
    /// The input cannot answer a call of this kind.
    WrongAnswer {
        /// The call.
        call: CallId,
        /// The input's kind.
        input: &'static str,
    },
    /// The call's process was already told of.
    StartedTwice(CallId),
    /// There is nothing to go on with.
    CannotResume(CannotResume),
}

/// Where a run goes on that is resumed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// In which round.
    pub iteration: Iteration,
    /// Where in it.
    pub phase: ResumedAt,
    /// Whether the actor's work is in the working tree, and in no snapshot yet.
    pub has_loose_work: bool,
}

/// Why a run cannot be resumed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CannotResume {
    /// It was approved.
    Approved,
    /// It would end again at once: this limit is used up.
    Spent(StopReason),
}

impl std::fmt::Display for RejectReason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Ended => f.write_str("the run is over"),
            Self::UnknownCall(call) => write!(f, "call {call} was never made"),
            Self::WrongAnswer { call, input } => write!(f, "{input} does not answer call {call}"),
            Self::StartedTwice(call) => write!(f, "call {call} was already told of as started"),
            Self::CannotResume(CannotResume::Approved) => f.write_str("the run was approved"),
            Self::CannotResume(CannotResume::Spent(limit)) => {
                write!(f, "the run would end again at once ({limit})")
            }
        }
    }
}

impl Machine {
    /// Begins a run.
    pub fn start(start: Stamped<Start>) -> Step {
        let mut ctx = Box::new(Context::new(start.input));
        let mut out = Out::new(start.stamp, start.nonce);
        out.event(Event::SessionStart(Box::new(ctx.session_start(start.stamp))));
        let tree = ctx.start.base_tree.clone();
        let phase = RunningGates::baseline(&mut ctx, tree, GatesDone::default(), &mut out);
        out.into_step(Self { ctx, phase })
    }

    /// Takes one input. Total and deterministic.
    ///
    /// # Errors
    ///
    /// [`Rejected`] gives the machine back unchanged where the input cannot have happened.
    pub fn step(mut self, input: Stamped<Input>) -> Result<Step, Box<Rejected>> {
        let mut out = Out::new(input.stamp, input.nonce);
        let input = match input.input {
            Input::Resumed(resume) => return self.resume(*resume, out),
            input => input,
        };
        match self.admit(&input) {
            Admission::Rejected(reason) => {
                return Err(Box::new(Rejected { machine: self, reason }));
            }
            Admission::Stale(call) => {
                out.event(Event::AnswerIgnored(AnswerIgnored {
                    timestamp: out.stamp.at,
                    elapsed_ms: out.stamp.elapsed_ms,
                    call,
                }));
            }
            Admission::Welcome => {
                self.ctx.redacted = self.ctx.redacted.saturating_add(input.redacted());
                self.phase = self.phase.handle(&mut self.ctx, input, &mut out);
            }
        }
        Ok(out.into_step(self))
    }

    /// Goes on where the run stood when its process was gone.
    fn resume(self, resume: Resume, mut out: Out) -> Result<Step, Box<Rejected>> {
        let mut ctx = self.ctx.clone();
        let tree = resume.tree.clone();
        ctx.resume(&resume.limits);
        ctx.take_task(resume.task.as_deref());
        ctx.take_verify(resume.verify.as_deref());
        let left = match self.phase.clone().left() {
            Some(left) => left.check(&ctx, out.stamp),
            None => Err(CannotResume::Approved),
        };
        let left = match left {
            Ok(left) => left,
            Err(reason) => {
                let reason = RejectReason::CannotResume(reason);
                return Err(Box::new(Rejected { machine: self, reason }));
            }
        };
        let next = left.going_on(&tree);
        out.event(Event::SessionResumed(Box::new(next.told(&ctx, resume, out.stamp))));
        out.moved(self.phase.name(), Trigger::Resumed, next.phase());
        let phase = next.resume(&mut ctx, &tree, &mut out);
        Ok(out.into_step(Self { ctx, phase }))
    }

    /// Whether a resume with these limits would go on, and where, in a working tree that is as the run
    /// left it.
    ///
    /// # Errors
    ///
    /// Where there is nothing to go on with.
    pub fn resumes_at(&self, limits: &Limits, now: Stamp) -> Result<Standing, CannotResume> {
        let mut ctx = self.ctx.clone();
        ctx.resume(limits);
        let left = self.phase.clone().left().ok_or(CannotResume::Approved)?;
        Ok(left.check(&ctx, now)?.standing(&ctx))
    }

    /// Where the machine stands.
    #[must_use]
    pub const fn phase(&self) -> PhaseName {
        self.phase.name()
    }

    /// Whether the run is over.
    #[must_use]
    pub const fn has_ended(&self) -> bool {
        matches!(self.phase, Phase::End(_))
    }

    /// The call whose answer is awaited, the first where several gates run at once; `None` when the run
    /// is over.
    #[must_use]
    pub fn awaited(&self) -> Option<CallId> {
        self.phase.awaited().first().copied()
    }

    /// All calls whose answers are awaited.
    #[must_use]
    pub fn awaited_calls(&self) -> Vec<CallId> {
        self.phase.awaited()
    }

    fn admit(&self, input: &Input) -> Admission {
        let awaited = self.phase.awaited();
        if awaited.is_empty() {
            return Admission::Rejected(RejectReason::Ended);
        }
        let Some(call) = input.call() else {
            return Admission::Welcome;
        };
        if !answers(input, call.kind) {
            return Admission::Rejected(RejectReason::WrongAnswer { call, input: input.name() });
        }
        if awaited.contains(&call) {
            let twice = matches!(input, Input::AgentStarted { .. }) && self.phase.agent_runs();
            return if twice {
                Admission::Rejected(RejectReason::StartedTwice(call))
            } else {
                Admission::Welcome
            };
        }
        if self.ctx.was_issued(call) {
            Admission::Stale(call)
        } else {
            Admission::Rejected(RejectReason::UnknownCall(call))
        }
    }
}

enum Admission {
    Welcome,
    Stale(CallId),
    Rejected(RejectReason),
}

const fn answers(input: &Input, kind: CallKind) -> bool {
    match input {
        Input::AgentStarted { .. } | Input::AgentFinished { .. } => {
            matches!(kind, CallKind::Actor | CallKind::Critic)
        }
        Input::DiffCaptured { .. } | Input::DiffFailed { .. } => matches!(kind, CallKind::Diff),
        Input::GateFinished { .. } => matches!(kind, CallKind::Gate),
        Input::TreeChecked { .. } => {
            matches!(kind, CallKind::TreeCheck | CallKind::GateTreeCheck)
        }
        Input::WaitOver { .. } => matches!(kind, CallKind::ActorWait | CallKind::CriticWait),
        Input::StopRequested { .. } | Input::Resumed(_) | Input::EngineFailed { .. } => true,
    }
}
