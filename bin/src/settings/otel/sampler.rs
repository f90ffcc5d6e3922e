//! Which runs are exported. That is decided once for a run, by the id of its trace.

use codeloops_event::trace::TraceId;

use super::by_default;
use super::variables::Lenient;
use crate::settings::Sourced;
use crate::values::ValueError;

/// Decides which runs are exported.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sampler {
    /// Decides of a run that was started in no trace.
    pub root: Root,
    /// Whether the trace that a run was started in decides of it.
    pub parent_based: bool,
}

/// Decides by nothing but the id of a trace.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Root {
    /// All of them.
    AlwaysOn,
    /// None.
    AlwaysOff,
    /// This part of them, from 0 to 1.
    Ratio(f64),
}

/// The sampler of `OTEL_TRACES_SAMPLER`, as the specification names them.
const NAMES: [(&str, Sampler); 6] = [
    ("always_on", Sampler { root: Root::AlwaysOn, parent_based: false }),
    ("always_off", Sampler { root: Root::AlwaysOff, parent_based: false }),
    ("traceidratio", Sampler { root: Root::Ratio(1.0), parent_based: false }),
    ("parentbased_always_on", Sampler { root: Root::AlwaysOn, parent_based: true }),
    ("parentbased_always_off", Sampler { root: Root::AlwaysOff, parent_based: true }),
    ("parentbased_traceidratio", Sampler { root: Root::Ratio(1.0), parent_based: true }),
];

const DEFAULT: Sampler = Sampler { root: Root::AlwaysOn, parent_based: true };

impl Sampler {
    /// The sampler in one word, with its part.
    #[must_use]
    pub fn shown(&self) -> String {
        let root = match self.root {
            Root::AlwaysOn => "always_on".to_owned(),
            Root::AlwaysOff => "always_off".to_owned(),
            Root::Ratio(ratio) => format!("traceidratio {ratio}"),
        };
        if self.parent_based { format!("parentbased_{root}") } else { root }
    }
}

/// Whether a run is exported. `parent_sampled` is what the trace that it was started in says, where
/// there is one.
#[must_use]
pub fn sampled(sampler: &Sampler, trace_id: TraceId, parent_sampled: Option<bool>) -> bool {
    match parent_sampled {
        Some(parent) if sampler.parent_based => parent,
        _ => match sampler.root {
            Root::AlwaysOn => true,
            Root::AlwaysOff => false,
            Root::Ratio(ratio) => is_within(ratio, trace_id),
        },
    }
}

/// The rule that the SDKs have in common, so that all programs of a trace decide alike: the last 8
/// bytes of the id, without the lowest bit, as a part of 2^63.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the SDKs calculate so"
)]
fn is_within(ratio: f64, trace_id: TraceId) -> bool {
    let low = trace_id.bytes()[8..].iter().fold(0, |low: u64, byte| low << 8 | u64::from(*byte));
    let bound = (ratio.max(0.0) * (1_u64 << 63) as f64) as u64;
    ratio >= 1.0 || low >> 1 < bound
}

pub(super) fn sampler(lenient: &mut Lenient<'_>) -> Sourced<Sampler> {
    let named = lenient.value("OTEL_TRACES_SAMPLER", by_name);
    let Some(mut sampler) = named else { return by_default(DEFAULT) };
    if let Root::Ratio(ratio) = &mut sampler.value.root
        && let Some(given) = lenient.value("OTEL_TRACES_SAMPLER_ARG", part)
    {
        *ratio = given.value;
    }
    sampler
}

fn by_name(text: &str) -> Result<Sampler, ValueError> {
    let found = NAMES.iter().find(|(name, _)| name.eq_ignore_ascii_case(text));
    found.map(|(_, sampler)| *sampler).ok_or_else(|| {
        let names = NAMES.map(|(name, _)| format!("`{name}`"));
        ValueError(format!("codeloops has no such sampler (there are {})", names.join(", ")))
    })
}

fn part(text: &str) -> Result<f64, ValueError> {
    let part = text.parse().ok().filter(|part| (0.0..=1.0).contains(part));
    part.ok_or_else(|| ValueError("it is not a number from 0 to 1".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(low: u64) -> TraceId {
        format!("4bf92f3577b34da6{low:016x}").parse().unwrap()
    }

    fn is_sampled(name: &str, parent: Option<bool>) -> bool {
        sampled(&by_name(name).unwrap(), id(1), parent)
    }

    #[test]
    fn the_trace_that_a_run_was_started_in_decides_where_the_sampler_says_so() {
        for (name, [alone, below_sampled, below_unsampled]) in [
            ("always_on", [true, true, true]),
            ("always_off", [false, false, false]),
            ("traceidratio", [true, true, true]),
            ("parentbased_always_on", [true, true, false]),
            ("parentbased_always_off", [false, true, false]),
            ("PARENTBASED_TRACEIDRATIO", [true, true, false]),
        ] {
            assert_eq!(is_sampled(name, None), alone, "{name}");
            assert_eq!(is_sampled(name, Some(true)), below_sampled, "{name}");
            assert_eq!(is_sampled(name, Some(false)), below_unsampled, "{name}");
        }
    }

    #[test]
    fn a_part_of_all_traces_is_the_one_that_the_sdks_take() {
        let of = |ratio, low| {
            sampled(&Sampler { root: Root::Ratio(ratio), parent_based: true }, id(low), None)
        };
        assert_eq!((of(0.0, 0), of(1.0, u64::MAX)), (false, true));
        assert_eq!((of(0.5, u64::MAX / 2), of(0.5, u64::MAX / 2 + 1)), (true, false));
        // A quarter of 2^64: the bound at which the next id is not taken any more.
        assert_eq!((of(0.25, (1 << 62) - 1), of(0.25, 1 << 62)), (true, false));
        // The lowest bit does not count.
        assert_eq!((of(1e-19, 1), of(1.5e-19, 1), of(1e-18, 1)), (false, true, true));
    }
}
