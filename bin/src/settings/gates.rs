//! The user's checks as a run goes by them, and the policy that they stand under.

mod notes;
mod recorded;
mod rows;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use codeloops_adapters::redact::Redactor;
use codeloops_event::{GatePolicy, GateSettings, OnGateFailure, TamperPolicy};

use super::origin::{Layers, Origin, Sourced, of_file};
use crate::app::GateArgs;
use crate::config::{ConfigFile, GateConfig, Located, TamperPattern};
use crate::error::CliError;
use crate::secrets::{shown_command, shown_script, shown_words};
use crate::values::{GateFlag, for_shell};

pub(super) use recorded::{GivenAnew, as_recorded};

/// One gate, with all that its program is started with.
#[derive(Debug, Clone, PartialEq)]
pub struct Gate {
    /// Its name.
    pub name: String,
    /// The program and its arguments, credentials included.
    pub command: Sourced<Vec<String>>,
    /// Whether a red result blocks an approval.
    pub required: Sourced<bool>,
    /// Whether it blocks only if it was green before the run, or got worse.
    pub baseline: Sourced<bool>,
    /// How often it is repeated after a failure.
    pub retries: Sourced<u32>,
    /// Its own time limit, where it has one.
    pub timeout: Option<Sourced<Duration>>,
    /// Where it runs, from the run's working directory, where it does not run there.
    pub working_dir: Option<Sourced<PathBuf>>,
    /// Variables that are set for it.
    pub env: BTreeMap<String, Sourced<String>>,
}

/// How gates are run, and what follows from them.
#[derive(Debug, Clone, PartialEq)]
pub struct PolicySettings {
    /// Who hears of a required gate that blocks.
    pub on_failure: Sourced<OnGateFailure>,
    /// Whether all run at once.
    pub parallel: Sourced<bool>,
    /// What signs of weakened checks lead to.
    pub tamper: Sourced<TamperPolicy>,
    /// Further signs of weakened checks.
    pub patterns: Sourced<Vec<TamperPattern>>,
    /// Whether required gates run once before the first round.
    pub baseline: Sourced<bool>,
}

/// What names a gate on the command line.
const FLAG: &str = "--gate";

/// How often a gate is repeated where nobody says anything.
const RETRIES: u32 = 1;

/// The gates of the first file that lists any, with those of the command line over them.
pub(super) fn resolve(args: &GateArgs, layers: Layers<'_>) -> Result<Sourced<Vec<Gate>>, CliError> {
    let listed = layers.config.layers().find_map(|file| Some((file, file.gates.as_ref()?)));
    let mut gates = match listed {
        None => Sourced { value: Vec::new(), origin: Origin::Default },
        Some((file, list)) => Sourced {
            value: list.value.iter().map(|gate| Gate::of_file(file, gate)).collect(),
            origin: of_file(file, list).origin,
        },
    };
    refuse_twice(&args.gates)?;
    for flag in &args.gates {
        put(&mut gates.value, Gate::of_flag(flag));
        gates.origin = Origin::Flag(FLAG);
    }
    Ok(gates)
}

fn refuse_twice(flags: &[GateFlag]) -> Result<(), CliError> {
    let named_before = |at: usize| {
        let name = flags[at].name.as_str();
        flags[..at].iter().any(|other| other.name.is(name)).then_some(name)
    };
    (0..flags.len()).find_map(named_before).map_or(Ok(()), |name| {
        Err(CliError::usage(format!("`{FLAG}` gives a gate of the name `{name}` twice"))
            .hint("give each gate a name of its own"))
    })
}

/// In the place of the one of its name, else at the end.
fn put(gates: &mut Vec<Gate>, gate: Gate) {
    match gates.iter_mut().find(|other| other.name.eq_ignore_ascii_case(&gate.name)) {
        Some(place) => *place = gate,
        None => gates.push(gate),
    }
}

impl Gate {
    fn of_file(file: &ConfigFile, gate: &GateConfig) -> Self {
        Self {
            name: gate.name.as_str().to_owned(),
            command: of_file(file, &gate.run),
            required: or_default(file, gate.required.as_ref(), true),
            baseline: or_default(file, gate.baseline.as_ref(), true),
            retries: or_default(file, gate.retries.as_ref(), RETRIES),
            timeout: gate.timeout.as_ref().map(|timeout| of_file(file, timeout)),
            working_dir: gate.working_dir.as_ref().map(|dir| of_file(file, dir)),
            env: gate.env.iter().map(|(name, it)| (name.clone(), of_file(file, it))).collect(),
        }
    }

