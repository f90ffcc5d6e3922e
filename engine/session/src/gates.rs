//! The gates of a round, or of the baseline, as the lines tell of them: in whatever order, and again
//! after a resume.

use std::ops::Deref;

use codeloops_event::{GateResult, GateSettings};
use serde::Serialize;

/// The results so far, in the order of the settings, none twice. Its JSON is the list.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Gates {
    results: Vec<GateResult>,
    /// Whether some have run since the tree was compared.
    #[serde(skip)]
    unchecked: bool,
}

impl Gates {
    pub(crate) const fn none() -> Self {
        Self { results: Vec::new(), unchecked: false }
    }

    /// Takes a result in. One of a gate that has one already stands for that.
    pub(crate) fn take(&mut self, result: GateResult, settings: &[GateSettings]) {
        // What was kept from an earlier run touched nothing now.
        self.unchecked |= result.kept_from.is_none();
        let at = |name: &str| settings.iter().position(|gate| gate.name == name);
        let place = at(&result.name).unwrap_or(settings.len());
        self.results.retain(|other| other.name != result.name);
        let before = |other: &GateResult| at(&other.name).unwrap_or(settings.len()) <= place;
        let index = self.results.iter().take_while(|other| before(other)).count();
        self.results.insert(index, result);
    }

    /// The tree was compared after them.
    pub(crate) const fn checked(&mut self) {
        self.unchecked = false;
    }

    /// Whether each has a result, and the tree was compared since. One that was ended with the run
    /// says nothing, and is run again.
    pub(crate) fn are_through(&self, settings: &[GateSettings]) -> bool {
        let has_result = |gate: &GateSettings| {
            self.results.iter().any(|result| result.name == gate.name && !result.interrupted)
        };
        !self.unchecked && settings.iter().all(has_result)
    }
}

impl Deref for Gates {
    type Target = [GateResult];

    fn deref(&self) -> &[GateResult] {
        &self.results
    }
}
