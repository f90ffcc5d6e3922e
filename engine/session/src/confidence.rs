//! How far the result of a round can be relied on, as a weighted mean of what is known of it.

use codeloops_event::layout::gate_dir;
use codeloops_event::{Decision, GateResult, GateStatus, Tampering};
use serde::{Deserialize, Serialize};

/// What counts, and how much. The weights of what is not known are left out, and the others make up
/// the whole.
const WEIGHTS: [(ComponentName, f64); 4] = [
    (ComponentName::Gates, 0.5),
    (ComponentName::Critic, 0.3),
    (ComponentName::Baseline, 0.1),
    (ComponentName::Tampering, 0.1),
];

/// What a flaky gate counts beside one that passes at once.
const FLAKY: f64 = 0.5;

/// The mean, and what it is made of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Confidence {
    /// From 0 to 1, to four places; null where nothing is known.
    pub confidence: Option<f64>,
    /// What it is made of.
    pub components: Vec<Component>,
}

/// One thing that counts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Component {
    /// Which.
    pub name: ComponentName,
    /// How much it counts.
    pub weight: f64,
    /// From 0 to 1; null where it is not known, so that it does not count.
    pub value: Option<f64>,
    /// Where the value comes from.
    pub reason: String,
    /// The evidence for it, from the run's folder.
    pub evidence: Vec<String>,
}

/// The things that count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ComponentName {
    /// The share of required gates that are green; of all, where none is required.
    Gates,
    /// What the critic said: its confidence in a DONE, 0 for anything else.
    Critic,
    /// The share of gates with a baseline that are no worse than before the run.
    Baseline,
    /// 1 where nothing tells of weakened checks, else 0.
    Tampering,
}

/// What is known of a round.
#[derive(Debug, Clone, Default)]
pub struct Known<'a> {
    /// The results of its gates.
    pub gates: &'a [GateResult],
    /// What the critic said, and how sure it was of a DONE.
    pub critic: Option<(Decision, Option<f64>)>,
    /// Signs of weakened checks; `None` where nobody looked for them.
    pub tampering: Option<&'a [Tampering]>,
    /// Where the critic's answer is.
    pub critic_output: Option<&'a str>,
    /// Where the diff is.
    pub diff: Option<&'a str>,
}

impl Confidence {
    /// Weighs what is known.
    #[must_use]
    pub fn of(known: &Known<'_>) -> Self {
        let components = WEIGHTS.map(|(name, weight)| {
            let (value, reason, evidence) = match name {
                ComponentName::Gates => gates(known.gates),
                ComponentName::Critic => critic(known),
                ComponentName::Baseline => baseline(known.gates),
                ComponentName::Tampering => tampering(known),
            };
            Component { name, weight, value, reason, evidence }
        });
        let weighed = components.iter().filter_map(|c| Some((c.weight, c.value?)));
        let (weight, sum) = weighed
            .fold((0.0, 0.0), |(all, sum), (weight, value)| (all + weight, sum + weight * value));
        let confidence = (weight > 0.0).then(|| to_four_places(sum / weight));
        Self { confidence, components: components.into() }
    }
}

type Weighed = (Option<f64>, String, Vec<String>);

fn gates(gates: &[GateResult]) -> Weighed {
    let required = gates.iter().any(|gate| gate.required);
    let counted: Vec<&GateResult> =
        gates.iter().filter(|gate| gate.required || !required).collect();
    if counted.is_empty() {
        return (None, "there are no gates".to_owned(), Vec::new());
    }
    let value = |gate: &&GateResult| match gate.status {
        GateStatus::Passed => 1.0,
        GateStatus::Flaky => FLAKY,
        GateStatus::Failed | GateStatus::TimedOut | GateStatus::NotStarted => 0.0,
    };
    let green = counted.iter().filter(|gate| gate.status.is_green()).count();
    let kind = if required { "required gates" } else { "gates" };
    let flaky = counted.iter().filter(|gate| gate.status == GateStatus::Flaky).count();
    let flaky = if flaky > 0 { format!(", {flaky} of them flaky") } else { String::new() };
    let reason = format!("{green} of {} {kind} pass{flaky}", counted.len());
    (share(counted.iter().map(value)), reason, outputs(&counted))
}

