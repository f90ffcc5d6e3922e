//! A JSON object that is read only where somebody asks: an event may carry whole files beside the
//! two fields that matter.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// An object whose values are unread. What is missing, or of another type than asked for, reads as
/// nothing: programs change what they print from release to release. Of fields with the same name
/// the last counts.
#[derive(Debug, Clone, Default)]
pub(super) struct Object<'a> {
    fields: Vec<(Cow<'a, str>, &'a RawValue)>,
}

/// Text that is borrowed where nothing in it is escaped.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'a> Object<'a> {
    /// Reads a text that is one object.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    /// The text of a field, empty where there is none.
    pub(super) fn text(&self, key: &str) -> Cow<'a, str> {
        self.raw(key).map(text_of).unwrap_or_default()
    }

    /// The text of a field, if it is one.
    pub(super) fn some_text(&self, key: &str) -> Option<Cow<'a, str>> {
        serde_json::from_str::<Text<'a>>(self.raw(key)?.get()).ok().map(|text| text.0)
    }

    /// The object of a field, empty where there is none.
    pub(super) fn object(&self, key: &str) -> Self {
        self.raw(key).and_then(|raw| Self::parse(raw.get())).unwrap_or_default()
    }

    /// The objects of a list.
    pub(super) fn objects(&self, key: &str) -> Vec<Self> {
        self.list(key).into_iter().filter_map(|raw| Self::parse(raw.get())).collect()
    }

    /// The values of a list, unread.
    pub(super) fn list(&self, key: &str) -> Vec<&'a RawValue> {
        self.raw(key).and_then(|raw| serde_json::from_str(raw.get()).ok()).unwrap_or_default()
    }

    /// A number, a truth value or whatever else owns itself.
    pub(super) fn value<T: DeserializeOwned>(&self, key: &str) -> Option<T> {
        serde_json::from_str(self.raw(key)?.get()).ok()
    }

    /// Whether there is such a field, and it is not null.
    pub(super) fn has(&self, key: &str) -> bool {
        self.raw(key).is_some_and(|raw| raw.get() != "null")
    }

    /// The objects of its fields.
    pub(super) fn objects_within(&self) -> Vec<Self> {
        self.fields.iter().filter_map(|(_, raw)| Self::parse(raw.get())).collect()
    }

    /// The first field.
    pub(super) fn first(&self) -> Option<(&str, Self)> {
        let (name, raw) = self.fields.first()?;
        Some((name, Self::parse(raw.get())?))
    }

    fn raw(&self, key: &str) -> Option<&'a RawValue> {
        self.fields.iter().rev().find(|(name, _)| name == key).map(|(_, raw)| *raw)
    }
}

/// The text of a value, empty where it is none.
pub(super) fn text_of(raw: &RawValue) -> Cow<'_, str> {
    serde_json::from_str::<Text<'_>>(raw.get()).map(|text| text.0).unwrap_or_default()
}

impl<'de: 'a, 'a> Deserialize<'de> for Object<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Fields)
    }
}

struct Fields;

impl<'de> Visitor<'de> for Fields {
    type Value = Object<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut fields = Vec::new();
        while let Some((Text(name), raw)) = map.next_entry()? {
            fields.push((name, raw));
        }
        Ok(Object { fields })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_is_read_and_what_is_not_is_nothing() {
        let text =
            r#"{"a":"x\ny","n":5,"o":{"l":["p",{"q":true}]},"z":null,"a":"last","big":1e400}"#;
        let object = Object::parse(text).unwrap();
        assert_eq!(object.text("a"), "last");
        assert_eq!((object.text("n"), object.some_text("n")), ("".into(), None));
        assert_eq!((object.value::<u64>("n"), object.value::<u64>("a")), (Some(5), None));
        let list = object.object("o").list("l");
        assert_eq!((list.len(), text_of(list[0])), (2, "p".into()));
        assert_eq!(object.object("o").objects("l")[0].value::<bool>("q"), Some(true));
        assert_eq!((object.has("z"), object.has("none"), object.has("n")), (false, false, true));
        assert_eq!(object.object("n").text("a"), "");
        assert_eq!(object.value::<f64>("big"), None);
    }

    #[test]
    fn what_is_no_object_is_none() {
        for text in ["", "5", "[]", "{\"a\":", "{\"a\":1}x"] {
            assert!(Object::parse(text).is_none(), "{text}");
        }
    }
}
