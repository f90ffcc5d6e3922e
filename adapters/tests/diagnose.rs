//! What is read out of recordings of real tools, which `diagnose/<tool>/` holds: `red` ones as
//! snapshots, `green` ones, where nothing failed, and `silent` ones, which are not understood, give
//! nothing. The file that reads a tool's output names the version that was recorded.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use codeloops_adapters::diagnose::{Diagnosis, Hints, of_gate, read, read_report};
use codeloops_event::{Failure, FailureCategory, MAX_FAILURES};
use proptest::prelude::*;

fn hints() -> Hints {
    Hints { working_dir: PathBuf::from("/home/ada/project") }
}

fn diagnosis(mut output: &[u8]) -> Diagnosis {
    read(&mut output, &hints()).unwrap()
}

fn recordings() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/diagnose");
    let below = |folder: &Path| {
        let mut entries: Vec<PathBuf> =
            fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        entries.sort();
        entries
    };
    below(&root).iter().flat_map(|tool| below(tool)).collect()
}

fn diagnosis_of(recording: &Path) -> Diagnosis {
    let bytes = fs::read(recording).unwrap();
    if recording.extension().unwrap() == "xml" {
        read_report(&mut bytes.as_slice(), &hints()).unwrap()
    } else {
        diagnosis(&bytes)
    }
}

/// One line per failure: `category file:line:column [code] message`.
fn shown(diagnosis: &Diagnosis) -> String {
    let mut text = String::new();
    for failure in &diagnosis.failures {
        let Failure { category, file, line, column, code, message } = failure;
        write!(text, "  {}", category.as_str()).unwrap();
        let place = [line, column].into_iter().flatten().map(|number| format!(":{number}"));
        let place: String = file.iter().cloned().chain(place).collect();
        if !place.is_empty() {
            write!(text, " {place}").unwrap();
        }
        if let Some(code) = code {
            write!(text, " [{code}]").unwrap();
        }
        writeln!(text, " {message}").unwrap();
    }
    text
}

#[test]
fn recordings_of_failures_are_read() {
    let mut tools: Vec<(String, String)> = Vec::new();
    for recording in recordings() {
        let tool = recording.parent().unwrap().file_name().unwrap().to_str().unwrap().to_owned();
        let case = recording.file_name().unwrap().to_str().unwrap();
        if case.starts_with("green") || case.starts_with("silent") {
            continue;
        }
        let text = format!("{case}\n{}\n", shown(&diagnosis_of(&recording)));
        match tools.last_mut() {
            Some((last, all)) if *last == tool => all.push_str(&text),
            _ => tools.push((tool, text)),
        }
    }
    for (tool, text) in tools {
        insta::assert_snapshot!(tool, text);
    }
}

#[test]
fn recordings_without_failures_give_none() {
    for recording in recordings() {
        let case = recording.file_name().unwrap().to_str().unwrap();
        if case.starts_with("green") || case.starts_with("silent") {
            let diagnosis = diagnosis_of(&recording);
            assert_eq!(diagnosis, Diagnosis::default(), "{}", recording.display());
        }
    }
}

#[test]
fn a_flood_is_counted_and_the_list_stays_short() {
    let mut output = String::new();
    for n in 0..1000 {
        writeln!(output, "src/f{n}.c:1:2: error: no").unwrap();
    }
    let diagnosis = diagnosis(output.as_bytes());
    assert_eq!((diagnosis.failures.len(), diagnosis.more), (MAX_FAILURES, 900));
}

#[test]
fn a_failure_that_is_printed_twice_counts_once() {
    let line = "src/a.c:1:2: error: no such thing\n";
    assert_eq!(diagnosis(line.repeat(3).as_bytes()).failures.len(), 1);
}

#[test]
fn windows_line_ends_and_overwritten_lines_are_read() {
    let output = b"[1/2] compiling\r[2/2] linking\rsrc/a.c:1:2: error: no\r\nnext\r\n";
    assert_eq!(shown(&diagnosis(output)), "  build src/a.c:1:2 no\n");
}

/// What programs print beside the reports of tools.
#[test]
fn what_only_looks_like_a_failure_gives_none() {
    for line in [
        "error: something went wrong",
        "ERROR: connection refused",
        "2024-01-02 03:04:05: error: retrying",
        "main.go:23: error: printed by a logger",
        "main.go:23:4: printed by a logger",
        "test result: ok. 3 passed; 0 failed; 0 ignored",
        "0 failed, 12 passed in 0.10s",
        "FAILED tests/a.py::test_b - printed",
        "FAIL src/a.test.ts",
        "not ok",
        "E   assert 3 == 4",
        "  1) adds",
        "[warn] src/a.js",
        "[ERROR] something",
        "{\"reason\":\"compiler-message\"}",
        "{\"file\": 3}",
        "thread 'main' panicked",
        "Error: no such thing\n    at src/a.js:1:2\nall well",
        "Diff in src/a.txt:3:",
        "  3:4  error  printed  rule",
        "a.py:3: in test_b",
        "make: Nothing to be done for 'all'.",
        "  ● add › adds",
        "--- FAIL: TestA (0.00s)",
        "http://localhost:8080: error: no",
        "# comment\nsrc/a.go: 1",
    ] {
        assert_eq!(shown(&diagnosis(line.as_bytes())), "", "{line}");
    }
}

