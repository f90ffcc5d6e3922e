//! One check of `cargo xtask test`: what it runs, how it ended, and the line that tells it.

use std::fmt;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::counts::Counts;

/// Lines of a failing step's log that are shown.
const TAIL_LINES: usize = 80;

/// How one step ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Status {
    /// It held.
    Pass,
    /// It did not; the reason, where the log does not say it.
    Fail(String),
    /// It could not be tried here, and why.
    Skipped(String),
}

/// Whether a machine on which everything is meant to run may go without the step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    /// Under `CI=true` a skipped step is a failure.
    Required,
    /// Its tool would have to be compiled for minutes first.
    Optional,
}

/// A step that is over.
#[derive(Debug)]
pub(crate) struct Outcome {
    name: &'static str,
    status: Status,
    counts: Option<Counts>,
    took: Duration,
    log: Option<PathBuf>,
}

impl Outcome {
    /// A step that ran no program worth a log.
    pub(crate) fn without_log(name: &'static str, status: Status, since: Instant) -> Self {
        Self { name, status, counts: None, took: since.elapsed(), log: None }
    }

    /// Runs a program with its output going to `<logs>/<name>.log`.
    pub(crate) fn of_command(name: &'static str, mut command: Command, logs: &Path) -> Self {
        let since = Instant::now();
        eprintln!("running {}", shown(&command));
        let log = logs.join(format!("{}.log", name.replace(' ', "-")));
        let status = run_logged(&mut command, &log)
            .unwrap_or_else(|error| Status::Fail(format!("{} failed: {error}", shown(&command))));
        let counts = std::fs::read(&log)
            .ok()
            .and_then(|bytes| Counts::read(&String::from_utf8_lossy(&bytes)));
        Self { name, status, counts, took: since.elapsed(), log: Some(log) }
    }

    /// The same step, with what came before its program counted in.
    pub(crate) fn since(mut self, since: Instant) -> Self {
        self.took = since.elapsed();
        self
    }

    /// A step whose tests cannot be run, with the log where that is a failure.
    pub(crate) fn not_installed(
        name: &'static str,
        status: Status,
        since: Instant,
        log: PathBuf,
    ) -> Self {
        let log = matches!(status, Status::Fail(_)).then_some(log);
        Self { log, ..Self::without_log(name, status, since) }
    }

    /// Turns a skipped step that was needed into a failed one.
    pub(crate) fn judged(mut self, need: Need, on_ci: bool) -> Self {
        if let (Status::Skipped(why), Need::Required, true) = (&self.status, need, on_ci) {
            self.status = Status::Fail(format!("skipped, which CI does not allow: {why}"));
        }
        self
    }

    /// Whether it failed.
    pub(crate) const fn failed(&self) -> bool {
        matches!(self.status, Status::Fail(_))
    }

    /// Its tests where it told their number, else itself as one. A step that failed although no
    /// test of it did (a build error, a crash of the runner) is one failure more.
    pub(crate) fn counts(&self) -> Counts {
        let mut counts = self.counts.unwrap_or_default();
        match self.status {
            Status::Pass if self.counts.is_none() => counts.passed += 1,
            Status::Fail(_) if counts.failed == 0 => counts.failed += 1,
            Status::Skipped(_) => counts.skipped += 1,
            Status::Pass | Status::Fail(_) => {}
        }
        counts
    }

    /// The end of the log, for a failed step.
    pub(crate) fn tail(&self) -> Option<String> {
        let log = self.log.as_ref()?;
        let text = String::from_utf8_lossy(&std::fs::read(log).ok()?).into_owned();
        let lines: Vec<&str> = text.lines().collect();
        let shown = &lines[lines.len().saturating_sub(TAIL_LINES)..];
        Some(format!("{}\nthe whole log: {}", shown.join("\n"), log.display()))
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (word, why) = match &self.status {
            Status::Pass => ("PASS", ""),
            Status::Fail(why) => ("FAIL", why.as_str()),
            Status::Skipped(why) => ("SKIPPED", why.as_str()),
        };
        write!(f, "{word:<8}{:<12}{:>7.1}s", self.name, self.took.as_secs_f64())?;
        if let Some(counts) = self.counts {
            write!(f, "  {counts}")?;
        }
        if !why.is_empty() {
            write!(f, "  {why}")?;
        }
        Ok(())
    }
}

/// The command as one would type it.
fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
}

fn run_logged(command: &mut Command, log: &Path) -> io::Result<Status> {
    let stdout = File::create(log)?;
    let stderr = stdout.try_clone()?;
    let ended = command.stdin(Stdio::null()).stdout(stdout).stderr(stderr).status()?;
    Ok(if ended.success() { Status::Pass } else { Status::Fail(ended.to_string()) })
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::{Counts, Need, Outcome, Status};

    fn outcome(status: Status, counts: Option<Counts>) -> Outcome {
        Outcome { counts, ..Outcome::without_log("step", status, Instant::now()) }
    }

    #[test]
    fn ci_refuses_to_skip_what_is_required() {
        let skipped = || outcome(Status::Skipped("no `jq`".to_owned()), None);
        assert!(skipped().judged(Need::Required, true).failed());
        assert!(!skipped().judged(Need::Required, false).failed());
        assert!(!skipped().judged(Need::Optional, true).failed());
    }

    #[test]
    fn a_step_counts_its_tests_or_itself() {
        let fail = || Status::Fail("exit status: 1".to_owned());
        let tests = |passed, failed| Counts { passed, failed, skipped: 0 };
        assert_eq!(outcome(Status::Pass, None).counts(), tests(1, 0));
        assert_eq!(outcome(Status::Pass, Some(tests(7, 0))).counts(), tests(7, 0));
        assert_eq!(outcome(fail(), Some(tests(7, 2))).counts(), tests(7, 2));
        assert_eq!(outcome(fail(), None).counts(), tests(0, 1));
        assert_eq!(outcome(fail(), Some(tests(7, 0))).counts(), tests(7, 1));
    }
}
