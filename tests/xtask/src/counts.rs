//! How many tests passed, failed and were skipped, read from what a test runner printed.

use std::fmt;
use std::ops::AddAssign;

/// Numbers of tests, or of checks that count as one test each.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Ran, and held.
    pub(crate) passed: u64,
    /// Ran and did not hold, or could not be run to the end.
    pub(crate) failed: u64,
    /// Did not run.
    pub(crate) skipped: u64,
}

impl Counts {
    /// Reads the summaries of a log: the one line of cargo-nextest, or the line that each test
    /// binary under `cargo test` ends with. `None` where there is neither, as after a build error.
    pub(crate) fn read(log: &str) -> Option<Self> {
        let mut found = None;
        for counts in log.lines().filter_map(|line| nextest(line).or_else(|| libtest(line))) {
            *found.get_or_insert_default() += counts;
        }
        found
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed, {} skipped", self.passed, self.failed, self.skipped)
    }
}

/// `     Summary [   1.2s] 9 tests run: 7 passed (1 slow), 1 failed, 1 timed out, 3 skipped`
fn nextest(line: &str) -> Option<Counts> {
    let line = line.trim_start().strip_prefix("Summary [")?;
    let (_, numbers) = line.split_once(" run: ")?;
    tally(without_parentheses(numbers).split(','))
}

/// `test result: ok. 7 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.1s`
fn libtest(line: &str) -> Option<Counts> {
    let (_, numbers) = line.strip_prefix("test result: ")?.split_once(". ")?;
    tally(numbers.split(';').filter(|part| !part.trim_start().starts_with("finished in")))
}

/// Adds up parts such as `7 passed`. A way to fail that has a name of its own (`timed out`) is a
/// failure: what is not known to be good is not counted as good.
fn tally<'a>(parts: impl Iterator<Item = &'a str>) -> Option<Counts> {
    let mut counts = Counts::default();
    for part in parts {
        let (number, word) = part.trim().split_once(' ')?;
        let number: u64 = number.parse().ok()?;
        match word.trim() {
            "passed" | "measured" => counts.passed += number,
            "skipped" | "ignored" | "filtered out" => counts.skipped += number,
            _ => counts.failed += number,
        }
    }
    Some(counts)
}

fn without_parentheses(text: &str) -> String {
    let mut depth = 0_usize;
    text.chars()
        .filter(|&c| {
            match c {
                '(' => depth += 1,
                ')' => depth = depth.saturating_sub(1),
                _ => return depth == 0,
            }
            false
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::Counts;

    #[track_caller]
    fn check(log: &str, passed: u64, failed: u64, skipped: u64) {
        assert_eq!(Counts::read(log), Some(Counts { passed, failed, skipped }), "{log}");
    }

    #[test]
    fn the_summary_of_nextest_is_read() {
        check("     Summary [   0.066s] 1 test run: 1 passed, 0 skipped\n", 1, 0, 0);
        check(
            "------------\n     Summary [ 300.1s] 9/12 tests run: 6 passed (1 slow, 2 flaky), \
             1 failed, 1 timed out, 1 exec failed, 3 skipped\n        FAIL [ 0.1s] a b\n",
            6,
            3,
            3,
        );
    }

    #[test]
    fn the_summaries_of_cargo_test_are_added_up() {
        check(
            "running 3 tests\ntest result: ok. 2 passed; 0 failed; 1 ignored; 0 measured; \
             0 filtered out; finished in 0.00s\n\n\
             test result: FAILED. 4 passed; 2 failed; 0 ignored; 0 measured; 5 filtered out; \
             finished in 1.20s\n",
            6,
            2,
            6,
        );
    }

    #[test]
    fn a_log_without_a_summary_has_no_counts() {
        assert_eq!(Counts::read("error[E0425]: cannot find value\n"), None);
        assert_eq!(Counts::read("Summary [ 0.1s] what run: seven passed\n"), None);
    }

    #[test]
    fn counts_read_as_a_runner_prints_them() {
        let counts = Counts { passed: 12, failed: 0, skipped: 2 };
        assert_eq!(counts.to_string(), "12 passed, 0 failed, 2 skipped");
    }
}
