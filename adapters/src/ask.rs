//! Asks a program one thing (its version, whether it is logged in): runs it to its end, in a session
//! of its own, with nothing to read, and leaves nothing of it behind.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use codeloops_event::{BudgetKind, LimitKind, RunId};
use rustix::process::Signal;
use tokio::sync::watch;

use crate::lineage;
use crate::process::{
    Cause, Control, Ended, Grace, Invocation, Leader, Mark, OTHER_REPOSITORY, Output, Streams,
    Supervisor, Times,
};

/// Bytes of each stream that are kept.
const KEPT: usize = 64 * 1024;

/// A program that does not answer has nothing to save.
const GRACE: Grace = Grace {
    stop: Duration::from_millis(500),
    terminate: Duration::from_millis(500),
    settle: Duration::from_millis(50),
    leftovers: Duration::ZERO,
    leak: Duration::from_millis(200),
};

/// What is asked.
#[derive(Debug, Clone)]
pub struct Question {
    /// The file that is run.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<String>,
    /// The folder that it is started in.
    pub dir: PathBuf,
    /// Variables beside our own.
    pub env: BTreeMap<String, String>,
    /// Marks its processes.
    pub run_id: RunId,
    /// How long it may take.
    pub patience: Duration,
}

/// What it printed until it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Its exit code; none where a signal ended it.
    pub code: Option<i32>,
    /// The first 64 KiB on standard output.
    pub stdout: String,
    /// The first 64 KiB on standard error.
    pub stderr: String,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoAnswer {
    /// It could not be started, or not be stood by.
    #[error("it cannot be run: {0}")]
    NotRun(String),
    /// It took too long.
    #[error("it did not answer within {} s", .0.as_secs())]
    Late(Duration),
}

impl Question {
    /// Asks it. Where the future is dropped, the program is ended at once.
    ///
    /// # Errors
    /// [`NoAnswer`].
    pub async fn ask(self) -> Result<Answer, NoAnswer> {
        let not_run = |error: io::Error| NoAnswer::NotRun(error.to_string());
        let (wake, _dropped_with_the_future) = io::pipe().map_err(not_run)?;
        let (_sender, stop) = watch::channel(None);
        let control = Control { stop, wake: wake.into() };
        let task = tokio::task::spawn_blocking(move || self.stand_by(control));
        task.await.unwrap_or_else(|error| Err(NoAnswer::NotRun(error.to_string())))
    }

    fn stand_by(self, control: Control) -> Result<Answer, NoAnswer> {
        let not_run = |error: io::Error| NoAnswer::NotRun(error.to_string());
        let (leader, pipes) =
            Leader::spawn(&self.invocation(), Streams::NoInput).map_err(not_run)?;
        let deadline = Some((self.patience, LimitKind::Total));
        let times = Times { deadline, idle: None, grace: GRACE };
        let mut kept = Kept::default();
        let mark = Mark::Run(self.run_id);
        let supervisor =
            Supervisor::new(leader, pipes, mark, Vec::new(), control, times, &mut kept);
        let ended = supervisor.map_err(not_run)?.run(Signal::TERM);
        kept.answer(ended)
    }

    fn invocation(&self) -> Invocation {
        let set = |(name, value): (&String, &String)| (name.into(), Some(value.into()));
        let mut env: BTreeMap<_, _> = self.env.iter().map(set).collect();
        env.extend(OTHER_REPOSITORY.map(|name| (name.into(), None)));
        env.extend(lineage::marks(&self.run_id).map(|(name, value)| (name.into(), Some(value))));
        Invocation {
            program: self.program.clone().into_os_string(),
            args: self.args.iter().map(Into::into).collect(),
            dir: self.dir.clone(),
            env,
        }
    }
}

/// What it prints, as far as it is kept.
#[derive(Default)]
struct Kept {
    stdout: Vec<u8>,
    stderr: Vec<u8>,
}

impl Kept {
    fn answer(self, ended: Ended) -> Result<Answer, NoAnswer> {
        if let Cause::TimedOut(_, after) = ended.cause {
            return Err(NoAnswer::Late(after));
        }
        let status = ended.status.map_err(|error| NoAnswer::NotRun(error.to_string()))?;
        let [stdout, stderr] =
            [self.stdout, self.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        Ok(Answer { code: status.code(), stdout, stderr })
    }
}

fn keep(kept: &mut Vec<u8>, bytes: &[u8]) {
    let room = KEPT.saturating_sub(kept.len()).min(bytes.len());
    kept.extend_from_slice(&bytes[..room]);
}

impl Output for Kept {
    fn stdout(&mut self, bytes: &[u8]) {
        keep(&mut self.stdout, bytes);
    }

    fn stderr(&mut self, bytes: &[u8]) {
        keep(&mut self.stderr, bytes);
    }

    fn over_budget(&self) -> Option<BudgetKind> {
        None
    }

    fn ended(&mut self) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str, patience: Duration) -> Question {
        Question {
            program: "/bin/sh".into(),
            args: vec!["-c".to_owned(), script.to_owned()],
            dir: "/".into(),
            env: [("GREETING".to_owned(), "hello".to_owned())].into(),
            run_id: "01JEXAMP1ERVN000000000000A".parse().unwrap(),
            patience,
        }
    }

    const LONG: Duration = Duration::from_secs(600);

    #[tokio::test]
    async fn a_program_answers_on_both_streams_with_its_exit_code() {
        let answer = shell("echo $GREETING; cat; pwd >&2; exit 3", LONG).ask().await.unwrap();
        let expected = Answer { code: Some(3), stdout: "hello\n".into(), stderr: "/\n".into() };
        assert_eq!(answer, expected);
    }

    #[tokio::test]
    async fn of_a_program_that_prints_without_end_the_beginning_is_kept() {
        let answer = shell("head -c 1000000 /dev/zero | tr '\\0' x", LONG).ask().await.unwrap();
        assert_eq!(answer.stdout, "x".repeat(KEPT));
    }

    #[tokio::test]
    async fn a_program_that_does_not_answer_is_ended() {
        let error = shell("trap '' TERM; sleep 1000 & wait", Duration::from_millis(50));
        assert_eq!(error.ask().await, Err(NoAnswer::Late(Duration::from_millis(50))));
        let missing = Question { program: "/no/such".into(), ..shell("", LONG) };
        assert!(matches!(missing.ask().await, Err(NoAnswer::NotRun(_))));
    }
}
