//! Takes an answer out of the JSON events that an agent may wrap around it.
//!
//! Adapters decode the streams that they know; this is for the agents of users that print JSON
//! while they are declared as text. Only what the agent itself says at the end is taken, never what
//! a tool gave it: that is the text of somebody else.

use serde_json::Value;

/// What an answer of JSON events says.
pub(super) struct Unwrapped {
    pub(super) text: String,
    /// More was said than the last word. Where it is a message, it is in the text as well.
    pub(super) went_on: bool,
}

/// The final text of an answer that is nothing but JSON: one value, or one event a line. `None`
/// where it is not.
pub(super) fn unwrap(answer: &str) -> Option<Unwrapped> {
    let answer = answer.trim();
    if !answer.starts_with(['{', '[', '"']) {
        return None;
    }
    match serde_json::from_str(answer) {
        Ok(Value::Array(events)) => Some(final_text(events.iter().filter_map(said))),
        Ok(value) => Some(final_text(said(&value).or_else(|| untyped(&value)))),
        Err(_) => {
            let lines = answer.lines().filter(|line| !line.trim().is_empty());
            let events: Vec<Value> =
                lines.map(serde_json::from_str).collect::<Result<_, _>>().ok()?;
            Some(final_text(events.iter().filter_map(said)))
        }
    }
}

/// What one event says.
enum Said {
    /// The agent's last word.
    Final(String),
    /// One message of the agent.
    Message(String),
    /// A piece of a message.
    Piece(String),
    /// A verdict as JSON of nobody's: it is not read, but speaks against a DONE before it.
    Judged,
    /// Something failed: what was said before may not be the whole of it.
    Failure,
}

fn final_text(events: impl IntoIterator<Item = Said>) -> Unwrapped {
    let mut last = String::new();
    let mut in_pieces = false;
    let mut final_word: Option<String> = None;
    let mut went_on = false;
    for said in events {
        went_on |= final_word.is_some();
        match said {
            Said::Judged => went_on = true,
            Said::Final(text) | Said::Message(text) | Said::Piece(text) if went_on => {
                let word = final_word.get_or_insert_default();
                word.push_str("\n\n");
                word.push_str(&text);
            }
            Said::Final(text) => final_word = Some(text),
            Said::Message(text) => (last, in_pieces) = (text, false),
            Said::Piece(text) if in_pieces => last.push_str(&text),
            Said::Piece(text) => (last, in_pieces) = (text, true),
            Said::Failure => {
                (last, in_pieces, final_word, went_on) = (String::new(), false, None, false);
            }
        }
    }
    Unwrapped { text: final_word.unwrap_or(last), went_on }
}

/// What an event says that tells whose it is.
fn said(event: &Value) -> Option<Said> {
    if is_failure(event) {
        return Some(Said::Failure);
    }
    if ["decision", "verdict", "feedback"].iter().any(|key| event.get(key).is_some()) {
        return Some(Said::Judged);
    }
    match event.get("type").and_then(Value::as_str) {
        Some("result") => text_of(event.get("result")?).map(Said::Final),
        Some("assistant") => text_of(event.get("message")?).map(Said::Message),
        Some("item.completed") => item(event.get("item")?),
        Some("text") => text_of(event.get("part").unwrap_or(event)).map(Said::Message),
        Some("agent_message") => text_of(event).map(Said::Message),
        Some("message") | None => message(event),
        Some(_) => None,
    }
}

/// Whether an event is an error, or carries one. It is no answer then, whatever text it holds.
fn is_failure(event: &Value) -> bool {
    let kind = event.get("type").and_then(Value::as_str).unwrap_or_default();
    let has = |key| event.get(key).is_some_and(|v| !matches!(v, Value::Null | Value::Bool(false)));
    let unsuccessful = |key| has(key) && event[key] != "success";
    has("is_error")
        || has("error")
        || kind == "error"
        || kind.ends_with(".failed")
        || (kind == "result" && (unsuccessful("subtype") || unsuccessful("status")))
}

/// A finished item. An error among them is a warning to the user: it ends nothing.
fn item(item: &Value) -> Option<Said> {
    match item.get("type").and_then(Value::as_str) {
        Some("agent_message") => text_of(item).map(Said::Message),
        _ => None,
    }
}

/// What an answer says that is one value and does not tell whose it is. Among other events such a
/// value may be a tool's; alone it is the agent's where it says that it is a result.
fn untyped(answer: &Value) -> Option<Said> {
    if let Value::String(text) = answer {
        return Some(Said::Message(text.clone()));
    }
    let fields = answer.as_object()?;
    let of_a_tool = fields.keys().any(|key| key.starts_with("tool"));
    if of_a_tool || fields.contains_key("type") || fields.contains_key("role") {
        return None;
    }
    let told = ["result", "response"].iter().find_map(|key| fields.get(*key))?;
    text_of(told).map(Said::Message)
}

/// A message that names its speaker.
fn message(event: &Value) -> Option<Said> {
    match event.get("role").and_then(Value::as_str) {
        Some("assistant" | "model") if event.get("delta") == Some(&Value::Bool(true)) => {
            text_of(event).map(Said::Piece)
        }
        Some("assistant" | "model") => text_of(event).map(Said::Message),
        _ => None,
    }
}

/// The text of a message: a string, or its `text`, or the text parts of its `content`.
fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Object(fields) => match fields.get("text").or_else(|| fields.get("content"))? {
            Value::String(text) => Some(text.clone()),
            Value::Array(parts) => Some(text_parts(parts)),
            _ => None,
        },
        _ => None,
    }
}

fn text_parts(parts: &[Value]) -> String {
    parts
        .iter()
        .filter(|part| part.get("type").and_then(Value::as_str) == Some("text"))
        .filter_map(|part| part.get("text").and_then(Value::as_str))
        .collect::<Vec<_>>()
        .join("\n")
}
