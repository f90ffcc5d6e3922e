//! Gates and their policy: checked as strictly as everything else, then refused, because this
//! release does not run them yet.

use super::error::ConfigError;
use super::table::{Raw, Section};
use crate::values::{TimeLimit, ValueError};

/// Checks `[[gates]]`; the first one is the error.
pub(super) fn refuse_gates(root: &mut Section<'_>) -> Result<(), ConfigError> {
    let Some(raw) = root.take("gates") else { return Ok(()) };
    let gates = raw.list()?;
    for gate in &gates {
        check_gate(gate.table()?)?;
    }
    let shown = format!("[[{}]]", raw.key());
    gates.first().map_or(Ok(()), |first| Err(first.not_yet_available(&shown)))
}

/// Checks `[gate_policy]`; it is the error.
pub(super) fn refuse_policy(root: &mut Section<'_>) -> Result<(), ConfigError> {
    let Some(raw) = root.take("gate_policy") else { return Ok(()) };
    let mut policy = raw.table()?;
    policy.get("on_failure", |raw| raw.value_of("a string", one_of(&["critic", "actor"])))?;
    policy.get("parallel", Raw::bool)?;
    policy.get("tamper", |raw| raw.value_of("a string", one_of(&["off", "warn", "veto"])))?;
    policy.finish()?;
    Err(raw.not_yet_available(&format!("[{}]", raw.key())))
}

fn check_gate(mut gate: Section<'_>) -> Result<(), ConfigError> {
    gate.get("name", Raw::name)?;
    gate.get(
        "run",
        |raw| if raw.is_string() { raw.name().map(|s| vec![s]) } else { raw.strings() },
    )?;
    gate.get("timeout", |raw| raw.quantity("a duration", str::parse::<TimeLimit>))?;
    gate.get("required", Raw::bool)?;
    gate.get("baseline", Raw::bool)?;
    gate.get("retries", |raw| raw.whole::<u32>("from 0 on"))?;
    gate.finish()
}

fn one_of(words: &'static [&'static str]) -> impl FnOnce(&str) -> Result<&'static str, ValueError> {
    move |text| {
        words.iter().copied().find(|word| *word == text).ok_or_else(|| {
            let list: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
            ValueError(format!("`{text}` is not one of {}", list.join(", ")))
        })
    }
}
