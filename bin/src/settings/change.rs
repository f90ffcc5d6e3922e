//! One setting of a recorded run, changed: `--with max_iterations=3`.

use std::fmt;
use std::num::{NonZeroU32, NonZeroU64};
use std::str::FromStr;

use codeloops_event::{Limits, OnGateFailure, Settings, TamperPolicy};

use crate::text::nearest;
use crate::values::{Dollars, FROM_ONE, Patience, StuckAfter, TimeLimit, ValueError, Words};

/// A setting that a run decides by, and another value for it.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// As it was given.
    text: String,
    to: To,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum To {
    MaxIterations(Option<NonZeroU32>),
    MaxDuration(TimeLimit),
    MaxTokens(Option<NonZeroU64>),
    MaxCostUsd(Option<Dollars>),
    ActorTimeout(TimeLimit),
    CriticTimeout(TimeLimit),
    GateTimeout(TimeLimit),
    IdleTimeout(TimeLimit),
    MaxActorFailures(NonZeroU32),
    MaxCriticFailures(NonZeroU32),
    StuckAfter(StuckAfter),
    UsageLimitWait(Patience),
    RestoreTree(bool),
    OnFailure(OnGateFailure),
    Tamper(TamperPolicy),
}

/// What can be changed: every key that the machine decides by.
const KEYS: [&str; 15] = [
    "max_iterations",
    "max_duration",
    "max_tokens",
    "max_cost_usd",
    "actor_timeout",
    "critic_timeout",
    "gate_timeout",
    "idle_timeout",
    "max_actor_failures",
    "max_critic_failures",
    "stuck_after",
    "usage_limit_wait",
    "restore_tree",
    "on_failure",
    "tamper",
];

/// What may stand before a key: the table that it stands in.
const TABLES: [&str; 2] = ["limits.", "gate_policy."];

