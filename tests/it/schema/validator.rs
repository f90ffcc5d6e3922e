//! As much of JSON Schema 2020-12 as the schemas of `docs/schema` use. A keyword that is not known
//! here fails the test, so that nothing in a schema goes unchecked.

use chrono::DateTime;
use serde_json::Value;

/// A schema, with the definitions that it refers to.
pub(super) struct Validator {
    root: Value,
}

/// Keywords that restrict nothing.
const REMARKS: [&str; 6] = ["$defs", "$id", "$schema", "title", "description", "default"];

impl Validator {
    pub(super) fn new(root: Value) -> Self {
        Self { root }
    }

    /// Whether the schema accepts the value; `date-time` is looked at too.
    pub(super) fn accepts(&self, value: &Value) -> bool {
        self.accepts_by(&self.root, value)
    }

    fn accepts_by(&self, schema: &Value, value: &Value) -> bool {
        // What is referred to comes last: it is the most to look at.
        let rules = schema.as_object().unwrap().iter().rev();
        let mut rules = rules.filter(|(keyword, _)| !REMARKS.contains(&keyword.as_str()));
        rules.all(|(keyword, rule)| self.follows(keyword, rule, value))
    }

    fn follows(&self, keyword: &str, rule: &Value, value: &Value) -> bool {
        let accepting = |rules: &Value| {
            rules.as_array().unwrap().iter().filter(|rule| self.accepts_by(rule, value)).count()
        };
        match keyword {
            "$ref" => self.accepts_by(self.definition(rule.as_str().unwrap()), value),
            "oneOf" => accepting(rule) == 1,
            "anyOf" => accepting(rule) > 0,
            "const" => rule == value,
            "type" => match rule {
                Value::Array(names) => names.iter().any(|name| is_a(name, value)),
                name => is_a(name, value),
            },
            "properties" => value.as_object().is_none_or(|fields| {
                let rules = rule.as_object().unwrap();
                fields.iter().all(|(name, field)| {
                    rules.get(name).is_none_or(|rule| self.accepts_by(rule, field))
                })
            }),
            "required" => value.as_object().is_none_or(|fields| {
                let mut names = rule.as_array().unwrap().iter();
                names.all(|name| fields.contains_key(name.as_str().unwrap()))
            }),
            "items" => value
                .as_array()
                .is_none_or(|items| items.iter().all(|item| self.accepts_by(rule, item))),
            "minimum" => value.as_f64().is_none_or(|number| number >= rule.as_f64().unwrap()),
            "pattern" => value.as_str().is_none_or(|text| matches(rule.as_str().unwrap(), text)),
            "format" => value.as_str().is_none_or(|text| has_format(rule.as_str().unwrap(), text)),
            _ => panic!("`{keyword}` is not known here"),
        }
    }

    /// What `#/$defs/Name` means.
    pub(super) fn definition(&self, reference: &str) -> &Value {
        self.root.pointer(reference.strip_prefix('#').unwrap()).unwrap()
    }
}

fn is_a(name: &Value, value: &Value) -> bool {
    match name.as_str().unwrap() {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "string" => value.is_string(),
        "number" => value.is_number(),
        "integer" => value.is_i64() || value.is_u64(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        name => panic!("type `{name}` is not known here"),
    }
}

fn matches(pattern: &str, text: &str) -> bool {
    regex_automata::meta::Regex::new(pattern).unwrap().is_match(text)
}

fn has_format(format: &str, text: &str) -> bool {
    match format {
        "date-time" => DateTime::parse_from_rfc3339(text).is_ok(),
        // Of numbers.
        "uint32" | "uint64" | "int32" | "double" => true,
        _ => panic!("format `{format}` is not known here"),
    }
}
