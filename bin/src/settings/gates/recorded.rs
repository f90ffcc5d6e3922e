//! The gates of a session as those of another run. What was recorded stands; what no session holds, the
//! values of variables and what was masked in a command, is taken from the gate of the same name that
//! is configured now, if it is the same.

use codeloops_adapters::redact::Redactor;
use codeloops_event::GateSettings;

use super::{FLAG, Gate, masked, put};
use crate::error::CliError;
use crate::secrets::MASK;
use crate::settings::origin::{Origin, Sourced};

/// What a gate of the command line does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::settings) enum GivenAnew {
    /// It gives again the command of one that was recorded: the run is the same.
    Again,
    /// It stands over what was recorded: the run is another one.
    Over,
}

/// The recorded gates, with what the present ones give.
pub(in crate::settings) fn as_recorded(
    recorded: &[GateSettings],
    present: &[Gate],
    given: GivenAnew,
    redactor: impl FnOnce() -> Result<Redactor, CliError>,
) -> Result<Vec<Gate>, CliError> {
    if recorded.is_empty() && !present.iter().any(Gate::is_of_flag) {
        return Ok(Vec::new());
    }
    let redactor = redactor()?;
    let is_same = |gate: &Gate, recorded: &GateSettings| {
        let now = &gate.command.value;
        *now == recorded.command || masked(now, &redactor).0 == recorded.command
    };
    let flags = present.iter().filter(|gate| gate.is_of_flag());
    if given == GivenAnew::Again {
        for flag in flags.clone() {
            let began_with = recorded.iter().find(|it| it.name.eq_ignore_ascii_case(&flag.name));
            if !began_with.is_some_and(|recorded| is_same(flag, recorded)) {
                return Err(another(&flag.name));
            }
        }
    }
    let stands_over = |it: &GateSettings| {
        given == GivenAnew::Over
            && flags.clone().any(|flag| flag.name.eq_ignore_ascii_case(&it.name))
    };
    let mut gates = Vec::new();
    for it in recorded {
        let now = present.iter().find(|gate| gate.name.eq_ignore_ascii_case(&it.name));
        match now {
            Some(flag) if stands_over(it) => gates.push(flag.clone()),
            now => gates.push(with_secrets(it, now.filter(|gate| is_same(gate, it)))?),
        }
    }
    if given == GivenAnew::Over {
        flags.for_each(|flag| put(&mut gates, flag.clone()));
    }
    Ok(gates)
}

/// The recorded gate with what was not recorded of it; `same` is the one that has it.
fn with_secrets(recorded: &GateSettings, same: Option<&Gate>) -> Result<Gate, CliError> {
    let of_session = |value| Sourced { value, origin: Origin::Recorded };
    let command = match same {
        Some(same) => same.command.value.clone(),
        None if is_masked(&recorded.command) => return Err(masked_command(recorded)),
        None => recorded.command.clone(),
    };
    let variable = |name: &String| {
        let value = same.and_then(|same| same.env.get(name));
        let value = value.ok_or_else(|| missing_variable(recorded, name))?;
        Ok((name.clone(), value.clone()))
    };
    let timeout = recorded.timeout_secs.map(crate::settings::recorded::seconds);
    Ok(Gate {
        name: recorded.name.clone(),
        command: Sourced { value: command, origin: Origin::Recorded },
        required: of_session(recorded.required),
        baseline: of_session(recorded.baseline),
        retries: Sourced { value: recorded.retries, origin: Origin::Recorded },
        timeout: timeout.map(|value| Sourced { value, origin: Origin::Recorded }),
        working_dir: recorded
            .working_dir
            .as_ref()
            .map(|dir| Sourced { value: dir.into(), origin: Origin::Recorded }),
        env: recorded.env.iter().map(variable).collect::<Result<_, CliError>>()?,
    })
}

fn is_masked(command: &[String]) -> bool {
    command.iter().any(|word| word.contains(MASK) || word.contains("[redacted"))
}

fn another(name: &str) -> CliError {
    CliError::usage(format!("gate `{name}` is not one that the session began with"))
        .hint("a resumed run goes on with its own gates; `codeloops fork` takes others")
}

fn masked_command(gate: &GateSettings) -> CliError {
    let name = &gate.name;
    let error = CliError::usage(format!(
        "the command of gate `{name}` was masked when it was recorded, so it is not known: {}",
        super::shown(&gate.command)
    ));
    if gate.env.is_empty() {
        error.hint(format!(
            "give it again with `{FLAG} '{name}=COMMAND'`, or configure it as it was"
        ))
    } else {
        error.hint("configure the gate as it was, with its variables")
    }
}

fn missing_variable(gate: &GateSettings, variable: &str) -> CliError {
    CliError::usage(format!(
        "gate `{}` needs the variable `{variable}`, whose value no session records",
        gate.name
    ))
    .hint("configure the gate as it was: with the same command and this variable in its `env`")
}
