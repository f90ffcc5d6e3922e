//! What a test runner tells of a test that failed: a message first, and then where it came from.

use codeloops_event::{Failure, FailureCategory};

use super::found::{Known, failure};
use super::place::Place;

pub(super) struct Report {
    name: String,
    message: Option<String>,
    place: Option<(String, Option<u32>, Option<u32>)>,
}

/// How frames begin that lie between the test and what found it to fail.
const LIBRARIES: [&str; 7] = [
    "at org.junit.",
    "at org.opentest4j.",
    "at org.assertj.",
    "at org.hamcrest.",
    "at java.",
    "at java.base/",
    "at jdk.",
];

impl Report {
    pub(super) fn new(name: String) -> Self {
        Self { name, message: None, place: None }
    }

    /// Takes a line in, without what it is indented by.
    pub(super) fn line(&mut self, line: &str) {
        if line.is_empty() {
            return;
        }
        let is_frame = line.starts_with("at ") || line.starts_with("❯ ");
        let is_of_library = LIBRARIES.iter().any(|beginning| line.starts_with(beginning));
        if self.message.is_none() {
            self.message = Some(crate::text::beginning(line, 4096).to_owned());
        } else if self.place.is_none() && is_frame && !is_of_library {
            let place = Place::within(line);
            self.place = place.map(|place| (place.file.to_owned(), place.line, place.column));
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) const fn has_message(&self) -> bool {
        self.message.is_some()
    }

    pub(super) const fn has_place(&self) -> bool {
        self.place.is_some()
    }

    /// The failure, in the test's own file where it is known: a helper in another may be where it was
    /// noticed.
    pub(super) fn told(self, file: Option<&str>) -> Failure {
        let message = self.message.unwrap_or_else(|| "failed".to_owned());
        let told = failure(FailureCategory::Test, &message).called(&self.name);
        match (&self.place, file) {
            (Some((at, line, column)), Some(file)) if at.ends_with(file) => {
                told.at(&Place { file, line: *line, column: *column })
            }
            (_, Some(file)) => told.at(&Place::file(file)),
            (Some((at, line, column)), None) => {
                told.at(&Place { file: at, line: *line, column: *column })
            }
            (None, None) => told,
        }
    }
}
