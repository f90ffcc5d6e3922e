//! What is found in Python.

use super::{check, check_all};

const TESTS: &str = "\
import pytest
from app import add


def test_adds():
    assert add(1, 2) == 3
    assert add(0, 0) == 0


class TestMore:
    def test_raises(self):
        with pytest.raises(ValueError):
            add(None, 1)
";

#[test]
fn deleted_tests() {
    check(
        "tests/test_app.py",
        TESTS,
        TESTS.split("\n\nclass").next().unwrap(),
        &["test_deleted tests/test_app.py:-11 def test_raises(self):"],
    );
    check_all(
        &[("test_app.py", Some(TESTS), None)],
        &["test_deleted test_app.py:-* file deleted, with 2 tests"],
    );
    // A file with the same tests by another name, and one of them written anew.
    let moved = TESTS.replace("== 3", "== 4").replace("TestMore", "TestAll");
    check_all(&[("test_app.py", Some(TESTS), None), ("tests/test_b.py", None, Some(&moved))], &[]);
    // One of two is gone.
    check_all(
        &[
            ("test_app.py", Some(TESTS), None),
            (
                "tests/test_b.py",
                None,
                Some("def test_raises():\n    with pytest.raises(E):\n        x()\n"),
            ),
        ],
        &["test_deleted test_app.py:-5 def test_adds():"],
    );
    check("app.py", "def test_connection():\n    assert x\n", "x = 1\n", &[]);
}

#[test]
fn skipped_tests() {
    for line in [
        "@pytest.mark.skip",
        "@pytest.mark.skipif(True, reason='x')",
        "@pytest.mark.xfail(strict=False)",
        "@unittest.skip('later')",
        "pytestmark = pytest.mark.skip",
        "pytest.skip('x', allow_module_level=True)",
        "collect_ignore = ['a.py']",
    ] {
        let expect = format!("test_skipped tests/test_app.py:+4 {line}");
        let after = TESTS.replace("\n\ndef test_adds", &format!("\n{line}\n\ndef test_adds"));
        check("tests/test_app.py", TESTS, &after, &[&expect]);
    }
    for line in ["# pytest.skip('x')", "@pytest.mark.parametrize('a', [1])", "skipped = 1"] {
        let after = TESTS.replace("\n\ndef test_adds", &format!("\n{line}\n\ndef test_adds"));
        check("tests/test_app.py", TESTS, &after, &[]);
    }
}

#[test]
fn removed_assertions() {
    check(
        "tests/test_app.py",
        TESTS,
        &TESTS.replace("    assert add(0, 0) == 0\n", "    add(0, 0)\n"),
        &["assertion_removed tests/test_app.py:-7 assert add(0, 0) == 0"],
    );
    check(
        "tests/test_app.py",
        TESTS,
        &TESTS.replace("assert add(0, 0) == 0", "assert True"),
        &["assertion_removed tests/test_app.py:-7 assert add(0, 0) == 0"],
    );
    check("tests/test_app.py", TESTS, &TESTS.replace("== 3", "== 3, 'sum'"), &[]);
    check("tests/test_app.py", TESTS, &TESTS.replace("    assert", "        assert"), &[]);
    check("app.py", "assert a\nb = 1\n", "b = 1\n", &[]);
}

#[test]
fn suppressed_findings() {
    for line in [
        "import x # noqa: F401",
        "x: int = f() # type: ignore[assignment]",
        "# pylint: disable=all",
        "# pyright: basic",
        "# mypy: ignore-errors",
        "x = 1 # pragma: no cover",
        "eval(x) # nosec",
        "# fmt: off",
    ] {
        let expect = format!("lint_loosened app.py:+1 {line}");
        check("app.py", "y = 1\n", &format!("{line}\ny = 1\n"), &[&expect]);
    }
    check("app.py", "import x  # noqa\n", "import x, y  # noqa\n", &[]);
    check("app.py", "x: int = f()  # type: ignore\n", "x: int = g()  # type: ignore[misc]\n", &[]);
    check("app.py", "y = 1\n", "# the type is ignored\ny = 1\n", &[]);
}
