//! Rules for every Rust file.

use super::{SourceFile, assert_none, exists, files_below};

#[test]
fn every_file_begins_with_what_it_is_for() {
    let breaches: Vec<String> = rust_files()
        .filter(|file| !file.text.starts_with("//! "))
        .map(|file| format!("{}: the first line is not `//! …`", file.path))
        .collect();
    assert_none("a file that does not say what it is for", &breaches);
}

#[test]
fn nothing_is_ignored_or_left_to_do() {
    // Written in two halves, so that this file does not hold them.
    let forbidden =
        [concat!("#[ig", "nore"), concat!("tod", "o!("), concat!("unimpl", "emented!(")];
    let mut breaches = Vec::new();
    for file in rust_files() {
        for (index, line) in file.text.lines().enumerate() {
            let found = forbidden.iter().filter(|word| line.contains(*word));
            breaches.extend(found.map(|word| format!("{}:{}: `{word}`", file.path, index + 1)));
        }
    }
    assert_none("work that is put off", &breaches);
}

/// A file that no module names is not compiled: its tests never run, and nobody notices.
#[test]
fn no_file_is_forgotten() {
    let breaches: Vec<String> = rust_files()
        .filter(|file| !is_target(&file.path) && !is_declared(&file.path))
        .map(|file| format!("{}: no module above it says `mod`", file.path))
        .collect();
    assert_none("a file that is not compiled", &breaches);
}

fn rust_files() -> impl Iterator<Item = SourceFile> {
    files_below("", &[".rs"]).into_iter().filter(|file| !file.path.contains("/fixtures/"))
}

/// Whether cargo finds the file by itself.
fn is_target(path: &str) -> bool {
    let (folder, name) = path.rsplit_once('/').unwrap_or_default();
    let (above, last) = folder.rsplit_once('/').unwrap_or(("", folder));
    let has_manifest = |folder: &str| exists(&format!("{folder}/Cargo.toml"));
    match last {
        _ if ["lib.rs", "main.rs"].contains(&name) => true,
        _ if name == "build.rs" => has_manifest(folder),
        "bin" => above.ends_with("/src"),
        "benches" | "examples" | "tests" | "fuzz_targets" => has_manifest(above),
        _ => false,
    }
}

/// Whether the file that owns the folder has a `mod` for it.
fn is_declared(path: &str) -> bool {
    let (mut folder, name) = path.rsplit_once('/').unwrap_or_default();
    let mut module = name.trim_end_matches(".rs");
    if module == "mod" {
        (folder, module) = folder.rsplit_once('/').unwrap_or_default();
    }
    let owners = ["/lib.rs", "/main.rs", "/mod.rs", ".rs"].map(|end| format!("{folder}{end}"));
    // What benches share is declared by each of them.
    let benches = files_below("", &[".rs"]).into_iter().map(|file| file.path);
    let benches = benches.filter(|path| {
        folder.ends_with("/benches") && path.rsplit_once('/').is_some_and(|(f, _)| f == folder)
    });
    let owners: Vec<String> = owners.into_iter().chain(benches).collect();
    owners.iter().filter(|owner| *owner != path && exists(owner)).any(|owner| {
        let declared = format!("mod {module};");
        super::read(owner).lines().any(|line| line.trim_start().ends_with(&declared))
    })
}
