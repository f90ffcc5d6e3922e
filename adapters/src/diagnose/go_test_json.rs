//! `go test -json` (recordings: Go 1.19).

use std::collections::{HashMap, HashSet};

use codeloops_event::FailureCategory;
use serde::Deserialize;

use super::found::{Found, Known, LastResort, failure};
use super::go_test::Said;
use super::{Claim, Reader};

#[derive(Default)]
pub(super) struct GoTestJson {
    /// What the tests said that are running.
    said: HashMap<(String, String), Said>,
    /// The tests below which one has failed.
    above: HashSet<(String, String)>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Event {
    action: String,
    #[serde(default)]
    package: String,
    #[serde(default)]
    test: String,
    #[serde(default)]
    output: String,
    /// Only what ran took any time: a name that a test made up did not.
    elapsed: Option<f64>,
}

/// Tests whose words are kept.
const MAX_KEPT: usize = 2_000;

impl Reader for GoTestJson {
    fn line(&mut self, line: &str, found: &mut Found<'_>) -> Claim {
        let is_event = line.starts_with("{\"Time\":\"") || line.starts_with("{\"Action\":\"");
        let event = is_event.then(|| serde_json::from_str::<Event>(line).ok()).flatten();
        let Some(event) = event else { return Claim::None };
        match (event.action.as_str(), event.test.is_empty()) {
            ("output", false) => self.output(event),
            ("output", true) => package_output(&event, found),
            ("fail", false) => self.fail(event, found),
            ("pass" | "skip", false) => {
                self.said.remove(&(event.package, event.test));
            }
            ("pass" | "fail", true) => self.above.retain(|(package, _)| *package != event.package),
            _ => {}
        }
        Claim::Line
    }
}

impl GoTestJson {
    fn output(&mut self, event: Event) {
        let key = (event.package, event.test);
        if self.said.len() >= MAX_KEPT && !self.said.contains_key(&key) {
            return;
        }
        let said = self.said.entry(key).or_default();
        let line = event.output.trim_end_matches('\n');
        if let Some(message) = line.strip_prefix("panic: ") {
            said.panics(message);
        } else if said.is_panic() {
            said.frame(line);
        } else if line.starts_with("    ") {
            said.line(line);
        }
    }

    fn fail(&mut self, event: Event, found: &mut Found<'_>) {
        if event.elapsed.is_none() {
            return;
        }
        let name = format!("{}.{}", event.package, event.test);
        let above = event.test.rsplit_once('/').map(|(above, _)| above.to_owned());
        let key = (event.package, event.test);
        let said = self.said.remove(&key).unwrap_or_default();
        if let Some(above) = above
            && self.above.len() < MAX_KEPT
        {
            self.above.insert((key.0.clone(), above));
        }
        // It failed for no other reason than the one below it.
        if !(said.is_silent() && self.above.contains(&key)) {
            found.add(said.told(&name));
        }
    }
}

fn package_output(event: &Event, found: &mut Found<'_>) {
    let line = event.output.trim_end();
    let is_build = line.starts_with("FAIL\t")
        && (line.ends_with(" [build failed]") || line.ends_with(" [setup failed]"));
    if is_build {
        let told = failure(FailureCategory::Build, line).called(&event.package);
        found.add_last_resort(LastResort::Summary, told);
    }
}
