//! What is found in Rust.

use super::{check, check_all};

const TESTS: &str = "\
use super::*;

#[test]
fn adds() {
    assert_eq!(add(1, 2), 3);
    assert!(add(0, 0) == 0);
}

#[tokio::test]
async fn subtracts() {
    assert_eq!(sub(1, 2), -1);
}
";

#[test]
fn a_deleted_test() {
    let without = TESTS.split("\n#[tokio").next().unwrap();
    check(
        "src/math/tests.rs",
        TESTS,
        without,
        &["test_deleted src/math/tests.rs:-10 async fn subtracts() {"],
    );
    // However the diff is aligned.
    let without = TESTS.replace(
        "#[test]\nfn adds() {\n    assert_eq!(add(1, 2), 3);\n    assert!(add(0, 0) == 0);\n}\n\n",
        "",
    );
    check("tests/math.rs", TESTS, &without, &["test_deleted tests/math.rs:-4 fn adds() {"]);
    // What is no test any more is not run.
    let unmarked = TESTS.replace("#[test]\n", "");
    check("tests/math.rs", TESTS, &unmarked, &["test_deleted tests/math.rs:-4 fn adds() {"]);
    let commented = TESTS.replace("#[tokio::test]", "// #[tokio::test]");
    check(
        "tests/math.rs",
        TESTS,
        &commented,
        &["test_deleted tests/math.rs:-10 async fn subtracts() {"],
    );
}

#[test]
fn a_deleted_file_is_one_sign() {
    check_all(
        &[("tests/math.rs", Some(TESTS), None)],
        &["test_deleted tests/math.rs:-* file deleted, with 2 tests"],
    );
    check_all(
        &[(
            "tests/common/mod.rs",
            Some("pub fn check() {\n    assert!(true_enough());\n}\n"),
            None,
        )],
        &["test_deleted tests/common/mod.rs:-* file deleted, with 1 assertion"],
    );
    check_all(&[("tests/fixtures/a.json", Some("{}\n"), None)], &[]);
    check(
        "src/lib.rs",
        "pub fn a() {}\n\n#[cfg(test)]\nmod tests;\n",
        "pub fn a() {}\n",
        &["test_deleted src/lib.rs:-4 mod tests;"],
    );
}

#[test]
fn what_moves_or_is_renamed_is_no_sign() {
    check_all(&[("tests/a.rs", Some(TESTS), None), ("tests/b.rs", None, Some(TESTS))], &[]);
    check("tests/a.rs", TESTS, &TESTS.replace("fn adds", "fn adds_two_numbers"), &[]);
    let indented: String = TESTS.lines().map(|line| format!("    {line}\n")).collect();
    let within = format!("fn a() {{}}\n\n#[cfg(test)]\nmod tests {{\n{indented}}}\n");
    check_all(
        &[
            ("src/a.rs", Some(&within), Some("fn a() {}\n\n#[cfg(test)]\nmod tests;\n")),
            ("src/a/tests.rs", None, Some(TESTS)),
        ],
        &[],
    );
    let swapped = format!("{}\n#[test]\nfn other() {{\n    assert!(x);\n}}\n", TESTS);
    check("tests/a.rs", TESTS, &swapped, &[]);
    // Moved and written anew at once.
    let other =
        "#[test]\nfn adds() {\n    assert_eq!(add(1, 2), Some(3));\n    assert!(zero());\n}\n";
    let rest = format!("use super::*;\n{}", TESTS.split_once("}\n").unwrap().1);
    check_all(&[("tests/a.rs", Some(TESTS), Some(&rest)), ("tests/b.rs", None, Some(other))], &[]);
}

#[test]
fn a_removed_assertion() {
    check(
        "tests/a.rs",
        TESTS,
        &TESTS.replace("    assert!(add(0, 0) == 0);\n", ""),
        &["assertion_removed tests/a.rs:-6 assert!(add(0, 0) == 0);"],
    );
    // One that always holds is none.
    check(
        "tests/a.rs",
        TESTS,
        &TESTS.replace("assert_eq!(add(1, 2), 3)", "assert!(true)"),
        &["assertion_removed tests/a.rs:-5 assert_eq!(add(1, 2), 3);"],
    );
    check("tests/a.rs", TESTS, &TESTS.replace("(1, 2), 3)", "(1, 2), 4)"), &[]);
    check("tests/a.rs", TESTS, &TESTS.replace("1, 2), 3)", "1, 2),\n        3,\n    )"), &[]);
    // Product code may assert what it likes.
    check("src/a.rs", "fn a() {\n    assert!(x);\n}\n", "fn a() {\n}\n", &[]);
    let inline = "fn a() {\n    assert!(x);\n}\n\n#[cfg(test)]\nmod tests {\n    #[test]\n    fn b() {\n        assert!(y);\n        z();\n    }\n}\n";
    check("src/a.rs", inline, &inline.replace("    assert!(x);\n", ""), &[]);
    check(
        "src/a.rs",
        inline,
        &inline.replace("        assert!(y);\n", ""),
        &["assertion_removed src/a.rs:-9 assert!(y);"],
    );
}

#[test]
fn a_skipped_test() {
    let skipped = TESTS.replace("#[test]\n", concat!("#[test]\n#[", "ignore = \"slow\"]\n"));
    check(
        "tests/a.rs",
        TESTS,
        &skipped,
        &[concat!("test_skipped tests/a.rs:+4 #[", "ignore = \"slow\"]")],
    );
    check("tests/a.rs", &skipped, TESTS, &[]);
    check(
        "tests/a.rs",
        TESTS,
        &TESTS.replace("#[test]\n", "#[cfg(any())]\n#[test]\n"),
        &["test_skipped tests/a.rs:+3 #[cfg(any())]"],
    );
    check("tests/a.rs", TESTS, &TESTS.replace("use ", "// #[cfg(any())]\nuse "), &[]);
    check(
        "tests/a.rs",
        TESTS,
        &TESTS.replace("#[test]", "#[cfg(any(unix, windows))]\n#[test]"),
        &[],
    );
}

#[test]
fn a_loosened_lint() {
    for line in [
        "#[allow(dead_code)]",
        "#![allow(clippy::all)]",
        "#[expect(unused)]",
        "#[cfg_attr(test, allow(unused))]",
        "#[rustfmt::skip]",
    ] {
        let expect = format!("lint_loosened src/a.rs:+1 {line}");
        check("src/a.rs", "fn a() {}\n", &format!("{line}\nfn a() {{}}\n"), &[&expect]);
    }
    for line in ["// #[allow(dead_code)]", "let a = \"#[allow(dead_code)]\";", "#[derive(Debug)]"] {
        check("src/a.rs", "fn a() {}\n", &format!("{line}\nfn a() {{}}\n"), &[]);
    }
    check("src/a.rs", "#[allow(a, b)]\nfn a() {}\n", "#[allow(a)]\nfn a() {}\n", &[]);
    check_all(&[("vendor/x/src/a.rs", None, Some("#[allow(dead_code)]\nfn a() {}\n"))], &[]);
}
