//! What agents used, in words.

use codeloops_event::{Usage, UsageByRole};

/// A line for each role that told, and one for both together where both did.
pub(super) fn by_role(usage: &UsageByRole) -> Vec<String> {
    let UsageByRole { actor, critic, .. } = usage;
    let both = actor.as_ref().zip(critic.as_ref()).map(|(actor, critic)| actor.plus(critic));
    [("actor", actor), ("critic", critic), ("together", &both)]
        .into_iter()
        .filter_map(|(whose, usage)| Some(format!("{whose}: {}", in_words(usage.as_ref()?)?)))
        .collect()
}

/// Tokens and money, as far as they are known; none where neither is.
pub(super) fn in_words(usage: &Usage) -> Option<String> {
    let cached = |n| format!(" ({n} of them cached)");
    let cached = usage.cache_read_tokens.filter(|n| *n > 0).map_or_else(String::new, cached);
    let parts = [
        usage.input_tokens.map(|n| format!("{n} tokens in{cached}")),
        usage.output_tokens.map(|n| format!("{n} tokens out")),
        usage.cost_usd.map(dollars),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// Small amounts with more digits than cents.
fn dollars(cost: f64) -> String {
    if cost < 1.0 { format!("${cost:.4}") } else { format!("${cost:.2}") }
}
