//! The schema of the events: it accepts what there is, refuses what serde refuses, and lists the
//! fields that the format's reference lists.

mod reference;
mod validator;

use codeloops_event::{
    AgentOutput, Event, FORMAT_VERSION, Item, Marker, OutputStream, Role, Usage,
};
use codeloops_session::testing::any_session;
use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use crate::scripted;
use crate::scripts::TWO_ROUNDS;
use crate::tidy::{files_below, read};
use validator::Validator;

/// The schema of this format version, as it lies in `docs`.
fn schema() -> Validator {
    Validator::new(document())
}

fn document() -> Value {
    let text = read(&format!("docs/schema/events-{FORMAT_VERSION}.json"));
    serde_json::from_str(&text).unwrap()
}

/// Every line of the frozen sessions; one that a crash tore is none.
fn frozen_lines() -> Vec<Value> {
    let files = files_below("engine/session/tests/fixtures/v1.0", &[".jsonl"]);
    let whole = |text: &str| {
        let ends = text.rfind('\n').unwrap();
        text[..ends].lines().map(|line| serde_json::from_str(line).unwrap()).collect::<Vec<_>>()
    };
    files.iter().flat_map(|file| whole(&file.text)).collect()
}

#[track_caller]
fn assert_accepted(lines: impl IntoIterator<Item = Value>) {
    let schema = schema();
    for line in lines {
        assert!(schema.accepts(&line), "{line:#}");
    }
}

#[test]
fn frozen_sessions_are_valid() {
    assert_accepted(frozen_lines());
}

#[test]
fn sessions_of_another_program_with_the_basic_fields_are_valid() {
    for name in ["complete", "max_iterations", "unfinished"] {
        let text = read(&format!("engine/session/tests/fixtures/seed/{name}.jsonl"));
        assert_accepted(text.lines().map(|line| serde_json::from_str(line).unwrap()));
    }
}

#[test]
fn whatever_a_session_holds_is_valid() {
    let mut runner = TestRunner::deterministic();
    for _ in 0..50 {
        let events = any_session().new_tree(&mut runner).unwrap().current();
        assert_accepted(events.iter().map(|event| serde_json::to_value(event).unwrap()));
    }
}

/// The session file, and what the console gives to a program: chatter too.
#[test]
fn what_a_run_writes_is_valid() {
    let place = scripted(TWO_ROUNDS);
    let ran = place.task(&["--log-format", "json", "--verbose"]).exits(0);
    let parsed = |text: &str| -> Vec<Value> {
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let told = parsed(&ran.stdout);
    assert!(told.iter().any(|line| line["type"] == "agent_output"), "{ran}");
    assert_accepted(told);
    assert_accepted(parsed(&std::fs::read_to_string(place.session_file()).unwrap()));
}

#[test]
fn chatter_and_a_gap_in_it_are_valid() {
    assert_accepted([chatter(), gap()]);
}

fn gap() -> Value {
    serde_json::to_value(Marker::OutputDropped { events: 3, bytes: 4096 }).unwrap()
}

/// Chatter with an item of each kind.
fn chatter() -> Value {
    let text = || "x".to_owned();
    let items = vec![
        Item::Printed { text: text() },
        Item::Text { text: text() },
        Item::Reasoning { text: text() },
        Item::ToolCall { id: Some(text()), name: text(), argument: text() },
        Item::ToolResult { id: Some(text()), failed: true, text: text() },
        Item::ToolResult { id: None, failed: false, text: text() },
        Item::Usage { usage: Usage { cost_usd: Some(0.5), ..Usage::default() } },
        Item::Retry { reason: text() },
        Item::Limit { resets_at: Some("2026-03-02T09:05:00Z".parse().unwrap()), message: text() },
    ];
    let output =
        AgentOutput { role: Role::Actor, stream: OutputStream::Stdout, skipped_bytes: 0, items };
    serde_json::to_value(Event::AgentOutput(output)).unwrap()
}

/// Each line with one thing in it changed, at every depth: the schema refuses what codeloops itself
/// could not read, and nothing else.
#[test]
fn the_schema_refuses_what_cannot_be_read_and_nothing_else() {
    let schema = schema();
    let mut refused = 0;
    for line in distinct(frozen_lines().into_iter().chain([chatter(), gap()])) {
        for changed in changed(&line) {
            let readable = serde_json::from_value::<Event>(changed.clone()).is_ok()
                || serde_json::from_value::<Marker>(changed.clone()).is_ok();
            assert_eq!(schema.accepts(&changed), readable, "of {line:#}\n{changed:#}");
            refused += usize::from(!readable);
        }
    }
    assert!(refused > 1000, "{refused}");
}

/// One line for each set of fields and words: further ones would show nothing new.
fn distinct(lines: impl Iterator<Item = Value>) -> Vec<Value> {
    let mut seen = std::collections::BTreeSet::new();
    lines.filter(|line| seen.insert(shape(line))).collect()
}

/// The field names of a value, and the words that choose a form.
fn shape(value: &Value) -> String {
    match value {
        Value::Object(fields) => {
            let field = |(name, value): (&String, &Value)| match value.as_str() {
                Some(word) if CHOOSERS.contains(&name.as_str()) => format!("{name}={word} "),
                _ => format!("{name}:{} ", shape(value)),
            };
            format!("{{{}}}", fields.iter().map(field).collect::<String>())
        }
        Value::Array(items) => format!("[{}]", items.first().map(shape).unwrap_or_default()),
        Value::Null => "null".to_owned(),
        _ => String::new(),
    }
}

/// Fields whose word says which others there are.
const CHOOSERS: [&str; 6] = ["type", "kind", "state", "ruling", "problem", "decision"];

/// The value with something in it replaced by each wrong thing, or left out, or added.
fn changed(value: &Value) -> Vec<Value> {
    let wrong = [json!(null), json!(true), json!("x"), json!(-1), json!(1.5), json!([]), json!({})];
    let mut all = wrong.to_vec();
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                let mut without = fields.clone();
                without.remove(name);
                all.push(Value::Object(without));
                all.extend(changed(field).into_iter().map(|changed| {
                    let mut fields = fields.clone();
                    fields.insert(name.clone(), changed);
                    Value::Object(fields)
                }));
            }
            let mut more = fields.clone();
            more.insert("of_a_later_release".to_owned(), json!([1]));
            all.push(Value::Object(more));
        }
        Value::Array(items) => all.extend(items.iter().enumerate().flat_map(|(at, item)| {
            changed(item).into_iter().map(move |changed| {
                let mut items = items.clone();
                items[at] = changed;
                Value::Array(items)
            })
        })),
        _ => {}
    }
    all
}
