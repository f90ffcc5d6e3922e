//! A JSON object that is read only where somebody asks: an event may carry whole files beside the
//! two fields that matter.

use std::borrow::Cow;

use serde::de::DeserializeOwned;

use super::scan::{Scan, text_of};

/// An object whose values are unread. What is missing, or of another type than asked for, reads as
/// nothing: programs change what they print from release to release. Of fields with the same name
/// the last counts.
#[derive(Debug, Clone, Default)]
pub(super) struct Object<'a> {
    /// Names and values as they stand in the text, quotes and escapes included.
    fields: Vec<(&'a [u8], &'a [u8])>,
}

impl<'a> Object<'a> {
    /// Reads a text that is one object.
    pub(super) fn parse(text: &'a [u8]) -> Option<Self> {
        Some(Self { fields: Scan::new(text).object()? })
    }

    /// The text of a field, empty where there is none.
    pub(super) fn text(&self, key: &str) -> Cow<'a, str> {
        self.some_text(key).unwrap_or_default()
    }

    /// The text of a field, if it is one.
    pub(super) fn some_text(&self, key: &str) -> Option<Cow<'a, str>> {
        text_of(self.raw(key)?)
    }

    /// The object of a field, empty where there is none.
    pub(super) fn object(&self, key: &str) -> Self {
        self.raw(key).and_then(Self::parse).unwrap_or_default()
    }

    /// The objects of a list.
    pub(super) fn objects(&self, key: &str) -> impl Iterator<Item = Self> + use<'a> {
        self.list(key).into_iter().filter_map(Self::parse)
    }

    /// The values of a list, unread.
    pub(super) fn list(&self, key: &str) -> Vec<&'a [u8]> {
        self.raw(key).and_then(|raw| Scan::new(raw).list()).unwrap_or_default()
    }

    /// A number, a truth value or whatever else owns itself.
    pub(super) fn value<T: DeserializeOwned>(&self, key: &str) -> Option<T> {
        serde_json::from_slice(self.raw(key)?).ok()
    }

    /// Whether there is such a field, and it is not null.
    pub(super) fn has(&self, key: &str) -> bool {
        self.raw(key).is_some_and(|raw| raw != b"null")
    }

    /// The objects of its fields.
    pub(super) fn objects_within(&self) -> Vec<Self> {
        self.fields.iter().filter_map(|(_, raw)| Self::parse(raw)).collect()
    }

    /// The first field.
    pub(super) fn first(&self) -> Option<(Cow<'a, str>, Self)> {
        let (name, raw) = self.fields.first()?;
        Some((text_of(name)?, Self::parse(raw)?))
    }

    fn raw(&self, key: &str) -> Option<&'a [u8]> {
        self.fields.iter().rev().find(|(name, _)| is_named(name, key)).map(|(_, raw)| *raw)
    }
}

/// Whether a name as it stands in the text is this one. Hardly any has an escape in it.
fn is_named(name: &[u8], key: &str) -> bool {
    let inner = &name[1..name.len() - 1];
    inner == key.as_bytes() || inner.contains(&b'\\') && text_of(name).is_some_and(|n| n == key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_is_read_and_what_is_not_is_nothing() {
        let text =
            r#"{"a":"x\ny","n":5,"o":{"l":["p",{"q":true}]},"z":null,"a":"last","big":1e400}"#;
        let object = Object::parse(text.as_bytes()).unwrap();
        assert_eq!(object.text("a"), "last");
        assert_eq!((object.text("n"), object.some_text("n")), ("".into(), None));
        assert_eq!((object.value::<u64>("n"), object.value::<u64>("a")), (Some(5), None));
        let list = object.object("o").list("l");
        assert_eq!((list.len(), text_of(list[0])), (2, Some("p".into())));
        assert_eq!(object.object("o").objects("l").next().unwrap().value("q"), Some(true));
        assert_eq!((object.has("z"), object.has("none"), object.has("n")), (false, false, true));
        assert_eq!(object.object("n").text("a"), "");
        assert_eq!(object.value::<f64>("big"), None);
    }

    #[test]
    fn a_name_may_be_written_with_escapes() {
        let object = Object::parse(br#"{"\u0061":"1","":"2","a\\":"3"}"#).unwrap();
        assert_eq!([object.text("a"), object.text(""), object.text("a\\")], ["1", "2", "3"]);
    }

    #[test]
    fn what_is_no_object_is_none() {
        for text in ["", "5", "[]", "{\"a\":", "{\"a\":1}x"] {
            assert!(Object::parse(text.as_bytes()).is_none(), "{text}");
        }
    }
}
