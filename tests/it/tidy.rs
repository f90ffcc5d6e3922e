//! The repository's own rules, as ordinary tests.
//!
//! Each rule collects every breach as `file: what is wrong`, and fails with all of them at once.

mod crates;
mod files;
mod pages;
mod sources;

use std::path::{Path, PathBuf};

/// Folders that hold nothing of ours.
const SKIPPED: [&str; 5] = ["target", ".git", "node_modules", "book", ".codeloops"];

/// A file of the repository.
pub(crate) struct SourceFile {
    /// Where it is, from the root, with `/`.
    pub(crate) path: String,
    /// What it says; invalid UTF-8 is replaced.
    pub(crate) text: String,
}

/// The root of the repository.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}

fn exists(path: &str) -> bool {
    root().join(path).exists()
}

pub(crate) fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Every file below a folder whose name ends with one of `endings`, sorted. `""` is the root.
pub(crate) fn files_below(folder: &str, endings: &[&str]) -> Vec<SourceFile> {
    let root = root();
    let mut found = Vec::new();
    let mut folders = vec![root.join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap().map(Result::unwrap) {
            let name = entry.file_name().into_string().unwrap();
            if SKIPPED.contains(&name.as_str()) {
                continue;
            }
            if entry.file_type().unwrap().is_dir() {
                folders.push(entry.path());
            } else if endings.iter().any(|ending| name.ends_with(ending)) {
                let path = entry.path().strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
                let text =
                    String::from_utf8_lossy(&std::fs::read(entry.path()).unwrap_or_default())
                        .into_owned();
                found.push(SourceFile { path, text });
            }
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(
        !found.is_empty(),
        "no {endings:?} below `{folder}`: is the rule looking in the right place?"
    );
    found
}

/// Fails with every breach of a rule.
#[track_caller]
pub(crate) fn assert_none(rule: &str, breaches: &[String]) {
    assert!(breaches.is_empty(), "{rule}:\n  {}", breaches.join("\n  "));
}
