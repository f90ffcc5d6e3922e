//! The rules for Go: its own testing, and testify.

use codeloops_event::TamperKind;

use super::language::{Language, Place, Rule, TestForm};

pub(super) const LANGUAGE: Language = Language {
    extensions: &["go"],
    test_names: r"_test\.go$",
    test_folders: &[],
    comments: &["//", "/*"],
    test: TestForm::Named {
        name: r"^func\s+(?:\([^)]*\)\s*)?((?:Test|Benchmark|Fuzz|Example)(?:[A-Z_0-9]\w*)?)\s*\(",
    },
    tests_begin: None,
    rules: &[
        Rule {
            kind: TamperKind::TestSkipped,
            place: Place::Tests,
            patterns: &[r"\b(?:t|b|f|tb|s\.T\(\))\.(?:Skip|Skipf|SkipNow)\("],
            unless: None,
        },
        Rule {
            kind: TamperKind::TestSkipped,
            place: Place::Comments,
            patterns: &[r"^//go:build\s+ignore\b", r"^// \+build\s+ignore\b"],
            unless: None,
        },
        Rule {
            kind: TamperKind::AssertionRemoved,
            place: Place::Tests,
            patterns: &[
                r"\b(?:t|b|f|tb)\.(?:Error|Errorf|Fatal|Fatalf|Fail|FailNow)\(",
                r"\b(?:assert|require|is|must)\.\w+\(",
                r"\bs\.(?:Require\(\)|Assert\(\))?\.?(?:Equal|True|False|Nil|NotNil|NoError|Error|Len|Contains)\w*\(",
            ],
            unless: Some(r"\b(?:assert|require)\.True\(\s*t\s*,\s*true\s*[,)]"),
        },
        Rule {
            kind: TamperKind::LintLoosened,
            place: Place::Comments,
            patterns: &[r"//\s*nolint\b", r"//lint:(?:file-)?ignore\b", r"(?://|/\*)\s*#nosec\b"],
            unless: None,
        },
    ],
};
