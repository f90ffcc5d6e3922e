//! Which crate may know which: the arrows of `docs/src/architecture.md`.

use toml::{Table, Value};

use super::{SourceFile, assert_none, files_below, read};

/// Every crate with those of ours that it may depend on.
const EDGES: &[(&str, &[&str])] = &[
    ("codeloops-event", &[]),
    ("codeloops-machine", &["codeloops-event"]),
    ("codeloops-session", &["codeloops-event"]),
    ("codeloops-driver", &["codeloops-machine", "codeloops-event"]),
    ("codeloops-adapters", &["codeloops-driver", "codeloops-machine", "codeloops-event"]),
    ("codeloops-sinks", &["codeloops-session", "codeloops-event"]),
    ("codeloops-sink-otel", &["codeloops-sinks", "codeloops-session", "codeloops-event"]),
    (
        "codeloops",
        &[
            "codeloops-adapters",
            "codeloops-driver",
            "codeloops-machine",
            "codeloops-sink-otel",
            "codeloops-sinks",
            "codeloops-session",
            "codeloops-event",
        ],
    ),
];

/// Crates that nothing is built upon; they may know all others.
const EXEMPT: [&str; 3] = ["codeloops-tests", "codeloops-fuzz", "xtask"];

/// The pure crates, with every crate that they may be built from.
const PURE: [&str; 2] = ["engine/event", "engine/machine"];
const PURE_DEPENDENCIES: [&str; 5] = ["codeloops-event", "chrono", "serde", "serde_json", "sha2"];

/// What the pure crates must not name: the world, the time, and chance. The order in which a
/// `HashMap` is walked is chance.
const IMPURE: [&str; 14] = [
    "tokio",
    "async",
    "std::fs",
    "std::env",
    "std::io",
    "std::net",
    "std::process",
    "std::thread",
    "Instant",
    "SystemTime",
    "::now",
    "HashMap",
    "HashSet",
    "getrandom",
];

#[test]
fn crates_depend_along_the_drawn_arrows() {
    let mut breaches = Vec::new();
    for manifest in manifests() {
        let table = manifest.text.parse::<Table>().unwrap();
        let name = table["package"]["name"].as_str().unwrap();
        if EXEMPT.contains(&name) {
            continue;
        }
        let Some((_, allowed)) = EDGES.iter().find(|(known, _)| *known == name) else {
            breaches.push(format!("{}: `{name}` has no place in the drawing", manifest.path));
            continue;
        };
        let ours = |crate_name: &String| {
            EXEMPT.contains(&crate_name.as_str())
                || EDGES.iter().any(|(known, _)| known == crate_name)
        };
        for edge in dependencies(&table, Scope::Any).into_iter().filter(ours) {
            if edge != name && !allowed.contains(&edge.as_str()) {
                breaches.push(format!("{}: `{name}` must not know `{edge}`", manifest.path));
            }
        }
    }
    assert_none("an edge that is not drawn", &breaches);
}

#[test]
fn pure_crates_cannot_reach_the_world() {
    let mut breaches = Vec::new();
    for folder in PURE {
        let table = read(&format!("{folder}/Cargo.toml")).parse::<Table>().unwrap();
        for dependency in dependencies(&table, Scope::Product) {
            if !PURE_DEPENDENCIES.contains(&dependency.as_str()) {
                breaches.push(format!("{folder}/Cargo.toml: `{dependency}`"));
            }
        }
        breaches
            .extend(clock_features(&table).map(|f| format!("{folder}/Cargo.toml: chrono `{f}`")));
        for file in files_below(&format!("{folder}/src"), &[".rs"]) {
            breaches.extend(impure_words(&file));
        }
    }
    let workspace = read("Cargo.toml").parse::<Table>().unwrap();
    let shared = workspace["workspace"].as_table().unwrap();
    breaches.extend(clock_features(shared).map(|f| format!("Cargo.toml: chrono `{f}`")));
    assert_none("a pure crate reaches the world", &breaches);
}

/// The schema of the events is for the documentation: the product brings no crate for it.
#[test]
fn no_crate_of_the_product_makes_the_schema() {
    let enables = |table: &Table| {
        let event = table.get("dependencies").and_then(|all| all.get("codeloops-event"));
        let features = event.and_then(|event| event.get("features")?.as_array());
        features.into_iter().flatten().any(|feature| feature.as_str() == Some("schema"))
    };
    let mut breaches = Vec::new();
    for manifest in manifests() {
        let table = manifest.text.parse::<Table>().unwrap();
        let name = table["package"]["name"].as_str().unwrap();
        let is_default = name == "codeloops-event" && table["features"].get("default").is_some();
        if is_default || (enables(&table) && !EXEMPT.contains(&name)) {
            breaches.push(manifest.path);
        }
    }
    assert_none("a crate of the product that makes the schema", &breaches);
}

