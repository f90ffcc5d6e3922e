//! Rules for every file, whatever it holds.

use super::{assert_none, files_below, root};

/// Package registries, in halves so that this file does not name one. Where packages come from is
/// the business of the machine that builds, not of this repository.
const REGISTRIES: [[&str; 2]; 5] = [
    ["crates", ".io"],
    ["npm", "js.org"],
    ["npm", "js.com"],
    ["pypi", ".org"],
    ["python", "hosted"],
];

/// Files that tools write, host names included.
const LOCK_FILES: [&str; 4] = ["Cargo.lock", "package-lock.json", "bun.lock", "uv.lock"];

#[test]
fn no_file_names_a_registry_or_this_machine() {
    let mut forbidden = REGISTRIES.map(|halves| halves.concat()).to_vec();
    forbidden.extend(own_place());
    let mut breaches = Vec::new();
    for file in files_below("", &[""]) {
        if LOCK_FILES.iter().any(|lock| file.path.ends_with(lock)) {
            continue;
        }
        for (index, line) in file.text.lines().enumerate() {
            let found = forbidden.iter().filter(|word| line.contains(word.as_str()));
            breaches.extend(found.map(|word| format!("{}:{}: `{word}`", file.path, index + 1)));
        }
    }
    assert_none("a name that has no place in the repository", &breaches);
}

/// The folder of this checkout, where it is long enough to be no one else's.
fn own_place() -> Option<String> {
    let root = root();
    let is_telling = root.components().count() > 2;
    is_telling.then(|| root.to_string_lossy().into_owned())
}
