//! What is found in files that say what is checked.

use super::{check, check_all, found_in, shown};

#[test]
fn what_continuous_integration_runs() {
    let path = ".github/workflows/ci.yml";
    let before = "jobs:\n  test:\n    steps:\n      - run: cargo test\n";
    check(
        path,
        before,
        &before.replace("cargo test", "cargo test || true"),
        &["ci_changed .github/workflows/ci.yml:+4 - run: cargo test || true"],
    );
    check(
        path,
        before,
        &before.replace("    steps", "    name: t\n    continue-on-error: true\n    steps"),
        &["ci_changed .github/workflows/ci.yml:+4 continue-on-error: true"],
    );
    check(path, before, &before.replace("jobs", "# all of them\njobs"), &[]);
    check_all(
        &[(path, Some(before), None)],
        &["ci_changed .github/workflows/ci.yml:-* file deleted"],
    );
    // A new one is more of it, unless it is told not to mind.
    check_all(&[(path, None, Some(before))], &[]);
    check_all(
        &[(".gitlab-ci.yml", None, Some("test:\n  allow_failure: true\n"))],
        &["ci_changed .gitlab-ci.yml:+2 allow_failure: true"],
    );
    check("docs/ci.yml", "a\n", "b\n", &[]);
}

#[test]
fn what_codeloops_runs() {
    let sign = "config_changed codeloops.toml:+1 max_iterations = 2";
    check("codeloops.toml", "max_iterations = 1\n", "max_iterations = 2\n", &[sign]);
    check_all(
        &[("sub/codeloops.toml", None, Some("max_iterations = 2\n"))],
        &["config_changed sub/codeloops.toml:+* file added"],
    );
}

#[test]
fn linters_and_type_checkers() {
    for (path, before, after, sign) in [
        ("clippy.toml", "a = 1\n", "a = 9\n", "+1 a = 9"),
        (".eslintrc.json", "\"no-var\": 2\n", "\"no-var\": \"off\"\n", "+1 \"no-var\": \"off\""),
        ("jest.config.ts", "a: 1,\n", "b: 1,\n", "+1 b: 1,"),
        (".golangci.yml", "a\nb\n", "a\n", "-2 b"),
        (
            "Cargo.toml",
            "[lints.rust]\na = \"warn\"\n",
            "[lints.rust]\na = \"allow\"\n",
            "+2 a = \"allow\"",
        ),
        (
            "Cargo.toml",
            "[lints.rust]\na = \"deny\"\n",
            "[lints.rust]\na = \"warn\"\n",
            "-2 a = \"deny\"",
        ),
        ("Cargo.toml", "[a]\nb = 1\n[lints]\n", "[a]\nb = 1\n", "-3 [lints]"),
        ("tsconfig.json", "\"strict\": true,\n", "\"strict\": false,\n", "+1 \"strict\": false,"),
        ("tsconfig.json", "{\n\"strict\": true,\n", "{\n", "-2 \"strict\": true,"),
        ("mypy.ini", "strict = True\n", "strict = False\n", "+1 strict = False"),
        (
            "pyproject.toml",
            "[tool.ruff.lint]\nselect = [\n\"E\",\n]\n",
            "[tool.ruff.lint]\nselect = [\n]\n",
            "-3 \"E\",",
        ),
        ("setup.cfg", "[tool:pytest]\n", "[tool:pytest]\naddopts = -x\n", "+2 addopts = -x"),
    ] {
        let found = found_in(&super::patch(&[(path, Some(before), Some(after))]));
        let found: Vec<String> = found.iter().map(shown).collect();
        assert!(found.contains(&format!("lint_loosened {path}:{sign}")), "{path}: {found:?}");
    }
    for (path, before, after) in [
        ("Cargo.toml", "a = \"1.0\"\n", "a = \"1.1\"\nb = { path = \"b\" }\n"),
        ("Cargo.toml", "[lints.rust]\na = \"warn\"\n", "[lints.rust]\na = \"deny\"\n"),
        ("Cargo.toml", "[lib]\n", "[lib]\ntest = false\n"),
        ("tsconfig.json", "\"strict\": false,\n", "\"strict\": true,\n"),
        ("tsconfig.json", "\"target\": \"a\"\n", "\"target\": \"b\"\n"),
        ("pyproject.toml", "[project]\nversion = \"1\"\n", "[project]\nversion = \"2\"\n"),
        (
            "pyproject.toml",
            "[tool.setuptools]\nexclude = []\n",
            "[tool.setuptools]\nexclude = [1]\n",
        ),
        ("package.json", "\"jest\": \"1\"\n", "\"jest\": \"2\"\n"),
        ("pom.xml", "<version>1</version>\n", "<version>2</version>\n"),
    ] {
        check(path, before, after, &[]);
    }
}

#[test]
fn a_new_linter_is_no_sign_unless_it_looks_away() {
    check_all(&[("ruff.toml", None, Some("line-length = 100\nselect = [\"E\"]\n"))], &[]);
    check_all(
        &[("ruff.toml", None, Some("line-length = 100\nignore = [\"E\"]\n"))],
        &["lint_loosened ruff.toml:+2 ignore = [\"E\"]"],
    );
}

#[test]
fn tests_that_a_build_leaves_out() {
    for (path, line) in [
        ("pom.xml", "<skipTests>true</skipTests>"),
        ("build.gradle", "exclude '**/*Test.class'"),
        ("Cargo.toml", "autotests = false"),
    ] {
        let expect = format!("test_skipped {path}:+2 {line}");
        check(path, "a\n", &format!("a\n{line}\n"), &[&expect]);
    }
}

#[test]
fn test_files_that_no_runner_finds() {
    let renamed = |from: &str, to: &str| {
        let patch = format!(
            "diff --git a/{from} b/{to}\nsimilarity index 100%\nrename from {from}\nrename to {to}\n"
        );
        found_in(patch.as_bytes()).iter().map(shown).collect::<Vec<_>>()
    };
    for (from, to) in [
        ("tests/test_a.py", "tests/a.py.off"),
        ("src/a.test.ts", "src/a.disabled.ts"),
        ("a_test.go", "a_test.go.bak"),
    ] {
        let expect = format!("test_deleted {from}:-* renamed to {to}, which is no test file");
        assert_eq!(renamed(from, to), [expect]);
    }
    for (from, to) in [
        ("tests/test_a.py", "tests/unit/test_b.py"),
        ("test/helpers.ts", "src/helpers.ts"),
        ("src/a.test.ts", "test/a.ts"),
    ] {
        assert_eq!(renamed(from, to), [""; 0], "{from} {to}");
    }
    check_all(
        &[("spec/a_spec.rb", Some("it 'x'\n"), None)],
        &["test_deleted spec/a_spec.rb:-* file deleted"],
    );
    check_all(&[("lib/a.rb", Some("x\n"), None), ("docs/latest.sh", Some("x\n"), None)], &[]);
}
