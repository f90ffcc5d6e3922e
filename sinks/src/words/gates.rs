//! Phrases for gates, what they did to the tree, and signs of weakened checks.

use codeloops_event::{
    ApprovalVetoed, Failure, GateResult, GateSettings, GateStatus, Iteration, IterationEnd,
    StateRepeated, TamperKind, Tampering,
};

use super::{Said, count, duration};
use crate::text::{headline, one_line, sanitise};

/// Failures of a gate, and signs of weakened checks, that are told one by one.
const TOLD: usize = 5;
/// Lines of the end of what a gate printed that are told.
const TAIL: usize = 10;
/// Columns that a failure or a sign may take.
const WIDTH: usize = 160;

/// A gate's command as it was written: a script without the shell that runs it.
#[must_use]
pub fn gate_command(gate: &GateSettings) -> String {
    match gate.command.as_slice() {
        [shell, flag, script] if shell == "sh" && flag == "-c" => one_line(script),
        command => one_line(&command.join(" ")),
    }
}

/// How a gate ended, of iteration 0 before the first.
#[must_use]
pub fn gate_completed(iteration: Iteration, gate: &GateResult) -> String {
    let ended = gate_ended(gate);
    if iteration == 0 { format!("Before the first iteration, {ended}") } else { ended }
}

/// How a gate ended.
#[must_use]
pub fn gate_ended(gate: &GateResult) -> String {
    let time = duration(gate.duration_secs);
    let name = one_line(&gate.name);
    if gate.interrupted {
        return format!("{name}: ended with the run after {time}");
    }
    let ended = match (gate.status, gate.exit_code) {
        (GateStatus::Passed, _) => format!("passed in {time}"),
        (GateStatus::Flaky, _) => format!("flaky, passed when repeated, in {time}"),
        (GateStatus::Failed, Some(code)) => format!("failed in {time} (exit code: {code})"),
        (GateStatus::Failed, None) => format!("failed in {time}"),
        (GateStatus::TimedOut, _) => format!("stopped after {time}, its time limit"),
        (GateStatus::NotStarted, _) => "could not be started".to_owned(),
    };
    let before = match (gate.worse, is_red_as_before(gate)) {
        (true, _) => ", worse than before the run",
        (false, true) => ", as before the run",
        (false, false) => "",
    };
    let kept = gate.kept_from.as_ref().map(|run| format!(", kept from run {run}"));
    let required = if is_red(gate) && !gate.required { ", not required" } else { "" };
    format!("{name}: {ended}{before}{}{required}", kept.unwrap_or_default())
}

fn is_red(gate: &GateResult) -> bool {
    !gate.status.is_green() && !gate.interrupted
}

/// Whether a gate does not pass, and did not before the run began.
pub(crate) fn is_red_as_before(gate: &GateResult) -> bool {
    is_red(gate) && gate.baseline.is_some_and(|before| !before.is_green())
}

/// What a red gate found: its failures, or where none could be read, the end of what it printed. Of
/// one that is as it was before the run, nothing: the user knows.
#[must_use]
pub fn gate_findings(gate: &GateResult) -> Vec<String> {
    if !is_red(gate) || (is_red_as_before(gate) && !gate.worse) {
        return Vec::new();
    }
    if gate.failures.is_empty() {
        return tail(&gate.tail);
    }
    let told = gate.failures.iter().take(TOLD).map(failure);
    let listed = gate.failures.len().saturating_sub(TOLD) as u64;
    told.chain(more(listed.saturating_add(gate.more_failures))).collect()
}

/// Where all that a red gate printed is; `path` as it is to be copied.
#[must_use]
pub fn gate_output(gate: &GateResult) -> Option<Said> {
    let output = gate.output.as_ref().filter(|_| !gate_findings(gate).is_empty())?;
    Some(Said::with(format!("All that {} printed:", one_line(&gate.name)), &output.path))
}

fn tail(text: &str) -> Vec<String> {
    let text = sanitise(text);
    let lines: Vec<&str> = text.trim_end().lines().map(str::trim_end).collect();
    let first = lines.len().saturating_sub(TAIL);
    lines[first..].iter().map(ToString::to_string).collect()
}

