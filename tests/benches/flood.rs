//! What it takes to listen to an actor that prints 200 MB in lines of 64 bytes.
//!
//! `cargo xtask bench flood`: a whole run of the released program, with the session file, the
//! evidence and the console.

use support::{Place, lowest, measure, median, millis, say};

mod support;

const SCRIPT: &str = "on actor\nflood 200000000 64\n\
                      on critic\nprint DECISION: DONE\\n\\nSUMMARY: it printed\n";
const TIMES: usize = 7;

fn main() {
    let program = support::released();
    let place = Place::new(3, SCRIPT);
    let (mut walls, mut cpus, mut peak) = (Vec::new(), Vec::new(), 0);
    for _ in 0..TIMES {
        let used = measure(place.command(&program).args(["--prompt", "Print a lot"]));
        walls.push(millis(used.wall));
        cpus.push(millis(used.cpu));
        peak = peak.max(used.peak);
    }
    say(&format!("an actor that prints 200 MB, {TIMES} times (lowest, median):"));
    say(&format!("  wall {:6.0} ms {:6.0} ms (to reach: 1000)", lowest(&walls), median(walls)));
    say(&format!("  cpu  {:6.0} ms {:6.0} ms", lowest(&cpus), median(cpus)));
    say(&format!("  peak memory {:.1} MB (to reach: 32)", peak as f64 * 1024.0 / 1e6));
}
