//! Signs of weakened checks in the diff of a capture.

use std::fs;
use std::sync::Arc;

use codeloops_adapters::git::Options;
use codeloops_adapters::redact::Redactor;
use codeloops_adapters::tamper::{GateCommand, GateFiles, TamperRules, gate_files};
use codeloops_event::{CapturedDiff, DiffSide};

use crate::each_way;
use crate::repo::{RUN, Repo};

const TESTS: &str = "\
def test_adds():
    assert add(1, 2) == 3


def test_subtracts():
    assert sub(1, 2) == -1
";

fn signs(diff: &CapturedDiff) -> Vec<String> {
    let line = |sign: &codeloops_event::Tampering| {
        let side = if sign.side == DiffSide::Added { '+' } else { '-' };
        let line = sign.line.map_or("*".to_owned(), |line| line.to_string());
        format!("{} {}:{side}{line} {}", sign.kind.as_str(), sign.file, sign.text)
    };
    diff.tampering.iter().map(line).collect()
}

/// Makes changes to a repository of Python tests, and compares the signs that a capture tells.
#[track_caller]
fn check(change: impl Fn(&Repo), expect: &[&str]) {
    each_way(|way| {
        let repo = Repo::new(way);
        repo.write("tests/test_math.py", TESTS);
        repo.write("tests/täst_a b.rs", "#[test]\r\nfn a() {\r\n    assert!(x);\r\n}\r\n");
        repo.write("check.sh", "pytest\n");
        repo.chmod("check.sh", 0o755);
        repo.commit("second");
        let command = ["sh", "-c", "./check.sh"].map(str::to_owned);
        let gates = gate_files(&[GateCommand { command: &command, dir: &repo.root }], &repo.root);
        let tamper = Some(Arc::new(TamperRules::new(&[], gates).unwrap()));
        let redactor = Some(Arc::new(Redactor::new(&[], []).unwrap()));
        let options = Options { way, tamper, redactor, ..Options::default() };
        let run = repo.open(&repo.root, RUN, &options).unwrap();
        change(&repo);
        let diff = run.capture(1);
        assert_eq!(signs(&diff), expect, "{}", diff.diff);
        assert_eq!(diff.more_tampering, 0);
    });
}

#[test]
fn weakened_checks_are_found_whatever_git_makes_of_them() {
    check(
        |repo| {
            repo.write("tests/test_math.py", TESTS.replace("    assert sub(1, 2) == -1\n", ""));
            repo.write("tests/täst_a b.rs", "fn a() {\r\n    assert!(x);\r\n}\r\n");
            repo.chmod("check.sh", 0o644);
            repo.write("codeloops.toml", "max_iterations = 1\n");
        },
        &[
            "gate_changed check.sh:+* mode changed from 100755 to 100644",
            "config_changed codeloops.toml:+* file added",
            "assertion_removed tests/test_math.py:-6 assert sub(1, 2) == -1",
            "test_deleted tests/täst_a b.rs:-2 fn a() {",
        ],
    );
    check(
        |repo| {
            fs::remove_dir_all(repo.path("tests")).unwrap();
            repo.write("check.sh", "\0");
        },
        &[
            "gate_changed check.sh:+* binary file changed",
            "test_deleted tests/test_math.py:-* file deleted, with 2 tests",
            "test_deleted tests/täst_a b.rs:-* file deleted, with 1 test",
        ],
    );
    check(
        |repo| fs::rename(repo.path("tests/test_math.py"), repo.path("math.off")).unwrap(),
        &["test_deleted tests/test_math.py:-* renamed to math.off, which is no test file"],
    );
}

#[test]
fn work_that_weakens_nothing_gives_no_sign() {
    check(
        |repo| {
            fs::rename(repo.path("tests/test_math.py"), repo.path("tests/test_sums.py")).unwrap();
            repo.write("tests/test_sums.py", TESTS.replace("== 3", "== 4"));
            repo.write("tests/test_more.py", TESTS);
            repo.write("src/lib.rs", "fn a() {}\n");
            repo.git(&["add", "-A"]);
            repo.git(&["commit", "-qm", "work"]);
        },
        &[],
    );
    check(
        |repo| {
            // Two files of one.
            let (first, second) = TESTS.split_once("\n\n\n").unwrap();
            repo.remove("tests/test_math.py");
            repo.write("tests/test_add.py", format!("{first}\n"));
            repo.write("tests/test_sub.py", format!("import x\n\n{}", second.replace("-1", "-2")));
        },
        &[],
    );
}

#[test]
fn a_large_diff_is_looked_through_and_nobody_looks_unasked() {
    let repo = Repo::new(codeloops_adapters::git::Way::Auto);
    let rules = TamperRules::new(&[], GateFiles::default()).unwrap();
    let options = Options { tamper: Some(Arc::new(rules)), ..Options::default() };
    let run = repo.open(&repo.root, RUN, &options).unwrap();
    repo.write("a.rs", "fn a() {}\n".repeat(1_000_000) + "#[allow(unused)]\n");
    assert_eq!(signs(&run.capture(1)), ["lint_loosened a.rs:+1000001 #[allow(unused)]"]);
    drop(run);
    let run = repo.begin();
    repo.write("b.rs", "#[allow(unused)]\n");
    assert_eq!(signs(&run.capture(1)), [""; 0]);
}
