//! What it takes to start: `--version` and `--dry-run`, beside a program that does nothing.
//!
//! `cargo xtask bench startup`

use std::ffi::OsStr;
use std::process::Stdio;

use support::{Place, Used, lowest, measure, median, millis, say};

mod support;

const TIMES: usize = 200;

fn main() {
    let program = support::released();
    let place = Place::new(3, "");
    let dry_run = ["--dry-run", "--prompt", "Nothing"];
    say(&format!("a start, {TIMES} times in turn (lowest, median; peak memory):"));
    let commands: [(&str, &OsStr, &[&str]); 3] = [
        ("/bin/true", "/bin/true".as_ref(), &[]),
        ("--version", program.as_ref(), &["--version"]),
        ("--dry-run", program.as_ref(), &dry_run),
    ];
    let mut used: [Vec<Used>; 3] = Default::default();
    for _ in 0..TIMES {
        for ((_, program, args), used) in commands.iter().zip(&mut used) {
            used.push(measure(place.command(program).args(*args).stderr(Stdio::null())));
        }
    }
    for ((name, ..), used) in commands.iter().zip(used) {
        let walls: Vec<f64> = used.iter().map(|used| millis(used.wall)).collect();
        let peak = used.iter().map(|used| used.peak).max().unwrap_or(0) as f64 * 1024.0 / 1e6;
        say(&format!("  {name} {:5.2} ms {:5.2} ms {peak:5.1} MB", lowest(&walls), median(walls)));
    }
}
