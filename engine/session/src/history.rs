//! A session's lines folded into its rounds. Pure: what is not in the lines is not in here.

use codeloops_event::{
    AnswerIgnored, EngineFailed, Event, GateStarted, Iteration, IterationEnd, Role, SessionResumed,
    SessionStart, StopRequested, Timestamp,
};

use crate::last_look::LastLook;
use crate::round::{Answer, Call, Changes, Round, RoundPhase};

/// What the lines so far amount to, apart from how the session ended.
#[derive(Debug)]
pub(crate) struct History {
    pub(crate) start: SessionStart,
    /// The summaries of the finished rounds, in order.
    pub(crate) iterations: Vec<IterationEnd>,
    /// All rounds, in order.
    pub(crate) rounds: Vec<Round>,
    pub(crate) stops: Vec<StopRequested>,
    pub(crate) ignored: Vec<AnswerIgnored>,
    pub(crate) failures: Vec<EngineFailed>,
    pub(crate) resumes: Vec<SessionResumed>,
    pub(crate) last_line_at: Timestamp,
    pub(crate) look: LastLook,
    /// Where the last round stood before the last line came that can have ended a phase.
    stood: Option<RoundPhase>,
}

impl History {
    pub(crate) const fn begin(start: SessionStart) -> Self {
        Self {
            last_line_at: start.timestamp,
            start,
            iterations: Vec::new(),
            rounds: Vec::new(),
            stops: Vec::new(),
            ignored: Vec::new(),
            failures: Vec::new(),
            resumes: Vec::new(),
            look: LastLook::begin(),
            stood: None,
        }
    }

    /// Takes the next line in.
    pub(crate) fn observe(&mut self, event: Event) {
        self.last_line_at = event.timestamp().unwrap_or(self.last_line_at);
        self.look.observe(&event);
        if let Event::SessionEnd(_) = event {
            return self.session_ended();
        }
        if !matches!(event, Event::AnswerIgnored(_)) {
            self.stood = self.rounds.last().and_then(|round| round.phase);
        }
        match event {
            Event::Iteration(e) => {
                self.round(e.iteration_number).phase = None;
                self.iterations.push(*e);
            }
            Event::StopRequested(e) => self.stops.push(e),
            Event::AnswerIgnored(e) => self.ignored.push(e),
            Event::EngineFailed(e) => self.failures.push(e),
            other => {
                if let Event::SessionResumed(e) = &other {
                    self.resumes.push((**e).clone());
                }
                let gates = self.start.settings.as_ref().map_or(0, |s| s.gates.len());
                if let Some(iteration) = iteration_of(&other) {
                    self.round(iteration).observe(other, gates);
                }
            }
        }
    }

    /// The end comes in one step with the line before it: what that line led to never began.
    fn session_ended(&mut self) {
        if let Some(round) = self.rounds.last_mut().filter(|round| !round.is_finished()) {
            round.phase = self.stood.or(round.phase);
        }
    }

    /// The round that a line belongs to: the last one, unless that has another number or is
    /// finished.
    fn round(&mut self, iteration: Iteration) -> &mut Round {
        let is_last = |round: &Round| round.iteration == iteration && !round.is_finished();
        if !self.rounds.last().is_some_and(is_last) {
            self.rounds.push(Round::begun(iteration));
        }
        self.rounds.last_mut().expect("one was pushed where there was none")
    }
}

