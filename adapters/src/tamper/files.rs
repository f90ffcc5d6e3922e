//! The rules for files that say what is checked: of linters, type checkers, test runners, continuous
//! integration, and codeloops itself.

use std::sync::LazyLock;

use codeloops_event::TamperKind;
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use regex_automata::meta::Regex;

use super::language::regex;

/// Lines of some files.
pub(super) struct FileRule {
    pub(super) kind: TamperKind,
    /// As in `.gitignore`: a name without a `/` is found in every folder.
    files: &'static [&'static str],
    lines: Lines,
}

/// Which changed lines of such a file are a sign. Of `Any`, `Always` and `Below` a hunk gives one.
enum Lines {
    /// Each, comments aside; in a new file those that loosen.
    Any,
    /// Each, comments aside.
    Always,
    /// Each below such a heading; where no heading can be seen, those that match `or`.
    Below { heading: &'static str, or: &'static str },
    /// Those that match and are new.
    Added(&'static str),
    /// Those that match and are gone.
    Removed(&'static str),
}

/// What makes a check look away in most of these files.
pub(super) const LOOSENS: &str = concat!(
    r#"(?i)\b(?:off|ignore\w*|exclude\w*|disable\w*|allow\w*|skip\w*)\b|continue-on-error:\s*true"#,
    r"|\|\|\s*(?:true|:|exit 0)|allow_failure:\s*true|soft_fail"
);

const RULES: &[FileRule] = &[
    FileRule { kind: TamperKind::ConfigChanged, files: &["codeloops.toml"], lines: Lines::Always },
    FileRule {
        kind: TamperKind::CiChanged,
        files: &[
            "/.github/workflows/**",
            "/.github/actions/**",
            ".gitlab-ci.yml",
            "/.gitlab/ci/**",
            "/.circleci/**",
            "Jenkinsfile",
            "azure-pipelines.yml",
            ".travis.yml",
            "bitbucket-pipelines.yml",
            "/.buildkite/**",
            "/.ci/**",
            ".drone.yml",
            ".woodpecker.yml",
            "/.woodpecker/**",
            "appveyor.yml",
            ".cirrus.yml",
        ],
        lines: Lines::Any,
    },
    // Files that hold nothing else.
    FileRule {
        kind: TamperKind::LintLoosened,
        files: &[
            "clippy.toml",
            ".clippy.toml",
            "rustfmt.toml",
            ".rustfmt.toml",
            "deny.toml",
            "/.config/nextest.toml",
            ".eslintrc",
            ".eslintrc.*",
            "eslint.config.*",
            ".eslintignore",
            ".oxlintrc.json",
            "biome.json",
            "biome.jsonc",
            "tslint.json",
            ".prettierrc*",
            ".prettierignore",
            "jest.config.*",
            "vitest.config.*",
            "vitest.workspace.*",
            ".mocharc.*",
            "karma.conf.*",
            "playwright.config.*",
            "cypress.config.*",
            "ruff.toml",
            ".ruff.toml",
            "mypy.ini",
            ".mypy.ini",
            "pytest.ini",
            ".flake8",
            ".pylintrc",
            "pylintrc",
            ".coveragerc",
            "pyrightconfig.json",
            ".golangci.yml",
            ".golangci.yaml",
            ".golangci.toml",
            ".golangci.json",
            "staticcheck.conf",
            "checkstyle*.xml",
            "pmd*.xml",
            "spotbugs*.xml",
            ".pre-commit-config.yaml",
        ],
        lines: Lines::Any,
    },
    FileRule {
        kind: TamperKind::LintLoosened,
        files: &["pyproject.toml", "setup.cfg", "tox.ini"],
        lines: Lines::Below {
            heading: concat!(
                r#"^\[+(?:tool[.:])?"?(?:ruff|mypy|pytest|pylint|flake8|black|isort|coverage|"#,
                r"pyright|basedpyright|pydocstyle|bandit|ty)\b"
            ),
            or: concat!(
                r"^(?:(?:extend-)?(?:ignore|select|exclude|per-file-ignores)|disable|fail_under|",
                r"disable_error_code|ignore_\w+|follow_imports|addopts|testpaths|python_files|",
                r"norecursedirs|filterwarnings|xfail_strict|strict|disallow_\w+|warn_\w+|",
                r#"check_untyped_defs|omit)\s*=|^["'][A-Z]{1,4}[0-9]{1,4}["'],?$"#
            ),
        },
    },
    // The levels of `[lints]`: they stand nowhere else.
    FileRule {
        kind: TamperKind::LintLoosened,
        files: &["Cargo.toml"],
        lines: Lines::Added(r#"=\s*(?:\{\s*level\s*=\s*)?"allow""#),
    },
    FileRule {
        kind: TamperKind::LintLoosened,
        files: &["Cargo.toml"],
        lines: Lines::Removed(r#"=\s*(?:\{\s*level\s*=\s*)?"(?:deny|forbid)""#),
    },
    FileRule {
        kind: TamperKind::LintLoosened,
        files: &["Cargo.toml"],
        lines: Lines::Removed(
            r#"=\s*(?:\{\s*level\s*=\s*)?"(?:warn|deny|forbid)"|^\[(?:workspace\.)?lints\b|^lints\.workspace\s*=\s*true"#,
        ),
    },
    FileRule {
        kind: TamperKind::TestSkipped,
        files: &["Cargo.toml"],
        lines: Lines::Added(r"^autotests\s*=\s*false\b"),
    },
    FileRule {
        kind: TamperKind::LintLoosened,
        files: &["/.cargo/config.toml", "/.cargo/config"],
        lines: Lines::Added(r#"--cap-lints|["' ]-A(?:[ "']|\w)"#),
    },
    FileRule {
        kind: TamperKind::LintLoosened,
        files: &["tsconfig.json", "tsconfig.*.json", "jsconfig.json"],
        lines: Lines::Added(concat!(
            r#""(?:strict\w*|noImplicit\w+|noUnused\w+|noUnchecked\w+|noFallthrough\w+|checkJs|"#,
            r#"alwaysStrict|useUnknown\w+|exactOptional\w+|noProperty\w+|noEmitOnError)"\s*:\s*false"#,
            r#"|"(?:skipLibCheck|allowUnreachableCode|allowUnusedLabels)"\s*:\s*true"#
        )),
    },
    FileRule {
        kind: TamperKind::LintLoosened,
        files: &["tsconfig.json", "tsconfig.*.json", "jsconfig.json"],
        lines: Lines::Removed(concat!(
            r#""(?:strict\w*|noImplicit\w+|noUnused\w+|noUnchecked\w+|noFallthrough\w+|checkJs|"#,
            r#"alwaysStrict|useUnknown\w+|exactOptional\w+|noProperty\w+|noEmitOnError)"\s*:\s*true"#
        )),
    },
    FileRule {
        kind: TamperKind::LintLoosened,
        files: &["package.json", "vite.config.*"],
        lines: Lines::Added(r"--?passWithNoTests|\bpassWithNoTests\b|testPathIgnorePatterns"),
    },
    FileRule {
        kind: TamperKind::TestSkipped,
        files: &["pom.xml", "*.gradle", "*.gradle.kts", "gradle.properties", "/.mvn/maven.config"],
        lines: Lines::Added(concat!(
            r"\b(?:skipTests|skipITs|maven\.test\.skip|testFailureIgnore)\b.*\btrue\b",
            r"|\bexclude(?:TestsMatching|Tags|Categories|Groups)?s?\b.*[Tt]est|<excludedGroups>",
            r"|\btest\w*\b.*\benabled\s*=\s*false"
        )),
    },
    FileRule {
        kind: TamperKind::LintLoosened,
        files: &["pom.xml", "*.gradle", "*.gradle.kts"],
        lines: Lines::Added(concat!(
            r"\b(?:ignoreFailures|(?:checkstyle|pmd|spotbugs|cpd|jacoco)\.skip)\b.*\btrue\b",
            r"|\b(?:failOnViolation|failsOnError|failOnError|haltOnFailure|Werror)\b.*\bfalse\b"
        )),
    },
];

/// A rule ready to be asked.
pub(super) struct Ready {
    pub(super) kind: TamperKind,
    pub(super) lines: ReadyLines,
}

/// See [`Lines`].
pub(super) enum ReadyLines {
    Any,
    Always,
    Below { heading: Regex, or: Regex },
    Added(Regex),
    Removed(Regex),
}

/// All of them, made ready when the first file is met.
struct Table {
    globs: GlobSet,
    /// The rule of each glob.
    rules_of_globs: Vec<usize>,
    rules: Vec<Ready>,
}

static TABLE: LazyLock<Table> = LazyLock::new(Table::new);

/// The rules for a file, with their numbers.
pub(super) fn of_path(path: &str) -> Vec<(u16, &'static Ready)> {
    let mut rules: Vec<usize> =
        TABLE.globs.matches(path).into_iter().map(|glob| TABLE.rules_of_globs[glob]).collect();
    rules.dedup();
    rules.into_iter().map(|at| (at as u16, &TABLE.rules[at])).collect()
}

/// A glob of a path from the root: `*` stays within a name, and one without a `/` is a file's name in
/// any folder.
pub(super) fn glob(pattern: &str) -> Result<globset::Glob, globset::Error> {
    let pattern = match pattern.strip_prefix('/') {
        Some(from_root) => from_root.to_owned(),
        None if pattern.contains('/') => pattern.to_owned(),
        None => format!("**/{pattern}"),
    };
    GlobBuilder::new(&pattern).literal_separator(true).build()
}

impl Table {
    fn new() -> Self {
        let mut globs = GlobSetBuilder::new();
        let mut rules_of_globs = Vec::new();
        for (at, rule) in RULES.iter().enumerate() {
            for file in rule.files {
                globs.add(glob(file).expect("the table holds globs that a test has built"));
                rules_of_globs.push(at);
            }
        }
        let globs = globs.build().expect("the table holds globs that a test has built");
        Self { globs, rules_of_globs, rules: RULES.iter().map(Ready::new).collect() }
    }
}

impl Ready {
    fn new(rule: &FileRule) -> Self {
        let lines = match rule.lines {
            Lines::Any => ReadyLines::Any,
            Lines::Always => ReadyLines::Always,
            Lines::Below { heading, or } => {
                ReadyLines::Below { heading: regex(heading), or: regex(or) }
            }
            Lines::Added(line) => ReadyLines::Added(regex(line)),
            Lines::Removed(line) => ReadyLines::Removed(regex(line)),
        };
        Self { kind: rule.kind, lines }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(path: &str) -> Vec<TamperKind> {
        of_path(path).into_iter().map(|(_, rule)| rule.kind).collect()
    }

    #[test]
    fn files_are_known_by_their_names() {
        assert_eq!(kinds("codeloops.toml"), [TamperKind::ConfigChanged]);
        assert_eq!(kinds("sub/dir/codeloops.toml"), [TamperKind::ConfigChanged]);
        assert_eq!(kinds(".github/workflows/ci.yml"), [TamperKind::CiChanged]);
        assert_eq!(kinds("web/.eslintrc.json"), [TamperKind::LintLoosened]);
        assert_eq!(kinds("a/tsconfig.build.json").len(), 2);
        for path in ["src/main.rs", "docs/.github/workflows/x.yml", "my-codeloops.toml", ""] {
            assert_eq!(kinds(path), [], "{path}");
        }
    }
}
