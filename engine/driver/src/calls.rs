//! Effects as tasks: each ends in exactly one input that answers its call.

use std::sync::Arc;
use std::time::Duration;

use codeloops_event::{AgentOutcome, CallId, CallKind, Timestamp, TreeCheck};
use codeloops_machine::{AgentReport, Effect, GateReport, Input, StopLevel};
use tokio::sync::{mpsc, watch};
use tokio::task::{self, AbortHandle, JoinError, JoinSet};

use crate::driver::Ports;
use crate::ports::{AgentNote, Clock};

/// Notes of an agent that may wait for the driver.
const NOTES_IN_FLIGHT: usize = 64;

/// Longest nap of a wait: after a suspend the wall clock is looked at again within it.
const LONGEST_NAP: Duration = Duration::from_secs(20);

/// The calls under way: one, or several gates. A call that was given up may still be winding down.
pub(crate) struct Calls {
    ports: Ports,
    tasks: JoinSet<Input>,
    running: Vec<Running>,
    /// What the agent that runs tells before it is over.
    notes: Option<(CallId, mpsc::Receiver<AgentNote>)>,
}

struct Running {
    call: CallId,
    abort: AbortHandle,
    stop: watch::Sender<Option<StopLevel>>,
}

/// What a call told.
pub(crate) enum Told {
    /// Something on the way.
    Note(CallId, AgentNote),
    /// Its answer.
    Answer(Input),
    /// Its task panicked; this answer stands in for the one that will not come.
    Broken {
        /// What the panic said.
        error: String,
        /// The answer.
        answer: Input,
    },
}

impl Calls {
    pub(crate) fn new(ports: Ports) -> Self {
        Self { ports, tasks: JoinSet::new(), running: Vec::new(), notes: None }
    }

    /// Starts an effect. What comes back is the answer of a call that was given up.
    pub(crate) fn perform(&mut self, effect: Effect) -> Option<Input> {
        if let Effect::StopCall { call, level } = effect {
            return self.stop(call, level);
        }
        let (stop, stopped) = watch::channel(None);
        let (notes, told) = mpsc::channel(NOTES_IN_FLIGHT);
        let call = call_of(&effect);
        let abort = self.tasks.spawn(answer(self.ports.clone(), effect, notes, stopped));
        self.running.push(Running { call, abort, stop });
        self.notes = Some((call, told));
        None
    }

