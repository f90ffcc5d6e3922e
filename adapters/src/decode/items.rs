//! What a stream told, gathered for whoever watches.

use std::borrow::Cow;

use codeloops_event::layout::TEXT_LIMIT;
use codeloops_event::{Item, Timestamp, Usage};

use super::json::Object;
use crate::text::{capped, first_words, one_line};

/// Characters of a tool's result that are shown, to the end of a word; the whole of it is in evidence.
const SHOWN_OF_RESULT: usize = 2000;

/// Arguments of tools that tell what a call is about, the most telling first.
const TELLING: [&str; 9] = [
    "command",
    "file_path",
    "filePath",
    "absolute_path",
    "path",
    "pattern",
    "query",
    "url",
    "description",
];

/// Items in the order of the stream.
#[derive(Debug, Default)]
pub(super) struct Items(pub(super) Vec<Item>);

impl Items {
    /// A piece of what the program prints beside its events.
    pub(super) fn printed(&mut self, piece: &str) {
        let piece = shown(piece);
        match self.0.last_mut() {
            Some(Item::Printed { text }) => text.push_str(&piece),
            _ => self.add(piece, |text| Item::Printed { text }),
        }
    }

    /// A piece of what the model says.
    pub(super) fn text(&mut self, piece: &str) {
        let piece = shown(piece);
        match self.0.last_mut() {
            Some(Item::Text { text }) => text.push_str(&piece),
            _ => self.add(piece, |text| Item::Text { text }),
        }
    }

    /// A paragraph of what the model says.
    pub(super) fn paragraph(&mut self, text: &str) {
        if !text.is_empty() {
            self.text(text);
            self.text("\n");
        }
    }

    /// A paragraph of what the model thinks.
    pub(super) fn reasoning(&mut self, text: &str) {
        self.add(shown(text), |text| Item::Reasoning { text: text + "\n" });
    }

    /// A tool that is used, with what it is given.
    pub(super) fn tool_call(&mut self, id: &str, name: &str, input: &Object<'_>) {
        let argument = TELLING.iter().find_map(|key| input.some_text(key)).unwrap_or_default();
        self.tool_call_on(id, name, &argument);
    }

    /// A tool that is used on something.
    pub(super) fn tool_call_on(&mut self, id: &str, name: &str, argument: &str) {
        let (name, argument) = (one_line(name), one_line(argument));
        self.0.push(Item::ToolCall { id: id_of(id), name, argument });
    }

    /// What came of a call.
    pub(super) fn tool_result(&mut self, id: &str, failed: bool, text: &str) {
        let text = first_words(text, SHOWN_OF_RESULT).to_owned();
        self.0.push(Item::ToolResult { id: id_of(id), failed, text });
    }

    pub(super) fn usage(&mut self, usage: &Usage) {
        self.0.push(Item::Usage { usage: usage.clone() });
    }

    pub(super) fn retry(&mut self, reason: &str) {
        self.0.push(Item::Retry { reason: one_line(reason) });
    }

    pub(super) fn limit(&mut self, resets_at: Option<Timestamp>, message: &str) {
        self.0.push(Item::Limit { resets_at, message: one_line(message) });
    }

    fn add(&mut self, text: Cow<'_, str>, item: impl FnOnce(String) -> Item) {
        if !text.is_empty() {
            self.0.push(item(text.into_owned()));
        }
    }
}

/// The id of a call, where there is one.
fn id_of(id: &str) -> Option<String> {
    Some(one_line(id)).filter(|id| !id.is_empty())
}

/// What is shown of a text; the whole of it is in evidence.
fn shown(text: &str) -> Cow<'_, str> {
    if text.len() <= TEXT_LIMIT { Cow::Borrowed(text) } else { Cow::Owned(capped(text)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::KEPT;

    #[test]
    fn an_id_is_of_one_line_and_no_longer_than_a_name() {
        let id = |id: &str| {
            let mut items = Items::default();
            items.tool_result(id, false, "");
            let Some(Item::ToolResult { id, .. }) = items.0.pop() else { panic!("a result") };
            id
        };
        assert_eq!(id("call_1\nfc_1\u{1b}[2J"), Some("call_1 fc_1".to_owned()));
        assert_eq!(id(&"x".repeat(5000)).unwrap().len(), 1000);
        assert_eq!([id(""), id("\n")], [None, None]);
    }

    /// A watcher's copy of a line of 16 MiB would be another 16 MiB, and the next one another.
    #[test]
    fn of_a_text_that_is_long_both_ends_are_shown() {
        let text = format!("begin{}end", "x".repeat(3 * TEXT_LIMIT));
        for say in [Items::printed, Items::text, Items::paragraph, Items::reasoning] {
            let mut items = Items::default();
            say(&mut items, &text);
            let [Item::Printed { text } | Item::Text { text } | Item::Reasoning { text }] =
                &items.0[..]
            else {
                panic!("{} items", items.0.len());
            };
            assert!(text.starts_with("begin") && text.trim_end().ends_with("end"));
            assert!(text.len() < KEPT + 100, "{} bytes", text.len());
        }
    }
}
