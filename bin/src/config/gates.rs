//! `[[gates]]` and `[gate_policy]`: the user's checks, and what follows from them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use codeloops_adapters::redact::check_pattern;
use codeloops_event::{OnGateFailure, TamperPolicy};

use super::error::ConfigError;
use super::file::{command, variable_name};
use super::leads_out;
use super::table::{Located, Raw, Section};
use crate::units::parse_duration;
use crate::values::{GateName, ValueError, for_shell};

/// One of `[[gates]]`. A key that is not there is none.
#[derive(Debug, Clone, PartialEq)]
pub struct GateConfig {
    /// `name`.
    pub name: GateName,
    /// `run`: the program and its arguments.
    pub run: Located<Vec<String>>,
    /// `timeout`.
    pub timeout: Option<Located<Duration>>,
    /// `required`.
    pub required: Option<Located<bool>>,
    /// `baseline`.
    pub baseline: Option<Located<bool>>,
    /// `retries`.
    pub retries: Option<Located<u32>>,
    /// `working_dir`: from the run's working directory, and below it.
    pub working_dir: Option<Located<PathBuf>>,
    /// `env`.
    pub env: BTreeMap<String, Located<String>>,
}

/// `[gate_policy]`.
#[derive(Debug, Clone, Default, PartialEq)]
#[expect(missing_docs, reason = "each field is the key of the same name")]
pub struct PolicyConfig {
    pub on_failure: Option<Located<OnGateFailure>>,
    pub parallel: Option<Located<bool>>,
    pub tamper: Option<Located<TamperPolicy>>,
    pub patterns: Option<Located<Vec<TamperPattern>>>,
}

/// One of `[[gate_policy.patterns]]`: a sign of weakened checks of the user's own. At least one of
/// `added` and `removed` is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TamperPattern {
    /// What it is called where it is found.
    pub name: String,
    /// Which files are looked at: a glob, from the repository's root.
    pub files: String,
    /// A regular expression for lines that were added.
    pub added: Option<String>,
    /// A regular expression for lines that were removed.
    pub removed: Option<String>,
}

/// How gates are written.
const TABLES: &str = "tables: write `[[gates]]`, and its keys below it";

/// The gates, of which no two have the same name.
pub(super) fn gates(raw: &Raw<'_>) -> Result<Vec<GateConfig>, ConfigError> {
    let mut gates: Vec<GateConfig> = Vec::new();
    if !raw.is_list() {
        return Err(raw.wrong_type(TABLES));
    }
    for item in raw.list()? {
        let gate = gate(&item)?;
        if let Some(other) = gates.iter().find(|other| other.name.is(gate.name.as_str())) {
            let (name, line) = (gate.name.as_str(), other.run.line);
            return Err(item.bad_value(&format!(
                "the gate above, whose `run` is at line {line}, has the name `{name}` already (upper \
                 and lower case count as the same)"
            )));
        }
        gates.push(gate);
    }
    Ok(gates)
}

fn gate(raw: &Raw<'_>) -> Result<GateConfig, ConfigError> {
    let mut section = raw.table().map_err(|_| raw.wrong_type(TABLES))?;
    let name = section.get("name", |name| name.value_of("a string", str::parse::<GateName>))?;
    let run = section.get("run", run)?;
    let timeout = section.get("timeout", timeout)?;
    let required = section.get("required", Raw::bool)?;
    let baseline = section.get("baseline", Raw::bool)?;
    let retries = section.get("retries", |retries| retries.integer(whole_number))?;
    let working_dir = section.get("working_dir", below)?;
    let env = section.section("env", env)?;
    section.finish()?;
    let name = name.ok_or_else(|| raw.bad_value("a gate needs a `name`"))?.value;
    let run = run.ok_or_else(|| raw.bad_value("a gate needs `run`, its command"))?;
    Ok(GateConfig { name, run, timeout, required, baseline, retries, working_dir, env })
}

/// A string goes to the shell, a list is run as it is.
fn run(raw: &Raw<'_>) -> Result<Vec<String>, ConfigError> {
    if raw.is_string() {
        return raw.name().map(|script| for_shell(&script));
    }
    if raw.is_list() {
        return command(raw);
    }
    Err(raw.wrong_type("a string, which goes to `sh -c`, or a list of strings"))
}

fn timeout(raw: &Raw<'_>) -> Result<Duration, ConfigError> {
    match raw.quantity("a duration", parse_duration)? {
        Duration::ZERO => Err(raw.bad_value("it leaves no time")),
        duration => Ok(duration),
    }
}

fn whole_number(text: &str) -> Result<u32, ValueError> {
    let refuse = |_| ValueError("it takes a whole number, 0 for not at all".to_owned());
    text.parse().map_err(refuse)
}

fn below(raw: &Raw<'_>) -> Result<PathBuf, ConfigError> {
    let dir = raw.name()?;
    if leads_out(Path::new(&dir)) {
        return Err(raw.bad_value("it takes a folder below the working directory, without `..`"));
    }
    Ok(dir.into())
}

fn env(section: Section<'_>) -> Result<BTreeMap<String, Located<String>>, ConfigError> {
    let variables = section.entries().map(|(name, raw)| {
        let name = variable_name(name, &raw)?;
        if name.starts_with("CODELOOPS_") {
            return Err(raw.bad_value("what begins with `CODELOOPS_` is set by codeloops itself"));
        }
        Ok((name, raw.located(Raw::string)?))
    });
    variables.collect()
}

pub(super) fn policy(mut section: Section<'_>) -> Result<PolicyConfig, ConfigError> {
    let policy = PolicyConfig {
        on_failure: section.get("on_failure", Raw::word)?,
        parallel: section.get("parallel", Raw::bool)?,
        tamper: section.get("tamper", Raw::word)?,
        patterns: section.get("patterns", |raw| raw.list()?.iter().map(pattern).collect())?,
    };
    section.finish()?;
    Ok(policy)
}

fn pattern(raw: &Raw<'_>) -> Result<TamperPattern, ConfigError> {
    let mut section = raw.table()?;
    let name = section.get("name", Raw::name)?;
    let files = section.get("files", Raw::name)?;
    let [added, removed] = [section.get("added", regex)?, section.get("removed", regex)?]
        .map(|found| found.map(|located| located.value));
    section.finish()?;
    let needs = |key| raw.bad_value(&format!("a pattern needs `{key}`"));
    let name = name.ok_or_else(|| needs("name"))?.value;
    let files = files.ok_or_else(|| needs("files"))?.value;
    if added.is_none() && removed.is_none() {
        return Err(raw.bad_value("a pattern needs `added` or `removed`, a regular expression"));
    }
    Ok(TamperPattern { name, files, added, removed })
}

fn regex(raw: &Raw<'_>) -> Result<String, ConfigError> {
    let pattern = raw.string()?;
    check_pattern(&pattern).map_err(|error| raw.bad_value(&error.to_string()))?;
    Ok(pattern)
}
