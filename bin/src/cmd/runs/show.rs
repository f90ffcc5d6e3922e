//! `codeloops runs show`: one run in full, from the files in its folder.

use codeloops_event::GateResult;
use codeloops_session::{
    Component, ComponentName, FoundRun, KeptRound, KeptRounds, RepairTask, RunAgent, RunFile,
    RunKind, RunStore,
};
use codeloops_sinks::words::{self, Said};
use serde::Serialize;

use super::{Document, calls, runs_error, tell};
use crate::app::RunsShowArgs;
use crate::cmd::page::Page;
use crate::cmd::pager::Pager;
use crate::cmd::sessions::{commit, gates, parent};
use crate::error::CliError;
use crate::output::{Printer, json_text};
use crate::world::World;

/// Tasks of a round that are told one by one; all of them are in the file.
const TASKS: usize = 20;

/// Shows the run that is meant.
pub(super) fn show(
    args: &RunsShowArgs,
    store: &RunStore,
    world: &World,
    printer: &mut Printer,
) -> Result<(), CliError> {
    let wanted = args.id.as_deref().unwrap_or("latest");
    let found = store.resolve(wanted).map_err(|error| runs_error(&error))?;
    let KeptRounds { rounds, unreadable } = found.rounds();
    tell(&unreadable, printer);
    let text = if args.json {
        json_text(&InFull { run: Document::of(&found), rounds: &rounds })?
    } else {
        let mut page = Page::new(printer.stdout_columns());
        write(&found, &rounds, &mut page);
        page.into_text()
    };
    let mut pager = Pager::new(args.no_pager, world, printer);
    pager.write(&text)?;
    pager.finish()
}

/// A run with what its rounds came to.
#[derive(Serialize)]
struct InFull<'a> {
    #[serde(flatten)]
    run: Document<'a>,
    rounds: &'a [KeptRound],
}

fn write(found: &FoundRun, rounds: &[KeptRound], page: &mut Page) {
    let run = &found.run;
    page.heading(&format!("Run {}", run.run_id.as_ref().map_or("without an id", |id| id.as_str())));
    lineage(found, page);
    if !run.baseline.is_empty() {
        page.heading("Before the first iteration");
        results(&run.baseline, page);
    }
    for round in rounds {
        write_round(round, page);
    }
    if rounds.is_empty() && !run.gate_results.is_empty() {
        page.heading("Gates");
        results(&run.gate_results, page);
    }
    if !run.calls.is_empty() {
        page.heading("Calls");
        run.calls.iter().for_each(|call| page.row(calls::name(call), calls::told(call)));
    }
    match (run.outcome, run.ended_at) {
        (Some(outcome), _) => page.heading(&format!("Outcome: {outcome}")),
        (None, Some(_)) => page.heading("Ended"),
        (None, None) => page.heading("No outcome: it is at work, or was killed"),
    }
    ending(run, page);
}

fn lineage(found: &FoundRun, page: &mut Page) {
    let run = &found.run;
    page.row("Kind", [run.kind.as_str()]);
    page.row("Started", [words::utc(run.started_at)]);
    page.row("Commit", commit(run.commit_sha.as_deref(), run.branch.as_deref()));
    page.row("Session", run.session_id.as_deref());
    let of_agents = run.kind == RunKind::Run;
    page.row(if of_agents { "Part of" } else { "Within" }, run.parent.as_ref().map(parent));
    page.row("Receipt", run.receipt.as_deref());
    page.row("Repository", run.repository.as_deref().map(|path| Said::with("", path)));
    page.row("Directory", [Said::with("", &run.working_dir)]);
    page.row("Base tree", run.base_tree.as_ref().map(ToString::to_string));
    page.row("Tree", run.tree.as_ref().map(ToString::to_string));
    let agents = run.agents.as_ref();
    page.row("Actor", agents.map(|agents| agent(&agents.actor)));
    page.row("Critic", agents.map(|agents| agent(&agents.critic)));
    page.row("Release", run.codeloops_version.as_deref());
    page.row("Files", [Said::with("", &found.folder.to_string_lossy())]);
}

fn agent(agent: &RunAgent) -> String {
    match &agent.model {
        Some(model) => format!("{} ({model})", agent.title),
        None => agent.title.clone(),
    }
}

