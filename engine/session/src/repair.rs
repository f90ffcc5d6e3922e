//! What is to be mended after a round: the failures of its gates as tasks.

use codeloops_event::{Failure, FailureCategory, GateResult, GateStatus};
use serde::{Deserialize, Serialize};

/// Bytes that a message takes at most that is made of what a gate printed.
const LONGEST: usize = 300;

/// One thing to mend.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RepairTask {
    /// Its kind.
    pub category: FailureCategory,
    /// The gate that found it.
    pub gate: String,
    /// The file, as the gate named it; null where it named none.
    pub file: Option<String>,
    /// The line, counted from 1; null where there is none.
    pub line: Option<u32>,
    /// The column, counted from 1; null where there is none.
    pub column: Option<u32>,
    /// What the tool calls it: an error code, a rule, the name of a test; null where it has no name.
    pub code: Option<String>,
    /// What is wrong.
    pub message: String,
    /// Whether it was read out of the gate's output; false where that was not understood, and the
    /// message is only the end of it.
    pub diagnosed: bool,
    /// Whether the gate must pass for the work to be approved.
    pub blocks: bool,
    /// All that the gate printed, from the run's folder; null where there is nothing.
    pub evidence: Option<String>,
}

/// The tasks that red gates leave, in their order.
#[must_use]
pub fn repair_tasks(gates: &[GateResult]) -> Vec<RepairTask> {
    let red = gates.iter().filter(|gate| !gate.status.is_green());
    red.flat_map(|gate| match gate.failures.as_slice() {
        [] => vec![undiagnosed(gate)],
        failures => failures.iter().map(|failure| diagnosed(gate, failure)).collect(),
    })
    .collect()
}

fn diagnosed(gate: &GateResult, failure: &Failure) -> RepairTask {
    RepairTask {
        category: failure.category,
        file: failure.file.clone(),
        line: failure.line,
        column: failure.column,
        code: failure.code.clone(),
        message: failure.message.clone(),
        diagnosed: true,
        ..undiagnosed(gate)
    }
}

fn undiagnosed(gate: &GateResult) -> RepairTask {
    let category = match gate.status {
        GateStatus::TimedOut => FailureCategory::Timeout,
        _ => FailureCategory::Runtime,
    };
    RepairTask {
        category,
        gate: gate.name.clone(),
        file: None,
        line: None,
        column: None,
        code: None,
        message: last_words(gate),
        diagnosed: false,
        blocks: gate.blocks,
        evidence: gate.output.as_ref().map(|output| output.path.clone()),
    }
}

fn last_words(gate: &GateResult) -> String {
    let last = gate.tail.lines().rev().map(str::trim).find(|line| !line.is_empty());
    match last {
        Some(line) => line[..line.floor_char_boundary(LONGEST)].to_owned(),
        None => match gate.exit_code {
            Some(code) => format!("ended with exit code {code} and printed nothing"),
            None => "printed nothing".to_owned(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_failure_is_a_task_and_what_was_not_understood_is_one_too() {
        let failure = Failure {
            category: FailureCategory::Type,
            file: Some("a.ts".to_owned()),
            line: Some(3),
            column: None,
            code: Some("TS2322".to_owned()),
            message: "no".to_owned(),
        };
        let gate = |name: &str| GateResult::not_started(name.to_owned(), true);
        let gates = [
            GateResult { failures: vec![failure.clone(), failure], ..gate("types") },
            GateResult { status: GateStatus::Passed, ..gate("lint") },
            GateResult { tail: "one\nlast words\n\n".to_owned(), ..gate("test") },
        ];
        let told: Vec<(String, String, bool)> = repair_tasks(&gates)
            .into_iter()
            .map(|task| (task.gate, task.message, task.diagnosed))
            .collect();
        let task = |gate: &str, message: &str, known| (gate.into(), message.into(), known);
        let types = task("types", "no", true);
        assert_eq!(told, [types.clone(), types, task("test", "last words", false)]);
    }
}
