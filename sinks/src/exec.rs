//! A program that gets every fact and decision as a JSON line on its standard input.
//!
//! How a program is started and ended is not known here: that is a port ([`Program`]).

use std::io::{self, Write};

use codeloops_event::{Class, Event};

use crate::json;
use crate::outbox::Outbox;
use crate::sink::{Sink, SinkError};
use crate::text::headline;

/// A program that runs. What is written goes to its standard input; a write waits for it to read.
pub trait Program: Write + Send {
    /// Closes its standard input, and waits until it has ended, by itself or because it was made to.
    fn end(&mut self) -> ProgramEnd;
}

/// What came of a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProgramEnd {
    /// How it ended.
    pub how: HowEnded,
    /// The last line on its standard error, as it was.
    pub last_words: Option<String>,
}

/// How a program ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HowEnded {
    /// By itself, with this exit code.
    Exited(i32),
    /// By this signal, which somebody else sent.
    Signalled(i32),
    /// It did not end by itself in time, and was ended.
    OutOfTime,
    /// Nobody knows; the system's words.
    Unknown(String),
}

/// Starts the program, once there is something to tell it.
pub type StartProgram = Box<dyn FnOnce() -> io::Result<Box<dyn Program>> + Send>;

/// Columns of a program's last words that are told.
const LAST_WORDS: usize = 200;

/// Feeds a program the lines of the session file; no chatter. It is started with the first event, and
/// never again.
pub struct ExecSink {
    name: String,
    state: State,
}

enum State {
    NotStarted(StartProgram),
    Running(Outbox<Box<dyn Program>>),
    Over,
}

impl ExecSink {
    /// A sink that feeds the program that `start` gives.
    pub fn new(name: impl Into<String>, start: StartProgram) -> Self {
        Self { name: name.into(), state: State::NotStarted(start) }
    }

    /// The program, started if it was not.
    fn running(&mut self) -> Result<&mut Outbox<Box<dyn Program>>, SinkError> {
        if let State::NotStarted(_) = self.state {
            let State::NotStarted(start) = std::mem::replace(&mut self.state, State::Over) else {
                return Err(over());
            };
            let program = start().map_err(|error| {
                SinkError::Permanent(format!("it could not be started: {error}"))
            })?;
            self.state = State::Running(Outbox::new(program));
        }
        match &mut self.state {
            State::Running(outbox) => Ok(outbox),
            State::NotStarted(_) | State::Over => Err(over()),
        }
    }

    /// Ends the program; says how it ended.
    fn end(&mut self) -> Option<ProgramEnd> {
        match std::mem::replace(&mut self.state, State::Over) {
            State::Running(mut outbox) => Some(outbox.writer().end()),
            State::NotStarted(_) | State::Over => None,
        }
    }

    /// Why no more can be written.
    fn broken(&mut self, error: &io::Error) -> SinkError {
        match self.end() {
            Some(end) if end.how == HowEnded::Exited(0) => {
                SinkError::Enough("it ended before the run did, without an error".to_owned())
            }
            Some(end) => SinkError::Permanent(end.to_string()),
            None => SinkError::write("its standard input", error),
        }
    }
}

fn over() -> SinkError {
    SinkError::Permanent("it is over".to_owned())
}

impl std::fmt::Display for ProgramEnd {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.how {
            HowEnded::Exited(code) => write!(f, "it ended with exit code {code}")?,
            HowEnded::Signalled(signal) => write!(f, "signal {signal} ended it")?,
            HowEnded::OutOfTime => {
                f.write_str("it did not end in time by itself, and was ended")?;
            }
            HowEnded::Unknown(why) => write!(f, "nobody knows how it ended: {why}")?,
        }
        let words = self.last_words.as_deref().map(|words| headline(words, LAST_WORDS));
        match words.filter(|words| !words.is_empty()) {
            Some(words) => write!(f, ": {words}"),
            None => Ok(()),
        }
    }
}

impl Sink for ExecSink {
    fn name(&self) -> &str {
        &self.name
    }

    fn wants_chatter(&self) -> bool {
        false
    }

    fn accept(&mut self, event: &Event) -> Result<(), SinkError> {
        if event.class() == Class::Chatter {
            return Ok(());
        }
        let outbox = self.running()?;
        if outbox.is_empty() {
            let mut line = json::line(event);
            line.push('\n');
            outbox.push(line.as_bytes());
        }
        outbox.send().map_err(|error| self.broken(&error))
    }

    fn finish(&mut self) -> Result<(), SinkError> {
        match self.end() {
            Some(end) if end.how != HowEnded::Exited(0) => {
                Err(SinkError::Permanent(end.to_string()))
            }
            Some(_) | None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;
    use crate::testing::{FakeProgram, exec};

    fn fed(program: &FakeProgram, sink: &mut ExecSink) -> Result<(), SinkError> {
        for event in samples::first_session().iter().chain(&[samples::actor_output("chatter")]) {
            sink.accept(event)?;
        }
        sink.finish()?;
        assert!(program.is_over());
        Ok(())
    }

    #[test]
    fn a_program_gets_a_line_for_each_fact_and_decision_and_then_the_end() {
        let program = FakeProgram::new(HowEnded::Exited(0));
        assert_eq!(fed(&program, &mut exec(&program)), Ok(()));
        let text = String::from_utf8(program.read()).unwrap();
        let read: Vec<Event> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(read, samples::first_session());
    }

    #[test]
    fn how_a_program_ended_is_told_with_its_last_words() {
        let told = |how: HowEnded, words: Option<&str>| {
            let program = FakeProgram::new(how).saying(words);
            fed(&program, &mut exec(&program)).unwrap_err().to_string()
        };
        let all = [
            told(HowEnded::Exited(5), Some("jq: error: \u{1b}[31mCannot index\u{7} number")),
            told(HowEnded::Signalled(9), None),
            told(HowEnded::OutOfTime, Some("")),
            told(HowEnded::Unknown("no child".to_owned()), Some(&"x".repeat(1000))),
        ];
        insta::assert_snapshot!(all.join("\n"));
    }

    #[test]
    fn a_program_that_had_enough_is_no_failure_and_one_that_broke_off_is() {
        let after_one = |how| {
            let program = FakeProgram::new(how).reading(100);
            fed(&program, &mut exec(&program)).unwrap_err()
        };
        assert!(matches!(after_one(HowEnded::Exited(0)), SinkError::Enough(_)));
        let failed = SinkError::Permanent("it ended with exit code 1".to_owned());
        assert_eq!(after_one(HowEnded::Exited(1)), failed);
    }

    #[test]
    fn a_program_that_cannot_be_started_is_tried_once_and_only_with_an_event() {
        let missing = || Box::new(|| Err(io::ErrorKind::NotFound.into()));
        let mut sink = ExecSink::new("exec", missing());
        let error = sink.accept(&samples::iteration_started(1)).unwrap_err();
        assert!(error.to_string().starts_with("it could not be started: "), "{error}");
        assert_eq!(ExecSink::new("exec", missing()).finish(), Ok(()));
    }
}
