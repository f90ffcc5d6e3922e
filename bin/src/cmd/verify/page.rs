//! What gates that were run on their own came to, for people and as JSON.

use codeloops_event::{GateResult, GateStatus, RunId};
use codeloops_session::{Component, RepairTask};
use codeloops_sinks::words;
use codeloops_sinks::{one_line, printable};
use serde::Serialize;

use crate::error::CliError;
use crate::output::Printer;
use crate::text::width_of;
use crate::verification::Verified;

/// The document of `verify --json`.
#[derive(Debug, Serialize)]
pub(super) struct VerifyDocument<'a> {
    /// The run.
    run_id: Option<&'a RunId>,
    /// HEAD; null in a repository without a commit.
    commit_sha: Option<&'a str>,
    /// The branch; null when HEAD is detached.
    branch: Option<&'a str>,
    /// Whether nothing blocks; where a receipt was checked, whether it holds.
    passed: bool,
    /// The exit code of this process.
    exit_code: u8,
    /// How long it took.
    duration_secs: f64,
    /// From 0 to 1; null where nothing is known.
    confidence: Option<f64>,
    /// What that is made of.
    components: &'a [Component],
    /// The results of the gates, in order.
    gates: &'a [GateResult],
    /// What is to be mended.
    repair_tasks: &'a [RepairTask],
    /// The run's folder.
    evidence_dir: String,
    /// What became of the receipt; absent where none was checked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) receipt: Option<super::receipt::Answer>,
}

impl<'a> VerifyDocument<'a> {
    pub(super) fn of(verified: &'a Verified) -> Self {
        let (gate, run) = (&verified.files.gate, &verified.run);
        Self {
            run_id: run.run_id.as_ref(),
            commit_sha: run.commit_sha.as_deref(),
            branch: run.branch.as_deref(),
            passed: verified.passed(),
            exit_code: verified.exit_code(),
            duration_secs: verified.took.as_secs_f64(),
            confidence: gate.confidence.confidence,
            components: &gate.confidence.components,
            gates: &gate.gates,
            repair_tasks: &verified.files.diagnose.tasks,
            evidence_dir: verified.folder.to_string_lossy().into_owned(),
            receipt: None,
        }
    }
}

/// Shows what came of gates that were run on the present tree.
pub(super) fn show(verified: &Verified, json: bool, printer: &mut Printer) -> Result<(), CliError> {
    if json {
        return printer.json(&VerifyDocument::of(verified));
    }
    let mut text = String::from("\n");
    table(&verified.files.gate.gates, &mut text);
    found(&verified.files.gate.gates, verified, &mut text);
    text.push_str(&closing(verified));
    printer.data(&text)
}

/// One line a gate.
pub(super) fn table(gates: &[GateResult], text: &mut String) {
    let head = ["Gate", "Status", "Required", "Exit", "Time"].map(str::to_owned);
    let rows: Vec<[String; 5]> = std::iter::once(head).chain(gates.iter().map(cells)).collect();
    let widths: [usize; 5] =
        std::array::from_fn(|at| rows.iter().map(|row| width_of(&row[at])).max().unwrap_or(0));
    for row in &rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(widths) {
            line.push_str(cell);
            line.extend(std::iter::repeat_n(' ', width - width_of(cell) + 2));
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
}

fn cells(gate: &GateResult) -> [String; 5] {
    let status = if gate.interrupted { "interrupted" } else { gate.status.as_str() };
    [
        one_line(&gate.name),
        status.replace('_', " "),
        if gate.required { "yes" } else { "no" }.to_owned(),
        gate.exit_code.map_or_else(|| "-".to_owned(), |code| code.to_string()),
        words::duration(gate.duration_secs),
    ]
}

/// What red gates found.
pub(super) fn found(gates: &[GateResult], verified: &Verified, text: &mut String) {
    for gate in gates.iter().filter(|gate| !gate.status.is_green() && !gate.interrupted) {
        text.extend(["\n", &words::gate_ended(gate), "\n"]);
        for line in words::gate_findings(gate) {
            text.push_str(format!("| {line}").trim_end());
            text.push('\n');
        }
        if let Some(output) = &gate.output {
            let path = verified.folder.join(&output.path);
            let path = printable(&path.to_string_lossy());
            text.extend(["All that it printed:\n  ", &path, "\n"]);
        }
    }
}

/// How much passes, and what names the run later.
pub(super) fn closing(verified: &Verified) -> String {
    let gates = &verified.files.gate.gates;
    let green = gates.iter().filter(|gate| gate.status.is_green()).count();
    let confidence = verified.files.gate.confidence.confidence;
    let confidence = confidence.map_or_else(String::new, |c| format!(", confidence {c}"));
    let flaky = gates.iter().filter(|gate| gate.status == GateStatus::Flaky).count();
    let not_run = verified.run.gates.len().saturating_sub(gates.len());
    let not_run = if not_run > 0 { format!(", {not_run} not run") } else { String::new() };
    let flaky = if flaky > 0 { format!(", {flaky} flaky") } else { String::new() };
    let run = &verified.run;
    let id = run.run_id.as_ref().map(ToString::to_string).unwrap_or_default();
    let branch = run.branch.as_ref().map_or_else(String::new, |b| format!(" on {}", one_line(b)));
    let commit = run.commit_sha.as_ref().map_or_else(String::new, |c| format!(" at {}", short(c)));
    format!(
        "\n{green} of {} pass{flaky}{not_run}{confidence}\nRun {id}{branch}{commit}\n  {}\n",
        words::count(verified.run.gates.len() as u64, "gate", "gates"),
        printable(&verified.folder.to_string_lossy())
    )
}

fn short(commit: &str) -> &str {
    commit.get(..8).unwrap_or(commit)
}
