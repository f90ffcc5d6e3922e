//! The files of a gate: its log, and the reports among its artifacts.

use std::fs::{self, File};
use std::io::{self, BufReader};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use codeloops_event::{Failure, FailureCategory, MAX_FAILURES};

use super::Diagnosis;

/// Reports that are read of one gate.
const MAX_REPORTS: usize = 200;

/// Entries that are looked at to find them, and folders within each other.
const MAX_ENTRIES: usize = 10_000;
const MAX_DEPTH: usize = 8;

/// Opens a file that is one, and no link.
pub(super) fn open(path: &Path) -> io::Result<BufReader<File>> {
    // A pipe in its place must not make us wait.
    let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK;
    let file = fs::OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    Ok(BufReader::with_capacity(64 * 1024, file))
}

/// The XML files below a folder in the order of their names, without following links.
pub(super) fn below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut entries = 0;
    let is_folder = fs::symlink_metadata(folder).is_ok_and(|metadata| metadata.is_dir());
    if is_folder {
        collect(folder, MAX_DEPTH, &mut entries, &mut found);
    }
    found.sort();
    found.truncate(MAX_REPORTS);
    found
}

fn collect(folder: &Path, depth: usize, entries: &mut usize, found: &mut Vec<PathBuf>) {
    let Ok(listing) = fs::read_dir(folder) else { return };
    for entry in listing.flatten() {
        *entries += 1;
        if *entries > MAX_ENTRIES {
            return;
        }
        let Ok(kind) = entry.file_type() else { continue };
        let path = entry.path();
        if kind.is_dir() && depth > 0 {
            collect(&path, depth - 1, entries, found);
        } else if kind.is_file() && path.extension().is_some_and(|end| end == "xml") {
            found.push(path);
        }
    }
}

/// What both tell of; a test of which both tell counts once, as the first one tells it.
pub(super) fn merged(first: Diagnosis, second: Diagnosis) -> Diagnosis {
    let total = |diagnosis: &Diagnosis| diagnosis.failures.len() as u64 + diagnosis.more;
    // What is not listed may be what the other one lists.
    let least = total(&first).max(total(&second));
    let mut failures = first.failures;
    let known: Vec<Vec<String>> = failures.iter().filter_map(test_words).collect();
    for failure in second.failures {
        let words = test_words(&failure);
        let is_known = words.is_some_and(|words| known.iter().any(|known| is_same(known, &words)));
        if !is_known && !failures.contains(&failure) {
            failures.push(failure);
        }
    }
    let total = least.max(failures.len() as u64);
    failures.truncate(MAX_FAILURES);
    Diagnosis { more: total - failures.len() as u64, failures }
}

/// The words of a test's name: each runner has its own signs between them, and names more or less of
/// the folders above.
fn test_words(failure: &Failure) -> Option<Vec<String>> {
    let is_test = matches!(failure.category, FailureCategory::Test | FailureCategory::Timeout);
    let name = failure.code.as_ref().filter(|_| is_test)?;
    let words = name.split(|c: char| !c.is_alphanumeric() && c != '_');
    let is_ending = |word: &str| {
        ["", "py", "js", "jsx", "mjs", "cjs", "ts", "tsx", "mts", "cts"].contains(&word)
    };
    Some(words.filter(|word| !is_ending(word)).map(str::to_owned).collect())
}

/// Whether one name is the end of the other.
fn is_same(one: &[String], other: &[String]) -> bool {
    !one.is_empty() && !other.is_empty() && (one.ends_with(other) || other.ends_with(one))
}