fn baseline(gates: &[GateResult]) -> Weighed {
    let known: Vec<&GateResult> = gates.iter().filter(|gate| gate.baseline.is_some()).collect();
    if known.is_empty() {
        return (None, "no gate ran before the run".to_owned(), Vec::new());
    }
    let is_worse = |gate: &GateResult| {
        let was_green = gate.baseline.is_some_and(GateStatus::is_green);
        gate.worse || (was_green && !gate.status.is_green())
    };
    let worse = known.iter().filter(|gate| is_worse(gate)).count();
    let reason = format!("{worse} of {} gates are worse than before the run", known.len());
    let evidence = known.iter().map(|gate| gate_dir(0, &gate.name)).collect();
    (share(known.iter().map(|gate| if is_worse(gate) { 0.0 } else { 1.0 })), reason, evidence)
}

fn critic(known: &Known<'_>) -> Weighed {
    let evidence = known.critic_output.map(str::to_owned).into_iter().collect();
    match known.critic {
        None => (None, "the critic was not asked, or gave no verdict".to_owned(), evidence),
        Some((Decision::Done, None)) => {
            (None, "the critic said DONE, and not how sure it is".to_owned(), evidence)
        }
        Some((Decision::Done, Some(confidence))) => {
            let reason = format!("the critic said DONE, with a confidence of {confidence}");
            (Some(confidence.clamp(0.0, 1.0)), reason, evidence)
        }
        Some((decision, _)) => (Some(0.0), format!("the critic said {decision}"), evidence),
    }
}

fn tampering(known: &Known<'_>) -> Weighed {
    let evidence = known.diff.map(str::to_owned).into_iter().collect();
    match known.tampering {
        None => (None, "nobody looked for weakened checks".to_owned(), Vec::new()),
        Some([]) => (Some(1.0), "nothing tells of weakened checks".to_owned(), evidence),
        Some(found) => (Some(0.0), format!("{} signs of weakened checks", found.len()), evidence),
    }
}

fn outputs(gates: &[&GateResult]) -> Vec<String> {
    gates.iter().filter_map(|gate| Some(gate.output.as_ref()?.path.clone())).collect()
}

/// The mean; none of nothing.
fn share(values: impl ExactSizeIterator<Item = f64>) -> Option<f64> {
    let count = u32::try_from(values.len()).ok().filter(|count| *count > 0)?;
    Some(to_four_places(values.sum::<f64>() / f64::from(count)))
}

fn to_four_places(value: f64) -> f64 {
    (value * 10_000.0).round() / 10_000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gate(status: GateStatus, baseline: Option<GateStatus>) -> GateResult {
        GateResult { status, baseline, ..GateResult::not_started("test".to_owned(), true) }
    }

    fn confidence(known: &Known<'_>) -> Option<f64> {
        Confidence::of(known).confidence
    }

    #[test]
    fn all_that_is_known_speaking_for_it_makes_one() {
        let gates = [gate(GateStatus::Passed, Some(GateStatus::Passed))];
        let known = Known {
            gates: &gates,
            critic: Some((Decision::Done, Some(1.0))),
            tampering: Some(&[]),
            ..Known::default()
        };
        assert_eq!(confidence(&known), Some(1.0));
    }

    #[test]
    fn what_is_not_known_does_not_count() {
        assert_eq!(confidence(&Known::default()), None);
        let gates = [gate(GateStatus::Failed, None), gate(GateStatus::Passed, None)];
        assert_eq!(confidence(&Known { gates: &gates, ..Known::default() }), Some(0.5));
        let known = Known { critic: Some((Decision::Done, Some(0.8))), ..Known::default() };
        assert_eq!(confidence(&known), Some(0.8));
    }

    #[test]
    fn the_parts_are_weighed_as_the_docs_say() {
        // 0.5 x 0.5 (flaky) + 0.3 x 0 (CONTINUE) + 0.1 x 1 (no worse) + 0.1 x 1 (untouched).
        let gates = [gate(GateStatus::Flaky, Some(GateStatus::Failed))];
        let known = Known {
            gates: &gates,
            critic: Some((Decision::Continue, None)),
            tampering: Some(&[]),
            ..Known::default()
        };
        assert_eq!(confidence(&known), Some(0.45));
    }

    #[test]
    fn gates_that_are_not_required_count_only_where_none_is() {
        let optional = GateResult { required: false, ..gate(GateStatus::Failed, None) };
        let gates = [optional.clone(), gate(GateStatus::Passed, None)];
        assert_eq!(confidence(&Known { gates: &gates, ..Known::default() }), Some(1.0));
        let gates = [optional];
        assert_eq!(confidence(&Known { gates: &gates, ..Known::default() }), Some(0.0));
    }
}
