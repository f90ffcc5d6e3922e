//! Takes an answer out of the JSON events that an agent may wrap around it.
//!
//! Adapters decode the streams that they know; this is for the agents of users that print JSON
//! while they are declared as text. Only what the agent itself says at the end is taken, never what
//! a tool gave it: that is the text of somebody else.

use serde_json::Value;

/// The final text of an answer that is nothing but JSON: one value, or one event a line. `None`
/// where it is not.
pub(super) fn unwrap(answer: &str) -> Option<String> {
    let answer = answer.trim();
    if !answer.starts_with(['{', '[', '"']) {
        return None;
    }
    let events = match serde_json::from_str(answer) {
        Ok(Value::Array(events)) => events,
        Ok(value) => vec![value],
        Err(_) => answer
            .lines()
            .filter(|line| !line.trim().is_empty())
            .map(serde_json::from_str)
            .collect::<Result<_, _>>()
            .ok()?,
    };
    Some(final_text(&events))
}

/// What one event says.
enum Said {
    /// The agent's last word.
    Final(String),
    /// One message of the agent.
    Message(String),
    /// A piece of a message.
    Piece(String),
}

fn final_text(events: &[Value]) -> String {
    let mut last = String::new();
    let mut in_pieces = false;
    let mut final_word = None;
    for said in events.iter().filter_map(said) {
        match said {
            Said::Final(text) => final_word = Some(text),
            Said::Message(text) => (last, in_pieces) = (text, false),
            Said::Piece(text) if in_pieces => last.push_str(&text),
            Said::Piece(text) => (last, in_pieces) = (text, true),
        }
    }
    final_word.unwrap_or(last)
}

fn said(event: &Value) -> Option<Said> {
    if let Value::String(text) = event {
        return Some(Said::Message(text.clone()));
    }
    // An error event is no answer, whatever text it holds.
    if event.get("is_error").is_some_and(|flag| flag != &Value::Bool(false)) {
        return None;
    }
    match event.get("type").and_then(Value::as_str) {
        Some("result") => text_of(event.get("result")?).map(Said::Final),
        Some("assistant") => text_of(event.get("message")?).map(Said::Message),
        Some("item.completed") => said(event.get("item")?),
        Some("agent_message") => text_of(event).map(Said::Message),
        Some("text") => text_of(event.get("part").unwrap_or(event)).map(Said::Message),
        Some("message") => message(event),
        Some(_) => None,
        None if event.get("role").is_some() => message(event),
        None => ["result", "response", "output"]
            .iter()
            .find_map(|key| event.get(key))
            .map_or_else(|| text_of(event), text_of)
            .map(Said::Message),
    }
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
