//! The tables of the session format's reference beside the schema: what one lists, the other lists.

use std::collections::BTreeSet;

use serde_json::Value;

use super::document;
use crate::tidy::{assert_none, read};

type Names = BTreeSet<String>;

const FORMAT: &str = "session-format.md";
const SINKS: &str = "sinks.md";

/// Tables whose first column has the fields of a definition: the page, the heading above, the
/// definition, and the fields that the page tells of elsewhere because many lines have them.
const TABLES: [(&str, &str, &str, &[&str]); 11] = [
    (FORMAT, "### `session_start`", "SessionStart", &[]),
    (FORMAT, "#### Settings", "Settings", &[]),
    (FORMAT, "#### Limits", "Limits", &[]),
    (FORMAT, "### `iteration`", "IterationEnd", &[]),
    (FORMAT, "### `session_end`", "SessionEnd", &[]),
    (FORMAT, "### A session goes on", "SessionResumed", &["timestamp", "elapsed_ms"]),
    (FORMAT, "### Gates", "GateResult", &[]),
    (FORMAT, "### Signs of weakened checks", "Tampering", &[]),
    (FORMAT, "## Evidence", "Evidence", &[]),
    (SINKS, "#### `agent_output`", "AgentOutput", &[]),
    (SINKS, "#### `output_dropped`", "Marker", &[]),
];

#[test]
fn the_tables_of_fields_are_those_of_the_schema() {
    let mut breaches = Vec::new();
    for (page, heading, definition, elsewhere) in TABLES {
        let mut listed = first_column(&below(page, heading));
        listed.extend(elsewhere.iter().map(|&name| name.to_owned()));
        // What chooses the form of a line does not stand in the form itself.
        let mut known = fields(&defined(definition));
        for names in [&mut listed, &mut known] {
            names.remove("type");
        }
        breaches.extend(difference(heading, &listed, &known));
    }
    assert_none("the reference and the schema differ", &breaches);
}

/// One table for the two lines, with a remark at what only one of them has.
#[test]
fn the_table_of_calls_is_that_of_the_schema() {
    let section = below(FORMAT, "### A call is over");
    let mut breaches = Vec::new();
    for (line, definition) in
        [("actor_completed", "ActorCompleted"), ("critic_completed", "CriticCompleted")]
    {
        let has = |row: &&Row| {
            let only = row.last().unwrap().split_once("only in `");
            only.is_none_or(|(_, word)| word.starts_with(line))
        };
        let rows = rows(&section);
        let of_calls = rows.iter().take_while(|row| row[0] != "`kind`").filter(has);
        let mut listed: Names = of_calls.flat_map(|row| coded(&row[0])).collect();
        listed.extend(["timestamp", "elapsed_ms", "iteration"].map(str::to_owned));
        breaches.extend(difference(line, &listed, &fields(&defined(definition))));
    }
    assert_none("the reference and the schema differ", &breaches);
}

/// A row that names a line or a form says in its last column which further fields it has.
#[test]
fn the_rows_of_forms_name_the_fields_of_the_schema() {
    let of_every_line = ["type", "timestamp", "elapsed_ms", "iteration"];
    let sections = [
        (FORMAT, "## Progress lines", "type", "Event"),
        (FORMAT, "### A call is over", "kind", "AgentOutcome"),
        (FORMAT, "### Tree checks", "state", "TreeCheck"),
        (FORMAT, "### Rulings", "ruling", "Ruling"),
        (SINKS, "#### Items", "kind", "Item"),
    ];
    let known = words(&document());
    let mut breaches = Vec::new();
    for (page, heading, tag, definition) in sections {
        let section = below(page, heading);
        for (word, form) in forms(&defined(definition), tag) {
            let all = rows(&section);
            let Some(row) = all.iter().find(|row| coded(&row[0]).contains(&word)) else {
                if has_a_section(&word) {
                    continue;
                }
                breaches.push(format!("{heading}: no row for `{word}`"));
                continue;
            };
            let told = row.last().unwrap();
            if told.contains("[below]") {
                continue;
            }
            let mut further = fields(&form);
            further.retain(|name| name != tag && !of_every_line.contains(&name.as_str()));
            let told = coded(told);
            let missing = further.difference(&told).map(|name| format!("`{name}` is missing"));
            let unknown = told.iter().filter(|name| !known.contains(*name) && is_name(name));
            let unknown = unknown.map(|name| format!("no `{name}` in the schema"));
            breaches.extend(missing.chain(unknown).map(|what| format!("`{word}`: {what}")));
        }
    }
    assert_none("the reference and the schema differ", &breaches);
}

