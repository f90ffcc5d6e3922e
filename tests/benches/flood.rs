//! What it takes to listen to an actor that prints a lot.
//!
//! `cargo xtask bench flood`: a whole run of the released program, with the session file, the
//! evidence and the console. 200 MB in lines of 64 bytes; then 1 GB, as a stream of events in many
//! lines and in ones that are nearly as long as is read, and in one line. Needs 2 GB of `TMPDIR`.

#![expect(clippy::unwrap_used, reason = "a bench that cannot run has no figures")]

use std::fs;
use std::io::Write;
use std::path::Path;

use support::{Place, lowest, measure, median, millis, say};

mod support;

const TEXT: &str = "text";
const CLAUDE: &str = "claude-stream-json";
const APPROVES: &str = "on critic\nprint DECISION: DONE\\n\\nSUMMARY: it printed\n";
/// As an event; the backslashes are for the script.
const RESULT: &str = r#"{"type":"result","subtype":"success","is_error":false,"session_id":"s","result":"DECISION: DONE\\n\\nSUMMARY: it printed"}"#;
/// A message of the model, around a text.
const MESSAGE: [&str; 2] =
    [r#"{"type":"assistant","message":{"content":[{"type":"text","text":""#, r#""}]}}"#];

fn main() {
    let program = support::released();
    let lines = format!("on actor\nflood 200000000 64\n{APPROVES}");
    report(&program, "200 MB of text, lines of 64 bytes", TEXT, &lines, 7);
    let stream = "for n in $(seq 100); do cat ../stream; done";
    report(&program, "1 GB of events, lines as recorded", CLAUDE, &events(stream), 3);
    let long = "for n in $(seq 67); do cat ../long; done";
    report(&program, "1 GB of events, lines of 15 MB", CLAUDE, &events(long), 3);
    let line = "for n in $(seq 100); do cat ../block; done";
    let events_line = events(&format!("cat ../begin; {line}; echo"));
    report(&program, "1 GB in one line of a stream", CLAUDE, &events_line, 3);
    let text_line = format!("on actor\nrun {line}\n{APPROVES}");
    report(&program, "1 GB of text in one line", TEXT, &text_line, 3);
}

/// A script of two that speak in events.
fn events(command: &str) -> String {
    format!("on actor\nrun {command}\nprint {RESULT}\non critic\nprint {RESULT}\n")
}

fn report(program: &Path, what: &str, output: &str, script: &str, times: usize) {
    let place = Place::new(3, script);
    place.speak(output);
    let recorded = support::recordings("claude").concat();
    let block = "x".repeat(100_000);
    fill(&place.path("stream"), "", &recorded, 10_000_000 / recorded.len() + 1, "");
    fill(&place.path("long"), MESSAGE[0], &block, 150, &format!("{}\n", MESSAGE[1]));
    fill(&place.path("begin"), MESSAGE[0], "", 0, "");
    fill(&place.path("block"), "", &block, 100, "");
    let (mut walls, mut cpus, mut peak) = (Vec::new(), Vec::new(), 0);
    for _ in 0..times {
        let used = measure(place.command(program).args(["--prompt", "Print a lot"]));
        walls.push(millis(used.wall));
        cpus.push(millis(used.cpu));
        peak = peak.max(used.peak);
        // What it printed is kept.
        fs::remove_dir_all(place.path("data/codeloops/runs")).unwrap();
    }
    say(&format!("{what}, {times} times (lowest, median):"));
    say(&format!("  wall {:6.0} ms {:6.0} ms", lowest(&walls), median(walls)));
    say(&format!("  cpu  {:6.0} ms {:6.0} ms", lowest(&cpus), median(cpus)));
    say(&format!("  peak memory {:.1} MB", peak as f64 * 1024.0 / 1e6));
}

/// Writes a file piece by piece: the peak memory of a program is never less than that of who started
/// it.
fn fill(path: &Path, begin: &str, piece: &str, times: usize, end: &str) {
    let mut file = fs::File::create(path).unwrap();
    let pieces = std::iter::repeat_n(piece, times);
    for text in std::iter::once(begin).chain(pieces).chain([end]) {
        file.write_all(text.as_bytes()).unwrap();
    }
}
