//! How fast each agent's stream is understood, on one core.
//!
//! `cargo xtask bench decode`: the recordings of an agent, one after the other until they are 100 MB,
//! in the pieces in which the runner reads a pipe. First as they are, then with a file wherever a
//! tool was given one or read one: the model of the recordings wrote one line.

#![expect(clippy::unwrap_used, reason = "a bench that cannot run has no figures")]

use std::hint::black_box;

use codeloops_adapters::spec::OutputFormat;
use codeloops_adapters::testing::count_items;
use support::{cpu_time, median, recordings, say};

mod support;

/// What the runner reads at a time, where the program prints faster than that.
const CHUNK: usize = 256 * 1024;
const BYTES: usize = 100_000_000;
const TIMES: usize = 9;

/// An agent, and what stands before the text of a file in its stream.
const AGENTS: [(&str, OutputFormat, &str); 5] = [
    ("claude", OutputFormat::ClaudeStreamJson, r#""content":""#),
    ("codex", OutputFormat::CodexJson, r#""aggregated_output":""#),
    ("opencode", OutputFormat::OpencodeJson, r#""output":""#),
    ("gemini", OutputFormat::GeminiStreamJson, r#""output":""#),
    ("cursor", OutputFormat::CursorStreamJson, r#"Content":""#),
];

fn main() {
    say(&format!("MB/s on one core, by CPU time, {TIMES} times (best, median; lines; items):"));
    let named: Vec<String> = std::env::args().skip(1).collect();
    let is_asked =
        |agent: &str| named.iter().all(|n| n.starts_with('-')) || named.iter().any(|n| n == agent);
    for (agent, format, place) in AGENTS.into_iter().filter(|(agent, ..)| is_asked(agent)) {
        let recorded = recordings(agent);
        report(agent, "as recorded", format, &recorded.concat());
        report(agent, "with files", format, &with_files(&recorded, place));
    }
}

/// The calls in which something was written or read, with this source in its place.
fn with_files(calls: &[String], place: &str) -> String {
    let file = serde_json::to_string(include_str!("decode.rs")).unwrap();
    let file = file.trim_matches('"');
    let fill = |piece: &str| {
        let is_empty = piece.starts_with('"');
        if is_empty { format!("{place}{piece}") } else { format!("{place}{file}{piece}") }
    };
    let filled = calls.iter().map(|call| {
        let mut pieces = call.split(place);
        let head = pieces.next().unwrap_or_default();
        pieces.map(fill).fold(head.to_owned(), |text, piece| text + &piece)
    });
    filled.zip(calls).filter(|(filled, call)| filled != *call).map(|(filled, _)| filled).collect()
}

fn report(agent: &str, what: &str, format: OutputFormat, recorded: &str) {
    let stream = recorded.repeat(BYTES.div_ceil(recorded.len()));
    let mut items = 0;
    let speeds: Vec<f64> = (0..TIMES)
        .map(|_| {
            let before = cpu_time();
            items = black_box(count_items(format, stream.as_bytes().chunks(CHUNK)));
            stream.len() as f64 / (cpu_time() - before).as_secs_f64() / 1e6
        })
        .collect();
    let best = speeds.iter().copied().fold(0.0, f64::max);
    let line = recorded.len() / recorded.lines().count();
    let per_line = items as f64 / stream.lines().count() as f64;
    say(&format!(
        "  {agent:9}{what:12}{best:7.0} {:7.0}   {line} bytes a line, {per_line:.2} items a line",
        median(speeds)
    ));
}
