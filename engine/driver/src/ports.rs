//! What the driver needs of the world, as traits that adapters implement.

use std::sync::Arc;

use async_trait::async_trait;
use codeloops_event::{
    AgentOutput, CallId, CapturedDiff, Event, Iteration, Nonce, ProcessInfo, Stamp, TreeCheck,
};
use codeloops_machine::{AgentCall, AgentReport, GateCall, GateReport, StopLevel};
use tokio::sync::{mpsc, watch};

/// Tells a running call to end. Starts as `None`; only ever grows.
pub type StopSignal = watch::Receiver<Option<StopLevel>>;

/// What a running agent call tells before it is over.
#[derive(Debug, Clone, PartialEq)]
pub enum AgentNote {
    /// Its process runs. Sent once, before anything else; never dropped.
    Started(ProcessInfo),
    /// It printed something.
    Output(AgentOutput),
    /// What it prints cannot be kept as evidence, or no longer: what failed, with what. A call that
    /// has begun goes on; whether the run does is not for it to say. Never dropped.
    EvidenceFailed(String),
}

/// Where a running agent call tells it. The channel is bounded.
///
/// Output is sent with `try_send`: when nobody keeps up it is left out, its bytes counted into the
/// `skipped_bytes` of the next one that fits. The others are sent with `send().await`.
pub type Notes = mpsc::Sender<AgentNote>;

/// Runs agents.
#[async_trait]
pub trait Agents: Send + Sync {
    /// Runs one call to its end. Always answers, whatever happens: a failure is an
    /// [`codeloops_event::AgentOutcome`]. When it returns, nothing that the agent spawned is left
    /// running. After `stop` changes it returns within seconds (`Graceful`) or at once (`Now`).
    async fn run(&self, call: AgentCall, notes: Notes, stop: StopSignal) -> AgentReport;
}

/// Looks at the working tree.
#[async_trait]
pub trait Workspace: Send + Sync {
    /// Takes a snapshot, keeps it alive by a ref, and makes its diff from the base tree. The error
    /// says what failed, with what.
    async fn capture(&self, iteration: Iteration) -> Result<CapturedDiff, String>;

    /// Compares tree, index, HEAD and the rest with what they were at the last [`Self::capture`], or
    /// at the last check that left a change in place, and puts a change back where `restore` says so
    /// and no other run works in the same tree. After `stop` becomes `Now` it returns at once, but for
    /// what has begun to be put back: that is finished, and the answer tells of it.
    async fn check(&self, call: CallId, restore: bool, stop: StopSignal) -> TreeCheck;
}

/// Runs the user's checks.
#[async_trait]
pub trait Gates: Send + Sync {
    /// Runs one gate to its end; a failure is a [`codeloops_event::GateStatus`]. When it returns,
    /// nothing that the gate spawned is left running. Several may run at once. After `stop` changes it
    /// returns within seconds (`Graceful`) or at once (`Now`).
    async fn run(&self, call: GateCall, stop: StopSignal) -> GateReport;
}

/// Tells the time.
pub trait Clock: Send + Sync {
    /// Reads both clocks.
    fn now(&self) -> Stamp;
}

/// Gives random words.
pub trait Ids: Send + Sync {
    /// A word that nobody can guess.
    fn nonce(&self) -> Nonce;
}

/// The record of the run: fallible, and waited for.
pub trait Record: Send {
    /// Appends one fact or decision. When it returns, the line has left the process.
    fn append(&mut self, event: &Event) -> Result<(), RecordError>;
}

/// The record could not be written: what failed, with what.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct RecordError(pub String);

/// Everything else that listens: infallible, never waited for.
pub trait Publish: Send {
    /// Hands an event on. Must not block.
    fn publish(&mut self, event: Arc<Event>);
}
