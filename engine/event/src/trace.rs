//! The ids of a run in a distributed trace, derived from its run id, so that a recording gives the
//! same trace whenever it is exported.
//!
//! ```text
//! trace id = first 16 bytes of SHA-256("codeloops.trace.v1" NUL run_id)
//! span id  = first  8 bytes of SHA-256("codeloops.span.v1"  NUL run_id NUL path)
//! ```
//!
//! `path` is what [`SpanPath`] displays. An id of zeros is none in a trace, so it is hashed again. A
//! run that was started inside a trace has that trace's id instead (`session_start.trace_id`); its
//! span ids are its own all the same.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha256};

use crate::id::{Attempt, Iteration, Role, RunId};

/// The id of a trace: 16 bytes, not all of them 0; displayed as 32 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TraceId([u8; 16]);

/// The id of a span: 8 bytes, not all of them 0; displayed as 16 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SpanId([u8; 8]);

impl TraceId {
    /// The trace of a run that was started in none.
    #[must_use]
    pub fn of_run(run: &RunId) -> Self {
        Self(derived(&format!("codeloops.trace.v1\0{run}")))
    }

    /// The bytes.
    #[must_use]
    pub const fn bytes(self) -> [u8; 16] {
        self.0
    }
}

impl SpanId {
    /// A span of a run.
    #[must_use]
    pub fn of_run(run: &RunId, path: SpanPath) -> Self {
        Self(derived(&format!("codeloops.span.v1\0{run}\0{path}")))
    }

    /// The bytes.
    #[must_use]
    pub const fn bytes(self) -> [u8; 8] {
        self.0
    }
}

/// The first bytes of the text's SHA-256, of that one's SHA-256 where they are all 0, and so on.
fn derived<const N: usize>(text: &str) -> [u8; N] {
    let mut hash = Sha256::digest(text);
    loop {
        let mut id = [0; N];
        id.copy_from_slice(&hash[..N]);
        if id != [0; N] {
            return id;
        }
        hash = Sha256::digest(hash);
    }
}

/// A text that is no id of a trace or span.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoTraceId;

impl fmt::Display for NoTraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not the lower-case hexadecimal digits of an id that is not zero")
    }
}

impl std::error::Error for NoTraceId {}

/// Reads lower-case hexadecimal digits, as the W3C trace context has them.
fn parsed<const N: usize>(text: &str) -> Result<[u8; N], NoTraceId> {
    let digits = text.as_bytes();
    if digits.len() != 2 * N {
        return Err(NoTraceId);
    }
    let value = |digit: u8| match digit {
        b'0'..=b'9' => Ok(digit - b'0'),
        b'a'..=b'f' => Ok(digit - b'a' + 10),
        _ => Err(NoTraceId),
    };
    let mut id = [0; N];
    for (byte, pair) in id.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = value(pair[0])? << 4 | value(pair[1])?;
    }
    if id == [0; N] { Err(NoTraceId) } else { Ok(id) }
}

impl FromStr for TraceId {
    type Err = NoTraceId;

    fn from_str(text: &str) -> Result<Self, NoTraceId> {
        parsed(text).map(Self)
    }
}

impl FromStr for SpanId {
    type Err = NoTraceId;

    fn from_str(text: &str) -> Result<Self, NoTraceId> {
        parsed(text).map(Self)
    }
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Display for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Which span of a run. No two spans of one run have the same, over all its processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SpanPath {
    /// The run, as one process carries it out: the first, or the one after the `resume`th resume.
    Session {
        /// Resumes before it.
        resume: u32,
    },
    /// A round, or what the process after the `resume`th resume did of one that was begun before.
    Iteration {
        /// The round.
        iteration: Iteration,
        /// Resumes before it, where the round was begun before the last of them; else 0.
        resume: u32,
    },
    /// An agent's call.
    Agent {
        /// In which round.
        iteration: Iteration,
        /// Whose.
        role: Role,
        /// Which try, counted from 1 and on over a resume.
        attempt: Attempt,
    },
    /// The capture of the changes.
    Diff {
        /// In which round.
        iteration: Iteration,
        /// As with [`Self::Iteration`].
        resume: u32,
    },
    /// A gate.
    Gate {
        /// In which round.
        iteration: Iteration,
        /// Its place among the gates that came to an end in the round, counted from 1.
        position: u32,
    },
    /// Something that an agent used a tool for; only of a live run.
    Tool {
        /// In which round.
        iteration: Iteration,
        /// Whose.
        role: Role,
        /// In which try.
        attempt: Attempt,
        /// Its place among those of the call, counted from 1.
        position: u32,
    },
}

impl fmt::Display for SpanPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (word, number) = match self {
            Self::Session { resume } => {
                f.write_str("session")?;
                ("resume", (*resume > 0).then_some(*resume))
            }
            Self::Iteration { iteration, resume } => {
                write!(f, "iter/{iteration}")?;
                ("resume", (*resume > 0).then_some(*resume))
            }
            Self::Tool { iteration, role, attempt, position } => {
                Self::Agent { iteration: *iteration, role: *role, attempt: *attempt }.fmt(f)?;
                ("tool", Some(*position))
            }
            Self::Agent { iteration, role, attempt } => {
                write!(f, "iter/{iteration}/{role}")?;
                ("attempt", (*attempt > 1).then_some(*attempt))
            }
            Self::Diff { iteration, resume } => {
                write!(f, "iter/{iteration}/diff")?;
                ("resume", (*resume > 0).then_some(*resume))
            }
            Self::Gate { iteration, position } => {
                write!(f, "iter/{iteration}")?;
                ("gate", Some(*position))
            }
        };
        number.map_or(Ok(()), |number| write!(f, "/{word}/{number}"))
    }
}