    fn of_flag(flag: &GateFlag) -> Self {
        let by_default = |value| Sourced { value, origin: Origin::Default };
        let origin = Origin::Flag(FLAG);
        Self {
            name: flag.name.as_str().to_owned(),
            command: Sourced { value: for_shell(&flag.script), origin },
            required: by_default(true),
            baseline: by_default(true),
            retries: Sourced { value: RETRIES, origin: Origin::Default },
            timeout: None,
            working_dir: None,
            env: BTreeMap::new(),
        }
    }

    /// Whether only the command line of the run names it so.
    pub(crate) fn is_of_flag(&self) -> bool {
        self.command.origin == Origin::Flag(FLAG)
    }

    /// What the engine acts on.
    pub(super) fn engine(&self) -> GateSettings {
        let dir = self.working_dir.as_ref().map(|dir| dir.value.to_string_lossy().into_owned());
        GateSettings {
            name: self.name.clone(),
            command: self.command.value.clone(),
            required: self.required.value,
            baseline: self.baseline.value,
            retries: self.retries.value,
            timeout_secs: self.timeout.as_ref().map(|timeout| timeout.value.as_secs_f64()),
            working_dir: dir,
            env: self.env.keys().cloned().collect(),
        }
    }
}

fn or_default<T: Clone>(file: &ConfigFile, located: Option<&Located<T>>, default: T) -> Sourced<T> {
    located.map_or(Sourced { value: default, origin: Origin::Default }, |it| of_file(file, it))
}

impl PolicySettings {
    pub(super) fn resolve(args: &GateArgs, layers: Layers<'_>) -> Self {
        Self {
            on_failure: layers.value("", None, |file| &file.gate_policy.on_failure),
            parallel: layers.or("", None, |file| &file.gate_policy.parallel, false),
            tamper: layers.value("", None, |file| &file.gate_policy.tamper),
            patterns: layers.or("", None, |file| &file.gate_policy.patterns, Vec::new()),
            baseline: Sourced::flag_or(args.no_baseline, "--no-baseline", false, true),
        }
    }

    /// What the engine acts on.
    pub(super) fn engine(&self) -> GatePolicy {
        GatePolicy {
            on_failure: self.on_failure.value,
            parallel: self.parallel.value,
            tamper: self.tamper.value,
            baseline: self.baseline.value,
        }
    }
}

/// The script, where the command is one for the shell.
pub(crate) fn script(command: &[String]) -> Option<&str> {
    match command {
        [shell, flag, script] if shell == "sh" && flag == "-c" => Some(script),
        _ => None,
    }
}

/// A gate's command in one line as it was written, with what may be a secret hidden.
pub(crate) fn shown(command: &[String]) -> String {
    script(command).map_or_else(|| shown_command(command), shown_script)
}

/// A gate's command as it is recorded, and at how many of its words a credential was masked. A list of
/// arguments has its secrets behind flags and in variables, which no look at the text alone would tell.
pub(crate) fn masked(command: &[String], redactor: &Redactor) -> (Vec<String>, u64) {
    let shown = match script(command) {
        Some(script) => for_shell(&shown_script(script)),
        None => shown_words(command),
    };
    let masked: Vec<String> = shown.iter().map(|word| redactor.text(word).0.into_owned()).collect();
    let count = masked.iter().zip(command).filter(|(now, before)| now != before).count();
    (masked, count as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_recorded_of_a_command_holds_no_credential() {
        let redactor = Redactor::new(&[], [("MY_TOKEN", "hunter2hunter2")]).unwrap();
        let recorded = |command: &[&str]| {
            let command: Vec<String> = command.iter().map(ToString::to_string).collect();
            let (masked, count) = masked(&command, &redactor);
            format!("{} ({count})", masked.join(" "))
        };
        insta::assert_snapshot!(recorded(&["cargo", "test"]), @"cargo test (0)");
        insta::assert_snapshot!(recorded(&["scan", "--token", "s3cret"]), @"scan --token ******** (1)");
        insta::assert_snapshot!(recorded(&["scan", "hunter2hunter2"]), @"scan [redacted: $MY_TOKEN] (1)");
        insta::assert_snapshot!(recorded(&["sh", "-c", "API_KEY=s3cret make  test"]), @"sh -c API_KEY=******** make  test (1)");
    }
}
