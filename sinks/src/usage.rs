//! What agents used, in words.

use codeloops_event::{Usage, UsageByRole};

/// Who used what, for each role that used something and for both together where both did.
#[must_use]
pub fn by_role(usage: &UsageByRole) -> Vec<(&'static str, String)> {
    let [actor, critic] =
        [&usage.actor, &usage.critic].map(|usage| usage.as_ref().filter(|usage| is_any(usage)));
    let both = actor.zip(critic).map(|(actor, critic)| actor.plus(critic));
    [("actor", actor), ("critic", critic), ("together", both.as_ref())]
        .into_iter()
        .filter_map(|(whose, usage)| Some((whose, in_words(usage?)?)))
        .collect()
}

/// Whether anything was used, as far as that is known. A call that was refused uses nothing.
fn is_any(usage: &Usage) -> bool {
    usage.tokens() > 0 || usage.cost_usd.is_some_and(|cost| cost > 0.0)
}

/// Tokens and money, as far as they are known; none where nothing was used.
#[must_use]
pub fn in_words(usage: &Usage) -> Option<String> {
    if !is_any(usage) {
        return None;
    }
    let cached = |n| format!(" ({} of them cached)", grouped(n));
    let cached = usage.cache_read_tokens.filter(|n| *n > 0).map_or_else(String::new, cached);
    let parts = [
        usage.input_tokens.map(|n| format!("{} in{cached}", tokens(n))),
        usage.output_tokens.map(|n| format!("{} out", tokens(n))),
        usage.cost_usd.map(dollars),
    ];
    Some(parts.into_iter().flatten().collect::<Vec<_>>().join(", "))
}

fn tokens(n: u64) -> String {
    format!("{} {}", grouped(n), if n == 1 { "token" } else { "tokens" })
}

/// Tokens in groups of three digits: a turn soon takes millions.
fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut shown = String::with_capacity(digits.len() * 4 / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

/// Small amounts with more digits than cents.
fn dollars(cost: f64) -> String {
    if cost < 1.0 { format!("${cost:.4}") } else { format!("${cost:.2}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_is_told_and_nothing_else() {
        let usage = Usage {
            input_tokens: Some(1_234_567),
            output_tokens: Some(999),
            cache_read_tokens: Some(1000),
            cost_usd: Some(0.0123),
            ..Usage::default()
        };
        let told = "1,234,567 tokens in (1,000 of them cached), 999 tokens out, $0.0123";
        assert_eq!(in_words(&usage).unwrap(), told);
        assert_eq!(in_words(&Usage::default()), None);
        let one = UsageByRole { critic: Some(usage.clone()), ..UsageByRole::default() };
        assert_eq!(by_role(&one), [("critic", told.to_owned())]);
        let both = UsageByRole { actor: Some(usage.clone()), critic: Some(usage), total: None };
        let whose: Vec<&str> = by_role(&both).iter().map(|(whose, _)| *whose).collect();
        assert_eq!(whose, ["actor", "critic", "together"]);
    }

    #[test]
    fn nothing_at_all_is_not_told_and_one_token_is_one() {
        let used = |n, cost| Usage {
            input_tokens: Some(n),
            output_tokens: Some(n),
            cost_usd: Some(cost),
            ..Usage::default()
        };
        assert_eq!(in_words(&used(0, 0.0)), None);
        assert_eq!(in_words(&used(1, 0.0)).unwrap(), "1 token in, 1 token out, $0.0000");
        assert_eq!(in_words(&used(0, 0.5)).unwrap(), "0 tokens in, 0 tokens out, $0.5000");
        let refused =
            UsageByRole { actor: Some(used(2, 0.1)), critic: Some(used(0, 0.0)), total: None };
        let whose: Vec<&str> = by_role(&refused).iter().map(|(whose, _)| *whose).collect();
        assert_eq!(whose, ["actor"]);
    }
}