    /// Waits until a call tells something. Notes come before the answer.
    pub(crate) async fn next(&mut self) -> Told {
        loop {
            if self.running.is_empty() {
                std::future::pending::<()>().await;
            }
            let note = async {
                match &mut self.notes {
                    Some((call, notes)) => (*call, notes.recv().await),
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                (call, note) = note => match note {
                    Some(note) => return Told::Note(call, note),
                    None => self.notes = None,
                },
                Some(ended) = self.tasks.join_next_with_id() => {
                    if let Some(told) = self.ended(ended) {
                        return told;
                    }
                }
            }
        }
    }

    /// What comes of a task that is over; nothing of one that was given up.
    fn ended(&mut self, ended: Result<(task::Id, Input), JoinError>) -> Option<Told> {
        let id = ended.as_ref().map_or_else(JoinError::id, |(id, _)| *id);
        let at = self.running.iter().position(|running| running.abort.id() == id)?;
        let call = self.running.swap_remove(at).call;
        Some(match ended {
            Ok((_, input)) => Told::Answer(input),
            Err(broken) => Told::Broken {
                error: format!("the task of call {call} broke off: {broken}"),
                answer: NoAnswer::BrokenOff.stand_in(call),
            },
        })
    }

    /// Ends a call. An agent is told to; git and waits are left to finish, or given up when there is
    /// no more grace. An agent that was told so before and is still there is given up. A check of the
    /// tree never is: it knows itself what must not be broken off, and answers at once otherwise.
    fn stop(&mut self, call: CallId, level: StopLevel) -> Option<Input> {
        let at = self.running.iter().position(|running| running.call == call)?;
        let before = self.running[at].stop.send_replace(Some(level));
        let may_give_up = match call.kind {
            CallKind::Actor | CallKind::Critic | CallKind::Gate => before == Some(StopLevel::Now),
            CallKind::Diff | CallKind::ActorWait | CallKind::CriticWait => true,
            CallKind::TreeCheck | CallKind::GateTreeCheck => false,
        };
        if level != StopLevel::Now || !may_give_up {
            return None;
        }
        self.running.swap_remove(at).abort.abort();
        Some(NoAnswer::GivenUp.stand_in(call))
    }
}

/// The call of an effect that has one of its own.
pub(crate) fn call_of(effect: &Effect) -> CallId {
    match effect {
        Effect::RunAgent(agent) => agent.call,
        Effect::RunGate(gate) => gate.call,
        Effect::CaptureDiff { call }
        | Effect::CheckTree { call, .. }
        | Effect::Wait { call, .. }
        | Effect::StopCall { call, .. } => *call,
    }
}

async fn answer(
    ports: Ports,
    effect: Effect,
    notes: mpsc::Sender<AgentNote>,
    stop: watch::Receiver<Option<StopLevel>>,
) -> Input {
    match effect {
        Effect::RunAgent(agent) => {
            let call = agent.call;
            let report = ports.agents.run(agent.rendered(), notes, stop).await;
            Input::AgentFinished { call, report: Box::new(report) }
        }
        Effect::CaptureDiff { call } => match ports.workspace.capture(call.iteration).await {
            Ok(diff) => Input::DiffCaptured { call, diff: Box::new(diff) },
            Err(error) => Input::DiffFailed { call, error },
        },
        Effect::RunGate(gate) => {
            let call = gate.call;
            let report = Box::new(ports.gates.run(*gate, stop).await);
            Input::GateFinished { call, report }
        }
        Effect::CheckTree { call, restore } => {
            Input::TreeChecked { call, check: ports.workspace.check(call, restore, stop).await }
        }
        Effect::Wait { call, until } => {
            wait_until(&ports.clock, until).await;
            Input::WaitOver { call }
        }
        // It stops a call and is none.
        Effect::StopCall { call, .. } => NoAnswer::NotMade.stand_in(call),
    }
}

/// Sleeps until the wall clock shows the time; short naps, for it jumps after a suspend.
async fn wait_until(clock: &Arc<dyn Clock>, until: Timestamp) {
    while let Ok(left) = until.signed_duration_since(clock.now().at).to_std() {
        if left.is_zero() {
            return;
        }
        tokio::time::sleep(left.min(LONGEST_NAP)).await;
    }
}

/// Why a call's own answer will not come.
#[derive(Debug, Clone, Copy)]
pub(crate) enum NoAnswer {
    /// Its task panicked.
    BrokenOff,
    /// The user does not wait for it.
    GivenUp,
    /// It was not begun, for the session could not be recorded.
    NotMade,
}

impl NoAnswer {
    /// An answer that stands in for it.
    pub(crate) fn stand_in(self, call: CallId) -> Input {
        let error = self.words().to_owned();
        match call.kind {
            CallKind::Actor | CallKind::Critic => {
                let report = Box::new(AgentReport::bare(self.outcome()));
                Input::AgentFinished { call, report }
            }
            CallKind::Diff => Input::DiffFailed { call, error },
            CallKind::Gate => {
                // A defect of ours says nothing of the gate either, but it must not look like an end.
                let interrupted = !matches!(self, Self::BrokenOff);
                let report = GateReport { interrupted, ..GateReport::not_started(error) };
                Input::GateFinished { call, report: Box::new(report) }
            }
            CallKind::TreeCheck | CallKind::GateTreeCheck => {
                Input::TreeChecked { call, check: TreeCheck::Failed { error } }
            }
            CallKind::ActorWait | CallKind::CriticWait => Input::WaitOver { call },
        }
    }

    const fn words(self) -> &'static str {
        match self {
            Self::BrokenOff => "the task broke off",
            Self::GivenUp => "given up at the user's request",
            Self::NotMade => "not begun, for the session could not be recorded",
        }
    }

    fn outcome(self) -> AgentOutcome {
        match self {
            Self::BrokenOff | Self::GivenUp => AgentOutcome::Interrupted,
            Self::NotMade => AgentOutcome::NotStarted { message: self.words().to_owned() },
        }
    }
}
