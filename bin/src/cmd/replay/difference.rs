//! How two events differ, field by field. Nothing in either is trusted.

use std::collections::BTreeSet;

use codeloops_event::Event;
use codeloops_event::text::escaped_in_json;
use serde::Serialize;
use serde_json::Value;

/// Characters of a value that are shown.
const SHOWN: usize = 160;

/// Characters that are shown of what two texts have in common, before they differ.
const CONTEXT: usize = 24;

/// A field with two values.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct Difference {
    /// The names that lead to it (`ruling.verdict.decision`, `gates[0].status`).
    field: String,
    /// Absent where it was not recorded.
    #[serde(skip_serializing_if = "Option::is_none")]
    recorded: Option<Value>,
    /// Absent where this release does not tell it.
    #[serde(skip_serializing_if = "Option::is_none")]
    decided: Option<Value>,
}

/// Where two events differ.
pub(super) fn differences(recorded: &Event, decided: &Event) -> Vec<Difference> {
    let mut found = Vec::new();
    compare("", Some(&value(recorded)), Some(&value(decided)), &mut found);
    found
}

fn value(event: &Event) -> Value {
    serde_json::to_value(event).unwrap_or_default()
}

fn compare(
    field: &str,
    recorded: Option<&Value>,
    decided: Option<&Value>,
    found: &mut Vec<Difference>,
) {
    match (recorded, decided) {
        (Some(Value::Object(a)), Some(Value::Object(b))) => {
            let names: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            for name in names {
                let below = if field.is_empty() { name.clone() } else { format!("{field}.{name}") };
                compare(&below, a.get(name), b.get(name), found);
            }
        }
        (Some(Value::Array(a)), Some(Value::Array(b))) => {
            for at in 0..a.len().max(b.len()) {
                compare(&format!("{field}[{at}]"), a.get(at), b.get(at), found);
            }
        }
        (recorded, decided) if recorded != decided => found.push(Difference {
            field: field.to_owned(),
            recorded: recorded.cloned(),
            decided: decided.cloned(),
        }),
        _ => {}
    }
}

impl Difference {
    /// Two events of different types.
    pub(super) fn whole(recorded: &Event, decided: &Event) -> Self {
        let (recorded, decided) = (Some(value(recorded)), Some(value(decided)));
        Self { field: String::new(), recorded, decided }
    }

    /// The field, and below it both values, each in a line of its own.
    pub(super) fn rows(&self) -> String {
        let (recorded, decided) = match (&self.recorded, &self.decided) {
            (Some(Value::String(a)), Some(Value::String(b))) => {
                let from = a.chars().zip(b.chars()).take_while(|(a, b)| a == b).count();
                let from = from.saturating_sub(CONTEXT);
                (quoted(a, from), quoted(b, from))
            }
            (recorded, decided) => (short(recorded.as_ref()), short(decided.as_ref())),
        };
        let field = escaped_in_json(self.field.clone());
        let heading = if field.is_empty() { String::new() } else { format!("  {field}\n") };
        format!("{heading}    recorded: {recorded}\n    decides:  {decided}\n")
    }
}

/// A piece of a text.
fn quoted(text: &str, from: usize) -> String {
    let from = if text.chars().count() <= SHOWN { 0 } else { from };
    let piece: String = text.chars().skip(from).take(SHOWN).collect();
    let (before, after) = (from > 0, text.chars().count() > from + SHOWN);
    let dots = |cut: bool| if cut { "..." } else { "" };
    let piece = escaped_in_json(Value::String(piece).to_string());
    format!("{}{piece}{}", dots(before), dots(after))
}

/// A value in one line.
fn short(value: Option<&Value>) -> String {
    let Some(value) = value else { return "nothing".to_owned() };
    if let Value::String(text) = value {
        return quoted(text, 0);
    }
    let text = escaped_in_json(value.to_string());
    let mut piece: String = text.chars().take(SHOWN).collect();
    if piece.len() < text.len() {
        piece.push_str("...");
    }
    piece
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(recorded: &str, decided: &str) -> String {
        let parse = |text: &str| serde_json::from_str::<Value>(text).unwrap();
        let mut found = Vec::new();
        compare("", Some(&parse(recorded)), Some(&parse(decided)), &mut found);
        found.iter().map(Difference::rows).collect()
    }

    #[test]
    fn each_field_that_differs_is_named_with_both_values() {
        let recorded = r#"{"a":{"b":1,"same":[0]},"list":[1,2],"gone":null}"#;
        let decided = r#"{"a":{"b":2,"same":[0]},"list":[1],"new":{"x":"y"}}"#;
        insta::assert_snapshot!(of(recorded, decided), @r#"
          a.b
            recorded: 1
            decides:  2
          gone
            recorded: null
            decides:  nothing
          list[1]
            recorded: 2
            decides:  nothing
          new
            recorded: nothing
            decides:  {"x":"y"}
        "#);
    }

    #[test]
    fn long_texts_are_shown_where_they_differ_and_nothing_acts_on_a_terminal() {
        let text = |word: &str| {
            let text = format!("{}{word}{}", "a".repeat(3000), "b".repeat(3000));
            Value::String(text).to_string()
        };
        let shown = of(&text("\u{1b}[2J \u{9b}31m\n"), &text("DONE\u{202e}"));
        assert!(
            shown.contains(r#"..."aaaaaaaaaaaaaaaaaaaaaaaa\u001b[2J \u009b31m\nbbb"#),
            "{shown}"
        );
        assert!(shown.contains(r#"aDONE\u202ebbb"#), "{shown}");
        assert!(shown.lines().all(|line| line.len() < 260), "{shown}");
    }
}
