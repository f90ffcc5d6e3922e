//! The single list of legal moves: the docs' diagram, the coverage check of the tests and the
//! legality oracle of the properties all come from [`TRANSITIONS`].

use std::fmt;

/// Where the machine stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PhaseName {
    /// The actor works, or is waited for, or is being stopped.
    ActorExecuting,
    /// Snapshot and diff are being taken.
    CapturingDiff,
    /// The user's checks run, before the first round or after the diff.
    RunningGates,
    /// The critic judges, or the tree is compared after it.
    CriticEvaluating,
    /// A round ended without approval; entered, recorded and left within one step.
    Feedback,
    /// Over.
    End,
}

/// What makes the machine move.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "each is said by its name; the table below gives the context")]
pub enum Trigger {
    AgentStarted,
    TurnOver,
    TryAgain,
    WaitBegan,
    WaitOver,
    StopAsked,
    DiffCaptured,
    GateFinished,
    GatesOver,
    CallOver,
    VerdictReached,
    NextRound,
    Approved,
    LimitReached,
    TooManyFailures,
    Stuck,
    NotStarted,
    Refused,
    WaitTooLong,
    BudgetSpent,
    DiffFailed,
    Stopped,
    Resumed,
}

/// One legal move.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Move {
    /// From where.
    pub from: PhaseName,
    /// Why.
    pub on: Trigger,
    /// To where.
    pub to: PhaseName,
}

const fn row(from: PhaseName, on: Trigger, to: PhaseName) -> Move {
    Move { from, on, to }
}

use PhaseName::{ActorExecuting, CapturingDiff, CriticEvaluating, End, Feedback, RunningGates};

/// Every legal move. A move that is not listed here is a defect.
pub const TRANSITIONS: &[Move] = &[
    row(ActorExecuting, Trigger::AgentStarted, ActorExecuting),
    row(ActorExecuting, Trigger::WaitBegan, ActorExecuting),
    row(ActorExecuting, Trigger::WaitOver, ActorExecuting),
    row(ActorExecuting, Trigger::StopAsked, ActorExecuting),
    row(ActorExecuting, Trigger::TurnOver, CapturingDiff),
    row(ActorExecuting, Trigger::NotStarted, End),
    row(ActorExecuting, Trigger::Refused, End),
    row(ActorExecuting, Trigger::WaitTooLong, End),
    row(ActorExecuting, Trigger::BudgetSpent, End),
    row(ActorExecuting, Trigger::Stopped, End),
    row(CapturingDiff, Trigger::DiffCaptured, RunningGates),
    row(CapturingDiff, Trigger::DiffCaptured, CriticEvaluating),
    row(CapturingDiff, Trigger::StopAsked, CapturingDiff),
    row(CapturingDiff, Trigger::DiffFailed, End),
    row(CapturingDiff, Trigger::BudgetSpent, End),
    row(CapturingDiff, Trigger::Stopped, End),
    row(RunningGates, Trigger::GateFinished, RunningGates),
    row(RunningGates, Trigger::GatesOver, RunningGates),
    row(RunningGates, Trigger::GatesOver, ActorExecuting),
    row(RunningGates, Trigger::GatesOver, CriticEvaluating),
    row(RunningGates, Trigger::GatesOver, Feedback),
    row(RunningGates, Trigger::StopAsked, RunningGates),
    row(RunningGates, Trigger::DiffFailed, End),
    row(RunningGates, Trigger::BudgetSpent, End),
    row(RunningGates, Trigger::Stopped, End),
    row(CriticEvaluating, Trigger::AgentStarted, CriticEvaluating),
    row(CriticEvaluating, Trigger::CallOver, CriticEvaluating),
    row(CriticEvaluating, Trigger::TryAgain, CriticEvaluating),
    row(CriticEvaluating, Trigger::WaitBegan, CriticEvaluating),
    row(CriticEvaluating, Trigger::WaitOver, CriticEvaluating),
    row(CriticEvaluating, Trigger::StopAsked, CriticEvaluating),
    row(CriticEvaluating, Trigger::VerdictReached, Feedback),
    row(CriticEvaluating, Trigger::Approved, End),
    row(CriticEvaluating, Trigger::TooManyFailures, End),
    row(CriticEvaluating, Trigger::NotStarted, End),
    row(CriticEvaluating, Trigger::Refused, End),
    row(CriticEvaluating, Trigger::WaitTooLong, End),
    row(CriticEvaluating, Trigger::BudgetSpent, End),
    row(CriticEvaluating, Trigger::DiffFailed, End),
    row(CriticEvaluating, Trigger::Stopped, End),
    row(Feedback, Trigger::NextRound, ActorExecuting),
    row(Feedback, Trigger::LimitReached, End),
    row(Feedback, Trigger::Stuck, End),
    row(Feedback, Trigger::TooManyFailures, End),
    row(Feedback, Trigger::BudgetSpent, End),
    row(ActorExecuting, Trigger::Resumed, ActorExecuting),
    row(CapturingDiff, Trigger::Resumed, CapturingDiff),
    row(RunningGates, Trigger::Resumed, RunningGates),
    row(RunningGates, Trigger::Resumed, CapturingDiff),
    row(CriticEvaluating, Trigger::Resumed, CriticEvaluating),
    row(CriticEvaluating, Trigger::Resumed, CapturingDiff),
    row(End, Trigger::Resumed, ActorExecuting),
    row(End, Trigger::Resumed, CapturingDiff),
    row(End, Trigger::Resumed, RunningGates),
    row(End, Trigger::Resumed, CriticEvaluating),
];

impl fmt::Display for Move {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} --{:?}--> {:?}", self.from, self.on, self.to)
    }
}
