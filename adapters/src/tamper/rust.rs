//! The rules for Rust.

use codeloops_event::TamperKind;

use super::language::{Language, Place, Rule, TestForm};

pub(super) const LANGUAGE: Language = Language {
    extensions: &["rs"],
    test_names: r"^(?:tests?|test_.*|.*_tests?)\.rs$",
    test_folders: &["tests", "test"],
    comments: &["//", "/*", "* "],
    test: TestForm::Marked {
        // `#[test]`, `#[tokio::test(flavor = "…")]`, `#[rstest]`, `#[test_case(1)]`, `#[bench]`.
        mark: r"^#\[\s*(?:\w+\s*::\s*)*(?:test|rstest|test_case|test_log|wasm_bindgen_test|bench)\b",
        name: r"\bfn\s+(\w+)",
    },
    tests_begin: Some(
        r"^#\[cfg\((?:all\()?test\b|^(?:pub(?:\([^)]*\))?\s+)?mod\s+(?:\w+_)?tests?\b",
    ),
    rules: &[
        Rule {
            kind: TamperKind::TestSkipped,
            place: Place::Code,
            patterns: &[
                r"^#\[ignore\b",
                r"^#\[cfg_attr\(.*,\s*ignore\b",
                r"^#!?\[cfg\((?:any\(\)|FALSE|false)\)\]",
            ],
            unless: None,
        },
        Rule {
            kind: TamperKind::AssertionRemoved,
            place: Place::Tests,
            patterns: &[r"\b(?:\w+_)?assert(?:_\w+)?!", r"^#\[should_panic\b"],
            unless: Some(r"\bassert!\(\s*true\s*[,)]"),
        },
        Rule {
            // A folder of tests that no module names is not compiled.
            kind: TamperKind::TestDeleted,
            place: Place::Code,
            patterns: &[r"^(?:pub(?:\([^)]*\))?\s+)?mod\s+(?:\w+_)?tests?\s*;"],
            unless: None,
        },
        Rule {
            kind: TamperKind::LintLoosened,
            place: Place::Code,
            patterns: &[
                r"^#!?\[\s*(?:allow|expect)\s*\(",
                r"^#!?\[cfg_attr\(.*,\s*(?:allow|expect)\s*\(",
                r"^#!?\[\s*(?:rustfmt::skip|coverage\(off\))",
            ],
            unless: None,
        },
    ],
};
