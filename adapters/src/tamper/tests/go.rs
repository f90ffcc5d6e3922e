//! What is found in Go.

use super::{check, check_all};

const TESTS: &str = "\
package add

func TestAdd(t *testing.T) {
\tif Add(1, 2) != 3 {
\t\tt.Fatalf(\"wrong\")
\t}
\trequire.Equal(t, 0, Add(0, 0))
}

func TestSub(t *testing.T) {
\tassert.Equal(t, -1, Sub(1, 2))
}
";

#[test]
fn deleted_tests() {
    let kept = TESTS.split("\nfunc TestSub").next().unwrap();
    check(
        "add_test.go",
        TESTS,
        kept,
        &["test_deleted add_test.go:-10 func TestSub(t *testing.T) {"],
    );
    check_all(
        &[("add_test.go", Some(TESTS), None)],
        &["test_deleted add_test.go:-* file deleted, with 2 tests"],
    );
    check_all(&[("add_test.go", Some(TESTS), None), ("math_test.go", None, Some(TESTS))], &[]);
    check("add.go", "func TestTube() {}\nvar a = 1\n", "var a = 1\n", &[]);
}

#[test]
fn skipped_tests_and_removed_assertions() {
    check(
        "add_test.go",
        TESTS,
        &TESTS.replace("\tif Add", "\tt.Skip(\"later\")\n\tif Add"),
        &["test_skipped add_test.go:+4 t.Skip(\"later\")"],
    );
    check(
        "add_test.go",
        TESTS,
        &format!("//go:build ignore\n\n{TESTS}"),
        &["test_skipped add_test.go:+1 //go:build ignore"],
    );
    check(
        "add_test.go",
        TESTS,
        &TESTS.replace("\trequire.Equal(t, 0, Add(0, 0))\n", ""),
        &["assertion_removed add_test.go:-7 require.Equal(t, 0, Add(0, 0))"],
    );
    check(
        "add_test.go",
        TESTS,
        &TESTS.replace("require.Equal(t, 0", "require.EqualValues(t, 0"),
        &[],
    );
}

#[test]
fn suppressed_findings() {
    for line in ["var a = f() //nolint:errcheck", "//lint:ignore U1000 x", "// #nosec G101"] {
        let expect = format!("lint_loosened add.go:+1 {line}");
        check("add.go", "var b = 1\n", &format!("{line}\nvar b = 1\n"), &[&expect]);
    }
    check("add.go", "var a = f() //nolint\n", "var a = g() //nolint\n", &[]);
}
