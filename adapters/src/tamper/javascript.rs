//! The rules for JavaScript and TypeScript: Jest, Vitest, Mocha, Jasmine, Playwright, Cypress.

use codeloops_event::TamperKind;

use super::language::{Language, Place, Rule, TestForm};

pub(super) const LANGUAGE: Language = Language {
    extensions: &["js", "jsx", "mjs", "cjs", "ts", "tsx", "mts", "cts", "vue", "svelte"],
    test_names: r"\.(?:test|spec|cy|e2e|test-d)\.\w+$|^tests?\.\w+$",
    test_folders: &["__tests__", "test", "tests", "spec", "specs", "e2e", "cypress"],
    comments: &["//", "/*", "*"],
    test: TestForm::Named {
        // `it('name'`, `test.each(rows)("name"`, `xit(`name``.
        name: r#"^(?:await\s+)?[xf]?(?:it|test|specify)(?:\.\w+)*(?:\(.*\))?\s*\(\s*['"`]([^'"`]*)"#,
    },
    tests_begin: None,
    rules: &[
        Rule {
            kind: TamperKind::TestSkipped,
            place: Place::Tests,
            patterns: &[
                r"\b(?:it|test|specify|describe|context|suite)(?:\.\w+)*\.(?:skip|skipIf|runIf|todo|failing|fails|fixme|only)\b",
                r"^(?:xit|xtest|xspecify|xdescribe|xcontext|fit|fdescribe)\s*[(.]",
                r"\bthis\.skip\(\)",
                r"^(?:pending|test\.skip)\(",
            ],
            unless: None,
        },
        Rule {
            kind: TamperKind::AssertionRemoved,
            place: Place::Tests,
            patterns: &[
                r"\bexpect(?:\.\w+)*\s*\(",
                r"\bexpectTypeOf\b",
                r"\bassert(?:\.\w+)*\s*\(",
                r"\.should\b",
            ],
            unless: Some(
                r"\bexpect\(\s*(?:true|1)\s*\)\.(?:toBe|toEqual|toBeTruthy|toStrictEqual)\(\s*(?:true|1)?\s*\)|\bassert(?:\.ok)?\(\s*(?:true|1)\s*[,)]",
            ),
        },
        Rule {
            kind: TamperKind::LintLoosened,
            place: Place::Comments,
            patterns: &[r"(?://|/\*|^\*|<!--).*\b(?:eslint|oxlint|tslint|stylelint)[-:]disable"],
            unless: None,
        },
        Rule {
            kind: TamperKind::LintLoosened,
            place: Place::Comments,
            patterns: &[r"(?://|/\*|^\*).*@ts-(?:ignore|nocheck|expect-error)\b"],
            unless: None,
        },
        Rule {
            kind: TamperKind::LintLoosened,
            place: Place::Comments,
            patterns: &[
                r"(?://|/\*|<!--).*\b(?:biome|prettier|deno-lint|deno-fmt)-ignore",
                r"(?://|/\*).*\b(?:istanbul|c8|v8)\s+ignore\b",
            ],
            unless: None,
        },
    ],
};