/// A test that fails may print the reports of a compiler: they are not failures of their own.
#[test]
fn within_the_report_of_a_test_nothing_else_is_a_failure() {
    let output = "     Running tests/it.rs (target/debug/deps/it-0123456789abcdef)\n\
        test compiles ... FAILED\n\nfailures:\n\n---- compiles stdout ----\n\
        error[E0308]: mismatched types\n --> src/a.rs:1:2\n  |\n\n\
        src/a.c:3:4: error: printed\n{\"filePath\":\n\
        thread 'compiles' (12) panicked at tests/it.rs:5:6:\nit does not compile\n\n\n\
        failures:\n    compiles\n\n\
        test result: FAILED. 0 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out\n\n\
        src/b.c:3:4: error: after it\n";
    assert_eq!(
        shown(&diagnosis(output.as_bytes())),
        "  test tests/it.rs:5:6 [it::compiles] it does not compile\n  build src/b.c:3:4 after it\n"
    );
}

#[test]
fn a_test_that_passes_when_tried_again_did_not_fail() {
    let output = "    TRY 1 FAIL [   0.009s] (1/2) adder tests::flaky\n  stdout ───\n\n    \
        thread 'tests::flaky' (3) panicked at src/lib.rs:1:2:\n    no\n\n\
        \x20   TRY 2 PASS [   0.009s] (1/2) adder tests::flaky\n\
        ────────────\n     Summary [   0.267s] 1 test run: 1 passed (1 flaky)\n\
        \x20  FLAKY 2/2 [   0.009s] (1/2) adder tests::flaky\n";
    assert_eq!(shown(&diagnosis(output.as_bytes())), "");
}

/// The same failures are the same in another run, whatever else was edited.
#[test]
fn another_run_gives_the_same_identities() {
    let run = |line: u32, seconds: &str, address: &str| {
        let output = format!(
            "x_test.go:{line}: log\n--- FAIL: TestA ({seconds}s)\n    x_test.go:{line}: at {address}\n\
             FAIL\texample.org/x\t{seconds}s\nsrc/a.c:{line}:3: error: no such {line}\n"
        );
        let failures = diagnosis(output.as_bytes()).failures;
        failures.iter().map(Failure::identity).collect::<Vec<_>>()
    };
    assert_eq!(run(3, "0.00", "0xc000098680"), run(1234, "12.5", "0xc0000aa"));
    assert_eq!(run(3, "0.00", "0xc000098680").len(), 2);
}

/// As the documentation of Surefire, Maven's compiler and Gradle shows it.
#[test]
fn java_builds_are_read() {
    let output = "[INFO] Running a.AdderTest\n\
        [ERROR] Tests run: 2, Failures: 1, Errors: 0, Skipped: 0, Time elapsed: 0.03 s <<< FAILURE! -- in a.AdderTest\n\
        [ERROR] a.AdderTest.adds -- Time elapsed: 0.01 s <<< FAILURE!\n\
        org.opentest4j.AssertionFailedError: expected: <4> but was: <3>\n\
        \tat org.junit.jupiter.api.AssertionUtils.fail(AssertionUtils.java:55)\n\
        \tat a.AdderTest.adds(AdderTest.java:6)\n\n\
        [ERROR] old(a.AdderTest)  Time elapsed: 0.01 s  <<< ERROR!\n\
        java.lang.IllegalStateException: no\n\n\
        [ERROR] /home/ada/project/src/A.java:[3,22] incompatible types\n\
        [ERROR] Failed to execute goal x\n\
        e: file:///home/ada/project/src/B.kt:3:4 Unresolved reference: x\n\
        > Task :test FAILED\n\
        AdderTest > subtracts() FAILED\n    \
        org.opentest4j.AssertionFailedError at AdderTest.java:12\n\n\
        2 tests completed, 1 failed\n";
    insta::assert_snapshot!("java", shown(&diagnosis(output.as_bytes())));
}

/// A test that prints as it goes has its `FAILED` apart from its name.
#[test]
fn tests_that_only_the_list_names_are_read() {
    let output = "     Running unittests src/lib.rs (target/debug/deps/adder-0123456789abcdef)\n\n\
        running 1 test\ntest tests::adds ... printed\nFAILED\n\nfailures:\n\n\
        failures:\n    tests::adds\n\n\
        test result: FAILED. 0 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out\n";
    assert_eq!(shown(&diagnosis(output.as_bytes())), "  test [adder::tests::adds] failed\n");
}

