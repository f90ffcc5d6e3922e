//! Short events.

use std::path::{Path, PathBuf};

use codeloops_event::{Event, IterationEnd, SessionEnd, SessionStart, StopRequested, Timestamp};
use serde_json::json;

/// A fixed time, so that names and snapshots are.
pub(crate) const STARTED: &str = "2026-03-02T09:00:00.250Z";

pub(crate) fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub(crate) fn start(prompt: &str) -> SessionStart {
    start_at(STARTED, prompt)
}

/// A start as other programs write it: without any field of our own.
pub(crate) fn start_at(timestamp: &str, prompt: &str) -> SessionStart {
    serde_json::from_value(json!({
        "timestamp": timestamp, "prompt": prompt, "working_dir": "/home/ada/notes",
        "actor_agent": "Claude Code", "critic_agent": "Codex", "actor_model": null,
        "critic_model": null, "max_iterations": null,
    }))
    .unwrap()
}

pub(crate) fn iteration(number: u32, actor_output: &str) -> Event {
    let iteration: IterationEnd = serde_json::from_value(json!({
        "iteration_number": number, "actor_output": actor_output, "actor_stderr": "",
        "actor_exit_code": 0, "actor_duration_secs": 1.5, "git_diff": "", "git_files_changed": 0,
        "critic_decision": "CONTINUE", "feedback": "more", "timestamp": STARTED,
    }))
    .unwrap();
    Event::Iteration(Box::new(iteration))
}

pub(crate) fn end(outcome: &str, iterations: u32, duration_secs: f64) -> Event {
    Event::SessionEnd(Box::new(session_end(outcome, iterations, duration_secs)))
}

pub(crate) fn session_end(outcome: &str, iterations: u32, duration_secs: f64) -> SessionEnd {
    serde_json::from_value(json!({
        "outcome": outcome, "iterations": iterations, "summary": null, "confidence": null,
        "duration_secs": duration_secs, "timestamp": STARTED,
    }))
    .unwrap()
}

pub(crate) fn stop_requested() -> Event {
    let (timestamp, signal) = (time(STARTED), "SIGINT".to_owned());
    Event::StopRequested(StopRequested { timestamp, elapsed_ms: 5, signal, now: false })
}

/// The frozen files of one format.
pub(crate) fn fixtures(format: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(format)
}