#[test]
fn every_member_takes_the_workspace_settings() {
    let mut breaches = Vec::new();
    for manifest in manifests() {
        let table = manifest.text.parse::<Table>().unwrap();
        let inherits = |section: &str, key: &str| {
            let value = table.get(section).and_then(|section| section.get(key));
            value.and_then(|v| v.get("workspace").or(Some(v))).and_then(Value::as_bool)
                == Some(true)
        };
        if !inherits("lints", "workspace") {
            breaches.push(format!("{}: no `[lints] workspace = true`", manifest.path));
        }
        for key in ["version", "edition", "rust-version", "license", "publish"] {
            if !inherits("package", key) {
                breaches.push(format!("{}: no `{key}.workspace = true`", manifest.path));
            }
        }
    }
    assert_none("a crate with settings of its own", &breaches);
}

/// The manifests of the workspace's members.
fn manifests() -> Vec<SourceFile> {
    let mut manifests = files_below("", &["Cargo.toml"]);
    let fixture = |path: &str| {
        path == "Cargo.toml" || path.starts_with("fuzz/") || path.contains("/fixtures/")
    };
    manifests.retain(|manifest| !fixture(&manifest.path));
    manifests
}

/// Which dependencies a rule is about.
#[derive(Clone, Copy, PartialEq)]
enum Scope {
    /// All.
    Any,
    /// Those of the product itself: not those of tests, and none behind a feature.
    Product,
}

/// The names of the dependencies, for every target.
fn dependencies(table: &Table, scope: Scope) -> Vec<String> {
    let mut sections = vec!["dependencies", "build-dependencies"];
    sections.extend((scope == Scope::Any).then_some("dev-dependencies"));
    let counts = |value: &Value| {
        let optional = value.get("optional").and_then(Value::as_bool) == Some(true);
        scope == Scope::Any || !optional
    };
    let targets = table.get("target").and_then(Value::as_table);
    let of_targets = targets.into_iter().flat_map(Table::values).filter_map(Value::as_table);
    std::iter::once(table)
        .chain(of_targets)
        .flat_map(|table| sections.iter().filter_map(|section| table.get(*section)?.as_table()))
        .flat_map(|section| section.iter().filter(|(_, value)| counts(value)))
        .map(|(name, value)| package(name, value))
        .collect()
}

/// The crate behind a dependency, whatever it is called here.
fn package(name: &str, value: &Value) -> String {
    value.get("package").and_then(Value::as_str).unwrap_or(name).to_owned()
}

fn clock_features(table: &Table) -> impl Iterator<Item = String> {
    let features = table
        .get("dependencies")
        .and_then(|dependencies| dependencies.get("chrono")?.get("features")?.as_array());
    features
        .into_iter()
        .flatten()
        .filter_map(|feature| Some(feature.as_str()?.to_owned()))
        .filter(|feature| ["clock", "now", "default"].contains(&feature.as_str()))
}

/// The impure words of a file, outside its comments and what is only compiled for tests.
fn impure_words(file: &SourceFile) -> Vec<String> {
    let for_tests = ["tests.rs", "testing.rs"].iter().any(|name| file.path.ends_with(name))
        || ["/tests/", "/testing/"].iter().any(|folder| file.path.contains(folder));
    if for_tests {
        return Vec::new();
    }
    let code = file.text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let code = code.lines().map(|line| line.split("//").next().unwrap_or_default());
    let mut breaches = Vec::new();
    for (index, line) in code.enumerate() {
        let found = IMPURE.iter().filter(|word| has_word(line, word));
        breaches.extend(found.map(|word| format!("{}:{}: `{word}`", file.path, index + 1)));
    }
    breaches
}

/// Whether `word` stands in `line` as a word, or as the beginning of a grouped import
/// (`std::{fs, …}` holds `std::fs`).
fn has_word(line: &str, word: &str) -> bool {
    let grouped = line.split_once("std::{").map(|(_, names)| names);
    let in_group = grouped.zip(word.strip_prefix("std::"));
    in_group.is_some_and(|(names, word)| has_word(names, word))
        || line.match_indices(word).any(|(at, _)| {
            let part = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
            let begins = word.starts_with(':') || !part(line[..at].chars().next_back());
            begins && !part(line[at + word.len()..].chars().next())
        })
}
