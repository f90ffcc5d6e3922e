//! The JSON documents, and the page that describes them: what the one has, the other names.

use std::collections::BTreeSet;
use std::fs;

use serde_json::Value;

use crate::scripts::TWO_ROUNDS;
use crate::{scripted, workspace};

#[test]
fn the_page_names_every_field_of_a_result() {
    let place = scripted(TWO_ROUNDS);
    let finished = place.task(&["--json-output"]).exits(0).document();
    let refused = place.run(&["--json-output", "--no-such-flag"]).exits(2).document();
    assert_eq!(keys(&finished).difference(&keys(&refused)).count(), SINK_FIELDS, "{refused}");
    let place_of = |field: &str| finished[field].as_str().unwrap().to_owned();
    assert!(place_of("working_dir").ends_with("/project"), "{finished}");
    assert!(place_of("evidence_dir").ends_with(finished["run_id"].as_str().unwrap()), "{finished}");
    assert_named(&keys(&finished), &["json.md"]);
    assert_named(&keys(&workspace().run(&["demo", "--json-output"]).document()), &["json.md"]);
}

/// Where no run began, there are no sinks: `name`, `state`, `written`, the two of what it dropped, and `note`.
const SINK_FIELDS: usize = 6;

#[test]
fn the_page_names_every_field_of_a_dry_run() {
    let mut document = workspace().task(&["--dry-run", "--json-output"]).exits(0).document();
    let settings = document["settings"].as_object_mut().unwrap();
    let of_settings = settings.values().flat_map(keys).collect();
    settings.clear();
    assert_named(&keys(&document), &["json.md"]);
    assert_named(&of_settings, &["json.md"]);
}

#[test]
fn the_page_names_every_field_of_sessions() {
    let place = scripted(TWO_ROUNDS);
    let _ran = place.task(&[]).exits(0);
    assert_named(&keys(&place.run(&["sessions", "list", "--json"]).document()), &["json.md"]);
    let mut session = place.run(&["sessions", "show", "latest", "--json"]).document();
    assert_named(&keys(&session), &["json.md", "session-format.md"]);
    for line in ["start", "iterations", "end"] {
        session[line] = Value::Null;
    }
    for round in session["rounds"].as_array_mut().unwrap() {
        round["changes"] = Value::Null;
        for call in ["actor", "critic"].map(|role| round[role][0]["state"].take()) {
            let own: BTreeSet<String> = keys(&call["left"]).into_iter().collect();
            assert_named(&own.difference(&of_lines()).cloned().collect(), &["json.md"]);
        }
    }
    assert_named(&keys(&session), &["json.md"]);
}

/// Fields of what stands in a document as it stands in the session file.
fn of_lines() -> BTreeSet<String> {
    ["decision", "feedback", "verdict", "summary", "confidence"].map(str::to_owned).into()
}

/// The names of all fields, of what is inside of them too.
pub(crate) fn keys(value: &Value) -> BTreeSet<String> {
    match value {
        Value::Object(fields) => fields
            .iter()
            .flat_map(|(key, value)| keys(value).into_iter().chain([key.clone()]))
            .collect(),
        Value::Array(items) => items.iter().flat_map(keys).collect(),
        _ => BTreeSet::new(),
    }
}

#[track_caller]
pub(crate) fn assert_named(keys: &BTreeSet<String>, pages: &[&str]) {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/src/");
    let text: String =
        pages.iter().map(|page| fs::read_to_string(format!("{root}{page}")).unwrap()).collect();
    let missing: Vec<&String> =
        keys.iter().filter(|key| !text.contains(&format!("`{key}`"))).collect();
    assert!(missing.is_empty() && !keys.is_empty(), "{pages:?} do not name {missing:?}");
}
