//! Gathers the failures: cleans what they say, counts each once, keeps so many.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::path::Path;

use codeloops_event::text::one_line;
use codeloops_event::{Failure, FailureCategory, MAX_FAILURES};

use super::Diagnosis;
use super::place::{Place, relative};
use crate::text::beginning;

/// Bytes of a message.
const MAX_MESSAGE: usize = 300;

/// Bytes of a code or of the name of a test, and of a path.
const MAX_NAME: usize = 512;

/// Bytes that are looked at to make a message.
const MAX_LOOKED_AT: usize = 4096;

/// Failures that are told from each other; later ones are counted without.
const MAX_SEEN: usize = 20_000;

/// How little a sign of failure says that is only told where nothing better was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum LastResort {
    /// A program ended in a crash.
    Crash,
    /// A tool's last word on what it did.
    Summary,
    /// What ran the tool says that it failed.
    Caller,
}

pub(super) struct Found<'a> {
    working_dir: &'a Path,
    diagnosis: Diagnosis,
    seen: HashSet<u64>,
    tests: HashSet<u64>,
    hasher: RandomState,
    last_resort: Option<(LastResort, Failure)>,
}

impl<'a> Found<'a> {
    pub(super) fn new(working_dir: &'a Path) -> Self {
        Self {
            working_dir,
            diagnosis: Diagnosis::default(),
            seen: HashSet::new(),
            tests: HashSet::new(),
            hasher: RandomState::new(),
            last_resort: None,
        }
    }

    /// Tells a failure, unless it is told already.
    pub(super) fn add(&mut self, failure: Failure) {
        if self.seen.len() >= MAX_SEEN {
            self.diagnosis.more += 1;
            return;
        }
        let failure = self.cleaned(failure);
        if !self.is_new(&failure) {
            return;
        }
        if self.diagnosis.failures.len() < MAX_FAILURES {
            self.diagnosis.failures.push(failure);
        } else {
            self.diagnosis.more += 1;
        }
    }

    /// Tells a failure if none other is found, nor a sign that says more.
    pub(super) fn add_last_resort(&mut self, kind: LastResort, failure: Failure) {
        if self.last_resort.as_ref().is_none_or(|(known, _)| kind < *known) {
            self.last_resort = Some((kind, failure));
        }
    }

    /// Whether a test of this name is told already.
    pub(super) fn knows_test(&self, name: &str) -> bool {
        self.tests.contains(&self.hasher.hash_one(beginning(&one_line(name), MAX_NAME)))
    }

    pub(super) fn into_diagnosis(mut self) -> Diagnosis {
        if self.diagnosis.failures.is_empty()
            && let Some((_, failure)) = self.last_resort.take()
        {
            self.add(failure);
        }
        self.diagnosis
    }

    fn is_new(&mut self, failure: &Failure) -> bool {
        if failure.category == FailureCategory::Test
            && let Some(name) = &failure.code
        {
            self.tests.insert(self.hasher.hash_one(name.as_str()));
        }
        // A file is not formatted, in however many places.
        let key = match failure.category {
            FailureCategory::Format => self.hasher.hash_one((failure.category, &failure.file)),
            _ => self.hasher.hash_one(failure),
        };
        self.seen.insert(key)
    }

    fn cleaned(&self, failure: Failure) -> Failure {
        let name = |text: String| beginning(&one_line(&text), MAX_NAME).to_owned();
        let place = failure.file.as_deref().and_then(|file| relative(file, self.working_dir));
        Failure {
            line: place.as_ref().and(failure.line).filter(|line| *line > 0),
            column: place.as_ref().and(failure.column).filter(|column| *column > 0),
            file: place.map(name),
            code: failure.code.map(name).filter(|code| !code.is_empty()),
            message: essence(&failure.message, self.working_dir),
            category: failure.category,
        }
    }
}