fn failure(failure: &Failure) -> String {
    let name =
        failure.code.as_ref().map_or_else(String::new, |code| format!("{}: ", one_line(code)));
    let message = headline(&format!("{name}{}", one_line(&failure.message)), WIDTH);
    match (&failure.file, failure.line) {
        (Some(file), Some(line)) => format!("{}:{line}: {message}", one_line(file)),
        (Some(file), None) => format!("{}: {message}", one_line(file)),
        (None, _) => message,
    }
}

fn more(number: u64) -> Option<String> {
    (number > 0).then(|| format!("and {number} more"))
}

/// Signs of weakened checks: the first of them, and how many more there are.
#[must_use]
pub fn tampering(found: &[Tampering], more_found: u64) -> Vec<String> {
    let told = found.iter().take(TOLD).map(sign);
    let listed = found.len().saturating_sub(TOLD) as u64;
    let rest = listed.saturating_add(more_found);
    let rest = (rest > 0).then(|| {
        format!("And {}", count(rest, "more sign of weaker checks", "more signs of weaker checks"))
    });
    told.chain(rest).collect()
}

fn sign(sign: &Tampering) -> String {
    let file = one_line(&sign.file);
    let place = sign.line.map_or_else(|| file.clone(), |line| format!("{file}:{line}"));
    let text = headline(&one_line(&sign.text), WIDTH);
    format!("Weaker checks: {}, {place}: {text}", weakened(sign.kind))
}

const fn weakened(kind: TamperKind) -> &'static str {
    match kind {
        TamperKind::TestDeleted => "a test is gone",
        TamperKind::TestSkipped => "a test is skipped",
        TamperKind::AssertionRemoved => "an assertion is gone",
        TamperKind::LintLoosened => "a linter or type checker is told to look away",
        TamperKind::CiChanged => "what continuous integration runs was changed",
        TamperKind::ConfigChanged => "codeloops.toml was changed",
        TamperKind::GateChanged => "a file that a gate runs was changed",
        TamperKind::Custom => "a pattern of yours matches",
    }
}

/// Why the critic's DONE does not take effect.
#[must_use]
pub fn approval_vetoed(veto: &ApprovalVetoed) -> String {
    let gates = (!veto.gates.is_empty()).then(|| not_passing(&veto.gates));
    let signs = (veto.tampering > 0)
        .then(|| count(veto.tampering, "sign of weaker checks is", "signs of weaker checks are"))
        .map(|signs| format!("{signs} in the diff"));
    let reasons: Vec<String> = gates.into_iter().chain(signs).collect();
    format!("The critic says DONE, but {}; the round counts as CONTINUE", reasons.join(", and "))
}

fn not_passing<T: AsRef<str>>(gates: &[T]) -> String {
    match gates {
        [gate] => format!("gate {} does not pass", one_line(gate.as_ref())),
        gates => format!("gates {} do not pass", and(gates.iter().map(|g| one_line(g.as_ref())))),
    }
}

/// Why the critic was not asked in a round; nothing where it was, or the round does not tell.
#[must_use]
pub fn not_asked(round: &IterationEnd) -> Option<String> {
    let was_asked = round.critic_output.is_some() || round.critic_verdict.is_some();
    let blocking = round.gates.iter().filter(|gate| gate.blocks).map(|gate| gate.name.as_str());
    let blocking: Vec<&str> = blocking.collect();
    (!was_asked && !blocking.is_empty()).then(|| not_passing(&blocking))
}

/// That a round ended as an earlier one did.
#[must_use]
pub fn state_repeated(state: &StateRepeated) -> String {
    let earlier = match state.earlier.as_slice() {
        [one] => format!("iteration {one}"),
        several => format!("iterations {}", and(several.iter().map(ToString::to_string))),
    };
    format!("This state is that of {earlier}: same files, same results of the gates")
}

/// Words as a sentence lists them.
pub(super) fn and(words: impl Iterator<Item = String>) -> String {
    let words: Vec<String> = words.collect();
    match words.split_last() {
        None => String::new(),
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
    }
}
