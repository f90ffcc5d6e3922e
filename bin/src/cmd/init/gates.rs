//! The gates that a project's own files suggest: its tests, by the tool that runs them.

use std::path::Path;

use serde_json::Value;

use crate::config::{PROJECT_FILE, read_file};

/// What npm writes where nobody has written tests.
const NO_TESTS: &str = "no test specified";

/// The lines to put into the project's file; none where nothing is suggested, or there is such a file
/// already.
pub(super) fn suggested(dir: &Path) -> Option<String> {
    if dir.join(PROJECT_FILE).exists() {
        return None;
    }
    let suites = [
        ("rust", "cargo test", dir.join("Cargo.toml").is_file()),
        ("js", "npm test", has_npm_test(dir)),
        ("python", "pytest", uses_pytest(dir)),
        ("go", "go test ./...", dir.join("go.mod").is_file()),
    ];
    let found: Vec<_> = suites.into_iter().filter(|(.., is_there)| *is_there).collect();
    let gate = |(language, command, _): &(&str, &str, bool)| {
        let name = if found.len() == 1 { "test".to_owned() } else { format!("test-{language}") };
        format!("[[gates]]\nname = \"{name}\"\nrun = \"{command}\"\n")
    };
    (!found.is_empty()).then(|| found.iter().map(gate).collect::<Vec<_>>().join("\n"))
}

fn has_npm_test(dir: &Path) -> bool {
    let Ok(bytes) = read_file(&dir.join("package.json")) else { return false };
    let package: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    package["scripts"]["test"].as_str().is_some_and(|script| !script.contains(NO_TESTS))
}

fn uses_pytest(dir: &Path) -> bool {
    let names_it = |file: &str| {
        let text = read_file(&dir.join(file)).unwrap_or_default();
        String::from_utf8_lossy(&text).contains("pytest")
    };
    dir.join("pytest.ini").is_file() || ["pyproject.toml", "setup.cfg"].into_iter().any(names_it)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn suggested_for(files: &[(&str, &str)]) -> String {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in files {
            std::fs::write(dir.path().join(name), text).unwrap();
        }
        suggested(dir.path()).unwrap_or_default()
    }

    #[test]
    fn the_tests_of_a_project_are_found_by_its_files() {
        let command = |files: &[(&str, &str)]| {
            let text = suggested_for(files);
            text.lines().find_map(|line| line.strip_prefix("run = ").map(str::to_owned))
        };
        let runs = |command: &str| Some(format!("\"{command}\""));
        assert_eq!(command(&[("Cargo.toml", "")]), runs("cargo test"));
        assert_eq!(command(&[("go.mod", "")]), runs("go test ./..."));
        assert_eq!(command(&[("pytest.ini", "")]), runs("pytest"));
        assert_eq!(command(&[("pyproject.toml", "[tool.pytest.ini_options]")]), runs("pytest"));
        let package = r#"{ "scripts": { "test": "vitest" } }"#;
        assert_eq!(command(&[("package.json", package)]), runs("npm test"));
        let none = r#"{ "scripts": { "test": "echo \"Error: no test specified\" && exit 1" } }"#;
        for files in
            [("package.json", none), ("package.json", "{"), ("pyproject.toml", "[project]")]
        {
            assert_eq!(command(&[files]), None, "{files:?}");
        }
        assert_eq!(command(&[("Cargo.toml", ""), (PROJECT_FILE, "")]), None);
    }

    #[test]
    fn several_suites_have_names_of_their_own() {
        insta::assert_snapshot!(suggested_for(&[("Cargo.toml", ""), ("go.mod", "")]), @r#"
        [[gates]]
        name = "test-rust"
        run = "cargo test"

        [[gates]]
        name = "test-go"
        run = "go test ./..."
        "#);
    }
}
