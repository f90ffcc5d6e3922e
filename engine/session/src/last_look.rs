//! Where the changes of a run can be seen: in its last snapshot, or in the working tree alone, where an
//! agent may have worked and nobody came to look.

use codeloops_event::{Event, FoundTree, Iteration, TreeCheck};

/// Where all that a run changed can be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangesIn {
    /// Nowhere: no agent has begun.
    Nowhere,
    /// In the snapshot of an iteration.
    Snapshot {
        /// Which.
        iteration: Iteration,
        /// Whether it differs from the one that the run began with.
        differs: bool,
    },
    /// In the working tree: its last snapshot does not hold what an agent did since.
    WorkingTree,
}

/// What the events so far say of the last look at the tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastLook {
    /// Where the changes were when the tree was last as somebody had seen it.
    seen: ChangesIn,
    /// Whether the critic works, or nobody compared the tree after it yet.
    judging: bool,
    /// Gates that run.
    gates: u32,
    /// Whether gates have run since the tree was compared.
    checking: bool,
}

impl LastLook {
    /// Before the first event.
    #[must_use]
    pub const fn begin() -> Self {
        Self { seen: ChangesIn::Nowhere, judging: false, gates: 0, checking: false }
    }

    /// Takes the next event in.
    pub fn observe(&mut self, event: &Event) {
        match event {
            Event::ActorStarted(_) => self.seen = ChangesIn::WorkingTree,
            Event::DiffCaptured(e) => {
                let differs = e.files_changed > 0;
                self.seen = ChangesIn::Snapshot { iteration: e.iteration, differs };
            }
            // Gates are through then, and the tree was compared after them where that is told at all.
            Event::CriticStarted(_) => {
                (self.judging, self.gates, self.checking) = (true, 0, false);
            }
            Event::TreeChecked(e) => {
                self.judging = false;
                self.checked(&e.check);
            }
            Event::GateStarted(_) => self.gates += 1,
            Event::GateCompleted(e) => {
                self.gates = self.gates.saturating_sub(1);
                // A result that was kept from another run touched nothing now.
                self.checking |= e.gate.kept_from.is_none();
            }
            Event::GateTreeChecked(e) => {
                self.checking = false;
                self.checked(&e.check);
            }
            // The tree was compared with the last snapshot then.
            Event::SessionResumed(e) => {
                (self.judging, self.gates, self.checking) = (false, 0, false);
                if e.tree != FoundTree::AsLeft {
                    self.seen = ChangesIn::WorkingTree;
                }
            }
            Event::TreeUnverified(_) => self.seen = ChangesIn::WorkingTree,
            _ => {}
        }
    }

    /// Where all that the run changed can be seen now.
    #[must_use]
    pub const fn changes(self) -> ChangesIn {
        let is_unknown = self.judging || self.checking || self.gates > 0;
        if is_unknown { ChangesIn::WorkingTree } else { self.seen }
    }

    fn checked(&mut self, check: &TreeCheck) {
        if !is_as_before(check) {
            self.seen = ChangesIn::WorkingTree;
        }
    }
}

const fn is_as_before(check: &TreeCheck) -> bool {
    match check {
        TreeCheck::Unchanged => true,
        TreeCheck::Changed { restored, .. } => *restored,
        TreeCheck::Failed { .. } => false,
    }
}
