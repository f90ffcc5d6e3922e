//! The states that rounds ended in, and which come back: a cycle that is proven, not guessed.

use codeloops_event::{FailureIdentity, GateResult, GateStatus, Iteration, TreeId};

/// What a round ended in: its tree, what each gate came to, and what was read out of that. How long a
/// gate took and where in a file it found something is no part of it; nor are the critic's words, for
/// two wordings of one finding would hide a cycle, and to compare them would be to guess.
#[derive(Debug, Clone, PartialEq)]
struct State {
    tree: TreeId,
    gates: Vec<GateState>,
}

#[derive(Debug, Clone, PartialEq)]
struct GateState {
    status: GateStatus,
    exit_code: Option<i32>,
    /// In order.
    failures: Vec<FailureIdentity>,
    more_failures: u64,
}

/// The states of the rounds so far.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct States {
    seen: Vec<(Iteration, State)>,
    /// The earlier rounds whose state the last round came back to.
    repeated: Vec<Iteration>,
}

impl States {
    /// Takes in what a round ended in.
    pub(crate) fn take(&mut self, iteration: Iteration, tree: &TreeId, gates: &[GateResult]) {
        let state = State { tree: tree.clone(), gates: gates.iter().map(state_of).collect() };
        let same = self.seen.iter().filter(|(_, earlier)| *earlier == state);
        self.repeated = same.map(|(iteration, _)| *iteration).collect();
        self.seen.push((iteration, state));
    }

    /// The earlier rounds that ended as the last one did.
    pub(crate) fn repeated(&self) -> &[Iteration] {
        &self.repeated
    }

    /// The how manyth time the state of the last round was seen.
    pub(crate) fn times(&self) -> u32 {
        u32::try_from(self.repeated.len()).unwrap_or(u32::MAX).saturating_add(1)
    }
}

fn state_of(gate: &GateResult) -> GateState {
    let mut failures: Vec<FailureIdentity> =
        gate.failures.iter().map(codeloops_event::Failure::identity).collect();
    failures.sort();
    // A flaky gate that passes is as good as one that passes at once.
    let status = if gate.status.is_green() { GateStatus::Passed } else { gate.status };
    GateState { status, exit_code: gate.exit_code, failures, more_failures: gate.more_failures }
}
