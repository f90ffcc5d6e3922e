//! A session's lines folded into its rounds. Pure: what is not in the lines is not in here.

use codeloops_event::{
    AnswerIgnored, EngineFailed, Event, GateSettings, GateTreeChecked, Iteration, IterationEnd,
    Role, SessionResumed, SessionStart, StopRequested, Timestamp, WaitOver, Waiting,
};

use crate::gates::Gates;

use crate::last_look::LastLook;
use crate::round::{Answer, Call, Changes, Round, RoundPhase};

/// What the lines so far amount to, apart from how the session ended.
#[derive(Debug)]
pub(crate) struct History {
    pub(crate) start: SessionStart,
    /// The summaries of the finished rounds, in order.
    pub(crate) iterations: Vec<IterationEnd>,
    /// What the gates came to before the first round.
    pub(crate) baseline: Gates,
    pub(crate) baseline_checks: Vec<GateTreeChecked>,
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
            baseline: Gates::none(),
            baseline_checks: Vec::new(),
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
                let settings = self.start.settings.take();
                let gates = settings.as_ref().map_or(&[][..], |settings| &settings.gates);
                match iteration_of(&other) {
                    Some(0) => self.before_rounds(other, gates),
                    Some(iteration) => self.round(iteration).observe(other, gates),
                    None => {}
                }
                self.start.settings = settings;
            }
        }
    }

    /// Takes in a line of the baseline.
    fn before_rounds(&mut self, event: Event, gates: &[GateSettings]) {
        match event {
            Event::GateCompleted(e) => self.baseline.take(e.gate, gates),
            Event::GateTreeChecked(e) => self.baseline_checks.push(*e),
            _ => {}
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
    /// Takes in a line of this round; `gates` are all that there are.
    fn observe(&mut self, event: Event, gates: &[GateSettings]) {
        let before = self.phase;
        let led_to = led_to(&event);
        self.note(event, gates);
        self.phase = Some(match led_to {
            LedTo::Phase(phase) => phase,
            LedTo::Gates if self.gates.are_through(gates) => RoundPhase::CriticEvaluating,
            LedTo::Gates => RoundPhase::RunningGates,
            LedTo::Nothing => before.unwrap_or(RoundPhase::ActorExecuting),
        });
    }

    fn note(&mut self, event: Event, gates: &[GateSettings]) {
        match event {
            Event::ActorStarted(e) => Call::note(&mut self.actor, e.attempt, e.into()),
            Event::ActorCompleted(e) => Call::note(&mut self.actor, e.attempt, (*e).into()),
            Event::DiffCaptured(e) => {
                self.changes = Some(Changes::Captured(*e));
                // Those of a resumed round were of another tree.
                self.gates = Gates::none();
            }
            Event::DiffFailed(e) => self.changes = Some(Changes::Failed(e)),
            Event::GateCompleted(e) => self.gates.take(e.gate, gates),
            Event::GateTreeChecked(e) => {
                self.gates.checked();
                self.gate_checks.push(*e);
            }
            Event::SessionResumed(_) => self.gates.checked(),
            Event::ApprovalVetoed(e) => self.veto = Some(*e),
            Event::StateRepeated(e) => self.repeats = Some(e),
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

    fn answered(&mut self, attempt: u32, change: impl FnOnce(&mut Answer)) {
        if let Some(answer) = self.answer_mut(attempt) {
            change(answer);
        }
    }
}

/// Where a line leads a round.
enum LedTo {
    Phase(RoundPhase),
    /// To the gates, or past them.
    Gates,
    /// Nowhere else.
    Nothing,
}

/// Where the round stands after a line, unless the session ends in the same step.
fn led_to(event: &Event) -> LedTo {
    LedTo::Phase(match event {
        Event::ActorCompleted(_) | Event::DiffFailed(_) => RoundPhase::CapturingDiff,
        Event::SessionResumed(e) => e.phase.into(),
        Event::ReadAsText(_) | Event::ApprovalVetoed(_) | Event::StateRepeated(_) => {
            return LedTo::Nothing;
        }
        Event::DiffCaptured(_) | Event::GateCompleted(_) | Event::GateTreeChecked(_) => {
            return LedTo::Gates;
        }
        Event::GateStarted(_) => RoundPhase::RunningGates,
        Event::CriticStarted(_)
        | Event::CriticCompleted(_)
        | Event::TreeChecked(_)
        | Event::TreeUnverified(_)
        | Event::VerdictReached(_)
        | Event::Waiting(Waiting { role: Role::Critic, .. })
        | Event::WaitOver(WaitOver { role: Role::Critic, .. }) => RoundPhase::CriticEvaluating,
        _ => RoundPhase::ActorExecuting,
    })
}

/// The round that a line belongs to, 0 before the first; that of a summary is told by itself.
const fn iteration_of(event: &Event) -> Option<Iteration> {
    Some(match event {
        Event::IterationStarted(e) => e.iteration,
        Event::ActorStarted(e) | Event::CriticStarted(e) => e.iteration,
        Event::ActorCompleted(e) => e.iteration,
        Event::ReadAsText(e) => e.iteration,
        Event::DiffCaptured(e) => e.iteration,
        Event::DiffFailed(e) => e.iteration,
        Event::GateStarted(e) => e.iteration,
        Event::GateCompleted(e) => e.iteration,
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