/// Fields of small objects, which stand in the row of the field that holds them.
#[test]
fn the_rows_of_small_objects_name_their_fields() {
    let small = [
        ("### `session_start`", "parent", "Parent"),
        ("#### Settings", "actor", "AgentSettings"),
        ("#### Settings", "gates", "GateSettings"),
        ("#### Settings", "gate_policy", "GatePolicy"),
        ("### A session goes on", "tree", "FoundTree"),
    ];
    let mut breaches = Vec::new();
    for (heading, field, definition) in small {
        let section = below(FORMAT, heading);
        let rows = rows(&section);
        let row = rows.iter().find(|row| coded(&row[0]).contains(field)).unwrap();
        let told = coded(row.last().unwrap());
        let missing = fields(&defined(definition));
        let missing = missing.difference(&told);
        breaches.extend(missing.map(|name| format!("{heading}, `{field}`: no `{name}`")));
    }
    let usage = coded(&below(FORMAT, "### Usage"));
    let mut known = fields(&defined("Usage"));
    known.append(&mut fields(&defined("UsageByRole")));
    known.insert("session_end".to_owned());
    breaches.extend(difference("### Usage", &usage, &known));
    assert_none("the reference and the schema differ", &breaches);
}

/// Every word that a field can hold (outcomes, reasons, kinds) is told.
#[test]
fn every_word_of_the_schema_stands_in_the_reference() {
    let told = format!("{}\n{}", page(FORMAT), page(SINKS));
    let missing =
        words(&document()).into_iter().filter(|word| !told.contains(&format!("`{word}`")));
    let missing: Vec<String> = missing.collect();
    assert_none("not in the reference", &missing);
}

type Row = Vec<String>;

/// The cells of the rows of all tables in a text.
fn rows(text: &str) -> Vec<Row> {
    let rows = text.lines().filter_map(|line| line.strip_prefix('|')?.strip_suffix('|'));
    rows.map(|row| row.split('|').map(|cell| cell.trim().to_owned()).collect()).collect()
}

fn first_column(text: &str) -> Names {
    rows(text).iter().flat_map(|row| coded(&row[0])).collect()
}

/// The words of a text that are marked as code.
fn coded(text: &str) -> Names {
    text.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// Whether a word in a text can be the name of a field or form; others are examples.
fn is_name(word: &str) -> bool {
    word.chars().all(|c| c.is_ascii_lowercase() || c == '_')
}

fn page(name: &str) -> String {
    read(&format!("docs/src/{name}"))
}

/// Whether a line type has a section of its own, whose table another test reads.
fn has_a_section(word: &str) -> bool {
    TABLES.iter().any(|(_, heading, ..)| heading.ends_with(&format!("`{word}`")))
}

/// What stands below a heading, up to the next one.
fn below(name: &str, heading: &str) -> String {
    let page = page(name);
    let found = page.split_once(&format!("\n{heading}\n"));
    let (_, rest) = found.unwrap_or_else(|| panic!("{name} has no `{heading}`"));
    rest.split("\n#").next().unwrap().to_owned()
}

fn difference(of: &str, listed: &Names, known: &Names) -> Vec<String> {
    let missing = known.difference(listed).map(|name| format!("{of}: `{name}` is missing"));
    let unknown = listed.difference(known).map(|name| format!("{of}: no `{name}` in the schema"));
    missing.chain(unknown).collect()
}

fn defined(name: &str) -> Value {
    document()["$defs"][name].clone()
}

/// The schema itself, or what it refers to.
fn resolved(schema: &Value) -> Value {
    let reference = schema["$ref"].as_str();
    reference.map_or_else(|| schema.clone(), |r| document().pointer(&r[1..]).unwrap().clone())
}

/// The fields of an object, in whatever form.
fn fields(schema: &Value) -> Names {
    let mut all = Names::new();
    let forms = schema["oneOf"].as_array().into_iter().flatten();
    for form in forms.chain([schema, &resolved(schema)]) {
        all.extend(form["properties"].as_object().into_iter().flat_map(|p| p.keys().cloned()));
    }
    all
}

/// The forms of a tagged object, each by the word in its tag.
fn forms(schema: &Value, tag: &str) -> Vec<(String, Value)> {
    let forms = schema["oneOf"].as_array().unwrap().iter();
    let word = |form: &Value| form["properties"][tag]["const"].as_str().unwrap().to_owned();
    forms.map(|form| (word(form), form.clone())).collect()
}

/// Every field and word that stands in a schema.
fn words(schema: &Value) -> Names {
    let mut all = Names::new();
    match schema {
        Value::Object(rules) => {
            all.extend(
                rules
                    .get("properties")
                    .and_then(Value::as_object)
                    .into_iter()
                    .flat_map(|fields| fields.keys().cloned()),
            );
            all.extend(rules.get("const").and_then(Value::as_str).map(str::to_owned));
            rules.values().for_each(|rule| all.append(&mut words(rule)));
        }
        Value::Array(items) => items.iter().for_each(|item| all.append(&mut words(item))),
        _ => {}
    }
    all
}
