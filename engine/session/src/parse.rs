//! One line of a session file, as a typed event.

use std::borrow::Cow;

use codeloops_event::Event;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Error, Value, from_slice};

/// Reads one line; `None` for a type that this release does not know, and for chatter, which has no
/// place in a file.
///
/// The type is peeked first and the line then read straight into its struct: serde's own way for a
/// tagged enum copies every text of the line once more.
pub(crate) fn parse_line(line: &[u8]) -> Result<Option<Event>, Error> {
    let tag = peek_type(line)?;
    parse_as(&tag, line).or_else(|strict| parse_mended(&tag, line).ok_or(strict))
}

/// The line's `type`. Our own lines begin with it; others are read through.
pub(crate) fn peek_type(line: &[u8]) -> Result<Cow<'_, str>, Error> {
    #[derive(Deserialize)]
    struct Tagged<'a> {
        #[serde(borrow, rename = "type")]
        tag: Cow<'a, str>,
    }

    match first_type(line) {
        Some(tag) => Ok(Cow::Borrowed(tag)),
        None => from_slice::<Tagged<'_>>(line).map(|tagged| tagged.tag),
    }
}

fn first_type(line: &[u8]) -> Option<&str> {
    let rest = line.strip_prefix(br#"{"type":""#)?;
    let end = rest.iter().position(|b| !(b.is_ascii_lowercase() || *b == b'_'))?;
    if rest[end] != b'"' {
        return None;
    }
    str::from_utf8(&rest[..end]).ok()
}

fn parse_as(tag: &str, line: &[u8]) -> Result<Option<Event>, Error> {
    Ok(Some(match tag {
        "session_start" => Event::SessionStart(from_slice(line)?),
        "iteration_started" => Event::IterationStarted(from_slice(line)?),
        "actor_started" => Event::ActorStarted(from_slice(line)?),
        "actor_completed" => Event::ActorCompleted(from_slice(line)?),
        "read_as_text" => Event::ReadAsText(from_slice(line)?),
        "diff_captured" => Event::DiffCaptured(from_slice(line)?),
        "diff_failed" => Event::DiffFailed(from_slice(line)?),
        "gate_started" => Event::GateStarted(from_slice(line)?),
        "gate_completed" => Event::GateCompleted(from_slice(line)?),
        "gate_tree_checked" => Event::GateTreeChecked(from_slice(line)?),
        "approval_vetoed" => Event::ApprovalVetoed(from_slice(line)?),
        "state_repeated" => Event::StateRepeated(from_slice(line)?),
        "critic_started" => Event::CriticStarted(from_slice(line)?),
        "critic_completed" => Event::CriticCompleted(from_slice(line)?),
        "tree_checked" => Event::TreeChecked(from_slice(line)?),
        "tree_unverified" => Event::TreeUnverified(from_slice(line)?),
        "verdict_reached" => Event::VerdictReached(from_slice(line)?),
        "waiting" => Event::Waiting(from_slice(line)?),
        "wait_over" => Event::WaitOver(from_slice(line)?),
        "stop_requested" => Event::StopRequested(from_slice(line)?),
        "session_resumed" => Event::SessionResumed(from_slice(line)?),
        "answer_ignored" => Event::AnswerIgnored(from_slice(line)?),
        "engine_failed" => Event::EngineFailed(from_slice(line)?),
        "iteration" => Event::Iteration(from_slice(line)?),
        "session_end" => Event::SessionEnd(from_slice(line)?),
        _ => {
            // Skipped, but a torn or damaged line is one whatever its type.
            from_slice::<IgnoredAny>(line)?;
            return Ok(None);
        }
    }))
}

/// Reads a line that another program wrote a little differently: `critic_decision` with more than
/// the word (`DONE (confidence: 0.95)`), or as an object that has it for its one key or in a field;
/// `outcome` as `user_interrupted`, or in the capitals of a name in a program (`UserInterrupted`).
fn parse_mended(tag: &str, line: &[u8]) -> Option<Option<Event>> {
    let mut value: Value = match tag {
        "iteration" | "session_end" => from_slice(line).ok()?,
        _ => return None,
    };
    if let Some(decision) = value.get_mut("critic_decision") {
        *decision = Value::String(word_of(decision)?.to_ascii_uppercase());
    }
    if let Some(Value::String(outcome)) = value.get_mut("outcome") {
        *outcome = match &*outcome.to_ascii_lowercase().replace('_', "") {
            "userinterrupted" => "interrupted".to_owned(),
            "maxiterationsreached" => "max_iterations_reached".to_owned(),
            word => word.to_owned(),
        };
    }
    Event::deserialize(value).ok().map(Some)
}

/// The word of a decision, with whatever comes with it.
fn word_of(decision: &Value) -> Option<&str> {
    const FIELDS: [&str; 3] = ["type", "decision", "kind"];
    let text = match decision {
        Value::String(text) => text,
        Value::Object(fields) => match FIELDS.iter().find_map(|field| fields.get(*field)) {
            Some(word) => word.as_str()?,
            None if fields.len() == 1 => fields.keys().next()?,
            None => return None,
        },
        _ => return None,
    };
    text.split(|c: char| !c.is_ascii_alphabetic()).next()
}

#[cfg(test)]
mod tests {
    use codeloops_event::{Decision, Outcome};

    use super::*;

    fn iteration(decision: &str) -> String {
        format!(
            r#"{{"iteration_number":1,"actor_output":"","actor_stderr":"","actor_exit_code":0,
            "actor_duration_secs":1.5,"git_diff":"","git_files_changed":0,"feedback":null,
            "critic_decision":{decision},"timestamp":"2025-01-27T15:30:45Z","type":"iteration"}}"#
        )
    }

    fn decision(word: &str) -> Option<Decision> {
        written_as(&format!("\"{word}\""))
    }

    fn written_as(decision: &str) -> Option<Decision> {
        match parse_line(iteration(decision).as_bytes()) {
            Ok(Some(Event::Iteration(it))) => Some(it.critic_decision),
            _ => None,
        }
    }

    #[test]
    fn decisions_of_other_programs_are_understood_and_nonsense_is_not() {
        assert_eq!(decision("CONTINUE"), Some(Decision::Continue));
        assert_eq!(decision("DONE (confidence: 0.95)"), Some(Decision::Done));
        assert_eq!(decision("Error"), Some(Decision::Error));
        assert_eq!(decision("NOT DONE"), None);
        assert_eq!(decision(""), None);
        assert_eq!(decision("DONE (0.95)"), Some(Decision::Done));
        assert_eq!(decision("Done { summary: ok, confidence: 0.95 }"), Some(Decision::Done));
    }

    #[test]
    fn a_decision_may_be_an_object() {
        let tagged = r#"{"type":"done","summary":"ok","confidence":0.95}"#;
        assert_eq!(written_as(tagged), Some(Decision::Done));
        assert_eq!(written_as(r#"{"Continue":{"feedback":"more"}}"#), Some(Decision::Continue));
        assert_eq!(written_as(r#"{"decision":"ERROR"}"#), Some(Decision::Error));
        for nonsense in ["{}", "[]", "null", "1", r#"{"done":1,"continue":2}"#, r#"{"type":1}"#] {
            assert_eq!(written_as(nonsense), None, "{nonsense}");
        }
    }

    #[test]
    fn outcomes_of_other_programs_are_understood_and_nonsense_is_not() {
        let outcome = |word: &str| {
            let line = format!(
                r#"{{"type":"session_end","outcome":"{word}","iterations":0,"summary":null,
                "confidence":null,"duration_secs":2,"timestamp":"2025-01-27T15:30:45Z"}}"#
            );
            match parse_line(line.as_bytes()) {
                Ok(Some(Event::SessionEnd(end))) => Some(end.outcome),
                _ => None,
            }
        };
        assert_eq!(outcome("user_interrupted"), Some(Outcome::Interrupted));
        assert_eq!(outcome("UserInterrupted"), Some(Outcome::Interrupted));
        assert_eq!(outcome("MaxIterationsReached"), Some(Outcome::MaxIterationsReached));
        assert_eq!(outcome("Success"), Some(Outcome::Success));
        assert_eq!((outcome("won"), outcome("")), (None, None));
    }

    #[test]
    fn what_is_unknown_is_skipped_and_what_is_broken_is_told() {
        assert_eq!(parse_line(br#"{"type":"comet_seen","at":[1,2]}"#).unwrap(), None);
        assert_eq!(parse_line(br#"{"at":1,"type":"Comet"}"#).unwrap(), None);
        assert!(parse_line(br#"{"type":"comet_seen","at":[1,2"#).is_err());
        assert!(parse_line(br#"{"at":1}"#).is_err());
        assert!(parse_line(b"[]").is_err());
    }
}
