//! The rules for Java: JUnit, TestNG, AssertJ, Mockito.

use codeloops_event::TamperKind;

use super::language::{Language, Place, Rule, TestForm};

pub(super) const LANGUAGE: Language = Language {
    extensions: &["java"],
    test_names: r"^(?:Test\w*|\w+(?:Tests?|TestCase|ITCase|IT))\.java$",
    test_folders: &["test", "integrationTest", "androidTest"],
    comments: &["//", "/*", "*"],
    test: TestForm::Marked {
        mark: r"^@(?:Test|ParameterizedTest|RepeatedTest|TestFactory|TestTemplate|Property)\b",
        name: concat!(
            r"^(?:@\w+(?:\([^)]*\))?\s+)*",
            r"(?:(?:public|protected|private|static|final|synchronized|default)\s+)*",
            r"(?:<[^>]*>\s*)?[\w.<>\[\],?]+\s+(\w+)\s*\("
        ),
    },
    tests_begin: None,
    rules: &[
        Rule {
            kind: TamperKind::TestSkipped,
            place: Place::Tests,
            patterns: &[
                r"@Disabled(?:\w*)\b",
                r"@Ignore\b",
                r"@Test\(.*\benabled\s*=\s*false\b",
                r"\bassume(?:True|False|That)\(",
                r"\bthrow\s+new\s+(?:SkipException|TestAbortedException)\b",
            ],
            unless: None,
        },
        Rule {
            kind: TamperKind::AssertionRemoved,
            place: Place::Tests,
            patterns: &[
                r"\bassert(?:[A-Z]\w*)?\s*\(",
                r"^assert\s",
                r"(?:^|\.)fail\(",
                r"(?:^|\.)verify(?:NoMoreInteractions|NoInteractions)?\(",
                r"\.andExpect\(",
            ],
            unless: Some(r"\bassertTrue\(\s*true\s*[,)]"),
        },
        Rule {
            kind: TamperKind::LintLoosened,
            place: Place::Comments,
            patterns: &[
                r"^@Suppress(?:Warnings|FBWarnings|Lint)?\b",
                r"//\s*(?:NOSONAR|NOPMD|NOCHECKSTYLE|noinspection)\b",
                r"CHECKSTYLE[: ]OFF",
            ],
            unless: None,
        },
    ],
};
