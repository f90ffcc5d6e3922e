//! What it takes to be stuck with a sink: the peak memory of a run whose consumer reads nothing.
//!
//! `cargo xtask bench sinks`: a whole run of the released program, of 40 rounds in which actor and
//! critic print a megabyte each and the diff has as much, so that the facts of the run weigh more than
//! may wait for a sink. Each sink stands beside the session file, once well and once stuck.

#![expect(clippy::unwrap_used, reason = "a bench that cannot run has no figures")]

use std::fs;
use std::io::Write;
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{FileType, Mode, OFlags};
use support::{Place, measure, say};

mod support;

const ROUNDS: &str = "40";

const SCRIPT: &str = "on actor
flood 1200000 64
run head -c 700000 /dev/urandom | base64 > big.txt
on critic
flood 1000000 64
print DECISION: CONTINUE\\n\\nFEEDBACK: There is more to do.
";

fn main() {
    let program = support::released();
    say(&format!("{ROUNDS} rounds of megabytes, peak memory and events that the sink took:"));
    for (what, sinks) in [
        ("no sink", &["--sink", "jsonl"][..]),
        ("exec: that reads", &["--sink", "exec:cat > /dev/null"]),
        ("exec: that does not", &["--sink", "exec:exec sleep 1000"]),
        ("file:", &["--sink", "file:../copy"]),
        ("file: on a pipe nobody reads", &["--sink", "file:../pipe"]),
        ("console", &["--sink", "console", "--verbose"]),
        (
            "all three, stuck",
            &[
                "--sink",
                "exec:exec sleep 1000",
                "--sink",
                "file:../pipe",
                "--sink",
                "console",
                "--verbose",
            ],
        ),
    ] {
        report(&program, what, sinks, false);
    }
    report(&program, "console, stuck", &["--sink", "console", "--verbose"], true);
}

fn report(program: &Path, what: &str, sinks: &[&str], is_stuck: bool) {
    let place = Place::new(3, SCRIPT);
    place.speak("text");
    let _pipe = unread_pipe(&place);
    let is_stuck = is_stuck || what.starts_with("all");
    let mut command = place.command(program);
    command.args(["--prompt", "Print a lot", "-n", ROUNDS]).args(sinks);
    if is_stuck {
        command.stdout(filled_pipe(&place));
    }
    command.stderr(fs::File::create(place.path("stderr")).unwrap());
    let used = measure(&mut command);
    say(&format!("  {what:30} {:6.1} MB", used.peak as f64 * 1024.0 / 1e6));
    for line in fs::read_to_string(place.path("stderr")).unwrap().lines() {
        if line.contains("the sink") {
            say(&format!("    {line}"));
        }
    }
}

/// A pipe that is open, and that nobody reads.
fn unread_pipe(place: &Place) -> fs::File {
    let path = place.path("pipe");
    let mode = Mode::RUSR | Mode::WUSR;
    rustix::fs::mknodat(rustix::fs::CWD, &path, FileType::Fifo, mode, 0).unwrap();
    fs::File::options().read(true).write(true).open(path).unwrap()
}

/// The same, with no room left.
fn filled_pipe(place: &Place) -> OwnedFd {
    let mut pipe = fs::File::options().write(true).open(place.path("pipe")).unwrap();
    let flags = rustix::fs::fcntl_getfl(&pipe).unwrap();
    rustix::fs::fcntl_setfl(&pipe, flags | OFlags::NONBLOCK).unwrap();
    while pipe.write(&[b'.'; 4096]).is_ok() {}
    rustix::fs::fcntl_setfl(&pipe, flags).unwrap();
    pipe.into()
}