/// A gate's evidence in a folder: its log, and an artifact.
fn evidence(log: &[u8], report: &[u8]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir_all(dir.path().join("artifacts/reports")).unwrap();
    fs::write(dir.path().join("output.log"), log).unwrap();
    fs::write(dir.path().join("artifacts/reports/junit.xml"), report).unwrap();
    dir
}

fn diagnosis_of_gate(dir: &Path) -> Diagnosis {
    of_gate(&dir.join("output.log"), &dir.join("artifacts"), &hints())
}

fn recording(name: &str) -> Vec<u8> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/diagnose");
    fs::read(root.join(name)).unwrap()
}

#[test]
fn a_test_in_the_log_and_in_a_report_counts_once() {
    for tool in ["pytest", "vitest", "nextest"] {
        let log = recording(&format!("{tool}/red.txt"));
        let dir = evidence(&log, &recording(&format!("{tool}/junit.xml")));
        assert_eq!(diagnosis_of_gate(dir.path()), diagnosis(&log), "{tool}");
    }
}

#[test]
fn a_report_tells_what_the_log_does_not() {
    let xml = recording("pytest/junit.xml");
    let dir = evidence(b"src/a.c:1:2: error: no\n", &xml);
    let diagnosis = diagnosis_of_gate(dir.path());
    let kinds: Vec<FailureCategory> =
        diagnosis.failures.iter().map(|failure| failure.category).collect();
    assert_eq!(kinds[0], FailureCategory::Build);
    assert_eq!(kinds[1..], [FailureCategory::Test; 7]);
}

#[test]
fn a_report_behind_a_link_and_a_missing_log_give_none() {
    let dir = evidence(b"", b"");
    let artifacts = dir.path().join("artifacts");
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("junit.xml"), recording("pytest/junit.xml")).unwrap();
    std::os::unix::fs::symlink(outside.path().join("junit.xml"), artifacts.join("a.xml")).unwrap();
    std::os::unix::fs::symlink(outside.path(), artifacts.join("folder")).unwrap();
    fs::remove_file(dir.path().join("output.log")).unwrap();
    assert_eq!(diagnosis_of_gate(dir.path()), Diagnosis::default());
}

#[test]
fn a_document_type_is_not_expanded() {
    let xml = "<!DOCTYPE t [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;\">\
        <!ENTITY f SYSTEM \"file:///etc/passwd\">]>\
        <testsuite><testcase name=\"one\"><failure message=\"x\">&b;&f;</failure></testcase>\
        <testcase name=\"two\"><failure>&b;&f; said</failure></testcase></testsuite>";
    let diagnosis = read_report(&mut xml.as_bytes(), &hints()).unwrap();
    assert_eq!(shown(&diagnosis), "  test [one] x\n  test [two] said\n");
}

/// All that was recorded.
fn all() -> &'static [Vec<u8>] {
    static ALL: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
    ALL.get_or_init(|| recordings().iter().map(|path| fs::read(path).unwrap()).collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_bytes_are_read(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        let log = diagnosis(&bytes);
        let report = read_report(&mut bytes.as_slice(), &hints()).unwrap();
        prop_assert!(log.failures.len() <= MAX_FAILURES && report.failures.len() <= MAX_FAILURES);
    }

    /// Lines of all tools in any order.
    #[test]
    fn any_mixture_of_lines_is_read(seeds in prop::collection::vec(any::<prop::sample::Index>(), 0..300)) {
        let lines: Vec<&[u8]> = all().iter().flat_map(|text| text.split(|b| *b == b'\n')).collect();
        let mixed: Vec<&[u8]> = seeds.iter().map(|seed| *seed.get(&lines)).collect();
        let diagnosis = diagnosis(&mixed.join(&b'\n'));
        for failure in diagnosis.failures {
            prop_assert!(failure.message.len() <= 300 && !failure.message.is_empty());
            prop_assert!(failure.line != Some(0));
        }
    }

    /// What is cut off may be told as if it were whole, and one more than that is the one at the cut.
    #[test]
    fn a_recording_that_breaks_off_has_no_more_failures(at in any::<prop::sample::Index>()) {
        for bytes in all().iter().filter(|bytes| !bytes.is_empty()) {
            let whole = diagnosis(bytes).failures.len();
            let cut = diagnosis(&bytes[..at.index(bytes.len())]).failures.len();
            prop_assert!(cut <= whole + 1, "{cut} of {whole}: {}", String::from_utf8_lossy(bytes));
        }
    }
}
