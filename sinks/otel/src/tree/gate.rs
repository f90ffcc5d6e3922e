//! The spans of gates.

use std::collections::BTreeMap;

use codeloops_event::trace::SpanPath;
use codeloops_event::{
    ApprovalVetoed, GateCompleted, GateResult, GateStarted, GateTreeChecked, Iteration,
    StateRepeated, Timestamp, TreeCheck,
};

use super::run::Run;
use crate::names;
use crate::options::Value;
use crate::span::{Draft, Parent};

/// The gates of a run: those that run now, and how often each has.
#[derive(Default)]
pub(super) struct Gates {
    open: Vec<(String, Draft)>,
    /// By iteration and place in the settings.
    begun: BTreeMap<(Iteration, usize), u32>,
}

impl Gates {
    pub(super) fn started(&mut self, event: &GateStarted, parent: Parent, run: &Run) {
        let draft = self.begin(run, (event.iteration, &event.gate), parent, event.timestamp);
        self.open.push((event.gate.clone(), draft));
    }

    /// The span of a gate that is through; where nothing told of its beginning, it began at `began`.
    pub(super) fn completed(
        &mut self,
        event: &GateCompleted,
        parent: Parent,
        run: &Run,
        began: Timestamp,
    ) -> Draft {
        let gate = &event.gate;
        let open = self.open.iter().position(|(name, _)| *name == gate.name);
        let mut draft = match open {
            Some(at) => self.open.remove(at).1,
            None => self.begin(run, (event.iteration, &gate.name), parent, began),
        };
        describe(&mut draft, gate);
        if run.texts.content {
            draft.set(names::CHECK_OUTPUT, gate.tail.as_str());
        }
        draft
    }

    /// Those of which nothing told the end.
    pub(super) fn broken_off(&mut self) -> impl Iterator<Item = Draft> {
        self.open.drain(..).map(|(_, mut draft)| {
            draft.fail("crashed", "nothing is known of the gate's end");
            draft
        })
    }

    fn begin(
        &mut self,
        run: &Run,
        (iteration, name): (Iteration, &str),
        parent: Parent,
        at: Timestamp,
    ) -> Draft {
        let path = SpanPath::Gate { iteration, position: self.position(run, iteration, name) };
        let title = format!("{} {name}", names::SPAN_CHECK);
        let mut draft = run.draft(path, parent, title, at);
        draft.set(names::ITERATION, iteration);
        draft.set(names::CHECK, name);
        draft
    }

    /// Its place in the settings, whenever it comes to an end; one that runs again after a resume has one
    /// behind all those.
    fn position(&mut self, run: &Run, iteration: Iteration, name: &str) -> u32 {
        let gates = run.settings.as_ref().map_or(&[][..], |settings| &settings.gates);
        let place = gates.iter().position(|gate| gate.name == name).unwrap_or(gates.len());
        let times = self.begun.entry((iteration, place)).or_default();
        *times += 1;
        let places = u32::try_from(gates.len().max(1)).unwrap_or(u32::MAX);
        let before = places.saturating_mul(*times - 1);
        before.saturating_add(u32::try_from(place).unwrap_or(u32::MAX)).saturating_add(1)
    }
}

fn describe(draft: &mut Draft, gate: &GateResult) {
    draft.set(names::CHECK_STATUS, gate.status.as_str());
    draft.set(names::CHECK_REQUIRED, gate.required);
    draft.set_some(names::CHECK_BASELINE, gate.baseline.map(|status| status.as_str()));
    draft.set(names::CHECK_ATTEMPTS, gate.attempts);
    draft.set(names::CHECK_WORSE, gate.worse);
    draft.set(names::CHECK_BLOCKS, gate.blocks);
    draft.set_some(names::CHECK_KEPT_FROM, gate.kept_from.as_ref().map(|run| run.as_str()));
    draft.set_some(names::EXIT_CODE, gate.exit_code);
    if gate.interrupted {
        draft.fail("cancelled", "the gate was ended with the run");
    } else if !gate.status.is_green() {
        draft.fail(gate.status.as_str(), "the gate is red");
    }
}

type Told = Vec<(&'static str, Value)>;

/// What gates did to the tree; nothing where they changed nothing.
pub(super) fn tree_changed(event: &GateTreeChecked) -> Option<Told> {
    let gates = (names::CHECKS, Value::Texts(event.gates.clone()));
    let found = match &event.check {
        TreeCheck::Unchanged => return None,
        TreeCheck::Changed { restored, .. } => (names::TREE_RESTORED, Value::Bool(*restored)),
        TreeCheck::Failed { .. } => (names::ERROR_TYPE, "diff_failed".into()),
    };
    Some(vec![gates, found])
}

/// What kept the critic's DONE from taking effect.
pub(super) fn vetoed(event: &ApprovalVetoed) -> Told {
    let gates = Value::Texts(event.gates.clone());
    vec![(names::CHECKS, gates), (names::TAMPERING, event.tampering.into())]
}

/// In which rounds the state was the same.
pub(super) fn repeated(event: &StateRepeated) -> Told {
    let earlier = event.earlier.iter().map(ToString::to_string).collect();
    vec![(names::STATE_EARLIER, Value::Texts(earlier))]
}