/// The trace that a run's spans belong to, and whether they are exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceContext {
    /// The trace.
    pub trace_id: TraceId,
    /// Whether the spans are exported: the decision is made once for a run.
    pub sampled: bool,
}

impl TraceContext {
    /// The value of `TRACEPARENT` for what is started below a span (W3C trace context, version 00).
    #[must_use]
    pub fn traceparent(&self, parent: SpanId) -> String {
        format!("00-{}-{parent}-{:02x}", self.trace_id, u8::from(self.sampled))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run() -> RunId {
        "01KJP0000000000000000000A1".parse().unwrap()
    }

    /// The values are those of `printf 'codeloops.trace.v1\0…' | sha256sum`.
    #[test]
    fn ids_are_the_beginnings_of_documented_hashes() {
        let run = run();
        assert_eq!(TraceId::of_run(&run).to_string(), "7c60eb4782dd39a22fb49d6f31064366");
        let path = SpanPath::Session { resume: 0 };
        assert_eq!(SpanId::of_run(&run, path).to_string(), "e83a5f2221bc92db");
        let path = SpanPath::Agent { iteration: 3, role: Role::Critic, attempt: 2 };
        assert_eq!(SpanId::of_run(&run, path).to_string(), "16512c7c8a3f380c");
    }

    #[test]
    fn every_path_has_its_words() {
        let (iteration, role) = (3, Role::Actor);
        let actor = |attempt| SpanPath::Agent { iteration, role, attempt };
        let tool = |attempt, position| SpanPath::Tool { iteration, role, attempt, position };
        let words = [
            (SpanPath::Session { resume: 0 }, "session"),
            (SpanPath::Session { resume: 2 }, "session/resume/2"),
            (SpanPath::Iteration { iteration: 3, resume: 0 }, "iter/3"),
            (SpanPath::Iteration { iteration: 3, resume: 1 }, "iter/3/resume/1"),
            (actor(1), "iter/3/actor"),
            (actor(2), "iter/3/actor/attempt/2"),
            (SpanPath::Diff { iteration: 3, resume: 0 }, "iter/3/diff"),
            (SpanPath::Diff { iteration: 3, resume: 1 }, "iter/3/diff/resume/1"),
            (SpanPath::Gate { iteration: 3, position: 2 }, "iter/3/gate/2"),
            (tool(1, 4), "iter/3/actor/tool/4"),
            (tool(2, 1), "iter/3/actor/attempt/2/tool/1"),
        ];
        for (path, expected) in words {
            assert_eq!(path.to_string(), expected);
        }
    }

    #[test]
    fn an_id_is_read_as_it_is_written_and_zeros_are_none() {
        let (trace, span) = ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7");
        assert_eq!(trace.parse::<TraceId>().unwrap().to_string(), trace);
        assert_eq!(span.parse::<SpanId>().unwrap().to_string(), span);
        for wrong in
            ["", "00f067aa0ba902b", "00F067AA0BA902B7", "0000000000000000", "ä0f067aa0ba902"]
        {
            assert_eq!(wrong.parse::<SpanId>(), Err(NoTraceId), "{wrong}");
        }
    }

    #[test]
    fn a_child_is_told_of_its_parent() {
        let context = TraceContext { trace_id: TraceId::of_run(&run()), sampled: true };
        let span = "00f067aa0ba902b7".parse().unwrap();
        let expected = format!("00-{}-00f067aa0ba902b7-01", context.trace_id);
        assert_eq!(context.traceparent(span), expected);
        let unsampled = TraceContext { sampled: false, ..context };
        assert!(unsampled.traceparent(span).ends_with("-00"));
    }
}