impl FromStr for Change {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let (key, value) = text.split_once('=').ok_or_else(|| {
            ValueError("it takes KEY=VALUE, such as `max_iterations=3`".to_owned())
        })?;
        let (key, value) = (key.trim(), value.trim());
        let bare = TABLES.iter().find_map(|table| key.strip_prefix(table)).unwrap_or(key);
        let to = To::of(bare, value)?;
        Ok(Self { text: format!("{key}={value}"), to })
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Change {
    /// Puts the value into the settings of a run.
    pub fn apply(&self, settings: &mut Settings) {
        let limits: &mut Limits = &mut settings.limits;
        match self.to {
            To::MaxIterations(max) => limits.max_iterations = max.map(NonZeroU32::get),
            To::MaxDuration(max) => limits.max_duration_secs = max.secs(),
            To::MaxTokens(max) => limits.max_tokens = max.map(NonZeroU64::get),
            To::MaxCostUsd(max) => limits.max_cost_usd = max.map(Dollars::get),
            To::ActorTimeout(max) => limits.actor_timeout_secs = max.secs(),
            To::CriticTimeout(max) => limits.critic_timeout_secs = max.secs(),
            To::GateTimeout(max) => limits.gate_timeout_secs = max.secs(),
            To::IdleTimeout(max) => {
                limits.actor_idle_timeout_secs = max.secs();
                limits.critic_idle_timeout_secs = max.secs();
            }
            To::MaxActorFailures(max) => limits.max_actor_failures = max.get(),
            To::MaxCriticFailures(max) => limits.max_critic_failures = max.get(),
            To::UsageLimitWait(wait) => limits.usage_limit_wait_secs = wait.secs(),
            To::StuckAfter(number) => limits.stuck_after = number.get(),
            To::RestoreTree(restore) => settings.restore_tree = restore,
            To::OnFailure(who) => settings.gate_policy.on_failure = who,
            To::Tamper(policy) => settings.gate_policy.tamper = policy,
        }
    }
}

impl To {
    fn of(key: &str, value: &str) -> Result<Self, ValueError> {
        let wrong = |error: &dyn fmt::Display| ValueError(format!("`{key}`: {error}"));
        Ok(match key {
            "max_iterations" => Self::MaxIterations(or_none(value, |text| from_one(key, text))?),
            "max_tokens" => Self::MaxTokens(or_none(value, |text| from_one(key, text))?),
            "max_cost_usd" => {
                Self::MaxCostUsd(or_none(value, |text| text.parse().map_err(|e| wrong(&e)))?)
            }
            "max_duration" => Self::MaxDuration(value.parse().map_err(|e| wrong(&e))?),
            "actor_timeout" => Self::ActorTimeout(value.parse().map_err(|e| wrong(&e))?),
            "critic_timeout" => Self::CriticTimeout(value.parse().map_err(|e| wrong(&e))?),
            "gate_timeout" => Self::GateTimeout(value.parse().map_err(|e| wrong(&e))?),
            "idle_timeout" => Self::IdleTimeout(value.parse().map_err(|e| wrong(&e))?),
            "max_actor_failures" => Self::MaxActorFailures(from_one(key, value)?),
            "max_critic_failures" => Self::MaxCriticFailures(from_one(key, value)?),
            "stuck_after" => Self::StuckAfter(value.parse().map_err(|e| wrong(&e))?),
            "on_failure" => Self::OnFailure(Words::from_word(value).map_err(|e| wrong(&e))?),
            "tamper" => Self::Tamper(Words::from_word(value).map_err(|e| wrong(&e))?),
            "usage_limit_wait" => Self::UsageLimitWait(value.parse().map_err(|e| wrong(&e))?),
            "restore_tree" => {
                let word = |_| ValueError(format!("`{key}`: it takes `true` or `false`"));
                Self::RestoreTree(value.parse().map_err(word)?)
            }
            _ => return Err(unknown(key)),
        })
    }
}

/// `none` lifts a limit.
fn or_none<T>(
    text: &str,
    parse: impl FnOnce(&str) -> Result<T, ValueError>,
) -> Result<Option<T>, ValueError> {
    if text == "none" { Ok(None) } else { parse(text).map(Some) }
}

fn from_one<T: FromStr>(key: &str, text: &str) -> Result<T, ValueError> {
    text.parse().map_err(|_| ValueError(format!("`{key}`: {FROM_ONE}")))
}

fn unknown(key: &str) -> ValueError {
    let meant = nearest(key, KEYS).map(|near| format!(", did you mean `{near}`?"));
    let all = || format!(" (there are `{}`)", KEYS.join("`, `"));
    let rest = meant.unwrap_or_else(all);
    ValueError(format!("no run decides by a setting `{key}`{rest}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_read_and_a_wrong_value_names_it() {
        for key in KEYS {
            let wrong = format!("{key}=wrong").parse::<Change>().unwrap_err();
            assert!(wrong.to_string().starts_with(&format!("`{key}`: ")), "{wrong}");
        }
    }

    #[test]
    fn what_is_changed_is_what_was_named() {
        let text = include_str!("../../../engine/session/tests/fixtures/v1.0/approved.jsonl");
        let line: serde_json::Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
        let recorded: Settings = serde_json::from_value(line["settings"].clone()).unwrap();
        let with = |text: &str| {
            let mut settings = recorded.clone();
            text.parse::<Change>().unwrap().apply(&mut settings);
            settings
        };
        assert_eq!(with("max_iterations=7").limits.max_iterations, Some(7));
        assert_eq!(with("limits.max_iterations = none").limits.max_iterations, None);
        assert_eq!(with("max_duration=1h30m").limits.max_duration_secs, Some(5400.0));
        assert_eq!(with("max_duration=none").limits.max_duration_secs, None);
        assert_eq!(with("max_cost_usd=0.5").limits.max_cost_usd, Some(0.5));
        assert_eq!(with("max_tokens=1000").limits.max_tokens, Some(1000));
        assert_eq!(with("usage_limit_wait=0s").limits.usage_limit_wait_secs, Some(0.0));
        assert_eq!(with("gate_timeout=2m").limits.gate_timeout_secs, Some(120.0));
        assert_eq!(with("limits.stuck_after=2").limits.stuck_after, 2);
        assert_eq!(with("on_failure=actor").gate_policy.on_failure, OnGateFailure::Actor);
        assert_eq!(with("gate_policy.tamper=veto").gate_policy.tamper, TamperPolicy::Veto);
        assert!(!with("restore_tree=false").restore_tree);
        assert_ne!(with("restore_tree=false"), recorded);
    }

    #[test]
    fn an_unknown_key_names_the_nearest() {
        let refused = |text: &str| text.parse::<Change>().unwrap_err().to_string();
        assert_eq!(
            refused("max_iteration=3"),
            "no run decides by a setting `max_iteration`, did you mean `max_iterations`?"
        );
        assert!(refused("zzz=3").contains("(there are `max_iterations`, "));
        assert!(refused("max_iterations").starts_with("it takes KEY=VALUE"));
    }
}
