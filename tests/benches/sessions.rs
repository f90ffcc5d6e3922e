//! Looking through very many sessions: `sessions list`, `stats`, `show`, with the index that there is
//! and without one.
//!
//! `cargo xtask bench sessions`; `TMPDIR` names the file system.

#![expect(clippy::unwrap_used, reason = "a bench that cannot run has no figures")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use support::{Place, Used, lowest, measure, median, millis, say};

mod support;

/// Numbers of sessions, each with the bytes of diff in each of its three rounds.
const STORES: [(usize, usize); 2] = [(10_000, 20_000), (100_000, 200)];
const TIMES: usize = 15;
const TIMES_FROM_NOTHING: usize = 3;

fn main() {
    let program = support::released();
    for (sessions, diff) in STORES {
        let place = Place::new(1, "");
        let dir = place.path("data/codeloops/sessions");
        record(&dir, sessions, diff);
        say(&format!(
            "{sessions} sessions, {diff} bytes of diff a round (wall lowest and median, CPU, peak):"
        ));
        let measured = Measured { place: &place, program: &program, dir: &dir };
        measured.all(sessions);
    }
}

/// What is measured, and where.
struct Measured<'a> {
    place: &'a Place,
    program: &'a Path,
    dir: &'a Path,
}

impl Measured<'_> {
    fn all(&self, sessions: usize) {
        let middle = name(sessions / 2);
        let no_index = || drop(fs::remove_file(self.dir.join(".index")));
        self.times("list, no index", &["list"], TIMES_FROM_NOTHING, no_index);
        self.times("list", &["list"], TIMES, || {});
        self.times("list --search x", &["list", "--search", "x"], TIMES, || {});
        self.times("list --limit 20", &["list", "--limit", "20"], TIMES, || {});
        self.times("stats", &["stats"], TIMES, || {});
        self.times("show ID", &["show", &middle], TIMES, || {});
        self.times("show latest", &["show", "latest"], TIMES, || {});
        self.times("one stat each, one core", &[], TIMES, || {});
    }

    fn times(&self, what: &str, args: &[&str], times: usize, before: impl Fn()) {
        let used: Vec<Used> = (0..times)
            .map(|_| {
                before();
                measure(&mut self.command(args))
            })
            .collect();
        let walls: Vec<f64> = used.iter().map(|used| millis(used.wall)).collect();
        // A tick of the kernel is 10 ms, so one run tells little.
        let cpu: Duration = used.iter().map(|used| used.cpu).sum();
        let cpu = millis(cpu) / f64::from(u32::try_from(times).unwrap_or(u32::MAX));
        let peak = used.iter().map(|used| used.peak).max().unwrap_or(0) as f64 * 1024.0 / 1e6;
        say(&format!(
            "  {what:<24} {:7.1} ms {:7.1} ms {cpu:7.1} ms {peak:5.1} MB",
            lowest(&walls),
            median(walls)
        ));
    }

    /// A command of `sessions`; without one, a look at each file by a program that does nothing else.
    fn command(&self, args: &[&str]) -> Command {
        if args.is_empty() {
            let mut find = self.place.command("find");
            find.arg(self.dir).args(["-newermt", "2100-01-01"]);
            return find;
        }
        let mut command = self.place.command(self.program);
        command.arg("sessions").args(args);
        command
    }
}

/// The lines of a session; words in capitals are filled in.
const START: &str = r#"{"type":"session_start","timestamp":"TIME","prompt":"Task NUMBER: PROMPT",
"working_dir":"/home/user/projectPROJECT","actor_agent":"Claude Code","critic_agent":"Codex CLI",
"actor_model":null,"critic_model":null,"max_iterations":10}"#;
const ROUND: &str = r#"{"type":"iteration","iteration_number":NUMBER,"actor_output":"Did it.",
"actor_stderr":"","actor_exit_code":0,"actor_duration_secs":45.2,"git_diff":"DIFF",
"git_files_changed":3,"critic_decision":"CONTINUE","feedback":null,"timestamp":"TIME"}"#;
const END: &str = r#"{"type":"session_end","outcome":"OUTCOME","iterations":3,"summary":"It is done.",
"confidence":0.9,"duration_secs":SECS.5,"timestamp":"TIME"}"#;

/// Writes sessions that have ended, as an earlier release of another program would have.
fn record(dir: &Path, sessions: usize, diff: usize) {
    fs::create_dir_all(dir).unwrap();
    let diff = "+    let value = parse(line)?;\\n".repeat(diff / 31);
    let rounds = ["1", "2", "3"].map(|n| line(ROUND, &[("NUMBER", n), ("DIFF", &diff)])).concat();
    let prompt = "add the validation of the registration form ".repeat(5);
    for n in 0..sessions {
        let (number, project, secs) = (n.to_string(), (n % 40).to_string(), (n % 900).to_string());
        let of_start = [("NUMBER", &*number), ("PROMPT", &prompt), ("PROJECT", &project)];
        let outcome = ["success", "success", "failed", "interrupted"][n % 4];
        let of_end = [("OUTCOME", outcome), ("SECS", &secs)];
        let text = [line(START, &of_start), rounds.clone(), line(END, &of_end)].concat();
        fs::write(path(dir, n), text.replace("\"TIME\"", &format!("\"{}\"", time(n)))).unwrap();
    }
}

fn line(template: &str, values: &[(&str, &str)]) -> String {
    let fill = |line: String, (word, value): &(&str, &str)| line.replacen(word, value, 1);
    values.iter().fold(template.replace('\n', ""), fill) + "\n"
}

/// One session every seven minutes.
fn time(n: usize) -> String {
    let (minute, hour) = (n * 7 % 60, n * 7 / 60 % 24);
    let day = n * 7 / 1440;
    let (year, month, day) = (2020 + day / 336, day / 28 % 12 + 1, day % 28 + 1);
    format!("{year}-{month:02}-{day:02}T{hour:02}:{minute:02}:00Z")
}

fn name(n: usize) -> String {
    format!("{}_{:06x}", time(n).replace(':', "-"), n)
}

fn path(dir: &Path, n: usize) -> PathBuf {
    dir.join(format!("{}.jsonl", name(n)))
}
