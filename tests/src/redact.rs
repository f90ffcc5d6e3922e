//! Takes out of a text what differs from one test run to the next.

use std::path::Path;

/// What every run id begins with: its time.
pub(crate) const RUN_ID_TIME: &str = "01JJMTNW08";

/// Of one workspace: its place, what its run ids begin with, and the numbers of processes.
#[derive(Debug, Clone)]
pub(crate) struct Redaction {
    place: String,
    run_ids: String,
}

impl Redaction {
    pub(crate) fn new(place: &Path, run_ids: &str) -> Self {
        Self { place: place.display().to_string(), run_ids: run_ids.to_owned() }
    }

    pub(crate) fn apply(&self, text: &str) -> String {
        let zeros = "0".repeat(self.run_ids.len() - RUN_ID_TIME.len());
        let run_ids = format!("{RUN_ID_TIME}{zeros}");
        let text = text.replace(&self.place, "[ROOT]").replace(&self.run_ids, &run_ids);
        mask_number(&mask_number(&text, "\"pid\":"), "\"start_ticks\":")
    }
}

/// Puts `0` for the number after each `key`.
fn mask_number(text: &str, key: &str) -> String {
    let mut parts = text.split(key);
    let mut masked = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        masked.push_str(key);
        masked.push('0');
        masked.push_str(part.trim_start_matches(|c: char| c.is_ascii_digit()));
    }
    masked
}
