//! What the user has a run tell of where it comes from.

use std::collections::BTreeMap;

use super::super::origin::{Layers, Origin, Sourced, of_file};
use super::by_default;
use super::variables::Lenient;
use crate::values::otel::pairs;

/// The attribute that names the service.
pub(super) const SERVICE_NAME: &str = "service.name";

/// What a run calls itself.
const DEFAULT_NAME: &str = "codeloops";

const ATTRIBUTES: &str = "OTEL_RESOURCE_ATTRIBUTES";

/// The name of the service, and all other attributes.
type Attributes = (Sourced<String>, BTreeMap<String, Sourced<String>>);

/// Attributes are put together key by key. What only names the service stands before an attribute that
/// does, in each place.
pub(super) fn attributes(layers: Layers<'_>, lenient: &mut Lenient<'_>) -> Attributes {
    let mut attributes = of_variable(lenient);
    let variable = lenient.value("OTEL_SERVICE_NAME", |text| Ok(text.to_owned()));
    let variable = variable.or_else(|| attributes.remove(SERVICE_NAME));
    let name = variable.or_else(|| of_files(layers)).filter(|name| !name.value.is_empty());
    for file in layers.config.layers() {
        for (name, value) in &file.sinks.otel.resource_attributes {
            attributes.entry(name.clone()).or_insert_with(|| of_file(file, value));
        }
    }
    attributes.remove(SERVICE_NAME);
    (name.unwrap_or(by_default(DEFAULT_NAME.to_owned())), attributes)
}

fn of_files(layers: Layers<'_>) -> Option<Sourced<String>> {
    layers.config.layers().find_map(|file| {
        let otel = &file.sinks.otel;
        let attribute = || otel.resource_attributes.get(SERVICE_NAME);
        Some(of_file(file, otel.service_name.as_ref().or_else(attribute)?))
    })
}

/// As the specification has it, one malformed entry makes the whole count as not set.
fn of_variable(lenient: &mut Lenient<'_>) -> BTreeMap<String, Sourced<String>> {
    let read = lenient.value(ATTRIBUTES, pairs).map(|read| read.value).unwrap_or_default();
    let origin = || Origin::Environment(ATTRIBUTES.to_owned());
    let sourced = |(name, value)| (name, Sourced { value, origin: origin() });
    read.into_iter().map(sourced).collect()
}
