//! The rules for Python: pytest, unittest, and the common linters and type checkers.

use codeloops_event::TamperKind;

use super::language::{Language, Place, Rule, TestForm};

pub(super) const LANGUAGE: Language = Language {
    extensions: &["py", "pyi"],
    test_names: r"^(?:test_.*|.*_tests?|tests?|conftest)\.py$",
    test_folders: &["tests", "test"],
    comments: &["#"],
    test: TestForm::Named { name: r"^(?:async\s+)?def\s+(test\w*)" },
    tests_begin: None,
    rules: &[
        Rule {
            kind: TamperKind::TestSkipped,
            place: Place::Tests,
            patterns: &[
                r"\bpytest\.mark\.(?:skip|skipif|xfail)\b",
                r"\bpytest\.(?:skip|xfail|importorskip)\(",
                r"^@(?:unittest\.)?(?:skip|skipIf|skipUnless|expectedFailure)\b",
                r"\bself\.skipTest\(",
                r"^raise\s+(?:unittest\.)?SkipTest\b",
                r"^__test__\s*=\s*False\b",
                r"^collect_ignore(?:_glob)?\b",
                r"^def\s+pytest_(?:ignore_collect|collection_modifyitems)\b",
            ],
            unless: None,
        },
        Rule {
            kind: TamperKind::AssertionRemoved,
            place: Place::Tests,
            patterns: &[
                r"^assert\b",
                r"\b\w+\.assert\w+\(",
                r"\bpytest\.(?:raises|warns|fail)\(",
                r"\bself\.fail\(",
            ],
            unless: Some(
                r"^assert\s*\(?\s*(?:True|1)\s*\)?\s*(?:$|,|#)|\.assertTrue\(\s*True\s*[,)]",
            ),
        },
        Rule {
            kind: TamperKind::LintLoosened,
            place: Place::Comments,
            patterns: &[r"#\s*(?:ruff:\s*|flake8:\s*)?noqa\b"],
            unless: None,
        },
        Rule {
            kind: TamperKind::LintLoosened,
            place: Place::Comments,
            patterns: &[
                r"#\s*type:\s*ignore\b",
                r"#\s*pyright:\s*(?:ignore|basic|off)\b",
                r"#\s*mypy:\s*(?:ignore-errors|disable-error-code|allow-)",
                r"^@(?:typing\.)?no_type_check\b",
            ],
            unless: None,
        },
        Rule {
            kind: TamperKind::LintLoosened,
            place: Place::Comments,
            patterns: &[
                r"#\s*pylint:\s*(?:disable|skip-file)",
                r"#\s*(?:fmt|yapf|isort):\s*(?:off|skip|disable)",
                r"#\s*pragma:\s*no\s*cover",
                r"#\s*nosec\b",
            ],
            unless: None,
        },
    ],
};
