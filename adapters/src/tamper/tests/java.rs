//! What is found in Java.

use super::{check, check_all};

const PATH: &str = "src/test/java/org/example/AddTest.java";

const TESTS: &str = "\
class AddTest {
    @Test
    @DisplayName(\"adds (two)\")
    void adds() {
        assertEquals(3, Add.add(1, 2));
        assertThat(Add.add(0, 0)).isZero();
    }

    @ParameterizedTest
    public void subtracts(int a) throws Exception {
        verify(mock).called();
    }
}
";

#[test]
fn deleted_tests() {
    let kept = format!("{}}}\n", TESTS.split("\n    @Parameter").next().unwrap());
    let expect =
        format!("test_deleted {PATH}:-10 public void subtracts(int a) throws Exception {{");
    check(PATH, TESTS, &kept, &[&expect]);
    let expect = format!("test_deleted {PATH}:-4 void adds() {{");
    check(PATH, TESTS, &TESTS.replace("    @Test\n", ""), &[&expect]);
    let expect = format!("test_deleted {PATH}:-* file deleted, with 2 tests");
    check_all(&[(PATH, Some(TESTS), None)], &[&expect]);
    check_all(&[(PATH, Some(TESTS), None), ("src/test/java/BTest.java", None, Some(TESTS))], &[]);
}

#[test]
fn skipped_tests_and_removed_assertions() {
    let expect = format!("test_skipped {PATH}:+2 @Disabled(\"later\")");
    check(
        PATH,
        TESTS,
        &TESTS.replace("    @Test", "    @Disabled(\"later\")\n    @Test"),
        &[&expect],
    );
    let expect = format!("test_skipped {PATH}:+2 @Ignore");
    check(PATH, TESTS, &TESTS.replace("    @Test", "    @Ignore\n    @Test"), &[&expect]);
    let expect = format!("assertion_removed {PATH}:-6 assertThat(Add.add(0, 0)).isZero();");
    check(
        PATH,
        TESTS,
        &TESTS.replace("        assertThat(Add.add(0, 0)).isZero();\n", ""),
        &[&expect],
    );
    check(
        PATH,
        TESTS,
        &TESTS.replace("assertEquals(3, Add.add(1, 2))", "assertThat(3).isOne()"),
        &[],
    );
}

#[test]
fn suppressed_findings() {
    for line in ["@SuppressWarnings(\"unchecked\")", "int a = f(); // NOSONAR"] {
        let expect = format!("lint_loosened src/main/java/A.java:+1 {line}");
        check("src/main/java/A.java", "int b;\n", &format!("{line}\nint b;\n"), &[&expect]);
    }
}