fn write_round(round: &KeptRound, page: &mut Page) {
    let gate = &round.gate;
    let came_to = match (gate.decision, gate.passed) {
        (Some(decision), _) => decision.to_string(),
        (None, true) => "nothing blocks".to_owned(),
        (None, false) => "blocked".to_owned(),
    };
    match gate.iteration {
        0 => page.heading(&format!("Gates: {came_to}")),
        n => page.heading(&format!("Iteration {n}: {came_to}")),
    }
    results(&gate.gates, page);
    page.row("Weakened", words::tampering(&gate.tampering, 0));
    let parts = gate.confidence.components.iter().flat_map(component);
    page.row("Confidence", std::iter::once(confidence(gate.confidence.confidence)).chain(parts));
    let tasks = round.diagnose.as_ref().map(|file| (file.tasks.as_slice(), file.more));
    page.row("To mend", tasks.into_iter().flat_map(|(tasks, more)| to_mend(tasks, more)));
}

fn results(results: &[GateResult], page: &mut Page) {
    gates(results, &[], page);
    page.row("Artifacts", results.iter().flat_map(artifacts));
}

fn artifacts(gate: &GateResult) -> Vec<String> {
    let more = (gate.more_artifacts > 0)
        .then(|| format!("and {} more of {}", gate.more_artifacts, gate.name));
    let listed = gate.artifacts.iter().map(|artifact| {
        let size = artifact.width.zip(artifact.height);
        let size = size.map_or_else(String::new, |(width, height)| format!(", {width}x{height}"));
        let kind = artifact.media_type.as_deref().unwrap_or("of an unknown kind");
        format!("{} ({kind}{size}, {} bytes)", artifact.path, artifact.bytes)
    });
    listed.chain(more).collect()
}

fn confidence(confidence: Option<f64>) -> String {
    confidence.map_or_else(|| "not known".to_owned(), |confidence| confidence.to_string())
}

/// What it counts and why, and below that the evidence.
fn component(part: &Component) -> Vec<String> {
    let name = match part.name {
        ComponentName::Gates => "gates",
        ComponentName::Critic => "critic",
        ComponentName::Baseline => "baseline",
        ComponentName::Tampering => "tampering",
    };
    let value = part.value.map_or_else(
        || "does not count".to_owned(),
        |value| format!("{value} with weight {}", part.weight),
    );
    let evidence = part.evidence.iter().map(|path| format!("| {path}"));
    std::iter::once(format!("{name}: {value}; {}", part.reason)).chain(evidence).collect()
}

fn to_mend(tasks: &[RepairTask], more: u64) -> Vec<String> {
    let told = tasks.iter().take(TASKS).map(task);
    let left = (tasks.len().saturating_sub(TASKS) as u64).saturating_add(more);
    told.chain((left > 0).then(|| format!("and {left} more"))).collect()
}

fn task(task: &RepairTask) -> String {
    let place = match (&task.file, task.line, task.column) {
        (Some(file), Some(line), Some(column)) => format!(" {file}:{line}:{column}:"),
        (Some(file), Some(line), None) => format!(" {file}:{line}:"),
        (Some(file), None, _) => format!(" {file}:"),
        (None, ..) => String::new(),
    };
    let code = task.code.as_ref().map_or_else(String::new, |code| format!(" {code}:"));
    let unread = if task.diagnosed { "" } else { " (the end of what it printed)" };
    format!("{} ({}):{place}{code} {}{unread}", task.gate, task.category.as_str(), task.message)
}

fn ending(run: &RunFile, page: &mut Page) {
    page.row("Ended", run.ended_at.map(words::utc));
    page.row("Reason", run.stop_reason.map(|reason| reason.to_string()));
    page.row("Exit code", run.exit_code.map(|code| code.to_string()));
    page.row("Iterations", run.iterations.map(|iterations| iterations.to_string()));
    page.row("Confidence", run.confidence.map(|confidence| confidence.to_string()));
    let see = run.session_id.as_ref().map(|id| format!("codeloops sessions show {id}"));
    page.row("To see more", see.map(|command| Said::with("", &command)));
}