/// A failure of which no more is known than what it says.
pub(super) fn failure(category: FailureCategory, message: &str) -> Failure {
    let message = beginning(message, MAX_LOOKED_AT).to_owned();
    Failure { category, file: None, line: None, column: None, code: None, message }
}

/// What else is known of a failure.
pub(super) trait Known {
    /// Where it is.
    fn at(self, place: &Place<'_>) -> Self;
    /// What the tool calls it.
    fn called(self, code: &str) -> Self;
}

impl Known for Failure {
    fn at(mut self, place: &Place<'_>) -> Self {
        self.file = Some(place.file.to_owned());
        self.line = place.line;
        self.column = place.column;
        self
    }

    fn called(mut self, code: &str) -> Self {
        self.code = Some(beginning(code, MAX_LOOKED_AT).to_owned());
        self
    }
}

/// A message in one line of bounded length, without what is another in each run: durations,
/// addresses, temporary paths, long hashes.
fn essence(message: &str, working_dir: &Path) -> String {
    let below = format!("{}/", working_dir.display());
    let mut text = one_line(beginning(message, MAX_LOOKED_AT));
    if below.len() > 1 {
        text = text.replace(&below, "");
    }
    let mut stable = String::with_capacity(text.len());
    let is_part = |c: char| c.is_alphanumeric() || "/._-+~".contains(c);
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let word_end = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
        let (word, after) = rest.split_at(word_end);
        stable.push_str(stable_word(word));
        let other_end = after.find(is_part).unwrap_or(after.len());
        stable.push_str(&after[..other_end]);
        rest = &after[other_end..];
    }
    match beginning(&stable, MAX_MESSAGE).trim_end() {
        // A tool may have nothing to say beside the place.
        "" => "no message".to_owned(),
        message => message.to_owned(),
    }
}

/// A word, or what stands for it where it is another in each run.
fn stable_word(word: &str) -> &str {
    let is_temporary = ["/tmp/", "/private/tmp/", "/var/tmp/", "/var/folders/", "/private/var/"]
        .iter()
        .any(|folder| word.starts_with(folder));
    if is_temporary {
        return "/tmp/…";
    }
    let hex = word.strip_prefix("0x").unwrap_or(word);
    let is_hex = hex.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-');
    let is_address = word.starts_with("0x") && hex.len() >= 4;
    if is_hex && (is_address || hex.len() >= 16) {
        return "0x…";
    }
    if is_duration(word) { "…s" } else { word }
}

/// `1.25s`, `12ms`.
fn is_duration(word: &str) -> bool {
    let units = ["ms", "µs", "us", "ns", "s"];
    let number = units.iter().find_map(|unit| word.strip_suffix(unit));
    number.is_some_and(|number| {
        number.starts_with(|c: char| c.is_ascii_digit())
            && number.bytes().all(|b| b.is_ascii_digit() || b == b'.')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_in_each_run_is_taken_out_of_a_message() {
        for (message, stable) in [
            ("took 1.25s, then (12ms)", "took …s, then (…s)"),
            ("object at 0x7f3a12", "object at 0x…"),
            ("no '/tmp/pytest-3/x' there", "no '/tmp/…' there"),
            ("/home/ada/project/src/a.rs is gone", "src/a.rs is gone"),
            ("3f2504e0-4f89-11d3-9a0c-0305e82c3301!", "0x…!"),
            ("cannot find value `added`", "cannot find value `added`"),
            ("two\n  lines", "two lines"),
        ] {
            assert_eq!(essence(message, Path::new("/home/ada/project")), stable);
        }
    }

    #[test]
    fn there_is_always_something_to_say() {
        assert_eq!(essence("", Path::new("")), "no message");
        assert_eq!(essence("\u{1b}[0m ", Path::new("")), "no message");
    }

    #[test]
    fn a_long_message_ends_with_a_whole_character() {
        let message = essence(&"ä".repeat(1000), Path::new(""));
        assert_eq!(message, "ä".repeat(150));
    }
}
