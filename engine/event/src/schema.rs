//! The JSON Schema of a line, made from the types: what a session file holds, and what a program is
//! told of a run while it goes on.

use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use schemars::{Schema, json_schema};

use crate::{Event, FORMAT_VERSION, Marker};

/// What the schema says of itself.
const DESCRIPTION: &str = "One line of a session file, of what a sink `exec:…` or `file:…` is \
    given, or of what `--log-format json` prints. `agent_output` and `output_dropped` are printed \
    with `--verbose`, and stand nowhere else.\n\nThe schema is that of a reader: it accepts every line of this major \
    version so far, and those of other programs with the basic fields, so that a field may be \
    missing that codeloops itself always writes; what it writes is in the session format's \
    reference. Fields that are not listed are allowed and to be skipped. A line whose `type` is \
    not listed comes from a later release: skip it before you validate.";

/// The name of the schema's file: one for each version of the format.
#[must_use]
pub fn file_name() -> String {
    format!("events-{FORMAT_VERSION}.json")
}

/// The schema (JSON Schema 2020-12).
#[must_use]
pub fn document() -> Schema {
    let settings = SchemaSettings::draft2020_12();
    let settings = settings.with_transform(RecursiveTransform(on_one_line));
    let mut generator = settings.into_generator();
    let event = generator.subschema_for::<Event>();
    let marker = generator.subschema_for::<Marker>();
    let mut schema = json_schema!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": format!("{}/blob/main/docs/schema/{}", env!("CARGO_PKG_REPOSITORY"), file_name()),
        "title": format!("codeloops: a line of events, format {FORMAT_VERSION}"),
        "description": DESCRIPTION,
        "oneOf": [event, marker],
    });
    schema.insert("$defs".to_owned(), generator.take_definitions(true).into());
    schema
}

/// A paragraph of a description is broken into lines as its comment is.
fn on_one_line(schema: &mut Schema) {
    let text = schema.get("description").and_then(|text| text.as_str());
    let paragraphs = text.map(|text| text.split("\n\n").map(|lines| lines.replace('\n', " ")));
    if let Some(paragraphs) = paragraphs {
        let text = paragraphs.collect::<Vec<_>>().join("\n\n");
        schema.insert("description".to_owned(), text.into());
    }
}