impl Round {
    /// Takes in a line of this round; `gates` is how many there are.
    fn observe(&mut self, event: Event, gates: usize) {
        self.phase = Some(self.phase_after(&event, gates));
        match event {
            Event::ActorStarted(e) => Call::note(&mut self.actor, e.attempt, e.into()),
            Event::ActorCompleted(e) => Call::note(&mut self.actor, e.attempt, (*e).into()),
            Event::DiffCaptured(e) => self.changes = Some(Changes::Captured(*e)),
            Event::DiffFailed(e) => self.changes = Some(Changes::Failed(e)),
            Event::GateCompleted(e) => self.gates.push(e.gate),
            Event::CriticStarted(e) => Call::note(&mut self.critic, e.attempt, e.into()),
            Event::CriticCompleted(e) => Call::note(&mut self.critic, e.attempt, (*e).into()),
            Event::TreeChecked(e) => {
                self.answered(e.attempt, |answer| answer.tree = Some(e.check));
            }
            Event::TreeUnverified(e) => {
                self.answered(e.attempt, |answer| answer.unverified = Some(e.before));
            }
            Event::VerdictReached(e) => {
                self.answered(e.attempt, |answer| answer.ruling = Some(e.ruling));
            }
            Event::Waiting(e) => match e.role {
                Role::Actor => Call::note(&mut self.actor, e.attempt, e.into()),
                Role::Critic => Call::note(&mut self.critic, e.attempt, e.into()),
            },
            Event::WaitOver(e) => match e.role {
                Role::Actor => Call::end_wait(&mut self.actor, e.attempt),
                Role::Critic => Call::end_wait(&mut self.critic, e.attempt),
            },
            _ => {}
        }
    }

    /// Where the round stands after a line, unless the session ends in the same step.
    fn phase_after(&self, event: &Event, gates: usize) -> RoundPhase {
        let after_gates = |done: usize| {
            if done < gates { RoundPhase::RunningGates } else { RoundPhase::CriticEvaluating }
        };
        match event {
            Event::ActorCompleted(_) | Event::DiffFailed(_) => RoundPhase::CapturingDiff,
            Event::SessionResumed(e) => e.phase.into(),
            Event::ReadAsText(_) => self.phase.unwrap_or(RoundPhase::ActorExecuting),
            Event::DiffCaptured(_) => after_gates(0),
            Event::GateCompleted(_) => after_gates(self.gates.len() + 1),
            Event::CriticStarted(_)
            | Event::CriticCompleted(_)
            | Event::TreeChecked(_)
            | Event::TreeUnverified(_)
            | Event::VerdictReached(_) => RoundPhase::CriticEvaluating,
            Event::Waiting(e) if e.role == Role::Critic => RoundPhase::CriticEvaluating,
            Event::WaitOver(e) if e.role == Role::Critic => RoundPhase::CriticEvaluating,
            _ => RoundPhase::ActorExecuting,
        }
    }

    fn answered(&mut self, attempt: u32, change: impl FnOnce(&mut Answer)) {
        if let Some(answer) = self.answer_mut(attempt) {
            change(answer);
        }
    }
}

/// The round that a line belongs to; that of a summary is told by itself.
const fn iteration_of(event: &Event) -> Option<Iteration> {
    Some(match event {
        Event::IterationStarted(e) => e.iteration,
        Event::ActorStarted(e) | Event::CriticStarted(e) => e.iteration,
        Event::ActorCompleted(e) => e.iteration,
        Event::ReadAsText(e) => e.iteration,
        Event::DiffCaptured(e) => e.iteration,
        Event::DiffFailed(e) => e.iteration,
        // Before the first round there is none.
        Event::GateStarted(GateStarted { iteration: 0, .. }) => return None,
        Event::GateStarted(e) => e.iteration,
        Event::GateCompleted(e) if e.iteration == 0 => return None,
        Event::GateCompleted(e) => e.iteration,
        Event::GateTreeChecked(e) if e.iteration == 0 => return None,
        Event::GateTreeChecked(e) => e.iteration,
        Event::ApprovalVetoed(e) => e.iteration,
        Event::StateRepeated(e) => e.iteration,
        Event::CriticCompleted(e) => e.iteration,
        Event::TreeChecked(e) => e.iteration,
        Event::TreeUnverified(e) => e.iteration,
        Event::VerdictReached(e) => e.iteration,
        Event::Waiting(e) => e.iteration,
        Event::WaitOver(e) => e.iteration,
        Event::SessionResumed(e) => e.iteration,
        Event::SessionStart(_)
        | Event::StopRequested(_)
        | Event::AnswerIgnored(_)
        | Event::EngineFailed(_)
        | Event::Iteration(_)
        | Event::SessionEnd(_)
        | Event::AgentOutput(_) => return None,
    })
}

#[cfg(test)]
mod tests;
