//! Takes out of a text what differs from one test run to the next.

use std::path::Path;

/// What every run id begins with: its time.
pub(crate) const RUN_ID_TIME: &str = "01JJMTNW08";

/// What stands for the place of a workspace.
const PLACE: &str = "[ROOT]";

/// What stands for the folder of the programs under test.
const PROGRAMS: &str = "[BIN]";

/// Of one workspace: its place, that of the programs, what its run ids begin with, and the numbers
/// of processes. The release is left out too.
#[derive(Debug, Clone)]
pub(crate) struct Redaction {
    place: String,
    programs: String,
    run_ids: String,
}

impl Redaction {
    pub(crate) fn new(place: &Path, programs: &Path, run_ids: &str) -> Self {
        let shown = |path: &Path| path.display().to_string();
        Self { place: shown(place), programs: shown(programs), run_ids: run_ids.to_owned() }
    }

    pub(crate) fn apply(&self, text: &str) -> String {
        let text = text
            .replace(&self.place, PLACE)
            .replace(&self.programs, PROGRAMS)
            .replace(&self.run_ids, &self.shown_run_ids())
            .replace(concat!("\"", env!("CARGO_PKG_VERSION"), "\""), "\"[VERSION]\"");
        mask_number(&mask_number(&text, "\"pid\":"), "\"start_ticks\":")
    }

    /// Puts the places and the run ids back.
    pub(crate) fn undo(&self, text: &str) -> String {
        text.replace(PLACE, &self.place)
            .replace(PROGRAMS, &self.programs)
            .replace(&self.shown_run_ids(), &self.run_ids)
    }

    fn shown_run_ids(&self) -> String {
        format!("{RUN_ID_TIME}{}", "0".repeat(self.run_ids.len() - RUN_ID_TIME.len()))
    }
}

/// Puts `0` for the number after each `key`, if one follows.
fn mask_number(text: &str, key: &str) -> String {
    let mut parts = text.split(key);
    let mut masked = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let number = part.trim_start_matches(' ');
        let rest = number.trim_start_matches(|c: char| c.is_ascii_digit());
        masked.push_str(key);
        masked.push_str(&part[..part.len() - number.len()]);
        masked.push_str(if rest.len() < number.len() { "0" } else { "" });
        masked.push_str(rest);
    }
    masked
}
